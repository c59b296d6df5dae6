"""The program that runs in the measured processes: one runtime, one model, one task.

    python benchmarks/measuring/program.py RUNTIME ARGUMENT about
    python benchmarks/measuring/program.py RUNTIME ARGUMENT load TEXTS      load, and classify the texts
    python benchmarks/measuring/program.py RUNTIME ARGUMENT score TEXTS     classify all texts
    python benchmarks/measuring/program.py RUNTIME ARGUMENT time TEXTS      time every text by itself

RUNTIME and ARGUMENT are those of runtimes.py; TEXTS is a file with a JSON list of strings. It prints one JSON object.
An error is one line on standard error and exit code 2. Standard library and the runtime only; Python 3.9.
"""

from __future__ import annotations

import json
import os
import sys
import time

if __name__ == "__main__":
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from benchmarks.measuring import runtimes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

# Texts that are classified before the first that is timed.
WARM_UP = 200
# What is timed takes turns after this many texts.
TURN = 100
# Parts of an explanation that are asked for, as many as `classify.py --explain` shows.
STRONGEST = 8


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    runtime, argument, task, *rest = sys.argv[1:] if argv is None else argv
    try:
        print(json.dumps(TASKS[task](runtime, argument, *rest)))
    except Exception as error:  # runtimes raise what they like; the caller records why this one does not work
        message = (str(error) or type(error).__name__).splitlines()[0]
        print(f"error: {message}".replace(sys.executable, "python"), file=sys.stderr)
        return 2
    return 0


def _read(file: str) -> list[str]:
    with open(file, encoding="utf-8") as source:
        texts: list[str] = json.load(source)
    return texts


def load(runtime: str, argument: str, file: str) -> dict[str, Any]:
    """Import and load a runtime and classify a text; return how long it took, and the process's peak memory."""
    text, *others = _read(file)
    started = time.perf_counter_ns()
    classify = runtimes.load(runtime, argument)
    loaded = time.perf_counter_ns()
    classify(text)
    first = time.perf_counter_ns()
    for other in others:  # for counting instructions
        classify(other)
    return {"load_ms": (loaded - started) / 1e6, "first_us": (first - loaded) / 1e3, "peak_mb": peak_memory()}


def score(runtime: str, argument: str, file: str) -> dict[str, Any]:
    """Return the answer to every text."""
    return {"answers": list(map(runtimes.load(runtime, argument), _read(file)))}


def time_texts(runtime: str, argument: str, file: str) -> dict[str, Any]:
    """Time text to label, ``text.lower().split()`` and, in edgetext, the model alone, in nanoseconds for each text.

    For edgetext there is also ``texts_per_second`` in batches, and the time of an explanation if the engine and the
    model have explanations.
    """
    texts = _read(file)
    calls: dict[str, tuple[Callable[[Any], Any], Sequence[Any]]] = {"split": (lambda text: text.lower().split(), texts)}
    classifier = runtimes.load_edgetext(argument) if runtime == "edgetext" else None
    if classifier is None:
        calls["text_to_label"] = runtimes.load(runtime, argument), texts
    else:
        calls["text_to_label"] = classifier.classify, texts
        calls["model_only"] = classifier.engine.predict, [[classifier.prepare(text)[0]] for text in texts]
        if runtimes.can_explain(classifier):
            calls["explanation"] = lambda text: classifier.explain(text).strongest(STRONGEST), texts
    for call, inputs in calls.values():
        for item in inputs[:WARM_UP]:
            call(item)
    clock = time.perf_counter_ns
    times: dict[str, Any] = {name: [] for name in calls}
    for start in range(0, len(texts), TURN):
        for name, (call, inputs) in calls.items():
            for item in inputs[start : start + TURN]:
                before = clock()
                call(item)
                times[name].append(clock() - before)
    if classifier is not None:
        before = clock()
        count = sum(1 for _ in classifier.classify_many(texts))
        times["texts_per_second"] = round(count / (clock() - before) * 1e9)
    return times


def peak_memory() -> float | None:
    """Return the most memory that this process has held, in MB (10^6 bytes); None where there is no /proc.

    A process inherits ``ru_maxrss`` from the one that started it, so that is no use.
    """
    if not os.path.exists("/proc/self/status"):
        return None
    with open("/proc/self/status", encoding="utf-8") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) * 1024 / 1e6


TASKS: dict[str, Any] = {"about": runtimes.describe, "load": load, "score": score, "time": time_texts}

if __name__ == "__main__":
    sys.exit(main())
