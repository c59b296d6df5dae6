"""Count the instructions that ARM processors execute for a classification, under emulation, and hold them to what was.

The usual calls:

    make pi-test                                     # makes the machines, tests on them, and checks as the next line
    python benchmarks/instructions.py --check        # exit 1 if the one-shot command has come to cost 5 % more
    python benchmarks/instructions.py --json benchmarks/results/instructions.json

Seconds under emulation say nothing of a device's, but the number of instructions is a device's own, and the same every
time. Counted with addresses and hashes that are not random, all modules compiled before, and without the further
threads of NumPy's OpenBLAS, which wait in loops:

  bare       `python3 -c pass`
  one-shot   `python3 runtime/classify.py "great movie"`, the engine named, but for the one that is taken without option
  warm       a classification of a 230-word review in a process that goes on: the difference between processes with
             100 and 200 of them, divided by 100

Exit codes: 0, 1 when --check finds more than 5 % more than the committed results have, 2 for a mistake or when
instructions cannot be counted here.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import common, emulation, instructions_rows, records, texts
from benchmarks.counting import CPUS, PACKAGES, Counting, start
from edgetext import Bundle
from edgetext.bundle.manifest import ModelFile
from edgetext.text import tokenize

COMMITTED = records.FOLDER / "instructions.json"
TOLERATED = 0.05
WORDS = 230


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--pi", metavar="DIR", type=Path, default=emulation.PREPARED, help="the machines (default: build/pi)"
    )
    parser.add_argument("--check", action="store_true", help="compare the one-shot command with the committed results")
    common.add_json_argument(parser)
    return parser.parse_args(argv)


def make_text() -> str:
    """Take the first sample review that can be cut at the number of words."""
    for review in texts.find(str(texts.SAMPLE)).reviews:
        parts = review.text.split(" ")
        for count in range(1, len(parts) + 1):
            text = " ".join(parts[:count])
            if len(tokenize(text)) == WORDS:
                return text
    raise common.BenchmarkError(f"{texts.SAMPLE.name}: no review of {WORDS} words")


def measure(args: argparse.Namespace, command: common.Command) -> dict[str, Any]:
    """Count on every platform and give the content of the results file.

    Raises:
        common.BenchmarkError: There is no machine, or no counter.
        edgetext.BundleError: The shipped bundle is damaged.
    """
    prepared = emulation.read(args.pi)
    platforms, rows = [], []
    with tempfile.TemporaryDirectory(prefix="", dir="/tmp") as folder:
        text = Path(folder) / "text"
        text.write_text(make_text(), encoding="utf-8")
        for platform, cpu in CPUS.items():
            with start(prepared, platform) as counting:
                bundle = Bundle.open(prepared.device / "runtime" / "edgetext" / "default")
                bare = counting.bare()
                measured = list(measure_platform(counting, bundle.models, text))
                python = counting.python()
            rows += measured
            platforms.append({"platform": platform, "cpu": cpu, "python": python, "bare": bare})
    common.progress("")
    return {
        "kind": "instructions",
        "command": str(command),
        "environment": {**records.environment(emulated=True), "emulator": emulator()},
        "bundle": records.identify(bundle),
        "words": WORDS,
        "platforms": platforms,
        "rows": rows,
    }


def measure_platform(counting: Counting, models: Sequence[ModelFile], text: Path) -> Iterator[dict[str, Any]]:
    """Count for each model file and interpreter of a platform."""
    machine = counting.machine
    for model in models:
        for package in PACKAGES[model.engine]:
            common.progress(f"{machine}: {model.file} {package or ''}")
            row = {"platform": machine.platform, "engine": model.engine, "recipe": model.recipe, "package": package}
            options = [] if model is models[0] else ["--engine", model.engine]
            try:
                once = counting.once(package, options)
                warm, runtime = counting.warm(package, model, text)
                yield {**row, "runtime": runtime, "once": once, "warm": warm}
            except common.BenchmarkError as error:
                yield {**row, "error": machine.refused.get(package or "", str(error))}


def emulator() -> str:
    """Name the emulator and its version."""
    done = subprocess.run(["qemu-aarch64", "--version"], capture_output=True, encoding="utf-8", check=False)
    return " ".join(["qemu-user", *done.stdout.split()[2:3]])


def check(args: argparse.Namespace) -> int:
    """Compare the one-shot command with the committed results, on every platform that is here.

    Returns:
        The exit code.

    Raises:
        common.BenchmarkError: It can be counted on none.
    """
    prepared = emulation.read(args.pi)
    committed = {row["platform"]: row["once"] for row in records.read(COMMITTED, "instructions")["rows"] if plain(row)}
    failures, grown = [], []
    for platform, before in committed.items():
        try:
            with start(prepared, platform) as counting:
                now = counting.once(None)
        except common.BenchmarkError as error:
            failures.append(str(error))
            continue
        change = now / before - 1
        print(f"{platform}: {now:,} instructions, {change:+.2%} against the committed {before:,}")
        if change > TOLERATED:
            grown.append(platform)
    if len(failures) == len(committed):
        raise common.BenchmarkError("; ".join(dict.fromkeys(failures)))
    if grown:
        mend = shlex.join(["python", "benchmarks/instructions.py", "--json", str(COMMITTED.relative_to(common.ROOT))])
        reason = f"the one-shot command costs over {TOLERATED:.0%} more on {', '.join(grown)}"
        print(f"error: {reason}; if that has to be: {mend}", file=sys.stderr)
        return 1
    return 0


def plain(row: dict[str, Any]) -> bool:
    """Say whether a row is that of the command without options, and was counted."""
    return row["engine"] == "builtin" and "error" not in row


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    args = parse(argv)
    if args.check:
        return common.finish(lambda: check(args))
    return records.run("instructions", argv, parse, measure, instructions_rows.table)


if __name__ == "__main__":
    sys.exit(main())
