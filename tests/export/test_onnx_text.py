"""ONNX files that take text: their ids are those of edgetext.text, their answers those of the file that takes ids."""

from __future__ import annotations

import dataclasses
import json
import random
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from edgetext import Bundle, Classifier
from edgetext.encoder import Encoder, Preprocessing
from edgetext.keras_imdb import KERAS_IMDB, KerasIMDB
from edgetext.text import EMOTICONS, RESERVED, RuleSet, Words
from edgetext.vocabulary import Vocabulary
from export.converters.onnx_text_graph import add_text_input
from export.recipes import RECIPES
from train.encoding.ports import ONNX, make_encoder
from train.run import Run
from train.run_folder import RunError

TEXT = [
    pytest.param(recipe.name, id=recipe.name)
    for recipe in RECIPES
    if recipe.engine == "onnx" and recipe.input == "text"
]
GOLDEN, GOLDEN_WORDS = (
    json.loads((Path(__file__).parents[1] / "runtime" / f"golden_{name}.json").read_text("utf-8"))["cases"]
    for name in ("ids", "words")
)
ODD = ["", " ", "\t\n", "!!!", "a" * 3000, "the " * 3000, "x\x00y", "\U0010ffff \ufdd0 \ufffd", "e\u0301 " * 600]


def session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


class Graph:
    """The part of a text graph that returns ids, and the encoder that it is compared with."""

    def __init__(
        self, run: Run, ids_model: bytes, truncating: str, max_length: int, rules: RuleSet = KERAS_IMDB
    ) -> None:
        settings = Preprocessing(max_length, truncating, rules)
        changed = dataclasses.replace(run, preprocessing=settings)
        model = add_text_input(onnx.load_from_string(ids_model), changed)
        # What follows the ids is tested with the exported files.
        kept = []
        for node in model.graph.node:
            kept.append(node)
            if "ids" in node.output:
                break
        del model.graph.node[:], model.graph.output[:]
        model.graph.node.extend(kept)
        model.graph.output.append(helper.make_tensor_value_info("ids", TensorProto.INT32, ["batch", max_length]))
        self.session = session(model)
        self.spellings = run.spellings
        self.encoder = Encoder(Vocabulary(run.tokens, rules), settings)

    @classmethod
    def of_words(cls, run: Run, ids_model: bytes, rules: Words, length: int = 512) -> Graph:
        """The words of the shipped model, as another rule set has them, and others."""
        kept = [token for token in run.tokens[len(RESERVED) :] if rules.tokenize(token) == [token]]
        others = ("!", "?", *EMOTICONS, "\u00e9t\u00e9", "\u5f88", "\U0001f60d")
        tokens = [*RESERVED, *dict.fromkeys([*kept, *(word for word in others if rules.tokenize(word) == [word])])]
        spellings = {"\u00c9t\u00e9": tokens.index("\u00e9t\u00e9"), "Film": tokens.index("film")}
        changed = dataclasses.replace(run, tokens=tuple(tokens), spellings=spellings)
        return cls(changed, ids_model, "post", length, rules)

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        (ids,) = self.session.run(["ids"], {"text": np.array(texts, dtype=object)})
        assert ids.dtype == np.int32
        found: list[list[int]] = ids.tolist()
        return found

    def differing(self, texts: Sequence[str]) -> list[str]:
        return [text for text, row in zip(texts, self.ids(texts)) if row != self.encoder.encode(text)]


@pytest.fixture(scope="module", params=[("post", 512), ("pre", 256), ("post", 8), ("pre", 8), ("pre", 1)], ids=str)
def graph(request: pytest.FixtureRequest, edge_run: Run, exported: Any) -> Graph:
    """The vocabulary of the shipped model, truncated as by both presets, and shorter."""
    return Graph(edge_run, exported.read("onnx", "float32"), *request.param)


def sendable(texts: Sequence[str]) -> list[str]:
    """Return those that can be encoded as UTF-8; see test_lone_surrogates for the others."""
    return [text for text in texts if not any("\ud800" <= char <= "\udfff" for char in text)]


def test_golden_ids(graph: Graph) -> None:
    texts = sendable([case["text"] for case in GOLDEN] + ODD)
    assert len(texts) > 30
    assert graph.differing(texts) == []  # in a batch, of unequal lengths
    for text in texts:
        assert graph.differing([text]) == []


@pytest.mark.slow
def test_every_character(edge_run: Run, exported: Any) -> None:
    graph = Graph(edge_run, exported.read("onnx", "float32"), "post", 8)
    codes = [code for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF]
    for start in range(0, len(codes), 30_000):
        assert graph.differing([f"x{chr(code)}the" for code in codes[start : start + 30_000]]) == []


