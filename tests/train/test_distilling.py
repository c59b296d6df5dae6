"""What is learned of texts without labels: n-grams, vectors, and the teacher's answers."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression

from train.distilling import teacher, vectors
from train.distilling.ngrams import Ngrams, count_ngrams
from train.encoding.encoded import Encoded
from train.fitting.linear import count_features
from train.models import hashing
from train.models.choices import Choices
from train.models.presets import Settings
from train.models.recipe import Recipe

SIZE = 30  # of the vocabulary


def encoded(rows: Any, max_length: int = 0) -> Encoded:
    """Return ids as ``encode`` does."""
    lengths = np.array([len(row) for row in rows], np.int64)
    ids = np.array([token for row in rows for token in row], np.uint32)
    return Encoded(ids, lengths, np.zeros(len(rows), np.int64), max_length or max([*lengths, 1]))


def random_texts(seed: int, count: int = 200) -> list[list[int]]:
    """Return ids: the start mark, words, some of them unknown and some repeated, and some n-grams of characters."""
    generator = np.random.default_rng(seed)
    rows = []
    for length in generator.integers(0, 12, count):
        words = generator.choice([2, *range(4, 14)], length).tolist()
        rows.append([1, *words, *words[:2], *generator.integers(SIZE, SIZE + 50, length // 2).tolist()])
    return rows


def naive_ngrams(row: list[int]) -> set[tuple[int, ...]]:
    """Return the n-grams of a text, without the start mark and unknown words."""
    words = [token if 2 < token < SIZE else 0 for token in row]
    found = {tuple(words[at : at + n]) for n in (1, 2, 3) for at in range(len(words) - n + 1)}
    return {ngram for ngram in found if all(ngram)}


def read_words(ngrams: Ngrams) -> list[tuple[int, ...]]:
    """Return the words of n-grams."""
    return [tuple(int(key) >> bits & 0xFFFF for bits in (32, 16, 0) if key >> bits) for key in ngrams.keys]


class TestNgrams:
    @pytest.mark.parametrize("least", [1, 2, 15])
    def test_counted(self, least: int) -> None:
        rows = random_texts(1)
        wanted = Counter(ngram for row in rows for ngram in naive_ngrams(row))  # once a text
        ngrams = count_ngrams(encoded(rows), SIZE, least)
        words = read_words(ngrams)
        assert set(words) == {ngram for ngram, count in wanted.items() if count >= least}
        assert {1, 2, 3} == {len(ngram) for ngram in words} or least == 15
        others = [*random_texts(2, 50), [1], [1, 2], [1, 29, 28], [1, SIZE, SIZE + 1]]  # and n-grams never counted
        found = ngrams.find(encoded(others), SIZE)
        assert found.shape == (54, len(words))
        assert set(found.data) == {1}
        for row, ids in enumerate(others):
            chosen = found.indices[found.indptr[row] : found.indptr[row + 1]]
            assert sorted(words[place] for place in chosen) == sorted(naive_ngrams(ids) & set(words))

    def test_the_largest_ids(self) -> None:
        row = [1, 30_454, 30_453, 30_454, 30_453]
        assert len(read_words(count_ngrams(encoded([row, row]), 30_455, 2))) == 2 + 2 + 2

    def test_texts_of_two_ids(self) -> None:
        assert read_words(count_ngrams(encoded([[1, 5], [4, 5]], 2), SIZE, 1)) == [(4,), (5,), (4, 5)]

    def test_many_texts(self) -> None:
        """More than are read at a time."""
        rows = [[1, 4 + row % 20, 5] for row in range(10_000)]
        ngrams = count_ngrams(encoded(rows), SIZE, 1)
        found = ngrams.find(encoded(rows), SIZE)
        words = read_words(ngrams)
        for row in (0, 4095, 4096, 9999):
            assert {words[place] for place in found[row].indices} == naive_ngrams(rows[row])

    @pytest.mark.parametrize("word_ngrams", [2, 3])
    def test_features_of_the_network(self, word_ngrams: int) -> None:
        ngrams = count_ngrams(encoded(random_texts(3)), SIZE, 1)
        found = ngrams.find_features(SIZE, 64, word_ngrams)
        for words, feature in zip(read_words(ngrams), found, strict=True):
            wanted = hashing.find_features(np.array([words * 2]), SIZE, 64, word_ngrams)[0]
            if len(words) > word_ngrams:
                assert feature == 0
            else:  # of a text that begins with it: behind the ids, or behind those and the bigrams
                assert feature == wanted[{1: 0, 2: 4, 3: 6 + 5}[len(words)]]


class TestVectors:
    @pytest.fixture(autouse=True)
    def few_epochs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(vectors, "MOST_EPOCHS", 30)

    def make_topics(self, texts: int = 80, topics: int = 4) -> Any:
        """Return the n-grams of texts: six of the ten of its topic, text for text in turn, and two of any."""
        generator = np.random.default_rng(topics)
        found = np.zeros((texts, 10 * topics), np.float32)
        for row in range(texts):
            found[row, row % topics * 10 + generator.permutation(10)[:6]] = 1
            found[row, generator.integers(0, 10 * topics, 2)] = 1
        return sparse.csr_matrix(found)

    def test_seeded(self) -> None:
        occurs = self.make_topics()
        first = vectors.learn_vectors(occurs, 1)
        for part, again in zip(first, vectors.learn_vectors(occurs, 1)):
            assert part.tobytes() == again.tobytes()
        assert np.abs(first.texts - vectors.learn_vectors(occurs, 2).texts).max() > 1e-3

    def test_compiled_now_or_earlier(self, run_python: Callable[..., Any], tmp_path: Path) -> None:
        """The process that compiles learns the same, bit for bit, as those that find the compiled loop."""
        code = (
            "import numpy, scipy.sparse; from train.distilling import vectors; vectors.MOST_EPOCHS = 2;"
            "occurs = scipy.sparse.csr_matrix((numpy.random.default_rng(0).random((50, 80)) < 0.2).astype('f'));"
            "print([part.tobytes().hex() for part in vectors.learn_vectors(occurs, 1)])"
        )
        env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
        first, second = (run_python("-c", code, env=env).stdout.splitlines()[-1] for _ in range(2))
        assert first == second
        assert list(tmp_path.rglob("*.nbc"))

    def test_texts_and_ngrams_of_a_topic_are_near(self) -> None:
        found, topic = vectors.learn_vectors(self.make_topics(), 1), np.arange(80) % 4
        for part in found:
            np.testing.assert_allclose(np.linalg.norm(part, axis=1), 1, atol=1e-5)
        same = topic[:, None] == topic
        assert (found.texts @ found.texts.T)[same].mean() > (found.texts @ found.texts.T)[~same].mean() + 0.3
        sums = (found.texts @ found.ngrams.T).reshape(80, 4, 10).sum(axis=2)
        assert (sums.argmax(axis=1) == topic).all()

    def test_gradient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Of one text with one n-gram, which is drawn too, a short step follows the slope of the likelihood."""
        monkeypatch.setattr(vectors, "DIMENSIONS", 8)
        monkeypatch.setattr(vectors, "FEWEST_EPOCHS", 1)
        monkeypatch.setattr(vectors, "MOST_EPOCHS", 1)
        generator = np.random.default_rng(4)
        first = [generator.standard_normal(8, np.float32).astype(np.float64) / np.sqrt(8) for _ in range(2)]

        def likelihood(parts: Any) -> float:
            x, o = parts.reshape(2, 8)
            cosine = vectors.SHARPNESS * x @ o / np.linalg.norm(x) / np.linalg.norm(o)
            drawn = vectors.NEGATIVES * vectors.NEGATIVE_WEIGHT * np.log(1 / (1 + np.exp(cosine)))
            return float(np.log(1 / (1 + np.exp(-cosine))) + drawn)

        steps, point = 1e-5 * np.eye(16), np.concatenate(first)
        slope = np.array([(likelihood(point + step) - likelihood(point - step)) / 2e-5 for step in steps])
        assert np.abs(slope).max() > 0.5
        occurs, found = sparse.csr_matrix(np.ones((1, 1), np.float32)), {}
        for rate in (0.0, 1e-4):
            monkeypatch.setattr(vectors, "RATE", rate)
            learned = vectors.learn_vectors(occurs, 4)
            found[rate] = np.concatenate([learned.texts[0], learned.ngrams[0]])
        # Vectors are returned with the length 1; a step does not change their lengths, at first.
        lengths = np.repeat([np.linalg.norm(part) for part in first], 8)
        np.testing.assert_allclose(found[0.0], point / lengths, atol=1e-6)
        np.testing.assert_allclose((found[1e-4] - found[0.0]) * lengths / 1e-4, slope, atol=0.03)

    @pytest.mark.parametrize("occurs", [[[1, 1, 1]], [[1], [1], [0]], [[1]], [[1, 1, 0], [0, 0, 0], [0, 1, 1]]])
    def test_next_to_nothing(self, occurs: Any) -> None:
        """One text, one n-gram, and texts without any."""
        found = vectors.learn_vectors(sparse.csr_matrix(np.array(occurs, np.float32)), 1)
        assert [len(part) for part in found] == [len(occurs), len(occurs[0])]
        for part in found:
            np.testing.assert_allclose(np.linalg.norm(part, axis=1), 1, atol=1e-5)


