"""Arguments that the scripts share, and how a script runs and ends."""

from __future__ import annotations

import argparse
import contextlib
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measuring import layout, results
from benchmarks.measuring.results import BenchmarkError
from edgetext import Bundle, EdgetextError
from edgetext.bundle.manifest import ModelFile
from edgetext.command.arguments.parser import Parser, refuse_empty

ROOT = Path(__file__).resolve().parents[2]


def make_parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with the script's docstring as its description, and ``--json``."""
    parser = Parser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    refuse_empty(parser, Path, None)
    parser.add_argument("--json", metavar="FILE", help="also write the results there; '-' for standard output")
    return parser


def add_bundle_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--model`` and ``--recipe``."""
    parser.add_argument("--model", metavar="DIR", help="the bundle (default: the one that ships with edgetext)")
    parser.add_argument("--recipe", action="append", metavar="NAME", help="measure this recipe only; may be repeated")


def at_least(low: float, kind: Callable[[str], Any] = int) -> Callable[[str], Any]:
    """Return a type for argparse that accepts finite numbers of at least ``low``."""

    def number(text: str) -> Any:  # argparse shows this name for what is none
        value = kind(text)
        if not low <= value < float("inf"):  # true for NaN too
            raise argparse.ArgumentTypeError(f"must be at least {low}, not {text}")
        return value

    return number


def choose_models(bundle: Bundle, recipes: Sequence[str] | None) -> list[ModelFile]:
    """Return the bundle's model files of the named recipes, or all of them for None."""
    known = dict.fromkeys(model.recipe for model in bundle.models)
    if unknown := [recipe for recipe in recipes or () if recipe not in known]:
        raise BenchmarkError(f"{bundle.folder}: no recipe {unknown[0]}; it has {', '.join(known)}")
    return [model for model in bundle.models if not recipes or model.recipe in recipes]


@contextlib.contextmanager
def open_folder(keep: Path | None) -> Iterator[Path]:
    """Make the folder to keep things in, or a temporary one for None."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(keep or temporary).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        yield folder


def make_main(
    kind: str,
    make_parser: Callable[[], argparse.ArgumentParser],
    measure: Callable[[argparse.Namespace], dict[str, Any]],
    tables: Callable[[dict[str, Any]], Sequence[layout.Part]],
    after: Callable[[argparse.Namespace, dict[str, Any]], int] = lambda args, found: 0,
    program: Sequence[str] = (),
) -> Callable[[Sequence[str] | None], int]:
    """Return the main function of a benchmark: parse, measure, print the tables, write the results file.

    Args:
        kind: The kind of results, which is the script's name without ``.py`` unless there is a ``program``.
        make_parser: Makes the parser; arguments after ``--`` become ``options``.
        measure: Returns the content of the results file, at least ``rows``.
        tables: Lays the results out.
        after: Does the remaining work with the results, and returns the exit code.
        program: How Python is called if it is not with the script.
    """

    def main(argv: Sequence[str] | None = None) -> int:
        words = list(sys.argv[1:] if argv is None else argv)
        place = words.index("--") if "--" in words else len(words)
        args = make_parser().parse_args(words[:place], argparse.Namespace(options=words[place + 1 :]))

        def work() -> int:
            line = shlex.join(["python", *(program or [f"benchmarks/{kind}.py"]), *words])
            found = {"kind": kind, "command": line, "environment": results.environment(), **measure(args)}
            say(layout.render(tables(found)), args)
            results.write(args.json, found)
            return after(args, found)

        return finish(work)

    return main


def finish(work: Callable[[], int]) -> int:
    """Do a command's work and return its exit code; the user's mistakes become one line on standard error."""
    try:
        from train import command
    except ModuleNotFoundError:  # on a device
        try:
            return work()
        except (EdgetextError, OSError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
    return command.finish(work, extra="bench", output_only=True)


def say(text: str, args: argparse.Namespace) -> None:
    """Print for people: on standard output, or on standard error where that carries the JSON."""
    print(text, file=sys.stderr if args.json == "-" else sys.stdout, flush=True)


def progress(text: str) -> None:
    """Show on a terminal what is being done; an empty text clears the line."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
