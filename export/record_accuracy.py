"""Measure the accuracy of a bundle's model files on the test texts, and record it in the manifest.

Each file is scored by `edgetext.Classifier` with its engine, and compared with the Keras model that it was
converted from. `classify.py --info` shows what is recorded.

Examples:
  python export/record_accuracy.py                    # the default bundle, on the 25,000 test reviews
  python export/record_accuracy.py --run runs/tickets --data tickets.csv
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from edgetext.command.arguments.parser import Parser, refuse_empty
from export.bundle_folder import BUNDLE_FOLDER, check_origin
from export.options import add_folder_arguments, default_bundle
from train.atomic_folder import check_replaceable
from train.command import finish
from train.tensorflow_setup import import_tensorflow


def record_accuracy(run_folder: Path, out: Path, data: str | None) -> None:
    """Score a bundle's model files on ``load_labelled_texts(run, data)``, print the result, and record it.

    Raises:
        edgetext.EdgetextError: If the run cannot be read, the bundle is damaged or was exported from another run, an
            engine is not installed, or there are no test texts.
        OSError: If the bundle cannot be written.
    """
    from edgetext import Bundle

    # Mistakes are found before TensorFlow is imported, which takes seconds.
    bundle = Bundle.open(out)
    bundle.verify()
    check_origin(bundle, run_folder)
    check_replaceable(out, BUNDLE_FOLDER)
    import_tensorflow()
    from export.bundles import record_tests
    from export.compare import predict_keras
    from export.scoring import load_classifier, load_labelled_texts, make_record, measure_accuracy, predict
    from train.run import load_run

    run = load_run(run_folder)
    classifiers = [(model, load_classifier(bundle, model)) for model in bundle.models]
    test = load_labelled_texts(run, data)
    print(f"{bundle.name}, compared with Keras on {len(test.texts):,} {test.description}")
    print("recipe              accuracy   drop  macro-F1   drop")
    keras = measure_accuracy(predict_keras(run, test.texts), test, bundle.labels)
    records = {}
    for model, classifier in classifiers:
        accuracy = measure_accuracy(predict(classifier, test.texts), test, bundle.labels)
        found = records[model.file] = make_record(accuracy, keras, test)
        shares = f"{found['accuracy']:8.2%} {found['drop_points']:6.2f} {found['macro_f1']:9.2%}"
        print(f"{model.recipe:19s} {shares} {found['macro_drop_points']:6.2f}", flush=True)
    print(f"{'Keras':19s} {keras['accuracy']:8.2%} {'':6s} {keras['macro_f1']:9.2%}")
    print("drop: percentage points below Keras")
    record_tests(bundle, run, records)
    print(f"wrote {out}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command of the module's docstring.

    Returns:
        The exit code: 0 if the bundle was written, 2 for a mistake of the user's, 130 after an interruption.
    """
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    refuse_empty(parser, Path, None)
    add_folder_arguments(parser, "the bundle to measure and to change")
    parser.add_argument(
        "--data",
        metavar="PATH",
        help="the reviews' archive or folder (default: found as by python -m train); for a run that was trained on a "
        "table, that table, whose test rows are used, or another one, whose rows are all used, fitted ones too",
    )
    args = parser.parse_args(argv)

    def work() -> int:
        record_accuracy(args.run, args.out or default_bundle(args.run), args.data)
        return 0

    return finish(work, extra="export", interrupted="interrupted: nothing was written")


if __name__ == "__main__":
    sys.exit(main())
