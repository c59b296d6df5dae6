"""The steps of an export: load the run, convert it, compare the result with Keras, write the bundle."""

from __future__ import annotations

import platform
import shlex
import sys
from importlib.metadata import version
from pathlib import Path

from edgetext import Bundle
from edgetext.engines.process import muted_stderr
from export.block.header import write_header
from export.bundle_folder import describe_origin
from export.bundles import ExportedModel, write_bundle
from export.compare import Sample, compare, find_excess, measure_shift, predict_reference
from export.converters import Converter, load_converter
from export.converters.model_card import ModelCard
from export.options import Options
from export.recipes import Recipe
from export.tokenizers import check_tokenizer
from train.run import Run, load_run
from train.run_folder import DEFAULT_RUN, RunError


def export(options: Options) -> int:
    """Export a run, and print what was measured.

    Returns:
        0 if the bundle was written; 1 if a recipe differs too much from Keras, and nothing was written.

    Raises:
        edgetext.EdgetextError: If the run cannot be converted, an engine is missing, or the existing bundle is damaged.
        OSError: If the bundle cannot be written.
    """
    run = load_run(options.run)
    converter = load_converter(options.recipes[0].engine)
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # names may be in any script
    which = "fitted" if run.heldout_is_fitted else "held-back"
    print(f"{run.config['name']}, compared with Keras on {len(run.heldout)} {which} texts")
    print("recipe                 bytes  max diff mean diff  changed  short accuracy")
    converted = [(recipe, converter.convert(run, recipe)) for recipe in options.recipes]
    reference = predict_reference(run, options.recipes[0])
    models, failures = [], []
    for recipe, content in converted:
        model, problems = finish_model(run, recipe, converter, content, reference, options)
        print_row(model)
        models.append(model)
        failures += [f"{recipe.name}: {problem}" for problem in problems]
    print(f"{'Keras':64s} {models[-1].record['agreement']['keras_accuracy']:8.1%}")
    print("changed: labels that differ from Keras'; short: the same for the first ten words of each text")
    if failures:
        print(f"error: {'; '.join(failures)}; nothing was written", file=sys.stderr)
        return 1
    replaced = write_bundle(options.out, run, models, options.other_run, options.license)
    if replaced is not None:
        print(describe_replaced(replaced, options), file=sys.stderr)
    if options.header is not None:
        # The recipes are in the order of the table, whose last one takes the least memory.
        write_header(options.header, models[-1].content, f"{run.config['name']}, recipe {models[-1].recipe.name}")
        print(f"wrote {options.header} with {models[-1].recipe.name}")
    print(next_command(options.out, options.run, models[0].recipe))
    return 0


def finish_model(
    run: Run, recipe: Recipe, converter: Converter, content: bytes, reference: list[Sample], options: Options
) -> tuple[ExportedModel, list[str]]:
    """Compare a converted model with Keras, and add its metadata.

    Returns:
        The model, and what is wrong with it; an empty list if it may be written.

    Raises:
        RunError: If it takes text, and its graph splits text too differently.
    """
    with muted_stderr():
        measured, tokenizer = compare(run, recipe, content, reference), None
        shift = measure_shift(run, recipe, content, reference)
        if not (problems := find_excess(recipe, measured)):
            tokenizer = check_tokenizer(run, recipe, content)
            card = ModelCard(run, recipe, measured, options.author, options.license, tokenizer)
            # The card contains what was measured, so the finished file is measured again.
            content = converter.add_metadata(content, card)
            if compare(run, recipe, content, reference) != measured:
                problems = ["with metadata it gives other answers than without"]
    record = {
        "engine": recipe.engine,
        "recipe": recipe.name,
        "input": recipe.input,
        **converter.summarize(content),
        "agreement": measured,
        **({"tokenizer": tokenizer.describe()} if tokenizer is not None and tokenizer.record else {}),
        "versions": {package: version(package) for package in converter.PACKAGES},
    }
    if tokenizer is not None and tokenizer.objection is not None:
        if recipe.input == "text":
            raise RunError(f"{run.folder}: {recipe.file} is not written: {tokenizer}; use --input ids")
        note = f"note: {recipe.file} has no tokenizer for other programs, and edgetext needs none: {tokenizer}"
        print(note, file=sys.stderr)
    return ExportedModel(recipe, content, record, shift), problems


def print_row(model: ExportedModel) -> None:
    """Print a line of the table of recipes."""
    measured = model.record["agreement"]
    print(
        f"{model.recipe.name:18s} {len(model.content):9,d} {measured['max_difference']:9.2g} "
        f"{measured['mean_difference']:9.2g} {measured['labels_changed']:8d} "
        f"{measured['short_labels_changed']:6d} {measured['accuracy']:8.1%}",
        flush=True,
    )


def describe_replaced(bundle: Bundle, options: Options) -> str:
    """Return a note that says what became of a bundle of another run."""
    models = f"{', '.join(model.file for model in bundle.models)} of {describe_origin(bundle)}"
    if options.other_run == "drop":
        return f"note: dropped {models}"
    target = options.out.resolve() if options.out.is_symlink() else options.out
    return f"note: moved {models} to {target}.previous"


def next_command(out: Path, run: Path, recipe: Recipe) -> str:
    """Return a line with the bundle's folder and a command that tries it, ready to be pasted."""
    shown = str(out.relative_to(Path.cwd()) if out.is_relative_to(Path.cwd()) else out)
    is_default = run.resolve() == DEFAULT_RUN
    text = '"great movie"' if is_default else shlex.quote(Bundle.open(out).manifest["self_test"]["text"])
    if recipe.engine == "c":
        program = f"build/c/edgetext-c-{platform.machine()}"
        program = program if Path(program).exists() else f"make c && {program}"
        return f"wrote {shown}; next: {program} {shlex.quote(f'{shown}/{recipe.file}')} {text}"
    return f"wrote {shown}; next: python runtime/classify.py --model {shlex.quote(shown)} {text}"
