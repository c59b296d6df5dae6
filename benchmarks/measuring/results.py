"""Results files: one JSON object each, with ``kind``, ``command``, ``environment``, ``rows`` and what its kind adds."""

from __future__ import annotations

import datetime
import json
import os
import platform
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from edgetext import Bundle, EdgetextError, __version__
from edgetext.bundle.manifest import ModelFile

FOLDER = Path(__file__).resolve().parents[1] / "results"
Results = dict[str, Any]


class BenchmarkError(EdgetextError):
    """Something that the caller gave cannot be used. The message is one line, or empty if it was printed already."""


def identify(bundle: Bundle) -> dict[str, Any]:
    """Return what a results file records of the measured bundle."""
    run = bundle.manifest.get("run")
    return {"name": bundle.name, "model_sha256": run.get("model_sha256") if isinstance(run, dict) else None}


def describe_file(bundle: Bundle, model: ModelFile) -> dict[str, Any]:
    """Return what a row records of a model file; ``vocabulary_size`` if the file does not hold the vocabulary."""
    described = {name: getattr(model, name) for name in ("engine", "recipe", "file", "size")}
    if model.file.endswith(".safetensors"):
        described["vocabulary_size"] = os.path.getsize(os.path.join(bundle.folder, "vocab.txt"))
    return described


def bytes_read(row: dict[str, Any]) -> int:
    """Return how many bytes scoring reads, weights and vocabulary, of a row with sizes."""
    return int(row["size"]) + int(row.get("vocabulary_size", 0))


def environment(*, emulated: bool = False) -> dict[str, Any]:
    """Describe the machine and the Python of this process, without anything private."""
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
    """Return the name of the board, as ARM systems report it, or the processor's model."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    fields = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return next(filter(None, map(fields.get, ("Model", "model name", "Hardware"))), platform.processor() or "unknown")


def _system() -> str:
    try:
        return str(platform.freedesktop_os_release()["PRETTY_NAME"])  # Python 3.10 and later
    except (AttributeError, OSError, KeyError):
        return f"{platform.system()} {platform.release()}"


def without_folders(reason: str) -> str:
    """Return an error message without the folders of its paths, which do not belong into a results file."""
    return re.sub(r"(?<![\w.])/(?:[^\s/:'\"]+/)+", "", reason)


def environment_line(found: Results, rows: Iterable[dict[str, Any]]) -> str:
    """Return one line that says where, with the runtimes of which rows, and when something was measured."""
    where = found["environment"]
    cores = f"{where['cores']} core" + ("" if where["cores"] == 1 else "s")
    parts = ["Emulated"] if where["emulated"] else []
    parts.append(", ".join([where["processor"], where["machine"], cores, where["system"], where["python"]]))
    runtimes = ", ".join(sorted({part for runtime in _runtimes(list(rows)) for part in runtime.split(", ")}))
    return "; ".join([*parts, *([runtimes] if runtimes else []), where["date"]]) + "."


def _runtimes(found: Any) -> Iterator[str]:
    """Return the values of all keys called ``runtime``, at any depth."""
    if isinstance(found, dict) and "runtime" in found:
        yield str(found["runtime"])
    for child in found.values() if isinstance(found, dict) else found if isinstance(found, list) else ():
        yield from _runtimes(child)


def write(path: str | None, found: Results) -> None:
    """Write a results file; ``"-"`` stands for standard output, None for nothing."""
    text = json.dumps(found, indent=2, ensure_ascii=False) + "\n"
    if path == "-":
        sys.stdout.write(text)
    elif path is not None:
        Path(path).write_text(text, encoding="utf-8")


def read(path: Path) -> Results:
    """Read a results file."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise BenchmarkError(f"no results at {path}") from None
    except ValueError:
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("rows"), list) or "kind" not in found:
        raise BenchmarkError(f"{path}: not a results file")
    return found
