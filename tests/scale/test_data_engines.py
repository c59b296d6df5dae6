"""The programs in runtime/examples that label a Parquet file with a data engine: the same answers as one process."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from edgetext import Classifier

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHON = ROOT / ".venv-data-engines" / "bin" / "python"
ACCURATE = ROOT / "runtime" / "bundles" / "accurate"
TEXTS = ["great movie", None, "a waste of two hours", "", "so dull", "電影 great!\r\nnever again"]
# Python decides what a process of each engine may be; all of them get these variables.
SETTINGS = {"PYTHONPATH": str(ROOT / "runtime"), "HF_HUB_OFFLINE": "1"}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("engines") / "texts.parquet"
    texts = [TEXTS[number % len(TEXTS)] for number in range(3_000)]
    parquet.write_table(pyarrow.table({"n": range(3_000), "text": texts}), path, row_group_size=500)
    return path


def label(engine: str, source: Path, target: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run an example where nothing else is."""
    if not (PYTHON.parent.parent / ".ready").exists():
        pytest.skip("no .venv-data-engines: `make test` makes it, or says what that takes")
    target.parent.mkdir(exist_ok=True)
    command = [PYTHON, ROOT / "runtime" / "examples" / f"with_{engine}.py", source, target, *arguments]
    environment = {**os.environ, **SETTINGS, "HOME": str(target.parent)}
    result = subprocess.run(
        command, capture_output=True, text=True, timeout=300, cwd=target.parent, env=environment, check=False
    )
    assert result.returncode == 0, result.stderr[-2_000:]
    return result


def check(source: Path, target: Path, model: Path | None = None) -> None:
    """Compare what an example wrote with the answers of one process, in any order of rows."""
    classifier = Classifier.load(model)
    expected: dict[str | None, tuple[str | None, float | None]] = {None: (None, None)}
    for text in [text for text in TEXTS if text is not None]:
        prediction = classifier.classify(text.replace("\r\n", "\n"))
        expected[text] = prediction.label, prediction.score
    found = sorted(parquet.read_table(target).to_pylist(), key=lambda row: int(row["n"]))
    given = parquet.read_table(source).to_pylist()
    assert [(row["n"], row["text"]) for row in found] == [(row["n"], row["text"]) for row in given]
    assert [(row["label"], row["score"]) for row in found] == [expected[row["text"]] for row in given]


@pytest.mark.parametrize("engine", ["pandas", "polars", "duckdb", "datasets", "dask"])
def test_the_same_answers(engine: str, source: Path, tmp_path: Path) -> None:
    label(engine, source, tmp_path / "out" / "labelled.parquet")
    check(source, tmp_path / "out" / "labelled.parquet")


def test_a_model_of_your_own(source: Path, tmp_path: Path) -> None:
    label("duckdb", source, tmp_path / "out" / "labelled.parquet", ACCURATE)
    check(source, tmp_path / "out" / "labelled.parquet", ACCURATE)


def test_the_cache_of_datasets_notices_another_model(source: Path, tmp_path: Path) -> None:
    for model in (ROOT / "runtime" / "edgetext" / "default", ACCURATE):
        link = tmp_path / "model"
        link.unlink(missing_ok=True)
        link.symlink_to(model)
        label("datasets", source, tmp_path / "out" / "labelled.parquet", link)
        check(source, tmp_path / "out" / "labelled.parquet", model)
