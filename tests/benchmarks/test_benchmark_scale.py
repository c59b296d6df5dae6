"""``benchmarks/scale.py``."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import scale
from benchmarks.measuring.bulk import memory, passages
from benchmarks.measuring.results import BenchmarkError

PYTHON = Path(__file__).resolve().parents[2] / ".venv-data-engines" / "bin" / "python"
linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="watches processes in /proc")


def test_passages_have_thirty_words_with_their_number(tmp_path: Path) -> None:
    cut = passages.cut([" ".join(map(str, range(60))), "too short"])
    assert [len(text.split()) for text in cut] == [29, 29]
    passages.write(cut, 5, 2, tmp_path / "files")
    found = [passages.parquet.read_table(tmp_path / "files" / f"{file}.parquet").to_pylist() for file in range(2)]
    assert [len(rows) for rows in found] == [2, 3]
    assert [row["text"] for rows in found for row in rows] == [f"{cut[n % 2]} {n}" for n in range(5)]


@linux
@pytest.mark.slow
def test_the_memory_of_workers_is_watched() -> None:
    worker = "import sys, time; held = b'x' * int(sys.argv[1]); time.sleep(1)"
    script = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {worker!r}, sys.argv[1]])"
    small, large = (memory.run([sys.executable, "-c", script, size], "held") for size in ("1", "100000000"))
    assert large.seconds >= 1
    assert large.worker_mb - small.worker_mb == pytest.approx(100, abs=5)


@linux
def test_a_command_that_fails_is_reported_by_its_last_line() -> None:
    with pytest.raises(BenchmarkError, match="ValueError: no texts"):
        memory.run([sys.executable, "-c", "raise ValueError('no texts\\n\\t... 28 more')"], "")


@linux
@pytest.mark.slow
def test_everything_is_scored_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not (PYTHON.parent.parent / ".ready").exists() or shutil.which("java") is None:
        pytest.skip("no .venv-data-engines or no Java: `make test` says what that takes")
    # The others are not installed there for the tests.
    places = [
        place._replace(engines=["builtin", "nothing"] if place.program else ["builtin"]) for place in scale.PLACES
    ]
    monkeypatch.setattr(scale, "PLACES", places)
    monkeypatch.setattr(scale, "PACKAGES", {"Spark": "pyspark", "Ray": "ray"})
    texts = tmp_path / "texts.txt"
    texts.write_text("great " * 29 + "\n" + "dull " * 29 + "\n")
    python = ["--python", os.path.relpath(PYTHON), "--fasttext", "none"]
    options = ["--rows", "200", "--rounds", "1", "--data", str(texts), "--json", str(tmp_path / "found.json")]
    assert scale.main([*python, *options]) == 0
    found = json.loads((tmp_path / "found.json").read_text())
    assert {row["place"] for row in found["rows"]} == {place.name for place in places}
    assert {row["texts"] for row in found["rows"]} == {200, 20}
    assert all(row["seconds"] > 0 and row["worker_mb"] > 0 for row in found["rows"])


def test_overheads_are_those_of_core_time() -> None:
    def row(place: str, engine: str, cores: int, seconds: float, mb: int) -> dict[str, object]:
        return {"place": place, "engine": engine, "cores": cores, "texts": 1000, "seconds": seconds, "worker_mb": mb}

    rows = [
        row(scale.LOOP.name, "builtin", 1, 10, 100),
        row("Spark", "builtin", 2, 6, 130),
        row("Spark", "nothing", 2, 1, 90),
    ]
    rows.append(row(scale.LOOP.name, "nothing", 1, 1, 80))
    table: Any = scale.tables({"texts": 1000, "words": 30, "source": "test reviews", "rounds": 3, "rows": rows})[-1]
    assert table.rows[1] == ["Spark", "builtin", "2", "167", "83", "+20%", "3333.3", "130 MB", "+40 MB"]


def test_another_number_of_labels_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def score(place: scale.Place, *given: object) -> scale.Run:
        return scale.Run(1, 1, {"positive": 20} if place is scale.LOOP else {"positive": 19, "negative": 1})

    monkeypatch.setattr(scale, "score", score)
    monkeypatch.setattr(scale, "find_versions", lambda python: {})
    texts = tmp_path / "texts.txt"
    texts.write_text("great " * 29)
    with pytest.raises(BenchmarkError, match="labels other texts in Spark than"):
        scale.measure(
            scale.make_parser().parse_args(["--rows", "20", "--data", str(texts), "--python", "p", "--fasttext", "f"])
        )
