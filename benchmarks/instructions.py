"""Count the instructions that ARM processors execute for a classification, under emulation, and check for regressions.

Usage, after `make pi-test`, which makes the machines:

    python benchmarks/instructions.py --check        # exit 1 if the one-shot command costs over 5 % more
    python benchmarks/instructions.py --json benchmarks/results/instructions.json

Seconds under emulation say nothing about a device, but the number of instructions is that of a device, and the same
every time: it is counted without random addresses and hashes, and with all modules compiled.

Exit codes: 0; 1 if --check finds over 5 % more than the committed results; 2 for a mistake, or if nothing can be
counted here.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.measuring import command, processes, results, texts
from benchmarks.measuring.layout import Part, Table
from benchmarks.measuring.results import BenchmarkError
from edgetext import Bundle
from edgetext.text import RuleSet

COMMITTED = results.FOLDER / "instructions.json"
DESCRIPTION, MAKE = "machines.json", "make pi-test makes it"
PROGRAM = "benchmarks/measuring/program.py"
TOLERATED = 0.05
# A warm classification is the difference between processes with TIMES and with twice as many, of a text of WORDS words.
TIMES, WORDS = 100, 230
# The processor that is counted for, of each platform; which one hardly matters.
CPUS = {"arm64": "cortex-a72", "armhf": "cortex-a7"}
# The packages of each engine's interpreters; None stands for the standard library.
PACKAGES: dict[str, list[str | None]] = {
    "builtin": [None],
    "tflite": ["tflite-runtime", "ai-edge-litert"],
    "onnx": ["onnxruntime"],
}


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = command.make_parser(__doc__)
    pi = command.ROOT / "build" / "pi"
    parser.add_argument("--pi", metavar="DIR", type=Path, default=pi, help="the machines (default: build/pi)")
    parser.add_argument("--check", action="store_true", help="compare the one-shot command with the committed results")
    return parser


def read_machines(folder: Path) -> dict[str, Any]:
    """Read what tests/pi/prepare.py wrote: the machines, and the plugin that counts or why there is none."""
    try:
        content: dict[str, Any] = json.loads((folder / DESCRIPTION).read_text("utf-8"))
        return {name: content[name] for name in ("machines", "counter", "counter_error")}
    except (FileNotFoundError, NotADirectoryError):
        raise BenchmarkError(f"no ARM machines are prepared in {folder}; {MAKE}") from None
    except (ValueError, KeyError, TypeError):
        raise BenchmarkError(f"{folder / DESCRIPTION}: damaged; {MAKE} again") from None


class Counter:
    """Counts the instructions of processes on one machine, by short links: 30,000 for each character of its path."""

    def __init__(self, machine: dict[str, Any], plugin: str, device: Path, folder: Path) -> None:
        self.machine, self.device, self._result = machine, folder / "device", folder / "count"
        self._packages = {name: folder / str(number) for number, name in enumerate(machine["packages"])}
        links = {folder / "r": machine["root"], self.device: device}
        links |= {link: machine["packages"][name] for name, link in self._packages.items()}
        for link, target in links.items():
            link.symlink_to(target)
        plugins = ["-plugin", f"{plugin},out={self._result}"]
        root = str(folder / "r")
        self._python = [machine["emulator"], "-cpu", machine["cpu"], *plugins, "-L", root, f"{root}/usr/bin/python3"]

    def count(self, package: str | None, *arguments: str | Path) -> tuple[int, str]:
        """Count a process of its Python with an interpreter's package; return what it printed too."""
        if package is not None and package not in self._packages:
            raise BenchmarkError(self.machine["refused"].get(package, f"no {package} there"))
        variables = ["LC_ALL=C.UTF-8", "PYTHONHASHSEED=0", "OPENBLAS_NUM_THREADS=1"]
        variables += [] if package is None else [f"PYTHONPATH={self._packages[package]}"]
        printed = processes.run(["setarch", "-R", "env", "-i", *variables, *self._python, *map(str, arguments)])
        return int(self._result.read_text("utf-8")), printed

    def once(self, package: str | None = None, *options: str) -> int:
        """Count the one-shot command."""
        return self.count(package, self.device / "runtime" / "classify.py", *options, processes.FIRST_TEXT)[0]


@contextmanager
def start(folder: Path, platform: str) -> Iterator[Counter]:
    """Begin to count on a platform."""
    content = read_machines(folder)
    if content["counter"] is None:
        raise BenchmarkError(content["counter_error"] or f"no machine works; {MAKE}")
    (machine,) = (one for one in content["machines"] if (one["platform"], one["cpu"]) == (platform, CPUS[platform]))
    if machine["error"] is not None:
        raise BenchmarkError(f"{platform} {CPUS[platform]}: {machine['error']}")
    # Not in $TMPDIR: the length of the path counts.
    with tempfile.TemporaryDirectory(prefix="", dir="/tmp") as short:
        yield Counter(machine, content["counter"], folder.resolve() / "device", Path(short))


