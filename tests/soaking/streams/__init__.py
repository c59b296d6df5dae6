"""Streams: endless ones, garbage, mixed line ends, huge lines, and every way in which a stream ends."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tests.soaking import Outcome, outcome
from tests.soaking.streams.content import check_garbage, check_line_ends
from tests.soaking.streams.ends import check_closed_pipes, check_full_disks, check_signals
from tests.soaking.streams.feeding import feed, sentence

LIMIT = 2**24
MEBIBYTE = 2**20
# Lines in a chunk; each chunk has words that no other has.
BLOCK = 1000
SMALL = 5000
# Arguments, first line, and what surrounds a text.
FORMS = {
    "lines": ((), b"", b"", b""),
    "JSON lines": (("--jsonl", "text"), b"", b'{"text": "', b'"}'),
    "CSV": (("--csv", "text"), b"text\n", b'"', b'"'),
}
REFUSED = "longer than 16 MiB: split it"
# The largest allowed ratio of the memory of a long stream to that of a short one.
RATIO = 1.2


class Amount(NamedTuple):
    """Amounts: lines of the long streams (of texts, and of each form with fields), and numbers of tries."""

    lines: int
    records: int
    huge: int
    garbage: int
    line_ends: int
    ends: int


QUICK = Amount(lines=100_000, records=20_000, huge=20 * MEBIBYTE, garbage=8, line_ends=6, ends=8)
FULL = Amount(lines=5_000_000, records=500_000, huge=100_000_000, garbage=100, line_ends=100, ends=50)


def run(quick: bool, seed: int) -> Iterator[Outcome]:
    """Try every promise."""
    amount = QUICK if quick else FULL
    rng = random.Random(seed)
    yield check_memory(rng, "text lines", (), amount.lines)
    yield check_memory(rng, "JSON lines", ("--jsonl", "text"), amount.records)
    yield check_memory(rng, "CSV records", ("--csv", "text"), amount.records)
    yield check_huge_lines(amount.huge)
    yield check_garbage(rng, amount.garbage)
    yield check_line_ends(rng, amount.line_ends)
    yield check_closed_pipes(rng, amount.ends)
    yield check_full_disks(rng, amount.ends)
    yield check_signals(rng, amount.ends)


def check_memory(rng: random.Random, unit: str, arguments: Sequence[str], lines: int) -> Outcome:
    """Compare the memory at the end of a long stream with that at the end of a short one."""
    header = "--csv" in arguments
    texts = [sentence(rng) for _ in range(BLOCK)]
    if "--jsonl" in arguments:
        texts = [json.dumps({"id": place, "text": text}) for place, text in enumerate(texts)]
    peaks = []
    failures = []
    for count in (SMALL, lines):
        expected = count + header
        result = feed(_stream(texts, count, header), expected, arguments)
        if (result.code, result.lines, result.errors) != (0, expected, ""):
            failures.append(f"{count} {unit}: {result.lines} lines came out, code {result.code}: {result.errors[:200]}")
        peaks.append(result.peak)
    ratio = peaks[1] / max(peaks[0], 1)
    if not 0 < ratio <= RATIO:
        failures.append(f"{peaks[1]} KiB after {lines} {unit}, {peaks[0]} KiB after {SMALL}")
    return outcome(
        f"A pipe of {unit} of about ten words is scored in constant memory",
        lines,
        unit,
        failures,
        f"{peaks[1] / 1024:.1f} MiB at most, {ratio:.2f} times as much as {SMALL:,} need",
        peak_kib=peaks[1],
        ratio=ratio,
    )


def _stream(texts: Sequence[str], count: int, header: bool) -> Iterator[bytes]:
    if header:
        yield b"text\n"
    block = "".join(f"{text}\n" for text in texts)
    for number in range(count // BLOCK):
        yield block.replace("film", f"film{number}").encode()


def check_huge_lines(size: int) -> Outcome:
    """Put lines of the maximum length, and longer ones, between two short ones."""
    failures = []
    peaks = {True: 0, False: 0}
    sizes = (LIMIT, LIMIT + 1, size)
    for form, (arguments, head, start, end) in FORMS.items():
        number = 3 if head else 2
        for length in sizes:
            refused = length > LIMIT
            short, filling = start + b"great" + end + b"\n", b"great movie " * (length // 12 + 1)
            long = start + filling[: length - len(start + end)] + end + b"\n"
            expected = bool(head) + 2 + (not refused)
            result = feed((head, short, long, short), expected, arguments)
            wanted = (2, expected, f"error: line {number}: {REFUSED}\n") if refused else (0, expected, "")
            if (result.code, result.lines, result.errors) != wanted:
                failures.append(f"{form}, {length} bytes: {result}")
            peaks[refused] = max(peaks[refused], result.peak)
    return outcome(
        f"A line longer than 16 MiB (up to {size / 1e6:.0f} MB tried) is refused by its number; the others are scored",
        len(FORMS) * len(sizes),
        "streams",
        failures,
        f"at most {peaks[True] / 1024:.0f} MiB where it is refused, {peaks[False] / 1024:.0f} MiB of a line of 16 MiB",
        refused_peak_kib=peaks[True],
        scored_peak_kib=peaks[False],
    )
