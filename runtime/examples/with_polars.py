"""Label a column in Polars, also of frames larger than memory.

Usage: python with_polars.py IN.parquet OUT.parquet [MODEL]
"""

import sys
from pathlib import Path

import polars
import pyarrow

from edgetext import Classifier
from edgetext.arrow import ArrowClassifier

if len(sys.argv) not in (3, 4) or Path(sys.argv[2]).exists():
    print(f"usage: {sys.argv[0]} IN.parquet OUT.parquet [MODEL]; OUT.parquet must not exist yet", file=sys.stderr)
    sys.exit(2)
source, target, *model = sys.argv[1:]
classify = ArrowClassifier(Classifier.load(*model), column="text")


def add_labels(texts: polars.Series) -> polars.Series:
    """Return the labels and scores of texts, as a series of structs."""
    rows = classify(pyarrow.table({"text": texts.to_arrow()}))
    return polars.DataFrame(rows.select(["label", "score"])).to_struct()


found = polars.Struct({"label": polars.String, "score": polars.Float64})
labels = polars.col("text").map_batches(add_labels, return_dtype=found, is_elementwise=True)
# Not `with_columns`, which would replace a column `label` that is there already.
frame = polars.scan_parquet(source).select(polars.all(), labels.struct.unnest())
frame.sink_parquet(f"{target}.partial")  # what is left by a run that fails would look like a result
Path(f"{target}.partial").rename(target)
