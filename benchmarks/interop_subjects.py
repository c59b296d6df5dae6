"""What interop.py measures: each file of a bundle in each runtime that can be expected to take it.

Every subject runs in processes of its own. Whatever goes wrong in one of them is its row's reason.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import common, launching
from benchmarks.texts import Review
from edgetext import Bundle
from edgetext.bundle.manifest import ModelFile
from edgetext.engines.onnx import STAND_IN

_FOLDER = Path(__file__).resolve().parent
PEER, NODE_PEER = str(_FOLDER / "interop_peer.py"), str(_FOLDER / "interop_peer.mjs")
FIRST_TEXT = "great movie"
NO_ISOLATION = "not run: it is to be run without a network, and unshare does not work here"
_ISOLATIONS = (["unshare", "-n"], ["unshare", "-rn"])  # as root, and as another user
_SURROGATES = re.compile("[\ud800-\udfff]")


class Peers(NamedTuple):
    """The runtimes of others that are there to be measured.

    Attributes:
        mediapipe: Pythons that have MediaPipe.
        node: A folder that has node_modules with onnxruntime-node; None for none.
        c: The compiled interop_peer.c; None for none.
    """

    mediapipe: Sequence[str]
    node: str | None
    c: str | None


class TextFiles(NamedTuple):
    """Texts in the forms that the peers read: JSON, and each text behind its length."""

    json: str
    plain: str


def write_texts(stem: Path, reviews: Sequence[Review]) -> TextFiles:
    """Write texts for the peers; a lone surrogate, which UTF-8 has not, becomes what edgetext makes of it."""
    texts = [_SURROGATES.sub(STAND_IN, review.text) for review in reviews]
    files = TextFiles(f"{stem}.json", f"{stem}.txt")
    Path(files.json).write_text(json.dumps(texts), encoding="utf-8")
    encoded = [text.encode() for text in texts]
    Path(files.plain).write_bytes(b"".join(b"%d\n%b" % (len(text), text) for text in encoded))
    return files


class Subject:
    """A file in a runtime.

    Attributes:
        model: The file.
        runtime: The runtime's name; its version too, once ``introduce`` was called.
        given: ``"text"`` or ``"ids"``.
        error: The line that says why it does not work; None as long as it does.
        installed: Bytes of what must be installed; None where that is not known.
        startups_ms: What whole processes took.
        windows_us: The median of each window of single texts.
    """

    _form = "json"

    def __init__(
        self, model: ModelFile, runtime: str, given: str, peer: Sequence[str], *, once: Sequence[str] | None = None
    ) -> None:
        """Name what to measure.

        Args:
            model: The file.
            runtime: The runtime's name, until the peer tells it.
            given: What it is given.
            peer: The words of the command that are followed by what to do and a file of texts.
            once: The command that classifies one text and ends; None has the peer do that.
        """
        self.model, self.runtime, self.given = model, runtime, given
        self.error: str | None = None
        self.installed: int | None = None
        self.startups_ms: list[float] = []
        self.windows_us: list[float] = []
        self._peer, self._once = peer, once

    @property
    def name(self) -> str:
        """Name it for people."""
        return f"{self.model.file} in {self.runtime}"

    @property
    def own(self) -> bool:
        """Whether it is edgetext itself that runs the file."""
        return self.runtime.startswith("edgetext")

    def introduce(self) -> None:
        """Learn the runtime's version and size, if it works at all."""
        if about := self._ask("about"):
            self.runtime, self.installed = about["runtime"], about.get("installed")

    def score(self, texts: TextFiles) -> list[tuple[str, list[float]]] | None:
        """Give for each text its label and the probability of every label; None if it does not work."""
        answers = self._ask("score", texts)
        return answers and answers["answers"]

    def launch(self, text: TextFiles, *, counted: bool) -> None:
        """Time a whole process that loads the file and classifies one text."""
        started = time.perf_counter()
        if self._once is None:
            self._ask("score", text)
        else:
            self._run(self._once)
        if counted and self.error is None:
            self.startups_ms.append(1e3 * (time.perf_counter() - started))

    def time(self, texts: TextFiles) -> None:
        """Time single texts in a process."""
        if window := self._ask("time", texts):
            self.windows_us.append(statistics.median(window["times_ns"]) / 1e3)

    def _ask(self, mode: str, texts: TextFiles | None = None) -> Any:
        output = self._run([*self._peer, mode, *([] if texts is None else [getattr(texts, self._form)])])
        try:
            return None if output is None else json.loads(output)
        except ValueError:
            self.error = "its peer printed no JSON"
            return None

    def _run(self, command: Sequence[str]) -> str | None:
        if self.error is None:
            try:
                return launching.run(command)
            except (launching.LaunchError, common.BenchmarkError) as error:
                self.error = tidy(str(error))
        return None


