"""Runs with more than two labels, trained on a table, and exported."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import random
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from benchmarks import interop
from edgetext import Bundle, Classifier
from edgetext.bundle import DEFAULT_BUNDLE
from edgetext.bundle.manifest import ModelFile
from export.command import main as export_command
from export.converters import load_converter
from export.recipes import RECIPES
from export.record_accuracy import main as record_accuracy
from export.scoring import load_classifier
from train import __main__ as train_command
from train.run import load_run

pytestmark = pytest.mark.slow

Runner = Callable[..., "subprocess.CompletedProcess[str]"]
ErrorLine = Callable[[str], str]

ODD = [
    "late, very late",
    "a/b",
    'say "hi"',
    "gr\u00f6\u00dfe \u65e5\u672c",
    "it's so\xadft\u200f \U0001f469\u200d\U0001f467",
    "back\\slash",
]
# The texts are easy, but the tutorial's network needs many steps to learn many labels.
OPTIONS = {
    (3, "edge"): ("--epochs", "5"),
    (6, "tutorial"): ("--epochs", "80", "--batch-size", "8"),
    (300, "edge"): ("--epochs", "4", "--buckets", "512", "--choice", "stronger="),  # one regularisation is tried
    (300, "tutorial"): ("--epochs", "60", "--batch-size", "16", "--max-length", "32"),
}


class Many(NamedTuple):
    """A run, the bundle with its recipes, its labels, and a text for each of them."""

    run: Path
    folder: Path
    labels: list[str]
    texts: list[str]
    preset: str


def write_table(path: Path, count: int) -> tuple[list[str], list[str]]:
    """Write a table with ``count`` labels, each with its own word; return the labels in order, and those words."""
    draw = random.Random(1)
    words = {
        label: f"Word{number}" for number, label in enumerate([*ODD, *(f"topic {n}" for n in range(count))][:count])
    }
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["text", "label"])
        for number in range(10 if count > 50 else 30):
            for label, word in words.items():
                others = [f"and{draw.randrange(90)}" for _ in range(draw.randrange(4))]
                table.writerow([" ".join([word, word.lower(), *others, word, f"n{number}"]), label])
    return sorted(words), [words[label] for label in sorted(words)]


def recipes(engine: str, count: int, preset: str) -> list[str]:
    """Return all recipes but those that may be refused: static ones for 300 labels in the tutorial's network."""
    names = [recipe.quantisation for recipe in RECIPES if recipe.engine == engine and recipe.input == "ids"]
    return [name for name in names if "static" not in name or (count, preset) != (300, "tutorial")]


