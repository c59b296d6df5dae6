"""Count the instructions that ARM processors execute for a classification, under emulation, and check for regressions.

Usage:

    make pi-test                                     # makes the machines, tests on them, and checks as the next line
    python benchmarks/instructions.py --check        # exit 1 if the one-shot command costs over 5 % more
    python benchmarks/instructions.py --json benchmarks/results/instructions.json

Seconds under emulation say nothing about a device, but the number of instructions is that of a device, and the same
every time. It is counted without random addresses and hashes, with all modules compiled, and with one OpenBLAS thread.

Exit codes: 0; 1 if --check finds over 5 % more than the committed results; 2 for a mistake, or if nothing can be
counted here.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.measuring import command, emulation, results, texts
from benchmarks.measuring.emulation import CPUS, PACKAGES, Counter
from benchmarks.measuring.errors import BenchmarkError
from benchmarks.measuring.layout import Part, Table
from edgetext import Bundle
from edgetext.bundle.manifest import ModelFile
from edgetext.text import tokenize

COMMITTED = results.FOLDER / "instructions.json"
TOLERATED = 0.05
# A warm classification is the difference between processes with TIMES and with twice as many, of a text of WORDS words.
TIMES, WORDS = 100, 230


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = command.make_parser(__doc__)
    parser.add_argument(
        "--pi", metavar="DIR", type=Path, default=emulation.PREPARED, help="the machines (default: build/pi)"
    )
    parser.add_argument("--check", action="store_true", help="compare the one-shot command with the committed results")
    return parser


def make_text() -> str:
    """Return the beginning of a sample review that has the right number of words."""
    for review in texts.find(str(texts.SAMPLE)).texts:
        parts = review.text.split(" ")
        for count in range(1, len(parts) + 1):
            if len(tokenize(" ".join(parts[:count]))) == WORDS:
                return " ".join(parts[:count])
    raise BenchmarkError(f"{texts.SAMPLE.name}: no review of {WORDS} words")


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Count on every platform and return the content of the results file."""
    prepared = emulation.read(args.pi)
    bundle = Bundle.open(prepared.device / "runtime" / "edgetext" / "default")
    platforms: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    version = "import platform; print(platform.python_implementation(), platform.python_version())"
    with tempfile.TemporaryDirectory(prefix="", dir="/tmp") as folder:
        text = Path(folder) / "text"
        text.write_text(json.dumps([make_text()]), encoding="utf-8")
        for platform, cpu in CPUS.items():
            with emulation.start(prepared, platform) as counter:
                python = counter.count(None, "-c", version)[1].strip()
                bare = counter.count(None, "-c", "pass")[0]
                platforms.append({"platform": platform, "cpu": cpu, "python": python, "bare": bare})
                rows += measure_platform(counter, bundle.models, text)
    command.progress("")
    done = subprocess.run(["qemu-aarch64", "--version"], capture_output=True, encoding="utf-8", check=False)
    emulator = " ".join(["qemu-user", *done.stdout.split()[2:3]])
    environment = {**results.environment(emulated=True), "emulator": emulator}
    about = {"environment": environment, "bundle": results.identify(bundle), "words": WORDS}
    return {**about, "platforms": platforms, "rows": rows}


def measure_platform(counter: Counter, models: Sequence[ModelFile], text: Path) -> Iterator[dict[str, Any]]:
    """Count for each model file and interpreter of a platform; ``text`` is a JSON list of one text."""
    machine, program = counter.machine, counter.device / "benchmarks" / "measuring" / "program.py"
    for model in models:
        for package in PACKAGES[model.engine]:
            command.progress(f"{machine}: {model.file} {package or ''}")
            row = {"platform": machine.platform, "engine": model.engine, "recipe": model.recipe, "package": package}
            options = [] if model is models[0] else ["--engine", model.engine]
            words = [str(program), "edgetext", f"{model.engine} {model.recipe}", "repeat", str(text)]
            try:
                once = counter.once(package, *options)
                (few, _), (many, printed) = (counter.count(package, *words, str(n * TIMES)) for n in (1, 2))
                yield {**row, **json.loads(printed), "once": once, "warm": round((many - few) / TIMES)}
            except BenchmarkError as error:
                yield {**row, "error": machine.refused.get(package or "", str(error))}


def check(folder: Path) -> int:
    """Compare the one-shot command with the committed results, on every platform that is here; return the exit code."""
    prepared = emulation.read(folder)
    committed = results.read(COMMITTED, "instructions")["rows"]
    plain = {row["platform"]: row["once"] for row in committed if row["engine"] == "builtin" and "error" not in row}
    failures, grown = [], []
    for platform, before in plain.items():
        try:
            with emulation.start(prepared, platform) as counter:
                now = counter.once(None)
        except BenchmarkError as error:
            failures.append(str(error))
            continue
        change = now / before - 1
        print(f"{platform}: {now:,} instructions, {change:+.2%} against the committed {before:,}")
        if change > TOLERATED:
            grown.append(platform)
    if len(failures) == len(plain):
        raise BenchmarkError("; ".join(dict.fromkeys(failures)))
    if grown:
        reason = f"the one-shot command costs over {TOLERATED:.0%} more on {', '.join(grown)}"
        print(f"error: {reason}; if that is intended: make pi-count", file=sys.stderr)
        return 1
    return 0


def tables(found: results.Results) -> list[Part]:
    """Lay the results out, a bare Python first on each platform; ratios are to that."""
    rows = []
    for about in found["platforms"]:
        platform, bare = about["platform"], about["bare"]
        rows.append([platform, "none", about["python"], "yes", f"{bare / 1e6:.1f} M", "1.00", ""])
        for row in (row for row in found["rows"] if row["platform"] == platform):
            counts = [f"no: {row.get('error')}", "", "", ""]
            if "error" not in row:
                once, warm = row["once"], row["warm"]
                counts = ["yes", f"{once / 1e6:.1f} M", f"{once / bare:.2f}", f"{warm / 1e3:,.0f} k"]
            rows.append([platform, row["engine"], row.get("runtime", row["package"]), *counts])
    cpus = ", ".join(f"{about['platform']}: {about['cpu']}" for about in found["platforms"])
    note = (
        f"Instructions of emulated ARM processors ({found['environment']['emulator']}; {cpus}), not speeds. One-shot: "
        '`python3 runtime/classify.py "great movie"`, the whole process, and its ratio to `python3 -c pass`, the row '
        f"without engine. Warm: a classification of a review of {found['words']} words in a running process."
    )
    return [note, Table(["platform", "engine", "library", "works", "one-shot", "ratio", "warm"], rows, 4)]


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    args = make_parser().parse_args(argv)
    if args.check:
        return command.finish(lambda: check(args.pi))
    return command.run("instructions", argv, make_parser(), measure, tables)


if __name__ == "__main__":
    sys.exit(main())
