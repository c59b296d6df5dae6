"""Label texts in SQL with DuckDB.

Usage: python with_duckdb.py IN.parquet OUT.parquet [MODEL]
"""

import sys
from pathlib import Path

import duckdb
import pyarrow

from edgetext import Classifier
from edgetext.arrow import ArrowClassifier

if len(sys.argv) not in (3, 4) or Path(sys.argv[2]).exists():
    print(f"usage: {sys.argv[0]} IN.parquet OUT.parquet [MODEL]; OUT.parquet must not exist yet", file=sys.stderr)
    sys.exit(2)
source, target, *model = sys.argv[1:]
classify = ArrowClassifier(Classifier.load(*model), column="text")


def add_labels(texts: pyarrow.ChunkedArray) -> pyarrow.ChunkedArray:
    """Return the labels and scores of texts, as structs."""
    rows = classify(pyarrow.table({"text": texts})).select(["label", "score"])
    return rows.to_struct_array()


database = duckdb.connect()
found = database.struct_type({"label": "VARCHAR", "score": "DOUBLE"})
database.create_function("classify", add_labels, ["VARCHAR"], found, type="arrow")
texts = database.read_parquet(source, hive_partitioning=True)
# Refuses a column `label`, also `Label`, beside which DuckDB would call the added one `label_1`.
classify.schema(pyarrow.schema(field.with_name(field.name.lower()) for field in texts.limit(0).to_arrow_table().schema))
texts.create_view("texts")
labelled = database.sql("SELECT *, unnest(classify(text)) FROM texts")
labelled.write_parquet(target)
