"""The systems of the emulated machines: packages of Debian 12 and wheels, in folders, with nothing installed here."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.pi.processors import kernel_files
from tests.pi.steps import StepError, Steps, run

ROOT = Path(__file__).resolve().parent.parent.parent
PINS = ROOT / ".ci" / "constraints"
# Raspberry Pi OS 12 is made from it; its Python is 3.11.
SUITE, PYTHON = "bookworm", "3.11"


class Userland(NamedTuple):
    """A system to make.

    Attributes:
        platform: Debian's name of the architecture.
        emulator: The qemu that runs its programs.
        cpus: The processors to emulate, keys of ``PROCESSORS``.
        packages: Debian's packages.
        links: Links that installing these would make, and what they point to.
        wheels: For each package with an interpreter what pip is given, or None where no wheel exists.
        tags: The platforms of its wheels.
    """

    platform: str
    emulator: str
    cpus: Sequence[str]
    packages: Sequence[str]
    links: dict[str, str]
    wheels: dict[str, Sequence[str] | None]
    tags: Sequence[str]


USERLANDS = (
    Userland(
        "arm64",
        "qemu-aarch64",
        ("cortex-a53", "cortex-a72"),  # a Raspberry Pi 3 and 4
        ("python3", "libstdc++6"),
        {},
        {
            "ai-edge-litert": ("-c", f"{PINS}/py311.txt", "ai-edge-litert"),
            "tflite-runtime": ("-r", f"{PINS}/tflite-runtime.txt"),
            "onnxruntime": ("-c", f"{PINS}/py311.txt", "onnxruntime"),
        },
        [f"{tag}_aarch64" for tag in ("manylinux2014", "manylinux_2_27", "manylinux_2_28", "manylinux_2_34")],
    ),
    Userland(
        "armhf",
        "qemu-arm",
        ("cortex-a7",),  # a Raspberry Pi 2: for 32-bit programs qemu has no newer one
        ("python3", "python3-numpy", "libstdc++6", "libgomp1", "libatomic1"),
        {f"usr/lib/arm-linux-gnueabihf/lib{name}.so.3": f"{name}/lib{name}.so.3" for name in ("blas", "lapack")},
        {
            "ai-edge-litert": None,
            # numpy is Debian's: it has no wheel either.
            "tflite-runtime": ("--no-deps", "-c", f"{PINS}/tflite-runtime.txt", "tflite-runtime"),
            "onnxruntime": None,
        },
        [f"{tag}_armv7l" for tag in ("manylinux2014", "manylinux_2_34")],
    ),
)
COMPILE = """
import compileall, sys
compileall.compile_dir(sys.argv[1], 99, quiet=2, stripdir=sys.argv[2], prependdir=sys.argv[3])
"""
NO_WHEEL = "no wheel for 32-bit ARM"


def make_system(steps: Steps, userland: Userland) -> dict[str, Path]:
    """Make the folder of a system for each processor; they share their files.

    Raises:
        StepError: Debian's packages cannot be had.
    """

    def extract(folder: Path) -> None:
        unpack(userland, folder)
        for link, target in userland.links.items():
            (folder / link).symlink_to(target)
        compile_all(folder / "usr" / "lib", folder, steps.folder / userland.platform)

    name = userland.platform
    words = [SUITE, *userland.packages, *map(str, userland.links.items()), str(compiler())]
    base = steps.make(name, words, extract)
    made = {}
    for cpu in userland.cpus:
        files = kernel_files(cpu)

        def finish(folder: Path, files: dict[str, str] = files) -> None:
            shutil.copytree(base, folder, symlinks=True, copy_function=os.link)
            for file, content in files.items():
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                (folder / file).write_text(content, encoding="utf-8")

        inputs = [*words, *map(str, files.items()), str(base.stat().st_mtime_ns)]
        made[cpu] = steps.make(f"{name}-{cpu}", inputs, finish)
    return made


def make_packages(steps: Steps, userland: Userland) -> tuple[dict[str, Path], dict[str, str]]:
    """Make a folder for each interpreter's package and what it requires.

    Returns:
        The folders, and why the others could not be made.
    """
    made, refused = {}, {}
    for package, arguments in userland.wheels.items():
        if arguments is None:
            refused[package] = NO_WHEEL
            continue
        name = f"{userland.platform}-{package}"

        def install(folder: Path, arguments: Sequence[str] = arguments, name: str = name) -> None:
            tags = [word for tag in userland.tags for word in ("--platform", tag)]
            pip = (sys.executable, "-m", "pip", "install", "-qq", "--no-compile", "--only-binary=:all:")
            run(*pip, "--implementation", "cp", "--python-version", PYTHON, *tags, "--target", folder, *arguments)
            compile_all(folder, folder, steps.folder / name)

        pins = [Path(word) for word in arguments if word.startswith(str(PINS))]
        try:
            made[package] = steps.make(name, [*arguments, *userland.tags, *pins, str(compiler())], install)
        except StepError as error:
            refused[package] = str(error)
    return made, refused


def missing_tools(userland: Userland) -> Iterator[str]:
    """Yield Debian's packages of the tools that are missing."""
    for tool, package in ((userland.emulator, "qemu-user"), ("mmdebstrap", "mmdebstrap"), ("setarch", "util-linux")):
        if shutil.which(tool) is None:
            yield package


def compiler() -> Path | None:
    """Return a Python whose byte code the machines' Python reads."""
    for python in (Path(sys.executable), ROOT / ".venv-tflite" / "bin" / "python"):
        if python.exists() and run(python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])").strip() == PYTHON:
            return python
    return None


def compile_all(folder: Path, made: Path, final: Path) -> None:
    """Compile a folder's modules, as installing would; without a Python for it, each is compiled when it is first used.

    Args:
        folder: The modules.
        made: The folder that holds them now.
        final: The path that it will have.
    """
    python = compiler()
    if python is not None:
        # Some files are templates or for Python 2; that these do not compile is as it should be.
        run(python, "-c", COMPILE, folder, made, final)


def unpack(userland: Userland, folder: Path) -> None:
    """Have Debian's packages unpacked.

    An archive is now and then caught in the middle of an update, above all its security updates, without which a system
    is good enough to test in.

    Raises:
        StepError: They cannot be had.
    """
    packages = f"--include={','.join(userland.packages)}"
    command = ("mmdebstrap", f"--architectures={userland.platform}", "--variant=extract", packages, SUITE, folder)
    reason: StepError | None = None
    for pause, mirrors in ((0, ()), (5, ()), *((0, (uri,)) for uri in list_mirrors()[:1])):
        time.sleep(pause)
        shutil.rmtree(folder, ignore_errors=True)
        try:
            run(*command, *mirrors)
            return
        except StepError as error:
            reason = reason or error
    raise reason or StepError("mmdebstrap was not run")


def list_mirrors() -> list[str]:
    """Return the addresses of Debian's archive that apt uses here, without those of its updates."""
    try:
        lines = run("apt-get", "indextargets", "--format", "$(LABEL) $(CODENAME) $(REPO_URI)").splitlines()
    except StepError:
        return []
    found = [line.split(" ") for line in lines]
    return list(dict.fromkeys(words[2] for words in found if words[0] == "Debian" and "-" not in words[1]))
