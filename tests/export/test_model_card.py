"""The README.md of a bundle."""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt

from edgetext import Bundle
from edgetext.command.main import main as classify
from export.bundles import ExportedModel, record_tests, write_bundle
from export.card.readme import make_readme
from export.recipes import RECIPES
from train.run import Run

Export = Callable[..., int]
FILES = {recipe.file: recipe for recipe in RECIPES}
AGREEMENT = {"accuracy": 0.875, "keras_accuracy": 0.9, "texts": 500, "runtime": "edgetext"}


def fake(file: str = "model.wi8_afp64.safetensors", **record: Any) -> ExportedModel:
    """Return a converted model of any content; writing a bundle does not run it."""
    recipe = FILES[file]
    about = {"engine": recipe.engine, "recipe": recipe.name, "input": recipe.input, "agreement": AGREEMENT}
    return ExportedModel(recipe, file.encode(), {**about, **record})


def read(folder: Path) -> tuple[dict[str, Any], str]:
    """Return the front matter and the text of a card."""
    _, front, text = (folder / "README.md").read_text("utf-8").split("---\n", 2)
    return yaml.safe_load(front), text


def result(front: dict[str, Any]) -> dict[str, Any]:
    """Return the metrics of the only result, and check what a model hub needs of it."""
    (model,) = front["model-index"]
    (found,) = model["results"]
    assert model["name"]
    assert found["task"]["type"] == front["pipeline_tag"] == "text-classification"
    assert found["dataset"]["name"]
    assert found["dataset"]["type"]
    return {metric["type"]: metric["value"] for metric in found["metrics"]}


