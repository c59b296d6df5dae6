"""The command that all exporters share: arguments, conversion, comparison, writing, and what is printed."""

from __future__ import annotations

import argparse
import importlib
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from edgetext import EdgetextError
from edgetext.errors import describe
from edgetext.folders import check_replaceable
from edgetext.quiet import import_tensorflow, muted_stderr
from export.recipes import BUNDLE, RECIPES, Recipe

_ROOT = Path(__file__).resolve().parent.parent
# The module that converts for each engine: it has convert(run, recipe), summarize(content) and PACKAGES.
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
    listing = "\n".join(
        f"  {recipe.name:18s} {recipe.when};\n{'':21s}not for {recipe.when_not}"
        + ("" if recipe.default else f"\n{'':21s}(only when named)")
        for recipe in recipes
    )
    parser = argparse.ArgumentParser(
        description=f"{description}\n\nrecipes:\n{listing}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--run",
        metavar="DIR",
        type=Path,
        default=_ROOT / "train" / "default",
        help="the run to export (default: train/default of this checkout)",
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        default=_ROOT / "runtime" / "edgetext" / "default",
        help="the bundle to write, or to add to (default: the one that ships, runtime/edgetext/default)",
    )
    parser.add_argument(
        "--recipe",
        action="append",
        choices=[recipe.name for recipe in recipes] + ["all"],
        metavar="NAME",
        help="one of the recipes below, or 'all'; may be repeated (default: all but those marked)",
    )
    args = parser.parse_args(argv)
    chosen = [r for r in recipes if (r.default if args.recipe is None else {r.name, "all"} & set(args.recipe))]
    return args, chosen


def main(engine: str, description: str, argv: list[str] | None = None) -> int:
    """Export a run for one engine.

    Returns:
        The exit code: 0 when the bundle was written, 1 when a recipe strayed too far from Keras, 2 for a
        mistake of the caller's; nothing is written for 1 and 2.
    """
    args, recipes = parse(engine, description, argv)
    try:
        return _run(engine, args, recipes)
    except KeyboardInterrupt:
        print("interrupted: nothing was written", file=sys.stderr)
        return 130


def _run(engine: str, args: argparse.Namespace, recipes: list[Recipe]) -> int:
    """Import what converts, export, and turn what a user can mend into one line."""
    try:
        import_tensorflow()
        converter = importlib.import_module(CONVERTERS[engine])
    except ImportError as error:
        print(f"error: {error.name} is not installed: pip install -e '.[export]'", file=sys.stderr)
        return 2
    # Not before tensorflow was imported quietly.
    from export.runs import RunError

    try:
        return export(converter, args.run, args.out, recipes)
    except (EdgetextError, RunError, OSError) as error:
        print(f"error: {describe(error)}", file=sys.stderr)
        return 2


def export(converter: Any, run_folder: Path, out: Path, recipes: list[Recipe]) -> int:
    """Convert, compare and write; print what was measured.

    Args:
        converter: One of the modules in ``CONVERTERS``.
        run_folder: The run.
        out: The bundle.
        recipes: The recipes, all of that converter's engine.

    Raises:
        RunError: The run cannot be read.
        edgetext.EdgetextError: The engine is missing, or the bundle that is there is damaged.
        OSError: The bundle cannot be written.
    """
    from export.bundles import Converted, write_bundle
    from export.compare import compare, excess
    from export.runs import load_run

    check_replaceable(out, BUNDLE)
    run = load_run(run_folder)
    packages = {package: version(package) for package in converter.PACKAGES}
    models: list[Converted] = []
    failures: list[str] = []
    print(f"{run.config['name']}, compared with Keras on {len(run.heldout)} held-back reviews")
    print("recipe                 bytes  max diff mean diff  changed  short accuracy")
    for recipe in recipes:
        content = converter.convert(run, recipe.name)
        with muted_stderr():
            measured = compare(run, recipe, content)
        print(
            f"{recipe.name:18s} {len(content):9,d} {measured['max_difference']:9.2g} "
            f"{measured['mean_difference']:9.2g} {measured['labels_changed']:8d} "
            f"{measured['short_labels_changed']:6d} {measured['accuracy']:8.1%}",
            flush=True,
        )
        failures += [f"{recipe.name}: {problem}" for problem in excess(recipe, measured)]
        entry = {"engine": recipe.engine, "recipe": recipe.name, **converter.summarize(content)}
        models.append(Converted(recipe, content, {**entry, "agreement": measured, "versions": packages}))
    print(f"{'Keras':64s} {measured['keras_accuracy']:8.1%}")
    print("changed: labels other than Keras'; short: the same with each review cut to ten words")
    if failures:
        print(f"error: {'; '.join(failures)}; nothing was written", file=sys.stderr)
        return 1
    for name in write_bundle(out, run, models):
        print(f"note: {name} came from another run and was dropped from the bundle", file=sys.stderr)
    shown = out.relative_to(Path.cwd()) if out.is_relative_to(Path.cwd()) else out
    print(f'wrote {shown}; next: python runtime/classify.py --model {shown} "great movie"')
    return 0
