"""Compare the library in C, its command, the engine native and WebAssembly with other runtimes, all in one run.

Usage (`make compiled` builds and exports what is needed):

    python benchmarks/compiled.py --fasttext "build/peers-models/lower case.ftz" --python build/peers/bin/python

The Python has edgetext-native and fasttext-predict. The programs are in build/c. Without Chromium and the packages of
npm, browsers are left out. The subjects take turns; the protocol is in benchmarks/README.md.

Exit codes: 0, even if some runtimes do not work in the browser, which the table says; 2 for a mistake, or if something
else does not work.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import peers
from benchmarks.measuring import command, processes, results, texts
from benchmarks.measuring.browser import pages
from benchmarks.measuring.layout import Part, Table, percent
from benchmarks.measuring.processes import Protocol, Subject
from edgetext import Bundle, Classifier

PROTOCOL = Protocol(launches=30, rounds=5)
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
    add, build = parser.add_argument, command.ROOT / "build"
    add("--python", metavar="PYTHON", required=True, help="has edgetext-native and fasttext-predict")
    add("--fasttext", metavar="FILE", required=True, help="the model of peers.py for lower-cased text")
    bundle = "a bundle with .etx, .tflite and text-in .onnx files (default: build/interop/web)"
    add("--model", metavar="DIR", type=Path, default=build / "interop" / "web", help=bundle)
    site = "what runtime/web/build.py wrote (default: build/web)"
    add("--site", metavar="DIR", type=Path, default=build / "web", help=site)
    node = "has node_modules with the runtimes for browsers (default: build/interop/browser)"
    add("--node", metavar="DIR", type=Path, default=build / "interop" / "browser", help=node)
    texts.add_arguments(parser, "a file of texts", 2000)
    return parser


def make_subjects(bundle: Bundle, args: argparse.Namespace) -> Iterator[Subject]:
    """Return the processes that are measured; the comparison for the start of a program in C is that of ``true``."""
    first, true = processes.FIRST_TEXT, str(shutil.which("true"))
    for engine in ("builtin", "native"):
        # builtin is what the command uses by default
        options = [] if engine == "builtin" else ["--engine", engine]
        program = [args.python, processes.PROGRAM, "edgetext", f"{engine} wi8_afp64"]
        once = [args.python, str(processes.CLASSIFY), *options, first]
        yield Subject({"name": f"engine {engine}"}, program, args.python, once=once)
    program = [args.python, processes.PROGRAM, "fasttext", f"lower case:{args.fasttext}"]
    once = [args.python, "-c", peers.ONCE["lower case"], args.fasttext, first]
    row = {"name": "fastText, lower case", "files": os.path.getsize(args.fasttext)}
    yield Subject(row, program, args.python, once=once)
    for layout in ("fast", "small"):
        model = next(model for model in bundle.models if model.recipe == f"wi8_afp64_{layout}")
        path, command_in_c = bundle.path_of(model), str(PROGRAMS / "edgetext-c-x86_64")
        row = {"name": f"C, {layout}", "files": model.size + os.path.getsize(command_in_c)}
        yield Subject(row, [str(PROGRAMS / "library"), path], true, once=[command_in_c, path, first], form="plain")


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Measure everything and return the content of the results file."""
    bundle = Bundle.open(args.model)
    found = texts.find(args.data, args.limit, fall_back=True)
    with contextlib.ExitStack() as stack:
        own: list[processes.Measured] = [*make_subjects(bundle, args)]
        browsers, version = [], None
        try:
            site = stack.enter_context(pages.open_site(bundle, args.site, args.node))
            browsers, version = [*pages.make_subjects(bundle, site, args.node)], site.browser.ask("about")
        except results.BenchmarkError as error:
            print(f"note: without browsers: {error}", file=sys.stderr)
        rows = processes.measure([*own, *browsers], found, PROTOCOL, load=False)
        compare_labels(bundle, browsers, rows[len(own) :], found)
    for row in rows[: len(own)]:
        if "error" in row:
            raise results.BenchmarkError(f"{row['name']}: {row['error']}")
    sizes = {name: (PROGRAMS / f"edgetext-c-{name}").stat().st_size for name in NAMES}
    about = {"bundle": results.identify(bundle), "texts": found.describe(bundle.preprocessing.rules)}
    return {**about, "browser": version, "programs": sizes, "rows": rows}


