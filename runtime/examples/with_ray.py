"""Label a Ray dataset in two worker processes.

Usage: python with_ray.py IN.parquet OUT [MODEL]
"""

import sys
from pathlib import Path

import ray

from edgetext import Classifier
from edgetext.arrow import ArrowClassifier

if len(sys.argv) not in (3, 4) or Path(sys.argv[2]).exists():
    print(f"usage: {sys.argv[0]} IN.parquet OUT [MODEL]; OUT must not exist yet", file=sys.stderr)
    sys.exit(2)
source, target, *model = sys.argv[1:]
classifier = Classifier.load(*model)


class Labels(ArrowClassifier):
    """Carries the model to the workers, which need no file of it. Each worker makes one."""

    def __init__(self) -> None:
        super().__init__(classifier, "text")


texts = ray.data.read_parquet(source)
# Half a CPU each, so that two workers leave one for reading where there are two.
workers = {"compute": ray.data.ActorPoolStrategy(size=2), "num_cpus": 0.5}
texts.map_batches(Labels, batch_format="pyarrow", **workers).write_parquet(target)
