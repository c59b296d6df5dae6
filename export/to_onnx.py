"""Export a trained run to quantised ONNX, into a bundle that the runtime reads.

The model takes token ids. With --input text it takes plain text: tokenisation and labels are then in its graph, for any
program with ONNX Runtime. Both files contain all that scoring needs, so `classify.py --model FILE` reads them without
the bundle.

Examples:
  python export/to_onnx.py                            # the default run, into the default bundle
  python export/to_onnx.py --input text               # and the model that takes text, into the same bundle
  python export/to_onnx.py --run runs/mine --out bundles/mine --recipe float32
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from export.command import main

if __name__ == "__main__":
    sys.exit(main("onnx", __doc__))
