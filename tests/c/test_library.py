"""The C library with blocks of every network, against the engine ``builtin``, which has the same weights."""

from __future__ import annotations

import ctypes
import random
import shutil
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from edgetext import BundleError, Classifier, EngineError
from edgetext.encoder import Encoder, Preprocessing
from edgetext.engines.builtin import BuiltinEngine
from edgetext.formats.etx import LAYOUTS, make_block
from edgetext.keras_imdb import KERAS_IMDB
from edgetext.ngrams import Characters
from edgetext.text import EMOTICONS, RESERVED, RuleSet, Words
from edgetext.vocabulary import Vocabulary
from export.block.library import CEngine, find_compiler, load_library
from tests.runtime.helpers import random_average, random_bigrams, safetensors

CHARACTERS = Characters(2, 4, 32, 40)
MAX_LENGTH = 24
LETTERS = "abcdezABCDEZ\u00e9\u00c9\u0130\u0131\u0436\u0416\u03a3'\u2019\u00ad"
OTHERS = [" ", "  ", "\t", "\n", "\r", "\x00", "\x85", "\u00a0", "-", "...", "!", "?", "\uff01", "<br />", "\ud800"]
ALONE = ["\u96fb", "\u5f71", "\u6620", "\u753b", "\U0001f600", "\U0001f44d\U0001f3fd", "\u0e44", *EMOTICONS]


class Case(NamedTuple):
    """A model: its network, its number of outputs, and how it splits and truncates texts."""

    network: str
    outputs: int
    truncating: str
    rules: RuleSet


CASES = [
    Case(network, outputs, truncating, rules)
    for network in ("bigrams", "bigrams-2", "trigrams", "characters", "trigrams-characters", "average")
    for outputs in (1, 3, 40)
    for truncating in ("pre", "post")
    for rules in (KERAS_IMDB, Words(False), Words(True))
    if not network.endswith("characters") or (truncating == "post" and rules != KERAS_IMDB)
]


def make_word(draw: random.Random) -> str:
    return "".join(draw.choice(LETTERS) for _ in range(draw.choice([1, 2, 3, 5, 8, 9, 12, 13, 16, 40, 300])))


def make_texts(draw: random.Random, words: list[str]) -> list[str]:
    """Make texts of known and unknown words, with everything that may be between them."""
    texts = ["", " ", "\x00", "!?", ":)", words[0], " ".join(words[:200])]
    texts += [f"{words[0]}{chr(code)}{words[1]}" for code in range(128)]
    for _ in range(150):
        parts = []
        for _ in range(draw.choice([1, 3, 10, 40])):
            parts.append(draw.choice([draw.choice(words), make_word(draw), draw.choice(ALONE), draw.choice(words)]))
            parts.append(draw.choice([" ", " ", draw.choice(OTHERS), ""]))
        texts.append("".join(parts))
    return texts


def make_model(case: Case, size: int) -> tuple[Preprocessing, bytes]:
    characters = CHARACTERS if case.network.endswith("characters") else None
    preprocessing = Preprocessing(MAX_LENGTH, case.truncating, case.rules, characters)
    model: Any
    if case.network == "average":
        model = random_average(1, (5, 4, 7, case.outputs), size, MAX_LENGTH)
    else:
        model = random_bigrams(1, case.outputs, size, 256, preprocessing.width, case.network)
        model[0]["exponent"] = {1: "0.25", 3: "1", 40: "0.3"}[case.outputs]
        weights = [91, 92, 93, 94] if case.network == "bigrams" else [0, 0, 0, 0]  # of the reserved tokens
        for index in range(case.outputs):
            model[1]["unigrams"][2][index * size : index * size + len(RESERVED)] = weights
    return preprocessing, safetensors(*model)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{'-'.join(map(str, case[:3]))}-{case.rules}")
def test_answers_are_those_of_the_engine_builtin(case: Case) -> None:
    draw = random.Random(f"{case}")
    found = [make_word(draw) for _ in range(300)] + [*ALONE, "!", "?", "\r", "\x85"]
    words = list(dict.fromkeys(word for text in found for word in case.rules.tokenize(text) if "\ud800" not in word))
    agree(case, words, make_texts(draw, words))


RARE = [Case("trigrams-characters", 3, "post", Words(True)), Case("bigrams-2", 1, "pre", KERAS_IMDB)]


@pytest.mark.parametrize("case", RARE, ids=["characters", "keras-imdb"])
def test_what_random_texts_do_not_have(case: Case) -> None:
    long = "a" * 258  # more than a sorted word can share with the one before
    words = ["great", "a" * 255 + "b", *(long + ending for ending in ("", "b", "bb", "bc", "c", "cab", "cb"))]
    unknown = [word + "d" for word in words] + [word[:-1] + "z" for word in words] + [long[1:]]
    texts = [f"{word} great {word}" for word in (*words, *unknown)]
    texts += [":D :) <3 ;) :( great", ":D", ";)"]  # emoticons that are not known have n-grams as they are written
    texts += [" " * 65535 + "\u96fb\u5f71", " " * 65536 + "\u96fb"]  # the end of what is searched for runs
    agree(case, words, texts)


