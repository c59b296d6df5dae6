"""The soak's part about archives: its promises hold, and broken code fails it."""

from __future__ import annotations

import gzip
import os
import random
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.soaking import archives, bombs
from tests.soaking.archives import REVIEWS, Trial
from train.reviews import archives as sources

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    return Trial(tmp_path)


@pytest.mark.slow
def test_all_hold() -> None:
    tried = {}
    for outcome in archives.run(quick=True, seed=0):
        assert not outcome.failed, (outcome.promise, outcome.failures)
        tried[outcome.unit] = outcome.tried
    wanted = {"hostile sources": 64, "damaged archives": 66, "archives of damaged tar files": 50, "bombs": 6}
    assert tried == wanted


def test_what_is_right_and_what_is_wrong(trial: Trial) -> None:
    assert trial.judge(trial.archive(gzip.compress(archives.plain(REVIEWS)))) == ""
    others = archives.plain({**REVIEWS, next(iter(REVIEWS)): b"another"})
    assert trial.judge(trial.archive(gzip.compress(others))) == "2 reviews are others"


def failures(results: Any) -> dict[str, str]:
    return {what: wrong for what, wrong in results if wrong}


def test_links_that_are_followed(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources.os.path, "realpath", lambda path: str(path))
    assert {what.split(" as ")[0] for what in failures(archives.folders(trial))} == {"a link out of it"}


def test_links_of_an_archive_that_are_read(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources.tarfile.TarInfo, "isfile", lambda member: not member.isdir())
    found = failures(archives.hostile(trial, random.Random(0)))
    assert {f"a named pipe to {trial.secret}", f"a link to {trial.secret}"} <= set(found)


def test_names_that_become_paths(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    read = tarfile.TarFile.next

    def unpack(archive: tarfile.TarFile) -> tarfile.TarInfo | None:
        member = read(archive)
        if member is not None and "evil" in member.name and len(member.name) < 200:
            path = Path(os.path.join(trial.folder, "cache", "x", member.name))  # an absolute name replaces the folder
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"evil")
        return member

    monkeypatch.setattr(tarfile.TarFile, "next", unpack)
    found = failures(archives.hostile(trial, random.Random(0)))
    assert len(found) == 2
    assert set(found.values()) == {"something was written outside the cache"}


def test_pipes_that_are_waited_for(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources.stat, "S_ISREG", lambda mode: True)
    monkeypatch.setattr(archives, "SECONDS", 0.2)
    found = failures(archives.folders(trial))
    assert found[f"a named pipe as {archives.INSIDE}"] == "TookTooLong: took more than 0.2 s"


def test_damage_that_is_another_error(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "DAMAGE", ())
    found = failures(archives.damaged(trial, random.Random(0), 16, 0))
    assert len(found) == 16
    assert found["cut at 8/16"].startswith("EOFError: ")


def test_damage_that_is_not_seen(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading stops after the last member, before gzip's checksum."""
    monkeypatch.setattr(sources._Unpacked, "take", lambda self, size: _take(self, size) if size != 1 << 20 else b"")
    assert failures(archives.damaged(trial, random.Random(0), 0, 300))


_take = sources._Unpacked.take


def test_bombs_that_go_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(archives.plain(REVIEWS)))
    assert bombs.defuse(path, tmp_path / "cache")[0].startswith("exit code 0")
    path.write_bytes(b"")
    wrong, megabytes = bombs.defuse(path, tmp_path / "cache")
    assert wrong == ""
    assert megabytes > 10
    monkeypatch.setattr(bombs, "MEGABYTES", 10)
    assert bombs.defuse(path, tmp_path / "cache")[0] == f"{megabytes:,.0f} MB"
    monkeypatch.setattr(bombs, "SECONDS", 0.01)
    assert bombs.defuse(path, tmp_path / "cache")[0] == "took more than 0.01 s"
