"""The soak of a training's memory: the generated table, and measuring a child process."""

from __future__ import annotations

import collections
import csv
import importlib
import io
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.soaking import SoakError
from tests.soaking.memory import __main__ as memory
from tests.soaking.memory import steps
from tests.soaking.memory import table as tables

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "table.csv"
    tables.write(path, 2500, 0)
    return path


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_table(table: Path, tmp_path: Path) -> None:
    rows = read(table)
    assert len(rows) == 2500
    assert 800 < table.stat().st_size / 2500 < 1300
    assert set(rows[0]) == {"text", "label"}
    counts = collections.Counter(row["label"] for row in rows)
    assert set(counts) == set(tables.LABELS)
    assert min(counts.values()) > 500
    assert len({row["text"] for row in rows}) == 2500
    assert all(any(mark in row["text"] for row in rows) for mark in ('"', ",", "\n"))
    again, other = tmp_path / "again.csv", tmp_path / "other.csv"
    tables.write(again, 2500, 0)
    assert again.read_bytes() == table.read_bytes()
    tables.write(other, 2500, 1)
    assert other.read_bytes() != table.read_bytes()


def test_words_follow_zipf_and_differ_between_classes(table: Path) -> None:
    rows = read(table)
    words: dict[str, collections.Counter[str]] = {label: collections.Counter() for label in tables.LABELS}
    for row in rows:
        words[row["label"]].update(row["text"].replace(",", " ").replace(".", " ").replace('"', " ").split())
    total = sum(words.values(), collections.Counter())
    ranked = [count for _, count in total.most_common()]
    # About a tenth of the frequency at ten times the rank.
    assert ranked[0] / ranked[9] == pytest.approx(10, rel=0.3)
    assert ranked[9] / ranked[99] == pytest.approx(10, rel=0.3)
    assert sum(count == 1 for count in ranked) > len(ranked) / 3
    # Each class has a word that is much more frequent there than elsewhere.
    for label, own in words.items():
        best = max(own, key=lambda word: own[word] / total[word] if own[word] > 100 else 0)
        assert own[best] / total[best] > 0.8, label
    assert len(total) > 50_000


def test_chunks_leave_no_seam(tmp_path: Path) -> None:
    tables.write(tmp_path / "t.csv", 30, 0, vocabulary=5000, chunk=7)
    assert len(read(tmp_path / "t.csv")) == 30


def test_words_are_different_and_the_first_are_short() -> None:
    words = tables.make_words(10_000).tolist()
    assert len(set(words)) == 10_000
    assert [len(word) for word in words] == sorted(len(word) for word in words)
    assert tables.zipf(4).tolist() == pytest.approx(np.cumsum([12 / 25, 6 / 25, 4 / 25, 3 / 25]).tolist())


def child(megabytes: int) -> list[str]:
    return [sys.executable, "-c", f"import time; held = b'x' * {megabytes} * 1000000; time.sleep(0.3)"]


def test_memory_of_a_child() -> None:
    """The measured difference is the size of what it holds, however much this process holds or has held."""
    (small, _), (large, anonymous) = memory.watch(child(1)), memory.watch(child(151))
    for name in ("peak_mb", "anonymous_mb"):
        assert large[name] - small[name] == pytest.approx(150, abs=3)
    assert small["peak_mb"] < 40
    assert large["file_mb"] == pytest.approx(small["file_mb"], abs=2)
    assert large["seconds"] >= 0.3
    assert max(value for _, value in anonymous) == large["anonymous_mb"]
    times = [moment for moment, _ in anonymous]
    assert times == sorted(times)
    assert 0.2 < times[-1] - times[0] <= large["seconds"]


def test_status_agrees_with_the_system() -> None:
    found = memory.read_status("self")
    assert found["peak_mb"] == pytest.approx(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6, rel=0.02)
    assert 0 < found["anonymous_mb"] < found["peak_mb"]
    assert memory.read_status("0") == {}


def test_a_child_that_fails() -> None:
    with pytest.raises(SoakError, match="exit code 3"):
        memory.watch([sys.executable, "-c", "import sys; sys.exit(3)"])


def test_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    commands: list[list[str]] = []

    def watch(command: list[str]) -> tuple[dict[str, Any], list[tuple[float, float]]]:
        commands.append(command)
        rows = read(Path(command[command.index("--data") + 1]))
        Path(command[3]).write_text('[1.0, 0.5, "read"]\n[2.0, 2.5, ""]\n', encoding="utf-8")
        found = {"seconds": 2.0, "peak_mb": 500.0 + len(rows) / 100, "anonymous_mb": 300.0, "file_mb": 200.0}
        return found, [(1.5, 300.0)]

    monkeypatch.setattr(memory, "watch", watch)
    file = tmp_path / "memory.json"
    assert memory.main(["--rows", "1000", "--json", str(file), "--", "--batch-size", "9"]) == 0
    results = json.loads(file.read_text("utf-8"))
    assert [(row["rows"], row["peak_mb"]) for row in results["rows"]] == [(100, 501), (1000, 510)]
    assert results["command"].startswith("python -m tests.soaking.memory --rows 1000")
    assert results["rows"][0]["steps"] == [{"step": "read", "cpu_seconds": 2.0, "anonymous_mb": 300.0}]
    assert commands[0][-2:] == ["--batch-size", "9"]
    assert not any(Path(command[command.index("--data") + 1]).exists() for command in commands)
    assert "peak_mb 510.0" in capfd.readouterr().out


def test_steps() -> None:
    """A step that calls another one goes on after it, and has neither its time nor its memory."""
    file = io.StringIO()
    log = steps.Steps(file)
    held: list[bytes] = []

    def inner() -> int:
        held.append(bytes(1000))
        end = time.process_time() + 0.1
        while time.process_time() < end:
            pass
        return 7

    def outer() -> int:
        return log.note(inner, "inner")() + log.note(inner, "inner")()

    assert log.note(outer, "outer")() == 14
    log.begin("")
    assert len(held) == 2
    begun = [json.loads(line) for line in file.getvalue().splitlines()]
    assert [step for _, _, step in begun[1:-1]] == ["outer", "inner", "outer", "inner", "outer", begun[0][2]]
    memory_then = [(moment, 1.0 + (step == "inner")) for moment, _, step in begun]
    first, *found = steps.summarize(file.getvalue(), memory_then)
    assert first["step"] == begun[0][2]
    assert [(row["step"], row["anonymous_mb"]) for row in found] == [("outer", 1.0), ("inner", 2.0)]
    assert 0.2 <= found[1]["cpu_seconds"] < 0.4 > 20 * found[0]["cpu_seconds"]


def test_steps_are_functions_of_a_training() -> None:
    for module, function, _ in steps.STEPS:
        assert callable(getattr(importlib.import_module(module), function)), (module, function)


def test_other_systems(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(memory, "read_status", lambda pid: {})
    assert memory.main([]) == 2
    assert "needs Linux" in capfd.readouterr().err
