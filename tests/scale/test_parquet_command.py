"""``classify.py --parquet``: a file to a file, or a folder to a folder."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from edgetext import Classifier
from tests.runtime.helpers import RUNTIME, run

TEXTS = ["great movie", None, "a waste of two hours", "", "so dull"]
CLASSIFY = [sys.executable, str(RUNTIME / "classify.py")]


def make_table(rows: int = 5) -> pyarrow.Table:
    texts = [TEXTS[number % 5] for number in range(rows)]
    return pyarrow.table({"n": range(rows), "body": texts}).replace_schema_metadata({"made": "by hand"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder ``in`` of two files, one of them in a folder below."""
    (tmp_path / "in" / "day=1").mkdir(parents=True)
    parquet.write_table(make_table(), tmp_path / "in" / "a.parquet")
    parquet.write_table(make_table(12), tmp_path / "in" / "day=1" / "b.parquet", row_group_size=5, compression="zstd")
    return tmp_path


def label(source: Path, target: Path, *options: str, code: int = 0) -> str:
    """Run the command and return what it says."""
    done = run("--parquet", "body", "--file", str(source), "--out", str(target), *options, fake=False)
    assert (done.returncode, done.stdout) == (code, b""), done.stderr
    return done.stderr.decode()


def files_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def scores(table: Any) -> list[tuple[Any, Any]]:
    return list(zip(table.column("label").to_pylist(), table.column("score").to_pylist()))


def expect(texts: list[str | None]) -> list[tuple[Any, Any]]:
    classifier = Classifier.load()
    found = [classifier.classify(text or "") for text in texts]
    return [(None, None) if text is None else (one.label, one.score) for text, one in zip(texts, found)]


def test_a_file_gets_two_columns(folder: Path) -> None:
    source, target = folder / "in" / "day=1" / "b.parquet", folder / "deep" / "out.parquet"
    assert label(source, target) == ""
    found, given = parquet.ParquetFile(target), parquet.read_table(source)
    table = found.read()
    assert table.select(["n", "body"]).to_pydict() == given.to_pydict()
    assert scores(table) == expect(given.column("body").to_pylist())
    assert table.schema.metadata[b"made"] == b"by hand"
    assert found.metadata.row_group(0).column(0).compression == "ZSTD"
    assert files_below(target.parent) == ["out.parquet"]


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [[20_000], [20_000, 3, 0], [5_000, 6_000, 7_000, 4_000]], ids=str)
def test_workers_write_the_same(sizes: list[int], tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number, rows in enumerate(sizes):
        parquet.write_table(make_table(rows), tmp_path / "in" / f"{number}.parquet")
    label(tmp_path / "in", tmp_path / "one")
    label(tmp_path / "in", tmp_path / "two", "--workers", "2")
    assert files_below(tmp_path / "one") == [f"{number}.parquet" for number in range(len(sizes))]
    for name in files_below(tmp_path / "one"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.slow)])
def test_columns_without_nulls_and_of_any_type_stay_as_they_are(workers: str, tmp_path: Path) -> None:
    body = pyarrow.field("body", pyarrow.dictionary(pyarrow.int32(), pyarrow.large_string()), nullable=False)
    schema = pyarrow.schema([pyarrow.field("n", pyarrow.int16(), nullable=False, metadata={"unit": "s"}), body])
    parquet.write_table(
        pyarrow.table({"n": [1, 2], "body": ["great movie", "so dull"]}, schema), tmp_path / "in.parquet"
    )
    label(tmp_path / "in.parquet", tmp_path / "out.parquet", "--workers", workers)
    found, given = (parquet.read_table(tmp_path / name) for name in ("out.parquet", "in.parquet"))
    assert scores(found) == expect(["great movie", "so dull"])
    assert [found.schema.field(name) for name in ("n", "body")] == list(given.schema)
    assert found.schema.field("n").metadata[b"unit"] == b"s"


