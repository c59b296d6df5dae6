"""Training: labelled text in, a run folder out. See ``python -m train --help`` and README.md."""

import sys
from pathlib import Path

# Import the runtime from this checkout, even if another version is installed.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "runtime"))
