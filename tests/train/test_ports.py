"""Encoding as MediaPipe and ONNX Runtime do it; tests of the exporters compare it with the programs themselves."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edgetext.encoder import Encoder, Preprocessing
from edgetext.keras_imdb import KERAS_IMDB
from edgetext.text import EMOTICONS, RESERVED, UNKNOWN_ID, RuleSet, Words
from edgetext.vocabulary import Vocabulary
from train.encoding.ports import MEDIAPIPE, ONNX, make_encoder, measure_ports

RULES = [KERAS_IMDB, Words(marks=False), Words(marks=True)]
WORDS = ("a", "ab", "a'b", "b", "d", "d'd", "!", "?", *EMOTICONS, "3", "\u00e9t\u00e9", "\u5f88", "\U0001f60d")


def make(rules: RuleSet, length: int = 8, truncating: str = "post") -> tuple[Vocabulary, Preprocessing]:
    tokenized = [word for word in WORDS if rules.tokenize(word) == [word]]
    return Vocabulary([*RESERVED, *tokenized], rules), Preprocessing(length, truncating, rules)


def test_onnx_has_the_ids_of_ascii() -> None:
    draw = random.Random(1)
    for rules in RULES:
        vocabulary, settings = make(rules)
        own, other = Encoder(vocabulary, settings), make_encoder(ONNX, vocabulary, {}, settings)
        for alphabet in ("abBdD'' :)(;<3!?_.", "".join(map(chr, range(128)))):
            for _ in range(3000):
                text = "".join(draw.choices(alphabet, k=draw.randrange(12)))
                assert other(text) == own.ids(text), (rules, text)


@pytest.mark.parametrize("marks", [False, True])
def test_onnx_beyond_ascii(marks: bool) -> None:
    vocabulary, settings = make(Words(marks))
    own = Encoder(vocabulary, settings)
    other = make_encoder(ONNX, vocabulary, {"\u00c9t\u00e9": vocabulary.ids["\u00e9t\u00e9"]}, settings)
    for text in (
        "\u201cA\u2019b\u201d\u2026b\xa0\u00c9T\u00e9, a\U0001f60d\ufe0f\U0001f60db \u5f88\u5f88a",
        "\u2018a\u2019 ab\uff01\u200db\u2060?\uff1fx\u00ady",
    ):
        assert other(text) == own.ids(text)
    # What is dropped within a word stays in it, and capitals that are not listed are other letters.
    assert other("a\u00adb \u00c9T\u00c9")[1:] == [UNKNOWN_ID] * 2


def test_mediapipe() -> None:
    vocabulary, settings = make(Words(marks=False))
    other = make_encoder(MEDIAPIPE, vocabulary, {"A\u2019b": vocabulary.ids["a'b"]}, settings)
    own = Encoder(vocabulary, settings).ids
    for text in ("\u201cA\u2019b\u201d\u2026 'a'b'' d\u2019''d\ufe0f", "ab'", "'ab", "", "a''b"):
        assert other(text) == own(text)
    assert other("AB \u5f88a b\0 b") == [*own("x a b")]  # capitals are kept, Han letters are lost, NUL is the end


def test_shares() -> None:
    """MediaPipe keeps the first ids whatever the model keeps; only other ids are predicted."""
    vocabulary, settings = make(KERAS_IMDB, 3, "pre")

    def predict(ids: npt.NDArray[np.int32]) -> npt.NDArray[Any]:
        assert len(ids) == 2
        return ids[:, 0]

    found = measure_ports(["a", "a b d d", "A", "b a a"], vocabulary, {"A": vocabulary.ids["a"]}, settings, predict)
    assert found == {"mediapipe": 0.5, "onnx": 0, "texts": 4}
