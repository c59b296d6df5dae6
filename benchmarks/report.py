"""Write measured numbers and help texts into the READMEs, from the results files and the commands themselves.

Usage:

    python benchmarks/report.py                                    # from benchmarks/results/*.json
    python benchmarks/report.py pi.json --readme notes.md
    python benchmarks/report.py --check                            # write nothing; exit 1 if a block is out of date
    python benchmarks/report.py --plots                            # draw curve.png too

The picture of an explanation, benchmarks/results/explanation.svg, is drawn from what the command prints.

What stands between `<!-- begin NAME -->` and `<!-- end NAME -->`, each alone on a line, is replaced; NAME is one of
BLOCKS. Between `<!-- begin help: COMMAND -->` and `<!-- end help -->` stands what the command prints, 100 columns wide.

Exit codes: 0; 1 if --check finds a block or the picture out of date; 2 for a mistake.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import (
    accuracy,
    compiled,
    few_labels,
    firmware,
    flash,
    instructions,
    interop,
    latency,
    peers,
    scale,
    suggest,
    sweep,
    tables,
)
from benchmarks.abstaining import mixture
from benchmarks.measuring import command, layout, pictures, plots, processes, results
from benchmarks.measuring.layout import Part, Table
from benchmarks.measuring.results import BenchmarkError, Results
from edgetext.command.arguments.parser import Parser, refuse_empty

_FOLDERS = ("train", "export", "runtime", "runtime/web", "benchmarks")
READMES = ["README.md", "SECURITY.md", *(f"{folder}/README.md" for folder in _FOLDERS), "*/guides/*.md"]
BLOCK = re.compile(
    r"^(?P<begin><!-- begin (?P<name>\w+)(?:: (?P<command>.+?))? -->)$(?P<content>(?:(?!^<!-- begin ).)*?)"
    r"^(?P<end><!-- end (?P=name) -->)$",
    re.DOTALL | re.MULTILINE,
)


def memory_tables(found: Results) -> list[Part]:
    """Lay out what `python -m tests.soaking.memory` measured: both trainings and their difference, then their steps."""
    small, large = found["rows"]
    units = {"rows": "", "bytes": " MB", "seconds": " s", "peak_mb": " MB", "anonymous_mb": " MB", "file_mb": " MB"}

    def cells(row: dict[str, float], sign: str = "") -> list[str]:
        scaled = {**row, "bytes": row["bytes"] / 1e6}
        return [f"{scaled[name]:{sign},.0f}{unit}" for name, unit in units.items()]

    lines = [cells(small), cells(large), cells({name: large[name] - small[name] for name in units}, "+")]
    note = (
        "`python -m train --data TABLE --epochs 1` with the options after `--`, the whole process. Memory: peak. Last "
        "row: difference."
    )
    return [
        note,
        Table(["rows", "table", "time", "memory", "anonymous", "file-backed"], lines, 0),
        *_memory_steps(found),
    ]


def _memory_steps(found: Results) -> list[Part]:
    """Lay out the steps of both trainings, without those that took less than a second."""
    lines = []
    for both in zip(*(row["steps"] for row in found["rows"])):
        if both[-1]["cpu_seconds"] >= 1:
            times, sizes = ([step[name] for step in both] for name in ("cpu_seconds", "anonymous_mb"))
            lines.append(
                [both[-1]["step"], *(f"{time:,.0f} s" for time in times), *(f"{size:,.0f} MB" for size in sizes)]
            )
    counts = [f"{row['rows']:,} rows" for row in found["rows"]]
    headings = ["step", *(f"{what}, {count}" for what in ("time", "memory") for count in counts)]
    return ["Processor time of each step, and the most anonymous memory during it:", Table(headings, lines, 1)]


def soak_tables(found: Results) -> list[Part]:
    """Lay out what `python -m tests.soaking` measured."""
    keys = ("promise", "tried", "unit", "failed", "measured")
    rows = [[row[key] for key in keys] for row in found["rows"]]
    lines = [[promise, f"{tried:,} {unit}", f"{failed:,}", measured] for promise, tried, unit, failed, measured in rows]
    return [Table(["what holds", "tried", "failed", "measured"], lines)]


# How each block lays its results out, and the kinds of results that it shows, if not those of its name.
BLOCKS: dict[str, Callable[[Results], Sequence[Part]]] = {
    "summary": peers.summary_tables,
    "peers": peers.tables,
    "latency": latency.latency_tables,
    "startup": latency.startup_tables,
    **dict.fromkeys(("seeds", "choices", "curve"), sweep.tables),
    **{"accuracy": accuracy.tables, "interop": interop.tables, "instructions": instructions.tables},
    **{"tables": tables.tables, "few_labels": few_labels.lay_out, "suggest": suggest.lay_out},
    **{"memory": memory_tables, "soak": soak_tables, "abstaining": mixture.tables},
    **{"browser": compiled.browser_tables, "compiled": compiled.tables},
    **{"firmware": firmware.tables, "flash": flash.tables, "scale": scale.tables},
}
# The rows that a block shows, if not all; below it are the runtimes of these alone.
ROWS: dict[str, Callable[[Results], Iterable[dict[str, Any]]]] = {
    **dict.fromkeys(("summary", "peers"), peers.compared),
    **dict.fromkeys(("latency", "startup"), latency.engine_rows),
    **{"compiled": compiled.working_rows, "browser": compiled.browser_rows},
}
KINDS = {
    "summary": ("peers",),
    "latency": ("peers", "latency"),
    "startup": ("peers", "latency"),
    "browser": ("compiled",),
}


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    refuse_empty(parser, Path)
    add, default = parser.add_argument, f"(default: {', '.join(READMES)})"
    add("results", nargs="*", type=Path, metavar="FILE", help="results files (default: benchmarks/results/*.json)")
    add("--readme", type=Path, metavar="FILE", action="append", help=f"a file to write into {default}")
    add("--check", action="store_true", help="write nothing; exit 1 if something is out of date")
    add("--plots", action="store_true", help="also draw benchmarks/results/curve.png")
    return parser


def replace_blocks(text: str, where: str, found: Sequence[Results]) -> tuple[str, list[str]]:
    """Return a README's text with current blocks, and the names of the blocks that were not."""
    stale: list[str] = []
    ends = len(re.findall("^<!-- (?:begin|end) .* -->$", text, re.MULTILINE))
    if 2 * len(BLOCK.findall(text)) != ends:
        raise BenchmarkError(f"{where}: a block's begin or end is missing")

    def replace(match: re.Match[str]) -> str:
        name, words = match["name"], match["command"]
        if (words is None and name not in BLOCKS) or (name == "help") != (words is not None):
            raise BenchmarkError(f"{where}: no block is called {name}" + (f": {words}" if words else ""))
        new = make_content(name, found) if words is None else f"```text\n$ {words}\n{run(words)}\n```"
        if new != match["content"].strip("\n"):
            stale.append(name if words is None else f"{name}: {words}")
        return f"{match['begin']}\n{new}\n{match['end']}"

    return BLOCK.sub(replace, text), stale