def test_only_data_in_a_folder_is_labelled(folder: Path) -> None:
    for name in ("_hidden.parquet", ".x.parquet", "_delta_log/c.parquet", "D.PARQUET", "e.txt"):
        (folder / "in" / name).parent.mkdir(exist_ok=True)
        shutil.copy(folder / "in" / "a.parquet", folder / "in" / name)
    (folder / "in" / "gone.parquet").symlink_to("nowhere")
    assert "gone.parquet: No such file" in label(folder / "in", folder / "out", code=2)
    assert files_below(folder / "out") == ["D.PARQUET", "a.parquet", "day=1/b.parquet"]


def test_a_folder_is_finished_only_once(folder: Path) -> None:
    out = folder / "out"
    assert label(folder / "in", out) == ""
    assert files_below(out) == ["a.parquet", "day=1/b.parquet"]
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.parquet")}
    (out / "a.parquet").unlink()
    assert "1 of 2 files had been labelled already" in label(folder / "in", out)
    assert (out / "day=1" / "b.parquet").stat().st_mtime_ns == before[out / "day=1" / "b.parquet"]


def test_results_without_an_input_stay(folder: Path) -> None:
    out = folder / "out"
    label(folder / "in", out)
    (folder / "in" / "a.parquet").rename(out / "of the user.parquet")
    (out / "folder.parquet").mkdir()
    said = label(folder / "in", out).splitlines()
    assert said[0] == f"note: the input has no file for these results, which stay: {out / 'a.parquet'}"
    assert files_below(out) == ["a.parquet", "day=1/b.parquet", "of the user.parquet"]


@pytest.mark.parametrize("content", [b"body\ngreat movie\n", b""])
def test_a_file_that_is_no_parquet_file(content: bytes, folder: Path) -> None:
    source = folder / "t.csv"
    source.write_bytes(content)
    assert label(source, folder / "out.parquet", code=2) == (
        f"error: {source}: not a Parquet file; for CSV use --csv COLUMN, for JSON lines --jsonl FIELD\n"
    )


@pytest.mark.parametrize("change", ["input", "threshold", "prefix", "model"])
def test_what_was_made_from_something_else_is_done_again(change: str, folder: Path) -> None:
    source, target = folder / "in" / "a.parquet", folder / "out.parquet"
    label(source, target)
    options = []
    if change == "input":
        parquet.write_table(make_table(3), source)
    elif change == "threshold":
        options = ["--threshold", "1"]
    elif change == "prefix":
        options = ["--prefix", "x_"]
    else:
        options = ["--model", str(RUNTIME / "bundles" / "accurate")]
    before = target.read_bytes()
    assert label(source, target, *options) == ""
    assert target.read_bytes() != before
    assert "had been labelled already" in label(source, target, *options)


def test_a_file_of_somebody_else_is_not_replaced(folder: Path) -> None:
    source, target = folder / "in" / "a.parquet", folder / "own.parquet"
    for content in (b"my notes", source.read_bytes()):
        target.write_bytes(content)
        assert "own.parquet exists and is no result of this command" in label(source, target, code=2)
        assert target.read_bytes() == content


