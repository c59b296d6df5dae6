"""Replacing folders atomically, with failures at every step."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from train import atomic_folder as folders
from train.atomic_folder import FolderKind, check_replaceable, replacing

FILES = 20
KIND = FolderKind("marker", find_optional=lambda _: [*map(str, range(FILES))])
# Replaces a folder repeatedly; all files of one folder have the same content, which differs each time.
WRITER = textwrap.dedent(
    f"""
    import os, sys
    from train.atomic_folder import FolderKind, replacing
    KIND = FolderKind("marker", find_optional=lambda _: [*map(str, range({FILES}))])
    target = sys.argv[1]
    number = 0
    while True:
        number += 1
        with replacing(target, KIND) as folder:
            for name in [*map(str, range({FILES})), "marker"]:
                with open(os.path.join(folder, name), "w") as file:
                    file.write(f"{{os.getpid()}} {{number}} " * 100)
        if number == 1:
            print("ready", flush=True)
    """
)


@contextlib.contextmanager
def writer(root: Path, target: Path) -> Iterator[subprocess.Popen[str]]:
    """Start the writer, wait until it has written a folder, and kill it at the end."""
    command = [sys.executable, "-c", WRITER, str(target)]
    env = {**os.environ, "PYTHONPATH": str(root / "runtime")}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def content(target: Path) -> set[str]:
    """Check that a folder is complete, and return the content of its files."""
    assert sorted(path.name for path in target.iterdir()) == sorted([*map(str, range(FILES)), "marker"])
    found = {path.read_text() for path in target.iterdir()}
    assert len(found) == 1
    return found


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux swaps two folders in one step")
def test_killed_while_writing(tmp_path: Path, root: Path) -> None:
    rng = random.Random(1)
    target = tmp_path / "folder"
    seen = set()
    for _ in range(20):
        with writer(root, target) as process:
            time.sleep(rng.uniform(0, 0.03))
            process.kill()
            process.wait()
        seen |= content(target)
    assert len(seen) == 20
    # The temporary folders of killed processes are hidden, and in nobody's way.
    assert all(path.name.startswith(".tmp-folder-") for path in tmp_path.iterdir() if path != target)
    with replacing(target, KIND) as folder:
        (Path(folder) / "marker").write_text("new")
    assert [path.name for path in target.iterdir()] == ["marker"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux swaps two folders in one step")
def test_it_is_never_missing(tmp_path: Path, root: Path) -> None:
    target = tmp_path / "folder"
    with writer(root, target):
        times = set()
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            times.add(os.stat(target).st_mtime_ns)  # fails if there is nothing
    assert len(times) > 10  # it was replaced meanwhile


def test_fails_midway(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    for old in (False, True):
        if old:
            target.mkdir()
            (target / "marker").write_text("old")
        with contextlib.suppress(ZeroDivisionError), replacing(target, KIND) as folder:
            (Path(folder) / "marker").write_text("new")
            raise ZeroDivisionError
        assert [path.name for path in tmp_path.iterdir()] == (["folder"] if old else [])
    assert (target / "marker").read_text() == "old"


def test_previous(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "folder"
    for number in range(3):
        with replacing(target, KIND, keep_previous=True) as folder:
            assert Path(folder).parent == target.parent
            (Path(folder) / "marker").write_text(str(number))
    assert (target / "marker").read_text() == "2"
    assert (target.with_name("folder.previous") / "marker").read_text() == "1"
    assert len(list(target.parent.iterdir())) == 2


def test_an_empty_folder_does_not_replace_the_previous(tmp_path: Path) -> None:
    target, previous = tmp_path / "folder", tmp_path / "folder.previous"
    replace(previous, keep_previous=False)
    target.mkdir()
    replace(target)
    assert [path.name for path in previous.iterdir()] == ["marker"]


@pytest.mark.parametrize("place", ["elsewhere", "missing"])
def test_a_link_called_previous_is_refused(place: str, tmp_path: Path) -> None:
    target, link = tmp_path / "folder", tmp_path / "folder.previous"
    replace(target)
    (tmp_path / "elsewhere").mkdir()
    link.symlink_to(place)
    before = sorted(tmp_path.iterdir())
    for attempt in (lambda: check_replaceable(target, KIND, keep_previous=True), lambda: replace(target)):
        with pytest.raises(FileExistsError, match="is a link"):
            attempt()
        assert sorted(tmp_path.iterdir()) == before
        assert link.is_symlink()


def test_the_previous_is_there_before_it_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that ends between the two steps loses nothing: the old folder has its own name or `.previous`."""
    target = tmp_path / "folder"
    for number in range(2):
        with replacing(target, KIND, keep_previous=True) as new:
            (Path(new) / "marker").write_text(str(number))
    put, steps = folders.put_in_place, []

    def end(new: str, place: str) -> None:
        steps.append(place)
        if len(steps) == 2:
            raise ZeroDivisionError
        put(new, place)

    monkeypatch.setattr(folders, "put_in_place", end)
    with pytest.raises(ZeroDivisionError):
        replace(target)
    assert steps == [f"{target}.previous", str(target)]
    assert [(path / "marker").read_text() for path in (target, tmp_path / "folder.previous")] == ["1", "1"]


