"""Properties of any text at all, tried with texts that hypothesis makes up, and with a few that are too long for it."""

from __future__ import annotations

import json
import sys
import unittest
from pathlib import Path

from edgetext import Classifier
from edgetext.encoder import Encoder, Preprocessing
from edgetext.keras_imdb import KerasIMDB
from tests.runtime.helpers import VOCABULARY
from tests.runtime.oracle import check, row_of, words_of

try:
    from hypothesis import example, given
    from hypothesis import strategies as st

    from tests.runtime.strategies import PADDING, TEXTS
except ImportError:
    raise unittest.SkipTest("hypothesis is not installed for this Python") from None


class AnyTextTest(unittest.TestCase):
    classifier: Classifier

    @classmethod
    def setUpClass(cls) -> None:
        cls.classifier = Classifier.load(engine="builtin")

    def test_the_oracle_matches_the_golden_files(self) -> None:
        folder = Path(__file__).parent
        for name, lowercase in (("golden_ids.json", "ascii"), ("golden_unicode.json", "unicode")):
            for case in json.loads((folder / name).read_text("utf-8"))["cases"]:
                with self.subTest(text=case["text"][:40]):
                    self.assertEqual(words_of(case["text"], lowercase), case["words"])

    @given(TEXTS, st.sampled_from(["ascii", "unicode"]))
    @example("\ud83d\ude00 \ude00\ud83d", "ascii")  # surrogates that look like a pair
    @example("\rGREAT\v\fgreat\x1f", "unicode")
    def test_words(self, text: str, lowercase: str) -> None:
        self.assertEqual(KerasIMDB(lowercase).tokenize(text), words_of(text, lowercase))

    @given(TEXTS, st.integers(1, 12), st.sampled_from(["pre", "post"]), st.sampled_from(["ascii", "unicode"]))
    def test_rows(self, text: str, length: int, end: str, lowercase: str) -> None:
        encoder = Encoder(VOCABULARY, Preprocessing(length, end, KerasIMDB(lowercase)))
        row = row_of(text, VOCABULARY.ids, length, end, lowercase)
        self.assertEqual(encoder.encode(text), row)
        self.assertEqual(encoder.truncate(text), [index for index in row if index])

    @given(TEXTS)
    def test_predictions(self, text: str) -> None:
        check(self.classifier, text)

    @given(st.lists(st.sampled_from(PADDING), max_size=700).map(" ".join))
    def test_words_of_padding(self, text: str) -> None:
        """They are words like others, which no model was taught, and none of them becomes what stands for padding."""
        check(self.classifier, text)
        self.assertNotIn(0, self.classifier.encoder.ids(text))
        self.assertEqual(self.classifier.encoder.ids(text).count(1), 1)

    def test_long_texts(self) -> None:
        for unit in ("a", " ", "\u0301", "\ud800", "great ", "\0", "<PAD> ", "\U0001f468\u200d", "\u05d0\u200f "):
            with self.subTest(unit=ascii(unit)):
                check(self.classifier, unit * (1_000_000 // len(unit)))

    def test_every_code_point_in_one_text(self) -> None:
        for between in ("", " "):
            check(self.classifier, between.join(map(chr, range(sys.maxunicode + 1))))


if __name__ == "__main__":
    unittest.main()
