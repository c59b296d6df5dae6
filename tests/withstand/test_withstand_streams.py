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
from edgetext.command import streams
from edgetext.command import structured
from edgetext.command import text_lines
from edgetext.tables import delimited
from edgetext.tables import lines
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
        (
            memory,
            "kept = []; read = text_lines.read_line; "
            "text_lines.read_line = lambda *a: kept.append(read(*a)) or kept[-1]",
        ),
        (memory, "lines.Lines.read = lambda self, size=0: self._file.read()"),
        (huge_lines, "lines.MAX_LINE_BYTES = 2**25"),
        (huge_lines, "lines.MAX_LINE_BYTES = 2**24 - 1"),
        (garbage, "text_lines.find_encoding = lambda head, given: ('latin-1', False)"),
        (garbage, "cli.print_error = streams.print_error = lambda error: None"),
        (garbage, "delimited.is_unicode = lambda text: True"),
        (line_ends, "read = text_lines.read_line; text_lines.read_line = lambda *a: read(*a).replace('\\x0c', ' ')"),
        (
            line_ends,
            "start = lines.Lines.__init__; "
            "lines.Lines.__init__ = lambda self, stream, encoding='', newline='': start(self, stream, encoding, None)",
        ),
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
