"""What all benchmarks share: arguments, tables, and how a command ends.

This module and all others that latency.py imports run on devices: the standard library and edgetext only, Python 3.9
included.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from edgetext import Bundle, EdgetextError
from edgetext.bundle.manifest import ModelFile
from train import command as commands

ROOT = Path(__file__).resolve().parent.parent


class BenchmarkError(EdgetextError):
    """Something that the caller gave cannot be used; the message is one line, or empty if it was printed."""


class Command(NamedTuple):
    """What was typed: the script's name without ``.py``, and its arguments."""

    name: str
    arguments: Sequence[str]

    def __str__(self) -> str:
        """Give the line to type again, from the repository root."""
        return " ".join(["python", f"benchmarks/{self.name}.py", *map(shlex.quote, self.arguments)])


def finish(work: Callable[[], int]) -> int:
    """Run a command's work and turn what a user can mend into one line on standard error.

    Returns:
        As for ``train.command.finish``.
    """

    def tidy() -> int:
        try:
            return work()
        except BaseException:
            progress("")
            raise

    return commands.finish(tidy, extra="bench", told_all=True)


def add_model_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--model``."""
    parser.add_argument("--model", metavar="DIR", help="the bundle (default: the one that ships with edgetext)")


def add_recipe_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--recipe``."""
    parser.add_argument("--recipe", action="append", metavar="NAME", help="measure this recipe only; may be repeated")


def add_json_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``."""
    parser.add_argument("--json", metavar="FILE", help="write the results there too; '-' for standard output alone")


def at_least(low: float, kind: Callable[[str], Any] = int) -> Callable[[str], Any]:
    """Make a type for argparse: a finite number of at least ``low``."""

    def convert(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
        if not low <= value < float("inf"):  # true for NaN too
            raise argparse.ArgumentTypeError(f"must be at least {low}, not {text}")
        return value

    return convert


def choose_models(bundle: Bundle, recipes: Sequence[str] | None) -> list[ModelFile]:
    """List the bundle's model files of the named recipes, whatever their engine; None names all.

    Raises:
        BenchmarkError: The bundle has no model of one of the recipes, or none at all.
    """
    known = dict.fromkeys(model.recipe for model in bundle.models)
    for recipe in recipes or ():
        if recipe not in known:
            raise BenchmarkError(f"{bundle.folder}: no recipe {recipe}; it has {', '.join(known) or 'none'}")
    if not known:
        raise BenchmarkError(f"{bundle.folder}: the bundle has no model")
    return [model for model in bundle.models if not recipes or model.recipe in recipes]


def show(text: str, json_path: str | None) -> None:
    """Print for people: on standard output, or on standard error where that carries the JSON."""
    print(text, file=sys.stderr if json_path == "-" else sys.stdout, flush=True)


def progress(text: str) -> None:
    """Show on a terminal what is being done; an empty text clears the line."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def last_line(text: str) -> str:
    """Give the last line that a failed command wrote to standard error, without ``error:`` in front."""
    lines = text.strip().splitlines() or [""]
    return lines[-1][len("error: ") :] if lines[-1].startswith("error: ") else lines[-1]


def format_table(head: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """Lay out a table for a terminal; the first ``left`` columns are aligned left, the others right."""
    lines = [list(head), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*lines)]
    padded = ([c.ljust(w) if i < left else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths))] for line in lines)
    return "\n".join("  ".join(line).rstrip() for line in padded)
