"""Measure memory and time of a training on a large table: with a tenth of its rows and with all of them.

Usage:

    python -m tests.soaking.memory                          # 1,000,000 generated rows, about 1 GB; Linux
    python -m tests.soaking.memory --rows 100000 --json memory.json -- --batch-size 512   # options of python -m train

The table is generated (see table.py), the same for the same --seed. Each size is trained on for one epoch by `python -m
train --data TABLE` in a process whose memory is read from /proc twenty times a second: the maximum of the total
(VmHWM), of anonymous memory (RssAnon) and of file-backed memory (RssFile), such as libraries, which the system can drop
and read again. The steps of a training (see steps.py) are measured in processor time, which other programs change
little. The table is made in $TMPDIR and removed.

Exit codes: 0, 2 for a mistake or if a training fails.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.measuring.results import environment
from tests.soaking import ROOT, SoakError, natural, write_results
from tests.soaking.memory import steps, table

INTERVAL = 0.05
# The fields of /proc/PID/status that are read.
FIELDS = {"peak_mb": "VmHWM", "anonymous_mb": "RssAnon", "file_mb": "RssFile"}


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.soaking.memory",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rows", metavar="N", type=natural, default=1_000_000, help="(default: %(default)s)")
    parser.add_argument("--seed", metavar="S", type=natural, default=0, help="of the table (default: 0)")
    parser.add_argument("--json", metavar="FILE", help="also write the results to this file")
    parser.add_argument("options", metavar="-- OPTIONS", nargs="*", help="more options of python -m train")
    args = parser.parse_args(argv)
    if args.rows < 1000:
        parser.error("argument --rows: must be at least 1000")
    return args


def train(rows: int, seed: int, options: Sequence[str]) -> dict[str, Any]:
    """Train on a generated table with ``rows`` rows.

    Returns:
        A row of the results file: ``rows``, ``bytes``, ``seconds``, each of ``FIELDS``, and ``steps``.

    Raises:
        SoakError: If the training fails.
        OSError: If there is no room for the table.
    """
    with tempfile.TemporaryDirectory() as folder:
        path, log = Path(folder) / "table.csv", Path(folder) / "steps.jsonl"
        table.write(path, rows, seed)
        size = path.stat().st_size
        columns = ["--text-column", table.COLUMNS[0], "--label-column", table.COLUMNS[1]]
        training = [sys.executable, "-m", "tests.soaking.memory.steps", str(log), "--data", str(path), *columns]
        found, anonymous = watch([*training, "--out", f"{folder}/run", "--epochs", "1", *options])
        return {"rows": rows, "bytes": size, **found, "steps": steps.summarize(log.read_text("utf-8"), anonymous)}


def watch(command: Sequence[str]) -> tuple[dict[str, Any], list[tuple[float, float]]]:
    """Run a command and watch its process; its output goes to standard error.

    Returns:
        ``seconds``, and the maximum of each of ``FIELDS`` in MB; and the anonymous memory by time.

    Raises:
        SoakError: If it fails.
    """
    largest = dict.fromkeys(FIELDS, 0.0)
    anonymous: list[tuple[float, float]] = []
    started = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, stdout=2) as process:
        try:
            while process.poll() is None:
                found = read_status(str(process.pid))
                for name, value in found.items():
                    largest[name] = max(largest[name], value)
                anonymous.append((time.monotonic(), found.get("anonymous_mb", 0.0)))
                time.sleep(INTERVAL)
        except BaseException:
            process.terminate()
            raise
    if process.returncode != 0:
        raise SoakError(f"python -m train ended with exit code {process.returncode}")
    return {"seconds": round(time.perf_counter() - started, 1), **largest}, anonymous


def read_status(pid: str) -> dict[str, float]:
    """Return the ``FIELDS`` of a process in MB; empty if it has ended or the system has no /proc."""
    try:
        lines = Path("/proc", pid, "status").read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    values = dict(line.split(":", 1) for line in lines if ":" in line)
    # The system counts in units of 1,024 bytes and calls them kB.
    return {
        name: round(int(values[field].split()[0]) * 1024 / 1e6, 3) for name, field in FIELDS.items() if field in values
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command described in the module's docstring."""
    arguments = sys.argv[1:] if argv is None else argv
    args = parse(arguments)
    rows = []
    try:
        if not read_status("self"):
            raise SoakError("needs Linux: this system has no /proc to read a process's memory from")
        for count in (args.rows // 10, args.rows):
            rows.append(row := train(count, args.seed, args.options))
            print(", ".join(f"{name} {row[name]:,}" for name in row if name != "steps"), flush=True)
        results: dict[str, Any] = {
            "kind": "memory",
            "command": shlex.join(["python", "-m", "tests.soaking.memory", *arguments]),
        }
        results |= {"environment": environment(), "seed": args.seed, "classes": len(table.LABELS), "rows": rows}
        write_results(args.json, results)
    except (SoakError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
