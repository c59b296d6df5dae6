"""The ``edge`` preset: its network, its fitting, and the command that trains it."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from edgetext.encoder import Encoder, Preprocessing
from edgetext.keras_imdb import KERAS_IMDB
from edgetext.vocabulary import Vocabulary
from train.__main__ import main
from train.dataset import SENTENCES, TYPOS
from train.encoding.encoded import Encoded, encode
from train.fitting import naive_bayes
from train.fitting.calibration import find_temperature
from train.fitting.crops import crop
from train.metrics import expected_calibration_error
from train.models import network
from train.models.choices import MULTIPLIERS, WORD_NGRAMS, Choices, largest_vocabulary
from train.models.hashing import add_products, shift
from train.models.presets import PRESETS
from train.reviews.cache import prepare
from train.reviews.dataset import Review, Reviews, load_split, split_sentences, split_validation
from train.reviews.layout import LABELS

Runner = Callable[..., "subprocess.CompletedProcess[str]"]
ErrorLine = Callable[[str], str]
SMALL = dataclasses.replace(Choices(), buckets=64, exponent=0.25)


def random_rows(seed: int, count: int = 40, max_length: int = 20, vocabulary: int = 30) -> Any:
    """Make rows as an encoder does: the start mark, ids, padding."""
    generator = np.random.default_rng(seed)
    rows = generator.integers(1, vocabulary, (count, max_length)).astype(np.int32)
    rows[:, 0] = 1
    lengths = generator.integers(1, max_length + 1, count)
    rows[np.arange(max_length) >= lengths[:, None]] = 0
    return rows, lengths


def encoded(rows: Any, targets: Any) -> Encoded:
    """Return ids as ``encode`` does."""
    lengths = (rows > 0).sum(axis=1)
    return Encoded(rows[rows > 0].astype(np.uint16), lengths, targets, rows.shape[1])


def hash_ngrams(ids: list[int], buckets: int, word_ngrams: int) -> list[int]:
    """Return the bucket of each n-gram of words that counts."""
    found = [(a * 40503 + b * 30011) % buckets for a, b in pairwise(ids) if a != 2 and b > 2]
    if word_ngrams == 3:
        triples = zip(ids, ids[1:], ids[2:])
        found += [(a * 40503 + b * 30011 + c * 16727) % buckets for a, b, c in triples if a != 2 and min(b, c) > 2]
    return found


def oracle(row: Any, unigrams: Any, bigrams: Any, bias: float, prior: float, choices: Choices) -> float:
    """Compute the network for one row, one term at a time."""
    ids = [int(token) for token in row if token]
    if not any(token > 2 for token in ids):
        return prior
    total = sum(float(unigrams[a]) for a in ids if a > 2)
    total += sum(float(bigrams[place]) for place in hash_ngrams(ids, len(bigrams), choices.word_ngrams))
    return float(1 / (1 + np.exp(-(total / len(ids) ** choices.exponent + bias))))


class TestNetwork:
    @pytest.mark.parametrize("word_ngrams", WORD_NGRAMS)
    def test_computes_what_it_says(self, word_ngrams: int) -> None:
        generator = np.random.default_rng(1)
        for exponent in (0.0, 0.25, 1.0):
            choices = dataclasses.replace(SMALL, exponent=exponent, word_ngrams=word_ngrams)
            added, prior = np.array([0.3]), np.log([0.6 / 0.4])
            model = network.build_edge(30, 20, choices, added, prior)
            unigrams, bigrams = generator.normal(size=(30, 1)), generator.normal(size=(64, 1))
            model.get_layer("unigrams").set_weights([unigrams])
            model.get_layer("bigrams").set_weights([bigrams])
            rows, _ = random_rows(2)
            rows[rows % 5 == 0] = np.where(rows[rows % 5 == 0] > 0, 2, 0)  # a fifth of the words is unknown
            rows[0], rows[1] = 0, 2  # nothing at all; nothing known
            wanted = [oracle(row, unigrams[:, 0], bigrams[:, 0], 0.3, 0.6, choices) for row in rows]
            np.testing.assert_allclose(model.predict(rows, verbose=0)[:, 0], wanted, atol=1e-6)

    @pytest.mark.parametrize("count", WORD_NGRAMS)
    def test_no_overflow(self, count: int) -> None:
        size, total = largest_vocabulary(count), sum(MULTIPLIERS[:count])
        assert (size - 1) * total < 2**31 <= size * total
        last = np.full((1, count), size - 1, np.int32)
        for ids in (last, keras.ops.convert_to_tensor(last)):
            assert int(add_products(shift(ids, count))[-1][0, 0]) == (size - 1) * total

    def test_preset(self) -> None:
        preset = PRESETS["edge"]
        assert next(iter(PRESETS)) == "edge"
        assert (preset.preprocessing.max_length, preset.preprocessing.truncating) == (512, "post")
        assert preset.vocabulary_size <= largest_vocabulary(2)


@pytest.mark.parametrize("word_ngrams", WORD_NGRAMS)
def test_log_count_ratios(word_ngrams: int) -> None:
    rows, _ = random_rows(5, 60)
    targets = np.random.default_rng(6).integers(0, 2, 60)
    counts = {label: ([1.0] * 30, [1.0] * 64) for label in (0, 1)}
    for row, target in zip(rows.tolist(), targets):
        ids = [token for token in row if token]
        for token in set(ids) - {1, 2}:  # once a review
            counts[int(target)][0][token] += 1
        for hashed in set(hash_ngrams(ids, 64, word_ngrams)):
            counts[int(target)][1][hashed] += 1
    totals = {label: sum(words) + sum(pairs) for label, (words, pairs) in counts.items()}
    found = naive_bayes.log_count_ratios(naive_bayes.count_texts(encoded(rows, targets), 2, 30, 64, word_ngrams))
    for part, ours in enumerate((found[:30], found[30:])):
        wanted = np.log(np.array(counts[1][part]) / totals[1]) - np.log(np.array(counts[0][part]) / totals[0])
        np.testing.assert_allclose(ours[:, 0], wanted, atol=1e-5)


def test_crops() -> None:
    rows, lengths = random_rows(7, 3000, 40, 1000)
    cut, begins = crop(rows, lengths, (3, 10), np.random.default_rng(8))
    assert cut.shape == (3000, 11)
    assert (cut[:, 0] == 1).all()
    sizes = (cut > 0).sum(axis=1) - 1
    assert (sizes >= np.minimum(lengths - 1, 3)).all()
    assert set(sizes[lengths > 11]) == set(range(3, 11))
    for row, found, begin, size, length in zip(rows, cut, begins, sizes, lengths):
        assert found[1 : size + 1].tolist() == row[begin : begin + size].tolist()
        assert begin + size <= length
    # From anywhere: the first and the last place alike.
    long = lengths == 40
    assert {1, 30} <= set(begins[long].tolist())


class TestTemperature:
    def test_finds_the_right_one(self) -> None:
        generator = np.random.default_rng(9)
        logits = generator.normal(size=200_000) * 3
        targets = (generator.random(200_000) < 1 / (1 + np.exp(-logits / 1.7))).astype(np.int64)
        assert find_temperature(logits, targets) == pytest.approx(1.7, rel=0.02)

    def test_without_a_best_one(self) -> None:
        logits = np.array([-1.0, 1.0])
        assert find_temperature(logits, np.array([0, 1])) == pytest.approx(0.1)
        assert find_temperature(logits, np.array([1, 0])) == pytest.approx(10)


def both(*second: float) -> Any:
    """Return the probabilities of both labels from those of the second."""
    return np.array([[1 - probability, probability] for probability in second])


def test_calibration_error() -> None:
    # Two bins: 0.8 sure and right in three of four; 0.6 sure and right in one of two.
    probabilities = both(0.8, 0.8, 0.2, 0.8, 0.6, 0.4)
    targets = np.array([1, 1, 0, 0, 1, 1])
    assert expected_calibration_error(probabilities, targets) == pytest.approx((4 * 0.05 + 2 * 0.1) / 6)
    assert expected_calibration_error(both(1.0, 0.0), np.array([1, 0])) == 0
    assert expected_calibration_error(both(1.0, 0.0), np.array([0, 1])) == 1


def test_sentences() -> None:
    text = "One two three four five. Too short!<br /><br />(Six words are in this one)<br />" + "long " * 41 + ". No."
    found = list(split_sentences([Review("train/pos/1_9.txt", "positive", text)]))
    assert [review.text for review in found] == ["One two three four five.", "(Six words are in this one)"]
    assert {review.label for review in found} == {"positive"}


def test_typos(tmp_path: Path) -> None:
    """Some words of each sentence differ by one letter, the same ones each time; everything else is as it was."""
    text = "It was a wonderful evening in the theatre, wasn't it? " * 60
    dataset = Reviews(tmp_path, [], [Review("train/pos/1_9.txt", "positive", text)])
    sentences = [review.text for review in dataset.texts(SENTENCES)]
    typos = list(dataset.texts(TYPOS))
    assert typos == list(dataset.texts(TYPOS))
    assert {review.label for review in typos} == {"positive"}
    pairs = [
        pair
        for plain, changed in zip(sentences, typos, strict=True)
        for pair in zip(plain.split(" "), changed.text.split(" "), strict=True)
    ]
    changed = [(plain, typo) for plain, typo in pairs if plain != typo]
    assert 1 / 10 < len(changed) / len(pairs) < 1 / 7
    assert {len(typo) - len(plain) for plain, typo in changed} == {-1, 0, 1}
    for plain, typo in changed:
        assert sorted(plain) == sorted(typo) or abs(len(plain) - len(typo)) == 1
        assert set(typo) <= set(plain)


def test_movies_are_not_divided() -> None:
    reviews = [Review(f"train/pos/{n}_9.txt", "positive", "good", f"tt{n // 7}") for n in range(700)]
    fitted, validated = split_validation(reviews, 140, by_movie=True)
    assert len(validated) == 140
    shared = {review.movie for review in fitted} & {review.movie for review in validated}
    assert len(shared) <= 1  # the one at the border
    assert validated != sorted(validated, key=lambda review: review.movie or "")  # mixed again
    # The tutorial's split knows no movies.
    apart = {review.movie for review in split_validation(reviews, 140)[1]}
    assert len(apart) > 60


class TestChoices:
    def test_changed(self) -> None:
        choices = Choices().changed(["crops=0", "exponent=0.5", "crop-words=2,9", "dropout=0"])
        assert (choices.crops, choices.exponent, choices.crop_words, choices.dropout) == (0, 0.5, (2, 9), 0)
        assert choices.buckets == Choices().buckets

    @pytest.mark.parametrize(
        "change",
        [
            *(
                "buckets=1000",
                "buckets=1",
                "buckets=x",
                "crops=-1",
                "speed=1",
                "crops",
                "crop_words=3",
                "crop_words=9,2",
            ),
            *("exponent=2", "exponent=nan", "learning_rate=0", "dropout=1"),
            *("max_length=20", "crop_words=5,600", "dropout=nan", "dropout=-1", "regularization=-1"),
            *("learning_rate=nan", "learning_rate=inf", "initial_weight=nan"),
            *("vocabulary=4", "vocabulary=30456", "max_length=1"),
        ],
    )
    def test_refused(self, change: str) -> None:
        with pytest.raises(ValueError, match=r"must be|no choice|not as that|out of range"):
            Choices().changed([change])


@pytest.fixture(scope="module")
def archive(
    tmp_path_factory: pytest.TempPathFactory, write_archive: Callable[[Path, Mapping[str, bytes]], Path]
) -> Path:
    """Reviews of a few words that say what they mean, with unlabelled ones and movies."""
    generator = np.random.default_rng(10)
    files: dict[str, bytes] = {}
    for split, count in (("train", 120), ("test", 60)):
        for short, words in (("neg", ["bad", "dull"]), ("pos", ["good", "fine"])):
            for number in range(count):
                filler = [f"w{n}" for n in generator.integers(0, 40, 12)]
                for word in words:
                    filler.insert(int(generator.integers(0, 12)), word)
                files[f"aclImdb/{split}/{short}/{number}_5.txt"] = " ".join(filler).encode()
            addresses = (f"http://www.imdb.com/title/tt{number // 4}/usercomments\n" for number in range(count))
            files[f"aclImdb/{split}/urls_{short}.txt"] = "".join(addresses).encode()
    for number in range(100):
        filler = [f"w{n}" for n in generator.integers(0, 40, 12)] + list(
            generator.choice([["good", "fine"], ["bad", "dull"]])
        )
        files[f"aclImdb/train/unsup/{number}_0.txt"] = " ".join(filler).encode()
    return write_archive(tmp_path_factory.mktemp("edge") / "aclImdb_v1.tar.gz", files)


@pytest.mark.slow
class TestCommand:
    OPTIONS = ("--buckets", "4096")

    @pytest.fixture(scope="class")
    def run(self, archive: Path, tmp_path_factory: pytest.TempPathFactory, run_python: Runner) -> Path:
        folder = tmp_path_factory.mktemp("runs")
        env = {"EDGETEXT_DATA": str(archive), "EDGETEXT_CACHE": str(folder / "cache")}
        result = run_python("-m", "train", *self.OPTIONS, "--validation", "40", "--out", folder / "run", env=env)
        assert result.returncode == 0, result.stderr
        learned, fitted = (
            line for line in result.stdout.splitlines() if line.startswith(("learning vectors of 340 texts", "fitting"))
        )
        assert " n-grams: 300 epochs, " in learned
        assert fitted.startswith("fitting: 4 epochs, ")
        return folder / "run"

    def test_learns(self, run: Path) -> None:
        metrics = json.loads((run / "metrics.json").read_text("utf-8"))
        assert metrics["test"]["texts"] == 120
        assert metrics["test"]["accuracy"] > 0.95
        assert metrics["unlabelled"] == 100
        assert set(metrics["validation"]) == {
            *("loss", "accuracy", "macro_f1", "ece", "positive", "texts", "classes", "accuracy_interval")
        }

    def test_saved_model(self, run: Path, archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        config = json.loads((run / "config.json").read_text("utf-8"))
        assert config["network"] == {
            "kind": "bigrams-2",
            "buckets": 4096,
            "multipliers": [40503, 30011],
            "exponent": 0.25,
        }
        model = keras.saving.load_model(run / "model.keras", safe_mode=True)
        vocabulary = Vocabulary.from_bytes((run / "vocab.txt").read_bytes())
        assert model.count_params() == len(vocabulary) + 4096 + 2
        # The recorded numbers are those of the saved model.
        monkeypatch.setenv("EDGETEXT_CACHE", str(run.parent / "cache"))
        encoder = Encoder(vocabulary, Preprocessing(512, "post", KERAS_IMDB))
        texts = encode(load_split("test", archive), encoder, LABELS)
        right = ((model.predict(texts.take(), verbose=0)[:, 0] > 0.5) == texts.targets).mean()
        metrics = json.loads((run / "metrics.json").read_text("utf-8"))
        assert metrics["test"]["accuracy"] == pytest.approx(right)

    def test_validates_on_other_movies(self, run: Path) -> None:
        def movies(reviews: Any) -> set[int]:
            return {int(str(name).split("/")[2].partition("_")[0]) // 4 for name in reviews}

        with np.load(run / "samples.npz") as samples:
            fitted, validated = (movies(samples[f"{part}_texts"]) for part in ("calibration", "heldout"))
        assert len(validated) >= 5
        assert len(fitted & validated) <= 1  # the one at the border

    def again(self, runner: Runner, seed: str, run: Path, archive: Path, out: Path) -> list[Any]:
        """Train again without the test texts, and return the weights."""
        env = {"EDGETEXT_DATA": str(archive), "EDGETEXT_CACHE": str(run.parent / "cache")}
        options = (*self.OPTIONS, "--validation", "40", "--seed", seed, "--out", out, "--no-test")
        result = runner("-m", "train", *options, env=env)
        assert result.returncode == 0, result.stderr
        assert "test" not in json.loads((out / "metrics.json").read_text("utf-8"))
        assert not [line for line in result.stdout.splitlines() if line.startswith("test")]
        return [array.tobytes() for array in keras.saving.load_model(out / "model.keras").get_weights()]

    def test_reproducible_in_another_process(
        self, run: Path, archive: Path, tmp_path: Path, run_in_process: Runner
    ) -> None:
        keras.utils.clear_session()  # layers are numbered as in a new process
        self.again(run_in_process, "0", run, archive, tmp_path / "run")
        assert (tmp_path / "run" / "model.keras").read_bytes() == (run / "model.keras").read_bytes()

    def test_the_preset_accurate(
        self,
        run: Path,
        archive: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setenv("EDGETEXT_DATA", str(archive))
        monkeypatch.setenv("EDGETEXT_CACHE", str(run.parent / "cache"))
        options = ["--preset", "accurate", *self.OPTIONS, "--epochs", "1", "--validation", "40", "--no-test"]
        monkeypatch.setattr("train.__main__.DEFAULT_RUN", tmp_path / "default")
        monkeypatch.chdir(tmp_path)
        assert main(options) == 0
        shown = capsys.readouterr().out
        assert "4,096 buckets of bigrams and trigrams" in shown
        assert shown.endswith("next: python export/to_safetensors.py --run runs/accurate\n")
        assert not (tmp_path / "default").exists()  # the shipped run stays as it is
        config = json.loads((tmp_path / "runs" / "accurate" / "config.json").read_text("utf-8"))
        assert (config["name"], config["preset"], config["choices"]["word_ngrams"]) == ("imdb-accurate", "accurate", 3)
        assert config["network"]["kind"] == "trigrams"
        assert config["network"]["multipliers"] == list(MULTIPLIERS)

    def test_seeded(self, run: Path, archive: Path, tmp_path: Path, run_in_process: Runner) -> None:
        known = [array.tobytes() for array in keras.saving.load_model(run / "model.keras").get_weights()]
        assert self.again(run_in_process, "1", run, archive, tmp_path / "run") != known

    @pytest.mark.usefixtures("tiny")
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (("--buckets", "1000"), "buckets must be a power of two from 2 to 16777216, not 1000"),
            (("--choice", "least_texts=2"), "--choice least_texts is for the objective hinge, which tables have"),
            (("--choice", "speed=9"), "no choice is called 'speed'; there are vocabulary, max_length, buckets"),
            (("--preset", "tutorial", "--buckets", "64"), "preset tutorial has no choices"),
            (("--choice", "vocabulary=40000"), "vocabulary must be from 5 to 30455, not 40000"),
        ],
    )
    def test_refused(
        self,
        options: tuple[str, ...],
        message: str,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        error_line: ErrorLine,
    ) -> None:
        prepare()
        capsys.readouterr()  # the notes
        assert main([*options, "--validation", "10", "--out", str(tmp_path / "run")]) == 2
        assert error_line(capsys.readouterr().err).startswith(message)
        assert list(tmp_path.iterdir()) == []
