"""Exporting: from a run folder to a bundle. See ``export/README.md``."""

import sys
from pathlib import Path

# Import the runtime of this checkout, whatever else is installed.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "runtime"))