@pytest.mark.data
@pytest.mark.slow
def test_real_reviews(edge_run: Run, exported: Any, real_env: dict[str, str]) -> None:
    from train.reviews.dataset import load_split

    source = real_env["EDGETEXT_DATA"]
    reviews = [review.text for split in ("train", "test") for review in load_split(split, source)]
    assert len(reviews) == 50_000
    reviews = reviews[::10]
    for truncation in (("post", 512), ("pre", 256)):
        graph = Graph(edge_run, exported.read("onnx", "float32"), *truncation)
        differing = [
            text for start in range(0, len(reviews), 100) for text in graph.differing(reviews[start : start + 100])
        ]
        assert differing == []


@pytest.mark.parametrize("marks", [False, True])
def test_words(marks: bool, edge_run: Run, exported: Any) -> None:
    """Every ASCII text has the same ids; beyond ASCII what is dropped stays in words, and spellings are listed."""
    graph, draw = Graph.of_words(edge_run, exported.read("onnx", "float32"), Words(marks)), random.Random(1)
    golden = [case["text"] for case in GOLDEN_WORDS]
    assert sum(map(str.isascii, golden)) > 80
    assert graph.differing([text for text in golden if text.isascii()]) == []
    for alphabet in ("abBdD'' :)(;<3!?_.", "".join(map(chr, range(128))), "film 'good' it's''Bad :D<3?!.,"):
        assert graph.differing(["".join(draw.choices(alphabet, k=draw.randrange(40))) for _ in range(3000)]) == []
    for texts in (["", ""], [""], ["...", "a film!"], ["the " * 3000, "x"]):
        assert graph.differing(texts) == []
    assert (
        graph.differing(
            [
                "\u201cFilm\u201d\u2026it wasn\u2019t\xa0bad, DON\u2019T\r\n\u2018film\u2019 \u00c9t\u00e9",
                "film\U0001f60d\ufe0f\U0001f60dbad \u5f88\u5f88film\uff01bad\u200bfilm\ufeff film\u2060",
            ]
        )
        == []
    )
    # A word with a soft hyphen and a capital that the spellings lack become unknown words.
    assert len(graph.differing(["fi\u00adlm", "\uff26ilm"])) == 2
    others = [text for text in sendable(golden) if not text.isascii()]
    assert len(graph.differing(others)) < 0.1 * len(others)


@pytest.mark.parametrize("marks", [False, True])
def test_the_expression_means_the_same_in_python(marks: bool, edge_run: Run, exported: Any) -> None:
    """Training measures with Python's re what a graph does."""
    graph, draw = Graph.of_words(edge_run, exported.read("onnx", "float32"), Words(marks)), random.Random(1)
    settings = graph.encoder.preprocessing
    other = make_encoder(ONNX, graph.encoder.vocabulary, graph.spellings, settings)
    chars = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF]
    texts = ["".join(draw.choices(chars, k=20)) for _ in range(3000)]
    texts += ["film".join(draw.choices(chars[:0x3000], k=20)) for _ in range(3000)]
    texts += ["".join(draw.choices("ab'\u2019\u00ad\ufe0f .\u5f88:D!\u00c9", k=20)) for _ in range(3000)]
    texts += sendable([case["text"] for case in GOLDEN_WORDS])
    assert graph.ids(texts) == [(found + [0] * 512)[:512] for found in map(other, texts)]


def test_a_token_with_the_stand_in_for_invalid_utf8(run: Run, exported: Any) -> None:
    odd = dataclasses.replace(run, tokens=(*run.tokens[:-1], "x\U0010ffff"))
    with pytest.raises(RunError, match=r"U\+10FFFF"):
        add_text_input(onnx.load_from_string(exported.read("onnx", "float32")), odd)


def test_a_run_that_lower_cases_all_letters(run: Run, exported: Any) -> None:
    settings = Preprocessing(run.preprocessing.max_length, run.preprocessing.truncating, KerasIMDB("unicode"))
    with pytest.raises(RunError, match=r"lower-cases all letters.* --input ids$"):
        add_text_input(
            onnx.load_from_string(exported.read("onnx", "float32")), dataclasses.replace(run, preprocessing=settings)
        )