def make_content(name: str, found: Sequence[Results]) -> str:
    """Return the content of a block of results."""
    kinds = KINDS.get(name, (name,))
    commands, parts = [], []
    for one in found:
        if one["kind"] not in kinds:
            continue
        if one.get("protocol", {}).get("quick"):
            raise BenchmarkError(f"block {name}: made with --quick, which measures nothing: {one['command']}")
        try:
            shown = BLOCKS[name](one)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BenchmarkError(f"block {name}: the results of {one['command']} are damaged: {error!r}") from None
        if shown:
            commands.append(one["command"])
            rows = ROWS[name](one) if name in ROWS else one["rows"]
            parts.append(f"{layout.render(shown, markdown=True)}\n\n{results.environment_line(one, rows)}")
    if not parts:
        raise BenchmarkError(f"block {name}: there are no results of kind {' or '.join(kinds)}")
    return "\n\n".join(["```sh\n" + "\n".join(dict.fromkeys(commands)) + "\n```", *parts])


def run(words: str) -> str:
    """Run a command from the repository's root, with this Python for ``python``, and return what it prints."""
    arguments = [sys.executable if word == "python" else word for word in shlex.split(words)]
    try:
        printed = processes.run(arguments, command.ROOT, COLUMNS="100", NO_COLOR="1", PYTHONIOENCODING="utf-8")
    except BenchmarkError as error:
        raise BenchmarkError(f"{words}: {error}") from None
    # Without the folder of this checkout.
    text = printed.replace(f"{command.ROOT}{os.sep}", "")
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    args = make_parser().parse_args(argv)

    def work() -> int:
        found = [results.read(file) for file in args.results or sorted(results.FOLDER.glob("*.json"))]
        readmes = args.readme or [path for name in READMES for path in sorted(command.ROOT.glob(name))]
        stale = []
        for readme in readmes:
            new, names = replace_blocks(readme.read_text("utf-8"), readme.name, found)
            stale += [f"{readme.parent.name}/{readme.name}: {name}" for name in names]
            if names and not args.check:
                readme.write_text(new, encoding="utf-8")
        explanation, drawn = results.FOLDER / "explanation.svg", pictures.picture(pictures.EXPLANATION)
        if not args.readme and (not explanation.exists() or explanation.read_text("utf-8") != drawn):
            stale.append(explanation.name)
            if not args.check:
                explanation.write_text(drawn, encoding="utf-8")
        if stale and args.check:
            print(f"error: out of date: {', '.join(stale)}; to write it: python benchmarks/report.py", file=sys.stderr)
            return 1
        print(f"wrote {', '.join(stale)}" if stale else "all blocks are current")
        if args.plots:
            kinds = {one["kind"]: one for one in found}
            plots.draw_curve(kinds["curve"], kinds["peers"], results.FOLDER / "curve.png")
        return 0

    return command.finish(work)


if __name__ == "__main__":
    sys.exit(main())
