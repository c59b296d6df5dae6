"""The command with real engines, and how it reaches a device: as a copied folder and as a wheel."""

from __future__ import annotations

import email
import json
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parent.parent
TFLITE_PYTHON = ROOT / ".venv-tflite" / "bin" / "python"

Runner = Callable[..., "subprocess.CompletedProcess[str]"]


def run(
    *command: str | Path, cwd: Path = ROOT, stdin: str = "", variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **(variables or {})}
    return subprocess.run(
        command, cwd=cwd, input=stdin, env=env, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.mark.parametrize("engine", ["auto", "builtin", "tflite", "onnx"])
def test_great_movie(engine: str, run_in_process: Runner) -> None:
    result = run_in_process("runtime/classify.py", "great movie", "--engine", engine, "--json")
    assert (result.returncode, result.stderr) == (0, "")
    row = json.loads(result.stdout)
    assert row["label"] == "positive"
    assert row["engine"] == ("builtin" if engine == "auto" else engine)
    assert sum(row["probabilities"].values()) == pytest.approx(1)


@pytest.mark.parametrize("engine", ["builtin", "tflite", "onnx"])
def test_in_a_process(engine: str, run_in_process: Runner) -> None:
    """Only the results are printed, even if native libraries write to the terminal."""
    command = ("runtime/classify.py", "great movie", "terrible movie", "--engine", engine)
    result = run(sys.executable, *command)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == run_in_process(*command).stdout


@pytest.mark.parametrize("engine", ["builtin", "tflite", "onnx"])
def test_top_and_threshold(engine: str, run_in_process: Runner) -> None:
    command = ("runtime/classify.py", "great movie", "terrible movie", "--engine", engine)
    plain = [line.split("\t") for line in run_in_process(*command).stdout.splitlines()]
    scores = [float(line[1]) for line in plain]
    assert scores[0] < scores[1]
    result = run_in_process(*command, "--top-k", "5", "--threshold", str(sum(scores) / 2))
    assert (result.returncode, result.stderr) == (0, "")
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert [row[:2] for row in rows] == [["uncertain", plain[0][1]], plain[1][:2]]
    assert [row[2:4] for row in rows] == [row[:2] for row in plain]
    assert [row[4] for row in rows] == ["negative", "positive"]
    assert [row[6:] for row in rows] == [row[2:] for row in plain]


@pytest.mark.parametrize("engine", ["builtin", "tflite", "onnx"])
def test_threads_do_not_change_the_score(engine: str, run_in_process: Runner) -> None:
    command = ("runtime/classify.py", "great movie", "--engine", engine)
    outputs = [run_in_process(*command, "--threads", threads).stdout for threads in ("1", "2")]
    assert outputs[0] == outputs[1] != ""


def test_a_folder_copied_alone(tmp_path: Path) -> None:
    copy = tmp_path / "my runtime"
    shutil.copytree(ROOT / "runtime", copy, ignore=shutil.ignore_patterns("__pycache__"))
    result = run(sys.executable, copy / "classify.py", "great movie", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("positive")


@pytest.mark.parametrize("way", ["PYTHONPATH", "sys.path", "pip"])
def test_a_program_in_another_folder(way: str, tmp_path: Path) -> None:
    """The ways that runtime/guides/python.md describes."""
    copy, program, site = tmp_path / "runtime", tmp_path / "elsewhere" / "program.py", tmp_path / "site"
    shutil.copytree(ROOT / "runtime", copy, ignore=shutil.ignore_patterns("__pycache__"))
    program.parent.mkdir()
    prelude = f"import sys; sys.path.insert(0, {str(copy)!r})\n" if way == "sys.path" else ""
    program.write_text(
        f"{prelude}import edgetext\nprint(edgetext.__file__, edgetext.Classifier.load().classify('great movie').label)"
    )
    if way == "pip":
        pip = (sys.executable, "-m", "pip", "install", "--no-build-isolation", "--no-deps", "--target", site, copy)
        assert run(*pip).returncode == 0
    variables = {"PYTHONPATH": str(copy)} if way == "PYTHONPATH" else {"PYTHONPATH": str(site)} if way == "pip" else {}
    # -S leaves out this environment, where edgetext is installed.
    result = run(sys.executable, "-S", program, cwd=program.parent, variables=variables)
    assert result.stderr == ""
    found, label = result.stdout.split()
    assert (Path(found).parents[1], label) == (site if way == "pip" else copy, "positive")


def test_installing_the_repository_says_where_the_package_is(tmp_path: Path) -> None:
    pip = (sys.executable, "-m", "pip", "install", "--no-build-isolation", "--no-deps", "--target", tmp_path)
    result = run(*pip, ".")
    assert result.returncode != 0
    assert "To install edgetext: pip install ./runtime" in result.stdout + result.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_editable_install_of_the_repository_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hatchling.build import build_editable  # what pip calls

    monkeypatch.chdir(ROOT)
    with zipfile.ZipFile(tmp_path / build_editable(str(tmp_path))) as archive:
        (path,) = (name for name in archive.namelist() if name.endswith(".pth"))
        assert archive.read(path).decode().strip() == str(ROOT / "runtime")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runtime's wheel, built from a copy of its folder alone."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT / "runtime", folder / "runtime", ignore=shutil.ignore_patterns("__pycache__"))
    result = run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", folder, folder / "runtime")
    assert result.returncode == 0, result.stderr
    shutil.rmtree(folder / "runtime")
    (built,) = folder.glob("edgetext-*-py3-none-any.whl")
    return built


def test_wheel_declares_no_dependency(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = archive.read(name).decode()
        names = archive.namelist()
    required = [line for line in metadata.splitlines() if line.startswith("Requires-Dist:")]
    assert all("extra == " in line for line in required)
    assert {"Provides-Extra: tflite", "Provides-Extra: onnx"} <= set(metadata.splitlines())
    assert "edgetext/default/manifest.json" in names
    assert wheel.stat().st_size <= 1_050_000
    assert not [name for name in names if "__pycache__" in name or name.startswith(("classify", "tests"))]


def test_the_long_description_has_no_links_into_the_checkout(wheel: Path) -> None:
    """A package index shows it without the files that are beside the README."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        description = str(email.message_from_bytes(archive.read(name)).get_payload())
    assert "`guides/python.md`" in description
    html = MarkdownIt("commonmark").enable("table").render(description)
    assert [link for link in re.findall('(?:href|src)="([^"]*)"', html) if not link.startswith("http")] == []


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has the wheel and nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    result = run(python, "-m", "pip", "install", "--no-index", "--no-deps", wheel)
    assert result.returncode == 0, result.stderr
    return python


PROGRAM = """\
from collections.abc import Iterator

from edgetext import Bundle, Classifier, Prediction

classifier = Classifier.load("bundle", engine="builtin", threshold=0.5)
prediction: Prediction = classifier.classify("great movie")
several: Iterator[Prediction] = classifier.classify_many(["great", "bad"], batch_size=2)
ranked: list[tuple[str, float]] = prediction.top(2)
label: str = prediction.as_dict()["label"]
labels: list[str] = Bundle.open().labels
"""
WRONG_LINES = [
    'Classifier.load(threads="2")',
    "classifier.classify(None)",
    'classifier.classify_many("great", batch_size="3")',
    "prediction.lable",
    "number: int = prediction.label",
]


def test_types_reach_a_users_program(installed: Path, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM + "\n".join(WRONG_LINES))
    options = ["--strict", "--no-error-summary", "--cache-dir", str(tmp_path), "--config-file", os.devnull]
    result = run(sys.executable, "-m", "mypy", *options, "--python-executable", installed, program, cwd=tmp_path)
    first = PROGRAM.count("\n") + 1
    lines = {int(line.split(":")[1]) for line in result.stdout.splitlines() if ": error: " in line}
    assert lines == set(range(first, first + len(WRONG_LINES))), result.stdout + result.stderr


def test_wheel_in_an_empty_environment(installed: Path, tmp_path: Path) -> None:
    python = installed
    command = python.with_name("edgetext")
    assert run(command, "--version", cwd=tmp_path).stdout.startswith("edgetext ")
    assert "imdb-edge" in run(command, "--info", cwd=tmp_path).stdout
    result = run(command, "great movie", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("positive\t")
    # No interpreter is installed there; the error says how to install one.
    result = run(command, "great movie", "--engine", "tflite", cwd=tmp_path)
    assert result.returncode == 2
    assert f"{python} -m pip install" in result.stderr
    # With the interpreter of this environment it scores.
    site = Path(pytest.__file__).parent.parent
    (next(python.parents[1].glob("lib/python3*/site-packages")) / "borrowed.pth").write_text(f"{site}\n")
    result = run(command, "great movie", "--engine", "tflite", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("positive")


def test_tflite_runtime_with_the_copied_folder() -> None:
    if not TFLITE_PYTHON.exists():
        pytest.skip("no .venv-tflite: `make test` makes it where a Python 3.11 on Linux is found")
    result = run(TFLITE_PYTHON, "runtime/classify.py", "great movie", "--json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["label"] == "positive"


def test_the_bundle_of_the_preset_accurate(run_in_process: Runner) -> None:
    bundle = ROOT / "runtime/bundles/accurate"
    command = ("runtime/classify.py", "--model", bundle)
    assert run_in_process(*command, "--verify").returncode == 0
    lines = run_in_process(*command, "great movie", "a waste of two hours").stdout.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["positive", "negative"]
    assert (bundle / "model.wi8_afp64.safetensors").stat().st_size <= 1_100_000