@pytest.fixture(scope="module", params=OPTIONS, ids=lambda key: f"{key[0]}-{key[1]}")
def many(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Many:
    count, preset = request.param
    parent = tmp_path_factory.mktemp("many")
    labels, words = write_table(parent / "t.csv", count)
    options = ("--data", parent / "t.csv", "--preset", preset, "--out", parent / "run", *OPTIONS[request.param])
    assert train_command.main([str(option) for option in options]) == 0
    for engine, *more in (("builtin",), ("tflite",), ("onnx",), ("onnx", "--input", "text"), ("c",)):
        options = ("--run", parent / "run", "--out", parent / "bundle", *more)
        named = [option for name in recipes(engine, *request.param) for option in ("--recipe", name)]
        assert export_command(engine, "", [str(option) for option in (*options, *named)]) == 0
    return Many(
        parent / "run", parent / "bundle", labels, [f"{word} {word} {word} {word} and1 n1" for word in words], preset
    )


def models(many: Many, engine: str) -> list[ModelFile]:
    return [model for model in Bundle.open(many.folder).models if model.engine == engine]


def test_every_file_knows_the_labels(many: Many) -> None:
    """Each text contains the word of one label, so labels that are mixed up are detected."""
    keras_model = keras.saving.load_model(many.run / "model.keras")
    bundle = Bundle.open(many.folder)
    encode = bundle.encoder().encode
    expected = keras_model.predict(np.array([encode(text) for text in many.texts]), verbose=0)
    right = np.mean(expected.argmax(axis=1) == np.arange(len(many.labels)))
    assert right > 0.95
    names = {engine: recipes(engine, len(many.labels), many.preset) for engine in ("builtin", "tflite", "onnx")}
    assert len(bundle.models) == sum(map(len, names.values())) + len(names["onnx"]) + len(["fast", "small"])
    for model in bundle.models:
        classifier = load_classifier(bundle, model)
        found = list(classifier.classify_many(many.texts))
        assert all(list(prediction.probabilities) == many.labels for prediction in found)
        probabilities = np.array([list(prediction.probabilities.values()) for prediction in found])
        exact = "float32" in model.recipe
        # Static recipes are not exact for sums larger than those of the calibration texts, so only their labels are
        # tested, below.
        if "static" not in model.recipe:
            bound = 1e-5 if exact else 0.15 if "wi8" in model.recipe else 0.004
            np.testing.assert_allclose(probabilities, expected, atol=bound, err_msg=model.recipe)
        assert np.mean(probabilities.argmax(axis=1) == np.arange(len(many.labels))) > (right - 0.001 if exact else 0.9)
        # The output of TensorFlow Lite's static recipe is int8, in steps of 1/256.
        loose = len(many.labels) / 512 if (model.engine, model.recipe) == ("tflite", "static_wi8_ai8") else 1e-5
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=loose)


def large_tables(many: Many) -> set[tuple[int, ...]]:
    """Return the shapes of the tables that TensorFlow Lite quantises; it leaves smaller ones unchanged."""
    layers = keras.saving.load_model(many.run / "model.keras").layers
    shapes = [layer.get_weights()[0].shape for layer in layers if isinstance(layer, keras.layers.Embedding)]
    found = {shape for shape in shapes if np.prod(shape) >= 1024}
    assert found
    return found


def test_tflite_graphs(many: Many) -> None:
    large = large_tables(many)
    for model in models(many, "tflite"):
        content = Bundle.open(many.folder).read(model)
        interpreter = Interpreter(
            model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        )
        interpreter.allocate_tensors()
        (output,) = interpreter.get_output_details()
        assert output["shape_signature"].tolist() == [-1, len(many.labels)]
        found = {(tuple(tensor["shape"]), tensor["dtype"]) for tensor in interpreter.get_tensor_details()}
        wanted = {"float32": np.float32, "float16": np.float16}.get(model.recipe, np.int8)
        assert {(shape, wanted) for shape in large} <= found
        assert wanted != np.int8 or not {(shape, np.float32) for shape in large} & found
        ops = load_converter("tflite").summarize(content)["ops"]
        assert ops["SOFTMAX"] == 1
        assert ("FULLY_CONNECTED" in ops) == (many.preset == "tutorial")


def test_onnx_graphs(many: Many) -> None:
    large, narrow = large_tables(many), {onnx.TensorProto.INT8, onnx.TensorProto.UINT8}
    for model in models(many, "onnx"):
        graph = onnx.load_from_string(Bundle.open(many.folder).read(model)).graph
        (last,) = (node for node in graph.node if "probabilities" in node.output)
        assert last.op_type == "Softmax"  # not a DequantizeLinear, which would leave 256 steps
        ops = {node.op_type for node in graph.node}
        assert bool({"MatMul", "Gemm"} & ops) == (many.preset == "tutorial")
        kinds = {tensor.data_type for tensor in graph.initializer if tuple(tensor.dims) in large}
        assert kinds
        assert kinds <= (narrow if "wi8" in model.recipe else {onnx.TensorProto.FLOAT})


