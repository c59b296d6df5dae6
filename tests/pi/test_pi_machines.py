"""Whether the machines are there, and are what they should be."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.pi.machines import Machine

if not os.environ.get("EDGETEXT_PI"):
    pytest.skip("EDGETEXT_PI names no folder of emulated machines: `make pi-test` makes one", allow_module_level=True)

KERNELS = {"arm64": "aarch64 True", "armhf": "armv7l False"}
ASK = "import platform, sys; print(platform.machine(), sys.maxsize > 2**32, '%d.%d' % sys.version_info[:2])"


def test_machine(asked: Machine) -> None:
    if asked.error is not None:
        pytest.skip(f"{asked}: {asked.error}")
    result = subprocess.run([*asked.python(), "-c", ASK], capture_output=True, encoding="utf-8", check=False)
    assert (result.stdout, result.stderr) == (f"{KERNELS[asked.platform]} 3.11\n", "")
