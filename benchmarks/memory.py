"""Measure what a training on a large table takes: memory and time, at a tenth of the rows and at all of them.

The usual calls:

    python benchmarks/memory.py                                   # 1,000,000 made-up rows, about 1 GB, on Linux
    python benchmarks/memory.py --rows 100000 --json memory.json -- --batch-size 512    # options of python -m train

The table is made up (see synthetic.py) and the same every time. Each size is trained on for one epoch by `python -m
train --data TABLE`, a process of its own, whose memory is read from /proc twenty times a second: the most of all
(VmHWM), of what is its own (RssAnon), and of files that it has mapped (RssFile), such as libraries; the system can drop
the latter and read them again. The table is made in $TMPDIR, and removed.

Exit codes: 0, 2 for a mistake or when a training fails.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import common, records

INTERVAL = 0.05
# What is read of a process: the field of /proc/PID/status.
FIELDS = {"peak_mb": "VmHWM", "anonymous_mb": "RssAnon", "file_mb": "RssFile"}
COLUMNS = ["text", "label"]

NOTE = (
    "`python -m train --data TABLE --epochs 1`, the whole process. Memory: the most that it held; of that the most of "
    "its own, and the most of mapped files, such as libraries. The last line is the difference."
)


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--rows", metavar="N", type=common.at_least(1000), default=1_000_000, help="rows (default: %(default)s)"
    )
    parser.add_argument("--seed", metavar="S", type=common.at_least(0), default=0, help="of the table (default: 0)")
    common.add_json_argument(parser)
    parser.add_argument("options", metavar="-- OPTIONS", nargs="*", help="more options of python -m train")
    return parser.parse_args(argv)


def measure(args: argparse.Namespace, command: common.Command) -> dict[str, Any]:
    """Make the tables, train on them, and give the content of the results file.

    Raises:
        common.BenchmarkError: The system does not tell a process's memory, or a training fails.
        OSError: There is no place for the table.
        ModuleNotFoundError: numpy is not installed.
    """
    if not read_status("self"):
        raise common.BenchmarkError("this system does not tell a process's memory in /proc: it takes Linux")
    from benchmarks import synthetic

    rows = []
    for count in (args.rows // 10, args.rows):
        with tempfile.TemporaryDirectory() as folder:
            table = Path(folder) / "synthetic.csv"
            common.show(f"making {count:,} rows", args.json)
            synthetic.write(table, count, args.seed)
            common.show(f"training on {table.stat().st_size / 1e6:,.0f} MB", args.json)
            options = ["--text-column", COLUMNS[0], "--label-column", COLUMNS[1], "--epochs", "1", *args.options]
            training = [sys.executable, "-m", "train", "--data", str(table), "--out", f"{folder}/run", *options]
            rows.append({"rows": count, "bytes": table.stat().st_size, **watch(training)})
    return {
        "kind": "memory",
        "command": str(command),
        "environment": records.environment(),
        "seed": args.seed,
        "classes": len(synthetic.LABELS),
        "rows": rows,
    }


def watch(command: list[str]) -> dict[str, Any]:
    """Run a command and watch its process; its output goes to standard error.

    Returns:
        ``seconds``, and the largest of each of ``FIELDS`` in MB, to three digits behind the point.

    Raises:
        common.BenchmarkError: It fails; the message is empty if it has said why itself.
    """
    largest = dict.fromkeys(FIELDS, 0.0)
    started = time.perf_counter()
    with subprocess.Popen(command, cwd=common.ROOT, stdout=2) as process:
        try:
            while process.poll() is None:
                for name, value in read_status(str(process.pid)).items():
                    largest[name] = max(largest[name], value)
                time.sleep(INTERVAL)
        except BaseException:
            process.terminate()
            raise
    if process.returncode != 0:
        code = process.returncode
        raise common.BenchmarkError("" if code == 2 else f"python -m train ended with exit code {code}")
    return {"seconds": round(time.perf_counter() - started, 1), **largest}


def read_status(pid: str) -> dict[str, float]:
    """Give the ``FIELDS`` of a process in MB; none of it if it has ended or the system does not tell."""
    try:
        lines = Path("/proc", pid, "status").read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    values = dict(line.split(":", 1) for line in lines if ":" in line)
    # The system counts in units of 1,024 bytes and calls them kB.
    return {
        name: round(int(values[field].split()[0]) * 1024 / 1e6, 3) for name, field in FIELDS.items() if field in values
    }


def cells(results: dict[str, Any]) -> list[list[str]]:
    """Turn the results into the cells of a table, its head first; the last line is what the other rows cost more."""
    lines = [["rows", "table", "time", "rows/s", "memory", "of its own", "of files"]]
    for row in results["rows"]:
        lines.append(
            [
                f"{row['rows']:,}",
                f"{row['bytes'] / 1e6:,.0f} MB",
                f"{row['seconds']:,.0f} s",
                f"{row['rows'] / row['seconds']:,.0f}",
                *(f"{row[name]:,.0f} MB" for name in FIELDS),
            ]
        )
    small, large = results["rows"]
    grown = (f"{large[name] - small[name]:+,.0f} MB" for name in FIELDS)
    lines.append(
        [
            f"{large['rows'] - small['rows']:+,}",
            f"{(large['bytes'] - small['bytes']) / 1e6:+,.0f} MB",
            f"{large['seconds'] - small['seconds']:+,.0f} s",
            "",
            *grown,
        ]
    )
    return lines


def table(results: dict[str, Any]) -> str:
    """Lay out the results for people."""
    head, *rows = cells(results)
    return f"{common.format_table(head, rows, left=0)}\n{NOTE}"


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    return records.run("memory", argv, parse, measure, table)


if __name__ == "__main__":
    sys.exit(main())
