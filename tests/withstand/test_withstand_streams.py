"""The soak's part about streams: its promises hold, and broken code fails it."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.soaking import Outcome, streams
from tests.soaking.streams import content, ends, feeding

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")

TRIED = {
    "text lines": 100_000,
    "JSON lines": 20_000,
    "CSV records": 20_000,
    "streams": 9,
    "streams of 64 kB": 56,
    "pipes": 8,
    "files": 8,
    "signals": 8,
}

# The command with a part of it broken.
BROKEN = """
import sys
sys.path.insert(0, {runtime!r})
from edgetext.command import main as cli
from edgetext.command import lines
from edgetext.command import records
from edgetext.command import streams
from edgetext.command import structured
from edgetext.command import output as writing
{damage}
cli.command()
"""


@pytest.mark.slow
def test_all_hold() -> None:
    tried: dict[str, int] = {}
    for outcome in streams.run(quick=True, seed=0):
        assert outcome.failed == 0, outcome
        tried[outcome.unit] = tried.get(outcome.unit, 0) + outcome.tried
    assert tried == TRIED


def garbage() -> Outcome:
    return content.check_garbage(random.Random(0), 1)


def line_ends() -> Outcome:
    return content.check_line_ends(random.Random(0), 1)


def memory() -> Outcome:
    return streams.check_memory(random.Random(0), "text lines", (), 80_000)


def huge_lines() -> Outcome:
    return streams.check_huge_lines(2**24 + 1000)


def closed_pipes() -> Outcome:
    return ends.check_closed_pipes(random.Random(0), 1)


def full_disks() -> Outcome:
    return ends.check_full_disks(random.Random(0), 4)


def signals() -> Outcome:
    return ends.check_signals(random.Random(2), 8)


@pytest.mark.parametrize(
    ("check", "damage"),
    [
        (memory, "read = streams.read_lines; streams.read_lines = lambda stream: iter(list(read(stream)))"),
        (
            memory,
            "kept = []; decode = streams.decode_line; "
            "streams.decode_line = lambda *a: kept.append(bytes(999)) or decode(*a)",
        ),
        (huge_lines, "lines.MAX_LINE_BYTES = 2**25"),
        (huge_lines, "lines.MAX_LINE_BYTES = 2**24 - 1"),
        (garbage, "streams.decode_line = lambda line, number: line.decode('utf-8-sig', 'replace')"),
        (garbage, "cli.print_error = streams.print_error = lambda error: None"),
        (
            garbage,
            "wrap = structured.io.TextIOWrapper; "
            "structured.io.TextIOWrapper = lambda stream, *a, **more: wrap(stream, 'utf-8', 'replace', newline='')",
        ),
        (line_ends, "streams.decode_line = lambda line, number: line.decode('utf-8').replace('\\x0c', ' ')"),
        (line_ends, "wrap = structured.io.TextIOWrapper; structured.io.TextIOWrapper = lambda *a, newline: wrap(*a)"),
        (closed_pipes, "cli.BrokenPipeError = KeyError"),
        (full_disks, "writing.os.ftruncate = lambda descriptor, size: None"),
        (full_disks, "writing.os.ftruncate = lambda descriptor, size: writing.os.truncate(descriptor, size // 2)"),
        (signals, "writing.Stop.hold = lambda stop: None; writing.ATOMIC = 0"),
        (signals, "writing.SIGNALS = ()"),
    ],
)
def test_each_can_fail(
    check: Callable[[], Outcome], damage: str, tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "broken.py"
    script.write_text(BROKEN.format(runtime=str(root / "runtime"), damage=damage), encoding="utf-8")
    monkeypatch.setattr(feeding, "COMMAND", (sys.executable, str(script)))
    monkeypatch.setattr(feeding, "PATIENCE", 1.0)
    assert check().failed > 0
