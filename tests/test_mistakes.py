"""How commands end: a mistake gives one line and exit code 2, and a traceback only with EDGETEXT_DEBUG."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from edgetext import BundleError, EdgetextError
from train.command import finish

ROOT = Path(__file__).resolve().parent.parent
Runner = Callable[..., "subprocess.CompletedProcess[str]"]

# A mistake with each command, and the class of the error.
MISTAKES = {
    "-m train --data nowhere.csv": "DataError",
    "-m train --data nowhere.tar.gz": "DataError",
    "-m train.data --data nowhere": "DataError",
    "-m train.look --data nowhere": "DataError",
    "-m train.texts --data nowhere.csv": "DataError",
    "-m train.suggest --run nowhere --unlabelled rest.txt --out nowhere.csv": "RunError",
    "export/to_safetensors.py --run nowhere --out bundle": "RunError",
    "benchmarks/accuracy.py --model nowhere": "BundleError",
    "benchmarks/report.py nowhere.json": "BenchmarkError",
    "runtime/classify.py --model nowhere great": "BundleError",
}


# The commands that take paths.
COMMANDS = [
    *(f"-m {name}" for name in ("train", "train.texts", "train.suggest")),
    *(str(path.relative_to(ROOT)) for folder in ("export", "benchmarks") for path in (ROOT / folder).glob("[!_]*.py")
      if "__main__" in path.read_text("utf-8")),
]  # fmt: skip


@pytest.mark.parametrize("line", COMMANDS)
def test_an_empty_path(line: str, run_in_process: Runner) -> None:
    """An unset variable of a shell does not mean the present folder, or the default."""
    shown = run_in_process(*line.split(), "--help").stdout
    options = re.findall(r"^  (--[\w-]+) (?:DIR|FILE|PATH|PYTHON)\b", shown, re.MULTILINE)
    assert options
    for option in options:
        result = run_in_process(*line.split(), option, "")
        assert result.returncode == 2, option
        assert re.search("is empty: (is a variable unset|name )", result.stderr), option


@pytest.mark.parametrize("line", [*COMMANDS, "-m train.data", "-m train.look", "runtime/classify.py", "-m edgetext"])
def test_a_wrong_option_is_one_line(
    line: str, run_in_process: Runner, error_line: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os._exit", sys.exit)  # by which `-m edgetext` ends its process
    result = run_in_process(*line.split(), "--no-such\noption")
    assert (result.returncode, result.stdout) == (2, "")
    # An option that is required may be missed first.
    assert re.search(r"(--no-such\\noption|are required: .*) \(see --help\)$", error_line(result.stderr))


@pytest.mark.parametrize("line", MISTAKES)
def test_a_traceback_for_those_who_ask(
    line: str, run_in_process: Runner, error_line: Callable[[str], str], tmp_path: Path
) -> None:
    arguments = line.replace("nowhere", str(tmp_path / "nowhere")).split()
    result = run_in_process(*arguments, env={"EDGETEXT_DEBUG": None})
    assert result.returncode == 2
    assert "nowhere" in error_line(result.stderr)
    with pytest.raises(EdgetextError) as caught:
        run_in_process(*arguments, env={"EDGETEXT_DEBUG": "1"})
    assert type(caught.value).__name__ == MISTAKES[line]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "line",
    [
        "-m train.texts --data nowhere.csv",
        "export/to_onnx.py --run nowhere --out bundle",
        "benchmarks/report.py nowhere.json",
    ],
)
def test_in_a_process(line: str, run_python: Runner, error_line: Callable[[str], str]) -> None:
    result = run_python(*line.split(), env={"EDGETEXT_DEBUG": None})
    assert (result.returncode, result.stdout) == (2, "")
    assert "nowhere" in error_line(result.stderr)
    debug = run_python(*line.split(), env={"EDGETEXT_DEBUG": "1"})
    assert debug.returncode == 1
    assert "Traceback (most recent call last):" in debug.stderr


def raising(error: BaseException) -> Callable[[], NoReturn]:
    def work() -> NoReturn:
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (EdgetextError("it is so"), 2, "error: it is so\n"),
        (BundleError("two\nlines"), 2, "error: two\\nlines\n"),
        (EdgetextError(""), 2, ""),
        (OSError(28, "No space left on device", "a\nb"), 2, "error: a\\nb: No space left on device\n"),
        (
            ModuleNotFoundError("No module named 'onnx'", name="onnx"),
            2,
            "error: onnx is not installed: pip install -e '.[export]'\n",
        ),
        (ModuleNotFoundError("no onnx.parts", name="onnx.parts"), 2, "error: no onnx.parts\n"),
        (ModuleNotFoundError("no _lzma in this Python", name="_lzma"), 2, "error: no _lzma in this Python\n"),
        (
            ImportError("cannot import name 'x' from 'numpy'", name="numpy"),
            2,
            "error: cannot import name 'x' from 'numpy'\n",
        ),
        (ImportError("of no name"), 2, "error: of no name\n"),
        (LookupError("asked for"), 2, "error: asked for\n"),
        (KeyboardInterrupt(), 130, "interrupted, sadly\n"),
    ],
)
def test_finish(
    error: BaseException,
    code: int,
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("EDGETEXT_DEBUG", raising=False)
    settings: dict[str, Any] = {"extra": "export", "mistakes": (LookupError,), "interrupted": "interrupted, sadly"}
    assert finish(raising(error), **settings) == code
    found = capsys.readouterr().err
    assert found == message
    monkeypatch.setenv("EDGETEXT_DEBUG", "1")
    if code == 2:
        with pytest.raises(type(error)):
            finish(raising(error), **settings)


def test_an_interrupt_that_became_an_import_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Native modules raise ImportError if an interrupt hits their import."""
    error = ImportError("initialization failed")
    error.__cause__ = KeyboardInterrupt()
    assert finish(raising(error), extra="train") == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_standard_error_that_is_full() -> None:
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "train.texts", "--data", "nowhere.csv"], cwd=ROOT, stderr=full, check=False
        )
    assert result.returncode == 2


