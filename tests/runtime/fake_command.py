"""``runtime/classify.py`` over a fake engine: all of the command but the interpreter, on any Python."""

import sys
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "runtime")]

from edgetext.cli import command
from tests.runtime.helpers import fake_classifier

if __name__ == "__main__":
    with mock.patch("edgetext.classifier.Classifier.load", return_value=fake_classifier()):
        command()
