"""Every engine with every interpreter that the runtime supports, run on the shipped bundle."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from edgetext import Bundle, BundleError, Classifier, EngineError, engines
from edgetext.bundle import DEFAULT_BUNDLE
from edgetext.encoder import Encoder, Preprocessing
from edgetext.engines import tflite
from edgetext.keras_imdb import KERAS_IMDB
from edgetext.text import RESERVED
from edgetext.vocabulary import Vocabulary
from tests.runtime.helpers import change_behind_crc32, safetensors, write_manifest

ROOT = Path(__file__).resolve().parent.parent
TFLITE_PYTHON = ROOT / ".venv-tflite" / "bin" / "python"
MODELS = [(model.engine, model.recipe) for model in Bundle.open().models]

# Texts of all kinds: long, short, empty, in other scripts.
TEXTS = [
    "great movie",
    "terrible movie",
    "",
    "I loved every minute of it; the cast is wonderful and the end made me cry.",
    "A waste of two hours. The plot is dull, the acting is worse and the jokes are old.",
    "\u6620\u753b caf\u00e9 \U0001f600",
    "the worst film of the year " * 80,
    "one of the best films I have seen, moving and beautiful " * 80,
]


def scores(classifier: Classifier) -> list[float]:
    return [prediction.probabilities["positive"] for prediction in classifier.classify_many(TEXTS)]


@pytest.fixture(scope="module")
def keras_scores() -> list[float]:
    """The reference: the Keras model that was exported, with texts encoded by the bundle."""
    from train.tensorflow_setup import import_tensorflow

    import_tensorflow()
    import keras

    encoder = Classifier.load().encoder
    model = keras.saving.load_model(ROOT / "train" / "default" / "model.keras", compile=False)
    rows = np.array([encoder.encode(text) for text in TEXTS], dtype=np.int32)
    return [float(value) for value in model.predict(rows, verbose=0)[:, 0]]


@pytest.mark.parametrize(("engine", "recipe"), MODELS)
def test_every_model_of_the_shipped_bundle(engine: str, recipe: str, keras_scores: list[float]) -> None:
    classifier = Classifier.load(engine=engine, recipe=recipe)
    assert classifier.engine.name == engine
    assert classifier.model is not None
    assert classifier.model.recipe == recipe
    assert scores(classifier) == pytest.approx(keras_scores, abs=0.05)
    # The chunk size does not change the score.
    alone = [classifier.classify(text).probabilities["positive"] for text in TEXTS]
    assert alone == pytest.approx(scores(classifier), abs=1e-6)


@pytest.mark.parametrize(("engine", "recipe"), MODELS)
def test_all_letters_in_lower_case(engine: str, recipe: str, tmp_path: Path) -> None:
    """The same model files in a bundle with Unicode lower-casing."""
    folder = Path(shutil.copytree(Bundle.open().folder, tmp_path / "bundle"))
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    del manifest["preprocessing"]["marks"]
    manifest["preprocessing"]["tokenizer"] = "keras-imdb"
    write_manifest(folder, manifest)
    usual = Classifier.load(folder, engine, recipe=recipe)
    manifest["preprocessing"]["lowercase"] = "unicode"
    write_manifest(folder, manifest)
    changed = Classifier.load(folder, engine, recipe=recipe)
    for text in ("A CAF\u00c9, A FIANC\u00c9 AND A CLICH\u00c9", "NA\u00cfVE"):
        lowered = usual.classify(text.lower())
        assert changed.classify(text) == lowered == next(changed.classify_many([text]))
        assert usual.classify(text) != lowered
    assert list(changed.classify_many(TEXTS)) == list(usual.classify_many(TEXTS))


@pytest.fixture(scope="module", params=[3, 300])
def same_network(request: pytest.FixtureRequest) -> dict[str, bytes]:
    """The same network for each engine, with many labels: an average, a dense layer and a softmax."""
    from train.tensorflow_setup import import_tensorflow

    import_tensorflow()
    import onnx
    import tensorflow as tf
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(request.param)
    table = rng.integers(-128, 128, (20, 6)).astype(np.int8)
    table[0] = 0  # padding
    kernel, bias = (rng.normal(0, 2, shape).astype(np.float32) for shape in ((6, request.param), (request.param,)))
    scale = np.float32(0.0625)
    embedding = table * scale  # exact

    @tf.function(input_signature=[tf.TensorSpec((None, 8), tf.int32)])
    def infer(ids: Any) -> Any:
        return tf.nn.softmax(tf.reduce_mean(tf.gather(embedding, ids), axis=1) @ kernel + bias)

    converter = tf.lite.TFLiteConverter.from_concrete_functions([infer.get_concrete_function()])
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["table", "ids"], ["found"]),
            helper.make_node("ReduceMean", ["found"], ["mean"], axes=[1], keepdims=0),
            helper.make_node("MatMul", ["mean", "kernel"], ["product"]),
            helper.make_node("Add", ["product", "bias"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["probabilities"]),
        ],
        "average",
        [helper.make_tensor_value_info("ids", TensorProto.INT32, ["batch", 8])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", request.param])],
        [numpy_helper.from_array(v, n) for n, v in (("table", embedding), ("kernel", kernel), ("bias", bias))],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    onnx.checker.check_model(model)
    builtin = safetensors(
        {"format": "edgetext-1", "network": "average", "max_length": "8"},
        {
            "embedding": ("I8", [20, 6], table.ravel().astype(float).tolist()),
            "embedding.scale": ("F32", [6], [float(scale)] * 6),
            "dense.0.kernel": ("F32", list(kernel.shape), kernel.ravel().tolist()),
            "dense.0.bias": ("F32", [len(bias)], bias.tolist()),
        },
    )
    return {"builtin": builtin, "tflite": converter.convert(), "onnx": model.SerializeToString()}


def test_many_classes(same_network: dict[str, bytes]) -> None:
    encoder = Encoder(Vocabulary([*RESERVED, *(f"w{i}" for i in range(16))]), Preprocessing(8, "post", KERAS_IMDB))
    texts = ["", "w1", "w2 w2 w3", "unknown w15 w0 w7 w7 w9 w11 w12 w13"]
    found = {}
    for name, content in same_network.items():
        engine = engines.create(name, content, max_length=8)
        labels = [f"class {place}" for place in range(engine.num_outputs)]
        found[name] = list(Classifier(labels, encoder, engine).classify_many(texts))
    for ours, *others in zip(*found.values()):
        assert sum(ours.probabilities.values()) == pytest.approx(1)
        for other in others:
            assert (other.label, list(other.probabilities)) == (ours.label, list(ours.probabilities))
            assert other.probabilities == pytest.approx(ours.probabilities, abs=1e-5)
            assert [label for label, _ in other.top(3)] == [label for label, _ in ours.top(3)]
    assert len({prediction.label for prediction in found["builtin"]}) > 1


@pytest.mark.parametrize(("engine", "recipe"), MODELS)
def test_sha256_is_compared_before_a_native_library_gets_a_file(engine: str, recipe: str, tmp_path: Path) -> None:
    model = next(model.file for model in Bundle.open().models if model.recipe == recipe)
    for name in ("manifest.json", "vocab.txt", model):
        folder = tmp_path / name
        shutil.copytree(DEFAULT_BUNDLE, folder)
        change_behind_crc32(folder, name)
        if engine == "builtin":  # it compares CRC-32 only
            Classifier.load(folder, engine)
            continue
        with pytest.raises(BundleError, match=f"{name}: its checksum"):
            Classifier.load(folder, engine)
        other = next(file.file for file in Bundle.open().models if file.file != model)
        shutil.rmtree(folder)
        shutil.copytree(DEFAULT_BUNDLE, folder)
        change_behind_crc32(folder, other)
        Classifier.load(folder, engine)


def test_threads_reach_the_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    create = onnxruntime.InferenceSession.__init__

    def spy(session: Any, *arguments: Any, **options: Any) -> None:
        create(session, *arguments, **options)
        made.append(session)

    monkeypatch.setattr(onnxruntime.InferenceSession, "__init__", spy)
    Classifier.load(engine="onnx", threads=2)
    options = made[-1].get_session_options()
    assert options.intra_op_num_threads == 2
    # Settings for small memory and no busy waiting.
    assert not options.enable_cpu_mem_arena
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    from ai_edge_litert import interpreter

    asked: list[int] = []

    class Spy(interpreter.Interpreter):
        def __init__(self, *, num_threads: int, **more: Any) -> None:
            asked.append(num_threads)
            super().__init__(num_threads=num_threads, **more)

    monkeypatch.setattr(interpreter, "Interpreter", Spy)
    Classifier.load(engine="tflite", threads=2)
    assert asked == [2]


def test_auto_takes_the_first_of_the_bundle_and_says_so() -> None:
    classifier = Classifier.load()
    assert classifier.model is not None
    assert (classifier.model.engine, classifier.model.recipe) == MODELS[0]
    assert classifier.classify("great movie").engine == MODELS[0][0]


def test_auto_goes_on_to_the_next_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **more: object) -> None:
        raise EngineError("as planned")

    broken = types.ModuleType("edgetext.engines.builtin")
    broken.BuiltinEngine = fail  # type: ignore[attr-defined]
    for package, _ in tflite.RUNTIMES:
        monkeypatch.setitem(sys.modules, package.replace("-", "_"), None)
    monkeypatch.setattr(tflite, "RUNTIMES", [("absent-package", "absent_package.interpreter")])
    monkeypatch.setitem(sys.modules, "edgetext.engines.builtin", broken)
    assert Classifier.load().classify("great movie").engine == "onnx"
    # An engine that was named is not replaced by another.
    with pytest.raises(EngineError, match="pip install"):
        Classifier.load(engine="tflite")


@pytest.mark.parametrize(("package", "module"), [tflite.RUNTIMES[0], tflite.RUNTIMES[2]])
def test_tflite_from_each_package_here(
    package: str, module: str, monkeypatch: pytest.MonkeyPatch, keras_scores: list[float]
) -> None:
    monkeypatch.setattr(tflite, "RUNTIMES", [(package, module)])
    classifier = Classifier.load(engine="tflite")
    assert classifier.engine.runtime.startswith(f"{package} ")
    assert scores(classifier) == pytest.approx(keras_scores, abs=0.05)


def in_tflite_runtime(code: str, *paths: str) -> Any:
    """Run code with tflite-runtime's Python, and return the JSON that it prints."""
    if not TFLITE_PYTHON.exists():
        pytest.skip("no .venv-tflite: `make test` makes it where a Python 3.11 on Linux is found")
    prelude = f"import sys, json; sys.path[:0] = {[*paths, str(ROOT / 'runtime')]!r}\n"
    result = subprocess.run([TFLITE_PYTHON, "-c", prelude + code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize("recipe", [recipe for engine, recipe in MODELS if engine == "tflite"])
def test_tflite_runtime_in_its_own_environment(recipe: str, keras_scores: list[float]) -> None:
    code = (
        "from edgetext import Classifier\n"
        f"classifier = Classifier.load(engine='tflite', recipe={recipe!r})\n"
        f"values = [p.probabilities['positive'] for p in classifier.classify_many({TEXTS!r})]\n"
        "print(json.dumps([classifier.engine.runtime, values]))"
    )
    runtime, values = in_tflite_runtime(code)
    assert runtime == "tflite-runtime 2.14.0"
    assert values == pytest.approx(keras_scores, abs=0.05)


def test_tflite_runtime_under_numpy_2(tmp_path: Path) -> None:
    """It imports there and then fails; constructing an interpreter shows it, and the message says how to fix it."""
    site = tmp_path / "site"
    # numpy 2 of this environment, in front of numpy 1 of the other; both are for CPython 3.11.
    if sys.version_info[:2] != (3, 11):
        pytest.skip("tflite-runtime has no wheel for this Python, so numpy 2 cannot be borrowed from it")
    site.mkdir()
    packages = Path(np.__file__).parent.parent
    for name in ("numpy", "numpy.libs"):
        (site / name).symlink_to(packages / name)
    code = (
        "import contextlib, io\n"
        "from edgetext import Classifier, EngineError\n"
        "with contextlib.redirect_stderr(io.StringIO()):\n"
        "    try: Classifier.load(engine='tflite')\n"
        "    except EngineError as error: print(json.dumps(str(error)))"
    )
    message = in_tflite_runtime(code, str(site))
    assert "tflite-runtime" in message
    assert "to fix it: " in message
    assert "\n" not in message


def test_a_crashing_onnxruntime_is_refused_before_it_crashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onnxruntime.__version__", "1.21.0")
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    with pytest.raises(EngineError, match=r"1\.21\.0 crashes on this machine.*pip install \"onnxruntime!=1\.21\.0\""):
        Classifier.load(engine="onnx")


@pytest.mark.parametrize("engine", dict(MODELS))
def test_bytes_that_are_no_model(engine: str) -> None:
    bundle = Bundle.open()
    good = next(bundle.read(model) for model in bundle.models if model.engine == engine)
    for content in (b"", b"no model at all", good[: len(good) // 2]):
        with pytest.raises(BundleError) as caught:
            engines.create(engine, content, max_length=256)
        assert "\n" not in str(caught.value)
    with pytest.raises(BundleError, match="128"):
        engines.create(engine, good, max_length=128)


def test_onnxruntime_leaves_no_device_id(tmp_path: Path) -> None:
    code = "from edgetext import Classifier; Classifier.load(engine='onnx').classify('great movie')"
    for value, left in (("0", True), (None, False)):
        home = tmp_path / str(value)
        home.mkdir()
        env = {**os.environ, "HOME": str(home), "PYTHONPATH": str(ROOT / "runtime")}
        for name in ("ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME", "CI"):  # where CI is set it leaves none either
            env.pop(name, None)
        if value is not None:
            if onnxruntime.__version__ != "1.32.0":
                continue  # that it would, if it were allowed to, was seen with this version
            env["ORT_DISABLE_TELEMETRY"] = value
        subprocess.run([sys.executable, "-c", code], env=env, check=True, capture_output=True)
        assert any(home.iterdir()) == left


def test_unknown_engine() -> None:
    with pytest.raises(EngineError, match="there are builtin, tflite, onnx"):
        engines.create("bogus", b"", max_length=256)
