"""The program that scores Parquet files in one process, on Spark or on Ray, and says how long it took.

    python benchmarks/measuring/bulk/program.py PLACE ENGINE SOURCE TARGET ANSWER

PLACE is ``loop``, ``spark`` or ``ray``. ENGINE is an engine of edgetext, ``fasttext:FILE``, or ``nothing``, which gives
all texts the same label. SOURCE is a folder of Parquet files with a column ``text``; they are written to the folder
TARGET with the columns ``label`` and ``score`` added, and the seconds to the JSON file ANSWER; engines print what they
like. Spark and Ray have two workers of one core each, and do the first file before. Their clock starts when the first
batch reaches a worker, because the time until then does not grow with the texts.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, TypeVar

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[3])

import pyarrow
from pyarrow import parquet

from benchmarks.measuring.runtimes import FORMS

# What Spark and Ray hand to a worker at a time, at most. Their defaults of 128 MB make five and seven parts of 5
# million texts. Small parts let both workers end at about the same time, as they would with more texts.
PART_BYTES = 2**24

Rows = TypeVar("Rows", pyarrow.RecordBatch, pyarrow.Table)
Answer = Callable[[Rows], Rows]


def main() -> int:
    """Run the command of the module's docstring."""
    place, engine, source, target, answer = sys.argv[1:]
    # Workers import this module: what is sent to them must not be of __main__.
    from benchmarks.measuring.bulk import program

    seconds = getattr(program, place)(program.load(engine), Path(source), Path(target))
    Path(answer).write_text(json.dumps({"seconds": seconds}), encoding="utf-8")
    return 0


def load(engine: str) -> Answer[Any]:
    """Return what adds the columns to a record batch or table; it can be pickled."""
    if engine == "nothing":
        return answer_nothing
    name, _, file = engine.partition(":")
    if name == "fasttext":
        return partial(answer_fasttext, file)
    from edgetext import Classifier
    from edgetext.arrow import ArrowClassifier

    return ArrowClassifier(Classifier.load(None, engine), "text")


def answer_nothing(rows: Rows) -> Rows:
    """Add the same label and score to all rows."""
    return _add(rows, ["positive"] * rows.num_rows, [0.5] * rows.num_rows)


def answer_fasttext(file: str, rows: Rows) -> Rows:
    """Add the labels and scores of a fastText model for texts in lower case."""
    predict, prepare = _load_fasttext(file).predict, FORMS["lower case"]
    found = [predict(prepare(text)) for text in rows.column("text").to_pylist()]
    labels = [labels[0].removeprefix("__label__") for labels, _ in found]
    return _add(rows, labels, [float(scores[0]) for _, scores in found])


@lru_cache(maxsize=1)
def _load_fasttext(file: str) -> Any:
    import fasttext

    return fasttext.load_model(file)


def _add(rows: Rows, labels: list[str], scores: list[float]) -> Rows:
    rows = rows.append_column("label", pyarrow.array(labels))
    return rows.append_column("score", pyarrow.array(scores))


def loop(answer: Answer[Any], source: Path, target: Path) -> float:
    """Score files in this process, batch by batch, and return the seconds."""
    started = time.perf_counter()
    target.mkdir()
    for file in sorted(source.iterdir()):
        with parquet.ParquetFile(file) as opened:
            batches = map(answer, opened.iter_batches(2**12))
            parquet.write_table(pyarrow.Table.from_batches(batches), target / file.name)
    return time.perf_counter() - started


def spark(answer: Answer[Any], source: Path, target: Path) -> float:
    """Score files on Spark, with ``mapInArrow``, and return the seconds."""
    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructType

    master = SparkSession.builder.master("local-cluster[2,1,1024]")
    settings = {"spark.ui.enabled": "false", "spark.executorEnv.PYTHONPATH": os.pathsep.join(sys.path)}
    settings["spark.sql.files.maxPartitionBytes"] = str(PART_BYTES)
    session = master.config(map=settings).getOrCreate()
    noted = Noted(answer, target)

    def work(batches: Iterator[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
        return map(noted, batches)

    def score(files: Path, to: Path) -> None:
        texts = session.read.parquet(str(files))
        schema = StructType([*texts.schema]).add("label", "string").add("score", "double")
        texts.mapInArrow(work, schema).write.parquet(str(to))

    with session:  # without its end the process may fail in the end
        return _time(score, source, noted)


class Noted:
    """Adds the columns, and makes a file when the first batch arrives in any worker."""

    def __init__(self, answer: Answer[Any], target: Path) -> None:
        self.answer, self.target, self.file = answer, target, target.with_name(f"{target.name}-begun")

    def __call__(self, rows: Rows) -> Rows:
        """Add the columns."""
        with suppress(FileExistsError):
            self.file.touch(exist_ok=False)
        return self.answer(rows)


def ray(answer: Answer[Any], source: Path, target: Path) -> float:
    """Score files on Ray, in two actors, and return the seconds."""
    import ray

    ray.init(log_to_driver=False, logging_level=logging.ERROR, num_cpus=2)
    ray.data.DataContext.get_current().target_max_block_size = PART_BYTES
    workers = {"compute": ray.data.ActorPoolStrategy(size=2), "num_cpus": 0.5}

    def score(files: Path, to: Path) -> None:
        texts = ray.data.read_parquet(str(files))
        found = texts.map_batches(Noted, fn_constructor_args=[answer, target], batch_format="pyarrow", **workers)
        found.write_parquet(str(to))

    return _time(score, source, Noted(answer, target))


def _time(score: Callable[[Path, Path], None], source: Path, noted: Noted) -> float:
    """Return the seconds for all files, after the first one, since the first batch arrived."""
    score(min(source.iterdir()), noted.target.with_name(f"{noted.target.name}-first"))
    noted.file.unlink()
    score(source, noted.target)
    return time.time() - noted.file.stat().st_mtime


if __name__ == "__main__":
    sys.exit(main())
