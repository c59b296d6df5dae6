"""Finding and reading texts, and what all scripts have in common."""

from __future__ import annotations

import gzip
import shutil
import statistics
from pathlib import Path
from typing import Any

import pytest

from benchmarks.measuring import command, texts
from benchmarks.measuring.results import BenchmarkError
from benchmarks.measuring.text_files import Reading
from edgetext import EdgetextError
from edgetext.keras_imdb import KERAS_IMDB
from edgetext.tables.dialect import Dialect
from edgetext.text import Words

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPTS = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py") if path.stem != "__init__")


def test_lines_of_a_text_file(tmp_path: Path) -> None:
    file = tmp_path / "t.txt"
    file.write_bytes("\ufeffone\r\n\n  \ntwo\u0085still two\u2028\nthree".encode())
    found = texts.find(str(file))
    assert [text.text for text in found.texts] == ["one", "two\u0085still two\u2028", "three"]
    assert texts.sentence(found.describe(KERAS_IMDB)) == "3 texts of t.txt, median 1 words"
    described = {"source": "texts of t.txt", "count": 3, "available": 3, "median_words": 1}
    assert found.describe(KERAS_IMDB) == described
    second = found.texts[1:2]
    assert [texts.count_words(second, rules) for rules in (KERAS_IMDB, Words(marks=False))] == [2, 3]


