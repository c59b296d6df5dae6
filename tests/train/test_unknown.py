"""The share of unknown words that training reports, on texts whose words are counted here."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgetext.encoder import Encoder, Preprocessing
from edgetext.keras_imdb import KERAS_IMDB
from edgetext.text import RESERVED, Words
from edgetext.vocabulary import Vocabulary
from train.__main__ import main
from train.encoding.encoded import Splits, encode
from train.encoding.unknown import describe_unknown, measure_unknown
from train.tables.dataset import Text

LABELS = ("a", "b")


def splits(fitted: list[str], validated: list[str], truncating: str = "post") -> tuple[Splits, int]:
    """Encode texts with a vocabulary of all words that occur twice in both parts."""
    words = " ".join([*fitted, *validated]).split()
    vocabulary = Vocabulary([*RESERVED, *sorted({word for word in words if words.count(word) > 1})])
    encoder = Encoder(vocabulary, Preprocessing(5, truncating, KERAS_IMDB))
    parts = [
        encode([Text("", "a", text) for text in part], encoder, LABELS) for part in (fitted, validated, [], [], [], [])
    ]
    return Splits(*parts), len(vocabulary)


@pytest.mark.parametrize("truncating", ["pre", "post"])
def test_shares(truncating: str) -> None:
    texts, size = splits(["red green", "red blue"], ["red green", "pink pink", "grey"], truncating)
    # Pink is in the vocabulary, but the texts to fit do not have it.
    assert measure_unknown(texts, size) == {
        "train": {"words": 1 / 4, "texts": 0.0},
        "validation": {"words": 3 / 5, "texts": 2 / 3},
    }


def test_without_texts_to_validate() -> None:
    texts, size = splits(["red green", "red blue"], [])
    measured = measure_unknown(texts, size)
    assert measured == {"train": {"words": 2 / 4, "texts": 0.0}}
    line, warning = describe_unknown(measured, Words(marks=False), limited=False).splitlines()
    assert line == "unknown words: 50.0% in the texts to fit; texts without a known word: 0.0%"
    assert warning.startswith("warning: many words are unknown")


@pytest.mark.parametrize(("share", "warns"), [(0.2, False), (0.21, True)])
@pytest.mark.parametrize("place", [("train", "texts"), ("validation", "words"), ("validation", "texts")])
def test_warning(share: float, warns: bool, place: tuple[str, str]) -> None:
    measured = {split: dict.fromkeys(("words", "texts"), 0.0) for split in ("train", "validation")}
    measured[place[0]][place[1]] = share
    lines = [
        describe_unknown(measured, rules, limited=limited)
        for rules, limited in ((KERAS_IMDB, False), (Words(marks=False), False), (Words(marks=False), True))
    ]
    assert "warning" not in describe_unknown(measured, Words(marks=False), limited=False, characters=True)
    assert all(line.startswith("unknown words: ") and f"{share:.1%}" in line for line in lines)
    assert [line.count("\nwarning: ") for line in lines] == [warns] * 3
    assert ["--tokenizer words" in line for line in lines] == [warns, False, False]
    assert ["--vocabulary" in line for line in lines] == [False, False, warns]


def test_text_that_the_rules_do_not_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each text is one word, which no other has; those to validate are in the vocabulary all the same."""
    monkeypatch.chdir(tmp_path)
    rows = [
        f"\u597d\u5403{chr(0x4E00 + number)},good\n\u96be\u5403{chr(0x4E00 + number)},bad\n" for number in range(40)
    ]
    Path("food.csv").write_text("text,label\n" + "".join(rows), encoding="utf-8")
    quick = ("--epochs", "1", "--choice", "stronger=", "--class-weights", "none")
    for tokenizer, warns in (("keras-imdb", True), ("words", False)):
        assert main(["--data", "food.csv", *quick, "--tokenizer", tokenizer]) == 0
        shown = capsys.readouterr().out
        assert ("warning: many words are unknown" in shown) == warns
        assert ("texts without a known word: 0.0% and 100.0%" in shown) == warns
