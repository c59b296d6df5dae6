"""Run the benchmark of ``benchmarks.abstaining.mixture``."""

import sys

from benchmarks.abstaining.mixture import main

sys.exit(main(None))
