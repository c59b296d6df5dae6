"""Shared fixtures. Imports only the standard library and edgetext, because some tests run with nothing else."""

from __future__ import annotations

import io
import os
import runpy
import subprocess
import sys
import tarfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from edgetext.command.main import main as command
from tests.runtime.in_process import call

ROOT = Path(__file__).resolve().parent.parent

Runner = Callable[..., "subprocess.CompletedProcess[str]"]

# Each has something that reviews have and that careless code for files, lines or words gets wrong.
_TEMPLATES = (
    "A {0} film. The {2} was {1}, and I'd see it twice!",
    "{0}<br /><br />The {2}: {1}... 10/10 - or not?",
    "The {2} of \u201cCaf\u00e9 M\u00fcller\u201d is {0};\u0085{1}, they said.",
    "<i>{0}</i>\tand {1}\r\nfrom the first minute to the {2}",
    "\u0130stanbul, STRASSE, stra\u00dfe, \u96fb\u5f71 \U0001f3ac: {0} {2} & {1}",
    "{1} {1} {1}, {0}\u2028the {2}\u00a0again",
)
_OPINIONS = {
    "pos": ("wonderful", "Moving", "brilliant", "a JOY", "touching", "superb", "funny"),
    "neg": ("awful", "Boring", "dreadful", "a MESS", "wooden", "painful", "lazy"),
}
_SUBJECTS = ("plot", "cast", "music", "ending", "camera", "script", "city", "hero", "dog", "sequel", "dialogue")


# Fixtures of other folders that train or convert.
SLOW_FIXTURES = frozenset({"tutorial_run", "exported", "export", "trained", "many"})

# Python's audit events of starting a process.
PROCESS_EVENTS = frozenset({"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system"})


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="skip tests that are slow or start a process")


def pytest_configure(config: pytest.Config) -> None:
    starts_workers = config.getoption("numprocesses", None) and not hasattr(config, "workerinput")
    if config.getoption("--quick") and not starts_workers:
        sys.addaudithook(skip_at_process)


