"""Measure the files of a bundle in a browser: edgetext, MediaPipe and ONNX Runtime, each in pages of headless Chromium.

Usage (`make browser` exports the bundle and builds the package first):

    python benchmarks/browser.py --model build/interop/web

The subjects take turns. Their pages preload what the runtime asked for in a first page. Labels are compared with those
of the engine builtin. The protocol is in benchmarks/README.md.

Exit codes: 0, even if some runtimes do not work, which the table says; 2 for a mistake or if nothing works.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.measuring import command, processes, results, texts
from benchmarks.measuring.chromium import Chromium
from benchmarks.measuring.layout import Part, Table, percent
from benchmarks.measuring.results import BenchmarkError
from benchmarks.measuring.server import Server, serve
from edgetext import Bundle, Classifier
from edgetext.bundle.manifest import ModelFile

PAGES = 20
MEASURING = Path(__file__).resolve().parent / "measuring"
PAGE = MEASURING / "browser.html"
PRELOADS = "<!-- links to preload files -->"


class Subject:
    """A model file in a runtime of browser.html.

    Attributes:
        row: What the results record.
        error: Why it does not work; None as long as it does.
    """

    def __init__(self, row: dict[str, Any], url: str, *options: str) -> None:
        arguments = [row["runtime"].split(" ")[0], url, processes.FIRST_TEXT, *options]
        self.query = urlencode([("argument", argument) for argument in arguments])
        self.row, self.error = row, ""
        self._page = f"/{PAGE.name}"
        self._first: list[float] = []
        self._firsts: list[list[float]] = []
        self._times: list[float] = []

    def open(self, browser: Chromium, server: Server) -> None:
        """Open a fresh page and wait for the first answer."""
        server.served.clear()
        try:
            browser.ask("open", f"{server.url}{self._page}?{self.query}")
            self._first = browser.evaluate("first")
        except BenchmarkError as error:
            self.error = results.without_folders(str(error).replace(server.url, ""))

    def inspect(self, browser: Chromium, server: Server, given: list[str], expected: list[str]) -> None:
        """Record what the page downloaded, and how many labels differ from those expected."""
        del server.served[self._page]  # which is the same for all
        contents = [path.read_bytes() for path in server.served.values()]
        self.row["download"] = sum(map(len, contents))
        self.row["gzipped"] = sum(len(gzip.compress(content, 9)) for content in contents)
        if not self.error:
            answers = browser.evaluate(f"score({json.dumps(given)})")
            changed = sum(label != right for (label, _), right in zip(answers, expected))
            self.row["other_labels"] = changed / len(given)

    def preload(self, server: Server, folder: Path, name: str) -> None:
        """Write a page that preloads what the last one asked for into a folder, which is served as /pages."""
        (folder / name).write_text(PAGE.read_text("utf-8").replace(PRELOADS, links(server.served)), encoding="utf-8")
        self._page = f"/pages/{name}"

    def time(self, browser: Chromium, given: list[str]) -> None:
        """Record the time to the first answer, and the mean time of a text."""
        if not self.error:
            self._firsts.append(self._first)
            self._times.append(browser.evaluate(f"time({json.dumps(given)})") / len(given))

    def result(self) -> dict[str, Any]:
        """Return the row of the results: ``error``, or the medians of what was measured."""
        if self.error:
            return {**self.row, "error": self.error}
        opened, loaded = (round(statistics.median(times), 1) for times in zip(*self._firsts))
        text = round(1e3 * statistics.median(self._times), 1)
        return {**self.row, "first_ms": opened, "loading_ms": loaded, "text_us": text}


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = command.make_parser(__doc__)
    add = parser.add_argument
    add("--model", metavar="DIR", required=True, help="a bundle with .etx, .tflite and text-in .onnx files")
    add("--site", metavar="DIR", type=Path, default=Path("build/web"), help="what runtime/web/build.py wrote")
    add("--node", metavar="DIR", type=Path, default=Path("build/interop/browser"), help="has node_modules of the peers")
    add("--data", metavar="PATH", help="labelled texts (.jsonl), or the reviews (default: the test reviews)")
    add("--limit", metavar="N", type=command.at_least(1), default=500, help="score N texts (default: %(default)s)")
    add("--pages", metavar="N", type=command.at_least(1), default=PAGES, help="pages each (default: %(default)s)")
    return parser


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Measure the bundle's files and return the content of the results file."""
    bundle = Bundle.open(args.model)
    subjects = list(make_subjects(bundle, args.node))
    if not subjects:
        raise BenchmarkError(f"{args.model}: no file that a browser can read; `make browser` exports them")
    if not (args.site / "edgetext.wasm").exists():
        raise BenchmarkError(f"{args.site}: no edgetext.wasm there; `make browser` builds it")
    found = texts.find(args.data, args.limit)
    given = [text.text for text in found.texts]
    expected = [prediction.label for prediction in Classifier.load(args.model, "builtin").classify_many(given)]
    folders = {"/edgetext": args.site, "/node_modules": args.node / "node_modules", "/model": Path(bundle.folder)}
    with (
        tempfile.TemporaryDirectory() as pages,
        serve({**folders, "/pages": Path(pages), "": MEASURING}, {}) as server,
        Chromium(args.node) as browser,
    ):
        version = browser.ask("about")
        for number in range(args.pages + 1):
            for place, subject in enumerate(subjects):
                command.progress(f"page {number + 1} of {args.pages + 1}: {subject.row['runtime']}")
                subject.open(browser, server)
                if number == 0:
                    subject.inspect(browser, server, given, expected)
                    subject.preload(server, Path(pages), f"{place}.html")
                else:
                    subject.time(browser, given)
    command.progress("")
    rows = [subject.result() for subject in subjects]
    if all("error" in row for row in rows):
        raise BenchmarkError("; or ".join(dict.fromkeys(row["error"] for row in rows)))
    about = {"bundle": results.identify(bundle), "browser": version, "pages": args.pages}
    return {**about, "texts": found.describe(bundle.preprocessing.rules), "rows": rows}


