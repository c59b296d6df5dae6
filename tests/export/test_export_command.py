"""The exporters' command line: recipes, options, output and exit codes."""

from __future__ import annotations

import dataclasses
import json
import platform
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from shlex import quote
from typing import Any

import pytest

from edgetext import Bundle
from edgetext.command.info import print_info
from export.bundles import make_self_test
from export.converters import CONVERTERS, load_converter
from export.options import DEFAULT_BUNDLE, parse
from export.pipeline import next_command
from export.recipes import RECIPES, Recipe
from train.run import Run

Runner = Callable[..., "subprocess.CompletedProcess[str]"]


def names(recipes: Iterable[Recipe]) -> list[str]:
    return [recipe.name for recipe in recipes]


class TestRecipes:
    def test_table(self) -> None:
        assert len({(recipe.engine, recipe.name) for recipe in RECIPES}) == len(RECIPES)
        assert len({recipe.file for recipe in RECIPES}) == len(RECIPES)
        assert {recipe.engine for recipe in RECIPES} == set(CONVERTERS)
        for recipe in RECIPES:
            assert recipe.when
            assert recipe.when_not
            assert all(0 < bound < 0.2 for bound in recipe.tolerance)

    def test_readme(self, root: Path) -> None:
        lines = (root / "export" / "README.md").read_text("utf-8").splitlines()
        for recipe in RECIPES:
            assert any(line.startswith("|") and f"`{recipe.quantisation}`" in line for line in lines)

    def test_default(self) -> None:
        assert names(parse("tflite", "", []).recipes) == ["dynamic_wi8_afp32"]
        assert names(parse("onnx", "", []).recipes) == ["dynamic_wi8"]
        assert names(parse("builtin", "", []).recipes) == ["wi8_afp64"]

    def test_all(self) -> None:
        everything = ["dynamic_wi8_afp32", "static_wi8_ai8", "float16", "float32"]
        assert names(parse("tflite", "", ["--recipe", "all"]).recipes) == everything
        assert names(parse("tflite", "", ["--recipe", "float16", "--recipe", "all"]).recipes) == everything

    def test_text(self) -> None:
        assert names(parse("onnx", "", ["--input", "text"]).recipes) == ["dynamic_wi8_text"]
        assert names(parse("onnx", "", ["--input", "ids"]).recipes) == ["dynamic_wi8"]
        options = ["--input", "text", "--recipe", "float32"]
        assert names(parse("onnx", "", options).recipes) == ["float32_text"]
        with pytest.raises(SystemExit):  # TensorFlow Lite has no operators for strings
            parse("tflite", "", ["--input", "text"])

    @pytest.mark.parametrize("value", ["caf\udce9", "two\nlines"])
    def test_names_that_cannot_be_printed(self, value: str, capsys: pytest.CaptureFixture[str]) -> None:
        for option in ("--author", "--license"):
            with pytest.raises(SystemExit):
                parse("tflite", "", [option, value])
            assert f"{option} contains characters" in capsys.readouterr().err

    def test_named_and_repeated(self) -> None:
        options = ["--recipe", "float32", "--recipe", "float16", "--recipe", "float32"]
        assert names(parse("tflite", "", options).recipes) == ["float16", "float32"]

    @pytest.mark.parametrize(("engine", "name"), [("tflite", "int4"), ("onnx", "float16"), ("tflite", "dynamic_wi8")])
    def test_unknown(self, engine: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as stopped:
            parse(engine, "", ["--recipe", name])
        assert stopped.value.code == 2
        last = capsys.readouterr().err.splitlines()[-1]
        assert f"'{name}'" in last
        assert "float32" in last  # the valid choices


def test_defaults(root: Path) -> None:
    args = parse("tflite", "", [])
    assert args.run == root / "train" / "default"
    assert args.out == root / "runtime" / "edgetext" / "default"


@pytest.mark.parametrize(
    ("engine", "script"), [("builtin", "to_safetensors"), ("tflite", "to_tflite"), ("onnx", "to_onnx"), ("c", "to_c")]
)
def test_help(engine: str, script: str, run_in_process: Runner) -> None:
    result = run_in_process(f"export/{script}.py", "--help")
    assert (result.returncode, result.stderr) == (0, "")
    for recipe in RECIPES:
        listed = any(line.startswith(f"  {recipe.quantisation} ") for line in result.stdout.splitlines())
        assert listed or recipe.engine != engine
    assert f"python export/{script}.py --run runs/mine" in result.stdout


def test_help_needs_no_framework(run_python: Runner) -> None:
    code = (
        "import runpy, sys\nsys.argv = ['export/to_onnx.py', '--help']\n"
        "try: runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "finally: print({'tensorflow', 'onnx', 'numpy'} & set(sys.modules) or 'none of them')"
    )
    assert run_python("-c", code).stdout.splitlines()[-1] == "none of them"


@pytest.mark.slow
def test_a_run_that_fitted_all_its_texts(
    run_copy: Path, export: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is measured on fitted texts is not called held back, in the bundle and in a file of its own."""
    metrics = json.loads((run_copy / "metrics.json").read_text())
    del metrics["test"]
    (run_copy / "metrics.json").write_text(json.dumps({**metrics, "refitted": 600}))
    folder = tmp_path / "bundle"
    assert export("tflite", "--run", run_copy, "--out", folder, "--recipe", "float32") == 0
    (model,) = Bundle.open(folder).models
    assert "on 500 fitted texts" in capsys.readouterr().out
    for path in (folder, folder / model.file):
        print_info(path)
        shown = capsys.readouterr().out
        assert "500 fitted texts" in shown
        assert "held-back" not in shown


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["tflite", "onnx"])
def test_output(engine: str, exported: Any) -> None:
    lines = exported.printed[engine].splitlines()
    assert lines[0] == "imdb-tutorial, compared with Keras on 500 held-back texts"
    recipes = [recipe for recipe in RECIPES if recipe.engine == engine and recipe.input == "ids"]
    for recipe, line in zip(recipes, lines[2:]):
        (record,) = (m.record for m in exported.bundle.models if (m.engine, m.recipe) == (engine, recipe.name))
        agreement = record["agreement"]
        name, size, largest, mean, changed, short, accuracy = line.split()
        assert name == recipe.name
        assert int(size.replace(",", "")) == record["size"] == len(exported.read(engine, recipe.name))
        assert float(largest) == pytest.approx(agreement["max_difference"], rel=0.06)
        assert float(mean) == pytest.approx(agreement["mean_difference"], rel=0.06)
        assert (int(changed), int(short)) == (agreement["labels_changed"], agreement["short_labels_changed"])
        assert accuracy == f"{agreement['accuracy']:.1%}"
    keras, legend, last = lines[2 + len(recipes) : 5 + len(recipes)]
    assert keras.split() == ["Keras", f"{agreement['keras_accuracy']:.1%}"]
    assert legend.startswith("changed: ")
    text = exported.bundle.manifest["self_test"]["text"]
    assert last == f"wrote {exported.folder}; next: python runtime/classify.py --model {exported.folder} {quote(text)}"


@pytest.mark.slow
def test_the_next_command_works(exported: Any, root: Path) -> None:
    *_, last = exported.printed["tflite"].splitlines()
    command = last.partition("next: ")[2].replace("python ", f"{sys.executable} ", 1)
    found = subprocess.run(command, shell=True, cwd=root, capture_output=True, encoding="utf-8", check=True)
    known = exported.bundle.manifest["self_test"]
    label, score, _, text = found.stdout.rstrip("\n").split("\t")
    assert (label, text) == (known["label"], known["text"])
    assert float(score) == pytest.approx(known["score"], abs=0.05)


def test_the_next_command_of_the_default_run(default_run: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    folder = "runtime/edgetext/default"
    line = next_command(DEFAULT_BUNDLE, default_run, RECIPES[0])
    assert line == f'wrote {folder}; next: python runtime/classify.py --model {folder} "great movie"'


def test_the_next_command_of_a_block(default_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    program = Path(f"build/c/edgetext-c-{platform.machine()}")
    command = f'{program} {DEFAULT_BUNDLE}/model.wi8_afp64_small.etx "great movie"'
    assert (
        next_command(DEFAULT_BUNDLE, default_run, RECIPES[-1]) == f"wrote {DEFAULT_BUNDLE}; next: make c && {command}"
    )
    program.parent.mkdir(parents=True)
    program.touch()
    assert next_command(DEFAULT_BUNDLE, default_run, RECIPES[-1]) == f"wrote {DEFAULT_BUNDLE}; next: {command}"


def test_the_text_to_try_can_be_printed(run: Run) -> None:
    """Words contain carriage returns if lines end in them."""
    words = make_self_test(run)["text"].split()
    tokens = tuple(f"{token}\r" if token in words else token for token in run.tokens)
    text = make_self_test(dataclasses.replace(run, tokens=tokens))["text"]
    assert text.isprintable()
    assert not set(words) & set(text.split())


@pytest.mark.parametrize("engine", ["tflite", "onnx"])
def test_interrupted(
    engine: str,
    export: Callable[..., int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupt(*args: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(load_converter(engine), "convert", interrupt)
    assert export(engine, "--out", tmp_path / "bundle") == 130
    assert capsys.readouterr().err == "interrupted: nothing was written\n"
    assert list(tmp_path.iterdir()) == []


def test_not_installed(run_python: Runner, tmp_path: Path, error_line: Callable[[str], str]) -> None:
    # A tf2onnx that cannot be imported stands in for an environment without it.
    (tmp_path / "tf2onnx.py").write_text("raise ModuleNotFoundError('No module named tf2onnx', name='tf2onnx')")
    result = run_python("export/to_onnx.py", "--out", tmp_path / "bundle", env={"PYTHONPATH": str(tmp_path)})
    assert result.returncode == 2
    assert error_line(result.stderr) == "tf2onnx is not installed: pip install -e '.[export]'"
    assert not (tmp_path / "bundle").exists()
