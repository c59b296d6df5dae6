"""Classify one text over and over, in a process whose instructions instructions.py counts.

The standard library and edgetext only:

    python benchmarks/repeat.py ENGINE RECIPE FILE TIMES

FILE holds the text. It prints the library that did the work; an engine that does not work is one line on standard error
and exit code 2.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "runtime"))

from edgetext import Classifier, EdgetextError


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    engine, recipe, file, times = sys.argv[1:] if argv is None else argv
    text = Path(file).read_text("utf-8")
    try:
        classifier = Classifier.load(None, engine, recipe=recipe)
        for _ in range(int(times)):
            classifier.classify(text)
    except EdgetextError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(classifier.engine.runtime)
    return 0


if __name__ == "__main__":
    sys.exit(main())
