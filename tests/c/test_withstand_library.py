"""The soak's part about the C library, and its fuzz target: promises hold, and mistakes that are put in are found."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.c.programs import PROBE, ROOT, SANITIZERS, MissingError, compile_here
from tests.soaking import SoakError, library

pytestmark = pytest.mark.slow

# Each takes away what protects from a damaged model.
CARELESS = [
    ("!has(model, BIGRAMS_AT, outputs * model->buckets)", "0"),
    ("!is_power_of_two(model->buckets)", "0"),
    ("!has(model, FLOATS_AT, outputs * 20) || ", ""),
]


def test_all_promises_hold() -> None:
    try:
        found = list(library.run(True, 0))
    except SoakError as error:
        pytest.skip(str(error))
    assert [failure for outcome in found for failure in outcome.failures] == []
    assert [outcome.tried for outcome in found] == [3500, 10000]
    assert found[1].tried / 4 < found[1].figures["opened"] < found[1].tried


def careless(right: str, wrong: str, folder: Path) -> list[Path]:
    """Return the sources of a probe of a library with a mistake."""
    content = PROBE[1].read_text("utf-8")
    assert content.count(right) == 1
    (folder / "edgetext.c").write_text(content.replace(right, wrong), encoding="utf-8")
    return [PROBE[0], folder / "edgetext.c"]


@pytest.mark.parametrize(("right", "wrong"), CARELESS)
def test_a_careless_library_fails(right: str, wrong: str, tmp_path: Path) -> None:
    try:
        probe = compile_here(careless(right, wrong, tmp_path), tmp_path / "probe", *SANITIZERS)
    except MissingError as error:
        pytest.skip(str(error))
    assert library.withstand(str(probe), tmp_path, 0, 0).failed


def test_a_wrong_answer_fails(tmp_path: Path) -> None:
    right, wrong = "= weight_of(", "= 1.000000000001 * weight_of("
    content = PROBE[1].read_text("utf-8")
    assert right in content
    (tmp_path / "edgetext.c").write_text(content.replace(right, wrong), encoding="utf-8")
    try:
        probe = compile_here([PROBE[0], tmp_path / "edgetext.c"], tmp_path / "probe", *SANITIZERS)
    except MissingError as error:
        pytest.skip(str(error))
    assert library.agree(str(probe), tmp_path, ["great movie"], "texts").failed


def test_a_short_run_of_the_fuzzer_finds_nothing(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    options = ["-runs=20000", "-seed=1", "-max_len=40000", "-len_control=0", f"-artifact_prefix={tmp_path}/"]
    command = [sys.executable, "-m", "tests.fuzz.fuzz_library", *options, str(tmp_path / "corpus")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", errors="replace", check=False)
    if done.stdout.startswith("skipped"):
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Done 20000" in done.stderr
