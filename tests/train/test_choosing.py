"""The numbers chosen from the texts of a table: their bounds, and what they must not depend on."""

from __future__ import annotations

import dataclasses
import random
import re
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from edgetext.encoder import Encoder, Preprocessing
from edgetext.keras_imdb import KERAS_IMDB, KerasIMDB
from edgetext.text import RESERVED
from edgetext.vocabulary import Vocabulary
from train.encoding.encoded import Encoded, encode
from train.encoding.vocabulary import note_capitals, survey_texts
from train.models import file_sizes, rules, sizing
from train.models.choices import Choices, largest_vocabulary
from train.models.rules import (
    choices_for,
    choose_buckets,
    choose_candidate,
    choose_max_length,
    choose_settings,
    choose_vocabulary_size,
    describe_weights,
    weigh_classes,
)
from train.tables.dataset import Text

SIZE = 1004  # of the vocabulary


def encoded(texts: list[str], labels: list[str] | None = None) -> Encoded:
    """Encode texts whose words are w0 to w999."""
    encoder = Encoder(
        Vocabulary([*RESERVED, *(f"w{number}" for number in range(SIZE - 4))]), Preprocessing(32, "post", KERAS_IMDB)
    )
    labels = labels or ["a"] * len(texts)
    rows = (Text(str(place), label, text) for place, (text, label) in enumerate(zip(texts, labels)))
    return encode(rows, encoder, sorted(set(labels)))


class TestMaxLength:
    @pytest.mark.parametrize("seed", range(5))
    def test_nearly_all_texts_fit(self, seed: int) -> None:
        generator = np.random.default_rng(seed)
        lengths = Counter((generator.gamma(2, 10 ** generator.uniform(0, 2), 3000)).astype(int).tolist())
        found = choose_max_length(lengths)
        assert rules.SHORTEST_TEXT <= found <= rules.LONGEST_TEXT
        fitting = sum(count for length, count in lengths.items() if length < found) / 3000  # plus the start mark
        assert fitting >= rules.FITTING or found == rules.LONGEST_TEXT
        if found > rules.SHORTEST_TEXT:  # and no row is much longer than that
            shorter = sum(count for length, count in lengths.items() if length < found - 16) / 3000
            assert shorter < rules.FITTING

    def test_edges(self) -> None:
        assert choose_max_length(Counter({1: 5})) == rules.SHORTEST_TEXT
        assert choose_max_length(Counter({100_000: 5})) == rules.LONGEST_TEXT
        # One text of a thousand does not decide.
        assert choose_max_length(Counter({10: 999, 400: 1})) == rules.SHORTEST_TEXT
        # A text of this many words fits completely, with the start mark.
        assert choose_max_length(Counter({rules.SHORTEST_TEXT - 1: 5})) == rules.SHORTEST_TEXT
        assert choose_max_length(Counter({rules.SHORTEST_TEXT: 5})) > rules.SHORTEST_TEXT


class TestVocabulary:
    def test_words_that_occur_again(self) -> None:
        words = Counter({f"w{number}": 1 + number % rules.MIN_COUNT for number in range(300)})
        often = sum(count >= rules.MIN_COUNT for count in words.values())
        assert 0 < often < 300
        assert choose_vocabulary_size(words, 1) == often + len(RESERVED)

    def test_where_no_word_does_all_are_taken(self) -> None:
        assert choose_vocabulary_size(Counter(["a", "b", "c"]), 1) == 3 + len(RESERVED)

    def test_bounds(self) -> None:
        words = Counter({f"w{number}": 9 for number in range(50_000)})
        sizes = [choose_vocabulary_size(words, columns) for columns in (1, 3, 30, 300, 1000)]
        assert sizes == sorted(sizes, reverse=True)
        assert sizes[0] <= largest_vocabulary(2)
        assert all(size * columns <= rules.LARGEST_TABLE for size, columns in zip(sizes, (1, 3, 30, 300)))
        assert sizes[-1] >= 1000


