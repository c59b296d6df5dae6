"""Result files: one JSON object each, with ``kind``, ``command``, ``environment``, ``rows`` and what else its kind has.

benchmarks/report.py puts them into the README. The standard library and edgetext only, Python 3.9 included.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, BenchmarkError, Command, finish, show
from edgetext import Bundle, __version__

FOLDER = ROOT / "benchmarks" / "results"
KINDS = (
    *("accuracy", "latency", "encode", "seeds", "peers", "curve", "choices", "interop", "instructions"),
    *("linear_peer", "own_text", "memory", "soak"),
)


def identify(bundle: Bundle) -> dict[str, Any]:
    """Say in a results file which bundle was measured."""
    run = bundle.manifest.get("run")
    return {"name": bundle.name, "model_sha256": run.get("model_sha256") if isinstance(run, dict) else None}


def environment(*, emulated: bool = False) -> dict[str, Any]:
    """Describe the machine and the Python that run this process, without anything private."""
    affinity = getattr(os, "sched_getaffinity", None)
    return {
        "processor": _processor(),
        "machine": platform.machine(),
        "cores": len(affinity(0)) if affinity else os.cpu_count(),
        "system": _system(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "edgetext": __version__,
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "emulated": emulated,
    }


def _processor() -> str:
    """Name the board, as ARM systems do, else the processor's model."""
    for file, key in (("/proc/cpuinfo", "Model"), ("/proc/cpuinfo", "model name"), ("/proc/cpuinfo", "Hardware")):
        try:
            lines = Path(file).read_text("utf-8", errors="replace").splitlines()
        except OSError:
            break
        for line in lines:
            name, _, value = line.partition(":")
            if name.strip() == key and value.strip():
                return value.strip()
    return platform.processor() or "unknown"


def _system() -> str:
    try:
        return str(platform.freedesktop_os_release()["PRETTY_NAME"])  # Python 3.10 and later
    except (AttributeError, OSError, KeyError):
        return f"{platform.system()} {platform.release()}"


def write(path: str | None, results: dict[str, Any]) -> None:
    """Write a results file; ``"-"`` stands for standard output, None for nothing.

    Raises:
        OSError: It cannot be written.
    """
    text = json.dumps(results, indent=2, ensure_ascii=False) + "\n"
    if path == "-":
        sys.stdout.write(text)
    elif path is not None:
        write_whole(Path(path), text)


def write_whole(path: Path, text: str) -> None:
    """Replace a file at one stroke; it is the old one or the new one, never half of one.

    Raises:
        OSError: It cannot be written; the old file is then as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.parent / f".tmp-{os.getpid()}-{path.name}"
    try:
        new.write_bytes(text.encode("utf-8"))  # the same on every system: a manifest holds a checksum of itself
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)


def run(
    name: str,
    argv: Sequence[str] | None,
    parse: Callable[[Any], argparse.Namespace],
    measure: Callable[[argparse.Namespace, Command], dict[str, Any]],
    table: Callable[[dict[str, Any]], str],
    after: Callable[[argparse.Namespace, dict[str, Any]], int] = lambda args, results: 0,
) -> int:
    """Be the ``main`` of a benchmark: parse, measure, show, write.

    Args:
        name: The script's name without ``.py``.
        argv: The arguments; None takes those of the process.
        parse: Parses them, ``--json`` among them.
        measure: Gives the content of the results file.
        table: Lays the results out for people.
        after: Does what is left to do with the results, and gives the exit code.

    Returns:
        The exit code.
    """
    args = parse(argv)
    command = Command(name, sys.argv[1:] if argv is None else argv)

    def work() -> int:
        results = measure(args, command)
        show(table(results), args.json)
        write(args.json, results)
        return after(args, results)

    return finish(work)


def read(path: Path, kind: str | None = None) -> dict[str, Any]:
    """Read a results file.

    Args:
        path: The file.
        kind: What it must hold; None takes any of ``KINDS``.

    Raises:
        BenchmarkError: It is missing, or does not hold such results.
    """
    try:
        results = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        made = f"; python benchmarks/{kind}.py --json {path} writes it" if kind else ""
        raise BenchmarkError(f"no results at {path}{made}") from None
    except ValueError:
        raise BenchmarkError(f"{path}: not a results file") from None
    if not isinstance(results, dict) or results.get("kind") not in KINDS or not isinstance(results.get("rows"), list):
        raise BenchmarkError(f"{path}: not a results file")
    if kind is not None and results["kind"] != kind:
        raise BenchmarkError(f"{path}: holds results of {results['kind']}.py, not of {kind}.py")
    return results
