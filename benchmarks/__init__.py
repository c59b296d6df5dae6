"""Benchmarks: a bundle in, results as JSON out. README.md in this folder describes each script."""

import os
import sys

# The runtime's folder is next to this one, in a checkout and on a device; without it the installed package is used.
_RUNTIME = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "runtime")
sys.path[:0] = [_RUNTIME] if os.path.isdir(_RUNTIME) else []
