"""Export a trained run to TensorFlow Lite, quantised, into a bundle that the runtime reads.

The file carries tokenizer, vocabulary and labels too, as TensorFlow Lite's metadata, so that MediaPipe's TextClassifier
takes it as it is, and `classify.py --model FILE` needs no bundle around it.

Examples:
  python export/to_tflite.py                            # the default run into the default bundle
  python export/to_tflite.py --run runs/mine --out bundles/mine --recipe float32
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from export.command import main

if __name__ == "__main__":
    sys.exit(main("tflite", __doc__))