def test_help_that_cannot_be_written() -> None:
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "train", "--help"]
        result = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "error",
    [
        ZeroDivisionError(),
        ModuleNotFoundError("No module named 'export.nothing'", name="export.nothing"),
        ImportError("cannot import name 'nothing' from 'train.run'", name="train.run"),
    ],
)
def test_what_is_no_mistake_of_the_users_is_not_hidden(error: Exception) -> None:
    assert finish(lambda: 7, extra="train") == 7
    with pytest.raises(type(error)):
        finish(raising(error), extra="train")


TABLE = "text,label\n" + "".join(f"{word} film {n},{word}\n" for n in range(30) for word in ("good", "bad"))
# Commands that a mistake ends; `file` is a file, `table.csv` can be trained on, and there is nothing called nowhere.
EARLY = (
    "-m train --data table.csv --out file/run",
    "-m train.suggest --run nowhere --unlabelled table.csv --out to_label.csv",
    "export/to_onnx.py --run nowhere --out bundle",
    "export/to_tflite.py --out file/bundle",
    "export/record_accuracy.py --run nowhere",
    "benchmarks/accuracy.py --run nowhere",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a table and an empty file."""
    (tmp_path / "table.csv").write_text(TABLE)
    (tmp_path / "file").touch()
    return tmp_path


def test_mistakes_are_found_before_tensorflow_is_imported(run_python: Runner, folder: Path) -> None:
    code = f"""
import runpy, sys
for line in {EARLY!r}:
    sys.argv = line.removeprefix("-m ").split()
    try:
        if line.startswith("-m "):
            runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        else:
            runpy.run_path({str(ROOT)!r} + "/" + sys.argv[0], run_name="__main__")
    except SystemExit as stopped:
        print(stopped.code, {{"tensorflow", "keras"}} & set(sys.modules) or "early")
"""
    found = run_python("-c", code, cwd=folder, env={"PYTHONPATH": str(ROOT)})
    assert found.stdout.splitlines() == ["2 early"] * len(EARLY), found.stderr
    assert len(found.stderr.splitlines()) == len(EARLY)


@pytest.mark.skipif(sys.platform != "linux", reason="uses /proc and /sys")
@pytest.mark.parametrize(
    ("place", "parent"), [("/proc/nope", "/proc"), ("/sys/deep/nope", "/sys"), ("file/deep/nope", "file")]
)
@pytest.mark.parametrize("command", ["-m train --data table.csv", "export/to_tflite.py", "export/to_onnx.py --replace"])
def test_places_that_cannot_be_written(
    place: str, parent: str, command: str, run_in_process: Runner, error_line: Callable[[str], str], folder: Path
) -> None:
    result = run_in_process(*command.split(), "--out", place, cwd=folder)
    assert (result.returncode, result.stdout) == (2, "")
    message = f"{folder / place}: cannot write to {folder / parent}: "
    assert error_line(result.stderr).startswith(message)


@pytest.mark.skipif(sys.platform != "linux", reason="needs unshare")
def test_a_full_disk_is_found_early(tmp_path: Path) -> None:
    script = "mount -t tmpfs -o size=32k tmpfs $0 && exec $1 export/to_tflite.py --out $0/bundle"
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, str(tmp_path), sys.executable]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    if "unshare" in result.stderr or "mount" in result.stderr:
        pytest.skip("no file system can be mounted here")
    message = f"error: {tmp_path}/bundle: cannot write to {tmp_path}: No space left on device\n"
    assert (result.returncode, result.stdout, result.stderr) == (2, "", message)


@pytest.mark.parametrize(("output", "code"), [("all", 0), ("progress", 2)])
def test_a_reader_that_has_enough(root: Path, output: str, code: int) -> None:
    script = (
        "import sys; from train.command import finish\n"
        "def work():\n    while True: print('a line')\n"
        "sys.exit(finish(work, extra='train', output_only=sys.argv[1] == 'all'))"
    )
    variables = {**os.environ, "PYTHONPATH": str(root / "runtime")}
    with subprocess.Popen(
        [sys.executable, "-c", script, output], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=variables
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
    assert process.returncode == code
    assert errors == (b"" if code == 0 else b"error: output closed by reader; stopped\n")


@pytest.mark.parametrize("stage", ["train", "export", "benchmarks", "runtime/edgetext"])
def test_one_tree_of_errors(stage: str) -> None:
    """Every class named Error derives from EdgetextError."""
    parents: dict[str, list[str]] = {}
    for path in [*(ROOT / stage).rglob("*.py"), *(ROOT / "runtime" / "edgetext").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                parents[node.name] = [ast.unparse(base).rpartition(".")[2] for base in node.bases]

    def is_ours(name: str) -> bool:
        return name == "EdgetextError" or any(map(is_ours, parents.get(name, [])))

    found = {name for name in parents if name.endswith("Error")}
    assert {name for name in found if not is_ours(name)} == set()
    if stage == "train":
        assert {"DataError", "ReportedError"} <= found
