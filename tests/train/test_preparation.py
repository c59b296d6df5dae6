"""The vocabulary and the rows of ids, against oracles of the tests' own and against Keras."""

from __future__ import annotations

import random
import re
from collections import Counter
from pathlib import Path

import keras
import numpy as np
import pytest

from edgetext.encoder import Encoder, Preprocessing
from edgetext.keras_imdb import KERAS_IMDB
from edgetext.text import RESERVED, Words
from edgetext.vocabulary import Vocabulary
from train.encoding.vocabulary import SPELLINGS, build_vocabulary, find_spellings, survey_texts
from train.reviews.dataset import Review

WORD = re.compile(r"""[^!"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~\t\n ]+""")


def words(text: str) -> list[str]:
    """Split a text as the published word index did: an independent implementation, with a regular expression."""
    return WORD.findall(re.sub("[A-Z]", lambda letter: letter[0].lower(), text))


def keras_rows(ids: list[list[int]], length: int, truncating: str) -> list[list[int]]:
    """Return ids as ``keras.datasets.imdb.load_data`` and the tutorial make them, from words' ids."""
    rows = keras.utils.pad_sequences(
        [[1, *row] for row in ids], maxlen=length, padding="post", truncating=truncating, value=0
    )
    return rows.tolist()


def read_tokens(path: Path) -> list[str]:
    return path.read_bytes().decode("utf-8").removesuffix("\n").split("\n")


class TestVocabulary:
    def test_order(self) -> None:
        texts = ["b a C caf\u00e9 a", "c, Z z \u00c9 A b", "\u00c9 \u00e9 <br />"]
        # a 3; b c z and the capital E with an accent 2; br, cafe with an accent, small e with one 1.
        wanted = ["a", "b", "c", "z", "\u00c9", "br", "caf\u00e9", "\u00e9"]
        for seed in range(5):
            random.Random(seed).shuffle(texts)
            assert build_vocabulary(survey_texts(texts).words, 100).tokens == (*RESERVED, *wanted)
            assert build_vocabulary(survey_texts(texts).words, 8).tokens == (*RESERVED, *wanted[:4])

    def test_ties_by_code_point(self) -> None:
        singles = ["\uffee", "\U0001f3ac", "\u96fb", "zz", "z", "\u0130", "'", "0"]
        assert build_vocabulary(survey_texts([" ".join(singles)]).words, 100).tokens[4:] == tuple(sorted(singles))

    @pytest.mark.parametrize("size", [-1, 0, 4])
    def test_no_room(self, size: int) -> None:
        with pytest.raises(ValueError, match="no room for words"):
            build_vocabulary(Counter(["a", "film"]), size)

    def test_no_texts(self) -> None:
        assert build_vocabulary(Counter(), 100).tokens == RESERVED

    @pytest.mark.data
    def test_real_reviews(self, real_splits: dict[str, list[Review]], root: Path) -> None:
        texts = [review.text for review in real_splits["train"]]
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(words(text))
        assert len(counts) == 88_584  # the length of the published Keras IMDB word index
        everything = build_vocabulary(survey_texts(texts).words, 1_000_000)
        assert everything.tokens == (*RESERVED, *sorted(counts, key=lambda word: (-counts[word], word)))
        assert everything.tokens[4:14] == ("the", "and", "a", "of", "to", "is", "br", "in", "it", "i")
        kept = build_vocabulary(survey_texts(texts).words, 20_000)
        assert len(kept) == 20_000
        assert kept.tokens == everything.tokens[:20_000]
        rules = Words(marks=False)
        shipped = build_vocabulary(survey_texts(texts, rules).words, 19_900, rules=rules)
        assert shipped.to_bytes() == (root / "train" / "default" / "vocab.txt").read_bytes()


