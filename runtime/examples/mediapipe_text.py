"""Classify texts with one exported file, through MediaPipe, without edgetext.

To install and run:

    pip install mediapipe
    python mediapipe_text.py model.dynamic_wi8_afp32.tflite "great movie" "terrible movie"

MediaPipe ends a text at a NUL character, and knows a word in capitals only if the file lists it in capitals. MediaPipe
1.2 looks up a host of its vendor for usage statistics; `unshare -rn python mediapipe_text.py ...` runs it without a
network, which it does not need.
"""

import sys

try:
    from mediapipe.tasks.python.text import TextClassifier
except ImportError as error:
    print(f"error: {error}: pip install mediapipe", file=sys.stderr)
    sys.exit(2)
if len(sys.argv) < 3:
    print(f"usage: {sys.argv[0]} FILE TEXT...", file=sys.stderr)
    sys.exit(2)
file, *texts = sys.argv[1:]
try:
    classifier = TextClassifier.create_from_model_path(file)
except (OSError, RuntimeError, ValueError) as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)
with classifier:  # 1.2 complains at the end of the program if it was not closed
    for text in texts:
        best = classifier.classify(text).classifications[0].categories[0]  # the most probable comes first
        print(f"{best.category_name}\t{best.score:.6f}\t{text}")