class TestTeacher:
    TOPIC = np.arange(120) % 3
    NONE_KNOWN = 7  # a text

    @pytest.fixture(scope="class")
    @staticmethod
    def texts() -> Encoded:
        """Texts of nine words each, of which most are of one of three topics; of one text no word is known."""
        generator = np.random.default_rng(5)
        rows: list[list[int]] = []
        for topic in TestTeacher.TOPIC:
            words = 4 + 8 * topic + generator.integers(0, 8, 9)
            words[:3] = generator.integers(4, 28, 3)
            rows.append([1, *generator.permutation(words).tolist()])
        rows[TestTeacher.NONE_KNOWN] = [1, 2, 2]
        return encoded(rows, 16)

    def make_recipe(self, labels: int, **choices: Any) -> Recipe:
        changed = Choices(**{"buckets": 256, "crop_words": (2, 5), "crops": 0, **choices})
        return Recipe(SIZE, labels, np.ones(labels, np.float32), Settings(1, 1, 0, 1), changed)

    @pytest.mark.parametrize("crops", [0, 2])
    @pytest.mark.parametrize("labels", [2, 3])
    def test_labels_and_start_weights(self, texts: Encoded, labels: int, crops: int) -> None:
        recipe, topic = self.make_recipe(labels, crops=crops), self.TOPIC % labels
        knowledge = teacher.learn(texts, recipe)
        assert knowledge is not None
        for part in knowledge.features:
            dense = part.toarray() if sparse.issparse(part) else part
            lengths = np.linalg.norm(dense, axis=1)
            np.testing.assert_allclose(np.delete(lengths, self.NONE_KNOWN), 1, atol=1e-5)
            assert np.isfinite(dense).all()
        chosen = np.array([place for place in range(24) if place != self.NONE_KNOWN])
        logits = teacher.label(knowledge, chosen, topic[chosen], recipe)
        assert logits.shape == (120, labels)
        if labels == 3:  # the topics; two labels cannot tell them
            assert (logits.argmax(axis=1) == topic)[24:].mean() > 0.9
        # The network with these weights ranks texts as logistic regression on the sums of their n-grams' vectors does.
        size = SIZE + 256
        start = teacher.start_weights(knowledge, chosen, topic[chosen], size, recipe)
        assert start.shape == (size, 1 if labels == 2 else 3)
        ours = count_features(texts, recipe) @ start
        sums = knowledge.features[2]
        peer = LogisticRegression(C=teacher.C, max_iter=300).fit(sums[chosen], topic[chosen])
        for mine, theirs in zip(ours.T, peer.decision_function(sums).reshape(120, -1).T, strict=True):
            assert np.corrcoef(mine, theirs)[0, 1] > (0.8 if crops else 0.9)

    def test_a_label_that_no_text_has(self, texts: Encoded) -> None:
        recipe = self.make_recipe(5)
        knowledge = teacher.learn(texts, recipe)
        assert knowledge is not None
        for labels in ([3, 0], [4, 2, 1]):
            chosen = np.array([place for place in range(10, 40) if self.TOPIC[place] < len(labels)])
            targets = np.array(labels)[self.TOPIC[chosen]]
            logits = teacher.label(knowledge, chosen, targets, recipe)
            assert (logits[chosen].argmax(axis=1) == targets).mean() > 0.9
            missing = np.setdiff1d(np.arange(5), labels)
            assert logits[:, missing].max() < logits[:, labels].min() - 10
            start = teacher.start_weights(knowledge, chosen, targets, SIZE + 256, recipe)
            assert start[:, labels].any()
            assert not start[:, missing].any()

    def test_made_surer(self) -> None:
        """The labels stay, and so does a teacher that is sure."""
        logits = np.array([[0.0, 1.0, -30.0], [0.0, -2.0, -1.0], [0.5, 0.5, 0.0]])
        surer = teacher.make_surer(logits)
        assert (surer.argmax(axis=1) == logits.argmax(axis=1)).all()
        margins = np.sort(surer, axis=1)
        assert np.sqrt(np.mean((margins[:, -1] - margins[:, -2]) ** 2)) == pytest.approx(teacher.SURE)
        assert (teacher.make_surer(10 * surer) == 10 * surer).all()
        assert not teacher.make_surer(np.zeros((2, 2))).any()

    def test_class_weights(self, texts: Encoded) -> None:
        """The heavier a label, the more probable it is."""
        recipe, chosen = self.make_recipe(3), np.arange(10, 40)
        knowledge = teacher.learn(texts, recipe)
        assert knowledge is not None
        found = [
            teacher.label(knowledge, chosen, self.TOPIC[chosen], recipe._replace(class_weights=np.array(weights)))
            for weights in ([1.0, 1.0, 1.0], [9.0, 1.0, 1.0])
        ]
        before, after = (logits[:, 0] - logits[:, 1:].max(axis=1) for logits in found)
        assert (after > before).all()

    @pytest.mark.parametrize("rows", [[[1, 2], [1], [1, 2, 2]], [[1, 4], [1, 5, 6], [1, 7]]])
    def test_nothing_to_learn(self, rows: list[list[int]]) -> None:
        """No n-gram is known, or none occurs twice."""
        assert teacher.learn(encoded(rows, 16), self.make_recipe(2, crops=2)) is None