def make_subjects(bundle: Bundle, node: Path) -> Iterator[Subject]:
    """Return the subjects: for each model file the runtimes that read it."""
    for model in bundle.models:
        if model.engine == "c":
            yield Subject(describe(bundle, model, "edgetext"), f"/model/{model.file}")
        if model.engine == "tflite":
            runtime = f"mediapipe {version(node, '@mediapipe/tasks-text')}"
            yield Subject(describe(bundle, model, runtime), f"/model/{model.file}")
        for build in ("wasm", "webgpu") if model.recipe.endswith("_text") else ():
            runtime = f"onnxruntime-web {version(node, 'onnxruntime-web')} /{build}"
            yield Subject(describe(bundle, model, runtime), f"/model/{model.file}", build)


def links(paths: Iterable[str]) -> str:
    """Return the HTML elements that have a browser load files before a script asks for them."""
    kinds = {".mjs": 'rel="modulepreload"', ".js": 'rel="preload" as="script" crossorigin'}
    other = 'rel="preload" as="fetch" crossorigin'
    return "\n".join(f'<link href="{path}" {kinds.get(Path(path).suffix, other)}>' for path in paths)


def describe(bundle: Bundle, model: ModelFile, runtime: str) -> dict[str, Any]:
    """Return what a row records of a model file."""
    return {**results.describe_file(bundle, model), "runtime": runtime}


def version(node: Path, package: str) -> str:
    """Return the version of an installed npm package."""
    try:
        about = json.loads((node / "node_modules" / package / "package.json").read_text("utf-8"))
    except OSError:
        raise BenchmarkError(f"{node}: no {package} there; `make test` installs it") from None
    return str(about["version"])


def tables(found: results.Results) -> list[Part]:
    """Lay the results out."""
    head = ["file", "runtime", "works", "other labels", "download", "gzipped"]
    for column in ("first answer", "of it loading", "text to label"):
        head += [column, "× edgetext"]
    note = (
        "Download: all that the page of each asks for: its script, WebAssembly and model; gzipped: compressed with "
        "gzip -9. First answer: from opening a page that preloads these files, with an empty cache, to the first "
        "label; loading: without the time of the empty page. Text to label: mean of the texts. Times are medians "
        f"of {found['pages']} pages. × edgetext: relative to its smallest file. Other labels: than those of the engine "
        f"builtin. Texts: {texts.sentence(found['texts'])}. {found['browser']}, headless."
    )
    rows = found["rows"]
    working = [row for row in rows if row["runtime"] == "edgetext" and "error" not in row]
    own = min(working, key=lambda row: int(row["size"]), default=None)
    return [note, Table(head, [_cells(row, own) for row in rows], 3)]


def _cells(row: dict[str, Any], own: dict[str, Any] | None) -> list[str]:
    cells = [row["file"], row["runtime"]]
    if "error" in row:
        return [*cells, f"no: {row['error']}", *[""] * 9]
    cells += ["yes", percent(row["other_labels"], 1)]
    cells += [f"{row[name] / 1e3:,.0f} kB" for name in ("download", "gzipped")]
    for name, unit in (("first_ms", "ms"), ("loading_ms", "ms"), ("text_us", "µs")):
        cells += [f"{row[name]:,.0f} {unit}", f"{row[name] / own[name]:.1f}" if own else ""]
    return cells


main = command.make_main("browser", make_parser, measure, tables)

if __name__ == "__main__":
    sys.exit(main(None))
