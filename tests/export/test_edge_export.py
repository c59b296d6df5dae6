"""The committed run, of the preset edge: its files opened, and the engines compared with float arithmetic."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from safetensors import safe_open
from safetensors.numpy import load

from edgetext import Bundle, engines
from edgetext.formats.onnx import ONNXFile
from edgetext.formats.tflite import TFLiteFile
from export.converters import load_converter
from export.converters.safetensors import quantize
from export.recipes import RECIPES
from train.models import network
from train.models.choices import MULTIPLIERS, Choices
from train.run import Run

Export = Callable[..., int]
ErrorLine = Callable[[str], str]


@pytest.fixture(scope="module")
def shipped() -> Bundle:
    return Bundle.open()


def read(bundle: Bundle, engine: str) -> bytes:
    (model,) = (model for model in bundle.models if model.engine == engine)
    return bundle.read(model)


def float_probabilities(tensors: dict[str, Any], encoded: Any) -> Any:
    """Compute the network in float64, from the quantised tables and their scales."""
    words = tensors["unigrams"][0].astype(np.float64) * tensors["unigrams.scale"][0]
    pairs = tensors["bigrams"][0].astype(np.float64) * tensors["bigrams.scale"][0]
    first, second = encoded[:, :-1].astype(np.int64), encoded[:, 1:].astype(np.int64)
    buckets = (first * 40503 + second * 30011) % len(pairs)
    is_known = (first != 2) & (second > 2)
    total = (words[encoded] * (encoded > 2)).sum(axis=1) + (pairs[buckets] * is_known).sum(axis=1)
    logits = total * (encoded > 0).sum(axis=1) ** -0.25 + tensors["bias"].astype(np.float64)[0]
    return 1 / (1 + np.exp(-logits))


def heads(run: Run) -> Any:
    """Return the held-back texts, encoded, and their first ten words."""
    return np.concatenate([run.heldout, np.where(np.arange(512) < 11, run.heldout, 0)])


def test_builtin_equals_float_arithmetic(shipped: Bundle, edge_run: Run) -> None:
    content, encoded = read(shipped, "builtin"), heads(edge_run)
    ours = np.array(engines.create("builtin", content, max_length=512).predict(encoded.tolist()))[:, 0]
    np.testing.assert_allclose(ours, float_probabilities(load(content), encoded), atol=1e-6)
    assert np.ptp(ours) > 0.9


def test_engines_agree(shipped: Bundle, edge_run: Run) -> None:
    encoded = heads(edge_run)
    found = {}
    for name in ("builtin", "tflite", "onnx"):
        engine = engines.create(name, read(shipped, name), max_length=512)
        batches = (encoded[start : start + 50].tolist() for start in range(0, len(encoded), 50))
        found[name] = np.concatenate([engine.predict(batch) for batch in batches])[:, -1]
    # TensorFlow Lite quantises like we do; onnxruntime makes uint8 tables with a zero point.
    assert ((found["builtin"] > 0.5) != (found["tflite"] > 0.5)).mean() <= 0.002
    np.testing.assert_allclose(found["builtin"], found["tflite"], atol=1e-4)
    assert ((found["builtin"] > 0.5) != (found["onnx"] > 0.5)).mean() <= 0.02


def test_safetensors_file(shipped: Bundle, tmp_path: Path) -> None:
    content = read(shipped, "builtin")
    (tmp_path / "model.safetensors").write_bytes(content)
    with safe_open(tmp_path / "model.safetensors", framework="numpy") as file:  # the reader of the format's authors
        assert file.metadata() == {
            "format": "edgetext-1",
            "network": "bigrams-2",
            "multipliers": "40503 30011",
            "exponent": "0.25",
            "max_length": "512",
        }
        slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118  # not a mapping
        shapes = {name: (part.get_dtype(), part.get_shape()) for name, part in slices.items()}
    assert shapes == {
        "unigrams": ("I8", [1, 19_900]),
        "bigrams": ("I8", [1, 2**18]),
        **{name: ("F32", [1]) for name in ("unigrams.scale", "bigrams.scale", "bias", "prior")},
    }
    assert load_converter("builtin").summarize(content) == {"tensors": {"f32": 4, "i8": 2}}


def test_tflite_file(shipped: Bundle) -> None:
    content = read(shipped, "tflite")
    assert TFLiteFile(content).model_size <= 330_000
    interpreter = Interpreter(
        model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    )
    interpreter.allocate_tensors()
    (ids,) = interpreter.get_input_details()
    assert (ids["dtype"], ids["shape_signature"].tolist()) == (np.int32, [-1, 512])
    tables = {
        tuple(tensor["shape"]): tensor["dtype"]
        for tensor in interpreter.get_tensor_details()
        if np.prod(tensor["shape"]) in (19_900, 2**18)
    }
    assert tables == {(19_900, 1): np.int8, (2**18, 1): np.int8}
    ops = Counter(operation["op_name"] for operation in interpreter._get_ops_details())
    assert ops["GATHER"] == 2
    assert ops["FLOOR_MOD"] == 1
    assert not {name for name in ops if name.startswith(("Flex", "CUSTOM"))}


def test_onnx_file(shipped: Bundle) -> None:
    model = onnx.load_from_string(read(shipped, "onnx"))
    assert {node.domain for node in model.graph.node} == {""}
    tables = [tensor.data_type for tensor in model.graph.initializer if np.prod(tensor.dims) in (19_900, 2**18)]
    assert sorted(tables) == sorted([onnx.TensorProto.UINT8] * 2) or sorted(tables) == [onnx.TensorProto.INT8] * 2


def carried(shipped: Bundle) -> int:
    """Return the bytes of vocabulary and labels in the model files."""
    tflite, onnx_model = read(shipped, "tflite"), read(shipped, "onnx")
    return len(tflite) - TFLiteFile(tflite).model_size + len(ONNXFile(onnx_model).metadata["vocabulary"].encode())


def test_sizes(shipped: Bundle) -> None:
    size = sum(path.stat().st_size for path in Path(shipped.folder).iterdir())
    assert size - carried(shipped) <= 1_200_000
    assert carried(shipped) <= 560_000


def test_the_engine_that_starts_fastest_is_first(shipped: Bundle) -> None:
    assert [model.engine for model in shipped.models] == ["builtin", "tflite", "onnx"]


@pytest.mark.slow
@pytest.mark.parametrize("script", ["tflite", "onnx"])
def test_every_recipe(script: str, export: Export, default_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    assert export(script, "--run", default_run, "--recipe", "all", "--out", out) == 0
    wanted = [recipe.name for recipe in RECIPES if recipe.engine == script and recipe.input == "ids"]
    assert [model.recipe for model in Bundle.open(out).models] == wanted


def test_a_head_that_scales_is_folded_into_the_tables(export: Export, default_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(default_run, tmp_path / "run"))
    model = keras.saving.load_model(run / "model.keras")
    kernel, bias = model.get_layer("head").get_weights()
    model.get_layer("head").set_weights([0.25 * kernel, bias])
    model.save(run / "model.keras")
    assert export("builtin", "--run", run, "--out", tmp_path / "bundle") == 0
    record = Bundle.open(tmp_path / "bundle").models[0].record["agreement"]
    assert record["max_difference"] < 0.05


def test_a_head_that_adds(edge_run: Run) -> None:
    """With more than two labels each has its own bias."""
    generator = np.random.default_rng(1)
    bias = np.array([-2.0, 1.0, 0.0, 3.0])
    model = network.build_edge(len(edge_run.tokens), 512, Choices(buckets=256), bias, bias / 2)
    for layer in (model.get_layer("unigrams"), model.get_layer("bigrams")):
        shape = layer.get_weights()[0].shape
        table = generator.normal(scale=0.2, size=shape).astype(np.float32)
        table[: 3 if layer.name == "unigrams" else 0] = 0  # what adds nothing
        layer.set_weights([table])
    network_of = {**edge_run.config["network"], "kind": "bigrams-2"}
    run = dataclasses.replace(edge_run, model=model, config={**edge_run.config, "network": network_of})
    content, encoded = load_converter("builtin").convert(run, RECIPES[0]), heads(run)[::20]
    ours = np.array(engines.create("builtin", content, max_length=512).predict(encoded.tolist()))
    np.testing.assert_allclose(ours, model.predict(encoded, verbose=0), atol=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("labels", [2, 3])
def test_trigrams_in_every_engine(labels: int, edge_run: Run) -> None:
    generator = np.random.default_rng(2)
    bias, prior = generator.normal(size=(2, 1 if labels == 2 else labels))
    model = network.build_edge(len(edge_run.tokens), 512, Choices(buckets=2**12, word_ngrams=3), bias, prior)
    for layer in (model.get_layer("unigrams"), model.get_layer("bigrams")):
        table = generator.normal(scale=0.2, size=layer.get_weights()[0].shape)
        table[: 3 if layer.name == "unigrams" else 0] = 0  # what adds nothing
        layer.set_weights([table])
    changed = {"kind": "trigrams", "multipliers": list(MULTIPLIERS), "exponent": 0.25}
    config = {**edge_run.config, "network": changed, "labels": [str(label) for label in range(labels)]}
    run = dataclasses.replace(edge_run, model=model, config=config)
    encoded = heads(run)[::20]
    encoded = np.where((generator.random(encoded.shape) < 0.1) & (encoded > 2), 2, encoded)  # some words are unknown
    wanted = model.predict(encoded, verbose=0)[:, -1]
    found = {}
    for recipe in (recipe for recipe in RECIPES if recipe.input == "ids" and recipe.name != "static_wi8_ai8"):
        content = load_converter(recipe.engine).convert(run, recipe)
        predicted = engines.create(recipe.engine, content, max_length=512).predict(encoded.tolist())
        found[recipe.engine, recipe.name] = content
        difference = np.abs(np.array(predicted)[:, -1] - wanted)
        assert difference.max() < (1e-5 if recipe.name == "float32" else 0.05)
    # The table stands in each file once.
    tables = 4 * (2**12 + len(edge_run.tokens)) * len(bias)
    assert tables < len(found["tflite", "float32"]) < tables + 20_000
    assert tables < len(found["onnx", "float32"]) < tables + 20_000


class TestQuantize:
    def test_against_the_definition(self) -> None:
        table = np.random.default_rng(1).normal(size=(50, 3)).astype(np.float32)
        table[:, 1] = 0
        for axis in (0, 1):
            numbers, scales = quantize(table, axis)
            assert (numbers.dtype, scales.dtype, scales.shape) == (np.int8, np.float32, (table.shape[axis],))
            stretched = scales[:, None] if axis == 0 else scales
            assert np.abs(numbers * stretched - table).max() <= stretched.max() / 2 + 1e-7
            assert np.abs(numbers.astype(int)).max() == 127
            assert (numbers[table == 0] == 0).all()


class TestRefused:
    @pytest.mark.parametrize(
        "change",
        [
            {"kind": "bigrams"},
            {"multipliers": [1], "exponent": "x"},
            [],
            "bigrams",
            {"multipliers": None, "exponent": 1},
        ],
    )
    def test_a_config_without_the_network(
        self,
        change: Any,
        export: Export,
        default_run: Path,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        error_line: ErrorLine,
    ) -> None:
        run = Path(shutil.copytree(default_run, tmp_path / "run"))
        config = json.loads((run / "config.json").read_text("utf-8"))
        (run / "config.json").write_text(json.dumps({**config, "network": change}), encoding="utf-8")
        assert export("builtin", "--run", run, "--out", tmp_path / "bundle") == 2
        assert "not the network of bigrams" in error_line(capsys.readouterr().err)
        assert not (tmp_path / "bundle").exists()

    def test_a_network_of_another_kind(
        self,
        export: Export,
        default_run: Path,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        error_line: ErrorLine,
    ) -> None:
        run = Path(shutil.copytree(default_run, tmp_path / "run"))
        config = json.loads((run / "config.json").read_text("utf-8"))
        del config["network"]
        (run / "config.json").write_text(json.dumps(config), encoding="utf-8")
        assert export("builtin", "--run", run, "--out", tmp_path / "bundle") == 2
        assert "not this network" in error_line(capsys.readouterr().err)
        assert not (tmp_path / "bundle").exists()

    def test_exponent_that_differs_is_found_by_comparing(
        self,
        export: Export,
        default_run: Path,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        error_line: ErrorLine,
    ) -> None:
        run = Path(shutil.copytree(default_run, tmp_path / "run"))
        config = json.loads((run / "config.json").read_text("utf-8"))
        config["network"]["exponent"] = 0.5
        (run / "config.json").write_text(json.dumps(config), encoding="utf-8")
        assert export("builtin", "--run", run, "--out", tmp_path / "bundle") == 1
        assert "mean difference" in error_line(capsys.readouterr().err)