def test_folders_of_killed_processes_are_removed_after_a_day(tmp_path: Path) -> None:
    """Folders that may be in use, that belong to another target, or that are the old folder (`.aside`) stay."""
    day = 24 * 60 * 60
    ages = {
        ".tmp-folder-abcdefgh": day + 60,
        ".tmp-folder-abcdefg2": day - 60,
        ".tmp-folder-abcdefgh.aside": 9 * day,
        ".tmp-folders-abcdefg": 9 * day,
        "folder-abcdefgh": 9 * day,
    }
    for name, age in ages.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "marker").write_text("old")
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    replace(tmp_path / "folder")
    assert {path.name for path in tmp_path.iterdir()} == {*list(ages)[1:], "folder"}


def test_without_the_system_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise OSError("no such library")

    monkeypatch.setattr("ctypes.CDLL", refuse)
    for number in range(2):
        with replacing(tmp_path / "folder", KIND) as folder:
            (Path(folder) / "marker").write_text(str(number))
    assert (tmp_path / "folder" / "marker").read_text() == "1"
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def replace(target: Path, keep_previous: bool = True) -> None:
    with replacing(target, KIND, keep_previous=keep_previous) as folder:
        (Path(folder) / "marker").write_text("new")


@pytest.mark.parametrize("keep_previous", [False, True])
@pytest.mark.parametrize("foreign", ["thesis.txt", ".hidden", ".tmp-mine", "1/inside.txt"])
def test_nothing_but_ours_is_lost(foreign: str, keep_previous: bool, tmp_path: Path) -> None:
    """A folder with other files besides ours is not replaced, and neither is one called `.previous`."""
    target = tmp_path / "folder"
    replace(target)
    for folder in (target, tmp_path / "folder.previous")[: 1 + keep_previous]:
        folder.mkdir(exist_ok=True)
        (folder / foreign).parent.mkdir(exist_ok=True)
        (folder / "marker").write_text("old")
        (folder / foreign).write_text("mine")
        with pytest.raises(FileExistsError):
            check_replaceable(target, KIND, keep_previous=keep_previous)
        with pytest.raises(FileExistsError):
            replace(target, keep_previous)
        assert (folder / foreign).read_text() == "mine"
        assert (folder / "marker").read_text() == "old"
        shutil.move(folder / Path(foreign).parts[0], tmp_path / f"{folder.name} moved away")
    replace(target, keep_previous)
    assert (target / "marker").read_text() == "new"


def test_a_folder_in_the_place_of_a_file_is_not_lost(tmp_path: Path) -> None:
    (tmp_path / "folder" / "marker").mkdir(parents=True)
    with pytest.raises(FileExistsError, match="'marker', which would be lost"):
        replace(tmp_path / "folder", keep_previous=False)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
@pytest.mark.parametrize(("mask", "modes"), [(0o077, [0o700, 0o600]), (0o002, [0o775, 0o664])])
def test_permissions_of_a_new_folder(mask: int, modes: list[int], tmp_path: Path) -> None:
    before = os.umask(mask)
    try:
        replace(tmp_path / "folder")
    finally:
        os.umask(before)
    assert permissions(tmp_path / "folder", tmp_path / "folder" / "marker") == modes


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
@pytest.mark.parametrize("mode", [0o750, 0o555])
def test_permissions_are_kept(mode: int, tmp_path: Path) -> None:
    """Those of the folder and its files, also in `.previous`; an added file is no more open than the others."""
    target, previous = tmp_path / "folder", tmp_path / "folder.previous"
    replace(target)
    (target / "marker").chmod(0o640)
    target.chmod(mode)
    with replacing(target, KIND, keep_previous=True) as folder:
        for name in ("marker", "1"):
            (Path(folder) / name).write_text("new")
    assert permissions(target, target / "marker", target / "1") == [mode, 0o640, 0o640]
    assert permissions(previous, previous / "marker") == [mode, 0o640]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "folder.previous"]


def permissions(*paths: Path) -> list[int]:
    return [stat.S_IMODE(path.stat().st_mode) for path in paths]


def test_a_link_is_followed(tmp_path: Path) -> None:
    replace(tmp_path / "folder")
    (tmp_path / "folder" / "marker").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    replace(tmp_path / "link", keep_previous=False)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "folder" / "marker").read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "link"]
