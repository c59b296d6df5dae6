"""Export a trained run to safetensors, for the engine that needs nothing installed, into a bundle.

Examples:
  python export/to_safetensors.py                            # the default run, into the default bundle
  python export/to_safetensors.py --run runs/mine --out bundles/mine
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from export.command import main

if __name__ == "__main__":
    sys.exit(main("builtin", __doc__))
