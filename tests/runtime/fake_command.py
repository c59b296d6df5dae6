"""``runtime/classify.py`` over a fake engine: all of the command but the interpreter, on any Python.

What ``--model`` names is no bundle, but a file of labels, one a line; see ``helpers.fake_classifier_of``.
"""

import sys
from pathlib import Path
from typing import Any
from unittest import mock

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "runtime")]

from edgetext import Classifier
from edgetext.command.main import command, main
from tests.runtime.helpers import fake_classifier, fake_classifier_of


def load(path: "str | None" = None, *args: Any, threshold: "float | None" = None, **more: Any) -> Classifier:
    """Stand in for ``Classifier.load``."""
    if path is None:
        return fake_classifier(threshold=threshold)
    return fake_classifier_of(Path(path).read_text("utf-8").splitlines(), threshold)


def fake_main(argv: "list[str]") -> int:
    """Run the command over the fake engine."""
    with mock.patch("edgetext.classifier.Classifier.load", load):
        return main(argv)


if __name__ == "__main__":
    with mock.patch("edgetext.classifier.Classifier.load", load):
        command()