class TestBuckets:
    def test_by_the_bigrams_that_two_texts_have(self) -> None:
        generator = np.random.default_rng(1)
        texts = [
            " ".join(f"w{word}" for word in generator.integers(0, 60, generator.integers(1, 25))) for _ in range(3000)
        ]
        found = encoded(texts)
        pairs = Counter(pair for text in texts for pair in set(pairwise(["", *text.split()])))
        repeated = sum(count > 1 for count in pairs.values())
        buckets = choose_buckets(found, SIZE, 1, Choices())
        assert buckets & (buckets - 1) == 0
        assert rules.BUCKETS_PER_NGRAM * repeated <= buckets < 2 * rules.BUCKETS_PER_NGRAM * repeated
        assert buckets > rules.FEWEST_BUCKETS

    def test_by_trigrams_too_and_up_to_the_number_of_the_preset(self) -> None:
        generator = np.random.default_rng(6)
        texts = [" ".join(f"w{word}" for word in generator.integers(0, 90, 30)) for _ in range(2000)]
        words = [["", *text.split()] for text in texts]
        ngrams = Counter(
            ngram for text in words for count in (2, 3) for ngram in set(zip(*(text[k:] for k in range(count))))
        )
        wanted = rules.BUCKETS_PER_NGRAM * sum(count > 1 for count in ngrams.values())
        choices = Choices(word_ngrams=3, buckets=2**20)
        found = choose_buckets(encoded(texts), SIZE, 1, choices)
        assert wanted / 2 < found < 4 * wanted
        assert found > choose_buckets(encoded(texts), SIZE, 1, Choices(buckets=2**20))
        assert choose_buckets(encoded(texts), SIZE, 1, dataclasses.replace(choices, buckets=2**13)) == 2**13

    def test_a_bigram_twice_in_one_text_is_not_repeated(self) -> None:
        generator = np.random.default_rng(2)
        words = generator.permutation(1000).reshape(-1, 4)  # every text has words of its own
        once = [" ".join(f"w{word}" for word in row) for row in words]
        assert choose_buckets(encoded([f"{text} {text}" for text in once]), SIZE, 1, Choices()) == rules.FEWEST_BUCKETS
        assert choose_buckets(encoded(once * 2), SIZE, 1, Choices()) > rules.FEWEST_BUCKETS
        # Nor does it matter how far apart two texts are.
        assert choose_buckets(encoded([*once, *[""] * 9000, *once]), SIZE, 1, Choices()) == choose_buckets(
            encoded(once * 2), SIZE, 1, Choices()
        )

    def test_does_not_depend_on_the_order_or_on_where_rows_are_divided(self) -> None:
        generator = np.random.default_rng(3)
        texts = [" ".join(f"w{word}" for word in generator.integers(0, 200, 20)) for _ in range(5000)]
        wanted = choose_buckets(encoded(texts), SIZE, 1, Choices())
        for seed in range(2):
            random.Random(seed).shuffle(texts)
            assert choose_buckets(encoded(texts), SIZE, 1, Choices()) == wanted

    def test_bounds(self) -> None:
        generator = np.random.default_rng(4)
        texts = encoded([" ".join(f"w{word}" for word in generator.integers(0, 300, 31)) for _ in range(6000)])
        sizes = [choose_buckets(texts, SIZE, columns, Choices()) for columns in (1, 3, 12, 100, 1000)]
        assert sizes == sorted(sizes, reverse=True)
        assert rules.FEWEST_BUCKETS <= sizes[-1] < sizes[0] <= Choices.buckets
        for size, columns in zip(sizes, (1, 3, 12, 100, 1000)):
            assert size * columns <= max(rules.LARGEST_TABLE, rules.FEWEST_BUCKETS * columns)
        assert choose_buckets(encoded([""]), SIZE, 1, Choices()) == rules.FEWEST_BUCKETS


def test_how_long_to_fit() -> None:
    sizes = [1, 2, 100, 1000, 5000, 20_000, 100_000, 10_000_000]
    epochs = [choose_settings(size, 3).epochs for size in sizes]
    assert epochs == sorted(epochs, reverse=True)
    assert (epochs[0], epochs[-1]) == (rules.MOST_EPOCHS, rules.FEWEST_EPOCHS)
    assert epochs[0] > epochs[-1] >= 1
    assert choose_settings(100, 3).seed == 3
    # Every text weighs less in a sum of squares that is as strong for any number of them.
    strengths = [size * choices_for(size).regularization for size in sizes]
    assert strengths == pytest.approx([strengths[0]] * len(sizes))
    for size in sizes:
        assert choices_for(size).objective == "hinge"