def test_metadata(many: Many) -> None:
    run = load_run(many.run)
    manifest = json.loads((many.folder / "manifest.json").read_text("utf-8"))
    assert (manifest["name"], manifest["labels"]) == (f"t-{many.preset}", many.labels)
    assert "classes" in run.metrics["validation"]
    assert "classes" not in json.dumps(manifest["run"]["metrics"])
    for model in models(many, "tflite"):
        with zipfile.ZipFile(io.BytesIO(Bundle.open(many.folder).read(model))) as files:
            assert files.read("labels.txt").decode().splitlines() == many.labels
            lines = files.read("vocab.txt").decode().split("\n")[:-1]
            record = json.loads(files.read("edgetext.json"))
        assert lines[: len(run.tokens)] == [f"{token} {index}" for index, token in enumerate(run.tokens)]
        assert f"Word1 {run.tokens.index('word1')}" in lines
        assert record["labels"] == many.labels
        # The description names only the first of many labels.
        assert len(record["description"]) < 500
        assert ("300 labels" in record["description"]) == (len(many.labels) == 300)
    for model in models(many, "onnx"):
        session = onnxruntime.InferenceSession(Bundle.open(many.folder).read(model))
        assert json.loads(session.get_modelmeta().custom_metadata_map["labels"]) == many.labels
        if session.get_inputs()[0].type == "tensor(string)":
            found, _ = session.run(["label", "probabilities"], {"text": many.texts})
            assert np.mean(np.array(found) == np.array(many.labels)) > 0.9


def test_files_on_their_own(many: Many) -> None:
    for model in (*models(many, "tflite"), *models(many, "onnx")):
        alone, together = (
            Classifier.load(many.folder / model.file),
            Classifier.load(many.folder, model.engine, recipe=model.recipe),
        )
        texts = many.texts[:40]
        found = [[prediction.as_dict() for prediction in one.classify_many(texts)] for one in (alone, together)]
        assert found[0] == found[1]


def test_recorded_accuracy(
    many: Many, tmp_path: Path, capsys: pytest.CaptureFixture[str], error_line: ErrorLine
) -> None:
    """Measured on the test rows of the table that the run was trained on."""
    options = ["--run", str(many.run), "--out", str(shutil.copytree(many.folder, tmp_path / "bundle"))]
    assert record_accuracy(options) == 2
    assert error_line(capsys.readouterr().err).endswith("name it with --data t.csv")
    assert record_accuracy([*options, "--data", str(many.run.parent / "t.csv")]) == 0
    run = load_run(many.run)
    for model in Bundle.open(tmp_path / "bundle").models:
        test = model.record["test"]
        assert test["description"] == "test rows of t.csv"
        assert test["texts"] == run.metrics["test"]["texts"]
        assert test["accuracy"] + test["drop_points"] / 100 == pytest.approx(run.metrics["test"]["accuracy"], abs=1e-6)


@pytest.mark.parametrize("environment", [".venv-mediapipe", ".venv-mediapipe-0.10.21"])
def test_mediapipe(environment: str, many: Many, root: Path) -> None:
    isolation = interop.isolation()
    if isolation is None or not (root / environment / ".ready").exists():
        pytest.skip(f"needs unshare and {environment}, which `make test` makes")
    python, script = root / environment / "bin" / "python", root / "runtime" / "examples" / "mediapipe_text.py"
    texts = many.texts[:60]
    for model in models(many, "tflite")[:2]:
        command: list[Any] = [*isolation, str(python), str(script), str(many.folder / model.file), *texts]
        result = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=300, check=True)
        found = [line.split("\t") for line in result.stdout.splitlines()]
        expected = list(Classifier.load(many.folder / model.file).classify_many(texts))
        step = 0.04 if model.recipe == "static_wi8_ai8" else 2e-6  # versions differ by steps of int8
        assert [float(score) for _, score, _ in found] == pytest.approx([p.score for p in expected], abs=step)
        if model.recipe != "static_wi8_ai8":
            assert [label for label, *_ in found] == [p.label for p in expected]


