"""Export a trained run to quantised TensorFlow Lite, into a bundle that the runtime reads.

The file also contains tokenizer, vocabulary and labels as TensorFlow Lite metadata, so MediaPipe's TextClassifier runs
it as it is, and `classify.py --model FILE` reads it without the bundle.

Examples:
  python export/to_tflite.py                            # the default run, into the default bundle
  python export/to_tflite.py --run runs/mine --out bundles/mine --recipe float32
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from export.command import main

if __name__ == "__main__":
    sys.exit(main("tflite", __doc__))