class TestClassWeights:
    def weigh(self, counts: list[int], how: str) -> dict[str, Any]:
        return weigh_classes(np.repeat(np.arange(len(counts)), counts), len(counts), how)

    @pytest.mark.parametrize("counts", [[90, 8, 2], [500, 3], [100, 90, 1, 1]])
    def test_powers_of_the_balanced_ones(self, counts: list[int]) -> None:
        found = self.weigh(counts, "auto")
        share = np.array(counts) / sum(counts) * len(counts)
        for weights, power in zip(found.values(), (0, 0.25, 0.5, 0.75, 1), strict=True):
            assert weights.dtype == np.float32
            assert (weights @ counts) / sum(counts) == pytest.approx(1)
            np.testing.assert_allclose(weights * share**power, (weights * share**power)[0], rtol=1e-5)
        # As scikit-learn's ``balanced``, up to the factor that makes the mean 1.
        (balanced,) = self.weigh(counts, "balanced").values()
        assert balanced * counts == pytest.approx([sum(counts) / len(counts)] * len(counts))
        assert (found["balanced"] == balanced).all()

    @pytest.mark.parametrize(
        ("counts", "how"), [([90, 8, 2], "none"), ([50, 50], "balanced"), ([50, 45, 40], "auto"), ([50, 50], "auto")]
    )
    def test_equal_ones_leave_nothing_to_choose(self, counts: list[int], how: str) -> None:
        (weights,) = self.weigh(counts, how).values()
        assert weights.tolist() == [1] * len(counts)

    def test_description(self) -> None:
        targets = np.repeat([0, 1, 2], [90, 8, 2])
        line = describe_weights(np.array([0.5, 1.5, 4.25], np.float32), targets, "abc")
        assert line.startswith("class weights: 4.25 for 'c', which has 2 of 100 texts, 0.50 for 'a' (")


class TestCandidates:
    def measured(self, accuracy: float, macro_f1: float, loss: float = 1, ece: float = 0.01) -> dict[str, Any]:
        return {"accuracy": accuracy, "macro_f1": macro_f1, "loss": loss, "ece": ece, "texts": 3000}

    def test_macro_f1_decides_within_half_a_point_of_accuracy(self) -> None:
        found = {"a": self.measured(0.8, 0.6), "b": self.measured(0.796, 0.65), "c": self.measured(0.794, 0.7)}
        assert choose_candidate(found, "abc") == choose_candidate(found, "") == "b"
        assert choose_candidate(found, "b") == "c"  # compared with those without class weights

    def test_loss_decides_where_macro_f1_is_equal(self) -> None:
        found = {"a": self.measured(0.8, 0.6001), "b": self.measured(0.8, 0.6, loss=0.9)}
        assert choose_candidate(found, "ab") == "b"

    def test_calibration_error(self) -> None:
        found = {"a": self.measured(0.8, 0.6), "b": self.measured(0.81, 0.7, ece=0.06)}
        assert choose_candidate(found, "ab") == "a"
        assert (
            choose_candidate({name: one | {"texts": 200} for name, one in found.items()}, "ab") == "b"
        )  # it may be chance
        assert choose_candidate({name: one | {"ece": 0.07} for name, one in found.items()}, "ab") == "b"


class TestCapitals:
    @pytest.mark.parametrize("text", ["Привет мир", "GRÖSSE größe", "İstanbul istanbul"])
    def test_are_noted(self, text: str, capsys: pytest.CaptureFixture[str]) -> None:
        note_capitals(survey_texts([text]), KERAS_IMDB)
        (line,) = capsys.readouterr().out.splitlines()
        assert line.startswith("note: 50.0% of the words, such as ")
        assert "have capitals other than A to Z" in line
        assert "--tokenizer words" in line
        unicode = KerasIMDB("unicode")
        note_capitals(survey_texts([text], unicode), unicode)
        assert capsys.readouterr().out == ""

    def test_the_most_frequent_is_the_example(self, capsys: pytest.CaptureFixture[str]) -> None:
        note_capitals(survey_texts(["Öl Übung Übung öl"]), KERAS_IMDB)
        assert "75.0%" in (shown := capsys.readouterr().out)
        assert "'Übung'" in shown

    @pytest.mark.parametrize("text", ["A Film, GREAT", "größe", "電影 映画", "", "Ä" + " word" * 2000])
    def test_nothing_to_note(self, text: str, capsys: pytest.CaptureFixture[str]) -> None:
        note_capitals(survey_texts([text]), KERAS_IMDB)
        assert capsys.readouterr().out == ""


class TestSize:
    @pytest.mark.parametrize(
        ("text", "size"),
        [
            *(("100KB", 100_000), ("64KiB", 65_536), ("1.5MB", 1_500_000), ("1MiB", 2**20), ("500", 500)),
            *(("7b", 7), (" 20 kb ", 20_000), ("3k", 3000), ("2m", 2_000_000), ("0.5KB", 500)),
        ],
    )
    def test_good(self, text: str, size: int) -> None:
        assert sizing.parse_size(text) == size

    @pytest.mark.parametrize(
        "text",
        ["", "KB", "large", "-5KB", "1e6", "10 apples", "1,5MB", ".5MB", "5.MB", "1.5.1MB", "nan", "1GBB", "5K B"],
    )
    def test_bad(self, text: str) -> None:
        with pytest.raises(ValueError, match="--target-size must be a size such as 100KB") as caught:
            sizing.parse_size(text)
        assert repr(text) in str(caught.value)


