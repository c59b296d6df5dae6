"""Writing bundles: which files are kept, and which are removed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import subprocess
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from edgetext import Bundle
from edgetext.bundle.manifest import describe_file
from export import bundles
from export.bundles import ExportedModel, make_self_test, write_bundle
from export.recipes import RECIPES
from export.scoring import load_classifier
from tests.runtime.helpers import as_version_2, write_manifest
from train.run import Run
from train.run_folder import RunError

Export = Callable[..., int]
ErrorLine = Callable[[str], str]

BY_FILE = {recipe.file: recipe for recipe in RECIPES}


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def manifest(folder: Path) -> Any:
    return json.loads((folder / "manifest.json").read_text("utf-8"))


def entries(folder: Path) -> dict[str, Any]:
    return {record["file"]: record for record in manifest(folder)["models"]}


def check_records(folder: Path) -> None:
    """Check every size and checksum of a manifest, and that the folder has no other files but the card."""
    content = manifest(folder)
    records = [content["vocabulary"], *content["models"]]
    for record in records:
        found = (folder / record["file"]).read_bytes()
        assert (record["size"], record["crc32"]) == (len(found), f"{zlib.crc32(found):08x}")
        assert record["sha256"] == hashlib.sha256(found).hexdigest()
    extras = content.get("extras", {})
    assert extras == {name: f"{zlib.crc32((folder / name).read_bytes()):08x}" for name in extras}
    names = {"manifest.json", "README.md", *extras, *(record["file"] for record in records)}
    assert {path.name for path in folder.iterdir()} == names


def fake(file: str, content: bytes) -> ExportedModel:
    """Return a converted model of any content; writing a bundle does not run it."""
    recipe = BY_FILE[file]
    agreement = {"accuracy": 0.5, "keras_accuracy": 0.5, "texts": 2}
    about = {"engine": recipe.engine, "recipe": recipe.name, "input": recipe.input, "agreement": agreement}
    return ExportedModel(recipe, content, {**about, "note": content.decode()})


def test_the_test_accuracy_of_the_same_bytes_is_kept(run: Run, tmp_path: Path) -> None:
    out, file = tmp_path / "bundle", "model.float32.tflite"
    write_bundle(out, run, [fake(file, b"one")])
    content = manifest(out)
    content["models"][0]["test"] = {"accuracy": 0.5, "texts": 2, "description": "texts"}
    write_manifest(out, content)
    write_bundle(out, run, [fake(file, b"one"), fake("model.float32.onnx", b"one")])
    assert entries(out)[file]["test"]["accuracy"] == 0.5
    assert "test" not in entries(out)["model.float32.onnx"]
    write_bundle(out, run, [fake(file, b"two")])
    assert "test" not in entries(out)[file]


def test_extra_files_are_kept(run: Run, tmp_path: Path) -> None:
    """Those of the run are written, and others stay until the bundle is replaced by another run's."""
    out = tmp_path / "bundle"
    write_bundle(out, dataclasses.replace(run, ngrams=b"a great\n"), [fake("model.float32.tflite", b"one")])
    content = manifest(out)
    (out / "more.txt").write_bytes(b"more")
    content["extras"]["more.txt"] = f"{zlib.crc32(b'more'):08x}"
    write_manifest(out, content)
    write_bundle(out, run, [fake("model.float32.onnx", b"one")])
    check_records(out)
    bundles.record_tests(Bundle.open(out), run, {})
    check_records(out)
    assert [(out / name).read_bytes() for name in manifest(out)["extras"]] == [b"a great\n", b"more"]
    (out / "ngrams.txt").unlink()  # it is replaced
    write_bundle(out, dataclasses.replace(run, ngrams=b"great movie\n"), [fake("model.float32.onnx", b"one")])
    assert (out / "ngrams.txt").read_bytes() == b"great movie\n"
    other = dataclasses.replace(run, model_sha256="0" * 64)
    write_bundle(out, other, [fake("model.float32.onnx", b"one")], "drop")
    check_records(out)
    assert "extras" not in manifest(out)


