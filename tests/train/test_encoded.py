"""Encoded texts, against the padded arrays that they stand for."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetext.encoder import Encoder, Preprocessing
from edgetext.keras_imdb import KERAS_IMDB
from edgetext.text import RESERVED
from edgetext.vocabulary import Vocabulary
from train.encoding.encoded import Encoded, encode, encode_dataset
from train.tables.dataset import Text, read_table
from train.tables.options import TableOptions

LABELS = ("a", "b", "c")


def make(seed: int, count: int, max_length: int = 12) -> tuple[Encoded, Any]:
    """Make texts of random lengths from 1 to ``max_length``, and the same as a padded array."""
    generator = np.random.default_rng(seed)
    rows = generator.integers(1, 60_000, (count, max_length))
    lengths = generator.integers(1, max_length + 1, count)
    rows[np.arange(max_length) >= lengths[:, None]] = 0
    ids = np.concatenate([row[row > 0] for row in rows]).astype(np.uint16)
    return Encoded(ids, lengths, generator.integers(0, 3, count), max_length), rows


def test_take() -> None:
    texts, rows = make(1, 50)
    assert len(texts) == 50
    assert texts.take().dtype == np.int32
    assert texts.take().tolist() == rows.tolist()
    for chosen in (np.array([7, 7, 0, 49]), slice(10, 20), slice(0, 0), np.array([], np.int64), np.arange(50) % 2 == 0):
        assert texts.take(chosen).tolist() == rows[chosen].tolist()
        assert texts.take(chosen).shape[1] == 12


@pytest.mark.parametrize("size", [1, 7, 50, 4096])
def test_chunks(size: int) -> None:
    texts, rows = make(2, 50)
    parts = list(texts.chunks(size))
    assert [len(part) for part, _ in parts] == [min(size, 50 - start) for start in range(0, 50, size)]
    assert np.concatenate([part for part, _ in parts]).tolist() == rows.tolist()
    assert np.concatenate([targets for _, targets in parts]).tolist() == texts.targets.tolist()


def test_parts_and_joins() -> None:
    """Whatever is cut or joined first."""
    (texts, rows), (others, more) = make(3, 20), make(4, 10)
    short = np.where(np.arange(12) < 5, rows, 0)
    for found, wanted in (
        (texts.first_words(4), short),
        (texts.first_words(100), rows),
        (texts.joined(others), [*rows, *more]),
        (texts.first_words(4).joined(others), [*short, *more]),
        (texts.joined(others).first_words(4), [*short, *np.where(np.arange(12) < 5, more, 0)]),
    ):
        assert found.take().tolist() == np.asarray(wanted).tolist()
        assert found.lengths.tolist() == (np.asarray(wanted) > 0).sum(axis=1).tolist()
    assert texts.joined(others).targets.tolist() == [*texts.targets, *others.targets]
    assert texts.take().tolist() == rows.tolist()  # nothing was changed


@pytest.mark.parametrize("max_length", [32, 512, 1536, 65_536])
def test_chunks_of_long_texts_are_smaller(max_length: int) -> None:
    """A table of long texts takes no more memory; predictions are made of 512 texts at a time."""
    ids = np.ones(9000, np.uint16)
    texts = Encoded(ids, np.ones(9000, np.int64), np.zeros(9000, np.int64), max_length)
    for part, _ in itertools.islice(texts.chunks(), 2):
        assert part.size <= 2**20 or len(part) == 512
        assert part.size >= 2**19 or len(part) == 4096
        assert len(part) % 512 == 0


def test_splits_share_a_file(tmp_path: Path) -> None:
    """So joining them takes no memory for ids, of which large tables have gigabytes."""
    path = tmp_path / "t.csv"
    path.write_text("text,label\n" + "".join(f"word{n % 7} w{n},{'ab'[n % 2]}\n" for n in range(200)), encoding="utf-8")
    dataset = read_table(TableOptions(path))
    encoder = Encoder(Vocabulary([*RESERVED, *(f"word{n}" for n in range(7))]), Preprocessing(4, "post", KERAS_IMDB))
    splits = encode_dataset(dataset, encoder, test=True)
    for name, texts in (("train", splits.train), ("validation", splits.validation), ("test", splits.test)):
        alone = encode(dataset.texts(name), encoder, dataset.labels)
        assert texts.take().tolist() == alone.take().tolist()
        assert texts.targets.tolist() == alone.targets.tolist()
    joined = splits.train.joined(splits.validation).joined(splits.test)
    assert np.shares_memory(joined.ids, splits.train.ids)
    parts = [splits.train.take(), splits.validation.take(), splits.test.take()]
    assert joined.take().tolist() == np.concatenate(parts).tolist()
    assert len(joined) == 200


@pytest.mark.parametrize("truncating", ["pre", "post"])
def test_encode(truncating: str) -> None:
    encoder = Encoder(Vocabulary([*RESERVED, "x", "y"]), Preprocessing(4, truncating, KERAS_IMDB))
    texts = [Text("1", "c", "x y"), Text("2", "a", "x y z x y"), Text("3", "b", "!"), Text("4", "c", "Z y")]
    found = encode(iter(texts), encoder, LABELS)
    assert found.take().tolist() == [encoder.encode(text.text) for text in texts]
    assert found.targets.tolist() == [2, 0, 1, 2]
    assert found.lengths.tolist() == [3, 4, 1, 3]


def test_encode_nothing() -> None:
    encoder = Encoder(Vocabulary([*RESERVED, "x"]), Preprocessing(4, "post", KERAS_IMDB))
    nothing = encode([], encoder, LABELS)
    assert (len(nothing), nothing.take().shape, list(nothing.chunks())) == (0, (0, 4), [])
    something = encode([Text("1", "b", "x")], encoder, LABELS)
    assert nothing.joined(something).take().tolist() == something.joined(nothing).take().tolist() == [[1, 4, 0, 0]]


def test_large_ids() -> None:
    words = [f"w{number}" for number in range(30_000)]
    encoder = Encoder(Vocabulary([*RESERVED, *words]), Preprocessing(3, "post", KERAS_IMDB))
    assert encode([Text("1", "a", "w29999")], encoder, LABELS).take().tolist() == [[1, 30_003, 0]]


def test_errors_name_a_place() -> None:
    """An error of the anonymous file names its folder; an error that names a file is unchanged."""
    encoder = Encoder(Vocabulary([*RESERVED, "x"]), Preprocessing(4, "post", KERAS_IMDB))

    def broken(error: OSError) -> Any:
        yield Text("1", "a", "x")
        raise error

    with pytest.raises(OSError, match="no room") as caught:
        encode(broken(OSError(28, "no room")), encoder, LABELS)
    assert Path(caught.value.filename).is_dir()
    with pytest.raises(FileNotFoundError) as missing:
        encode(broken(FileNotFoundError(2, "gone", "tickets.csv")), encoder, LABELS)
    assert missing.value.filename == "tickets.csv"