def skip_at_process(event: str, args: tuple[Any, ...]) -> None:
    """Skip the running test if it, or a fixture, is about to start a process; ``platform`` may start uname."""
    if event in PROCESS_EVENTS and args[:1] != ("uname",):
        pytest.skip("starts a process")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect slow tests in quick mode; those that train or convert a whole model in a fixture are slow too."""
    for item in items:
        if not SLOW_FIXTURES.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker("slow")
    if config.getoption("--quick"):
        left_out = [item for item in items if item.get_closest_marker("slow") or item.get_closest_marker("data")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("data") and not os.environ.get("EDGETEXT_DATA"):
        pytest.skip("needs the real reviews: set EDGETEXT_DATA to aclImdb_v1.tar.gz or its unpacked folder")


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def run_python() -> Runner:
    """Run this Python in the repository's root: ``run_python("-m", "train.look", env={...})``.

    ``env`` is added to the environment; a value of None removes a variable.
    """

    def run(
        *arguments: str | os.PathLike[str], env: Mapping[str, str | None] | None = None, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        changed = {**os.environ, **(env or {})}
        options = {"cwd": ROOT, "timeout": 300, **options}
        return subprocess.run(
            [sys.executable, *(os.fspath(argument) for argument in arguments)],
            env={name: value for name, value in changed.items() if value is not None},
            capture_output=True,
            encoding="utf-8",
            check=False,
            **options,
        )

    return run


@pytest.fixture(scope="session")
def run_in_process() -> Runner:
    """Run a command as ``run_python`` does, but in this process, with all that it has imported.

    What native libraries write to standard error is not in the result.
    """

    def run(
        *arguments: str | os.PathLike[str],
        env: Mapping[str, str | None] | None = None,
        cwd: str | os.PathLike[str] = ROOT,
        input: str = "",
    ) -> subprocess.CompletedProcess[str]:
        name, *argv = (os.fspath(argument) for argument in arguments)
        if name == "-m":
            name, *argv = argv
            main: Callable[[], Any] = partial(runpy.run_module, name, run_name="__main__", alter_sys=True)
        elif Path(name).name == "classify.py":  # whose last step is to end the process
            main = command
        else:
            main = partial(runpy.run_path, str(ROOT / name), run_name="__main__")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(cwd)
            patch.setattr(sys, "path", [*sys.path])
            for variable, value in (env or {}).items():
                if value is None:
                    patch.delenv(variable, raising=False)
                else:
                    patch.setenv(variable, value)
            done = call(lambda _: main(), argv, input.encode(), program=name)
        texts = (stream.decode("utf-8") for stream in (done.stdout, done.stderr))
        return subprocess.CompletedProcess(done.args, done.returncode, *texts)

    return run


@pytest.fixture(scope="session")
def error_line() -> Callable[[str], str]:
    """Check that standard error is one line that starts with ``error: ``, and return the rest of it."""

    def check(stderr: str) -> str:
        lines = stderr.splitlines()
        assert len(lines) == 1, stderr
        assert lines[0].startswith("error: "), stderr
        return lines[0].removeprefix("error: ")

    return check


@pytest.fixture(scope="session")
def write_archive() -> Callable[[Path, Mapping[str, bytes]], Path]:
    """Write a ``.tar.gz`` from member names and contents, in that order; a name with a final slash is a folder."""

    def write(path: Path, members: Mapping[str, bytes]) -> Path:
        with tarfile.open(path, "w:gz") as archive:
            for name, content in members.items():
                member = tarfile.TarInfo(name.rstrip("/"))
                member.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return path

    return write


@pytest.fixture(scope="session")
def tiny_reviews() -> dict[str, str]:
    """Forty short reviews in each split, by name below ``aclImdb/``; one in twenty exceeds the maximum length."""
    reviews = {}
    for shift, split in enumerate(("train", "test")):
        for short, opinions in _OPINIONS.items():
            for number in range(20):
                text = _TEMPLATES[number % len(_TEMPLATES)].format(
                    opinions[(number + shift) % len(opinions)],
                    opinions[(3 * number + 1) % len(opinions)],
                    _SUBJECTS[(5 * number + shift) % len(_SUBJECTS)],
                )
                if (split, number) == ("test", 19):
                    text += " Sequelitis!"  # a word that the training reviews do not have
                reviews[f"{split}/{short}/{number}_{9 if short == 'pos' else 2}.txt"] = " ".join(
                    [text] * (40 if number == 7 else 1)
                )
    return reviews


@pytest.fixture(scope="session")
def tiny_archive(
    tmp_path_factory: pytest.TempPathFactory,
    write_archive: Callable[[Path, Mapping[str, bytes]], Path],
    tiny_reviews: dict[str, str],
) -> Path:
    """The tiny reviews as an archive with the layout and the other files of the published one."""
    others = {
        "aclImdb/": b"",
        "aclImdb/README": b"Large Movie Review Dataset v1.0",
        "aclImdb/imdb.vocab": b"the\nand\n",
        "aclImdb/train/": b"",
        "aclImdb/train/pos/": b"",
        "aclImdb/train/urls_pos.txt": b"somewhere\n",
        "aclImdb/train/labeledBow.feat": b"9 0:9 1:1\n",
        "aclImdb/train/unsup/0_0.txt": b"Nobody said whether this one is good.",
    }
    reviews = {f"aclImdb/{name}": text.encode() for name, text in tiny_reviews.items()}
    return write_archive(tmp_path_factory.mktemp("tiny") / "aclImdb_v1.tar.gz", {**others, **reviews})


@pytest.fixture(scope="session")
def tiny_env(tiny_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment variables with which commands use the tiny reviews and a separate cache."""
    return {"EDGETEXT_DATA": str(tiny_archive), "EDGETEXT_CACHE": str(tmp_path_factory.mktemp("tiny-cache"))}


@pytest.fixture(scope="session")
def real_env() -> dict[str, str]:
    """The variables that name the real reviews, for tests marked ``data``."""
    names = ("EDGETEXT_DATA", "EDGETEXT_CACHE")
    return {name: os.environ[name] for name in names if name in os.environ}