def test_limit_takes_the_same_texts_every_time(labelled: Path, tmp_path: Path) -> None:
    few, more = ({text.id for text in texts.find(str(labelled), limit).texts} for limit in (3, 7))
    assert len(few) == 3
    assert few < more
    # Another order of the lines, the same choice.
    turned = tmp_path / "turned.jsonl"
    turned.write_text("".join(reversed(labelled.read_text("utf-8").splitlines(keepends=True))), encoding="utf-8")
    assert {text.id for text in texts.find(str(turned), 3).texts} == few


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has no text"),
        (b"\n\n", "has no text"),
        (b'{"text": "a"}\nnonsense\n', "line 2: not JSON"),
        (b'{"text": 5}\n', "line 1: no text in 'text'"),
        (b'["text"]\n', "line 1: not a JSON object"),
        (b'{"text": "\xff"}\n', "not UTF-8"),
    ],
)
def test_files_that_are_refused(content: bytes, message: str, tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl"
    file.write_bytes(content)
    with pytest.raises(BenchmarkError, match=message):
        texts.find(str(file))


@pytest.mark.parametrize(
    ("name", "content", "reading"),
    [
        ("t.csv", 'text,label\ngr\u00e9at; film,a\n"bad\r\nfilm",b\n', Reading()),
        ("t.csv", "label;text\na;gr\u00e9at; film\n".replace("\u00e9at;", "\u00e9at,") + 'b;"bad\nfilm"\n', Reading()),
        ("t.tsv", 'Label\tBody\na\tgr\u00e9at; film\nb\t"bad\nfilm"\n', Reading()),
        ("t.json", '[{"text": "gr\u00e9at; film", "label": "a"},\n{"text": "bad\\nfilm", "label": "b"}]', Reading()),
        ("t.train", "__label__a gr\u00e9at; film\n__label__b bad film\n", Reading()),
        ("t.csv", 'title,x,label\n1,gr\u00e9at; film,a\n2,"bad\nfilm",b\n', Reading("x")),
        ("t.csv", "a;gr\u00e9at, film\nb;'bad\nfilm'\n", Reading("2", Dialect(None, "latin-1", ";", "'", None, False))),
    ],
)
@pytest.mark.parametrize("gz", ["", ".gz"])
def test_tables(tmp_path: Path, name: str, content: str, reading: Reading, gz: str) -> None:
    """Any table that training and scoring read, with its labels if their column is known."""
    file = tmp_path / (name + gz)
    raw = content.encode(reading.dialect.encoding or "utf-8")
    file.write_bytes(gzip.compress(raw) if gz else raw)
    found = texts.find(str(file), reading=reading).texts
    assert [text.text.replace(",", ";").replace("\n", " ") for text in found] == ["gr\u00e9at; film", "bad film"]
    assert [text.label for text in found] == ([None] * 2 if reading.column == "2" else ["a", "b"])


def test_labels_are_numbers_as_training_reads_them(tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl"
    file.write_text("".join(f'{{"text": "x", "label": {label}}}\n' for label in ("0.0", "1", "2.5", "true", '"3.0"')))
    assert [text.label for text in texts.find(str(file)).texts] == ["0", "1", "2.5", "true", "3.0"]


@pytest.mark.parametrize(
    ("name", "content", "reading", "message"),
    [
        (
            "t.csv",
            b"a,b\n1,2\n",
            Reading(),
            "which column holds the text\\? Name it with --text-column; the columns are 'a'",
        ),
        ("t.csv", b"a,b\n1,2\n", Reading("c"), "no column 'c'; the columns are 'a', 'b'"),
        ("t.csv", b"1,a text\n2,more\n", Reading("2"), "--no-header if the first line is a row"),
        ("t.jsonl", b'{"text": "x", "labels": ["a", "b"]}', Reading(), "line 1: several labels per text are not supp"),
        ("t.csv", b"text,label,text\nx,a,y\n", Reading(), "more than one column is called 'text'"),
        ("t.csv", b"text\nx\n\xff\n", Reading(), "line 3: not UTF-8"),
        ("t.csv", b"text\nx\n", Reading(None, Dialect(encoding="klingon")), "--encoding klingon: unknown encoding"),
        ("t.xlsx", b"PK\x03\x04", Reading(), "not texts: the name must end in .csv"),
    ],
)
def test_tables_that_are_refused(tmp_path: Path, name: str, content: bytes, reading: Reading, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BenchmarkError, match=message):
        texts.find(str(tmp_path / name), reading=reading, fall_back=True)


def test_test_reviews_come_from_the_training_stage(
    tiny_env: dict[str, str], tiny_reviews: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in tiny_env.items():
        monkeypatch.setenv(name, value)
    found = texts.find(None, fall_back=True)
    assert found.source == "test reviews"
    expected = {name: text for name, text in tiny_reviews.items() if name.startswith("test/")}
    assert {text.id: text.text for text in found.texts} == expected
    assert {text.label for text in found.texts} == {"negative", "positive"}


def test_falls_back_to_the_sample(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("EDGETEXT_DATA", "/nowhere/at/all")
    found = texts.find(None, fall_back=True)
    assert (found.source, found.available) == ("reviews of sample_reviews.txt", 24)
    assert "note: using the sample reviews: no reviews at /nowhere/at/all" in capfd.readouterr().err
    # Texts that were named are not replaced by others.
    with pytest.raises(EdgetextError, match="no reviews at"):
        texts.find("/nowhere/at/all", fall_back=True)


def test_the_sample() -> None:
    found = texts.find(str(texts.SAMPLE))
    lengths = [len(text.text.split()) for text in found.texts]
    assert len(found.texts) == len({text.text for text in found.texts}) == 24
    assert min(lengths) < 30
    assert max(lengths) > 300
    assert 150 < statistics.median(lengths) < 220
    assert not all(text.text.isascii() for text in found.texts)


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_has_a_help_that_says_how(name: str, run_python: Any, tmp_path: Path) -> None:
    result = run_python(ROOT / "benchmarks" / f"{name}.py", "--help", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert f"python benchmarks/{name}.py" in result.stdout
    assert "Exit codes:" in result.stdout
    assert str(ROOT) not in result.stdout


def test_interruption_and_missing_packages_are_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    def without() -> int:
        raise ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow")

    assert command.finish(interrupted) == 130
    assert command.finish(without) == 2
    assert capfd.readouterr().err == "interrupted\nerror: tensorflow is not installed: pip install -e '.[bench]'\n"


def test_on_a_device_there_are_two_folders(tmp_path: Path, run_python: Any) -> None:
    """Without the other stages and without tabulate, side by side."""
    for name in ("benchmarks", "runtime"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "results"))
    script = tmp_path / "benchmarks" / "latency.py"
    result = run_python("-S", script, "--quick", "--recipe", "wi8_afp64", cwd="/", env={"PYTHONPATH": None})
    assert result.returncode == 0, result.stderr
    assert result.stderr == "note: using the sample reviews: the training stage is not here\n"
    assert "24 reviews of sample_reviews.txt" in result.stdout
    result = run_python("-S", script, "--model", "nowhere", cwd="/", env={"PYTHONPATH": None})
    assert result.returncode == 2
    assert result.stderr.startswith("error: no bundle at nowhere")
