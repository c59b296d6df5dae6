"""The part ``programs``: one classifier for threads and forked processes, and a million calls without growth."""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice

from edgetext import Classifier
from tests.soaking import Outcome, last_line, outcome
from tests.soaking.families import families
from tests.soaking.lengths import memory
from tests.soaking.scorers import ENGINES, in_child, load

THREADS, PROCESSES = 8, 4
# Each batch size gives TensorFlow Lite's tensors another shape, so all sizes are mixed with single texts.
BATCH = 16
# The sums of a batch are computed in another order than those of a single text.
ROUNDING = 1e-6
WARM, GROWTH = 10_000, 1_000_000
CHILD_SECONDS = 300


def run(quick: bool, seed: int) -> Iterator[Outcome]:
    """Try the promises; see ``tests.soaking``."""
    texts = draw(100 if quick else 2_000, seed)
    yield shared("threads", THREADS, in_threads, texts, seed)
    yield shared("forked processes", PROCESSES, in_processes, texts, seed)
    yield flat(20_000 if quick else 1_000_000, seed)


def draw(count: int, seed: int) -> list[str]:
    """Draw ``count`` texts with different scores."""
    rng = random.Random(seed)
    draw_one = families()["known words"]
    return [draw_one(rng) for _ in range(count)]


def shared(what: str, count: int, start: Callable[..., list[str]], texts: list[str], seed: int) -> Outcome:
    """Score the texts in several threads or processes at once, and compare with the scores of a single thread."""
    failures = []
    for name in ENGINES:
        alone = load(name)
        expected = [alone.classify(text).score for text in texts]
        # Neither used before, in which case each of them is the first, nor new.
        for used in (False, True):
            classifier = alone if used else load(name)
            failures += [f"{name}: {failure}" for failure in start(classifier, texts, expected, count, seed)]
    return outcome(
        f"{count} {what} that share a classifier, new or used before, get the scores that one alone gets",
        2 * 2 * count * len(texts) * len(ENGINES),
        "scores",
        failures,
    )


def in_threads(classifier: Classifier, texts: list[str], expected: list[float], count: int, seed: int) -> list[str]:
    """Compare in threads that start together."""
    failures: list[str] = []
    ready = threading.Barrier(count)

    def work(number: int) -> None:
        ready.wait()
        failures.extend(compare(classifier, texts, expected, seed + number))

    workers = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # from one to the next as often as can be
    try:
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    finally:
        sys.setswitchinterval(interval)
    return failures


def in_processes(classifier: Classifier, texts: list[str], expected: list[float], count: int, seed: int) -> list[str]:
    """Compare in processes that are forked while a thread scores too, and in that thread."""
    failures: list[str] = []
    busy = threading.Thread(target=lambda: failures.extend(compare(classifier, texts, expected, seed)))
    busy.start()
    with tempfile.TemporaryFile("w+") as file:
        children = []
        for number in range(count):
            child = os.fork()
            if not child:
                _be_child(file.fileno(), partial(compare, classifier, texts, expected, seed + 1 + number))
            children.append(child)
        ends = [os.waitpid(child, 0)[1] for child in children]
        busy.join()
        file.seek(0)
        failures += file.read().splitlines()
    return failures + [f"a process ended with {end}" for end in ends if end]


def _be_child(file: int, work: Callable[[], list[str]]) -> None:
    """Do the work, write its findings to a file, and exit; a child that hangs is ended by a signal."""
    signal.alarm(CHILD_SECONDS)
    try:
        os.write(file, "".join(f"{line}\n" for line in work()).encode())
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def compare(classifier: Classifier, texts: list[str], expected: list[float], seed: int) -> list[str]:
    """Score the texts in random order, one by one and in batches, and describe each score that differs."""
    rng = random.Random(seed)
    order = list(range(len(texts)))
    rng.shuffle(order)
    failures = []
    try:
        for place in order:
            score = classifier.classify(texts[place]).score
            if score != expected[place]:
                failures.append(f"{score}, and alone {expected[place]}")
        while order:
            places = [order.pop() for _ in range(min(len(order), rng.randrange(1, BATCH + 1)))]
            for place, prediction in zip(places, classifier.classify_many([texts[place] for place in places])):
                if abs(prediction.score - expected[place]) > ROUNDING:
                    failures.append(f"{prediction.score} in a batch, and alone {expected[place]}")
    except Exception as error:  # any exception is a failure
        failures.append(f"{type(error).__name__}: {last_line(str(error))}")
    return failures


def flat(calls: int, seed: int) -> Outcome:
    """Call each engine many times, and compare its process's memory with that after the first ``WARM`` calls."""
    growth = {name: in_child("programs.grow", name, calls, seed) for name in ENGINES}
    return outcome(
        f"After {WARM:,} calls of classify, the others take at most {GROWTH / 1e6:g} MB more memory",
        calls * len(ENGINES),
        "calls",
        [f"{name}: {value:,} bytes" for name, value in growth.items() if not value <= GROWTH],
        "; ".join(f"{name} {value / 1e6:.2f} MB" for name, value in growth.items()),
        **growth,
    )


def grow(classifier: Classifier, calls: int, seed: int) -> int:
    """Call ``calls`` times with texts of all families; return by how much memory grew after the first ``WARM``."""
    before = 0
    for number, text in enumerate(islice(_endless(seed), calls)):
        if number == WARM:
            before = memory("VmRSS")
        classifier.classify(text)
    return memory("VmRSS") - before


def _endless(seed: int) -> Iterator[str]:
    """Yield texts of all families without end."""
    rng = random.Random(seed)
    kinds = list(families().values())
    while True:
        texts = [draw_one(rng)[:2_000] for draw_one in kinds]
        for _ in range(50):  # drawing one takes longer than scoring it
            yield from texts