def compare_labels(
    bundle: Bundle, browsers: Sequence[pages.Page], rows: Sequence[dict[str, Any]], found: texts.Texts
) -> None:
    """Record how many labels of each page differ from those of the engine builtin."""
    given = [text.text for text in found.texts]
    wanted = [prediction.label for prediction in Classifier.load(bundle.folder, "builtin").classify_many(given)]
    with command.open_folder(None) as folder:
        files = processes.write_texts(folder / "texts", given)
        for page, row in zip(browsers, rows):
            if "error" not in row and (answers := page.score(files)):
                row["other_labels"] = sum(label != right for (label, _), right in zip(answers, wanted)) / len(wanted)


def working_rows(found: results.Results) -> list[dict[str, Any]]:
    """Return the rows of what works."""
    return [row for row in found["rows"] if "error" not in row]


def browser_rows(found: results.Results) -> list[dict[str, Any]]:
    """Return the rows of what was measured in the browser."""
    return [row for row in found["rows"] if "download" in row]


def tables(found: results.Results) -> list[Part]:
    """Lay the results out."""
    rows = {row["name"]: row for row in working_rows(found)}
    split = rows["engine builtin"]["split"]["mean_us"]
    other = rows["fastText, lower case"]["text_to_label"]["mean_us"]
    lines = []
    for name, row in rows.items():
        start, mean = row["startup"], row["text_to_label"]["mean_us"]
        size = sum(row.get(part, 0) for part in ("installed", "files", "download"))
        rate = row.get("texts_per_second", {}).get("median")
        bare = "true" if name.startswith("C,") else "page" if "download" in row else "Python"
        started = [f"{start['median_ms']:.1f} ms", f"{start['ratio']:.2f} × {bare}"]
        cells = [f"{mean:.1f} µs", f"{mean / split:.2f}", f"{mean / other:.2f}", f"{rate:,.0f}" if rate else ""]
        lines.append([name, f"{size / 1e6:.2f} MB", *started, *cells])
    note = (
        f"{texts.sentence(found['texts'])}. Size: the installed packages with the default bundle, the program with the "
        "model, or all that a page downloads. First answer: of a process that classifies one text, from start to exit, "
        "or from opening a page with an empty cache; ratio: to `python -c pass`, `/bin/true` or an empty page. Text to "
        "label: mean of ten texts, median of all tens. × split: relative to `text.lower().split()`. Texts/s: "
        "in batches of 32."
    )
    head = ["", "size", "first answer", "ratio", "text to label", "× split", "× fastText", "texts/s"]
    sizes = [[NAMES[name], f"{size / 1000:,.0f} kB"] for name, size in found["programs"].items()]
    return [note, Table(head, lines), "The static program `edgetext-c`:", Table(["machine", "size"], sizes)]


def browser_tables(found: results.Results) -> list[Part]:
    """Lay out what was measured in the browser, if anything was."""
    rows = browser_rows(found)
    if not rows:
        return []
    head = ["file", "runtime", "works", "other labels", "download", "gzipped"]
    for column in ("first answer", "of it loading", "text to label"):
        head += [column, "× edgetext"]
    note = (
        "Download: all that the page of each asks for: its script, WebAssembly and model; gzipped: compressed with "
        "gzip -9. First answer: from opening a page that preloads these files, with an empty cache, to the first "
        f"label, median of {PROTOCOL.launches} pages; loading: without the time of the empty page. Text to label: mean "
        "of ten texts, median of all tens. × edgetext: relative to its smallest file. Other labels: than "
        f"those of the engine builtin. Texts: {texts.sentence(found['texts'])}. {found['browser']}, headless."
    )
    working = [row for row in rows if row["runtime"] == "edgetext" and "error" not in row]
    own = min(working, key=lambda row: int(row["size"]), default=None)
    return [note, Table(head, [_browser_cells(row, own) for row in rows], 3)]


def _browser_cells(row: dict[str, Any], own: dict[str, Any] | None) -> list[str]:
    cells = [row["file"], row["runtime"]]
    if "error" in row:
        return [*cells, f"no: {row['error']}", *[""] * 9]
    cells += ["yes", percent(row["other_labels"], 1)]
    cells += [f"{row[name] / 1e3:,.0f} kB" for name in ("download", "gzipped")]
    columns = (("startup", "median_ms", "ms"), ("startup", "loading_ms", "ms"), ("text_to_label", "mean_us", "µs"))
    for part, name, unit in columns:
        value = row[part][name]
        cells += [f"{value:,.0f} {unit}", f"{value / own[part][name]:.1f}" if own else ""]
    return cells


main = command.make_main("compiled", make_parser, measure, tables)

if __name__ == "__main__":
    sys.exit(main(None))
