"""Programs in C for the tests: compiled for this machine, or by ziglang for machines that qemu-user emulates."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
_C = ROOT / "runtime" / "c"
COMMAND = (_C / "main.c", _C / "detection.c", _C / "output.c", _C / "edgetext.c")
PROBE = (ROOT / "tests" / "c" / "probe.c", _C / "edgetext.c")
_OPTIONS = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-ffp-contract=off", f"-I{_C}")
SANITIZERS = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


class MissingError(Exception):
    """A compiler or an emulator is not installed; the message is one line."""


class Machine(NamedTuple):
    """A kind of machine.

    Attributes:
        target: Its name for ziglang.
        emulator: The command that runs its programs.
    """

    target: str
    emulator: tuple[str, ...] = ()


MACHINES = {
    "x86_64": Machine("x86_64-linux-musl"),
    "aarch64": Machine("aarch64-linux-musl", ("qemu-aarch64", "-cpu", "cortex-a53")),
    "armv7": Machine("arm-linux-musleabihf", ("qemu-arm", "-cpu", "cortex-a7")),
    "mips": Machine("mips-linux-musleabi", ("qemu-mips", "-cpu", "24Kc")),  # big-endian
    "mipsel": Machine("mipsel-linux-musleabi", ("qemu-mipsel", "-cpu", "24Kc")),
    "s390x": Machine("s390x-linux-musl", ("qemu-s390x",)),  # big-endian with 64 bits
}


def compile_here(
    sources: Sequence[Path], program: Path, *options: str, compilers: Sequence[str] = ("gcc", "clang")
) -> Path:
    """Compile a program for this machine with the first of these compilers that is installed."""
    found = next(filter(None, map(shutil.which, compilers)), None)
    if found is None:
        raise MissingError(f"needs {' or '.join(compilers)}")
    return _compile([found], sources, program, options)


def compile_static(machine: str, sources: Sequence[Path], program: Path) -> list[str]:
    """Compile a static program as ``make c`` does, and return the words that run it."""
    target, emulator = MACHINES[machine]
    if find_spec("ziglang") is None:
        raise MissingError("needs ziglang")
    if emulator and shutil.which(emulator[0]) is None:
        raise MissingError(f"needs {emulator[0]}")
    zig = [sys.executable, "-m", "ziglang", "cc", "-target", target]
    return [*emulator, str(_compile(zig, sources, program, ("-Os", "-static", "-s")))]


def build_wheel(machine: str, folder: Path) -> Path:
    """Build the wheel of the engine native for a machine, as ``make native`` does."""
    if find_spec("ziglang") is None:
        raise MissingError("needs ziglang")
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(folder), "runtime/native"]
    env = {**os.environ, "EDGETEXT_MACHINE": machine}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise AssertionError(done.stderr[-3000:])
    return next(folder.glob("*.whl"))


def _compile(compiler: Sequence[str], sources: Sequence[Path], program: Path, options: Sequence[str]) -> Path:
    words = [*compiler, *_OPTIONS, *options, *map(str, sources), "-o", str(program)]
    done = subprocess.run(words, capture_output=True, encoding="utf-8", errors="replace", check=False)
    if done.returncode:
        raise AssertionError(f"{words}\n{done.stderr[-3000:]}")
    return program


def frame(texts: Sequence[str | bytes]) -> bytes:
    """Return texts as probe.c reads them; lone surrogates are written as UTF-8 would write them."""
    encoded = [text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass") for text in texts]
    return b"".join(b"%d\n%b" % (len(text), text) for text in encoded)
