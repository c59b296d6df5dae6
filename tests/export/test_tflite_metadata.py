"""The metadata of a .tflite file, read with TensorFlow Lite's schema classes and zipfile."""

from __future__ import annotations

import hashlib
import io
import json
import random
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tensorflow.lite.python import schema_py_generated as schema

from edgetext import Bundle, Classifier
from edgetext.formats.flatbuffer import Table
from edgetext.formats.tflite import TFLiteFile
from edgetext.keras_imdb import KERAS_IMDB
from edgetext.text import RuleSet, Words
from export.converters import load_converter
from export.converters.model_card import ModelCard
from export.converters.tflite_metadata import vocabulary_file
from export.recipes import RECIPES
from export.tokenizers import check_tokenizer
from train.encoding.expressions import find_delimiter, find_token
from train.run import Run
from train.run_folder import RunError

TFLITE = [pytest.param(recipe.name, id=recipe.name) for recipe in RECIPES if recipe.engine == "tflite"]


def archive(content: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(content))


@pytest.mark.parametrize("name", TFLITE)
def test_the_model_is_whole(name: str, exported: Any) -> None:
    content = exported.read("tflite", name)
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    (entry,) = (entry for entry in model.metadata if entry.name == b"TFLITE_METADATA")
    metadata = bytes(model.buffers[entry.buffer].data)
    assert metadata[4:8] == b"M001"
    root = Table.root(metadata, b"M001")
    assert root.text(0) == "imdb-tutorial"
    assert re.fullmatch(r"0\.1\.0\+[0-9a-f]{12}", root.text(2))
    # Only the default run has an author and a licence of ours.
    assert (root.text(4), root.text(5), root.text(7)) == ("", "", "1.2.1")
    # The converter's metadata are kept.
    assert {b"min_runtime_version", b"CONVERSION_METADATA"} <= {entry.name for entry in model.metadata}


@pytest.mark.parametrize("name", TFLITE)
def test_files(name: str, exported: Any, run: Run) -> None:
    content = exported.read("tflite", name)
    with archive(content) as files:
        assert files.testzip() is None
        assert files.namelist() == ["vocab.txt", "labels.txt", "edgetext.json"]
        for member in files.infolist():
            assert member.compress_type == zipfile.ZIP_STORED  # MediaPipe refuses others
            assert member.date_time == (1980, 1, 1, 0, 0, 0)
        assert files.read("labels.txt") == b"negative\npositive\n"
        record = json.loads(files.read("edgetext.json"))
        begin = min(member.header_offset for member in files.infolist())
    assert (record["model_size"], record["model_sha256"]) == (begin, hashlib.sha256(content[:begin]).hexdigest())
    assert record["preprocessing"] == run.config["preprocessing"]
    (model,) = (m for m in exported.bundle.models if (m.engine, m.recipe) == ("tflite", name))
    assert record["accuracy"]["heldout"] == {"accuracy": model.record["agreement"]["accuracy"], "texts": 500}
    assert f"{model.record['agreement']['accuracy']:.1%}" in record["description"]


def test_vocabulary(exported: Any, run: Run) -> None:
    with archive(exported.read("tflite", "float32")) as files:
        lines = files.read("vocab.txt").decode("utf-8").split("\n")
    assert lines.pop() == ""
    pairs = [line.split(" ") for line in lines]
    assert {len(pair) for pair in pairs} == {2}
    assert not any("\t" in line for line in lines)
    assert [word for word, _ in pairs[:10_000]] == list(run.tokens)
    assert [int(index) for _, index in pairs[:10_000]] == list(range(10_000))
    # They are followed by spellings with capitals, which have the same ids.
    assert len(pairs) > 15_000
    assert len({word for word, _ in pairs}) == len(pairs)
    assert ["Great", pairs[run.tokens.index("great")][1]] in pairs
    for word, index in pairs[10_000:]:
        assert KERAS_IMDB.tokenize(word) == [run.tokens[int(index)]]
        assert word != run.tokens[int(index)]


