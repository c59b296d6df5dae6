"""How the machines are made: what needs neither qemu nor a network."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from benchmarks.instructions import DESCRIPTION
from benchmarks.measuring.results import BenchmarkError
from tests.pi import machines, prepare, steps, userlands
from tests.pi.machines import Machine, MachineError, Prepared
from tests.pi.steps import StepError, Steps
from tests.pi.userlands import USERLANDS

ARM64, ARMHF = USERLANDS


def test_a_step_is_done_once_and_again_when_its_sources_change(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "__pycache__").mkdir(parents=True)
    (source / "a.py").write_text("1")
    done: list[int] = []

    def work(folder: Path) -> None:
        folder.mkdir()
        done.append((folder / "made").write_text(str(len(done))))

    made = [Steps(tmp_path / "out").make("thing", ["word", source], work)]
    (source / "__pycache__" / "a.pyc").write_text("no source")
    Steps(tmp_path / "out").make("thing", ["word", source], work)
    assert len(done) == 1
    (source / "a.py").write_text("2")
    Steps(tmp_path / "out").make("thing", ["word", source], work)
    Steps(tmp_path / "out").make("thing", ["another word", source], work)
    assert len(done) == 3
    assert (made[0] / "made").read_text() == "2"


def test_a_step_that_fails_leaves_nothing_and_is_tried_again(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        folder.mkdir()
        raise StepError("as planned")

    for _ in range(2):
        with pytest.raises(StepError, match="as planned"):
            Steps(tmp_path).make("thing", ["word"], fail)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_is_one_line() -> None:
    script = "echo so far so good >&2; echo E: no such package >&2; echo N: notice >&2; exit 3"
    with pytest.raises(StepError, match=r"^sh failed: E: no such package$"):
        steps.run("sh", "-c", script)
    with pytest.raises(StepError, match=r"^/nowhere/tool: No such file or directory$"):
        steps.run("/nowhere/tool")


@pytest.fixture
def archive(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """An archive whose updates are broken for ever: mmdebstrap works with a mirror that was named only."""
    calls: list[tuple[str, ...]] = []

    def run(*command: Any) -> str:
        words = tuple(map(str, command))
        if words[0] == "apt-get":
            return (
                "Debian bookworm-updates M/debian/\nDebian-Security bookworm-security M/s/\nDebian bookworm M/debian/\n"
            )
        calls.append(words)
        if not words[-1].startswith("M/"):
            raise StepError("mmdebstrap failed: E: unexpected size")
        return ""

    monkeypatch.setattr(userlands, "run", run)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    return calls


def test_the_archive_is_asked_again_and_then_without_updates(archive: list[tuple[str, ...]], tmp_path: Path) -> None:
    userlands.unpack(ARMHF, tmp_path / "root")
    assert [words[-1] for words in archive] == [str(tmp_path / "root")] * 2 + ["M/debian/"]
    assert "--architectures=armhf" in archive[0]


def test_a_machine_that_cannot_be_made(
    archive: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(userlands, "list_mirrors", lambda: [])
    monkeypatch.setattr(userlands, "missing_tools", lambda userland: [])
    monkeypatch.setattr(userlands, "compiler", lambda: None)
    machines = list(prepare.make_machines(Steps(tmp_path), ARM64))
    assert [machine.cpu for machine in machines] == ["cortex-a53", "cortex-a72"]
    assert {machine.error for machine in machines} == {"mmdebstrap failed: E: unexpected size"}


def test_without_tools_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    here = shutil.which
    monkeypatch.setattr("shutil.which", lambda name: None if name.startswith(("qemu", "mmdeb")) else here(name))
    assert prepare.main([str(tmp_path)]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) == 3
    assert all(line.endswith("to install them: apt-get install mmdebstrap qemu-user") for line in lines)
    prepared = machines.read(tmp_path)
    with pytest.raises(MachineError, match="apt-get install"):
        prepared.machines[0].python()


def test_what_is_written_is_read(tmp_path: Path) -> None:
    root = str(tmp_path / "root")
    machine = Machine("arm64", "cortex-a72", "sh", root, {"p": str(tmp_path / "p")}, {"q": "no wheel"})
    written = Prepared(tmp_path, [machine, Machine("armhf", "x", "y", None, {}, {}, "why")], "counter.so")
    written.write()
    assert machines.read(tmp_path) == written
    command = machine.python("p", tmp_path)
    assert f"PYTHONPATH={tmp_path}:{tmp_path / 'p'}" in command
    assert command[-1] == str(tmp_path / "root" / "usr" / "bin" / "python3")
    with pytest.raises(MachineError, match="arm64 cortex-a72: no wheel"):
        machine.python("q")


@pytest.mark.parametrize("content", [None, "{", "[]", "{}", '{"machines": [{}], "counter": null, "counter_error": ""}'])
def test_folders_that_are_not_prepared(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / DESCRIPTION).write_text(content)
    with pytest.raises(BenchmarkError, match="make pi-test makes it"):
        machines.read(tmp_path)