def test_figures_are_those_of_the_shipped_file(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    write_bundle(out, run, [fake(), fake("model.float32.onnx")])
    front, text = read(out)
    assert result(front) == {"accuracy": 0.875}
    assert "87.5%" in text
    assert "| 2.50 points |" in text
    assert "| accuracy | below Keras |" in text  # a column without a value is left out
    tested = {"accuracy": 0.8125, "macro_f1": 0.75, "drop_points": 1.25, "texts": 16, "description": "rows of a_b.csv"}
    record_tests(Bundle.open(out), run, {"model.wi8_afp64.safetensors": tested})
    front, text = read(out)
    assert result(front) == {"accuracy": 0.8125, "f1": 0.75}
    assert "| accuracy | macro F1 | below Keras |" in text
    assert "| 81.25% | 0.750 | 1.25 points | 16 rows of a\\_b.csv |" in text
    assert "| 87.5% |" in text  # of the other file, which was not measured
    assert Bundle.open(out).models[0].record["test"] == tested


def test_what_was_measured_on_fitted_texts_is_no_result(run: Run, tmp_path: Path) -> None:
    write_bundle(tmp_path / "bundle", run, [fake(agreement={**AGREEMENT, "fitted": True})])
    front, text = read(tmp_path / "bundle")
    assert "model-index" not in front
    assert "500 fitted texts" in text


def test_any_label_and_name_shows_as_it_is(run: Run) -> None:
    """Neither in the front matter nor in the text has it an effect."""
    labels = ["<script>alert(1)</script>", "a|b`c", "[x](javascript:alert(1))", "--- #", "“\u0085\u202e$x$ *y*”"]
    name = '"a: b"\n---\n<img src=x onerror=alert(1)>'
    config = {**run.config, "name": name, "data": {"name": name, "rows": {"train": {"a": 7}}}}
    classes = {label: {"precision": 0.5, "recall": 0.1, "f1": 0.2, "texts": 9} for label in labels}
    metrics = {"test": {"accuracy": 0.5, "texts": 45, "classes": classes}}
    manifest = {
        **{"name": name, "labels": labels, "preprocessing": {"tokenizer": "words-1"}, "vocabulary": {"size": 1}},
        "self_test": {"text": "it's"},
        "models": [{"file": "model.x.onnx", "size": 1, **fake("model.dynamic_wi8_text.onnx").record}],
    }
    card = make_readme(dataclasses.replace(run, config=config, metrics=metrics), manifest).decode()
    front = yaml.safe_load(card.split("\n---\n")[0])
    assert front["model-index"][0]["name"] == front["model-index"][0]["results"][0]["dataset"]["name"] == name
    tokens = MarkdownIt("commonmark").enable("table").parse(card.split("\n---\n", 1)[1])
    inner = [child for token in tokens for child in token.children or ()]
    last, *others = [token for token in [*tokens, *inner] if token.type.startswith("html")]
    assert not others
    assert last.content.startswith("<!-- edgetext ")
    assert not [token for token in inner if token.type in ("link_open", "image", "em_open", "strong_open")]
    shown = {"".join(child.content for child in token.children or ()) for token in tokens if token.type == "inline"}
    assert {"<script>alert(1)</script>", "“a|b`c”", "--- #"} <= shown
    assert all(line.count(" | ") == 4 for line in card.splitlines() if line.endswith("| 9 |"))
    assert "45 test texts" in card
    assert "misses more than half" in card


def test_many_labels(run: Run) -> None:
    labels = [f"label {number}" for number in range(300)]
    manifest = {
        **{"name": "many", "labels": labels, "preprocessing": {"tokenizer": "words-1"}, "vocabulary": {"size": 1}},
        **{"self_test": {"text": "a"}, "models": [{"file": "m", "size": 1, **fake().record}]},
    }
    classes = {label: {"precision": 1, "recall": 1, "f1": n / 300, "texts": 9} for n, label in enumerate(labels)}
    metrics = {"test": {"accuracy": 0.5, "texts": 2700, "classes": classes}}
    card = make_readme(dataclasses.replace(run, metrics=metrics), manifest).decode()
    assert "300 labels" in card
    assert "`label 19` |" in card
    assert "label 20" not in card


def test_an_edited_card_is_kept(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "bundle"
    card = out / "README.md"
    write_bundle(out, run, [fake()])
    card.write_bytes(card.read_bytes().replace(b"\n", b"\r\n"))  # as Git does on Windows
    write_bundle(out, run, [fake("model.float32.onnx")])
    assert "model.float32.onnx" in card.read_text("utf-8")
    assert capsys.readouterr().err == ""
    edited = card.read_bytes().replace(b"## Limits", b"## What it cannot do")
    card.write_bytes(edited)
    for write in (
        lambda: write_bundle(out, run, [fake("model.float32.tflite")]),
        lambda: record_tests(Bundle.open(out), run, {}),
    ):
        write()
        assert card.read_bytes() == edited
        (note,) = capsys.readouterr().err.splitlines()
        assert str(card) in note
    card.unlink()
    record_tests(Bundle.open(out), run, {})
    assert "## Limits" in card.read_text("utf-8")


def test_a_licence_is_kept(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    write_bundle(out, run, [fake()])
    assert "license" not in read(out)[0]
    write_bundle(out, run, [fake("model.float32.onnx")], license_='MIT "x": #')
    write_bundle(out, run, [fake("model.float32.tflite")])
    assert read(out)[0]["license"] == 'mit "x": #'


@pytest.mark.slow
def test_another_run_has_another_card(export: Export, exported: Any, other_run: Path, tmp_path: Path) -> None:
    import shutil

    out = tmp_path / "bundle"
    shutil.copytree(exported.folder, out)
    (out / "README.md").write_text("mine", encoding="utf-8")
    assert export("builtin", "--replace", "--run", other_run, "--out", out) == 0
    assert read(out)[0]["library_name"] == "edgetext"
    assert (tmp_path / "bundle.previous" / "README.md").read_text("utf-8") == "mine"


def test_examples_work(exported: Any, capfd: pytest.CaptureFixture[str], root: Path) -> None:
    """Those for Python and the command are run; the others name files that are there."""
    text = (exported.folder / "README.md").read_text("utf-8")
    fences = re.findall(r"```(\w+)\n(.*?)\n```", text, re.DOTALL)
    known = exported.bundle.manifest["self_test"]
    for language, code in fences:
        typed = code.replace("FOLDER", str(exported.folder))
        if language == "python" and "edgetext" in code:
            exec(typed, {})
            assert capfd.readouterr().out.startswith(f"{known['label']} 0.9")
        elif code.startswith("edgetext "):
            assert classify(shlex.split(typed)[1:]) == 0
            assert capfd.readouterr().out.startswith(f"{known['label']}\t0.9")
        elif "onnxruntime" in code:
            exec(typed, {})
            assert known["label"] in capfd.readouterr().out
    assert classify(["--model", str(exported.folder), "--verify"]) == 0
    for engine in ("c", "tflite"):
        named = [model.file for model in exported.bundle.models if model.engine == engine and model.file in text]
        assert any(f"/{file}" in "".join(code for _, code in fences) for file in named)
    assert (root / "runtime" / "web" / "edgetext.mjs").exists()


def test_the_card_of_the_default_bundle_is_current(edge_run: Run, root: Path) -> None:
    folder = root / "runtime" / "edgetext" / "default"
    made = make_readme(edge_run, Bundle.open(folder).manifest, "Apache-2.0")
    assert (folder / "README.md").read_bytes().replace(b"\r\n", b"\n") == made


@pytest.mark.parametrize("name", ["edgetext/default", "bundles/accurate"])
def test_shipped_cards(name: str, root: Path) -> None:
    folder = root / "runtime" / name
    front, text = read(folder)
    record = Bundle.open(folder).models[0].record
    assert result(front)["accuracy"] == record["test"]["accuracy"]
    assert front["license"] == "apache-2.0"
    assert all(model.file in text for model in Bundle.open(folder).models)
