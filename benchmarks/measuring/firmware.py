"""Building the firmware of runtime/examples/firmware, running it on an emulated board, and its bytes by part."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.measuring.command import ROOT
from benchmarks.measuring.results import BenchmarkError

MACHINES = {"mps2-an385": "Cortex-M3", "mps2-an500": "Cortex-M7"}
EXAMPLE = ROOT / "runtime" / "examples" / "firmware"
PROBE = Path(__file__).with_suffix(".c")
TOOLS = {"make": "make", "arm-none-eabi-gcc": "gcc-arm-none-eabi", "qemu-system-arm": "qemu-system-arm"}
# The tables of characters in edgetext.c.
CHARACTERS = ("ACTIONS", "ASCII", "DISTANCES", "PLANES", "STARTS")
# The parts of a program by the file that the linker took a section from; the rest is the example's own.
LIBRARIES = {"edgetext.o": "library", "libgcc.a": "arithmetic", "libc_nano.a": "c_library", "model.o": "model"}
_SECTION = re.compile(r"^ \.(\w+)(?:\.(\S+))?\s+0x[0-9a-f]+\s+0x([0-9a-f]+) (\S+)$", re.MULTILINE)


class Score(NamedTuple):
    """What the measuring firmware says of a text."""

    label: int
    instructions: int
    stack: int  # bytes
    known: float
    probabilities: tuple[float, ...]


class Opened(NamedTuple):
    """What it says of opening the model."""

    error: int  # 0 for none
    instructions: int
    stack: int  # bytes
    size: int  # bytes of the open model in memory


def find_missing() -> str:
    """Return what has to be installed, for one line; empty if everything is here."""
    missing = [package for tool, package in TOOLS.items() if shutil.which(tool) is None]
    # The compiler prints a path that exists, or the name alone.
    if not missing and not Path(_first_line("arm-none-eabi-gcc", "--print-file-name=libc_nano.a")).is_absolute():
        missing = ["libnewlib-arm-none-eabi"]
    return f"firmware is built and run by {' and '.join(missing)}, which Debian has" if missing else ""


def build(block: Path, machine: str, folder: Path, main: Path | None = None) -> Path:
    """Build the firmware with a model, and another main function if one is given; return the folder of the results.

    Raises:
        BenchmarkError: If it cannot be built.
    """
    _make("all", block, machine, folder, main)
    return folder


def run(block: Path, machine: str, folder: Path, given: bytes, main: Path | None = None) -> bytes:
    """Run the firmware on an emulated board and return what it wrote; each instruction takes a nanosecond there.

    Raises:
        BenchmarkError: If it cannot be built or ends with another exit code than 0.
    """
    return _make("run", block, machine, folder, main, given)


def _make(target: str, block: Path, machine: str, folder: Path, main: Path | None, given: bytes = b"") -> bytes:
    words = ["make", "-s", "-C", str(EXAMPLE), target, "EMULATION=-icount shift=0", f"MACHINE={machine}"]
    words += [f"BUILD={folder.resolve()}", f"MODEL={block.resolve()}", *([] if main is None else [f"MAIN={main}"])]
    done = subprocess.run(words, input=given, capture_output=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.decode(errors="replace").splitlines() if "error" in line]
        raise BenchmarkError(f"{machine}: {(lines or ['the firmware failed'])[0]}")
    return done.stdout


def score(block: Path, machine: str, folder: Path, texts: Sequence[bytes]) -> tuple[Opened, list[Score]]:
    """Score texts on an emulated board.

    Raises:
        BenchmarkError: If the firmware cannot be built or run.
    """
    given = b"".join(b"%d\n%b" % (len(text), text) for text in texts)
    first, *lines = run(block, machine, folder, given, PROBE).decode().splitlines()
    scores = []
    for line in lines:
        label, instructions, stack, *numbers = line.split()
        known, *probabilities = (struct.unpack(">d", bytes.fromhex(bits.zfill(16)))[0] for bits in numbers)
        scores.append(Score(int(label), int(instructions), int(stack), known, tuple(probabilities)))
    if len(scores) != len(texts):
        raise BenchmarkError(f"{machine}: {len(scores)} of {len(texts)} texts were scored")
    return Opened(*map(int, first.split())), scores


def flash_size(built: Path) -> int:
    """Return the bytes of flash that a program takes, its model included."""
    printed = subprocess.run(["arm-none-eabi-size", built / "firmware.elf"], capture_output=True, check=True).stdout
    text, data, *_ = printed.decode().splitlines()[1].split()
    return int(text) + int(data)


def count_flash(built: Path, block: Path) -> dict[str, int]:
    """Return the bytes of flash by part; what fills gaps is counted as the example's."""
    _, _, placed = (built / "firmware.map").read_text("utf-8").partition("\nLinker script and memory map\n")
    parts = dict.fromkeys(("library", "characters", "arithmetic", "c_library"), 0)
    for kind, name, size, file in _SECTION.findall(placed):
        part = next((part for library, part in LIBRARIES.items() if library in file), None)
        if kind in ("text", "rodata", "data") and part in parts:
            parts["characters" if name in CHARACTERS and part == "library" else part] += int(size, 16)
    parts |= count_block(block.read_bytes())
    return {**parts, "example": flash_size(built) - sum(parts.values())}


def count_block(block: bytes) -> dict[str, int]:
    """Return the bytes of a block by part: its words, its tables of weights, and the rest."""
    header = struct.unpack("<32I", block[:128])
    outputs, tokens, buckets, characters, width, words = (header[place] for place in (5, 7, 12, 18, 20, 31))
    weights = tokens * width if width else outputs * (tokens + buckets + characters)
    return {"words": words, "weights": weights, "model": len(block) - words - weights}


def versions() -> dict[str, str]:
    """Return the names and versions of the compiler and the emulator."""
    compiler = _first_line("arm-none-eabi-gcc", "-dumpversion")
    found = re.search(r"version (\S+)", _first_line("qemu-system-arm", "--version"))
    return {"compiler": f"GCC {compiler}", "emulator": f"QEMU {found[1] if found else '?'}"}


def _first_line(*words: str) -> str:
    return subprocess.run(words, capture_output=True, check=True, encoding="utf-8").stdout.partition("\n")[0]
