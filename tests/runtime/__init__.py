"""Tests of the runtime that need nothing but Python: ``python -m unittest discover -s tests/runtime -t .``.

They are written with unittest so that any Python, on any device, can run them with nothing installed; pytest
collects them too.
"""

import sys
from pathlib import Path

RUNTIME = Path(__file__).resolve().parent.parent.parent / "runtime"
sys.path.insert(0, str(RUNTIME))
