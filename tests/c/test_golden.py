"""The golden files in C, on little-endian and big-endian machines: ids exact, probabilities to 2 ulp of 1.

Smaller probabilities have smaller ulps, but the rounding of a logit moves them by more than two, in Python as in C.
"""

from __future__ import annotations

import functools
import json
import math
import string
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from edgetext.encoder import Encoder, Preprocessing
from edgetext.formats.etx import LAYOUTS, make_block
from edgetext.keras_imdb import KERAS_IMDB
from edgetext.text import RESERVED, UNKNOWN_ID, RuleSet, Words
from edgetext.vocabulary import Vocabulary
from tests.c.conftest import Compiled
from tests.c.programs import MACHINES, PROBE, frame
from tests.runtime.golden import (
    GOLDEN,
    NETWORKS,
    VOCABULARIES,
    golden_block,
    golden_preprocessing,
    golden_probabilities,
)
from tests.runtime.helpers import safetensors

IDS = json.loads((Path(__file__).parent.parent / "runtime" / "golden_ids.json").read_text("utf-8"))
# Kinds of parts, as edgetext.h numbers them.
BIAS, WORD, UNKNOWN, CHARACTER = 0, 1, 2, 5

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("machine", MACHINES)]


class Part(NamedTuple):
    """A part of a text and its effects on the logits."""

    kind: int
    start: int
    end: int
    effects: tuple[float, ...]


class Answer(NamedTuple):
    """What the library says about a text."""

    best: int
    known: float
    probabilities: list[float]
    parts: list[Part]


