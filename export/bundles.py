"""Writing bundles: atomically, and keeping the model files of the same run that are already there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from edgetext import Bundle, BundleError
from edgetext.bundle import NGRAMS
from edgetext.bundle.files import crc32_of
from edgetext.bundle.manifest import FORMAT_VERSION, MANIFEST, describe_file, write_manifest
from edgetext.text import RESERVED
from edgetext.validation import VALIDATION
from export.bundle_folder import BUNDLE_FOLDER, README, VOCABULARY, OtherRun, open_existing
from export.card.readme import update_readme
from export.compare import predict_keras
from export.recipes import RECIPES, Recipe
from export.validation import make_validation, read_shifts
from train.atomic_folder import replacing
from train.folder_lock import locked
from train.run import Run

# How many of the most frequent tokens are tried for the self-test, and how many words make its text.
CANDIDATES, WORDS = 2000, 3

_RANKS = {(recipe.engine, recipe.name): rank for rank, recipe in enumerate(RECIPES)}


class ExportedModel(NamedTuple):
    """A converted model; ``record`` is what the manifest says of it besides file, size and checksums."""

    recipe: Recipe
    content: bytes
    record: dict[str, Any]
    shift: Mapping[str, Any] = {}  # by how much it shifts from what was measured in validation


def write_bundle(
    out: Path, run: Run, models: Sequence[ExportedModel], other_run: OtherRun = "refuse", license_: str = ""
) -> Bundle | None:
    """Write models into the bundle at ``out``, which is created if it does not exist.

    Other model files of the same run that are there by then are kept: processes that write at the same time wait for
    each other. ``license_`` is for the model card; see ``update_readme``.

    Returns:
        The bundle that was replaced because it came from another run, as it was opened, or None.

    Raises:
        edgetext.BundleError: If the existing bundle is damaged.
        RunError: If it came from another run and is not to be replaced.
        OSError: If the bundle cannot be written, or ``out`` is something else.
    """
    new = {model.recipe.file: model.content for model in models}
    self_test = make_self_test(run)
    with locked(out):
        existing, replaced = open_existing(out, run.identity, other_run)
        kept, known = _read_kept(existing, new) if existing else ({}, {})
        records = [{**describe_file(model.recipe.file, model.content), **model.record} for model in models]
        for record in records:
            before = known.get(record["file"], {})
            if "test" in before and before["sha256"] == record["sha256"]:
                record["test"] = before["test"]
        records += [{**describe_file(name, content), **known[name]} for name, content in kept.items()]
        extras = _make_extras(run, models, existing, kept)
        manifest = {**_describe_run(run), "self_test": self_test, "models": sorted(records, key=_rank)}
        if extras:
            manifest["extras"] = {name: crc32_of(content) for name, content in extras.items()}
        keep_previous = replaced is not None and other_run == "keep"
        readme = update_readme(out if existing else None, run, manifest, license_)
        files = {VOCABULARY: run.vocabulary, README: readme, **kept, **new, **extras}
        _write(out, manifest, files, keep_previous=keep_previous)
    return replaced


def _make_extras(
    run: Run, models: Sequence[ExportedModel], existing: Bundle | None, kept: Collection[str]
) -> dict[str, bytes]:
    """Return the files that scoring does not need, those of the existing bundle too; ``kept`` are its kept models."""
    shifts = read_shifts(existing) if existing else {}
    shifts = {name: shift for name, shift in shifts.items() if name in kept}
    shifts |= {model.recipe.file: model.shift for model in models}
    found = {NGRAMS: run.ngrams, VALIDATION: make_validation(run, shifts)}
    extras = {name: content for name, content in found.items() if content is not None}
    if existing:
        extras |= {entry.file: existing.read(entry) for entry in existing.extras if entry.file not in extras}
    return extras


def _describe_run(run: Run) -> dict[str, Any]:
    """Return what a manifest says besides the self-test and the models."""
    return {
        "format_version": FORMAT_VERSION,
        "name": run.config["name"],
        "labels": run.config["labels"],
        "preprocessing": run.config["preprocessing"],
        "vocabulary": describe_file(VOCABULARY, run.vocabulary),
        "run": {
            "preset": run.config["preset"],
            "model_sha256": run.model_sha256,
            "metrics": {name: _without_labels(value) for name, value in run.metrics.items()},
        },
    }


def _rank(record: dict[str, Any]) -> int:
    """Return the place of a model in the order of preference; recipes that the table does not have come last."""
    return _RANKS.get((record["engine"], record["recipe"]), len(_RANKS))


def _without_labels(value: Any) -> Any:
    """Leave out the metrics of each label, because a device reads the manifest at every start."""
    return {key: item for key, item in value.items() if key != "classes"} if isinstance(value, dict) else value


def record_tests(measured: Bundle, run: Run, tests: Mapping[str, dict[str, Any]]) -> None:
    """Record the ``test`` of each model file, by its name, in the manifest of the bundle that was measured.

    Model files that were added meanwhile are kept. ``run`` is the run that the bundle was exported from.

    Raises:
        edgetext.BundleError: If the bundle is damaged, or a file that was measured is not there any more.
        OSError: If the bundle cannot be written.
    """
    out = Path(measured.folder)
    with locked(out):
        bundle = Bundle.open(out)
        bundle.verify()
        found = {model.file: model.sha256 for model in bundle.models}
        for model in measured.models:
            if found.get(model.file) != model.sha256:
                raise BundleError(f"{out}: {model.file} was replaced while it was measured: run the command again")
        vocabulary = bundle.vocabulary().to_bytes()
        files = {entry.file: bundle.read(entry) for entry in (*bundle.models, *bundle.extras)}
        records = [
            {**describe_file(model.file, files[model.file]), **_upgrade(model.record)} for model in bundle.models
        ]
        for record in records:
            if record["file"] in tests:
                record["test"] = tests[record["file"]]
        manifest = {
            **bundle.manifest,
            "format_version": FORMAT_VERSION,
            "vocabulary": describe_file(VOCABULARY, vocabulary),
            "models": records,
        }
        readme = update_readme(out, run, manifest)
        _write(out, manifest, {VOCABULARY: vocabulary, README: readme, **files})


def _write(out: Path, manifest: dict[str, Any], files: Mapping[str, bytes], *, keep_previous: bool = False) -> None:
    """Replace the bundle at ``out``, after checking the new one as the runtime reads it."""
    with replacing(out, BUNDLE_FOLDER, keep_previous=keep_previous) as folder:
        for name, content in {**files, MANIFEST: write_manifest(manifest)}.items():
            (Path(folder) / name).write_bytes(content)
        written = Bundle.open(folder)
        written.verify()
        written.vocabulary()


def _read_kept(bundle: Bundle, new: Mapping[str, bytes]) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Read the files of a bundle that are kept; those that are replaced may be damaged.

    Returns:
        The content of each file to keep, and the record of every file, by name.
    """
    kept = [model for model in bundle.models if model.file not in new]
    for model in kept:
        bundle.verify_file(model)
    records = {model.file: _upgrade(model.record) for model in bundle.models}
    return {model.file: bundle.read(model) for model in kept}, records