def test_files_that_cannot_be_read_do_not_stop_the_others(folder: Path) -> None:
    damaged = folder / "in" / "day=1" / "b.parquet"
    damaged.write_bytes(damaged.read_bytes()[:-20])
    parquet.write_table(pyarrow.table({"n": [1]}), folder / "in" / "c.parquet")
    said = label(folder / "in", folder / "out", code=2).splitlines()
    assert files_below(folder / "out") == ["a.parquet"]
    assert [line for line in said if not line.startswith("error: ")] == []
    assert "c.parquet: no column is called 'body'; the columns are 'n'" in said[0]
    assert "b.parquet: " in said[1]


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_damage_in_the_middle_leaves_no_result(workers: str, folder: Path) -> None:
    for number in range(3):  # the last one is read by all workers together
        parquet.write_table(make_table(5 + 20 * number), folder / "in" / f"{number}.parquet")
    for name in ("a", "2"):
        source = folder / "in" / f"{name}.parquet"
        content = bytearray(source.read_bytes())
        content[4:60] = bytes(56)
        source.write_bytes(content)
    said = label(folder / "in", folder / "out", "--workers", workers, code=2).splitlines()
    assert len(said) == 2
    assert all(any(f"{name}.parquet: " in line for line in said) for name in ("a", "2"))
    assert files_below(folder / "out") == ["0.parquet", "1.parquet", "day=1/b.parquet"]


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="limits the size of files")
def test_a_full_disk_is_that_of_the_result(tmp_path: Path) -> None:
    parquet.write_table(make_table(300_000), tmp_path / "in.parquet")
    options = ["--parquet", "body", "--file", str(tmp_path / "in.parquet"), "--out", str(tmp_path / "out.parquet")]
    command = shlex.join([*CLASSIFY, *options])
    done = subprocess.run(["sh", "-c", f"ulimit -f 100; exec {command}"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, f"error: {tmp_path / 'out.parquet'}: File too large\n")
    assert files_below(tmp_path) == ["in.parquet"]


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ("in", "in", "write the results to another place"),
        ("in", "in/out", "write the results to another place"),
        ("in/a.parquet", "in/a.parquet", "write the results to another place"),
        ("in/a.parquet", "in", "is a folder: name a file"),
        ("in", "in/a.parquet", "in/a.parquet is a file: name a folder"),
        ("nowhere.parquet", "out", "nowhere.parquet: No such file"),
        ("empty", "out", "no file there is called *.parquet"),
        ("in/a.parquet", "/dev/null", "/dev/null is neither a file nor a folder"),
        ("in/a.parquet", "/proc/out.parquet", "/proc/.out.parquet"),
    ],
)
def test_places_that_cannot_be_used(source: str, target: str, words: str, folder: Path) -> None:
    (folder / "empty").mkdir()
    assert words in label(folder / source, folder / target, code=2)
    assert files_below(folder) == ["in/a.parquet", "in/day=1/b.parquet"]


def test_a_column_of_texts_that_is_called_label(folder: Path) -> None:
    for path in (folder / "in").rglob("*.parquet"):
        parquet.write_table(make_table().rename_columns(["n", "label"]), path)
    options = ["--parquet", "label", "--file", str(folder / "in"), "--out", str(folder / "out")]
    done = run(*options, fake=False)
    problem = "there is a column 'label' already: choose a prefix for the added ones"
    lines = [f"error: {folder / 'in' / name}.parquet: {problem}" for name in ("a", "day=1/b")]
    assert (done.returncode, done.stderr.decode().splitlines()) == (2, lines)
    assert run(*options, "--prefix", "p_", fake=False).returncode == 0


