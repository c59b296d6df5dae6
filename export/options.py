"""The exporters' command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgetext.command.arguments.parser import Parser, refuse_empty
from export.bundle_folder import OtherRun
from export.recipes import RECIPES, Recipe
from train.run_folder import DEFAULT_RUN

_ROOT = Path(__file__).resolve().parent.parent
DEFAULT_BUNDLE = _ROOT / "runtime" / "edgetext" / "default"
# Author and licence of the default run's models; other runs have none unless they are given.
AUTHOR, LICENSE = "edgetext", "Apache-2.0"


@dataclass(frozen=True)
class Options:
    """A parsed command line; the recipes are of one engine and one kind of input, in the order of the table."""

    run: Path
    out: Path
    recipes: tuple[Recipe, ...]
    other_run: OtherRun
    author: str
    license: str
    header: Path | None


def parse(engine: str, description: str, argv: Sequence[str] | None) -> Options:
    """Parse the command line of an engine's exporter; for an invalid one, print what is wrong and exit with code 2."""
    recipes = [recipe for recipe in RECIPES if recipe.engine == engine]
    parser = _make_parser(description, recipes)
    args = parser.parse_args(argv)
    for name in ("author", "license"):
        if not (getattr(args, name) or "").isprintable():
            parser.error(f"--{name} contains characters that cannot be printed, or is not UTF-8")
    author, license_ = (AUTHOR, LICENSE) if args.run.resolve() == DEFAULT_RUN else ("", "")
    named = set(args.recipe or ())
    chosen = tuple(
        recipe
        for recipe in recipes
        if recipe.input == args.input and (named & {recipe.quantisation, "all"} if named else recipe.default)
    )
    out = args.out or default_bundle(args.run, engine)
    return Options(
        run=args.run,
        out=out,
        recipes=chosen,
        # No old bundle is kept inside the package.
        other_run="drop" if out.resolve() == DEFAULT_BUNDLE else "keep" if args.replace else "refuse",
        author=args.author if args.author is not None else author,
        license=args.license if args.license is not None else license_,
        header=args.header,
    )


def default_bundle(run: Path, engine: str | None = None) -> Path:
    """Return the bundle that a run is exported to by default: the one that ships, or ``bundles/`` and its name.

    The one that ships gets no blocks: Python reads its manifest at every start, and has no use for them.
    """
    ships = run.resolve() == DEFAULT_RUN and engine != "c"
    return DEFAULT_BUNDLE if ships else Path("bundles") / run.resolve().name


def add_folder_arguments(parser: argparse.ArgumentParser, out: str, engine: str | None = None) -> None:
    """Add ``--run`` and ``--out``; ``out`` describes the bundle."""
    default = "bundles/NAME"
    if engine != "c":
        default = f"runtime/edgetext/default for the default run, {default} for others"
    about_run = "the run folder (default: train/default of this checkout)"
    parser.add_argument("--run", metavar="DIR", type=Path, default=DEFAULT_RUN, help=about_run)
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        help=f"{out} (default: {default})",
    )


def _make_parser(description: str, recipes: Sequence[Recipe]) -> argparse.ArgumentParser:
    inputs = list(dict.fromkeys(recipe.input for recipe in recipes))
    table = "\n".join(_describe(recipe) for recipe in recipes if recipe.input == inputs[0])
    parser = Parser(
        description=f"{description}\n\nrecipes:\n{table}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    refuse_empty(parser, Path)
    add_folder_arguments(parser, "the bundle to write, or to add to", recipes[0].engine)
    parser.add_argument(
        "--replace",
        action="store_true",
        help="replace a bundle of another run, and keep it as NAME.previous, in place of an older one (the bundle that "
        "ships with edgetext is always replaced, and not kept)",
    )
    parser.add_argument(
        "--recipe",
        action="append",
        choices=[*dict.fromkeys(recipe.quantisation for recipe in recipes), "all"],
        metavar="NAME",
        help="one of the recipes above, or 'all'; may be repeated (default: all that are not marked 'only if named')",
    )
    if len(inputs) > 1:
        parser.add_argument(
            "--input",
            choices=inputs,
            default=inputs[0],
            help="input of the model: token ids, or text, with tokenisation and labels in the graph; one bundle may "
            "contain both: the names of recipes that take text end in _text (default: %(default)s)",
        )
    if recipes[0].engine == "c":
        parser.add_argument(
            "--header",
            metavar="NAME.h",
            type=Path,
            help="also write the model, of several the last, as the array NAME_block of a C header, for firmware",
        )
    parser.set_defaults(input=inputs[0], author=None, license=None, header=None)
    if recipes[0].engine in ("tflite", "onnx"):  # the others' files carry neither
        metadata = parser.add_argument_group("metadata of the file")
        metadata.add_argument("--author", metavar="NAME", help=f"the model's author (default run: {AUTHOR})")
        metadata.add_argument("--license", metavar="NAME", help=f"the model's licence (default run: {LICENSE})")
    return parser


def _describe(recipe: Recipe) -> str:
    indent = " " * 21
    marked = "" if recipe.default else f"\n{indent}(only if named)"
    return f"  {recipe.name:18s} {recipe.when};\n{indent}not for {recipe.when_not}{marked}"
