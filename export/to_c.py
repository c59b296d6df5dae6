"""Export a trained run to blocks for programs without Python: for the C library in runtime/c, firmware and web pages.

The library is compiled to compare its answers with Keras', with ziglang (pip install ziglang) or this machine's cc.

Examples:
  python export/to_c.py                                      # the default run, into bundles/default
  python export/to_c.py --run runs/mine --out bundles/mine
  python export/to_c.py --run runs/mine --header firmware/model.h
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from export.command import main

if __name__ == "__main__":
    sys.exit(main("c", __doc__))
