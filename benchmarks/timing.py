"""Time one model over and over, in a process of its own, which latency.py starts.

The standard library and edgetext only, Python 3.9 included:

    python benchmarks/timing.py TASK

TASK is the JSON of ``Task.to_json``. It prints one JSON object.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import records
from edgetext import Classifier, EdgetextError


class Protocol(NamedTuple):
    """How long to measure.

    Attributes:
        launches: How often the processes that are timed whole are started.
        warm_up: Calls of each kind before the first that counts.
        rounds: Processes for the calls that are timed one by one, in turns with those of the other models.
        turns: Turns of each kind of call in such a process.
        seconds: A turn's length, at least.
        calls: Measured calls in a turn, at least.
        batches: Batch sizes for texts in bulk.
    """

    launches: int = 10
    warm_up: int = 200
    rounds: int = 3
    turns: int = 10
    seconds: float = 0.1
    calls: int = 100
    batches: Sequence[int] = (1, 32, 256)


QUICK = Protocol(launches=2, warm_up=5, rounds=1, turns=1, seconds=0.02, calls=50, batches=(1, 32))

# What is timed call by call.
KINDS = ("text_to_label", "model_only", "yardstick")


class Task(NamedTuple):
    """What a measuring process is to do; it is passed as JSON.

    Attributes:
        model: The bundle's folder; None stands for the shipped one.
        engine: The engine.
        recipe: The recipe.
        texts: A file with the texts, a JSON list of strings.
        protocol: How long to measure.
    """

    model: str | None
    engine: str
    recipe: str
    texts: str
    protocol: Protocol

    def to_json(self) -> str:
        """Give what ``from_json`` reads back."""
        return json.dumps({**self._asdict(), "protocol": self.protocol._asdict()})

    @classmethod
    def from_json(cls, text: str) -> Task:
        """Read what ``to_json`` wrote."""
        fields = json.loads(text)
        return cls(**{**fields, "protocol": Protocol(**fields["protocol"])})


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    (text,) = sys.argv[1:] if argv is None else argv
    model, engine, recipe, texts, protocol = Task.from_json(text)
    try:
        classifier = Classifier.load(model, engine, recipe=recipe)
    except EdgetextError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    with open(texts, encoding="utf-8") as file:
        measured = steady(classifier, json.load(file), protocol)
    print(json.dumps({"environment": records.environment(), **measured}))
    return 0


def steady(classifier: Classifier, texts: Sequence[str], protocol: Protocol) -> dict[str, Any]:
    """Measure single classifications, their engine's share, the yardstick, and texts in bulk, all in turns.

    Returns:
        ``text_to_label``, ``model_only`` and ``yardstick``, as ``summarize`` gives them, and ``texts_per_second`` by
        batch size.
    """
    predict = classifier.engine.predict
    inputs: dict[str, Iterator[Any]] = {name: cycle(texts) for name in KINDS}
    inputs["model_only"] = cycle([[classifier.prepare(text)] for text in texts])
    calls: dict[str, Callable[[Any], object]] = dict(zip(KINDS, (classifier.classify, predict, _split)))
    times: dict[str, list[int]] = {name: [] for name in KINDS}
    bulk = {size: [0, 0.0] for size in protocol.batches}  # texts, seconds
    for name in KINDS:
        deque(map(calls[name], islice(inputs[name], protocol.warm_up)), maxlen=0)
    for _ in range(protocol.turns):
        for name in KINDS:
            times[name] += _turn(calls[name], inputs[name], protocol)
        for size, total in bulk.items():
            for index, value in enumerate(_bulk_turn(classifier, texts, size, protocol)):
                total[index] += value
    yardstick = statistics.median(times["yardstick"]) / 1e3
    result: dict[str, Any] = {name: summarize(times[name], yardstick) for name in KINDS}
    result["texts_per_second"] = {str(size): count / seconds for size, (count, seconds) in bulk.items()}
    return result


def summarize(times: Sequence[int], yardstick: float) -> dict[str, Any]:
    """Give median, 95th and 99th percentile.

    Args:
        times: In nanoseconds.
        yardstick: The yardstick's median, in microseconds.

    Returns:
        Microseconds, the median's ``ratio`` to the yardstick, and how many ``calls`` were measured.
    """
    ordered = sorted(times)
    last = len(ordered) - 1
    median = statistics.median(ordered) / 1e3
    return {
        "median_us": round(median, 2),
        "p95_us": round(ordered[round(0.95 * last)] / 1e3, 2),
        "p99_us": round(ordered[round(0.99 * last)] / 1e3, 2),
        "ratio": round(median / yardstick, 2),
        "calls": len(ordered),
    }


def _split(text: str) -> list[str]:
    """Be the yardstick: about the least that a Python program does with a text."""
    return text.lower().split()


def _turn(call: Callable[[Any], object], inputs: Iterator[Any], protocol: Protocol) -> list[int]:
    """Time single calls, in nanoseconds, until the turn is over."""
    clock = time.perf_counter_ns
    times: list[int] = []
    end = clock() + protocol.seconds * 1e9
    while clock() < end or len(times) < protocol.calls:
        item = next(inputs)
        before = clock()
        call(item)
        times.append(clock() - before)
    return times


def _bulk_turn(classifier: Classifier, texts: Sequence[str], size: int, protocol: Protocol) -> tuple[int, float]:
    """Classify texts in batches of ``size`` until the turn is over; give their number and the seconds."""
    stream = classifier.classify_many(cycle(texts), size)
    deque(islice(stream, size), maxlen=0)  # at another size than before an engine arranges its memory anew
    count = 0
    started = now = time.perf_counter()
    while now - started < protocol.seconds or count < protocol.calls:
        deque(islice(stream, size), maxlen=0)
        count += size
        now = time.perf_counter()
    return count, now - started


if __name__ == "__main__":
    sys.exit(main())
