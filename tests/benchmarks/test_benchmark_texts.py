"""Finding and reading texts, and what all benchmarks have in common."""

from __future__ import annotations

import shutil
import statistics
from pathlib import Path
from typing import Any

import pytest

from benchmarks import common, texts

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPTS = (
    *("accuracy", "encode", "instructions", "latency", "linear_peer"),
    *("own_text", "plot", "report", "seeds"),
)


def test_lines_of_a_text_file(tmp_path: Path) -> None:
    file = tmp_path / "t.txt"
    file.write_bytes("\ufeffone\r\n\n  \ntwo\u0085still two\u2028\nthree".encode())
    found = texts.find(str(file))
    assert [review.text for review in found.reviews] == ["one", "two\u0085still two\u2028", "three"]
    assert str(found) == "3 texts of t.txt"
    assert found.describe() == {"source": "texts of t.txt", "reviews": 3, "available": 3, "median_words": 1}


def test_limit_takes_the_same_texts_every_time(labelled: Path, tmp_path: Path) -> None:
    few, more = ({review.id for review in texts.find(str(labelled), limit).reviews} for limit in (3, 7))
    assert len(few) == 3
    assert few < more
    # Another order of the lines, the same choice.
    turned = tmp_path / "turned.jsonl"
    turned.write_text("".join(reversed(labelled.read_text("utf-8").splitlines(keepends=True))), encoding="utf-8")
    assert {review.id for review in texts.find(str(turned), 3).reviews} == few


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no text"),
        (b"\n\n", "holds no text"),
        (b'{"text": "a"}\nnonsense\n', "line 2: not JSON"),
        (b'{"text": 5}\n', "line 1: not an object with a string called 'text'"),
        (b'["text"]\n', "line 1: not an object"),
        (b'{"text": "\xff"}\n', "not UTF-8"),
    ],
)
def test_files_that_are_refused(content: bytes, message: str, tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl"
    file.write_bytes(content)
    with pytest.raises(common.BenchmarkError, match=message):
        texts.find(str(file))


def test_test_reviews_come_from_the_training_stage(
    tiny_env: dict[str, str], tiny_reviews: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in tiny_env.items():
        monkeypatch.setenv(name, value)
    found = texts.find(None, fall_back=True)
    assert found.source == "test reviews"
    expected = {name: text for name, text in tiny_reviews.items() if name.startswith("test/")}
    assert {review.id: review.text for review in found.reviews} == expected
    assert {review.label for review in found.reviews} == {"negative", "positive"}


def test_falls_back_to_the_sample(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("EDGETEXT_DATA", "/nowhere/at/all")
    found = texts.find(None, fall_back=True)
    assert str(found) == "24 reviews of sample_reviews.txt"
    assert "note: the sample reviews are used: no reviews at /nowhere/at/all" in capfd.readouterr().err
    # Texts that were named are not replaced by others.
    with pytest.raises(common.BenchmarkError, match="no reviews at"):
        texts.find("/nowhere/at/all", fall_back=True)


def test_the_sample() -> None:
    found = texts.find(str(texts.SAMPLE))
    lengths = [len(review.text.split()) for review in found.reviews]
    assert len(found.reviews) == len({review.text for review in found.reviews}) == 24
    assert min(lengths) < 30
    assert max(lengths) > 300
    assert 150 < statistics.median(lengths) < 220
    assert not all(review.text.isascii() for review in found.reviews)


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

    assert common.finish(interrupted) == 130
    assert common.finish(without) == 2
    assert capfd.readouterr().err == ("interrupted\nerror: tensorflow is not installed: pip install -e '.[bench]'\n")


def test_command_can_be_typed_again() -> None:
    command = common.Command("latency", ["--data", "my texts.txt", "--quick"])
    assert str(command) == "python benchmarks/latency.py --data 'my texts.txt' --quick"


def test_a_copy_without_the_training_stage_uses_the_sample(
    tmp_path: Path, default_bundle: Path, run_python: Any
) -> None:
    """What is copied to a device: two folders, side by side."""
    for name in ("benchmarks", "runtime"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "results"))
    (recipe,) = {"dynamic_wi8_afp32"}
    script = tmp_path / "benchmarks" / "latency.py"
    result = run_python(script, "--quick", "--recipe", recipe, cwd="/", env={"PYTHONPATH": None})
    assert result.returncode == 0
    assert result.stderr == "note: the sample reviews are used: there is no train folder here\n"
    assert "24 reviews of sample_reviews.txt" in result.stdout
