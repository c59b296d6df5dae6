"""The soak's part about kills: its promises hold, and broken code fails it."""

from __future__ import annotations

import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.soaking import kills

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux swaps two folders in one step")

# In the processes that are killed, the old folder is removed before the new one is moved to its place.
REMOVES_FIRST = """
import os, shutil, time
def exchange(one, other):
    shutil.rmtree(other)
    time.sleep(1)
    os.rename(one, other)
    os.mkdir(one)
zygote.folders.exchange = exchange
"""


@pytest.mark.slow
def test_all_hold() -> None:
    tried = []
    for outcome in kills.run(quick=True, seed=0):
        assert not outcome.failed, (outcome.promise, outcome.failures)
        tried.append((outcome.tried, outcome.unit))
    assert tried == [(6, "kills"), (6, "kills")]


@pytest.mark.slow
def test_a_folder_that_is_away_for_a_moment(tmp_path: Path) -> None:
    zygote = kills.Zygote(REMOVES_FIRST)
    try:
        found = kills.try_command(zygote, kills.SAVE, {}, tmp_path, 6, random.Random(0))
    finally:
        zygote.close()
    assert found.failed >= 1
    assert "the folder has nothing" in found.failures[0]


class Writer:
    """A stand-in for the process that writes a folder of two files, and does something else when killed."""

    def __init__(self, killed: Callable[[Path, str], Any], left: str | None = None) -> None:
        self._killed = killed
        self._left = left

    def run(self, what: str, run: Path, out: Path, name: str = "", *, kill: Any = None) -> dict[str, float]:
        if kill is not None:
            self._killed(out, name)
        else:
            previous = out.with_name("folder.previous")
            shutil.rmtree(previous, ignore_errors=True)
            if out.exists():
                out.rename(previous)
            write(out, name)
            if self._left is not None and name == "new":
                (out.parent / self._left).mkdir(exist_ok=True)
        return {"start": 0.0, "begin": 0.1, "put": 0.2, "end": 0.3, "killed": float(kill is not None)}


def write(folder: Path, name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for file in ("one", "two"):
        (folder / file).write_text(name)


def replaced(out: Path, name: str) -> None:
    """End after everything is in its place."""
    shutil.rmtree(out.with_name("folder.previous"))
    out.rename(out.with_name("folder.previous"))
    write(out, name)


@pytest.mark.parametrize(
    ("killed", "wrong"),
    [
        (lambda out, name: None, ""),
        (replaced, ""),
        (lambda out, name: (out / "one").write_text(name), "the folder has one, two"),
        (lambda out, name: (out / "two").unlink(), "the folder has one,"),
        (lambda out, name: shutil.rmtree(out), "the folder has nothing"),
        (lambda out, name: shutil.rmtree(out.with_name("folder.previous")), "the one before nothing"),
        (lambda out, name: write(out, name), "the folder has one, two, the one before one, two"),  # the old one is lost
    ],
)
def test_what_a_kill_may_leave(tmp_path: Path, killed: Callable[[Path, str], Any], wrong: str) -> None:
    zygote: Any = Writer(killed)
    found = kills.try_command(zygote, kills.SAVE, {}, tmp_path, 4, random.Random(0))
    assert found.failed == (4 if wrong else 0)
    assert all(wrong in failure for failure in found.failures)


def test_what_the_next_one_leaves(tmp_path: Path) -> None:
    zygote: Any = Writer(lambda out, name: None, left=".tmp-folder-abcdefgh")
    found = kills.try_command(zygote, kills.SAVE, {}, tmp_path, 4, random.Random(0))
    assert found.failures == ("a day later the next one leaves .tmp-folder-abcdefgh",)
