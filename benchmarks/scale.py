"""Score millions of texts in one process, in several, on Spark and on Ray; compare with fastText on the same.

Usage:

    make scale            # builds and installs what is needed, then runs this; about an hour, Linux only
    python benchmarks/scale.py --python .venv-data-engines/bin/python --fasttext "build/peers-models/lower case.ftz"

The Python has pyarrow, PySpark and Ray, and for the engine native and fastText edgetext-native and fasttext-predict.
Everything reads and writes the same Parquet files; see README.md in this folder.

Exit codes: 0; 2 for a mistake, or if something does not work.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.measuring import command, processes, results, texts
from benchmarks.measuring.bulk import memory, passages
from benchmarks.measuring.layout import Part, Table
from benchmarks.measuring.results import BenchmarkError
from edgetext import Bundle

PROGRAM = str(Path(passages.__file__).with_name("program.py"))
FILES = 10
FASTTEXT, NOTHING = "fastText", "nothing"
EDGETEXT = ("builtin", "native")
# What does the work, by the name of a place or an engine.
PACKAGES = {"native": "edgetext-native", FASTTEXT: "fasttext-predict", "Spark": "pyspark", "Ray": "ray"}


class Place(NamedTuple):
    """Where texts are scored.

    Attributes:
        name: What the table calls it.
        engines: What scores them there.
        cores: How many cores it uses.
        worker: What the command line of a worker process contains; empty if there are no workers.
        program: The place of the measuring program; None for edgetext's own command.
        source: What is scored, in the folder of the passages.
    """

    name: str
    engines: Sequence[str]
    cores: int = 1
    worker: str = ""
    program: str | None = None
    source: str = "files"


class Run(NamedTuple):
    """What was measured once.

    Attributes:
        seconds: The time for all texts.
        worker_mb: The peak of the anonymous memory of a worker.
        labels: How many texts got each label.
    """

    seconds: float
    worker_mb: float
    labels: dict[str, int]


LOOP = Place("loop over batches", [*EDGETEXT, FASTTEXT, NOTHING], program="loop")
LARGE, SMALL = "large.parquet", "small.parquet"
PLACES = [
    LOOP,
    Place("Spark", LOOP.engines, 2, "pyspark.daemon", "spark"),
    Place("Ray", [*EDGETEXT, NOTHING], 2, "ray::MapWorker", "ray"),
    Place("command", EDGETEXT),
    Place("command, one file", ["native"], source=LARGE),
    Place("command, a tenth of the file", ["native"], source=SMALL),
    Place("command, --workers 2", EDGETEXT, 2, "spawn_main"),
    Place("command, --workers 2, one file", EDGETEXT, 2, "spawn_main", source=LARGE),
]


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = command.make_parser(__doc__)
    add = parser.add_argument
    add(
        "--python", metavar="PYTHON", required=True, help="has pyarrow, PySpark, Ray, edgetext-native, fasttext-predict"
    )
    add("--fasttext", metavar="FILE", required=True, help="the model of peers.py for lower-cased text")
    add("--data", metavar="PATH", help="the texts to take passages from (default: the test reviews)")
    add(
        "--rows",
        metavar="N",
        type=command.at_least(FILES),
        default=5_000_000,
        help="texts to score (default: %(default)s)",
    )
    add(
        "--rounds",
        metavar="N",
        type=command.at_least(1),
        default=3,
        help="do everything N times, and report medians (default: %(default)s)",
    )
    return parser


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Score the passages everywhere, and return the content of the results file."""
    found = texts.find(args.data, fall_back=True)
    cut = passages.cut([text.text for text in found.texts])
    versions = find_versions(args.python)
    subjects = [(place, engine) for place in PLACES for engine in place.engines]
    runs: dict[tuple[str, str], list[Run]] = {(place.name, engine): [] for place, engine in subjects}
    labels: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        command.say(f"writing {args.rows:,} passages", args)
        passages.write(cut, args.rows, FILES, folder / "files")
        passages.write(cut, args.rows, 1, folder / LARGE)
        passages.write(cut, args.rows // 10, 1, folder / SMALL)
        # What is compared runs one after the other, because the speed of a machine can change within an hour.
        for place, engine in args.rounds * sorted(subjects, key=lambda subject: subject[1]):
            command.progress(f"{place.name}: {engine}")
            run = score(place, engine, folder, args)
            if place.source != SMALL and labels.setdefault(engine, run.labels) != run.labels:
                raise BenchmarkError(f"{engine} labels other texts in {place.name} than in {LOOP.name}: {run.labels}")
            runs[place.name, engine].append(run)
            command.say(f"{place.name}, {engine}: {run.seconds:.1f} s", args)
    command.progress("")
    rows = []
    for place, engine in subjects:
        same = runs[place.name, engine]
        row = {"place": place.name, "engine": engine, "cores": place.cores, "texts": sum(same[0].labels.values())}
        row["seconds"] = round(median(run.seconds for run in same), 1)
        row["worker_mb"] = round(median(run.worker_mb for run in same))
        runtimes = [versions[name] for name in ("loop", place.name, engine) if name in versions]
        rows.append({**row, "runtime": ", ".join(runtimes)})
    about = {"bundle": results.identify(Bundle.open()), "source": found.source, "rounds": args.rounds}
    return {**about, "passages": len(cut), "words": passages.WORDS, "texts": args.rows, "rows": rows}


def find_versions(python: str) -> dict[str, str]:
    """Return the packages of a Python that do the work, with their versions, by the name of a place or an engine."""
    packages = {**PACKAGES, "loop": "pyarrow"}
    script = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"
    found = processes.run([python, "-c", script, *packages.values()]).split()
    return {name: f"{package} {version}" for (name, package), version in zip(packages.items(), found)}


def score(place: Place, engine: str, folder: Path, args: argparse.Namespace) -> Run:
    """Score the texts once, with an engine in a place."""
    python, source = str(Path(args.python).absolute()), folder / place.source
    target, answer = folder / f"scored{source.suffix}", folder / "answer.json"
    if place.program is None:
        options = ["--engine", engine, "--workers", str(place.cores), "--file", str(source), "--out", str(target)]
        words = [python, str(processes.CLASSIFY), "--parquet", "text", *options]
    else:
        name = f"fasttext:{Path(args.fasttext).absolute()}" if engine == FASTTEXT else engine
        words = [python, PROGRAM, place.program, name, str(source), str(target), str(answer)]
    paths = [str(command.ROOT), str(command.ROOT / "runtime"), *filter(None, [os.environ.get("PYTHONPATH")])]
    watched = memory.run(words, place.worker, PYTHONPATH=os.pathsep.join(paths), PYSPARK_PYTHON=python)
    seconds = watched.seconds if place.program is None else json.loads(answer.read_text("utf-8"))["seconds"]
    counts = passages.count_labels(target)
    for made in folder.glob("scored*"):
        shutil.rmtree(made) if made.is_dir() else made.unlink()
    return Run(seconds, watched.worker_mb, counts)


def tables(found: results.Results) -> list[Part]:
    """Lay the results out."""
    rows = {(row["place"], row["engine"]): row for row in found["rows"]}
    note = (
        f"{found['texts']:,} passages of {found['words']} words from {found['source']}, in {FILES} Parquet files or in "
        f"one, are read, labelled and written. {LOOP.name.capitalize()}: `classify_batches` in one process. Command: "
        "`classify.py --parquet`. Overhead: core time beyond that of the loop with the same engine. Core-hours: for "
        "10⁹ such texts. Memory: peak of anonymous memory of a worker; above bare: beyond a worker that gives all "
        f"texts the same label, engine {NOTHING}. Medians of {found['rounds']} rounds."
    )
    names = "where, engine, cores, texts/s, texts/s and core, overhead, core-hours, memory, above bare"
    lines = []
    for (place, engine), row in rows.items():
        each = core_seconds(row)
        loop, bare = rows[LOOP.name, engine], rows.get((place, NOTHING)) if row["cores"] > 1 else None
        overhead = "" if row is loop else f"{each / core_seconds(loop) - 1:+.0%}"
        above = f"{row['worker_mb'] - bare['worker_mb']:+,.0f} MB" if bare and row is not bare else ""
        rates = [f"{row['cores'] / each:,.0f}", f"{1 / each:,.0f}"]
        cells = [*rates, overhead, f"{each * 1e9 / 3600:.1f}", f"{row['worker_mb']:,.0f} MB", above]
        lines.append([place, engine, str(row["cores"]), *cells])
    return [note, Table(names.split(", "), lines, 2)]


def core_seconds(row: dict[str, Any]) -> float:
    """Return the core time of a text, in seconds."""
    return float(row["cores"] * row["seconds"] / row["texts"])


main = command.make_main("scale", make_parser, measure, tables)

if __name__ == "__main__":
    sys.exit(main(None))