def test_everything_that_was_exported(exported: Any, run: Run, tutorial_run: Path) -> None:
    check_records(exported.folder)
    content = manifest(exported.folder)
    assert [(record["engine"], record["recipe"]) for record in content["models"]] == [
        (recipe.engine, recipe.name) for recipe in RECIPES
    ]
    assert content["format_version"] == 3
    for name in ("name", "labels", "preprocessing"):
        assert content[name] == run.config[name]
    assert content["run"]["model_sha256"] == hashlib.sha256((tutorial_run / "model.keras").read_bytes()).hexdigest()
    # The metrics of each label stay in the run: a device would read them at every start.
    assert all("classes" in run.metrics[name] for name in ("validation", "test"))
    metrics = {
        name: {key: item for key, item in value.items() if key != "classes"} if isinstance(value, dict) else value
        for name, value in run.metrics.items()
    }
    assert content["run"]["metrics"] == metrics
    assert (exported.folder / "vocab.txt").read_bytes() == (tutorial_run / "vocab.txt").read_bytes()
    for record in content["models"]:
        wanted = {"file", "size", "crc32", "sha256", "engine", "recipe", "input", "tensors", "agreement", "versions"}
        assert set(record) - {"ops", "tokenizer"} == wanted - ({"tensors"} if record["engine"] == "c" else set())
        claims = record["engine"] == "tflite" or (record["engine"], record["input"]) == ("onnx", "text")
        assert ("tokenizer" in record) == claims
        assert ("ops" in record) == (record["engine"] in ("tflite", "onnx"))


def test_every_model_scores(exported: Any) -> None:
    for model in exported.bundle.models:
        classifier = load_classifier(exported.bundle, model)
        assert classifier.classify("a wonderful, wonderful film that I loved; superb and touching").label == "positive"
        assert classifier.classify("an awful, boring mess; the worst waste of time, terrible").label == "negative"


