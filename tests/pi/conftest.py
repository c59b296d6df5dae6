"""The emulated machines, which `make pi-test` makes: EDGETEXT_PI names their folder.

Without it none of these tests is collected, and a line reports it; tests on a machine that could not be made are not
collected either.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.measuring import texts
from benchmarks.measuring.results import BenchmarkError
from tests.pi import machines
from tests.pi.machines import Machine, Prepared

FOLDER = os.environ.get("EDGETEXT_PI")
try:
    PREPARED = machines.read(Path(FOLDER)) if FOLDER else None
except BenchmarkError as error:
    pytest.exit(f"EDGETEXT_PI: {error}", returncode=2)
MACHINES = [machine for machine in (PREPARED.machines if PREPARED else ()) if machine.error is None]
REVIEWS = 500

# Tests on machines, but for the one that says which there are.
collect_ignore_glob = [] if MACHINES else ["test_pi_[!m]*.py"]

Guest = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes a ``machine`` on each that works, and one that takes a ``package`` with all it has too.

    One that takes an ``asked`` machine sees those that could not be made as well.
    """
    if "asked" in metafunc.fixturenames and PREPARED:
        metafunc.parametrize("asked", PREPARED.machines, ids=str)
    if "package" in metafunc.fixturenames:
        pairs = [(machine, package) for machine in MACHINES for package in (None, *machine.packages)]
        metafunc.parametrize(
            ("machine", "package"), pairs, ids=[f"{one}-{package or 'builtin'}" for one, package in pairs]
        )
    elif "machine" in metafunc.fixturenames:
        metafunc.parametrize("machine", MACHINES, ids=str)


@pytest.fixture(scope="session")
def prepared() -> Prepared:
    """What is in the folder."""
    assert PREPARED is not None
    return PREPARED


@pytest.fixture(scope="session")
def guest(prepared: Prepared) -> Guest:
    """Run a machine's Python, from the folder that was copied to it."""

    def run(machine: Machine, package: str | None, *arguments: str | Path, paths: Sequence[Path] = ()) -> Any:
        command = [*machine.python(package, *paths), *map(str, arguments)]
        return subprocess.run(
            command, cwd=prepared.device, capture_output=True, encoding="utf-8", timeout=300, check=False
        )

    return run


@pytest.fixture(scope="session")
def review_file(tmp_path_factory: pytest.TempPathFactory, real_env: dict[str, str]) -> Path:
    """Test reviews as a JSON list; where EDGETEXT_DATA is not set, the sample reviews."""
    found = texts.find(real_env.get("EDGETEXT_DATA", str(texts.SAMPLE)), REVIEWS)
    file = tmp_path_factory.mktemp("pi") / "reviews.json"
    file.write_text(json.dumps([review.text for review in found.texts]), encoding="utf-8")
    return file