# Runs a command as a user whom file permissions bind: without CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH, if it is root.
PLAIN = """
import ctypes, os, sys
for capability in (1, 2):
    ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="drops capabilities of Linux")
@pytest.mark.parametrize("name", ["in/day=1", "out/a.parquet"])
def test_what_may_not_be_read(name: str, folder: Path) -> None:
    label(folder / "in" / "a.parquet", folder / "out" / "a.parquet")
    (folder / name).chmod(0)
    options = ["--parquet", "body", "--file", str(folder / "in"), "--out", str(folder / "out")]
    done = subprocess.run(
        [sys.executable, "-c", PLAIN, *CLASSIFY, *options], capture_output=True, check=False, text=True
    )
    (folder / name).chmod(0o700)
    assert (done.returncode, done.stderr) == (2, f"error: {folder / name}: Permission denied\n")


def test_a_folder_that_stands_for_an_added_column(folder: Path) -> None:
    (folder / "in" / "day=1").rename(folder / "in" / "label=x")
    said = label(folder / "in", folder / "out", code=2)
    problem = "the folder 'label=x' is read as a column 'label', which is to be added: choose another --prefix"
    assert said == f"error: {folder / 'in'}: {problem}\n"
    label(folder / "in", folder / "out", "--prefix", "p_")
    assert files_below(folder / "out") == ["a.parquet", "label=x/b.parquet"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--parquet", "body", "--file", "x"], "--parquet needs --file"),
        (["--parquet", "body", "--out", "x"], "--parquet needs --file"),
        (["--parquet", "body", "--file", "x", "--out", "-"], "--parquet needs --file"),
        (
            ["--parquet", "body", "--file", "x", "--out", "y", "--json"],
            "leave out --json, which --parquet does not use",
        ),
        (["--out", "x", "great"], "--out is only used with --parquet"),
        (["--parquet", "body", "--file", "x", "--out", ""], "--out is empty"),
        (["--parquet", "body", "--file", "x", "--out", "y", "--workers", "0"], "--workers must be from 1"),
    ],
)
def test_options_that_do_not_fit(options: list[str], words: str) -> None:
    done = run(*options, fake=False)
    assert done.returncode == 2
    assert words in done.stderr.decode()


@pytest.mark.slow
def test_without_pyarrow_the_command_says_what_to_install(folder: Path) -> None:
    script = "import sys; sys.modules['pyarrow'] = None; from edgetext.command.main import main; sys.exit(main())"
    command = [sys.executable, "-c", script, "--parquet", "body", "--file", str(folder / "in"), "--out", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, env={"PYTHONPATH": str(RUNTIME)}, check=False)
    assert (done.returncode, done.stderr) == (2, "error: --parquet needs pyarrow: pip install pyarrow\n")


def wait_for(happens: Callable[[], Any]) -> Any:
    """Return what a function returns as soon as that is true."""
    for _ in range(1_000):
        if found := happens():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen")


def children(process: subprocess.Popen[str]) -> list[int]:
    """Return the workers of a process: its children that run Python's function for spawned processes."""
    found = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text("ascii").split()
    return [int(number) for number in found if b"spawn_main" in Path(f"/proc/{number}/cmdline").read_bytes()]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds workers in /proc")
@pytest.mark.parametrize("sizes", [[300_000], [150_000, 150_001, 150_002]], ids=["together", "one file each"])
@pytest.mark.parametrize("victim", ["worker", "command", "command, at once"])
def test_what_a_killed_process_leaves_can_be_finished(victim: str, sizes: list[int], folder: Path) -> None:
    for number, rows in enumerate(sizes):
        parquet.write_table(make_table(rows), folder / "in" / f"z{number}.parquet")
    out = folder / "out"
    command = [*CLASSIFY, "--parquet", "body", "--file", str(folder / "in"), "--out", str(out), "--workers", "2"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: out.exists() and any(path.stat().st_size for path in out.rglob("*.partial")))
    workers = children(process)
    assert len(workers) == 2
    if victim == "worker":
        os.kill(workers[-1], signal.SIGKILL)
    elif victim == "command":
        process.terminate()
    else:
        process.kill()
    _, said = process.communicate(timeout=60)
    assert process.returncode == {"worker": 2, "command": 143}.get(victim, -9)
    if victim != "command, at once":
        expected = "error: a worker process died, as for lack of memory: run the command again\n"
        assert said == (expected if victim == "worker" else "")
    wait_for(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))
    left = [path.name for path in out.rglob("*") if path.suffix == ".partial"]
    assert bool(left) == (victim == "command, at once")
    label(folder / "in", out)
    for number, rows in enumerate(sizes):
        assert parquet.read_table(out / f"z{number}.parquet").num_rows == rows


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds workers in /proc")
def test_an_interrupt_while_workers_start(folder: Path) -> None:
    command = [*CLASSIFY, "--parquet", "body", "--file", str(folder / "in"), "--out", str(folder / "out")]
    process = subprocess.Popen([*command, "--workers", "2"], stderr=subprocess.PIPE, text=True, start_new_session=True)
    wait_for(lambda: children(process))
    time.sleep(0.1)  # they import pyarrow for longer
    os.killpg(process.pid, signal.SIGINT)
    assert (process.communicate(timeout=60)[1], process.returncode) == ("", 130)
