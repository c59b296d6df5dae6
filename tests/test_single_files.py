"""Single model files, without a bundle, with the command and the real interpreters."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import onnx
import onnxruntime
import pytest
from ai_edge_litert.interpreter import Interpreter

from edgetext import Bundle, BundleError, Classifier, EngineError, engines
from edgetext.bundle import DEFAULT_BUNDLE
from edgetext.formats.tflite import TFLiteFile
from tests.runtime.helpers import FakeEngine

Runner = Callable[..., "subprocess.CompletedProcess[str]"]

FILES = {
    "tflite": Path(DEFAULT_BUNDLE) / "model.dynamic_wi8_afp32.tflite",
    "onnx": Path(DEFAULT_BUNDLE) / "model.dynamic_wi8.onnx",
}
MADE = Path(__file__).parent / "runtime" / "model_maker.tflite"


@pytest.mark.parametrize("engine", FILES)
def test_the_command(engine: str, run_in_process: Runner, tmp_path: Path) -> None:
    file = shutil.copy(FILES[engine], tmp_path)
    for options in ([], ["--engine", engine], ["--recipe", FILES[engine].name.split(".")[1]]):
        alone = run_in_process("runtime/classify.py", "--model", file, *options, "Great MOVIE!", "a dull mess")
        whole = run_in_process("runtime/classify.py", "--engine", engine, "Great MOVIE!", "a dull mess")
        assert (alone.returncode, alone.stdout, alone.stderr) == (0, whole.stdout, "")


@pytest.mark.parametrize("engine", FILES)
def test_what_is_not_in_the_file(engine: str, run_in_process: Runner, error_line: Callable[[str], str]) -> None:
    for options in (["--engine", "builtin"], ["--recipe", "float32"]):
        result = run_in_process("runtime/classify.py", "--model", FILES[engine], *options, "great movie")
        assert result.returncode == 2
        assert f"it has {FILES[engine].name.split('.')[1]} ({engine})" in error_line(result.stderr)


def test_info(run_in_process: Runner) -> None:
    for file in (*FILES.values(), MADE):
        shown = run_in_process("runtime/classify.py", "--model", file, "--info")
        assert (shown.returncode, shown.stderr) == (0, "")
        assert "labels      negative, positive" in shown.stdout
    content = json.loads(run_in_process("runtime/classify.py", "--model", MADE, "--info", "--json").stdout)
    assert content["preprocessing"]["delimiter"] == r"[^\w\']+"


def test_a_file_of_model_makers(run_in_process: Runner) -> None:
    texts = ["a wonderful moving film", "a dull painful mess", "A Dull Painful Mess"]
    result = run_in_process("runtime/classify.py", "--model", MADE, *texts)
    assert result.returncode == 0
    assert [line.split("\t")[0] for line in result.stdout.splitlines()][:2] == ["positive", "negative"]
    (note,) = result.stderr.splitlines()
    assert note.startswith("note: ")
    assert "lower case" in note
    # Batches of any size, although the file's batch size is one.
    classifier = Classifier.load(MADE)
    assert list(classifier.classify_many(texts * 20, 32)) == [classifier.classify(text) for text in texts * 20]


def test_an_interpreter_alone_gives_the_same(tmp_path: Path) -> None:
    """The oracle: a dozen lines with the plain interpreter and the file's own vocabulary."""
    from ai_edge_litert.interpreter import Interpreter

    table = dict(line.split(" ") for line in TFLiteFile(MADE.read_bytes()).files["vocab.txt"].decode().splitlines())
    interpreter = Interpreter(model_path=str(MADE))
    interpreter.allocate_tensors()
    classifier = Classifier.load(MADE)
    for text in ("great movie", "a lovely cast and a clumsy plot", "nothing that it knows: zzz qqq"):
        ids = [int(table["<START>"])] + [int(table.get(word, 2)) for word in text.replace(":", "").split()]
        row = np.array([(ids + [0] * 32)[:32]], dtype=np.int32)
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], row)
        interpreter.invoke()
        wanted = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0].tolist()
        assert list(classifier.classify(text).probabilities.values()) == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("engine", ["tflite", "onnx"])
