"""Results files: one JSON object each, with ``kind``, ``command``, ``environment``, ``rows`` and what its kind adds."""

from __future__ import annotations

import datetime
import json
import os
import platform
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.measuring.errors import BenchmarkError
from edgetext import Bundle, __version__
from edgetext.bundle.manifest import ModelFile

FOLDER = Path(__file__).resolve().parents[1] / "results"
Results = dict[str, Any]


def identify(bundle: Bundle) -> dict[str, Any]:
    """Return what a results file records of the measured bundle."""
    run = bundle.manifest.get("run")
    return {"name": bundle.name, "model_sha256": run.get("model_sha256") if isinstance(run, dict) else None}


def describe_file(bundle: Bundle, model: ModelFile) -> dict[str, Any]:
    """Return what a row records of a model file.

    ``size`` is the file's; ``vocabulary_size`` is that of vocab.txt where the file does not hold the vocabulary itself.
    Their sum is what scoring reads.
    """
    described = {name: getattr(model, name) for name in ("engine", "recipe", "file", "size")}
    if model.file.endswith(".safetensors"):
        described["vocabulary_size"] = os.path.getsize(os.path.join(bundle.folder, "vocab.txt"))
    return described


def bytes_read(row: dict[str, Any]) -> int | None:
    """Return how many bytes scoring reads, of a row with ``describe_file``'s sizes; None if it has no size."""
    size: int | None = row.get("size")
    return None if size is None else size + row.get("vocabulary_size", 0)


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


def environment_line(found: Results) -> str:
    """Return one line that says where, with what and when something was measured."""
    where = found["environment"]
    cores = f"{where['cores']} core" + ("" if where["cores"] == 1 else "s")
    parts = [", ".join([where["processor"], where["machine"], cores, where["system"], where["python"]])]
    if runtimes := sorted({str(runtime) for runtime in _runtimes(found["rows"])}):
        parts.append(", ".join(runtimes))
    return "; ".join([*(["Emulated"] if where["emulated"] else []), *parts, where["date"]]) + "."


def _runtimes(found: Any) -> Iterator[Any]:
    """Return the values of all keys called ``runtime``, at any depth."""
    children = found.values() if isinstance(found, dict) else found if isinstance(found, list) else ()
    if isinstance(found, dict) and "runtime" in found:
        yield found["runtime"]
    for child in children:
        yield from _runtimes(child)


def write(path: str | None, found: Results) -> None:
    """Write a results file; ``"-"`` stands for standard output, None for nothing.

    Raises:
        OSError: If it cannot be written.
    """
    text = json.dumps(found, indent=2, ensure_ascii=False) + "\n"
    if path == "-":
        sys.stdout.write(text)
    elif path is not None:
        replace(Path(path), text.encode())


def replace(path: Path, content: bytes) -> None:
    """Replace a file atomically.

    Raises:
        OSError: If it cannot be written; the old file is then unchanged.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.parent / f".tmp-{os.getpid()}-{path.name}"
    try:
        new.write_bytes(content)
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)


def read(path: Path, kind: str | None = None) -> Results:
    """Read a results file.

    Args:
        path: The file.
        kind: The kind that it must have; None for any.

    Raises:
        BenchmarkError: If the file is missing, is no results file, or has results of another kind.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise BenchmarkError(f"no results at {path}") from None
    except ValueError:
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("rows"), list) or "kind" not in found:
        raise BenchmarkError(f"{path}: not a results file")
    if kind is not None and found["kind"] != kind:
        raise BenchmarkError(f"{path}: has results of kind {found['kind']}, not {kind}")
    return found