def ask(program: Sequence[str], block: bytes, texts: Sequence[str | bytes], folder: Path) -> list[Answer]:
    (folder / "model.etx").write_bytes(block)
    command = [*program, str(folder / "model.etx")]
    lines = subprocess.run(command, input=frame(texts), stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()
    assert len(lines) == len(texts)
    return list(map(read_answer, lines))


def read_answer(line: str) -> Answer:
    head, *explained = line.split(";")
    best, *numbers = head.split()
    known, *probabilities = map(float.fromhex, numbers)
    labels = [[part.split(",") for part in parts.split()] for parts in explained]
    parts = []
    for same in zip(*labels, strict=True):
        kind, start, end, _ = same[0]
        parts.append(Part(int(kind), int(start), int(end), tuple(float.fromhex(effect) for *_, effect in same)))
    return Answer(int(best), known, probabilities, parts)


def golden_cases(marks: bool) -> Iterator[dict[str, Any]]:
    return (case for case in GOLDEN["cases"] if case["marks"] == marks)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_probabilities(machine: str, layout: str, network: str, compiled: Compiled, tmp_path: Path) -> None:
    for marks in (False, True):
        cases = list(golden_cases(marks))
        block = golden_block(marks, network, layout)
        answers = ask(compiled(machine, PROBE), block, [case["text"] for case in cases], tmp_path)
        for case, answer in zip(cases, answers, strict=True):
            wanted = golden_probabilities(case, network)
            assert answer.probabilities == pytest.approx(wanted, rel=0, abs=2 * math.ulp(1.0)), case["text"]
            assert answer.probabilities[answer.best] == max(answer.probabilities)
            words = len(case["ids"]) - 1
            assert answer.known == ((words - case["ids"].count(UNKNOWN_ID)) / words if words else 0), case["text"]


# The letter A in more bytes than it needs, surrogates, what is beyond Unicode, and parts of characters.
INVALID = (b"\xc1\x81", b"\xe0\x81\x81", b"\xf0\x80\x81\x81", b"\xed\xa0\xb0", b"\xed\xbf\xbf", b"\xf4\x90\x81\x81",
           b"\xf5\x80\x81\x81", b"\xff", b"\x80", b"\xc3", b"\xe9\x9b", b"\xf0\x9f\x98")  # fmt: skip


def test_invalid_utf8(machine: str, compiled: Compiled, tmp_path: Path) -> None:
    """It separates words, as the end of a text does."""
    words = VOCABULARIES[False].to_bytes().split(b"\n")[len(RESERVED) : len(RESERVED) + 2]
    texts = [b" ".join(words), *(part.join(words) for part in INVALID), *(b" ".join(words) + part for part in INVALID)]
    first, *others = ask(compiled(machine, PROBE), golden_block(False, "trigrams", "fast"), texts, tmp_path)
    for text, answer in zip(texts[1:], others, strict=True):
        assert (answer.known, answer.probabilities) == (first.known, first.probabilities), text


def digits(number: int) -> tuple[int, int, int]:
    """Return three weights of int8 by which a token or a bucket is known."""
    return number % 255 - 127, number // 255 % 255 - 127, number // 255**2 - 127


@functools.cache
def telling_block(words: tuple[str, ...], settings: Preprocessing, layout: str) -> bytes:
    """Return a model whose effects are the three digits of each id: exponent 0, scales 1, and no weights of pairs."""
    vocabulary = Vocabulary(words, settings.rules)
    sizes = {"unigrams": len(vocabulary), "bigrams": 1}
    metadata = {"format": "edgetext-1", "network": "bigrams"}
    if settings.characters is not None:
        sizes["characters"] = settings.characters.buckets
        metadata["network"] = "characters"
    metadata |= {"max_length": str(settings.width), "multipliers": "1 1", "exponent": "0"}
    tensors: dict[str, tuple[str, list[int], list[float]]] = {"bias": ("F32", [3], [0.0, 0.0, 0.0])}
    if settings.characters is not None:
        tensors["prior"] = tensors["bias"]
    for name, size in sizes.items():
        weights = [
            [0] * size if name == "bigrams" else [digits(number)[output] for number in range(size)]
            for output in range(3)
        ]
        if name == "unigrams" and settings.characters is not None:
            for row in weights:
                row[: len(RESERVED)] = [0] * len(RESERVED)
        tensors[name] = ("I8", [3, size], [float(weight) for row in weights for weight in row])
        tensors[f"{name}.scale"] = ("F32", [3], [1.0, 1.0, 1.0])
    return make_block(["a", "b", "c"], settings, vocabulary, safetensors(metadata, tensors), layout)


def test_equal_probabilities(machine: str, compiled: Compiled, tmp_path: Path) -> None:
    """The first label is the most probable one."""
    words = tuple(VOCABULARIES[False].to_bytes().decode().split("\n")[:-1])
    block = telling_block(words, golden_preprocessing(False, "characters"), "small")
    (answer,) = ask(compiled(machine, PROBE), block, [""], tmp_path)
    assert (answer.best, len(set(answer.probabilities))) == (0, 1)


def ids_of(answer: Answer) -> list[int]:
    """Return the ids of the words in a text by their effects."""
    found = []
    for part in answer.parts:
        if part.kind in (WORD, UNKNOWN):
            weights = [round(effect) + 127 for effect in part.effects]
            found.append(UNKNOWN_ID if part.kind == UNKNOWN else weights[0] + 255 * weights[1] + 255**2 * weights[2])
    return found


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("truncating", ["pre", "post"])
class TestIds:
    def check(
        self,
        program: Sequence[str],
        words: Sequence[str],
        rules: RuleSet,
        cases: Sequence[dict[str, Any]],
        layout: str,
        truncating: str,
        folder: Path,
    ) -> None:
        texts = [case["text"] for case in cases]
        for length in (8, 512):
            block = telling_block(tuple(words), Preprocessing(length, truncating, rules), layout)
            for case, answer in zip(cases, ask(program, block, texts, folder), strict=True):
                ids = case["ids"][:length] if truncating == "post" else case["ids"][-length:]
                assert ids_of(answer) == ids[ids[0] == 1 :], case["text"]

    def test_words_1(self, machine: str, layout: str, truncating: str, compiled: Compiled, tmp_path: Path) -> None:
        for marks, vocabulary in VOCABULARIES.items():
            words = vocabulary.to_bytes().decode().split("\n")[:-1]
            cases = list(golden_cases(marks))
            self.check(compiled(machine, PROBE), words, Words(marks), cases, layout, truncating, tmp_path)

    def test_keras_imdb(self, machine: str, layout: str, truncating: str, compiled: Compiled, tmp_path: Path) -> None:
        program = compiled(machine, PROBE)
        self.check(program, IDS["vocabulary"], KERAS_IMDB, IDS["cases"], layout, truncating, tmp_path)


def test_ngrams(machine: str, compiled: Compiled, tmp_path: Path) -> None:
    """The sum of the digits of all n-grams of a text."""
    for marks, vocabulary in VOCABULARIES.items():
        words = tuple(vocabulary.to_bytes().decode().split("\n")[:-1])
        cases = list(golden_cases(marks))
        block = telling_block(words, golden_preprocessing(marks, "characters"), "small")
        for case, answer in zip(
            cases, ask(compiled(machine, PROBE), block, [case["text"] for case in cases], tmp_path)
        ):
            buckets = [number - len(vocabulary) for number in case["ngrams"]]
            wanted = [sum(digits(bucket)[output] for bucket in buckets) for output in range(3)]
            effects = [part.effects for part in answer.parts if part.kind == CHARACTER]
            assert [sum(effect[output] for effect in effects) for output in range(3)] == wanted, case["text"]


def test_where_words_end(machine: str, compiled: Compiled, tmp_path: Path) -> None:
    """Words of ASCII of every length, and every character up to U+017F behind some of them."""
    letters = 6 * (string.ascii_lowercase + string.digits)
    words = [letters[size : 2 * size] for size in range(1, 81)]
    ends = [(word, end) for word in words for end in (" ", "'", "!", "\u00e9", "\u96fb")]
    ends += [(words[size - 1], chr(code)) for size in (1, 7, 8, 9) for code in range(0x180)]
    texts = [f"{word.upper()}{end}{word} {word}" for word, end in ends]
    settings = Preprocessing(16, "post", Words(True))
    tokens = (*RESERVED, *words)
    encoder = Encoder(Vocabulary(tokens, settings.rules), settings)
    for layout in LAYOUTS:
        answers = ask(compiled(machine, PROBE), telling_block(tokens, settings, layout), texts, tmp_path)
        for text, answer in zip(texts, answers, strict=True):
            assert ids_of(answer) == encoder.truncate(text)[1:], ascii(text)