def test_no_native_library_sees_what_is_damaged(
    engine: str,
    run_in_process: Runner,
    tmp_path: Path,
    error_line: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The error is the same if the library cannot be imported."""
    content = FILES[engine].read_bytes()
    damages = {
        "cut.bin": content[: len(content) // 2],
        "vocabulary.bin": content.replace(b"\ngreat 87\n", b"\ngreat\t87\n").replace(b"\ngreat\n", b"\ngre t\n"),
        "labels.bin": content.replace(b"negative\npositive\n", b"negative\npos\ntive\n").replace(
            b'["negative", "positive"]', b'["negative", "pos", "iv"]'
        ),
        "nothing.bin": b"",
    }
    for name, damaged in damages.items():
        assert damaged != content
        path = tmp_path / f"{name}.{engine}"
        path.write_bytes(damaged)
        here = run_in_process("runtime/classify.py", "--model", path, "great movie")
        with monkeypatch.context() as patch:
            for library in ("numpy", "ai_edge_litert", "tflite_runtime", "tensorflow", "onnxruntime"):
                patch.setitem(sys.modules, library, None)
            without = run_in_process("runtime/classify.py", "--model", path, "great movie")
        for result in (here, without):
            assert (result.returncode, result.stdout) == (2, ""), name
            assert str(path) in error_line(result.stderr)


def test_other_errors(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="not a regular file"):
        Classifier.load("/dev/null")
    with pytest.raises(BundleError, match="no such folder or file"):
        Classifier.load(tmp_path / "nothing.tflite")
    with pytest.raises(EngineError, match="no engine is called"):
        Classifier.load(MADE, "mediapipe")


class TestCrafted:
    """Variants of the fixture that are refused, made with the schema's classes."""

    @staticmethod
    def change(change: Callable[[Any, Any], object], tmp_path: Path) -> Path:
        """Write the fixture with its model changed by ``change(model, graph)``."""
        from tensorflow.lite.python import schema_py_generated as schema

        content = MADE.read_bytes()
        size = TFLiteFile(content).model_size
        model = schema.ModelT.InitFromPackedBuf(content, 0)
        change(model, model.subgraphs[0])
        builder = flatbuffers.Builder(size)
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        target = io.BytesIO()
        target.write(bytes(builder.Output()))
        with zipfile.ZipFile(target, "a") as archive:
            for name, data in TFLiteFile(content).files.items():
                archive.writestr(name, data)
        path = tmp_path / "crafted.tflite"
        path.write_bytes(target.getvalue())
        return path

    def test_unchanged(self, tmp_path: Path) -> None:
        path = self.change(lambda model, graph: None, tmp_path)
        assert Classifier.load(path).classify("great movie") == Classifier.load(MADE).classify("great movie")

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda model, graph: setattr(graph, "outputs", [11, 7]), "outputs, not one of each"),
            (lambda model, graph: setattr(graph, "outputs", [11, 7, 8, 9]), "outputs, not one of each"),
            (lambda model, graph: setattr(graph, "inputs", []), "0 inputs"),
            (lambda model, graph: setattr(graph, "outputs", [999]), "not among its tensors"),
            (lambda model, graph: setattr(graph.tensors[0], "type", 4), "not int32 of shape"),  # int64
            (lambda model, graph: setattr(graph.tensors[0], "shapeSignature", [-1, 4, 8]), "not int32 of shape"),
            (lambda model, graph: setattr(graph.tensors[11], "type", 9), "not float32 of shape"),  # int8
            (lambda model, graph: setattr(graph.tensors[11], "shapeSignature", [-1, 3]), "not float32 of shape"),
            (lambda model, graph: setattr(graph.tensors[4], "shape", [100, 8]), "the model knows 100"),
            (lambda model, graph: model.subgraphs.clear(), "no graph"),
            (lambda model, graph: model.metadata.pop(), "no metadata"),
        ],
    )
    def test_refused_before_the_interpreter(self, change: Any, message: str, tmp_path: Path) -> None:
        path = self.change(change, tmp_path)
        with pytest.raises(BundleError, match=message):
            Bundle.open(path)

    def test_old_files_keep_the_operator_in_another_field(self, tmp_path: Path) -> None:
        def old(model: Any, graph: Any) -> None:
            for code in model.operatorCodes:
                code.deprecatedBuiltinCode, code.builtinCode = code.builtinCode, 0

        assert TFLiteFile(self.change(old, tmp_path).read_bytes()).vocabulary_size == 224

    def test_a_batch_that_is_fixed_at_another_number(self, tmp_path: Path) -> None:
        def fix(model: Any, graph: Any) -> None:
            for tensor in (graph.tensors[0], graph.tensors[11]):
                tensor.shape = [4, tensor.shape[1]]
                tensor.shapeSignature = None

        with pytest.raises(BundleError, match=r"crafted\.tflite: the TFLite model takes 4 texts at a time"):
            Classifier.load(self.change(fix, tmp_path))

    def test_a_model_that_answers_once_to_a_batch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        usual = Classifier.load(MADE)
        engine = FakeEngine(lambda ids: [0.5, 0.5], 2)
        monkeypatch.setattr(engine, "predict", lambda encoded: [[0.5, 0.5]])
        classifier = Classifier(usual.labels, usual.encoder, engine)
        with pytest.raises(BundleError, match="1 answers to 3 texts"):
            list(classifier.classify_many(["great"] * 3))

    @pytest.mark.parametrize("shape", [[1, 512], [4, 512]])
    def test_an_onnx_model_of_a_fixed_batch(self, shape: list[int], tmp_path: Path) -> None:
        model = onnx.load(FILES["onnx"])
        model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = shape[0]
        with pytest.raises(BundleError, match=f"takes {shape[0]} texts at a time"):
            engines.create("onnx", model.SerializeToString(), max_length=512)

    def test_an_id_that_an_onnx_model_does_not_know(self) -> None:
        engine = engines.create("onnx", FILES["onnx"].read_bytes(), max_length=512)
        with pytest.raises(BundleError, match="cannot run the model"):
            engine.predict([[1, 20_000, *[0] * 510]])

    def test_an_onnx_file_that_was_changed(self, tmp_path: Path) -> None:
        model = onnx.load(FILES["onnx"])
        assert model.metadata_props[-1].key == "sha256"
        model.metadata_props[0].value = "2"
        (tmp_path / "changed.onnx").write_bytes(model.SerializeToString())
        with pytest.raises(BundleError, match="damaged or changed"):
            Bundle.open(tmp_path / "changed.onnx")

    def test_a_batch_that_is_fixed_at_one_stays_so(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def fix(model: Any, graph: Any) -> None:
            for tensor in graph.tensors:
                tensor.shapeSignature = None

        classifier = Classifier.load(self.change(fix, tmp_path))
        texts = ["great movie", "a dull mess", ""] * 3
        expected = list(map(Classifier.load(MADE).classify, texts))
        monkeypatch.setattr(Interpreter, "resize_tensor_input", None)  # calling it is an error
        assert list(classifier.classify_many(texts)) == expected

    @pytest.mark.slow
    def test_a_long_text_does_not_widen_its_batch(
        self, tmp_path: Path, run_in_process: Runner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        result = run_in_process("export/to_onnx.py", "--input", "text", "--out", tmp_path / "bundle")
        assert result.returncode == 0, result.stderr
        classifier = Classifier.load(tmp_path / "bundle" / "model.dynamic_wi8_text.onnx")
        words: list[int] = []
        run = onnxruntime.InferenceSession.run

        def spy(session: Any, outputs: Any, feed: dict[str, Any]) -> Any:
            words.append(max(len(text.split()) for text in feed["text"]))
            return run(session, outputs, feed)

        monkeypatch.setattr(onnxruntime.InferenceSession, "run", spy)
        short = list(classifier.classify_many(["great movie", "a dull mess"]))
        mixed = list(classifier.classify_many(["great movie", "dull " * 30_000, "a dull mess"]))
        # All texts of a batch take the memory of the longest, so the graph gets no more words than it can use.
        assert words == [3, 511]
        assert [mixed[0].score, mixed[2].score] == [pytest.approx(one.score, abs=1e-6) for one in short]
