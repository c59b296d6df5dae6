"""Which libraries can be installed on this machine, and with which command.

The wheels on the package index in November 2026:

    ai-edge-litert 2.3.0     64-bit x86 and ARM, CPython 3.10 and later
    tflite-runtime 2.14.0    the last release: also 32-bit ARMv7, CPython up to 3.11; works with numpy 1 only, which it
                             does not declare
    onnxruntime 1.32.0       64-bit x86 and ARM, CPython 3.11 and later; older releases for older Pythons. 1.21.0
                             crashes with an illegal instruction on a Raspberry Pi 4
    numpy                    64-bit x86 and ARM; on 32-bit ARM from the system, as python3-numpy
    edgetext-native          Linux only, 64-bit x86 and ARM and ARMv7, CPython 3.10 and later; not on the index

All of them are for Linux with glibc; the 64-bit ones also for macOS on ARM and Windows on x86-64.
"""

from __future__ import annotations

import os
import platform
import sys
import sysconfig
from typing import NamedTuple

_ENVIRONMENT = "~/edgetext-venv"


class Machine(NamedTuple):
    """A machine and its Python, as far as it matters for installing packages.

    Attributes:
        system: ``"Linux"``, ``"Darwin"``, ``"Windows"``.
        processor: ``"x86_64"``, ``"aarch64"``, ``"armv7l"``, ``"armv6l"`` or another value of ``platform.machine``;
            ``"armv7l"`` for a 32-bit Python on a 64-bit ARM kernel, as on many a Raspberry Pi.
        python: The version, such as ``(3, 11)``.
        libc: ``"glibc 2.36"``; empty if it is another or unknown.
        managed: Whether pip refuses to install into this Python (PEP 668).
        executable: The interpreter, as it is named in commands.
    """

    system: str
    processor: str
    python: tuple[int, int]
    libc: str
    managed: bool
    executable: str

    @classmethod
    def here(cls) -> Machine:
        """Describe this machine."""
        processor = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
        if sys.maxsize <= 2**32:  # the width of Python's own pointers, not the kernel's
            processor = {"aarch64": "armv7l", "x86_64": "i686"}.get(processor, processor)
        # Debian 12 and later, and Raspberry Pi OS, have this file in the folder of the standard library.
        marked = os.path.exists(os.path.join(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED"))
        return cls(
            platform.system(),
            processor,
            (sys.version_info[0], sys.version_info[1]),
            " ".join(platform.libc_ver()).strip(),
            managed=marked and sys.prefix == sys.base_prefix,
            executable=sys.executable or "python3",
        )

    def __str__(self) -> str:
        """Return what wheels are selected by: ``CPython 3.11 on Linux aarch64``."""
        implementation = platform.python_implementation()
        return f"{implementation} {self.python[0]}.{self.python[1]} on {self.system} {self.processor}"

    @property
    def has_64_bit_wheels(self) -> bool:
        """Whether the 64-bit wheels fit."""
        if self.system == "Linux":
            return self.processor in ("x86_64", "aarch64") and self.libc.startswith("glibc")
        return (self.system, self.processor) in (("Darwin", "aarch64"), ("Windows", "x86_64"))

    @property
    def has_32_bit_wheels(self) -> bool:
        """Whether the 32-bit wheels fit: Linux on ARMv7."""
        return self.system == "Linux" and self.processor in ("armv7l", "armv8l") and self.libc.startswith("glibc")


def packages(engine: str, machine: Machine) -> str | None:
    """Return what pip has to install for an engine, as its arguments; None if no wheel fits."""
    if engine == "native":
        fits = machine.has_32_bit_wheels or (machine.has_64_bit_wheels and machine.system == "Linux")
        return "--no-index --find-links build/native edgetext-native" if fits and machine.python >= (3, 10) else None
    if engine == "onnx":
        return '"onnxruntime!=1.21.0"' if machine.has_64_bit_wheels else None
    if machine.has_64_bit_wheels and machine.python >= (3, 10):
        return "ai-edge-litert"
    if machine.python <= (3, 11) and (
        machine.has_32_bit_wheels or (machine.has_64_bit_wheels and machine.system == "Linux")
    ):
        return 'tflite-runtime "numpy<2"'
    return None


def install_command(engine: str, machine: Machine) -> str | None:
    """Return the command that installs an engine's library on a machine; None if no wheel fits.

    If the system's Python refuses pip, the command creates a virtual environment first. On 32-bit ARM numpy comes from
    the system, and the environment includes the system's packages. The engine ``native`` has the wheels that
    ``make native`` builds.
    """
    wanted = packages(engine, machine)
    if wanted is None:
        return None
    if machine.has_32_bit_wheels and engine != "native":
        return (
            f"sudo apt install python3-numpy python3-venv && {machine.executable} -m venv --system-site-packages "
            f"{_ENVIRONMENT} && {_ENVIRONMENT}/bin/pip install tflite-runtime"
        )
    if machine.managed:
        return f"{machine.executable} -m venv {_ENVIRONMENT} && {_ENVIRONMENT}/bin/pip install {wanted}"
    return f"{machine.executable} -m pip install {wanted}"


def remedy(engine: str, purpose: str = "to install it") -> str:
    """Return how to fix an engine that does not work on this machine: one clause, for the end of an error message."""
    machine = Machine.here()
    command = install_command(engine, machine)
    if command is None:
        return f"there is no wheel of it for {machine}: the engine builtin needs none"
    return f"{purpose}: {command}"
