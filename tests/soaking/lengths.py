"""Long texts, for the part ``texts``: time and memory per character."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from edgetext import Classifier
from tests.soaking import Outcome, outcome
from tests.soaking.families import LONG
from tests.soaking.scorers import ALL, ALL_LETTERS, ANY_SCRIPT_MARKS, ENGINES, ONNX_TEXT, in_child, load

# Characters in a text. In texts shorter than the middle length, the constant cost dominates.
LENGTHS, MIDDLE = (1_000, 10_000, 100_000, 1_000_000, 10_000_000), 100_000
QUICK_LENGTHS = LENGTHS[:-1]
# How much longer a character may take in the longest text than in the middle one. It takes 0.5 ns in what fits the
# processor's cache, and some times that where each page of memory is new; were it quadratic, it would be 100 times.
FACTOR = 5.0
REPEATS = 5

# Memory in addition to the text, in bytes per byte of its UTF-8.
MEMORY = dict.fromkeys(ALL, 3.25) | {ANY_SCRIPT_MARKS: 4.5, ALL_LETTERS: 8.25, ONNX_TEXT: 22.0}


def run(quick: bool) -> Iterator[Outcome]:
    """Try the promises; see ``tests.soaking``."""
    yield linear({name: load(name) for name in ALL}, QUICK_LENGTHS if quick else LENGTHS, FACTOR)
    yield bounded(QUICK_LENGTHS[-1] if quick else LENGTHS[-1])


def linear(classifiers: dict[str, Classifier], lengths: tuple[int, ...], factor: float) -> Outcome:
    """Compare the time per character of the longest texts with that of shorter ones."""
    ratios: dict[str, float] = {}
    slowest = dict.fromkeys(lengths, 0.0)
    for kind, make in LONG.items():
        texts = {length: make(length) for length in lengths}
        for name, classifier in classifiers.items():
            each = nanoseconds(classifier, texts)
            ratios[f"{name}, {kind}"] = each[lengths[-1]] / each[MIDDLE]
            slowest = {length: max(slowest[length], each[length]) for length in lengths}
    worst = max(ratios, key=lambda key: ratios[key])
    return outcome(
        f"Time grows with a text's length and no faster: a character takes at {lengths[-1]:,} at most {factor:g} times "
        f"what it takes at {MIDDLE:,}",
        len(ratios),
        "kinds of text by engine",
        [f"{key}: {ratio:.1f} times" for key, ratio in ratios.items() if not ratio <= factor],
        f"at most {ratios[worst]:.1f} times ({worst}); {slowest[lengths[-1]]:.0f} ns a character",
        largest=ratios[worst],
        **{f"ns a character of {length:,}": value for length, value in slowest.items()},
    )


def nanoseconds(classifier: Classifier, texts: dict[int, str]) -> dict[int, float]:
    """Return the shortest time per character of each text, by the text's length."""
    least = dict.fromkeys(texts, float("inf"))
    for _ in range(REPEATS):  # in turn, so that what else the machine does meets all of them
        for length, text in texts.items():
            start = time.process_time()  # other processes do not count
            classifier.classify(text)
            least[length] = min(least[length], 1e9 * (time.process_time() - start) / length)
    return least


def bounded(length: int) -> Outcome:
    """Compare the memory for long texts with the size of the texts."""
    failures, largest = [], dict.fromkeys(ALL, 0.0)
    for name in ALL:
        for kind, multiple in in_child("lengths.footprints", name, length).items():
            largest[name] = max(largest[name], multiple)
            if not multiple <= MEMORY[name]:
                failures.append(f"{name}, {kind}: {multiple:.1f} times")
    return outcome(
        f"A text of {length:,} characters needs, in addition to itself, at most {MEMORY[ENGINES[0]]:g} times its UTF-8 "
        f"in memory ({MEMORY[ANY_SCRIPT_MARKS]:g} times where marks are words, {MEMORY[ALL_LETTERS]:g} times with "
        f"--lowercase unicode, and {MEMORY[ONNX_TEXT]:g} times in ONNX Runtime from text)",
        len(ALL) * len(LONG),
        "kinds of text by engine",
        failures,
        "; ".join(f"{name} {value:.1f}" for name, value in largest.items()),
        **largest,
    )


def footprints(classifier: Classifier, length: int) -> dict[str, float]:
    """Return the memory that scoring a text of each kind takes at its peak, in bytes per byte of its UTF-8.

    Called in a process in which nothing else allocates memory.
    """
    found = {}
    classifier.classify("great movie " * 1_000)
    for kind, make in LONG.items():
        text = make(length)
        Path("/proc/self/clear_refs").write_text("5")  # forget the highest so far
        before = memory("VmRSS")
        classifier.classify(text)
        found[kind] = max(memory("VmHWM") - before, 0) / len(text.encode("utf-8", "surrogatepass"))
    return found


def memory(name: str) -> int:
    """Return a value of ``/proc/self/status``, in bytes."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{name}:"))
    return 1024 * int(line.split()[1])
