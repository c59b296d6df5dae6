"""benchmarks/compiled.py: the program that times the C library, and the table."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from benchmarks import compiled
from benchmarks.measuring import layout, processes, texts
from benchmarks.measuring.processes import Protocol, Subject
from edgetext import Classifier
from tests.c.programs import ROOT, MissingError, compile_here
from tests.soaking.library import bundled

GIVEN = ["great movie", "a waste of \u96fb\u5f71 hours\nand \0 more", ""]


@pytest.fixture(scope="module")
def subjects(tmp_path_factory: pytest.TempPathFactory) -> list[Subject]:
    """The engine builtin, and the C library with its program."""
    folder = tmp_path_factory.mktemp("compiled")
    (folder / "model.etx").write_bytes(bundled(None).block("fast"))
    sources = [ROOT / "benchmarks" / "measuring" / "library.c", ROOT / "runtime" / "c" / "edgetext.c"]
    try:
        program = [str(compile_here(sources, folder / "library", "-O2")), str(folder / "model.etx")]
    except MissingError as error:
        pytest.skip(str(error))
    python = [sys.executable, processes.PROGRAM, "edgetext", "builtin wi8_afp64"]
    true = str(shutil.which("true"))
    return [
        Subject({"name": "engine builtin"}, python, sys.executable),
        Subject({"name": "C, fast"}, program, true, once=[true], form="plain"),
    ]


def test_answers(subjects: list[Subject], tmp_path: Path) -> None:
    answers = subjects[1].score(processes.write_texts(tmp_path / "texts", GIVEN))
    assert answers is not None
    classifier = Classifier.load(engine="builtin")
    for text, (label, probabilities) in zip(GIVEN, answers, strict=True):
        prediction = classifier.classify(text)
        assert label == prediction.label
        assert probabilities == pytest.approx(list(prediction.probabilities.values()), abs=1e-15)


def test_the_table(subjects: list[Subject]) -> None:
    found = texts.Texts("texts", [texts.Text(str(number), text, None) for number, text in enumerate(GIVEN)], 3)
    rows = processes.measure(subjects, found, Protocol(launches=1, rounds=1), load=False)
    assert [row.get("error") for row in rows] == [None, None]
    rows.insert(1, {**rows[0], "name": "fastText, lower case", "texts_per_second": {}})
    described = {"source": "texts", "count": 3, "available": 3, "median_words": 2.0}
    page = {"startup": {"median_ms": 30.0, "ratio": 1.5}, "text_to_label": {"mean_us": 40.0}, "download": 440_000}
    rows += [{"name": "a page", **page}, {"name": "a broken page", "error": "no"}]
    sizes = dict.fromkeys(compiled.NAMES, 37_600)
    shown = layout.render(compiled.tables({"rows": rows, "texts": described, "programs": sizes}))
    lines = [line.split() for line in shown.splitlines() if line]
    assert next(line for line in lines if line[:2] == ["C,", "fast"])[7:9] == ["×", "true"]
    assert next(line for line in lines if line[:1] == ["fastText,"])[-1] == "1.00"
    row_of_page = next(line for line in lines if line[:2] == ["a", "page"])
    assert row_of_page[2:9] == ["0.44", "MB", "30.0", "ms", "1.50", "×", "page"]
    assert "broken" not in shown
    assert ["ARMv7", "38", "kB"] in lines