def test_extreme_logits() -> None:
    """Probabilities down to the least number, and 0."""
    case = Case("bigrams", 40, "post", Words(False))
    preprocessing, _ = make_model(case, len(RESERVED))
    model = random_bigrams(1, case.outputs, len(RESERVED), 256, preprocessing.width, case.network)
    model[1]["bias"][2][:] = [-20.0 * index for index in range(20)] + [-700.0 - 2.5 * index for index in range(20)]
    vocabulary, labels = Vocabulary([*RESERVED], case.rules), [f"label {number}" for number in range(case.outputs)]
    ours = CEngine(make_block(labels, preprocessing, vocabulary, safetensors(*model), "fast")).predict([""])[0]
    engine = BuiltinEngine(safetensors(*model), max_length=preprocessing.width)
    wanted = list(Classifier(labels, Encoder(vocabulary, preprocessing), engine).classify("").probabilities.values())
    np.testing.assert_allclose(ours, wanted, rtol=1e-12, atol=1e-323)
    assert 0 < min(number for number in wanted if number) < 1e-320
    assert min(wanted) == 0


def agree(case: Case, words: list[str], texts: list[str]) -> None:
    """Check that the library's answers are those of the engine builtin, in both layouts."""
    vocabulary = Vocabulary([*RESERVED, *words], case.rules)
    preprocessing, model = make_model(case, len(vocabulary))
    labels = [f"label {number}" for number in range(max(case.outputs, 2))]
    engine = BuiltinEngine(model, max_length=preprocessing.width)
    wanted = list(Classifier(labels, Encoder(vocabulary, preprocessing), engine).classify_many(texts))
    for layout in LAYOUTS:
        ours = CEngine(make_block(labels, preprocessing, vocabulary, model, layout))
        assert ours.labels == labels
        answers = ours.predict(texts)
        expected = [list(prediction.probabilities.values()) for prediction in wanted]
        np.testing.assert_allclose(answers, expected, rtol=1e-12, atol=1e-300)
        assert [labels[max(range(len(row)), key=row.__getitem__)] for row in answers] == [p.label for p in wanted]


def test_a_damaged_block() -> None:
    case = Case("bigrams-2", 1, "post", Words(False))
    vocabulary = Vocabulary([*RESERVED, "great"], case.rules)
    preprocessing, model = make_model(case, len(vocabulary))
    block = make_block(["no", "yes"], preprocessing, vocabulary, model, "fast")
    for content, reason in (
        (b"no block", "not a model"),
        (block[:-1], "cut off"),
        (block + b"\0", "followed by other bytes"),
        (block + block, "followed by other bytes"),
        (block[:-1] + bytes([block[-1] ^ 1]), "checksum differs"),
    ):
        with pytest.raises(BundleError, match=f"^engine c refuses the model: .*{reason}"):
            CEngine(content)


def test_a_label_that_is_not_there() -> None:
    case = Case("bigrams-2", 1, "post", Words(False))
    preprocessing, content = make_model(case, len(RESERVED))
    block = make_block(["no", "yes"], preprocessing, Vocabulary([*RESERVED], case.rules), content, "fast")
    library = load_library()
    model = ctypes.create_string_buffer(ctypes.c_size_t.in_dll(library, "model_bytes").value)
    assert library.edgetext_open(model, block, len(block)) == 0
    assert [library.edgetext_label(model, index) for index in (1, 2)] == [b"yes", None]


class TestCompiler:
    def test_there_is_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("export.block.library.find_spec", lambda name: None)
        monkeypatch.setenv("PATH", "")
        with pytest.raises(EngineError, match=r"no C compiler to compare with Keras: pip install ziglang$"):
            find_compiler()

    def test_the_machines_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It compiles the library without ziglang."""
        if not any(map(shutil.which, ("cc", "gcc", "clang"))):
            pytest.skip("needs a C compiler")
        monkeypatch.setattr("export.block.library.find_spec", lambda name: None)
        assert Path(find_compiler()[0]).name in ("cc", "gcc", "clang")
        assert load_library.__wrapped__().edgetext_error(-3) == b"the model is damaged: its checksum differs"

    def test_it_fails(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        program = tmp_path / "cc"
        program.write_text(f"#!{sys.executable}\nimport sys\nsys.exit('no space left\\nand more')\n")
        program.chmod(0o755)
        monkeypatch.setattr("export.block.library.find_spec", lambda name: None)
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(EngineError, match=r"^engine c: .*cc does not compile .*edgetext\.c: no space left$"):
            load_library.__wrapped__()
