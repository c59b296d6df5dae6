"""The programs in runtime/examples that label a Parquet file with a data engine: the same answers as one process."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from datetime import date
from decimal import Decimal
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas
import pyarrow
import pytest
from pyarrow import parquet

from edgetext import Classifier

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHON = ROOT / ".venv-data-engines" / "bin" / "python"
ACCURATE = ROOT / "runtime" / "bundles" / "accurate"
TEXTS = ["great movie", None, "a waste of two hours", "", "so dull", "電影 great!\r\nnever again"]
SETTINGS = {
    "PYTHONPATH": str(ROOT / "runtime"),
    "HF_HUB_OFFLINE": "1",
    # Two workers, each of which has a working folder of its own.
    "PYSPARK_SUBMIT_ARGS": "--master local-cluster[2,1,1024] --conf spark.ui.enabled=false pyspark-shell",
    "PYSPARK_PYTHON": str(PYTHON),
    "SPARK_LOCAL_IP": "127.0.0.1",
}

# Loads the model in the workers, from an archive that Spark fetches and unpacks there.
FETCH = """
import os, sys
from pyspark import SparkFiles
from pyspark.sql import SparkSession
from pyspark.sql.types import StructType
from edgetext.arrow import classify_batches

def label(batches):
    return classify_batches(batches, "text", SparkFiles.get("tickets"))

source, target, archive = sys.argv[1:]
with SparkSession.builder.config("spark.executorEnv.PYTHONPATH", os.environ["PYTHONPATH"]).getOrCreate() as spark:
    spark.sparkContext.addArchive(f"{archive}#tickets")
    texts = spark.read.parquet(source)
    schema = StructType([*texts.schema]).add("label", "string").add("score", "double")
    texts.mapInArrow(label, schema).write.parquet(target)
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("engines") / "texts.parquet"
    texts = [TEXTS[number % len(TEXTS)] for number in range(3_000)]
    others = {
        "found": pyarrow.array(["of the user"] * 3_000).dictionary_encode(),
        "number": [2**60 + 1, None] * 1_500,
        "list": [["a", None], []] * 1_500,
        "struct": [{"x": 2**60 + 1, "y": "b"}, None] * 1_500,
        "price": [Decimal("1.10"), None] * 1_500,
        "date": [date(2026, 11, 29), None] * 1_500,
    }
    parquet.write_table(pyarrow.table({"n": range(3_000), "text": texts, **others}), path, row_group_size=500)
    return path


def start(
    engine: str, home: Path, *arguments: str | Path, program: tuple[str | Path, ...] = ()
) -> subprocess.Popen[str]:
    """Start an example, or another program, in a folder where nothing else is."""
    if not (PYTHON.parent.parent / ".ready").exists():
        pytest.skip("no .venv-data-engines: `make test` makes it, or says what that takes")
    if engine == "spark" and shutil.which("java") is None:
        pytest.skip("Spark needs Java: on Debian, apt install default-jre-headless")
    home.mkdir(exist_ok=True)
    program = program or (ROOT / "runtime" / "examples" / f"with_{engine}.py",)
    command = [PYTHON, *program, *arguments]
    environment = {**os.environ, **SETTINGS, "HOME": str(home), "SPARK_WORKER_DIR": str(home / "workers")}
    if engine == "spark":  # Ray's sockets need a short path
        (home / "temporary").mkdir(exist_ok=True)
        environment["TMPDIR"] = str(home / "temporary")
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=home, env=environment
    )


def label(engine: str, source: Path, target: Path, *arguments: str | Path) -> str:
    """Run an example and return what it prints."""
    return finish(start(engine, target.parent, source, target, *arguments))


def finish(process: subprocess.Popen[str]) -> str:
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors[-2_000:]
    return output + errors


def check(source: Path, target: Path, model: Path | None = None) -> None:
    """Compare what an example wrote with the answers of one process, in any order of rows."""
    classifier = Classifier.load(model)
    expected: dict[str | None, tuple[str | None, float | None]] = {None: (None, None)}
    for text in [text for text in TEXTS if text is not None]:
        prediction = classifier.classify(text.replace("\r\n", "\n"))
        expected[text] = prediction.label, prediction.score
    found, given = (parquet.read_table(path).sort_by("n").to_pylist() for path in (target, source))
    for row in given:
        row["label"], row["score"] = expected[row["text"]]
    assert found == given


@pytest.mark.parametrize("engine", ["pandas", "polars", "duckdb", "datasets", "dask", "ray"])
def test_the_same_answers(engine: str, source: Path, tmp_path: Path) -> None:
    label(engine, source, tmp_path / "out" / "labelled.parquet")
    check(source, tmp_path / "out" / "labelled.parquet")


@pytest.mark.parametrize("engine", ["pandas", "polars", "duckdb", "datasets", "dask", "ray", "spark"])
def test_wrong_arguments(engine: str, source: Path, tmp_path: Path) -> None:
    existing = tmp_path / "labelled"
    existing.mkdir()
    for arguments in ([], [source, existing]):
        process = start(engine, tmp_path / "out", *arguments)
        errors = process.communicate(timeout=60)[1]
        assert errors.startswith("usage: ")
        assert errors.count("\n") == 1
        assert process.returncode == 2
    assert not any(existing.iterdir())


