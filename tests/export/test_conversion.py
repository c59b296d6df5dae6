"""Every recipe, converted from a run of the tutorial's network: the files opened, and run by their runtimes."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from onnx import TensorProto
from safetensors.numpy import load

from edgetext import engines
from edgetext.formats.onnx import ONNXFile
from edgetext.formats.tflite import TFLiteFile
from export.converters import load_converter
from export.recipes import RECIPES, Recipe
from train.run import Run

pytestmark = pytest.mark.slow

# Those that take text are in test_onnx_text.py.
WITH_IDS = [recipe for recipe in RECIPES if recipe.input == "ids"]
ALL = [pytest.param(recipe, id=recipe.file) for recipe in WITH_IDS]
TFLITE = [pytest.param(recipe.name, id=recipe.name) for recipe in WITH_IDS if recipe.engine == "tflite"]
ONNX = [pytest.param(recipe.name, id=recipe.name) for recipe in WITH_IDS if recipe.engine == "onnx"]

# The data type of the embedding table, 10,000 x 16.
TABLE = {
    "wi8_afp64": np.int8,
    "dynamic_wi8_afp32": np.int8,
    "static_wi8_ai8": np.int8,
    "dynamic_wi8": np.uint8,
    "float16": np.float16,
    "float32": np.float32,
}
# The largest size of the network, in bytes.
SIZE = {
    "wi8_afp64": 170_000,
    "dynamic_wi8_afp32": 170_000,
    "static_wi8_ai8": 170_000,
    "dynamic_wi8": 170_000,
    "float16": 330_000,
    "float32": 650_000,
}


def open_tflite(content: bytes) -> Any:
    # Without the delegate, which would replace the graph's operations by its own.
    interpreter = Interpreter(
        model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    )
    interpreter.allocate_tensors()
    return interpreter


def initializers(model: onnx.ModelProto) -> dict[str, onnx.TensorProto]:
    return {tensor.name: tensor for tensor in model.graph.initializer}


def score(engine: str, content: bytes, encoded: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
    """Score encoded texts one by one with the runtime alone; for ours, with the arithmetic written again below."""
    if engine == "builtin":
        second = score_float(load(content), encoded)[:, None]
        return np.hstack([1 - second, second])
    if engine == "onnx":
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        outputs = [session.run(["probabilities"], {"ids": row[None]})[0] for row in encoded]
    else:
        # With the default delegate, whose rounding of int8 differs from that of the plain kernels.
        interpreter = Interpreter(model_content=content)
        interpreter.allocate_tensors()
        outputs = []
        for row in encoded:
            interpreter.set_tensor(interpreter.get_input_details()[0]["index"], row[None])
            interpreter.invoke()
            outputs.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
    return np.concatenate(outputs).astype(np.float64)


def score_second(engine: str, content: bytes, encoded: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
    """Return the probabilities of the second label."""
    return np.asarray(score(engine, content, encoded)[:, 1])


def score_float(tensors: dict[str, npt.NDArray[Any]], encoded: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
    """Compute the network in float64, from the quantised tables and their scales."""
    values = {name: tensor.astype(np.float64) for name, tensor in tensors.items()}
    hidden = (values["embedding"] * values["embedding.scale"])[encoded].mean(axis=1)  # (texts, dimensions)
    hidden = np.maximum(hidden @ values["dense.0.kernel"] + values["dense.0.bias"], 0)
    logits = hidden @ values["dense.1.kernel"] + values["dense.1.bias"]
    return np.asarray(1 / (1 + np.exp(-logits[:, 0])))


@pytest.mark.parametrize("recipe", ALL)
def test_size(recipe: Recipe, exported: Any) -> None:
    parameters = 160_289 * np.dtype(TABLE[recipe.name]).itemsize
    content = exported.read(recipe.engine, recipe.name)
    carried = 0  # the vocabulary and whatever else is not the network
    if recipe.engine == "tflite":
        carried = len(content) - TFLiteFile(content).model_size
    elif recipe.engine == "onnx":
        carried = len(ONNXFile(content).metadata["vocabulary"].encode())
    assert parameters < len(content) - carried <= SIZE[recipe.name]
    assert carried < 210_000


class TestTFLite:
    @pytest.mark.parametrize("name", TFLITE)
    def test_input_and_output(self, name: str, exported: Any) -> None:
        interpreter = open_tflite(exported.read("tflite", name))
        (ids,), (output,) = interpreter.get_input_details(), interpreter.get_output_details()
        assert ids["name"] == "serving_default_ids:0"
        assert (ids["dtype"], ids["shape_signature"].tolist()) == (np.int32, [-1, 256])
        assert (output["dtype"], output["shape_signature"].tolist()) == (np.float32, [-1, 2])
        assert ids["quantization"] == output["quantization"] == (0.0, 0)
        assert interpreter.get_signature_list()["serving_default"]["inputs"] == ["ids"]

    @pytest.mark.parametrize("name", TFLITE)
    def test_operations(self, name: str, exported: Any) -> None:
        content = exported.read("tflite", name)
        found = Counter(operation["op_name"] for operation in open_tflite(content)._get_ops_details())
        plain = {"GATHER": 1, "MEAN": 1, "FULLY_CONNECTED": 2, "LOGISTIC": 1}
        assert {operation: found[operation] for operation in plain} == plain
        assert set(found) <= {*plain, "DEQUANTIZE", "QUANTIZE"}
        if name == "float32":
            assert found == plain
        assert load_converter("tflite").summarize(content)["ops"] == found

    @pytest.mark.parametrize("name", TFLITE)
    def test_table(self, name: str, exported: Any) -> None:
        interpreter = open_tflite(exported.read("tflite", name))
        gather = next(o for o in interpreter._get_ops_details() if o["op_name"] == "GATHER")
        tensors = {tensor["index"]: tensor for tensor in interpreter.get_tensor_details()}
        tables = [tensor for tensor in tensors.values() if tensor["shape"].tolist() == [10_000, 16]]
        stored = next(tensor for tensor in tables if tensor["dtype"] is TABLE[name])
        if name == "float16":  # converted to float32 when it is loaded
            (widen,) = (o for o in interpreter._get_ops_details() if stored["index"] in o["inputs"])
            assert (widen["op_name"], widen["outputs"].tolist()) == ("DEQUANTIZE", [gather["inputs"][0]])
            assert len(tables) == 2
        else:
            assert gather["inputs"][0] == stored["index"]
            assert len(tables) == 1

    def test_dynamic_is_quantised_where_it_counts(self, exported: Any) -> None:
        tensors = open_tflite(exported.read("tflite", "dynamic_wi8_afp32")).get_tensor_details()
        (table,) = (tensor for tensor in tensors if tensor["shape"].tolist() == [10_000, 16])
        assert table["quantization"][0] > 0
        assert table["quantization"][1] == 0

    def test_static_computes_in_integers(self, exported: Any) -> None:
        interpreter = open_tflite(exported.read("tflite", "static_wi8_ai8"))
        tensors = {tensor["index"]: tensor for tensor in interpreter.get_tensor_details()}
        (output,) = interpreter.get_output_details()
        for operation in interpreter._get_ops_details():
            kinds = {tensors[index]["dtype"] for index in (*operation["inputs"], *operation["outputs"])}
            if operation["op_name"] == "DEQUANTIZE":
                assert operation["outputs"].tolist() == [output["index"]]
            else:
                assert kinds <= {np.int8, np.int32}, operation["op_name"]

    @pytest.mark.parametrize("name", TFLITE)
    def test_summary_counts_tensors(self, name: str, exported: Any) -> None:
        content = exported.read("tflite", name)
        # The interpreter adds tensors without a name.
        found = Counter(t["dtype"].__name__ for t in open_tflite(content).get_tensor_details() if t["name"])
        assert load_converter("tflite").summarize(content)["tensors"] == found


class TestONNX:
    @pytest.mark.parametrize("name", ONNX)
    def test_input_and_output(self, name: str, exported: Any) -> None:
        model = onnx.load_from_string(exported.read("onnx", name))
        onnx.checker.check_model(model, full_check=True)
        found = {}
        for value in (*model.graph.input, *model.graph.output):
            kind = value.type.tensor_type
            shape = [dim.dim_param or dim.dim_value for dim in kind.shape.dim]
            found[value.name] = (TensorProto.DataType.Name(kind.elem_type), shape)
        assert found == {"ids": ("INT32", ["batch", 256]), "probabilities": ("FLOAT", ["batch", 2])}
        session = onnxruntime.InferenceSession(exported.read("onnx", name), providers=["CPUExecutionProvider"])
        assert [(value.name, value.type, value.shape) for value in session.get_inputs()] == [
            ("ids", "tensor(int32)", ["batch", 256])
        ]

    @pytest.mark.parametrize("name", ONNX)
    def test_version(self, name: str, exported: Any) -> None:
        model = onnx.load_from_string(exported.read("onnx", name))
        # onnxruntime 1.10, of Debian 12 and Ubuntu 22.04's time, reads operations of up to 15 and files of up to 8.
        assert {entry.domain: entry.version for entry in model.opset_import}[""] == 15
        assert model.ir_version <= 8
        assert {node.domain for node in model.graph.node} == {""}  # no contributed operation

    def test_float32_is_plain(self, exported: Any) -> None:
        content = exported.read("onnx", "float32")
        model = onnx.load_from_string(content)
        assert Counter(node.op_type for node in model.graph.node) == {
            "Gather": 1,
            "ReduceMean": 1,
            "MatMul": 2,
            "Add": 2,
            "Relu": 1,
            "Sigmoid": 1,
        }
        assert {tensor.data_type for tensor in model.graph.initializer} == {TensorProto.FLOAT}

    @pytest.mark.parametrize("name", ["dynamic_wi8", "static_wi8_ai8"])
    def test_table_has_eight_bits(self, name: str, exported: Any) -> None:
        model = onnx.load_from_string(exported.read("onnx", name))
        kinds = [tensor.data_type for tensor in model.graph.initializer if list(tensor.dims) == [10_000, 16]]
        assert len(kinds) == 1
        assert kinds[0] in (TensorProto.INT8, TensorProto.UINT8)

    def test_dynamic_quantises_the_table_alone(self, exported: Any) -> None:
        model = onnx.load_from_string(exported.read("onnx", "dynamic_wi8"))
        ops = Counter(node.op_type for node in model.graph.node)
        assert ops["DequantizeLinear"] == 1
        # With these, a text's score would depend on the other texts of its batch.
        assert not set(ops) & {"MatMulInteger", "DynamicQuantizeLinear", "DynamicQuantizeMatMul", "QuantizeLinear"}
        (gather,) = (node for node in model.graph.node if node.op_type == "Gather")
        assert list(initializers(model)[gather.input[0]].dims) == [10_000, 16]
        kinds = {tensor.data_type for tensor in model.graph.initializer if len(tensor.dims) in (1, 2)}
        assert kinds == {TensorProto.FLOAT, initializers(model)[gather.input[0]].data_type}

    def test_static_is_quantised_throughout(self, exported: Any) -> None:
        model = onnx.load_from_string(exported.read("onnx", "static_wi8_ai8"))
        ops = Counter(node.op_type for node in model.graph.node)
        assert ops["QuantizeLinear"] >= 4
        assert ops["DequantizeLinear"] > ops["QuantizeLinear"]
        # Every input of the matrix products is dequantised, the bias from 32 bits; no weight is left in float.
        makers = {name: node for node in model.graph.node for name in node.output}
        products = [node for node in model.graph.node if node.op_type in ("MatMul", "Gemm")]
        assert [node.op_type for node in products] == ["Gemm"] * 2
        for node in products:
            assert [makers[name].op_type for name in node.input] == ["DequantizeLinear"] * 3
            assert initializers(model)[makers[node.input[2]].input[0]].data_type == TensorProto.INT32
        # The probability is not quantised: there would be only 256 of them.
        (sigmoid,) = (node for node in model.graph.node if node.op_type == "Sigmoid")
        assert list(sigmoid.output) == ["probabilities"]
        floats = [tensor for tensor in model.graph.initializer if tensor.data_type == TensorProto.FLOAT]
        assert max(math.prod(tensor.dims) for tensor in floats) == 1  # scales

    @pytest.mark.parametrize("name", ONNX)
    def test_summary(self, name: str, exported: Any) -> None:
        content = exported.read("onnx", name)
        model = onnx.load_from_string(content)
        summary = load_converter("onnx").summarize(content)
        assert summary["ops"] == Counter(node.op_type for node in model.graph.node)
        assert sum(summary["tensors"].values()) == len(model.graph.initializer)


class TestAnswers:
    @pytest.mark.parametrize("recipe", ALL)
    def test_batches(self, recipe: Recipe, exported: Any, keras_answers: dict[str, Any]) -> None:
        content = exported.read(recipe.engine, recipe.name)
        engine = engines.create(recipe.engine, content, max_length=256)
        encoded = np.concatenate([keras_answers["long_ids"][:20], keras_answers["short_ids"][20:32]])
        singles = np.concatenate([engine.predict(encoded[number : number + 1].tolist()) for number in range(32)])
        assert singles.shape == (32, 1 if recipe.engine == "builtin" else 2)
        np.testing.assert_allclose(singles[:, -1], score_second(recipe.engine, content, encoded), atol=1e-6)
        for size in (7, 32, 1, 7):
            answers = [
                row for start in range(0, 32, size) for row in engine.predict(encoded[start : start + size].tolist())
            ]
            np.testing.assert_allclose(answers, singles, atol=1e-6)

    @pytest.mark.parametrize("recipe", ALL)
    def test_against_keras(self, recipe: Recipe, exported: Any, keras_answers: dict[str, Any]) -> None:
        content = exported.read(recipe.engine, recipe.name)
        for kind, encoded in (("long", "long_ids"), ("short", "short_ids")):
            ours, theirs = score_second(recipe.engine, content, keras_answers[encoded]), keras_answers[kind]
            difference = np.abs(ours - theirs)
            tolerance = recipe.tolerance
            assert difference.max() <= tolerance.max_difference
            short = kind == "short"
            assert difference.mean() <= (tolerance.short_mean_difference if short else tolerance.mean_difference)
            # The scores are spread like those of Keras, over many values, and both labels occur.
            assert ours.std() == pytest.approx(theirs.std(), rel=0.2)
            assert len(np.unique(ours)) > 25
            assert 0.2 < (ours > 0.5).mean() < 0.8
            if kind == "long":
                assert ((ours > 0.5) != (theirs > 0.5)).mean() <= tolerance.labels_changed

    @pytest.mark.parametrize("recipe", ALL)
    def test_what_the_manifest_records(
        self, recipe: Recipe, exported: Any, keras_answers: dict[str, Any], run: Run
    ) -> None:
        (model,) = (m for m in exported.bundle.models if (m.engine, m.recipe) == (recipe.engine, recipe.name))
        recorded = model.record["agreement"]
        content = exported.read(recipe.engine, recipe.name)
        assert recorded["texts"] == 500
        for prefix, kind, encoded in (("", "long", "long_ids"), ("short_", "short", "short_ids")):
            both, theirs = score(recipe.engine, content, keras_answers[encoded]), keras_answers[kind]
            ours = both[:, 1]
            difference = np.abs(both - np.stack([1 - theirs, theirs], axis=1)).max(axis=1)
            # Recorded to three digits; the last bits depend on the batch size.
            assert recorded[f"{prefix}max_difference"] == pytest.approx(difference.max(), rel=0.01, abs=5e-7)
            assert recorded[f"{prefix}mean_difference"] == pytest.approx(difference.mean(), rel=0.01, abs=5e-7)
            assert recorded[f"{prefix}labels_changed"] == ((ours > 0.5) != (theirs > 0.5)).sum()
            if kind == "long":
                assert recorded["accuracy"] == round(((ours > 0.5) == run.heldout_targets).mean(), 4)
                assert recorded["keras_accuracy"] == round(((theirs > 0.5) == run.heldout_targets).mean(), 4)
        if recipe.engine != "builtin":
            library = {"tflite": "ai-edge-litert", "onnx": "onnxruntime"}[recipe.engine]
            assert recorded["runtime"] == f"{library} {model.record['versions'][library]}"
            assert model.record["ops"]
        assert model.record["tensors"]

    def test_the_engines_agree(self, exported: Any, keras_answers: dict[str, Any]) -> None:
        encoded = keras_answers["long_ids"][:50]
        one, other = (score_second(engine, exported.read(engine, "float32"), encoded) for engine in ("tflite", "onnx"))
        np.testing.assert_allclose(one, other, atol=2e-6)

    def test_every_id(self, exported: Any, run: Run) -> None:
        # Texts of one id only: no line of the table is missing or moved.
        encoded = np.repeat(np.arange(10_000, dtype=np.int32)[:, None], 256, axis=1)[::7]
        wanted = run.model.predict(encoded, batch_size=256, verbose=0)[:, 0]
        for recipe in WITH_IDS:
            engine = engines.create(recipe.engine, exported.read(recipe.engine, recipe.name), max_length=256)
            found = np.concatenate(
                [engine.predict(encoded[start : start + 100].tolist()) for start in range(0, len(encoded), 100)]
            )
            # Most probabilities of one word are near 0 or 1; a table moved by one line would change half of them.
            bound = {"float32": 1e-6, "float16": 1e-4}.get(recipe.name, 0.02)
            assert np.abs(found[:, -1] - wanted).mean() < bound, recipe.file
