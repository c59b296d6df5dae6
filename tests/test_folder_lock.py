"""Locking folders: processes that change the same folder wait for each other."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from train.folder_lock import locked

# Adds one to a number in a file 20 times; without a lock, most additions of processes that run at once are lost.
COUNTER = """
import sys, time
from pathlib import Path
from train.folder_lock import locked
target = Path(sys.argv[1])
for _ in range(20):
    with locked(target):
        number = int((target / "number").read_text())
        time.sleep(0.002)
        (target / "number").write_text(str(number + 1))
"""
# Holds the lock until it is killed.
HOLDER = """
import sys, time
from train.folder_lock import locked
with locked(sys.argv[1]):
    print("held", flush=True)
    time.sleep(600)
"""
Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def start(root: Path, tmp_path: Path) -> Start:
    """Start Python code whose argument is the folder ``deep/folder``."""
    command = [sys.executable, "-c"]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "runtime")])}
    return lambda code: subprocess.Popen(
        [*command, code, str(tmp_path / "deep" / "folder")], env=env, stdout=subprocess.PIPE, text=True
    )


def test_one_after_the_other(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "folder"
    folder.mkdir(parents=True)
    (folder / "number").write_text("0")
    processes = [start(COUNTER) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    for process in processes:
        process.communicate()
    assert (folder / "number").read_text() == "60"
    assert [path.name for path in folder.parent.iterdir()] == ["folder"]


def test_a_killed_process_holds_nothing(start: Start, tmp_path: Path) -> None:
    """The file that it leaves behind is removed by the next one, and so are parents that were made for nothing."""
    with start(HOLDER) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        process.kill()
    (left,) = (tmp_path / "deep").iterdir()
    with locked(tmp_path / "deep" / "folder"):
        assert left.exists()
    assert list((tmp_path / "deep").iterdir()) == []
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "runs" / "more" / "folder"):
        raise ZeroDivisionError
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]


def test_a_long_wait_is_explained(start: Start, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "deep" / "folder"
    with start(HOLDER) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        killer = threading.Timer(3, process.kill)
        killer.start()
        with locked(folder):
            killer.join()
    assert capsys.readouterr().err == f"note: waiting for another export or training that writes {folder}\n"


def test_a_link_is_the_folder(tmp_path: Path) -> None:
    (tmp_path / "deep" / "folder").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "deep" / "folder")
    with locked(tmp_path / "link"):
        assert len(list((tmp_path / "deep").iterdir())) == 2