def _upgrade(record: dict[str, Any]) -> dict[str, Any]:
    """Return a model's record with the names of version 3; what it calls ``texts`` are ``reviews`` in version 2."""
    names = {"texts": "description", "reviews": "texts"}
    upgraded = {
        part: {names.get(name, name): value for name, value in record[part].items()}
        for part in ("agreement", "test")
        if "reviews" in record.get(part, ())
    }
    return {**record, **upgraded}


def make_self_test(run: Run) -> dict[str, Any]:
    """Return a text of the words on which the Keras model is surest, all for the same label.

    ``classify.py --doctor`` scores it: an engine that returns one half for everything, or mixes up the labels, fails.

    Returns:
        ``text``; ``label``, the Keras model's; and ``score``, the probability of that label.
    """
    frequent = run.tokens[len(RESERVED) : CANDIDATES]
    # A token may contain a carriage return, which a terminal does not show.
    words = [token for token in frequent if token.isprintable()] or frequent
    by_word = predict_keras(run, words)  # (words, labels)
    surest = int(by_word.max(axis=0).argmax())
    text = " ".join(words[place] for place in by_word[:, surest].argsort()[::-1][:WORDS])
    probabilities = predict_keras(run, [text])[0]  # (labels,)
    best = int(probabilities.argmax())
    return {"text": text, "label": run.config["labels"][best], "score": round(float(probabilities[best]), 4)}
