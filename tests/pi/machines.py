"""The emulated ARM machines that tests/pi/prepare.py makes under build/pi, and the words that start a Python in them.

A process there is one of this machine whose ARM instructions qemu-user translates: it sees this machine's files, and
those of its own system first. It cannot start another process.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.instructions import DESCRIPTION, MAKE, read_machines
from benchmarks.measuring.results import BenchmarkError


class MachineError(Exception):
    """A machine is missing, or has no such package; the message is one line."""


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

    def python(self, package: str | None = None, *paths: Path) -> list[str]:
        """Return the command that starts its Python, with a separate environment.

        Args:
            package: The package of an interpreter, which is put on the path; None for none.
            paths: More folders for the path.
        """
        emulator = shutil.which(self.emulator)
        if self.root is None or emulator is None:
            raise MachineError(f"{self}: {self.error or f'no {self.emulator} here'}")
        if package is not None and package not in self.packages:
            raise MachineError(f"{self}: {self.refused.get(package, f'no {package} there')}")
        path = os.pathsep.join(map(str, [*paths, *([] if package is None else [self.packages[package]])]))
        variables = ["LC_ALL=C.UTF-8", *([f"PYTHONPATH={path}"] if path else [])]
        return [
            "env",
            "-i",
            *variables,
            emulator,
            "-cpu",
            self.cpu,
            "-L",
            str(self.root),
            f"{self.root}/usr/bin/python3",
        ]


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
    content = read_machines(folder)
    try:
        machines = [Machine(**fields) for fields in content["machines"]]
    except TypeError:
        raise BenchmarkError(f"{folder / DESCRIPTION}: damaged; {MAKE} again") from None
    return Prepared(folder.resolve(), machines, content["counter"], content["counter_error"])
