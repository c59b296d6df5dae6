"""Exporting: a run folder in, a bundle out. ``python export/to_tflite.py --help`` tells how."""

import sys
from pathlib import Path

# The runtime's package is found in this checkout, whatever else is installed.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "runtime"))