class TestSpellings:
    VOCABULARY = Vocabulary([*RESERVED, "great", "film", "caf\u00e9", "it's", "\u00c9"])

    def test_order(self) -> None:
        texts = [
            "Great GREAT! great Great",
            "(Great) FILM...Film, It's Caf\u00e9",
            "FILM CAF\u00c9 \u00c9 Unknown IT'S",
        ]
        # Great 3, FILM 2, the others 1 each by code points; capitals with accents are other words.
        wanted = ["Great", "FILM", "Caf\u00e9", "Film", "GREAT", "IT'S", "It's"]
        assert find_spellings(texts, self.VOCABULARY) == wanted
        assert find_spellings(reversed(texts), self.VOCABULARY, size=2) == wanted[:2]
        assert find_spellings(["great film", ""], self.VOCABULARY) == []

    def test_of_other_rules(self) -> None:
        vocabulary = Vocabulary([*RESERVED, "caf\u00e9", "it's", "\u5f88", "!"], Words(marks=True))
        texts = [
            "CAF\u00c9 It\u2019s \u5f88\u5f88 'it\u2019s' caf\u00e9! \u201cIt\u2019s\u201d",
            "CAF\u00c9\u2026It\u2019s\u2014caf\u00e9\xa0x! It's IT\u2019S!",
            "\u2018CAF\u00c9\u2019 \U0001f60dca\u00adf\u00e9\ufe0f",
        ]
        wanted = ["It\u2019s", "CAF\u00c9", "IT\u2019S", "It's", "ca\u00adf\u00e9", "it\u2019s"]
        assert find_spellings(texts, vocabulary, vocabulary.rules) == wanted
        assert find_spellings(["it's"], vocabulary, vocabulary.rules) == ["it\u2019s"]

    def test_lower_case_that_is_no_ascii(self) -> None:
        vocabulary = Vocabulary([*RESERVED, "film", "42"], Words(marks=False))
        full_width = "\uff46\uff49\uff4c\uff4d"
        assert find_spellings([f"film {full_width}, 42 \uff14\uff12"], vocabulary, vocabulary.rules) == [
            "\uff14\uff12",
            full_width,
        ]

    @pytest.mark.data
    def test_real_reviews(self, real_splits: dict[str, list[Review]], root: Path) -> None:
        texts = [review.text for review in real_splits["train"]]
        vocabulary = build_vocabulary(survey_texts(texts).words, 20_000)
        known = set(vocabulary.tokens[4:])
        counts = Counter(word for text in texts for word in WORD.findall(text))
        folded = {word: re.sub("[A-Z]", lambda letter: letter[0].lower(), word) for word in counts}
        wanted = sorted(
            (word for word in counts if folded[word] != word and folded[word] in known),
            key=lambda word: (-counts[word], word),
        )
        assert find_spellings(texts, vocabulary) == wanted[:SPELLINGS]
        folder, rules = root / "train" / "default", Words(marks=False)
        shipped = Vocabulary.from_bytes((folder / "vocab.txt").read_bytes(), rules)
        assert find_spellings(texts, shipped, rules) == read_tokens(folder / "spellings.txt")


class TestRows:
    @pytest.mark.data
    @pytest.mark.parametrize("truncating", ["pre", "post"])
    def test_real_reviews(self, real_splits: dict[str, list[Review]], root: Path, truncating: str) -> None:
        content = (root / "train" / "default" / "vocab.txt").read_bytes()
        encoder = Encoder(Vocabulary.from_bytes(content), Preprocessing(256, truncating, KERAS_IMDB))
        table = {token: number for number, token in enumerate(content.decode("utf-8").split("\n")[:-1])}
        reviews = [review for split in ("train", "test") for review in real_splits[split][::25]]
        assert len(reviews) == 2000
        ids = [[table.get(word, 2) for word in words(review.text)] for review in reviews]
        assert sum(len(row) > 255 for row in ids) > 200
        assert sum(len(row) < 255 for row in ids) > 200
        assert [encoder.encode(review.text) for review in reviews] == keras_rows(ids, 256, truncating)
        assert [encoder.ids(review.text) for review in reviews] == [[1, *row] for row in ids]

    @pytest.mark.parametrize("truncating", ["pre", "post"])
    @pytest.mark.parametrize("length", [1, 2, 3, 256])
    def test_lists_of_ids(self, length: int, truncating: str) -> None:
        encoder = Encoder(Vocabulary([*RESERVED, "a", "b", "c"]), Preprocessing(length, truncating, KERAS_IMDB))
        rng = random.Random(length)
        sizes = [*range(8), *range(length - 3, length + 4), 1000]
        ids = [[rng.choice((2, 4, 5, 6)) for _ in range(size)] for size in sizes]
        texts = [" ".join({2: "x", 4: "a", 5: "b", 6: "c"}[number] for number in row) for row in ids]
        assert [encoder.encode(text) for text in texts] == keras_rows(ids, length, truncating)

    def test_random_texts(self, tiny_reviews: dict[str, str]) -> None:
        vocabulary = build_vocabulary(survey_texts(list(tiny_reviews.values())[::2]).words, 60)
        table = {token: number for number, token in enumerate(vocabulary.tokens)}
        letters = " aAzZ0'!#_-<>\\]^`~\t\n\r\x00\x0b\x1c\x7f\x85\xa0\u0130\u1e9e\u2028\u3000\U0001f3ac" + "".join(
            sorted({letter for text in tiny_reviews.values() for letter in text})
        )
        rng = random.Random(3)
        made = ["".join(rng.choices(letters, k=rng.randrange(60))) for _ in range(2000)]
        texts = [*tiny_reviews.values(), *made]
        ids = [[table.get(word, 2) for word in words(text)] for text in texts]
        assert np.unique(np.concatenate([np.array(row, dtype=int) for row in ids])).size > 50
        for length, truncating in ((16, "pre"), (16, "post"), (256, "pre")):
            encoder = Encoder(vocabulary, Preprocessing(length, truncating, KERAS_IMDB))
            assert [encoder.encode(text) for text in texts] == keras_rows(ids, length, truncating)
