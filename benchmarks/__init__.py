"""Measuring: a bundle in, results as JSON out. ``python benchmarks/accuracy.py --help`` tells how."""

import sys
from pathlib import Path

# The runtime's package is found beside this folder, in a checkout or on a device to which the two were copied; where
# it is not there, an installed one serves.
_RUNTIME = Path(__file__).resolve().parent.parent / "runtime"
if (_RUNTIME / "edgetext").is_dir():
    sys.path.insert(0, str(_RUNTIME))
