"""The ARM machines that tests/pi/prepare.py makes under build/pi, and the words that start a Python in them.

A process there is one of this machine whose ARM instructions qemu-user translates: it sees this machine's files, and
those of its own system first. It cannot start another process.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.common import ROOT, BenchmarkError

PREPARED = ROOT / "build" / "pi"
DESCRIPTION = "machines.json"
MAKE = "make pi-test makes it"
# With these, and addresses that are not random, a process executes the same instructions every time.
REPEATABLE = {"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1"}


class Machine(NamedTuple):
    """An emulated machine.

    Attributes:
        platform: Debian's name of its architecture: ``"arm64"`` or ``"armhf"``.
        cpu: The processor, as qemu calls it.
        emulator: The qemu that runs it.
        root: The folder of its system; None if there is none.
        packages: The folders of the interpreters' packages, by the package's name.
        refused: Why the other interpreters are not there, by the package's name.
        error: Why it could not be made; None if it was.
    """

    platform: str
    cpu: str
    emulator: str
    root: Path | None
    packages: dict[str, Path]
    refused: dict[str, str]
    error: str | None = None

    def __str__(self) -> str:
        """Name it for people."""
        return f"{self.platform} {self.cpu}"

    def python(self, package: str | None = None, *paths: Path, counting: Sequence[str] = ()) -> list[str]:
        """Give the words that start its Python, with an environment of its own.

        Args:
            package: The package of an interpreter, which is put on the path; None for none.
            paths: More folders for the path.
            counting: Words for qemu that make it count instructions.

        Raises:
            BenchmarkError: The machine is not there, or has no such package.
        """
        emulator = shutil.which(self.emulator)
        if self.root is None or emulator is None:
            raise BenchmarkError(f"{self}: {self.error or f'no {self.emulator} here'}")
        if package is not None and package not in self.packages:
            raise BenchmarkError(f"{self}: {self.refused.get(package, f'no {package} there')}")
        path = os.pathsep.join(map(str, [*paths, *([] if package is None else [self.packages[package]])]))
        variables = {"LC_ALL": "C.UTF-8", **({"PYTHONPATH": path} if path else {}), **(REPEATABLE if counting else {})}
        return [
            *(["setarch", "-R"] if counting else []),
            *("env", "-i", *(f"{name}={value}" for name, value in variables.items())),
            *(emulator, "-cpu", self.cpu, *counting, "-L", str(self.root), str(self.root / "usr" / "bin" / "python3")),
        ]

    def linked(self, folder: Path) -> Machine:
        """Give this machine with short paths, about as long as a device's ``/usr/bin/python3``.

        Python works the more at its start the longer its own path is: 30,000 instructions a character.

        Args:
            folder: An empty folder, for links.

        Raises:
            OSError: A link cannot be made.
        """

        def link(name: str, target: Path) -> Path:
            (folder / name).symlink_to(target)
            return folder / name

        packages = {name: link(str(number), path) for number, (name, path) in enumerate(self.packages.items())}
        return self._replace(root=self.root and link("r", self.root), packages=packages)


class Prepared(NamedTuple):
    """What is under build/pi.

    Attributes:
        folder: It.
        machines: The machines, those that could not be made too.
        counter: The plugin that counts instructions; None if there is none.
        counter_error: Why there is none.
    """

    folder: Path
    machines: Sequence[Machine]
    counter: Path | None = None
    counter_error: str | None = None

    @property
    def device(self) -> Path:
        """The folder that holds what is copied to a device: ``runtime``, ``benchmarks`` and ``tests/runtime``."""
        return self.folder / "device"

    @property
    def bundle(self) -> Path:
        """The shipped bundle, with more model files."""
        return self.folder / "bundle"

    @property
    def wheel(self) -> Path:
        """The folder into which the runtime's wheel is installed."""
        return self.folder / "wheel"

    def write(self) -> None:
        """Write the description, which ``read`` reads.

        Raises:
            OSError: It cannot be written.
        """
        text = json.dumps(
            {
                "machines": [machine._asdict() for machine in self.machines],
                "counter": self.counter,
                "counter_error": self.counter_error,
            },
            indent=2,
            default=str,
        )
        (self.folder / DESCRIPTION).write_text(text + "\n", encoding="utf-8")


def read(folder: Path) -> Prepared:
    """Read what ``tests/pi/prepare.py`` wrote.

    Raises:
        BenchmarkError: There is no such folder, or it is not prepared.
    """
    folder = folder.resolve()
    try:
        content = json.loads((folder / DESCRIPTION).read_text("utf-8"))
        machines = [_machine(fields) for fields in content["machines"]]
        counter = None if content["counter"] is None else Path(content["counter"])
        return Prepared(folder, machines, counter, content["counter_error"])
    except (FileNotFoundError, NotADirectoryError):
        raise BenchmarkError(f"no ARM machines are prepared in {folder}; {MAKE}") from None
    except (ValueError, KeyError, TypeError):
        raise BenchmarkError(f"{folder / DESCRIPTION}: damaged; {MAKE} anew") from None


def _machine(fields: dict[str, Any]) -> Machine:
    root = None if fields["root"] is None else Path(fields["root"])
    packages = {name: Path(path) for name, path in fields["packages"].items()}
    return Machine(**{**fields, "root": root, "packages": packages})