@pytest.mark.parametrize("name", TEXT)
class TestFile:
    def test_inputs_and_outputs(self, name: str, exported: Any) -> None:
        model = onnx.load_from_string(exported.read("onnx", name))
        onnx.checker.check_model(model, full_check=True)
        found = session(model)
        assert [(value.name, value.type, value.shape) for value in found.get_inputs()] == [
            ("text", "tensor(string)", ["batch"])
        ]
        assert [(value.name, value.type, value.shape) for value in found.get_outputs()] == [
            ("label", "tensor(string)", ["batch"]),
            ("probabilities", "tensor(float)", ["batch", 2]),
        ]

    def test_operators(self, name: str, exported: Any) -> None:
        model = onnx.load_from_string(exported.read("onnx", name))
        contributed = Counter((node.domain, node.op_type) for node in model.graph.node if node.domain)
        assert contributed == {("com.microsoft", "Tokenizer"): 1, ("ai.onnx.ml", "LabelEncoder"): 1}
        assert {entry.domain: entry.version for entry in model.opset_import} == {
            "": 15,
            "ai.onnx.ml": 2,
            "com.microsoft": 1,
        }
        (lower,) = (node for node in model.graph.node if node.op_type == "StringNormalizer")
        # Other locales are missing on some machines, and lower-case more than ASCII letters.
        assert {a.name: helper.get_attribute_value(a) for a in lower.attribute}["locale"] == b"C"

    def test_metadata(self, name: str, exported: Any, run: Run) -> None:
        model = onnx.load_from_string(exported.read("onnx", name))
        found = {entry.key: entry.value for entry in model.metadata_props}
        assert found["name"] == "imdb-tutorial"
        assert json.loads(found["labels"]) == ["negative", "positive"]
        assert json.loads(found["preprocessing"]) == run.config["preprocessing"]
        (entry,) = (m for m in exported.bundle.models if (m.engine, m.recipe) == ("onnx", name))
        assert json.loads(found["accuracy"])["heldout"]["accuracy"] == entry.record["agreement"]["accuracy"]
        assert "vocabulary" not in found  # it is in the graph

    def test_answers(self, name: str, exported: Any, run: Run) -> None:
        by_ids = Classifier.load(exported.folder, "onnx", recipe=name.removesuffix("_text"))
        by_text = Classifier.load(exported.folder, "onnx", recipe=name)
        alone = Classifier.load(exported.folder / f"model.{name}.onnx")
        texts = sendable([case["text"] for case in GOLDEN] + ODD)
        texts += [Vocabulary(run.tokens).decode(row[1:]) for row in run.heldout[:100].tolist()]
        assert by_text.engine.takes_text
        wanted = list(by_ids.classify_many(texts))
        for classifier in (by_text, alone):
            for found in (list(classifier.classify_many(texts)), [classifier.classify(text) for text in texts]):
                assert [one.label for one in found] == [one.label for one in wanted]
                np.testing.assert_allclose(
                    [one.probabilities["positive"] for one in found],
                    [one.probabilities["positive"] for one in wanted],
                    atol=1e-5,
                )

    def test_answers_of_the_graph_alone(self, name: str, exported: Any) -> None:
        by_ids = Classifier.load(exported.folder, "onnx", recipe=name.removesuffix("_text"))
        texts = sendable([case["text"] for case in GOLDEN] + ODD)
        graph = session(onnx.load_from_string(exported.read("onnx", name)))
        _, found = graph.run(None, {"text": np.array(texts, dtype=object)})
        wanted = [one.probabilities["positive"] for one in by_ids.classify_many(texts)]
        np.testing.assert_allclose(found[:, 1], wanted, atol=1e-5)

    def test_labels_are_those_of_the_probabilities(self, name: str, exported: Any, run: Run) -> None:
        texts = [Vocabulary(run.tokens).decode(row[1:]) for row in run.heldout[:200].tolist()]
        found = session(onnx.load_from_string(exported.read("onnx", name)))
        labels, probabilities = found.run(None, {"text": np.array(texts, dtype=object)})
        assert labels.tolist() == [("negative", "positive")[best] for best in probabilities.argmax(axis=1)]
        assert len(set(labels.tolist())) == 2

    def test_lone_surrogates(self, name: str, exported: Any) -> None:
        # UTF-8 cannot encode them; a word with one is unknown to both.
        text, same = "lone \ud800 great \udc80surrogate", "lone zzzzqqq great zzzzqqq"
        classifier = Classifier.load(exported.folder, "onnx", recipe=name)
        assert classifier.classify(text).probabilities == classifier.classify(same).probabilities

    def test_other_types(self, name: str, exported: Any) -> None:
        classifier = Classifier.load(exported.folder, "onnx", recipe=name)
        for value in (None, b"great", 3):
            with pytest.raises(TypeError):
                classifier.classify(value)  # type: ignore[arg-type]


def test_ids_file_alone(exported: Any) -> None:
    for recipe in RECIPES:
        if recipe.engine == "onnx" and recipe.input == "ids":
            alone = Classifier.load(exported.folder / recipe.file)
            whole = Classifier.load(exported.folder, "onnx", recipe=recipe.name)
            for text in ("great movie", "a waste of \u96fb\u5f71 time", ""):
                assert alone.classify(text) == whole.classify(text)


def test_text_beside_ids(exported: Any) -> None:
    # An engine named without a recipe takes the file of ids.
    bundle = Bundle.open(exported.folder)
    assert Classifier.load(exported.folder, "onnx").engine.takes_text is False
    assert [model.record["input"] for model in bundle.models if model.engine == "onnx"] == ["ids"] * 3 + ["text"] * 3