@pytest.mark.parametrize("engine", ["pandas", "dask"])
def test_a_file_of_pandas_with_an_index(engine: str, tmp_path: Path) -> None:
    frame = pandas.DataFrame({"id": ["a", "b"], "text": ["great movie", "so dull"], "list": [["x"], []]})
    frame.set_index("id").to_parquet(tmp_path / "texts.parquet")
    label(engine, tmp_path / "texts.parquet", tmp_path / "out" / "labelled")
    found = pandas.read_parquet(
        tmp_path / "out" / "labelled", dtype_backend="pyarrow" if engine == "dask" else "numpy_nullable"
    )
    assert found.sort_values("id")[["id", "label"]].to_numpy().tolist() == [["a", "positive"], ["b", "negative"]]


# The others have ArrowClassifier add the columns.
@pytest.mark.parametrize(("engine", "name"), [("polars", "label"), ("duckdb", "label"), ("duckdb", "Score")])
def test_a_column_called_label_is_not_replaced(engine: str, name: str, tmp_path: Path) -> None:
    parquet.write_table(pyarrow.table({"text": TEXTS, name: TEXTS}), tmp_path / "texts.parquet")
    process = start(engine, tmp_path / "out", tmp_path / "texts.parquet", tmp_path / "labelled.parquet")
    assert name.lower() in process.communicate(timeout=60)[1]
    assert process.returncode == 1


def test_polars_leaves_no_result_of_a_run_that_fails(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    for name, texts in (("a", TEXTS), ("b", [1, 2])):
        parquet.write_table(pyarrow.table({"text": texts}), tmp_path / "texts" / f"{name}.parquet")
    process = start("polars", tmp_path / "out", tmp_path / "texts", tmp_path / "labelled.parquet")
    assert "SchemaError" in process.communicate(timeout=60)[1]
    assert not (tmp_path / "labelled.parquet").exists()


@pytest.mark.parametrize("engine", ["pandas", "polars", "duckdb"])
def test_columns_in_the_names_of_folders(engine: str, tmp_path: Path) -> None:
    for year in (2025, 2026):
        folder = tmp_path / "texts" / f"year={year}"
        folder.mkdir(parents=True)
        parquet.write_table(pyarrow.table({"text": TEXTS}), folder / "texts.parquet")
    label(engine, tmp_path / "texts", tmp_path / "out" / "labelled.parquet")
    found = parquet.read_table(tmp_path / "out" / "labelled.parquet")
    assert sorted(map(int, found["year"].to_pylist())) == [2025] * len(TEXTS) + [2026] * len(TEXTS)


def test_a_model_of_your_own(source: Path, tmp_path: Path) -> None:
    label("duckdb", source, tmp_path / "out" / "labelled.parquet", ACCURATE)
    check(source, tmp_path / "out" / "labelled.parquet", ACCURATE)


def test_the_cache_of_datasets_notices_another_model(source: Path, tmp_path: Path) -> None:
    for model in (ROOT / "runtime" / "edgetext" / "default", ACCURATE):
        link = tmp_path / "model"
        link.unlink(missing_ok=True)
        link.symlink_to(model)
        label("datasets", source, tmp_path / "out" / f"{model.name}.parquet", link)
        check(source, tmp_path / "out" / f"{model.name}.parquet", model)


def test_workers_of_spark_need_neither_the_model_nor_the_package(source: Path, tmp_path: Path) -> None:
    home = tmp_path / "out"
    home.mkdir()
    shutil.copytree(ACCURATE, home / "model")  # only where the driver runs
    output = label("spark", source, home / "labelled", "model")
    check(source, home / "labelled", ACCURATE)
    assert "|positive|" in output
    assert " ERROR " not in output
    assert not any((home / "temporary").iterdir())


def test_a_model_that_spark_fetches_from_a_server(source: Path, tmp_path: Path) -> None:
    shutil.make_archive(str(tmp_path / "tickets"), "zip", ACCURATE)
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/tickets.zip"
        home = tmp_path / "out"
        finish(start("spark", home, source, home / "labelled", address, program=("-c", FETCH)))
        server.shutdown()
    check(source, home / "labelled", ACCURATE)


def find_process(words: bytes, home: Path) -> int | None:
    """Return a process that was started with a home folder, and has words in its command line."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            found = words in (folder / "cmdline").read_bytes()
            if found and f"HOME={home}\0".encode() in (folder / "environ").read_bytes():
                return int(folder.name)
        except OSError:  # it has ended
            continue
    return None


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds workers in /proc")
@pytest.mark.parametrize(
    ("engine", "worker", "begun"),
    [("spark", b"CoarseGrainedExecutorBackend", "labelled/_temporary/0/*/*"), ("ray", b"ray::MapWorker", "labelled/*")],
)
def test_a_worker_that_is_killed_costs_a_retry(engine: str, worker: bytes, begun: str, tmp_path: Path) -> None:
    source, home = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    for part in range(8):
        numbers = range(50_000 * part, 50_000 * part + 50_000)
        table = pyarrow.table({"n": numbers, "text": [TEXTS[number % len(TEXTS)] for number in numbers]})
        parquet.write_table(table, source / f"{part}.parquet")
    process = start(engine, home, source, home / "labelled")
    for _ in range(2_400):
        victim = find_process(worker, home)
        if victim is not None and any(home.glob(begun)):
            os.kill(victim, signal.SIGKILL)
            break
        assert process.poll() is None, process.communicate()[1][-2_000:]
        time.sleep(0.05)
    else:
        raise AssertionError("no worker started")
    finish(process)
    check(source, home / "labelled")