class NodeSubject(Subject):
    """A file in Node.js: all of node_modules is what must be installed."""

    def __init__(self, model: ModelFile, file: str, folder: str) -> None:
        """Name what to measure: a file, and the folder that has node_modules."""
        super().__init__(model, "onnxruntime-node", "text", ["node", NODE_PEER, folder, file])
        self._folder = folder

    def introduce(self) -> None:
        """Learn the package's version and size."""
        super().introduce()
        if self.error is None:
            modules = os.walk(os.path.join(self._folder, "node_modules"))
            self.installed = sum(os.lstat(os.path.join(at, name)).st_size for at, _, names in modules for name in names)


class CSubject(Subject):
    """A file in a program in C: the library is what must be installed."""

    _form = "plain"

    def __init__(self, model: ModelFile, file: str, program: str) -> None:
        """Name what to measure: a file, and the compiled program."""
        super().__init__(model, "libonnxruntime", "text", [os.path.abspath(program), file])

    def introduce(self) -> None:
        """Learn the library's version and size."""
        super().introduce()
        if self.error is None:
            try:
                library = re.search(r"libonnxruntime\S* => (\S+)", launching.run(["ldd", self._peer[0]]))
            except (launching.LaunchError, common.BenchmarkError):  # another system than Linux
                library = None
            self.installed = os.path.getsize(library[1]) if library else None


def subjects(bundle: Bundle, peers: Peers) -> Iterator[Subject]:
    """List what to measure of a bundle; of each file edgetext comes first, which the others are compared to."""
    offline = isolation() if peers.mediapipe else None
    for model in bundle.models:
        file = os.path.abspath(os.path.join(bundle.folder, model.file))
        options = ["--model", file]
        if model.engine == "builtin":  # whose files cannot be used alone
            options = ["--model", bundle.folder, "--engine", model.engine, "--recipe", model.recipe]
        once = [sys.executable, str(launching.CLASSIFY), *options, FIRST_TEXT]
        yield Subject(model, f"edgetext, {model.engine}", "text", _python("edgetext", file), once=once)
        if model.engine == "tflite":
            yield Subject(model, "ai-edge-litert", "ids", _python("litert", file))
            for python in peers.mediapipe:
                subject = Subject(model, "mediapipe", "text", [*(offline or ()), python, PEER, "mediapipe", file])
                subject.error = None if offline else NO_ISOLATION
                yield subject
        elif model.engine == "onnx" and model.recipe.endswith("_text"):
            yield Subject(model, "onnxruntime", "text", _python("onnxruntime_text", file))
            if peers.node is not None:
                yield NodeSubject(model, file, peers.node)
            if peers.c is not None:
                yield CSubject(model, file, peers.c)
        elif model.engine == "onnx":
            yield Subject(model, "onnxruntime", "ids", _python("onnxruntime_ids", file))


def _python(runtime: str, file: str) -> list[str]:
    return [sys.executable, PEER, runtime, file]


def isolation() -> list[str] | None:
    """Give the words that start a process without a network, if there is a way."""
    for words in _ISOLATIONS:
        try:
            if subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0:
                return words
        except OSError:
            pass
    return None


def tidy(reason: str) -> str:
    """Take the folders off paths in an error: where things lie here is no news for a results file."""
    return re.sub(r"(?<![\w.])/(?:[^\s/:'\"]+/)+", "", reason)
