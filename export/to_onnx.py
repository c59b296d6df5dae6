"""Export a trained run to ONNX, quantised, into a bundle that the runtime reads.

The file takes ids, or with --input text plain text: then tokenisation and labels are in its graph, for any program with
ONNX Runtime. Either carries what else scoring needs: `classify.py --model FILE` needs no bundle around it.

Examples:
  python export/to_onnx.py                            # the default run into the default bundle
  python export/to_onnx.py --input text               # and the file that takes text beside it
  python export/to_onnx.py --run runs/mine --out bundles/mine --recipe float32
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from export.command import main

if __name__ == "__main__":
    sys.exit(main("onnx", __doc__))
