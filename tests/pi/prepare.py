"""Make emulated Raspberry Pis, and what is copied to them.

    python -m tests.pi.prepare build/pi

It needs Debian's packages qemu-user and mmdebstrap. What was made before is kept. If a machine cannot be made, this is
reported, and the others are made.

Exit codes: 0, also where a machine could not be made; 1 when what is to be tested could not be.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.pi import userlands
from tests.pi.machines import Machine, Prepared
from tests.pi.steps import IGNORED, StepError, Steps, run
from tests.pi.userlands import ROOT, USERLANDS, Userland

DEVICE = ("runtime", "benchmarks", "tests/runtime")
STATIC = "static_wi8_ai8"
COUNTER = ROOT / "benchmarks" / "measuring" / "instruction_counter.c"
SHIPPED = ROOT / "runtime" / "edgetext" / "default"


def make_machines(steps: Steps, userland: Userland) -> Iterator[Machine]:
    """Make a system's machines, or record why that failed."""
    tools = sorted(set(userlands.missing_tools(userland)))
    try:
        if tools:
            raise StepError(f"not here: {', '.join(tools)}; to install them: apt-get install {' '.join(tools)}")
        systems = userlands.make_system(steps, userland)
        packages, refused = userlands.make_packages(steps, userland)
    except StepError as error:
        for cpu in userland.cpus:
            yield Machine(userland.platform, cpu, userland.emulator, None, {}, {}, str(error))
        return
    for cpu, root in systems.items():
        yield Machine(userland.platform, cpu, userland.emulator, root, packages, refused)


def copy_device(folder: Path) -> None:
    """Copy what a user copies to a device, and the runtime's tests."""
    for name in DEVICE:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns(*IGNORED))


def install_wheel(folder: Path) -> None:
    """Build the runtime's wheel and install it into a folder."""
    wheels = folder.with_name(".tmp-wheels")
    shutil.rmtree(wheels, ignore_errors=True)
    run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", wheels, ROOT / "runtime")
    run(
        sys.executable,
        "-m",
        "pip",
        "install",
        "-qq",
        "--no-deps",
        "--no-compile",
        "--target",
        folder,
        *wheels.iterdir(),
    )
    shutil.rmtree(wheels)


def export_bundle(folder: Path) -> None:
    """Copy the shipped bundle and add the file that computes in int8 throughout."""
    shutil.copytree(SHIPPED, folder)
    run(sys.executable, ROOT / "export" / "to_tflite.py", "--out", folder, "--recipe", STATIC)


def make_counter(steps: Steps, machines: list[Machine]) -> tuple[Path | None, str | None]:
    """Compile the plugin that counts instructions, and try it.

    Returns:
        Its file, or why there is none.
    """

    def build(folder: Path) -> None:
        folder.mkdir()
        run("cc", "-O2", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", COUNTER, "-o", folder / "counter.so")

    try:
        if userlands.compiler() is None:
            raise StepError(f"no CPython {userlands.PYTHON} has compiled the machines' modules")
        counter = steps.make("counter", [COUNTER], build) / "counter.so"
        for machine in machines:
            # Fails where qemu has another interface than Debian 12's.
            emulator, *options = machine.python()[-6:]
            run("setarch", "-R", emulator, "-plugin", f"{counter},out={counter}.try", *options, "-c", "pass")
    except StepError as error:
        return None, f"instructions cannot be counted here: {error}"
    return counter, None


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where to prepare: build/pi")
    path = parser.parse_args(argv).folder
    steps = Steps(path.resolve())
    machines = [machine for userland in USERLANDS for machine in make_machines(steps, userland)]
    working = [machine for machine in machines if machine.error is None]
    counter, counter_error = None, None
    if working:
        sources = [ROOT / name for name in DEVICE]
        try:
            device = steps.make("device", sources, copy_device)
            userlands.compile_all(device, device, device)
            steps.make("wheel", [ROOT / "runtime"], install_wheel)
            steps.make("bundle", [STATIC, SHIPPED, ROOT / "export", ROOT / "train" / "default"], export_bundle)
        except StepError as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        counter, counter_error = make_counter(steps, working)
    Prepared(steps.folder, machines, counter, counter_error).write()
    for machine in machines:
        print(
            f"{machine}: " + (f"skipped: {machine.error}" if machine.error else ", ".join(["ready", *machine.packages]))
        )
    if counter_error:
        print(f"skipped: {counter_error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