def test_the_contract_for_ports(root: Path) -> None:
    token = find_token(KERAS_IMDB)
    # The guide to ports describes the tokenisation as one regular expression, after lower-casing A to Z.
    assert f"\n    {token}\n" in (root / "runtime" / "guides" / "porting.md").read_text("utf-8")
    golden = json.loads((root / "tests" / "runtime" / "golden_ids.json").read_text("utf-8"))
    for case in golden["cases"]:
        lower = "".join(chr(ord(char) + 32) if "A" <= char <= "Z" else char for char in case["text"])
        assert re.findall(token, lower) == case["words"]


@pytest.mark.parametrize("rules", [KERAS_IMDB, Words(marks=False), Words(marks=True)])
def test_delimiter_is_the_tokenisation(rules: RuleSet) -> None:
    # With Python's re instead of RE2, which test_examples.py runs.
    split = re.compile(find_delimiter(rules)).split
    for code in (*range(0x3000), *range(0x1F600, 0x1F640)):
        text = f"x{chr(code)}y"
        # What is dropped within a word stays in it, and words of one character are lost.
        words = ["x", "y"] if len(rules.tokenize(text)) > 1 else [text]
        assert [word for word in split(text) if word] == words


@pytest.mark.parametrize("marks", [False, True])
def test_delimiter_and_apostrophes(marks: bool) -> None:
    rules, draw = Words(marks), random.Random(1)
    split = re.compile(find_delimiter(rules)).split
    for _ in range(5000):
        text = "".join(draw.choices("ab'\u2019 .\u201c", k=draw.randrange(9)))
        assert [word.replace("\u2019", "'") for word in split(text) if word] == rules.tokenize(text)


def test_the_same_bytes_again(run: Run, exported: Any) -> None:
    (recipe,) = (recipe for recipe in RECIPES if recipe.file == "model.dynamic_wi8_afp32.tflite")
    (model,) = (m for m in exported.bundle.models if m.file == recipe.file)
    converter = load_converter("tflite")
    content = converter.convert(run, recipe)
    card = ModelCard(run, recipe, model.record["agreement"], "", "", check_tokenizer(run, recipe, content))
    assert converter.add_metadata(content, card) == exported.read("tflite", recipe.name)


def test_author_of_the_shipped_model() -> None:
    (model,) = (model for model in Bundle.open().models if model.engine == "tflite")
    root = TFLiteFile(Bundle.open().read(model)).metadata
    assert (root.text(4), root.text(5)) == ("edgetext", "Apache-2.0")


def test_author_and_license(export: Any, tmp_path: Any) -> None:
    options = ("--author", "Æsop & Co.", "--license", "CC-BY-4.0", "--out", tmp_path / "bundle")
    assert export("tflite", *options) == 0
    root = TFLiteFile((tmp_path / "bundle" / "model.dynamic_wi8_afp32.tflite").read_bytes()).metadata
    assert (root.text(4), root.text(5)) == ("Æsop & Co.", "CC-BY-4.0")
    assert export("onnx", *options) == 0
    import onnx

    properties = onnx.load(tmp_path / "bundle" / "model.dynamic_wi8.onnx").metadata_props
    found = {entry.key: entry.value for entry in properties}
    assert (found["author"], found["license"]) == ("Æsop & Co.", "CC-BY-4.0")


@pytest.mark.parametrize("token", ["two words", "tab\tbed", "line\nend", ""])
def test_a_token_that_mediapipe_cannot_read(token: str, run: Run) -> None:
    import dataclasses

    with pytest.raises(RunError, match="MediaPipe cannot read the token"):
        vocabulary_file(dataclasses.replace(run, tokens=(*run.tokens[:-1], token)), {})


@pytest.mark.parametrize("name", TFLITE)
def test_alone_it_answers_as_in_its_bundle(name: str, exported: Any) -> None:
    texts = ["great movie", "Great MOVIE!", "", "it's a waste of time; \u0130stanbul", "good " * 300 + "awful"]
    whole = Classifier.load(exported.folder, "tflite", recipe=name)
    alone = Classifier.load(exported.folder / f"model.{name}.tflite")
    assert list(map(alone.classify, texts)) == list(map(whole.classify, texts))
    assert alone.model is not None
    assert alone.model.recipe == name
