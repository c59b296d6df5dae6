"""The command that all exporters share: arguments, conversion, comparison, writing, and what is printed."""

from __future__ import annotations

import argparse
import importlib
import shlex
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from edgetext.engines.stderr import muted_stderr
from export.recipes import BUNDLE, RECIPES, Recipe
from train.atomic_folder import check_replaceable
from train.command import finish
from train.tensorflow_setup import import_tensorflow

_ROOT = Path(__file__).resolve().parent.parent
# What the files of the run that ships say; those of other runs say nothing unless they are told what.
AUTHOR, LICENSE = "edgetext", "Apache-2.0"
DEFAULT_RUN = _ROOT / "train" / "default"
DEFAULT_BUNDLE = _ROOT / "runtime" / "edgetext" / "default"
# In the working folder.
BUNDLES = Path("bundles")
# The module that converts for each engine: it has convert(run, recipe), attach(content, card), summarize(content) and
# PACKAGES.
CONVERTERS = {
    "builtin": "export.convert_safetensors",
    "tflite": "export.convert_tflite",
    "onnx": "export.convert_onnx",
}


def parse(engine: str, description: str, argv: list[str] | None) -> tuple[argparse.Namespace, list[Recipe]]:
    """Parse an exporter's command line.

    Returns:
        The options, and the recipes asked for, without repeats, in the table's order.
    """
    recipes = [recipe for recipe in RECIPES if recipe.engine == engine]
    inputs = list(dict.fromkeys(recipe.input for recipe in recipes))
    listing = "\n".join(
        f"  {recipe.name:18s} {recipe.when};\n{'':21s}not for {recipe.when_not}"
        + ("" if recipe.default else f"\n{'':21s}(only when named)")
        for recipe in recipes
        if recipe.input == inputs[0]
    )
    parser = argparse.ArgumentParser(
        description=f"{description}\n\nrecipes:\n{listing}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--run",
        metavar="DIR",
        type=Path,
        default=DEFAULT_RUN,
        help="the run to export (default: train/default of this checkout)",
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        help="the bundle to write, or to add to (default: the one that ships, runtime/edgetext/default; of a run that "
        "was named bundles/NAME, after the run)",
    )
    parser.add_argument(
        "--recipe",
        action="append",
        choices=[*dict.fromkeys(recipe.quantisation for recipe in recipes), "all"],
        metavar="NAME",
        help="one of the recipes below, or 'all'; may be repeated (default: all but those marked)",
    )
    if len(inputs) > 1:
        parser.add_argument(
            "--input",
            choices=inputs,
            default=inputs[0],
            help="what the model takes: ids, or text, with tokenisation and labels in its graph; a file that takes "
            "text has _text at the end of its recipe's name, and lies beside the other (default: %(default)s)",
        )
    parser.set_defaults(input=inputs[0], author=None, license=None)
    if engine in ("tflite", "onnx"):
        about = parser.add_argument_group("what the file tells of itself")
        about.add_argument("--author", metavar="NAME", help=f"who made the model (of the default run: {AUTHOR})")
        about.add_argument(
            "--license", metavar="NAME", help=f"on what terms it may be used (of the default run: {LICENSE})"
        )
    args = parser.parse_args(argv)
    ours = args.run.resolve() == DEFAULT_RUN
    if args.out is None:
        args.out = DEFAULT_BUNDLE if ours else BUNDLES / args.run.resolve().name
    for name, default in (("author", AUTHOR), ("license", LICENSE)):
        value = getattr(args, name)
        if value is not None and not value.isprintable():
            parser.error(f"--{name} holds characters that cannot be printed, or is not UTF-8")
        setattr(args, name, value if value is not None else default if ours else "")
    recipes = [recipe for recipe in recipes if recipe.input == args.input]
    if args.recipe is None:
        return args, [recipe for recipe in recipes if recipe.default]
    return args, [recipe for recipe in recipes if {recipe.quantisation, "all"} & set(args.recipe)]


def main(engine: str, description: str, argv: list[str] | None = None) -> int:
    """Export a run for one engine.

    Returns:
        The exit code: 0 when the bundle was written, 1 when a recipe strayed too far from Keras, 2 for a
        mistake of the caller's; nothing is written for 1 and 2.
    """
    args, recipes = parse(engine, description, argv)

    def work() -> int:
        import_tensorflow()  # before the converter does it less quietly
        return export(importlib.import_module(CONVERTERS[engine]), args, recipes)

    return finish(work, extra="export", interrupted="interrupted: nothing was written")


def export(converter: Any, args: argparse.Namespace, recipes: list[Recipe]) -> int:
    """Convert, compare and write; print what was measured.

    Args:
        converter: One of the modules in ``CONVERTERS``.
        args: ``run`` and ``out``, the folders of the run and the bundle; ``author`` and ``license``.
        recipes: The recipes, all of that converter's engine.

    Raises:
        RunError: The run cannot be read.
        edgetext.EdgetextError: The engine is missing, or the bundle that is there is damaged.
        OSError: The bundle cannot be written.
    """
    from export.bundles import Converted, write_bundle
    from export.card import Card
    from export.compare import compare, excess
    from train.run import load_run

    out: Path = args.out
    check_replaceable(out, BUNDLE)
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # of names and words in any script
    run = load_run(args.run)
    packages = {package: version(package) for package in converter.PACKAGES}
    models: list[Converted] = []
    failures: list[str] = []
    print(f"{run.config['name']}, compared with Keras on {len(run.heldout)} held-back texts")
    print("recipe                 bytes  max diff mean diff  changed  short accuracy")
    for recipe in recipes:
        content = converter.convert(run, recipe)
        with muted_stderr():
            measured = compare(run, recipe, content)
            if not (problems := excess(recipe, measured)):
                content = converter.attach(content, Card(run, recipe, measured, args.author, args.license))
                # What was measured must be true of what is written.
                if compare(run, recipe, content) != measured:
                    problems = ["it answers otherwise with its metadata than without"]
        print(
            f"{recipe.name:18s} {len(content):9,d} {measured['max_difference']:9.2g} "
            f"{measured['mean_difference']:9.2g} {measured['labels_changed']:8d} "
            f"{measured['short_labels_changed']:6d} {measured['accuracy']:8.1%}",
            flush=True,
        )
        failures += [f"{recipe.name}: {problem}" for problem in problems]
        entry = {"engine": recipe.engine, "recipe": recipe.name, "input": recipe.input, **converter.summarize(content)}
        models.append(Converted(recipe, content, {**entry, "agreement": measured, "versions": packages}))
    print(f"{'Keras':64s} {measured['keras_accuracy']:8.1%}")
    print("changed: labels other than Keras'; short: the same with each text cut to ten words")
    if failures:
        print(f"error: {'; '.join(failures)}; nothing was written", file=sys.stderr)
        return 1
    for name in write_bundle(out, run, models):
        print(f"note: {name} came from another run and was dropped from the bundle", file=sys.stderr)
    print(next_command(out, args.run))
    return 0


def next_command(out: Path, run: Path) -> str:
    """Say what was written, and the command that tries it on a text of the run's own words, ready to be typed."""
    from edgetext import Bundle

    shown = str(out.relative_to(Path.cwd()) if out.is_relative_to(Path.cwd()) else out)
    ours = run.resolve() == DEFAULT_RUN
    text = '"great movie"' if ours else shlex.quote(Bundle.open(out).manifest["self_test"]["text"])
    return f"wrote {shown}; next: python runtime/classify.py --model {shlex.quote(shown)} {text}"
