"""``--info``: the metadata and measured accuracy of a bundle. ``--verify``: whether its files are undamaged."""

from __future__ import annotations

import json
import os
import sys

from edgetext.bundle import Bundle
from edgetext.bundle.manifest import MANIFEST
from edgetext.errors import BundleError
from edgetext.keras_imdb import KERAS_IMDB
from edgetext.prediction import shorten
from edgetext.validation import VALIDATION, read_validation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from edgetext.bundle.manifest import BundleFile

# If a bundle has more labels than this, only this many are printed.
MANY_LABELS = 12
# Accuracies of which --info says how many texts --min-accuracy would answer.
SHARES = (0.9, 0.95, 0.99)


def print_info(
    path: str | os.PathLike[str] | None, *, as_json: bool = False, min_accuracy: float | None = None
) -> None:
    """Print a bundle's name, labels, preprocessing and models with their accuracy; or its manifest as JSON.

    With ``min_accuracy`` the thresholds that it chooses are printed too; without, what some values would answer. Labels
    that were right for no validation text are named.

    Raises:
        BundleError: If the bundle is missing or damaged; or if there is ``min_accuracy`` and the bundle does not hold
            what was measured in validation.
    """
    bundle = Bundle.open(path)
    chosen, certainty = _describe_certainty(bundle, min_accuracy)
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    if as_json:
        print(json.dumps({**bundle.manifest, **chosen}, indent=2))
        return
    settings = bundle.preprocessing
    end = "last" if settings.truncating == "pre" else "first"
    print(f"{bundle.name} in {bundle.folder}")
    print(f"labels      {_list(bundle.labels)}")
    ids = f"{len(bundle.vocabulary()):,}"
    print(f"words       vocabulary of {ids} ids; the {end} {settings.max_words:,} words of a text are read")
    if settings.rules != KERAS_IMDB:
        variant = "".join(f", {name} {value}" for name, value in settings.rules.variant.items())
        print(f"tokenizer   {settings.rules.name}{variant}")
    for key in ("author", "license"):
        if isinstance(bundle.manifest.get(key), str) and bundle.manifest[key]:
            print(f"{key:11s} {bundle.manifest[key]}")
    if bundle.encoder().note:
        print(f"note        {bundle.encoder().note}")
    for title, line in zip(("certainty", *[""] * len(certainty)), certainty):
        print(f"{title:11s} {line}")
    print("models, most preferred first:")
    print(f"  {'engine':8s} {'recipe':18s} {'bytes':>9s} {'accuracy':>9s} {'drop':>6s}  {'measured on'}")
    for model in bundle.models:
        accuracy, drop, reviews = _measured(model.record)
        print(f"  {model.engine:8s} {model.recipe:18s} {model.size:9,d} {accuracy:>9s} {drop:>6s}  {reviews}")
    print("drop: against the Keras model, in points")


def _describe_certainty(bundle: Bundle, min_accuracy: float | None) -> tuple[dict[str, Any], list[str]]:
    """Return what ``min_accuracy`` chooses, as a record, and lines about it; without it, about some values of it."""
    if min_accuracy is None and VALIDATION not in [entry.file for entry in bundle.extras]:
        return {}, []
    from edgetext.validation.thresholds import choose_limits, describe_limits  # imports typing

    validation = read_validation(bundle)
    missed = [label for label, right in zip(validation.labels, validation.right) if not right[0]]
    never_right = [f"never right on validation texts: {shorten(missed, len(missed))}"] if missed else []
    if min_accuracy is None:
        return {}, [*(describe_limits(choose_limits(validation, share)) for share in SHARES), *never_right]
    limits = choose_limits(validation, min_accuracy)
    thresholds = [
        f"{label} {'never' if label in limits.never else f'{threshold:g}'}"
        for label, threshold in limits.thresholds.items()
    ]
    shares = {model.recipe: validation.files.get(model.file, {}).get("answered_differently") for model in bundle.models}
    shifts = [f"{recipe} {share:.1%}" for recipe, share in shares.items() if isinstance(share, (int, float))]
    return {"limits": limits._asdict()}, [
        describe_limits(limits),
        f"thresholds: {_list(thresholds)}",
        f"known words: at least {limits.least_known:.1%}",
        f"answered differently: {', '.join(shifts) or 'not measured'}",
        *never_right,
    ]


def _list(labels: Sequence[str]) -> str:
    """Return the labels as text; if there are many, the first few and their number."""
    if len(labels) <= MANY_LABELS:
        return ", ".join(labels)
    return f"{', '.join(labels[:MANY_LABELS])}, ... ({len(labels)} in all; --info --json lists them)"


def _measured(record: dict[str, object]) -> tuple[str, str, str]:
    """Return accuracy, drop and what they were measured on: the test set if that was done, else export's sample."""
    test, agreement = record.get("test"), record.get("agreement")
    try:
        if isinstance(test, dict):
            if "reviews" in test:  # a manifest of format version 2
                test = {**test, "texts": test["reviews"], "description": test["texts"]}
            return f"{test['accuracy']:.2%}", f"{test['drop_points']:+.2f}", f"{test['texts']:,} {test['description']}"
        if isinstance(agreement, dict):
            drop = 100 * (agreement["keras_accuracy"] - agreement["accuracy"])
            texts = agreement["reviews" if "reviews" in agreement else "texts"]
            which = "fitted" if agreement.get("fitted") else "held-back"
            return f"{agreement['accuracy']:.2%}", f"{drop:+.2f}", f"{texts:,} {which} texts"
    except (LookupError, TypeError, ValueError, ArithmeticError):
        pass  # another tool's manifest, with nothing that this table could show
    return "", "", "not measured"


def print_verification(path: str | os.PathLike[str] | None) -> bool:
    """Compare the SHA-256 of every file of a bundle, if it has one; loading compares sizes and CRC-32 only.

    A line is printed for each file: ``ok``, or what is wrong with it.

    Returns:
        Whether all files are as the manifest lists them.

    Raises:
        BundleError: If the bundle cannot be opened.
    """
    bundle = Bundle.open(path)
    results = [_print_result(MANIFEST, bundle.verify_manifest)] if os.path.isdir(bundle.folder) else []
    results += [_print_result(entry.file, bundle.verify_file, entry) for entry in bundle.files]
    return all(results)


def _print_result(file: str, verify: Callable[..., None], *arguments: BundleFile) -> bool:
    try:
        verify(*arguments)
    except BundleError as error:
        print(f"{file}: FAILED: {error}")
        return False
    print(f"{file}: ok")
    return True
