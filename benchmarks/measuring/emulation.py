"""The emulated ARM machines that tests/pi/prepare.py makes under build/pi: starting a Python, counting instructions.

A process there is one of this machine whose ARM instructions qemu-user translates: it sees this machine's files, and
those of its own system first. It cannot start another process.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.measuring import processes
from benchmarks.measuring.command import ROOT
from benchmarks.measuring.errors import BenchmarkError

PREPARED = ROOT / "build" / "pi"
DESCRIPTION = "machines.json"
MAKE = "make pi-test makes it"
# With these, and addresses that are not random, a process executes the same instructions every time.
REPEATABLE = {"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1"}
# The processor that is counted for, of each platform; which one hardly matters.
CPUS = {"arm64": "cortex-a72", "armhf": "cortex-a7"}
# The packages of each engine's interpreters; None stands for the standard library.
PACKAGES: dict[str, Sequence[str | None]] = {
    "builtin": [None],
    "tflite": ["tflite-runtime", "ai-edge-litert"],
    "onnx": ["onnxruntime"],
}


class Machine(NamedTuple):
    """An emulated machine.

    Attributes:
        platform: Debian's name of its architecture: ``"arm64"`` or ``"armhf"``.
        cpu: The processor, as qemu calls it.
        emulator: The qemu that runs it.
        root: The folder of its system; None if there is none.
        packages: The folders of the interpreters' packages, by the package's name.
        refused: Why the other interpreters are missing, by the package's name.
        error: Why the machine could not be made; None if it was.
    """

    platform: str
    cpu: str
    emulator: str
    root: str | Path | None
    packages: Mapping[str, str | Path]
    refused: dict[str, str]
    error: str | None = None

    def __str__(self) -> str:
        """Name it for people."""
        return f"{self.platform} {self.cpu}"

    def python(self, package: str | None = None, *paths: Path, counting: Sequence[str] = ()) -> list[str]:
        """Return the words that start its Python, with an environment of its own.

        Args:
            package: The package of an interpreter, which is put on the path; None for none.
            paths: More folders for the path.
            counting: Words for qemu that make it count instructions.
        """
        emulator = shutil.which(self.emulator)
        if self.root is None or emulator is None:
            raise BenchmarkError(f"{self}: {self.error or f'no {self.emulator} here'}")
        if package is not None and package not in self.packages:
            raise BenchmarkError(f"{self}: {self.refused.get(package, f'no {package} there')}")
        path = os.pathsep.join(map(str, [*paths, *([] if package is None else [self.packages[package]])]))
        variables = {"LC_ALL": "C.UTF-8", **({"PYTHONPATH": path} if path else {}), **(REPEATABLE if counting else {})}
        environment = ["env", "-i", *(f"{name}={value}" for name, value in variables.items())]
        emulate = [emulator, "-cpu", self.cpu, *counting, "-L", str(self.root), f"{self.root}/usr/bin/python3"]
        return [*(["setarch", "-R"] if counting else []), *environment, *emulate]

    def linked(self, folder: Path) -> Machine:
        """Return this machine with short paths, by links in a folder, about as long as a device's.

        At its start Python executes 30,000 instructions for each character of its own path.
        """
        targets = {"r": self.root, **{str(number): path for number, path in enumerate(self.packages.values())}}
        for name, target in targets.items():
            if target is not None:
                (folder / name).symlink_to(target)
        packages = {name: folder / str(number) for number, name in enumerate(self.packages)}
        return self._replace(root=self.root and folder / "r", packages=packages)


class Prepared(NamedTuple):
    """What is under build/pi: the machines, and the plugin that counts instructions or why there is none."""

    folder: Path
    machines: Sequence[Machine]
    counter: str | Path | None = None
    counter_error: str | None = None

    @property
    def device(self) -> Path:
        """The folder with what is copied to a device: ``runtime``, ``benchmarks`` and ``tests/runtime``."""
        return self.folder / "device"

    def write(self) -> None:
        """Write the description that ``read`` reads."""
        described = {**self._asdict(), "machines": [machine._asdict() for machine in self.machines]}
        (self.folder / DESCRIPTION).write_text(json.dumps(described, indent=2, default=str) + "\n", encoding="utf-8")


def read(folder: Path) -> Prepared:
    """Read what ``tests/pi/prepare.py`` wrote."""
    folder = folder.resolve()
    try:
        content = json.loads((folder / DESCRIPTION).read_text("utf-8"))
        machines = [Machine(**fields) for fields in content["machines"]]
        return Prepared(folder, machines, content["counter"], content["counter_error"])
    except (FileNotFoundError, NotADirectoryError):
        raise BenchmarkError(f"no ARM machines are prepared in {folder}; {MAKE}") from None
    except (ValueError, KeyError, TypeError):
        raise BenchmarkError(f"{folder / DESCRIPTION}: damaged; {MAKE} again") from None


class Counter:
    """Counts the instructions of processes on one machine, which is linked into a folder: its paths' length counts."""

    def __init__(self, prepared: Prepared, machine: Machine, folder: Path) -> None:
        self.machine = machine.linked(folder)
        self.device = folder / "device"
        self.device.symlink_to(prepared.device)
        self._result = folder / "count"
        self._words = ["-plugin", f"{prepared.counter},out={self._result}"]

    def count(self, package: str | None, *arguments: str | Path) -> tuple[int, str]:
        """Count a process of its Python with an interpreter's package; return what it printed too."""
        try:
            printed = processes.run([*self.machine.python(package, counting=self._words), *map(str, arguments)])
        except processes.LaunchError as error:
            raise BenchmarkError(str(error)) from None
        return int(self._result.read_text("utf-8")), printed

    def once(self, package: str | None, *options: str) -> int:
        """Count the one-shot command."""
        return self.count(package, self.device / "runtime" / "classify.py", *options, processes.FIRST_TEXT)[0]


@contextmanager
def start(prepared: Prepared, platform: str) -> Iterator[Counter]:
    """Begin to count on a platform."""
    if prepared.counter is None:
        raise BenchmarkError(prepared.counter_error or f"no machine works; {MAKE}")
    (machine,) = (one for one in prepared.machines if (one.platform, one.cpu) == (platform, CPUS[platform]))
    if machine.error is not None:
        raise BenchmarkError(f"{machine}: {machine.error}")
    # Not in $TMPDIR: the length of the path counts.
    with tempfile.TemporaryDirectory(prefix="", dir="/tmp") as folder:
        yield Counter(prepared, machine, Path(folder))
