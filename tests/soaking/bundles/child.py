"""The process that opens and runs damaged bundles, because a native interpreter may crash it.

It reads its task and then a fault a line from standard input, all JSON, and writes a line of what is wrong with what
happened, empty where nothing is.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from edgetext import BundleError, Classifier
from edgetext.bundle.manifest import MANIFEST
from tests.soaking import limits
from tests.soaking.bundles import faults
from tests.soaking.lengths import memory

# Few words, which are searched for, and many, for which the vocabulary is parsed.
TEXTS = ("great movie", "", "a dull, pointless film; I did not care for any of it and want my two hours back " * 3)


class Subject:
    """A bundle or a single file to damage, and its answers while intact.

    Attributes:
        engines: The engine's answers, as far as it was asked, by name.
    """

    def __init__(self, good: Path, other: Path, work: Path, single: str, seconds: float) -> None:
        """Copy the bundle; ``single`` is the name of a file to open alone, empty for the bundle's folder."""
        self._good, self._other, self._work = good, other, work
        self._seconds = seconds
        shutil.copytree(good, work)
        self._path = work / single
        self.engines: dict[str, Any] = {}

    def judge(self, fault: faults.Fault) -> str:
        """Apply a fault, score, and undo it; return what is wrong with the result."""
        if fault.engine not in self.engines:
            self.engines[fault.engine] = self._ask(fault.engine)
        faults.apply(fault, self._good, self._work, self._other)
        try:
            with limits.within(self._seconds):
                same = self._ask(fault.engine) == self.engines[fault.engine]
            if not same:
                return "another answer, in silence"
            must_fail = faults.REPLACED.get(fault.kind, fault.kind == "content")
            return "it is accepted as if it were intact" if must_fail else ""
        except BundleError as error:
            message = str(error)
            good = str(self._work) in message and "\n" not in message
            # The manifest of another bundle is valid; the files that differ from it are named instead.
            named = fault.file in message or fault.kind == "content" or fault[1:3] == (MANIFEST, "swapped")
            return "" if good and named else f"the message is {message!r}"
        except (Exception, limits.TookTooLong) as error:
            return f"{type(error).__name__}: {error}"
        finally:
            faults.undo(fault, self._good, self._work)

    def _ask(self, engine: str) -> Any:
        classifier = Classifier.load(self._path, engine, quiet=True)
        return [classifier.labels, *(classifier.classify(text).as_dict() for text in TEXTS)]


def main() -> None:
    """Run the task on standard input."""
    task = json.loads(sys.stdin.readline())
    with tempfile.TemporaryDirectory() as folder:
        subject = Subject(
            Path(task["good"]), Path(task["other"]), Path(folder) / "work", task["single"], task["seconds"]
        )
        for line in sys.stdin:
            print(json.dumps(subject.judge(faults.Fault(*json.loads(line)))), flush=True)
    # Not getrusage's value, which starts from the peak of the parent process.
    print(json.dumps(memory("VmHWM") // 1024), flush=True)
