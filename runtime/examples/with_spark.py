"""Label a column of a Spark data frame, and use the model in SQL.

Usage: spark-submit with_spark.py IN.parquet OUT [MODEL]
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow
from pyspark.sql import SparkSession
from pyspark.sql.functions import udf
from pyspark.sql.types import StringType, StructType

import edgetext
from edgetext.arrow import classify_batches

if len(sys.argv) not in (3, 4) or Path(sys.argv[2]).exists():
    print(f"usage: {sys.argv[0]} IN.parquet OUT [MODEL]; OUT must not exist yet", file=sys.stderr)
    sys.exit(2)
source, target, *model = sys.argv[1:]
# The model travels to the workers, which need no file of it.
classifier = edgetext.Classifier.load(*model)


def add_labels(batches: Iterator[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
    """Add the columns ``label`` and ``score`` to batches of a partition."""
    return classify_batches(batches, "text", classifier)


@udf(StringType(), useArrow=True)
def label(text: str | None) -> str | None:
    """Return the label of a text, for SQL."""
    return None if text is None else classifier.classify(text).label


with tempfile.TemporaryDirectory() as folder, SparkSession.builder.getOrCreate() as spark:
    # The package travels too, as a ZIP archive; leave this out where the workers have it installed.
    archive = shutil.make_archive(f"{folder}/edgetext", "zip", Path(edgetext.__file__).parent.parent, "edgetext")
    spark.sparkContext.addPyFile(archive)

    texts = spark.read.parquet(source)
    schema = StructType([*texts.schema]).add("label", "string").add("score", "double")
    texts.mapInArrow(add_labels, schema).write.parquet(target)

    spark.udf.register("label", label)
    texts.createTempView("texts")
    spark.sql("SELECT label(text) AS label, count(*) AS texts FROM texts GROUP BY 1 ORDER BY 1").show()