def make_text(rules: RuleSet) -> str:
    """Return the beginning of a sample review that has ``WORDS`` words."""
    for review in texts.find(str(texts.SAMPLE)).texts:
        for end in re.finditer(" |$", review.text):
            if len(rules.tokenize(review.text[: end.start()])) == WORDS:
                return review.text[: end.start()]
    raise BenchmarkError(f"{texts.SAMPLE.name}: no review of {WORDS} words")


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Count on every platform and return the content of the results file."""
    bundle = Bundle.open(command.ROOT / "runtime" / "edgetext" / "default")
    platforms: list[Any] = []
    rows: list[Any] = []
    version = "import platform; print(platform.python_implementation(), platform.python_version())"
    for platform, cpu in CPUS.items():
        with start(args.pi, platform) as counter:
            python, bare = counter.count(None, "-c", version)[1].strip(), counter.count(None, "-c", "pass")[0]
            platforms.append({"platform": platform, "cpu": cpu, "python": python, "bare": bare})
            rows.extend(measure_platform(counter, bundle, platform))
    done = subprocess.run(["qemu-aarch64", "--version"], capture_output=True, encoding="utf-8", check=False)
    emulator = " ".join(["qemu-user", *done.stdout.split()[2:3]])
    environment = {**results.environment(emulated=True), "emulator": emulator}
    about = {"environment": environment, "bundle": results.identify(bundle), "words": WORDS}
    return {**about, "platforms": platforms, "rows": rows}


def measure_platform(counter: Counter, bundle: Bundle, platform: str) -> Iterator[dict[str, Any]]:
    """Count for each model file and interpreter of a platform."""
    text = make_text(bundle.preprocessing.rules)
    few, many = (processes.write_texts(counter.device.with_name(str(n)), n * [text]) for n in (TIMES, 2 * TIMES))
    for model in bundle.models:
        for package in PACKAGES[model.engine]:
            row = {"platform": platform, "engine": model.engine, "recipe": model.recipe, "package": package}
            options = [] if model is bundle.models[0] else ["--engine", model.engine]
            words = [str(counter.device / PROGRAM), "edgetext", f"{model.engine} {model.recipe}"]
            try:
                runtime = json.loads(counter.count(package, *words, "about")[1])["runtime"]
                counts = [counter.count(package, *words, "load", files.json)[0] for files in (few, many)]
                warm = round((counts[1] - counts[0]) / TIMES)
                yield {**row, "runtime": runtime, "once": counter.once(package, *options), "warm": warm}
            except BenchmarkError as error:
                yield {**row, "error": str(error)}


def check(folder: Path) -> int:
    """Compare the one-shot command with the committed results, on every platform that is here; return the exit code."""
    committed = results.read(COMMITTED)["rows"]
    plain = {row["platform"]: row["once"] for row in committed if row["engine"] == "builtin" and "error" not in row}
    failures, grown = [], []
    for platform, before in plain.items():
        try:
            with start(folder, platform) as counter:
                now = counter.once()
        except BenchmarkError as error:
            failures.append(str(error))
            continue
        print(f"{platform}: {now:,} instructions, {now / before - 1:+.2%} against the committed {before:,}")
        if now / before - 1 > TOLERATED:
            grown.append(platform)
    if len(failures) == len(plain):
        raise BenchmarkError("; ".join(dict.fromkeys(failures)))
    if grown:
        reason = f"the one-shot command costs over {TOLERATED:.0%} more on {', '.join(grown)}"
        print(f"error: {reason}; if that is intended: make pi-count", file=sys.stderr)
    return 1 if grown else 0


def tables(found: results.Results) -> list[Part]:
    """Lay the results out, a bare Python first on each platform; ratios are to that."""
    lines = []
    for about in found["platforms"]:
        platform, bare = about["platform"], about["bare"]
        lines.append([platform, "none", about["python"], "yes", f"{bare / 1e6:.1f} M", "1.00", ""])
        for row in (row for row in found["rows"] if row["platform"] == platform):
            counts = [f"no: {row['error']}", "", "", ""] if "error" in row else ["yes", f"{row['once'] / 1e6:.1f} M"]
            counts += [] if "error" in row else [f"{row['once'] / bare:.2f}", f"{row['warm'] / 1e3:,.0f} k"]
            lines.append([platform, row["engine"], row.get("runtime") or row["package"], *counts])
    cpus = ", ".join(f"{about['platform']}: {about['cpu']}" for about in found["platforms"])
    note = (
        f"Instructions of emulated ARM processors ({found['environment']['emulator']}; {cpus}), not speeds. One-shot: "
        '`python3 runtime/classify.py "great movie"`, the whole process, and its ratio to `python3 -c pass`, the row '
        f"without engine. Warm: a classification of a review of {found['words']} words in a running process."
    )
    return [note, Table(["platform", "engine", "library", "works", "one-shot", "ratio", "warm"], lines, 4)]


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    args = make_parser().parse_args(argv)
    count = command.make_main("instructions", make_parser, measure, tables)
    return command.finish(lambda: check(args.pi)) if args.check else count(argv)


if __name__ == "__main__":
    sys.exit(main())
