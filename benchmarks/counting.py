"""Counting the instructions of processes on emulated machines."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks import common, launching
from benchmarks.emulation import MAKE, Machine, Prepared
from edgetext.bundle.manifest import ModelFile

# The processor that is counted for, of each platform; which one hardly matters.
CPUS = {"arm64": "cortex-a72", "armhf": "cortex-a7"}
# Whose interpreters the engines run; None stands for none.
PACKAGES: dict[str, Sequence[str | None]] = {
    "builtin": [None],
    "tflite": ["tflite-runtime", "ai-edge-litert"],
    "onnx": ["onnxruntime"],
}
TIMES = 100


class Counting:
    """Counts on one machine.

    Attributes:
        machine: The machine, as it is started.
    """

    def __init__(self, prepared: Prepared, machine: Machine, folder: Path) -> None:
        """Link the machine into a folder, so that the length of its own path does not count."""
        self.machine = machine.linked(folder)
        self._device = folder / "device"
        self._device.symlink_to(prepared.device)
        self._result = folder / "count"
        self._words = ["-plugin", f"{prepared.counter},out={self._result}"]

    def bare(self) -> int:
        """Count a Python that does nothing."""
        return self._count(None, "-c", "pass")[0]

    def once(self, package: str | None, options: Sequence[str] = ()) -> int:
        """Count the one-shot command."""
        command = str(self._device / "runtime" / "classify.py")
        return self._count(package, command, *options, "great movie")[0]

    def warm(self, package: str | None, model: ModelFile, text: Path) -> tuple[int, str]:
        """Count a classification among many; give the library that did the work, and its version, too."""
        command = [str(self._device / "benchmarks" / "repeat.py"), model.engine, model.recipe, str(text)]
        (few, _), (many, runtime) = (self._count(package, *command, str(times)) for times in (TIMES, 2 * TIMES))
        return round((many - few) / TIMES), runtime.strip()

    def python(self) -> str:
        """Name the machine's Python and its version."""
        ask = "import platform; print(platform.python_implementation(), platform.python_version())"
        return self._count(None, "-c", ask)[1].strip()

    def _count(self, package: str | None, *arguments: str) -> tuple[int, str]:
        """Count a process; give what it printed too.

        Raises:
            common.BenchmarkError: It fails.
        """
        try:
            printed = launching.run([*self.machine.python(package, counting=self._words), *arguments])
        except launching.LaunchError as error:
            raise common.BenchmarkError(str(error)) from None
        return int(self._result.read_text("utf-8")), printed


@contextmanager
def start(prepared: Prepared, platform: str) -> Iterator[Counting]:
    """Begin to count on a platform.

    Raises:
        common.BenchmarkError: It was not made, or there is no counter.
    """
    if prepared.counter is None:
        raise common.BenchmarkError(prepared.counter_error or f"no machine works; {MAKE}")
    (machine,) = (one for one in prepared.machines if (one.platform, one.cpu) == (platform, CPUS[platform]))
    if machine.error is not None:
        raise common.BenchmarkError(f"{machine}: {machine.error}")
    # Not where TMPDIR says: the length of the path counts.
    with tempfile.TemporaryDirectory(prefix="", dir="/tmp") as folder:
        yield Counting(prepared, machine, Path(folder))
