"""Label a column of a pandas data frame.

Usage: python with_pandas.py IN.parquet OUT.parquet [MODEL]
"""

import sys

import pandas
import pyarrow

from edgetext.arrow import ArrowClassifier

source, target, *model = sys.argv[1:]
classify = ArrowClassifier(*model)  # the texts are in the column `text`


def add_labels(frame: pandas.DataFrame) -> pandas.DataFrame:
    """Return a data frame with the columns ``label`` and ``score`` added; a missing text gets neither."""
    return classify(pyarrow.Table.from_pandas(frame)).to_pandas()


add_labels(pandas.read_parquet(source)).to_parquet(target)
