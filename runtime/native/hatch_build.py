"""Compile the extension with ziglang, for this machine or the one that EDGETEXT_MACHINE names."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# glibc 2.17, as manylinux_2_17 says.
TARGETS = {
    "x86_64": "x86_64-linux-gnu.2.17",
    "aarch64": "aarch64-linux-gnu.2.17",
    "armv7l": "arm-linux-gnueabihf.2.17",
}
OPTIONS = ("-std=c99", "-O2", "-ffp-contract=off", "-fvisibility=hidden", "-fPIC", "-shared", "-s")


class ExtensionHook(BuildHookInterface):
    """Adds the compiled module to the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and say what the wheel holds and where it works."""
        machine = os.environ.get("EDGETEXT_MACHINE") or platform.machine()
        if machine not in TARGETS:
            sys.exit(f"error: no wheel for {machine}: set EDGETEXT_MACHINE to one of {', '.join(TARGETS)}")
        here = Path(self.root)
        self._folder = tempfile.TemporaryDirectory()
        module = Path(self._folder.name, "edgetext_native.abi3.so")
        folders = [f"-I{sysconfig.get_path('include')}", f"-I{here.parent / 'c'}"]
        sources = [str(here / "edgetext_native.c"), str(here.parent / "c" / "edgetext.c")]
        zig = [sys.executable, "-m", "ziglang", "cc", "-target", TARGETS[machine]]
        subprocess.run([*zig, *OPTIONS, *folders, *sources, "-o", str(module)], check=True)
        build_data["force_include"][str(module)] = module.name
        build_data["tag"] = f"cp310-abi3-manylinux_2_17_{machine}"
        build_data["pure_python"] = False

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the module, which the wheel has now."""
        self._folder.cleanup()