def test_commands(many: Many, run_in_process: Runner) -> None:
    def classify(*options: str) -> str:
        result = run_in_process("runtime/classify.py", "--model", many.folder, *options)
        assert (result.returncode, result.stderr) == (0, "")
        return result.stdout

    assert json.loads(classify("--json", many.texts[-1]))["label"] == many.labels[-1]
    info = classify("--info")
    assert "t-" + many.preset in info
    assert ("(300 in all;" in info) == (len(many.labels) == 300)
    assert json.loads(classify("--info", "--json"))["labels"] == many.labels
    engines = json.loads(classify("--doctor", "--json"))["engines"]
    assert all(engines[name]["works"] for name in ("builtin", "tflite", "onnx"))


class TestPaths:
    def test_without_out(self, many: Many, tmp_path: Path, run_in_process: Runner, root: Path) -> None:
        """The bundle is written into the working directory, and the printed command works."""
        folder = tmp_path / "it's mine" / "runs"
        folder.mkdir(parents=True)
        (folder / "a run").symlink_to(many.run)
        before = digest(Path(DEFAULT_BUNDLE))
        script = root / "export" / "to_safetensors.py"
        result = run_in_process(script, "--run", "runs/a run", cwd=folder.parent)
        assert result.returncode == 0, result.stderr
        # A link is followed, so the bundle is named after the run.
        assert [path.name for path in (folder.parent / "bundles").iterdir()] == ["run"]
        assert digest(Path(DEFAULT_BUNDLE)) == before
        spaced = folder.parent / "a 'bundle'"
        result = run_in_process(script, "--run", "runs/a run", "--out", spaced, cwd=folder.parent)
        command = result.stdout.splitlines()[-1].partition("next: ")[2]
        assert "--model 'a '" in command
        assert "great movie" not in command
        typed = command.replace("python runtime/", f"'{sys.executable}' '{root}/runtime/", 1).replace(
            ".py ", ".py' ", 1
        )
        found = subprocess.run(typed, shell=True, cwd=folder.parent, capture_output=True, encoding="utf-8", check=True)
        known = Bundle.open(spaced).manifest["self_test"]
        label, _, _, text = found.stdout.rstrip("\n").split("\t")
        assert (label, text) == (known["label"], known["text"])
        assert label in many.labels


def digest(folder: Path) -> str:
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(folder.iterdir()))).hexdigest()


def test_all_letters_in_lower_case(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], error_line: ErrorLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Capitals outside ASCII give the same words in every engine; ONNX files that take text are refused."""
    monkeypatch.chdir(tmp_path)
    words = {"a": "\u00e9cole", "b": "\u03c4\u03ac\u03be\u03b7", "c": "\u0448\u043a\u043e\u043b\u0430"}
    rows = [
        f"{words[label]} and{number % 7} {words[label].upper()}\t{label}" for label in words for number in range(30)
    ]
    Path("t.tsv").write_text("text\tlabel\n" + "\n".join(rows), encoding="utf-8")
    assert (
        train_command.main(["--data", "t.tsv", "--lowercase", "unicode", "--preset", "tutorial", "--epochs", "40"]) == 0
    )
    for engine in ("builtin", "tflite", "onnx"):
        assert export_command(engine, "", ["--run", "runs/t"]) == 0
    for model in Bundle.open("bundles/t").models:
        single = [] if model.engine == "builtin" else [Classifier.load(f"bundles/t/{model.file}")]
        for classifier in (Classifier.load("bundles/t", model.engine), *single):
            capital, small = ([classifier.classify(f(word)) for word in words.values()] for f in (str.upper, str))
            assert [p.label for p in capital] == list(words)
            assert [p.as_dict() for p in capital] == [p.as_dict() for p in small]
    before = digest(Path("bundles/t"))
    capsys.readouterr()
    assert export_command("onnx", "", ["--run", "runs/t", "--input", "text"]) == 2
    assert re.search(r"runs/t: the run lower-cases all letters.* --input ids$", error_line(capsys.readouterr().err))
    assert digest(Path("bundles/t")) == before
