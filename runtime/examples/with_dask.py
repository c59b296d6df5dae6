"""Label a Dask data frame, partition by partition.

Usage: python with_dask.py IN.parquet OUT [MODEL]
"""

import sys
from pathlib import Path

import dask.dataframe
import pandas
import pyarrow
from dask.dataframe.utils import make_meta
from dask.distributed import Client

from edgetext import Classifier
from edgetext.arrow import ArrowClassifier


def main() -> None:
    """Label a file in two worker processes."""
    if len(sys.argv) not in (3, 4) or Path(sys.argv[2]).exists():
        print(f"usage: {sys.argv[0]} IN.parquet OUT [MODEL]; OUT must not exist yet", file=sys.stderr)
        sys.exit(2)
    source, target, *model = sys.argv[1:]
    # The model travels to the workers, which need no file of it.
    classify = ArrowClassifier(Classifier.load(*model), column="text")

    def add_labels(part: pandas.DataFrame) -> pandas.DataFrame:
        return classify(pyarrow.Table.from_pandas(part)).to_pandas(types_mapper=pandas.ArrowDtype)

    with Client(n_workers=2, threads_per_worker=1):
        # Arrow's types keep what the types of NumPy change, such as whole numbers beside missing ones.
        texts = dask.dataframe.read_parquet(source, index=False, dtype_backend="pyarrow")
        labelled = texts.map_partitions(add_labels, meta=add_labels(make_meta(texts)))
        labelled.to_parquet(target, write_index=False)


if __name__ == "__main__":  # the workers import this file
    main()
