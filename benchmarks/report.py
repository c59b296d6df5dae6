"""Write the numbers and the help texts into the README, from the results files and the commands themselves.

The usual calls:

    python benchmarks/report.py                                    # from benchmarks/results/*.json
    python benchmarks/report.py results/accuracy.json results/pi.json
    python benchmarks/report.py --check                            # write nothing; exit 1 if a block is out of date

What stands between `<!-- begin NAME -->` and `<!-- end NAME -->`, each alone on a line, is replaced; the names are
those of BLOCKS in benchmarks/blocks.py. Between `<!-- begin help: COMMAND -->` and `<!-- end help -->` stands what
the command prints, 100 columns wide.

Exit codes: 0, 1 when --check finds a block out of date, 2 for a mistake.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import common, records
from benchmarks.blocks import BLOCKS

HELP = "help"
HELP_COLUMNS = "100"
BEGIN = re.compile(r"<!-- begin (?P<name>\w+)(?:: (?P<command>.+?))? -->")
END = re.compile(r"<!-- end (?P<name>\w+) -->")


class Block(NamedTuple):
    """A block of the README: its name, the command of a help block, and where its content lies, as line numbers."""

    name: str
    command: str | None
    first: int
    last: int

    def __str__(self) -> str:
        """Name it for people."""
        return self.name if self.command is None else f"{self.name}: {self.command}"


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "results", nargs="*", type=Path, metavar="FILE", help="results files (default: benchmarks/results/*.json)"
    )
    parser.add_argument("--readme", type=Path, metavar="FILE", help="the file to write into (default: README.md)")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a block is out of date")
    return parser.parse_args(argv)


def find_blocks(lines: Sequence[str], where: str) -> Iterator[Block]:
    """Find the blocks.

    Raises:
        common.BenchmarkError: A marker has an unknown name, or lacks its counterpart.
    """
    open_block: tuple[int, re.Match[str]] | None = None
    for number, line in enumerate(lines):
        begin, end = BEGIN.fullmatch(line.strip()), END.fullmatch(line.strip())
        if begin:
            if open_block:
                raise common.BenchmarkError(f"{where}: line {number + 1}: a block begins within another")
            name, command = begin["name"], begin["command"]
            if (name not in BLOCKS and name != HELP) or (name == HELP) != (command is not None):
                raise common.BenchmarkError(f"{where}: line {number + 1}: no block is called {begin[0][11:-4]!r}")
            open_block = number, begin
        elif end:
            if not open_block or open_block[1]["name"] != end["name"]:
                raise common.BenchmarkError(f"{where}: line {number + 1}: nothing called {end['name']!r} begins before")
            start, begin = open_block
            yield Block(begin["name"], begin["command"], start + 1, number)
            open_block = None
    if open_block:
        raise common.BenchmarkError(f"{where}: line {open_block[0] + 1}: the block does not end")


def content(block: Block, results: Sequence[dict[str, Any]]) -> str:
    """Make a block's content.

    Raises:
        common.BenchmarkError: There are no results for it, they are damaged, or its command fails.
    """
    if block.command is not None:
        return f"```text\n$ {block.command}\n{run(block.command)}\n```"
    kind, show = BLOCKS[block.name]
    found = [one for one in results if one["kind"] == kind]
    if not found:
        command = f"python benchmarks/{kind}.py --json benchmarks/results/{kind}.json"
        raise common.BenchmarkError(f"block {block}: no results of {kind}.py are there; {command} makes them")
    try:
        commands = "\n".join(dict.fromkeys(one["command"] for one in found))
        return f"```sh\n{commands}\n```\n\n{show(found)}"
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise common.BenchmarkError(f"block {block}: the results of {kind}.py are damaged: {error!r}") from None


def run(command: str) -> str:
    """Run a command from the repository root, with this Python for ``python``, and give what it prints.

    Raises:
        common.BenchmarkError: It fails.
    """
    arguments = [sys.executable if word == "python" else word for word in shlex.split(command)]
    variables = {**os.environ, "COLUMNS": HELP_COLUMNS, "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    try:
        done = subprocess.run(
            arguments, cwd=common.ROOT, env=variables, capture_output=True, encoding="utf-8", check=False
        )
    except OSError as error:
        raise common.BenchmarkError(f"{command}: {error.strerror}") from None
    if done.returncode != 0:
        raise common.BenchmarkError(f"{command}: {common.last_line(done.stderr) or 'it failed'}")
    # Where this checkout lies is nobody's business.
    text = done.stdout.replace(f"{common.ROOT}{os.sep}", "")
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    args = parse(argv)

    def work() -> int:
        readme = args.readme or common.ROOT / "README.md"
        files = args.results or sorted(records.FOLDER.glob("*.json"))
        results = [records.read(file) for file in files]
        lines = readme.read_text("utf-8").split("\n")
        stale: list[str] = []
        for block in reversed(list(find_blocks(lines, readme.name))):  # from the end, so that line numbers stay true
            new = content(block, results).split("\n")
            if new != lines[block.first : block.last]:
                stale.insert(0, str(block))
                lines[block.first : block.last] = new
        if args.check and stale:
            print(f"error: out of date: {', '.join(stale)}; python benchmarks/report.py mends it", file=sys.stderr)
            return 1
        if stale and not args.check:
            records.write_whole(readme, "\n".join(lines))
        print(f"{readme.name}: " + (f"wrote {', '.join(stale)}" if stale else "all blocks are current"))
        return 0

    return common.finish(work)


if __name__ == "__main__":
    sys.exit(main())
