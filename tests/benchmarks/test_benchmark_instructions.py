"""benchmarks/instructions.py, on counts made up here; tests/pi counts for real."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from benchmarks import instructions
from benchmarks.measuring import layout
from benchmarks.measuring.results import BenchmarkError
from edgetext.keras_imdb import KERAS_IMDB
from edgetext.text import Words

ErrorLine = Callable[[str], str]


def make_results() -> dict[str, Any]:
    row = {"platform": "arm64", "engine": "builtin", "recipe": "r", "package": None}
    other = {"platform": "armhf", "engine": "onnx", "recipe": "r", "package": "onnxruntime"}
    return {
        "kind": "instructions",
        "command": "python benchmarks/instructions.py",
        "environment": {"emulator": "qemu-user 7.2.22", "date": "2026-11-24"},
        "words": 230,
        "platforms": [
            {"platform": "arm64", "cpu": "cortex-a72", "python": "CPython 3.11.2", "bare": 25_000_000},
            {"platform": "armhf", "cpu": "cortex-a7", "python": "CPython 3.11.2", "bare": 30_000_000},
        ],
        "rows": [
            {**row, "once": 40_000_000, "warm": 378_146, "runtime": "edgetext"},
            {**other, "error": "no wheel"},
        ],
    }


def test_table() -> None:
    _, table = instructions.tables(make_results())
    assert isinstance(table, layout.Table)
    cells = {tuple(row[:2]): row[2:] for row in table.rows}
    assert cells["arm64", "builtin"] == ["edgetext", "yes", "40.0 M", "1.60", "378 k"]
    assert cells["arm64", "none"][2:4] == ["25.0 M", "1.00"]
    assert cells["armhf", "onnx"][1] == "no: no wheel"
    assert {len(row) for row in table.rows} == {len(table.head)}


def test_the_review_has_230_words() -> None:
    for rules in (KERAS_IMDB, Words(marks=True)):
        assert len(rules.tokenize(instructions.make_text(rules))) == 230


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[int | str], None]:
    """Let the one-shot command cost so much, or fail to be counted for a reason."""
    committed = tmp_path / "instructions.json"
    committed.write_text(json.dumps(make_results()))
    monkeypatch.setattr(instructions, "COMMITTED", committed)
    monkeypatch.setattr(instructions, "read_machines", lambda folder: {})

    def replace(value: int | str) -> None:
        @contextmanager
        def start(folder: Path, platform: str) -> Iterator[Any]:
            if isinstance(value, str):
                raise BenchmarkError(value)
            yield type("Counter", (), {"once": lambda self: value})()

        monkeypatch.setattr(instructions, "start", start)

    return replace


def test_check(count: Callable[[int | str], None], capfd: pytest.CaptureFixture[str], error_line: ErrorLine) -> None:
    for value, code in ((20_000_000, 0), (41_900_000, 0), (42_100_000, 1)):
        count(value)
        assert instructions.main(["--check"]) == code
    output = capfd.readouterr()
    assert "arm64: 41,900,000 instructions, +4.75% against the committed 40,000,000" in output.out
    assert "over 5% more on arm64; if that is intended: make pi-count" in error_line(output.err)
    count("arm64 cortex-a72: no qemu here")
    assert instructions.main(["--check"]) == 2
    assert error_line(capfd.readouterr().err) == "arm64 cortex-a72: no qemu here"


def test_nothing_is_prepared(tmp_path: Path, capfd: pytest.CaptureFixture[str], error_line: ErrorLine) -> None:
    for more in (["--check"], []):
        assert instructions.main(["--pi", str(tmp_path), *more]) == 2
        assert "no ARM machines are prepared in" in error_line(capfd.readouterr().err)
