"""Compare the library in C, its command and the engine native with the engine builtin and fastText, in one run.

Usage, after `make c` and `make native`:

    make compiled
    python benchmarks/compiled.py --fasttext "build/peers-models/lower case.ftz" --python build/peers/bin/python

The Python has edgetext-native and fasttext-predict. The programs are in build/c, the models in build/c-model.

Exit codes: 0; 2 for a mistake, or if something does not work.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import peers
from benchmarks.measuring import command, processes, results, texts
from benchmarks.measuring.layout import Part, Table
from benchmarks.measuring.processes import Protocol, Subject
from edgetext import Bundle

PROTOCOL = Protocol(launches=60)
PROGRAMS = command.ROOT / "build" / "c"
NAMES = {
    "x86_64": "64-bit x86",
    "aarch64": "64-bit ARM",
    "armv7": "ARMv7",
    "mipsel": "MIPS, little-endian",
}


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = command.make_parser(__doc__)
    bundle = command.ROOT / "build" / "c-model"
    parser.add_argument("--python", metavar="PYTHON", required=True, help="has edgetext-native and fasttext-predict")
    parser.add_argument("--fasttext", metavar="FILE", required=True, help="the model of peers.py for lower-cased text")
    parser.add_argument("--model", metavar="DIR", type=Path, default=bundle, help="blocks (default: build/c-model)")
    texts.add_arguments(parser, "a file of texts", 2000)
    return parser


def make_subjects(bundle: Bundle, args: argparse.Namespace) -> Iterator[Subject]:
    """Return what is measured; the comparison for the start of a program in C is that of ``true``."""
    first, true = processes.FIRST_TEXT, str(shutil.which("true"))
    for engine in ("builtin", "native"):
        # builtin is what the command uses by default
        options = [] if engine == "builtin" else ["--engine", engine]
        program = [args.python, processes.PROGRAM, "edgetext", f"{engine} wi8_afp64"]
        once = [args.python, str(processes.CLASSIFY), *options, first]
        yield Subject({"name": f"engine {engine}"}, program, args.python, once=once)
    program = [args.python, processes.PROGRAM, "fasttext", f"lower case:{args.fasttext}"]
    once = [args.python, "-c", peers.ONCE["lower case"], args.fasttext, first]
    yield Subject({"name": "fastText, lower case"}, program, args.python, once=once)
    for layout in ("fast", "small"):
        model = next(model for model in bundle.models if model.recipe == f"wi8_afp64_{layout}")
        path = bundle.path_of(model)
        once = [str(PROGRAMS / "edgetext-c-x86_64"), path, first]
        row = {"name": f"C, {layout}", "size": model.size}
        yield Subject(row, [str(PROGRAMS / "library"), path], true, once=once, form="plain")


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Measure everything and return the content of the results file."""
    bundle = Bundle.open(args.model)
    found = texts.find(args.data, args.limit, fall_back=True)
    rows = processes.measure(list(make_subjects(bundle, args)), found, PROTOCOL, load=False)
    for row in rows:
        if "error" in row:
            raise results.BenchmarkError(f"{row['name']}: {row['error']}")
    sizes = {name: (PROGRAMS / f"edgetext-c-{name}").stat().st_size for name in NAMES}
    about = {"bundle": results.identify(bundle), "texts": found.describe(bundle.preprocessing.rules)}
    return {**about, "programs": sizes, "rows": rows}


def tables(found: results.Results) -> list[Part]:
    """Lay the results out."""
    rows = {row["name"]: row for row in found["rows"]}
    split = rows["engine builtin"]["split"]["median_us"]
    other = rows["fastText, lower case"]["text_to_label"]["median_us"]
    lines = []
    for name, row in rows.items():
        times, start = row["text_to_label"], row["startup"]
        rate = row.get("texts_per_second", {}).get("median")
        middle = times["median_us"]
        cells = [f"{middle:.1f} µs", f"{times['p95_us']:.0f} µs", f"{middle / split:.2f}", f"{middle / other:.2f}"]
        bare = "true" if name.startswith("C,") else "Python"
        started = [f"{start['median_ms']:.1f} ms", f"{start['ratio']:.2f} × {bare}"]
        lines.append([name, *cells, f"{rate:,.0f}" if rate else "", *started])
    note = (
        f"{texts.sentence(found['texts'])}. Single texts, median. × split: relative to `text.lower().split()`. "
        "Texts/s: in batches of 32. One-shot: a whole process that classifies one text, and its ratio to `python -c "
        "pass` or, for `edgetext-c`, `/bin/true`."
    )
    head = ["", "text to label", "95th percentile", "× split", "× fastText", "texts/s", "one-shot", "ratio"]
    sizes = [[NAMES[name], f"{size / 1000:,.0f} kB"] for name, size in found["programs"].items()]
    return [note, Table(head, lines), "The static program `edgetext-c`:", Table(["machine", "size"], sizes)]


main = command.make_main("compiled", make_parser, measure, tables)

if __name__ == "__main__":
    sys.exit(main(None))
