"""Encoding as other programs do it with the model files that claim a tokenizer, and how many labels this changes.

MediaPipe's tokenizer knows a delimiter and a vocabulary, and ONNX Runtime's an expression for words; neither knows the
rule sets. Tests compare both with the real programs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain, islice
from typing import Any

import numpy as np
import numpy.typing as npt

from edgetext.encoder import Encoder, Preprocessing
from edgetext.keras_imdb import KerasIMDB
from edgetext.text import PAD_ID, START_ID, UNKNOWN_ID, RuleSet
from edgetext.vocabulary import Vocabulary
from train.encoding.expressions import find_delimiter, find_marks, find_token

MEDIAPIPE, ONNX = "mediapipe", "onnx"
_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_TEXTS_AT_ONCE = 1_000
_PARTS = 2**16  # that are remembered with their ids

Encode = Callable[[str], list[int]]
# Takes padded ids, shape (texts, length), and returns the index of each text's label.
Predict = Callable[[npt.NDArray[np.int32]], npt.NDArray[Any]]


def number_spellings(spellings: Iterable[str], vocabulary: Vocabulary, rules: RuleSet) -> dict[str, int]:
    """Return the id of each spelling's word."""
    return {spelling: vocabulary.ids[rules.tokenize(spelling)[0]] for spelling in spellings}


def number_variants(vocabulary: Vocabulary, spellings: Mapping[str, int]) -> dict[str, int]:
    """Return what the ONNX graph knows besides the words, and the ids: A to Z are lower-cased before it looks there."""
    known, rules = vocabulary.ids, vocabulary.rules
    if isinstance(rules, KerasIMDB):
        return {}
    variants = {spelling.translate(_LOWER): index for spelling, index in spellings.items()}
    variants |= {word.replace("'", "\u2019"): index for word, index in known.items() if "'" in word}
    if rules.variant["marks"]:
        variants |= {char: known[mark] for char, mark in find_marks().items() if mark in known}
        # The graph knows no capitals, and of what is not an emoticon ":d" is no word.
        variants |= {word.translate(_LOWER): index for word, index in known.items() if word == ":D"}
    return {variant: index for variant, index in variants.items() if variant not in known}


def make_encoder(port: str, vocabulary: Vocabulary, spellings: Mapping[str, int], settings: Preprocessing) -> Encode:
    """Return the function from a text to its ids, neither truncated nor padded, as a program finds them.

    Args:
        port: ``MEDIAPIPE`` or ``ONNX``.
        vocabulary: The words of the model.
        spellings: Other spellings of them, with their ids.
        settings: The preprocessing.
    """
    if port == MEDIAPIPE:
        split = re.compile(find_delimiter(settings.rules), re.ASCII).split
        ids = {**vocabulary.ids, **spellings}

        def encode_part(part: str) -> list[int]:
            return [ids.get(word, UNKNOWN_ID) for word in split(part) if word]
    else:
        find = re.compile(find_token(settings.rules), re.ASCII).findall
        ids = {**vocabulary.ids, **number_variants(vocabulary, spellings)}

        def encode_part(part: str) -> list[int]:
            return [ids.get(word.translate(_LOWER), UNKNOWN_ID) for word in find(part)]

    # Both split at spaces, and most of what stands between them occurs again.
    remembered = lru_cache(_PARTS)(encode_part)

    def encode(text: str) -> list[int]:
        read = _as_c_string(text) if port == MEDIAPIPE else text
        return [START_ID, *chain.from_iterable(map(remembered, read.split(" ")))]

    return encode


def _as_c_string(text: str) -> str:
    """Return what MediaPipe reads of a text: what UTF-8 can represent, up to a NUL."""
    return text.partition("\0")[0].encode("utf-8", "replace").decode("utf-8")


def measure_ports(
    texts: Sequence[str],
    vocabulary: Vocabulary,
    spellings: Mapping[str, int],
    settings: Preprocessing,
    predict: Predict,
) -> dict[str, Any]:
    """Return the share of labels that change in each program, and the number of ``texts``; see ``count_changed``."""
    shares = {
        port: round(count_changed(port, texts, vocabulary, spellings, settings, predict) / len(texts), 6)
        for port in (MEDIAPIPE, ONNX)
    }
    return {**shares, "texts": len(texts)}


def count_changed(
    port: str,
    texts: Iterable[str],
    vocabulary: Vocabulary,
    spellings: Mapping[str, int],
    settings: Preprocessing,
    predict: Predict,
) -> int:
    """Return how many texts get another label if a program encodes them; see ``make_encoder``."""
    own = Encoder(vocabulary, settings)
    other = make_encoder(port, vocabulary, spellings, settings)
    changed, remaining = 0, iter(texts)
    while some := list(islice(remaining, _TEXTS_AT_ONCE)):
        expected = [own.encode(text) for text in some]
        found = [_truncate(other(text), len(ids), port, settings) for text, ids in zip(some, expected)]
        differing = [place for place, ids in enumerate(expected) if found[place] != ids]
        if differing:
            before, after = (
                predict(np.array([rows[place] for place in differing], np.int32)) for rows in (expected, found)
            )
            changed += int((before != after).sum())
    return changed


def _truncate(ids: list[int], width: int, port: str, settings: Preprocessing) -> list[int]:
    """Return exactly ``width`` ids; MediaPipe fills the whole row with the first ones."""
    if port == MEDIAPIPE:
        ids = ids[:width]
    else:
        ids = ids[-settings.max_length :] if settings.truncating == "pre" else ids[: settings.max_length]
    return ids + [PAD_ID] * (width - len(ids))
