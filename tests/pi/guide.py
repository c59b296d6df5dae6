"""Try the guide for the Raspberry Pi and that for the background, command by command, on an emulated 64-bit system.

    make pi-guide
    python -m tests.pi.guide build/pi

It takes Debian's mmdebstrap, qemu-user-static and proot, which lets an emulated program start others, and pip's index,
for the guide installs. A 32-bit system is not tried so: under proot some of its system calls reach the host's files.

Exit codes: 0, 1 when a command fails or answers wrongly, 2 when a tool is missing.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.pi.prepare import ROOT
from tests.pi.steps import StepError, Steps, run
from tests.pi.userlands import USERLANDS, unpack

GUIDES = ROOT / "runtime" / "guides"
TOOLS = {"mmdebstrap": "mmdebstrap", "qemu-aarch64-static": "qemu-user-static", "proot": "proot"}
PACKAGES = ("python3", "python3-venv", "ca-certificates", "libstdc++6", "coreutils", "dash")
HOME = "home/pi"
# What a shell with a network has, where the host has it.
SHARED = ("/proc", "/dev", "/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf", "/etc/ssl")
# The guide runs as the user who started this, because the emulated system's own user has no password.
SCRIPT = "set -eu\ncd\n{commands}\ncat ~/scores.jsonl\n"


def commands() -> Iterator[str]:
    """Yield the commands of the guides: the three ways on a 64-bit system, the stream, and the hourly job."""
    ways = (GUIDES / "raspberry-pi.md").read_text("utf-8").split("On 32-bit Bookworm")[0]
    service = (GUIDES / "background.md").read_text("utf-8")
    for line in (ways + service).splitlines():
        command = line.strip()
        if not line.startswith("    ") or command.startswith("scp "):  # copying was done
            continue
        if command.startswith("tail "):  # it never ends by itself
            yield "echo 'a wonderful film' >~/incoming.txt"
            yield f"timeout 15 sh -c '{command}' || [ $? = 124 ]"
        elif command.startswith("0 * * * * "):
            yield "echo 'a dull mess' >~/queue.txt"
            yield command.removeprefix("0 * * * * ")
        else:
            yield command


def try_guide(steps: Steps) -> str:
    """Run the commands and return what they print.

    Raises:
        StepError: If the system cannot be made, or a command fails.
    """
    userland = USERLANDS[0]._replace(packages=PACKAGES)
    root = steps.make("guide", PACKAGES, lambda folder: unpack(userland, folder))
    home = root / HOME
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(ROOT / "runtime", home / "runtime", ignore=shutil.ignore_patterns("__pycache__"))
    run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", home, ROOT / "runtime")
    script = SCRIPT.format(commands="\n".join(commands()))
    (home / "guide.sh").write_text(script, encoding="utf-8")
    shared = [word for path in SHARED if Path(path).exists() for word in ("-b", path)]
    emulator = "qemu-aarch64-static -cpu cortex-a72"
    within = ["env", f"HOME=/{HOME}", "sh", "-x", f"/{HOME}/guide.sh"]
    done = subprocess.run(
        ["proot", "-q", emulator, "-r", str(root), *shared, "-w", f"/{HOME}", *within],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    print(done.stdout, end="")
    if done.returncode != 0:
        raise StepError(f"the guide's commands ended with exit code {done.returncode}")
    return done.stdout


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where to prepare: build/pi")
    path = parser.parse_args(argv).folder
    missing = [package for tool, package in TOOLS.items() if shutil.which(tool) is None]
    if missing:
        print(f"error: apt install {' '.join(missing)}", file=sys.stderr)
        return 2
    try:
        printed = try_guide(Steps(path.resolve()))
    except StepError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    # Answers of the copied folder, of the wheel, and of the wheel with TensorFlow Lite; and a score of each job.
    for engine, times in (("builtin", 2), ("tflite", 1)):
        if printed.count(f"\t{engine}\tgreat movie\n") != times:
            print(f"error: {engine} did not answer {times} times", file=sys.stderr)
            return 1
    scored = [line for line in printed.splitlines() if line.startswith('{"text": ')]
    if [line.split('"')[3] for line in scored] != ["a wonderful film", "a dull mess"]:
        print(f"error: the service and the hourly job wrote {scored}", file=sys.stderr)
        return 1
    print("the guide's commands do what it says")
    return 0


if __name__ == "__main__":
    sys.exit(main())
