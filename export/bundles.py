"""Writing bundles: atomically, and keeping the model files of the same run that are already there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from edgetext import Bundle
from edgetext.bundle.manifest import FORMAT_VERSION, MANIFEST, describe_file, write_manifest
from edgetext.text import RESERVED
from export.bundle_folder import BUNDLE_FOLDER, VOCABULARY, read_origin
from export.compare import predict_keras
from export.recipes import RECIPES, Recipe
from train.atomic_folder import replacing
from train.run import Run

# How many of the most frequent tokens are tried for the self-test, and how many words make its text.
CANDIDATES, WORDS = 2000, 3

_RANKS = {(recipe.engine, recipe.name): rank for rank, recipe in enumerate(RECIPES)}


class ExportedModel(NamedTuple):
    """A converted model; ``record`` is what the manifest says of it besides file, size and checksums."""

    recipe: Recipe
    content: bytes
    record: dict[str, Any]


def write_bundle(out: Path, run: Run, models: Sequence[ExportedModel]) -> list[str]:
    """Write models into the bundle at ``out``, which is created if it does not exist.

    Other model files of the same run that are already there are kept.

    Returns:
        The names of the model files that were removed because they came from another run.

    Raises:
        edgetext.BundleError: If the existing bundle is damaged.
        OSError: If the bundle cannot be written, or ``out`` is something else.
    """
    new = {model.recipe.file: model.content for model in models}
    kept, known, dropped = _read_existing(out, run, new)
    records = [{**describe_file(model.recipe.file, model.content), **model.record} for model in models]
    for record in records:
        before = known.get(record["file"], {})
        if "test" in before and before["sha256"] == record["sha256"]:
            record["test"] = before["test"]
    records += [{**describe_file(name, content), **known[name]} for name, content in kept.items()]
    manifest = {
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
        "self_test": make_self_test(run),
        # In order of preference; recipes that the table does not have come last.
        "models": sorted(records, key=lambda record: _RANKS.get((record["engine"], record["recipe"]), len(_RANKS))),
    }
    _write(out, manifest, {VOCABULARY: run.vocabulary, **kept, **new})
    return dropped


def _without_labels(value: Any) -> Any:
    """Leave out the metrics of each label, because a device reads the manifest at every start."""
    return {key: item for key, item in value.items() if key != "classes"} if isinstance(value, dict) else value


def record_tests(bundle: Bundle, tests: Mapping[str, dict[str, Any]]) -> None:
    """Record the ``test`` of each model file, by its name, in a bundle's manifest.

    Raises:
        edgetext.BundleError: If the bundle is damaged.
        OSError: If the bundle cannot be written.
    """
    vocabulary = bundle.vocabulary().to_bytes()
    files = {model.file: bundle.read(model) for model in bundle.models}
    manifest = {
        **bundle.manifest,
        "format_version": FORMAT_VERSION,
        "vocabulary": describe_file(VOCABULARY, vocabulary),
        "models": [
            {**describe_file(model.file, files[model.file]), **_upgrade(model.record), "test": tests[model.file]}
            for model in bundle.models
        ],
    }
    _write(Path(bundle.folder), manifest, {VOCABULARY: vocabulary, **files})


def _write(out: Path, manifest: dict[str, Any], files: Mapping[str, bytes]) -> None:
    """Replace the bundle at ``out``, after checking the new one as the runtime reads it."""
    with replacing(out, BUNDLE_FOLDER) as folder:
        for name, content in {**files, MANIFEST: write_manifest(manifest)}.items():
            (Path(folder) / name).write_bytes(content)
        written = Bundle.open(folder)
        written.verify()
        written.vocabulary()


def _read_existing(out: Path, run: Run, new: Mapping[str, bytes]) -> tuple[dict[str, bytes], dict[str, Any], list[str]]:
    """Read the bundle at ``out``, if there is one, without the files that are replaced, which may be damaged.

    Returns:
        If it is from the same run, the content of each file to keep and the record of every file, by name; otherwise
        the names of its files.
    """
    if not (out / MANIFEST).exists():
        return {}, {}, []
    bundle = Bundle.open(out)
    bundle.verify_manifest()
    if read_origin(bundle) != run.model_sha256:
        return {}, {}, [model.file for model in bundle.models]
    kept = [model for model in bundle.models if model.file not in new]
    for model in kept:
        bundle.verify_file(model)
    records = {model.file: _upgrade(model.record) for model in bundle.models}
    return {model.file: bundle.read(model) for model in kept}, records, []


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