class TestFit:
    def fit(self, size: int, words: int, columns: int, buckets: int = 2**14, target: str = "all") -> Any:
        vocabulary = Vocabulary([*RESERVED, *(f"word{number}" for number in range(words))])
        spellings = [f"Word{number}" for number in range(0, words, 2)]
        labels = [f"label {number}" for number in range(max(columns, 2))]
        room = file_sizes.SizeBudget(size=size, num_outputs=columns, labels=labels, target=target)
        return room, *sizing.fit_budget(room, vocabulary, spellings, buckets), vocabulary

    @pytest.mark.parametrize("columns", [1, 4, 40])
    @pytest.mark.parametrize("words", [20, 900])
    def test_uses_the_room_and_no_more(self, words: int, columns: int) -> None:
        before: Any = None
        for size in range(14_000, 200_000, 6_000):
            try:
                room, found, spellings, buckets, vocabulary = self.fit(size, words, columns)
            except ValueError:
                assert before is None  # a larger room is none the worse
                continue
            # The most frequent words, some of their spellings, and a power of two.
            assert found.tokens == vocabulary.tokens[: len(found)]
            assert {spelling.lower() for spelling in spellings} <= set(found.tokens)
            assert buckets & (buckets - 1) == 0
            assert buckets <= 2**14
            # A byte for each weight and each character at least are in the file.
            content = columns * (len(found) + buckets) + sum(map(len, found.tokens)) + sum(map(len, spellings))
            assert content < size
            spelled: Any = {spelling: found.ids[spelling.lower()] for spelling in spellings}
            assert file_sizes.tflite_size(room, found.tokens, spelled, buckets) <= size
            whole = (len(found), buckets) == (len(vocabulary), 2**14)
            # More than half of what is beyond the graph is used, or all tables are whole.
            assert whole or content > (size - 14_000) / 2
            if before is not None:
                assert len(found) + buckets >= before
            before = len(found) + buckets
        assert before is not None

    def test_ngrams_get_more_of_a_block_for_c(self) -> None:
        """Its words are small, and all files have a byte for each bucket."""
        found = {target: self.fit(49_152, 9000, 1, 2**18, target) for target in ("all", "c")}
        assert {target: buckets for target, (_, _, _, buckets, _) in found.items()} == {"all": 2**13, "c": 2**14}
        assert len(found["c"][1]) > 2 * len(found["all"][1])

    @pytest.mark.parametrize("columns", [1, 4, 40])
    def test_a_block_for_c_is_filled(self, columns: int) -> None:
        """No spelling counts, and no table is too small to be quantised."""
        for size in range(5_000 * columns, 40_000 * columns, 3_511 * columns):
            room, found, _, buckets, vocabulary = self.fit(size, 900, columns, target="c")
            assert file_sizes.block_size(room, found.tokens, {}, buckets) <= size
            more = [(len(found), 2 * buckets)] * (buckets < 2**14)
            more += [(len(found) + 1, buckets)] * (len(found) < len(vocabulary))
            for words, twice in more:
                assert file_sizes.block_size(room, vocabulary.tokens[:words], {}, twice) > size

    def test_a_room_for_everything(self) -> None:
        _, found, spellings, buckets, vocabulary = self.fit(10**9, 500, 4)
        assert found.tokens == vocabulary.tokens
        assert (len(spellings), buckets) == (250, 2**14)

    @pytest.mark.parametrize(("size", "target"), [(0, "all"), (1, "all"), (5_000, "all"), (1_500, "c")])
    def test_impossible(self, size: int, target: str) -> None:
        with pytest.raises(ValueError, match=r"--target-size [\d,]+ bytes is too small: with 4 labels") as caught:
            self.fit(size, 900, 4, target=target)
        assert "\n" not in str(caught.value)
        found = re.search(r"the smallest model takes ([\d,]+) bytes", str(caught.value))
        assert found
        self.fit(int(found[1].replace(",", "")), 900, 4, target=target)  # what it says does


def test_choices_can_be_given_as_they_are_written() -> None:
    chosen = choices_for(100)
    written = [
        f"{name}={','.join(map(str, value)) if isinstance(value, tuple) else value}"
        for name, value in dataclasses.asdict(chosen).items()
    ]
    assert Choices().changed(written) == chosen
