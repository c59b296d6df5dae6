"""Pages of headless Chromium that are measured like processes: each opens a fresh one to classify a text or many."""

from __future__ import annotations

import contextlib
import gzip
import json
import statistics
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from benchmarks.measuring import processes, results
from benchmarks.measuring.browser.chromium import Chromium
from benchmarks.measuring.browser.server import Server, serve
from benchmarks.measuring.processes import Files
from benchmarks.measuring.results import BenchmarkError
from edgetext import Bundle
from edgetext.bundle.manifest import ModelFile

PAGE = Path(__file__).resolve().with_name("browser.html")
PRELOADS = "<!-- links to preload files -->"
# With these a page's clock has steps of 5 microseconds instead of 100.
ISOLATED = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}


class Site(NamedTuple):
    """A browser, the servers of its pages, and a folder for pages, which is served as /pages.

    Attributes:
        isolated: The server of pages whose texts are timed.
    """

    browser: Chromium
    server: Server
    isolated: Server
    folder: Path


@contextlib.contextmanager
def open_site(bundle: Bundle, package: Path, node: Path) -> Iterator[Site]:
    """Start a browser, and a server of a bundle, of the package for browsers and of npm's packages.

    Args:
        bundle: The bundle.
        package: What runtime/web/build.py wrote.
        node: A folder whose node_modules has the runtimes and puppeteer-core.

    Raises:
        BenchmarkError: If something is missing.
    """
    if not (package / "edgetext.wasm").exists():
        raise BenchmarkError(f"{package}: no edgetext.wasm there; to build it: make build/web")
    folders = {"/edgetext": package, "/node_modules": node / "node_modules", "/model": Path(bundle.folder)}
    with (
        tempfile.TemporaryDirectory() as pages,
        serve({**folders, "/pages": Path(pages), "": PAGE.parent}, {}) as server,
        serve({**folders, "/pages": Path(pages), "": PAGE.parent}, ISOLATED) as isolated,
        Chromium(node) as browser,
    ):
        yield Site(browser, server, isolated, Path(pages))


class Page:
    """A model file in a runtime of browser.html, with the methods of ``processes.Subject``.

    Attributes:
        row: What the results record.
        error: Why it does not work; None as long as it does.
    """

    def __init__(self, site: Site, row: dict[str, Any], url: str, *options: str) -> None:
        arguments = [row["runtime"].split(" ")[0], url, processes.FIRST_TEXT, *options]
        self.row = row
        self.error: str | None = None
        self._site = site
        self._query = urlencode([("argument", argument) for argument in arguments])
        self._page = f"/{PAGE.name}"
        self._firsts: list[list[float]] = []
        self._times: list[float] = []

    def _open(self, server: Server) -> list[float]:
        """Open a fresh page; return the milliseconds to the first answer, and those of them in which it loaded."""
        browser = self._site.browser
        server.served.clear()
        try:
            browser.ask("open", f"{server.url}{self._page}?{self._query}")
            first: list[float] = browser.evaluate("first")
        except BenchmarkError as error:
            self.error = results.without_folders(str(error).replace(server.url, ""))
            return []
        return first

    def ask(self, task: str) -> dict[str, Any]:
        """Return what a page downloads, and have all later ones preload that."""
        self._open(self._site.server)
        served, folder = self._site.server.served, self._site.folder
        served.pop(self._page, None)  # the same for all
        contents = [path.read_bytes() for path in served.values()]
        page = folder / f"{len(list(folder.iterdir()))}.html"
        page.write_text(PAGE.read_text("utf-8").replace(PRELOADS, links(served)), encoding="utf-8")
        self._page = f"/pages/{page.name}"
        gzipped = sum(len(gzip.compress(content, 9)) for content in contents)
        return {"download": sum(map(len, contents)), "gzipped": gzipped}

    def score(self, files: Files) -> list[Any] | None:
        """Return a label and the probability of every label for each text; None if the subject does not work."""
        texts = Path(files.json).read_text("utf-8")
        return self._site.browser.evaluate(f"score({texts})") if self._open(self._site.server) else None

    def launch(self, first: Files, *, counted: bool, load: bool) -> None:
        """Time a page to its first answer."""
        if self.error is None and (found := self._open(self._site.server)) and counted:
            self._firsts.append(found)

    def time(self, files: Files) -> None:
        """Time the texts in one page, in groups: a page's clock is too coarse for single ones."""
        groups = json.dumps(processes.in_groups(json.loads(Path(files.json).read_text("utf-8"))))
        if self.error is None and self._open(self._site.isolated):
            times = self._site.browser.evaluate(f"time({groups})")
            self._times.append(1e3 * statistics.median(times))

    def result(self) -> dict[str, Any]:
        """Return the row of the results: ``error``, or the medians of what was measured."""
        if self.error is not None:
            return {**self.row, "error": self.error}
        median, loading = (round(statistics.median(times), 1) for times in zip(*self._firsts))
        ratio = round(statistics.median(first / (first - loaded) for first, loaded in self._firsts), 2)
        startup = {"median_ms": median, "loading_ms": loading, "ratio": ratio}
        return {**self.row, "startup": startup, "text_to_label": {"mean_us": round(statistics.median(self._times), 2)}}


def make_subjects(bundle: Bundle, site: Site, node: Path) -> Iterator[Page]:
    """Return the subjects: for each model file the runtimes that read it."""
    for model in bundle.models:
        url = f"/model/{model.file}"
        if model.engine == "c":
            layout = model.recipe.rpartition("_")[2]
            yield Page(site, describe(bundle, model, "edgetext", f"WebAssembly, {layout}"), url)
        if model.engine == "tflite":
            yield Page(site, describe(bundle, model, f"mediapipe {version(node, '@mediapipe/tasks-text')}"), url)
        for build in ("wasm", "webgpu") if model.recipe.endswith("_text") else ():
            runtime = f"onnxruntime-web {version(node, 'onnxruntime-web')} /{build}"
            yield Page(site, describe(bundle, model, runtime), url, build)


def links(paths: Iterable[str]) -> str:
    """Return the HTML elements that have a browser load files before a script asks for them."""
    kinds = {".mjs": 'rel="modulepreload"', ".js": 'rel="preload" as="script" crossorigin'}
    other = 'rel="preload" as="fetch" crossorigin'
    return "\n".join(f'<link href="{path}" {kinds.get(Path(path).suffix, other)}>' for path in paths)


def describe(bundle: Bundle, model: ModelFile, runtime: str, name: str | None = None) -> dict[str, Any]:
    """Return what a row records of a model file; the name is by default that of the runtime."""
    return {"name": f"{name or runtime}, in Chromium", **results.describe_file(bundle, model), "runtime": runtime}


def version(node: Path, package: str) -> str:
    """Return the version of an installed npm package."""
    try:
        about = json.loads((node / "node_modules" / package / "package.json").read_text("utf-8"))
    except OSError:
        raise BenchmarkError(f"{node}: no {package} there; `make test` installs it") from None
    return str(about["version"])
