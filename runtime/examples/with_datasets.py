"""Label a Hugging Face dataset.

Usage: python with_datasets.py IN.parquet OUT.parquet [MODEL]
"""

import sys
from pathlib import Path

import datasets

from edgetext import Classifier
from edgetext.arrow import ArrowClassifier

if len(sys.argv) not in (3, 4) or Path(sys.argv[2]).exists():
    print(f"usage: {sys.argv[0]} IN.parquet OUT.parquet [MODEL]; OUT.parquet must not exist yet", file=sys.stderr)
    sys.exit(2)
source, target, *model = sys.argv[1:]
# With the model in it, and not only its path, the cache of `map` knows when another model is put in its place.
classify = ArrowClassifier(Classifier.load(*model), column="text")

texts = datasets.Dataset.from_parquet(source)
texts.with_format("arrow").map(classify, batched=True).to_parquet(target)  # num_proc=N: in N processes
