"""Classify texts with one exported file that takes text, through ONNX Runtime, without edgetext.

To install and run:

    pip install onnxruntime
    python onnx_text.py model.dynamic_wi8_text.onnx "great movie" "terrible movie"
"""

import os
import sys

# 1.32 looks up a host of its vendor, unless this is set before it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

try:
    import numpy
    import onnxruntime
except ImportError as error:
    print(f"error: {error}: pip install onnxruntime", file=sys.stderr)
    sys.exit(2)
if len(sys.argv) < 3:
    print(f"usage: {sys.argv[0]} FILE TEXT...", file=sys.stderr)
    sys.exit(2)
file, *texts = sys.argv[1:]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1  # the models are too small to gain from more
options.log_severity_level = 4  # an error is an exception, and need not be logged too
# An array of objects, because numpy's own strings and lists end at a NUL.
batch = numpy.array(texts, dtype=object)
try:
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    labels, probabilities = session.run(["label", "probabilities"], {"text": batch})
except Exception as error:  # onnxruntime's own exceptions have no common base but this
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)
for text, label, row in zip(texts, labels, probabilities):
    print(f"{label}\t{max(row):.6f}\t{text}")