@pytest.mark.slow
@pytest.mark.parametrize("engines", [("tflite", "onnx"), ("onnx", "tflite")])
def test_one_engine_after_the_other(engines: tuple[str, str], export: Export, tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    assert export(engines[0], "--recipe", "float32", "--out", out) == 0
    first_files, first_entries = snapshot(out), entries(out)
    assert list(first_entries) == [f"model.float32.{engines[0]}"]
    assert export(engines[1], "--recipe", "float32", "--out", out) == 0
    check_records(out)
    # In the order of the table, and with the same bytes as before.
    assert list(entries(out)) == ["model.float32.tflite", "model.float32.onnx"]
    assert entries(out)[f"model.float32.{engines[0]}"] == first_entries[f"model.float32.{engines[0]}"]
    after = snapshot(out)
    rewritten = {"manifest.json", "README.md"}
    assert {name: after[name] for name in first_files.keys() - rewritten} == {
        name: content for name, content in first_files.items() if name not in rewritten
    }
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


@pytest.mark.slow
def test_another_run(
    export: Export,
    exported: Any,
    run: Run,
    other_run: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    error_line: ErrorLine,
) -> None:
    """It replaces the bundle only if it is told to, and then the old one is kept."""
    out, previous = tmp_path / "bundle", tmp_path / "bundle.previous"
    shutil.copytree(exported.folder, out)
    before = snapshot(tmp_path)
    options = ("--recipe", "float32", "--run", other_run, "--out", out)
    assert export("onnx", *options) == 2
    line = error_line(capsys.readouterr().err)
    for model in (run.model_sha256, hashlib.sha256((other_run / "model.keras").read_bytes()).hexdigest()):
        assert f"imdb-tutorial (preset tutorial, model {model[:12]})" in line
    assert "--replace" in line
    assert snapshot(tmp_path) == before
    assert export("onnx", "--replace", *options) == 0
    (note,) = capsys.readouterr().err.splitlines()
    assert all(recipe.file in note for recipe in RECIPES)
    assert str(previous) in note
    check_records(out)
    assert list(entries(out)) == ["model.float32.onnx"]
    assert manifest(out)["run"]["model_sha256"] == model
    assert snapshot(previous) == snapshot(exported.folder)
    # A bundle of the same run is added to, not replaced; and one that was kept before makes room.
    assert export("builtin", "--replace", "--run", other_run, "--out", out) == 0
    assert list(entries(out)) == ["model.wi8_afp64.safetensors", "model.float32.onnx"]
    assert snapshot(previous) == snapshot(exported.folder)
    kept = snapshot(out)
    assert export("tflite", "--replace", "--recipe", "float32", "--out", out) == 0
    assert (list(entries(out)), snapshot(previous)) == (["model.float32.tflite"], kept)
    # Something else in that place is not lost.
    (previous / "thesis.txt").write_text("precious")
    before = snapshot(tmp_path)
    assert export("onnx", "--replace", *options) == 2
    assert "thesis.txt" in capsys.readouterr().err.splitlines()[-1]
    assert snapshot(tmp_path) == before


@pytest.mark.slow
def test_another_run_in_the_bundle_that_ships(
    export: Export,
    exported: Any,
    other_run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It replaces the bundle, and no old one is left inside the package."""
    out = tmp_path / "default"
    shutil.copytree(exported.folder, out)
    monkeypatch.setattr("export.options.DEFAULT_BUNDLE", out)
    assert export("builtin", "--run", other_run, "--out", out) == 0
    (note,) = capsys.readouterr().err.splitlines()
    assert all(recipe.file in note for recipe in RECIPES)
    assert "imdb-tutorial (preset tutorial, model " in note
    assert list(entries(out)) == ["model.wi8_afp64.safetensors"]
    assert [path.name for path in tmp_path.iterdir()] == ["default"]


@pytest.mark.slow
def test_three_exporters_at_once(
    run_python: Callable[..., subprocess.CompletedProcess[str]], tutorial_run: Path, tmp_path: Path
) -> None:
    out = tmp_path / "deep" / "bundle"
    scripts = ("safetensors", "tflite", "onnx")
    with ThreadPoolExecutor() as pool:
        options = ("--run", tutorial_run, "--out", out)
        for result in pool.map(lambda name: run_python(f"export/to_{name}.py", *options), scripts):
            assert (result.returncode, result.stderr) == (0, "")
    check_records(out)
    assert sorted(entry["engine"] for entry in entries(out).values()) == ["builtin", "onnx", "tflite"]
    assert [path.name for path in out.parent.iterdir()] == ["bundle"]


class TestWriteBundle:
    """With models of any content."""

    def test_order_of_the_table(self, run: Run, tmp_path: Path) -> None:
        files = list(BY_FILE)
        for number in (3, 12, 6, 10, 0, 5, 1, 11, 9, 7, 4, 8, 2):
            write_bundle(tmp_path / "bundle", run, [fake(files[number], b"%d" % number)])
        assert list(entries(tmp_path / "bundle")) == files
        assert [record["note"] for record in manifest(tmp_path / "bundle")["models"]] == [
            str(number) for number in range(len(files))
        ]
        check_records(tmp_path / "bundle")

    def test_unknown_recipes_come_last(self, run: Run, tmp_path: Path) -> None:
        out = tmp_path / "bundle"
        write_bundle(out, run, [fake("model.float32.onnx", b"1")])
        content = manifest(out)
        content["models"][0].update(engine="another", recipe="from the future", extra=[1])
        write_manifest(out, content)
        assert write_bundle(out, run, [fake("model.float32.tflite", b"2")]) is None
        assert [record["recipe"] for record in manifest(out)["models"]] == ["float32", "from the future"]
        assert manifest(out)["models"][1]["extra"] == [1]

    def test_the_same_recipe_is_replaced(self, run: Run, tmp_path: Path) -> None:
        out = tmp_path / "bundle"
        write_bundle(out, run, [fake("model.float32.onnx", b"old"), fake("model.float32.tflite", b"kept")])
        # A damaged file that is replaced does not matter.
        (out / "model.float32.onnx").write_bytes(b"damaged")
        assert write_bundle(out, run, [fake("model.float32.onnx", b"new")]) is None
        assert [record["note"] for record in manifest(out)["models"]] == ["kept", "new"]
        check_records(out)

    @pytest.mark.parametrize("file", ["model.float32.onnx", "model.float32.tflite"])
    def test_format_version_2_is_upgraded(self, file: str, run: Run, tmp_path: Path) -> None:
        """Whether the file is kept or written again: version 2 has no CRC-32, and counts reviews."""
        out = tmp_path / "bundle"
        write_bundle(out, run, [fake("model.float32.onnx", b"the same")])
        content = manifest(out)
        content["models"][0]["agreement"] = {"reviews": 500, "accuracy": 0.9, "keras_accuracy": 0.9}
        content["models"][0]["test"] = {"accuracy": 0.8, "texts": "test reviews", "reviews": 40}
        write_manifest(out, content)
        as_version_2(out)
        write_bundle(out, run, [fake(file, b"the same")])
        assert manifest(out)["format_version"] == 3
        check_records(out)
        entry = entries(out)["model.float32.onnx"]
        assert entry["test"] == {"accuracy": 0.8, "description": "test reviews", "texts": 40}
        assert entry["agreement"]["texts"] == (500 if file != "model.float32.onnx" else 2)
        assert "reviews" not in entry["agreement"]

    @pytest.mark.parametrize("origin", [None, "a text", [], {}, {"model_sha256": None}, 7])
    def test_of_unknown_origin(self, run: Run, tmp_path: Path, origin: Any) -> None:
        out = tmp_path / "bundle"
        write_bundle(out, run, [fake("model.float32.onnx", b"old")])
        content = manifest(out)
        content["run"] = origin
        write_manifest(out, content)
        with pytest.raises(RunError, match=r"\(preset unknown, model unknown\), not from imdb-tutorial \("):
            write_bundle(out, run, [fake("model.float32.tflite", b"new")])
        replaced = write_bundle(out, run, [fake("model.float32.tflite", b"new")], "drop")
        assert replaced is not None
        assert [model.file for model in replaced.models] == ["model.float32.onnx"]
        assert list(entries(out)) == ["model.float32.tflite"]

    def test_the_same_model_with_other_labels(self, run: Run, tmp_path: Path) -> None:
        """As after labels were renamed; files that were exported before contain the old ones."""
        out = tmp_path / "bundle"
        write_bundle(out, run, [fake("model.float32.onnx", b"old")])
        renamed = dataclasses.replace(run, config={**run.config, "labels": ["bad", "good"]})
        with pytest.raises(RunError, match=r"with other labels than imdb-tutorial \("):
            write_bundle(out, renamed, [fake("model.float32.tflite", b"new")])
        assert write_bundle(out, renamed, [fake("model.float32.tflite", b"new")], "keep") is not None
        assert list(entries(out)) == ["model.float32.tflite"]
        assert list(entries(tmp_path / "bundle.previous")) == ["model.float32.onnx"]

    def test_many_at_once(self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whatever is written while another one works is kept."""
        known = make_self_test(run)
        monkeypatch.setattr(bundles, "make_self_test", lambda run: known)  # Keras is not for threads
        out = tmp_path / "bundle"
        with ThreadPoolExecutor(len(BY_FILE)) as pool:
            list(pool.map(lambda file: write_bundle(out, run, [fake(file, file.encode())]), BY_FILE))
        assert list(entries(out)) == list(BY_FILE)
        check_records(out)
        assert [path.name for path in tmp_path.iterdir()] == ["bundle"]

    def test_two_runs_at_once(self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The second is refused, although there was no bundle when it began."""
        out, other = tmp_path / "bundle", dataclasses.replace(run, model_sha256="0" * 64)

        def write_meanwhile(run: Run) -> dict[str, Any]:
            monkeypatch.undo()
            write_bundle(out, other, [fake("model.float32.tflite", b"first")])
            return make_self_test(run)

        monkeypatch.setattr(bundles, "make_self_test", write_meanwhile)
        with pytest.raises(RunError, match="--replace"):
            write_bundle(out, run, [fake("model.float32.onnx", b"second")])
        assert list(entries(out)) == ["model.float32.tflite"]

    @pytest.mark.parametrize("name", ["model.own.onnx", "model.card.txt", "model.float32.tflite"])
    def test_files_that_the_manifest_does_not_name_are_not_lost(self, name: str, run: Run, tmp_path: Path) -> None:
        out = tmp_path / "bundle"
        write_bundle(out, run, [fake("model.float32.onnx", b"old")])
        (out / name).write_bytes(b"precious")
        before = snapshot(out)
        with pytest.raises(FileExistsError, match=f"'{name}', which would be lost"):
            write_bundle(out, run, [fake("model.float32.onnx", b"new")])
        assert snapshot(out) == before

    def test_a_damaged_previous_bundle_is_not_lost(self, run: Run, tmp_path: Path) -> None:
        """Its manifest does not say which files are its own."""
        out, previous = tmp_path / "bundle", tmp_path / "bundle.previous"
        for folder in (out, previous):
            write_bundle(folder, run, [fake("model.float32.onnx", b"old")])
        (previous / "manifest.json").write_text("{}")
        other = dataclasses.replace(run, model_sha256="0" * 64)
        with pytest.raises(FileExistsError, match=r"model\.float32\.onnx"):
            write_bundle(out, other, [fake("model.float32.onnx", b"new")], "keep")

    def test_a_bundle_that_cannot_be_read_back_is_not_written(
        self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        out = tmp_path / "bundle"
        write_bundle(out, run, [fake("model.float32.onnx", b"old")])
        before = snapshot(out)
        entry = describe_file
        monkeypatch.setattr(
            bundles, "describe_file", lambda name, content: {**entry(name, content), "sha256": "0" * 64}
        )
        with pytest.raises(Exception, match="checksum"):
            write_bundle(out, run, [fake("model.float32.tflite", b"new")])
        assert snapshot(out) == before
        assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


class TestRefused:
    @pytest.mark.parametrize(
        ("name", "change"),
        [
            ("model.float32.onnx", lambda content: content[:1000] + bytes([content[1000] ^ 1]) + content[1001:]),
            ("model.float32.onnx", lambda content: content[:-1]),
            ("model.float32.onnx", lambda content: content + b"!"),
            ("model.float32.onnx", None),
            ("manifest.json", lambda content: content[:-100]),
            ("manifest.json", lambda content: b""),
            ("manifest.json", lambda content: b"[]"),
            ("manifest.json", lambda content: content.replace(b'"format_version": 3', b'"format_version": 1')),
            ("manifest.json", lambda content: content.replace(b'"model.float32.onnx"', b'"../model.float32.onnx"')),
        ],
    )
    def test_a_damaged_bundle(
        self,
        name: str,
        change: Callable[[bytes], bytes] | None,
        export: Export,
        exported: Any,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        error_line: ErrorLine,
    ) -> None:
        out = tmp_path / "bundle"
        shutil.copytree(exported.folder, out)
        if change is None:
            (out / name).unlink()
        else:
            (out / name).write_bytes(change((out / name).read_bytes()))
        before = snapshot(out)
        assert export("tflite", "--recipe", "float32", "--out", out) == 2
        assert str(out / name) in error_line(capsys.readouterr().err)
        assert snapshot(out) == before
        assert [path.name for path in tmp_path.iterdir()] == ["bundle"]

    @pytest.mark.parametrize("kind", ["file", "folder", "run"])
    def test_something_else(
        self,
        kind: str,
        export: Export,
        default_run: Path,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        error_line: ErrorLine,
    ) -> None:
        out = tmp_path / "mine"
        if kind == "file":
            out.write_bytes(b"precious")
        elif kind == "run":
            shutil.copytree(default_run, out)
        else:
            (out / "deep").mkdir(parents=True)
            (out / "deep" / "letter.txt").write_bytes(b"precious")
        before = snapshot(tmp_path)
        assert export("tflite", "--recipe", "float32", "--out", out) == 2
        assert str(out) in error_line(capsys.readouterr().err)
        assert snapshot(tmp_path) == before

    def test_not_a_folder(
        self, export: Export, tmp_path: Path, capsys: pytest.CaptureFixture[str], error_line: ErrorLine
    ) -> None:
        (tmp_path / "file").write_bytes(b"")
        assert export("tflite", "--recipe", "float32", "--out", tmp_path / "file" / "bundle") == 2
        assert str(tmp_path / "file") in error_line(capsys.readouterr().err)
