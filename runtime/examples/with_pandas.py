"""Label a column of a pandas data frame.

Usage: python with_pandas.py IN.parquet OUT.parquet [MODEL]
"""

import sys
from pathlib import Path

import pandas
import pyarrow
from pyarrow import parquet

from edgetext import Classifier
from edgetext.arrow import ArrowClassifier

if len(sys.argv) not in (3, 4) or Path(sys.argv[2]).exists():
    print(f"usage: {sys.argv[0]} IN.parquet OUT.parquet [MODEL]; OUT.parquet must not exist yet", file=sys.stderr)
    sys.exit(2)
source, target, *model = sys.argv[1:]
classify = ArrowClassifier(Classifier.load(*model), column="text")


def add_labels(frame: pandas.DataFrame) -> pandas.DataFrame:
    """Return a frame of Arrow types with the columns ``label`` and ``score`` added; a missing text gets neither."""
    return classify(pyarrow.Table.from_pandas(frame)).to_pandas(types_mapper=pandas.ArrowDtype)


# Arrow's types keep what the types of NumPy change, such as whole numbers beside missing ones.
labelled = pyarrow.Table.from_pandas(add_labels(pandas.read_parquet(source, dtype_backend="pyarrow")))
# Not with `to_parquet`: pandas does not know the names that it would write for lists and structs.
parquet.write_table(labelled.replace_schema_metadata(), target)
