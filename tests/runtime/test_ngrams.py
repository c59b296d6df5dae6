from __future__ import annotations

import json
import pickle
import random
import unittest
import zlib

from edgetext.encoder import Encoder, Preprocessing
from edgetext.keras_imdb import KERAS_IMDB
from edgetext.ngrams import LONGEST_TEXT, Characters, find_runs
from edgetext.text import RESERVED, Words
from edgetext.vocabulary import Vocabulary

CHARACTERS = Characters(2, 4, 64, 1000)
WORDS = ["good", "film", "\u597d", "\u0e01"]
FIRST = len(RESERVED) + len(WORDS)


def make_encoder(characters: Characters = CHARACTERS, *, marks: bool = False, max_length: int = 64) -> Encoder:
    rules = Words(marks)
    return Encoder(Vocabulary([*RESERVED, *WORDS], rules), Preprocessing(max_length, "post", rules, characters))


def oracle(items: list[str], characters: Characters = CHARACTERS) -> list[int]:
    """Return the ids of all n-grams of items, as their definition says."""
    found = []
    for item in items:
        marked = f"<{item}>"
        for begin in range(len(marked)):
            for length in range(characters.shortest, characters.longest + 1):
                if begin + length <= len(marked):
                    ngram = marked[begin : begin + length].encode("utf-8")
                    found.append(FIRST + zlib.crc32(ngram) % characters.buckets)
    return found[: characters.most]


class EncoderTest(unittest.TestCase):
    def test_unknown_words_then_runs(self) -> None:
        for text, words, items in (
            ("", [], []),
            ("Good film", [4, 5], []),
            ("good fillm", [4, 2], ["fillm"]),
            ("a, GOOD b'c!", [2, 4, 2], ["a", "b'c"]),
            ("d\u00e9j\u00e0 vu", [2, 2], ["d\u00e9j\u00e0", "vu"]),
            # Known and unknown letters of a run alike; never as words too.
            ("\u597d\u6f22 good", [6, 2, 4], ["\u597d\u6f22"]),
            ("\u597d", [6], ["\u597d"]),
            # Separators and letters of other scripts end a run, what is dropped does not.
            ("\u597d\u3002\u6f22x\u597d\u200d\u0e01", [6, 2, 2, 6, 7], ["x", "\u597d", "\u6f22", "\u597d\u0e01"]),
            ("good\U0001f60d\U0001f60d ok", [4, 2, 2, 2], ["ok", "\U0001f60d\U0001f60d"]),
        ):
            ids = make_encoder().ids(text)
            self.assertEqual(ids, [1, *words, *oracle(items)], text)
            self.assertEqual(make_encoder().truncate(text), ids)

    def test_marks_are_no_items(self) -> None:
        self.assertEqual(make_encoder(marks=True).ids("good!? \u597d\uff01"), [1, 4, 2, 2, 6, 2, *oracle(["\u597d"])])

    def test_rows_have_one_width(self) -> None:
        encoder = make_encoder(Characters(2, 4, 64, 10), max_length=8)
        self.assertEqual(encoder.preprocessing.width, 18)
        for text in ("", "good", "x", "abcdefgh " * 50, "\u6f22" * 100, "good " * 100 + "abc"):
            row = encoder.encode(text)
            self.assertEqual(len(row), 18)
            words = encoder.count_words(encoder.truncate(text))
            self.assertLessEqual(words, 8)
            self.assertTrue(all(number < FIRST for number in row[:words]))
            self.assertTrue(all(number >= FIRST or not number for number in row[words:]))

    def test_the_first_count(self) -> None:
        many = " ".join(f"word{number}" for number in range(40)) + "\u6f22\u597d"
        for most in (1, 2, 15, 16, 17, 1000):
            characters = Characters(2, 4, 64, most)
            items = [f"word{number}" for number in range(39)] + ["word39", "\u6f22\u597d"]
            self.assertEqual(make_encoder(characters).ids(many)[43:], oracle(items, characters), most)

    def test_unknown_words_beyond_the_last_that_is_read(self) -> None:
        encoder = make_encoder(max_length=3)
        self.assertEqual(encoder.truncate("good film abc"), [1, 4, 5])
        self.assertEqual(encoder.truncate("good abc xyz"), [1, 4, 2, *oracle(["abc"])])

    def test_runs_of_the_first_code_points(self) -> None:
        text = "." * (LONGEST_TEXT - 2) + "\u6f22\u597d\u6f22"
        self.assertEqual(make_encoder().truncate(text)[4:], oracle(["\u6f22\u597d"]))
        # However long a run is, only what can count is looked at.
        self.assertEqual(len(make_encoder().truncate("\u6f22" * 1_000_000)), 1064)

    def test_share_of_known_words(self) -> None:
        encoder = make_encoder()
        for text, share in (("good film", 1.0), ("good fillm", 0.5), ("\u597d\u6f22\u6f22\u6f22", 0.25), ("x", 0.0)):
            self.assertEqual(encoder.known(encoder.truncate(text)), share)

    def test_any_text(self) -> None:
        draw = random.Random(1)
        letters = "\u597d\u6f22\u0e01\u0e49\u30a2\U0001f60d\u200d\u3002\u0301\u00e9\u0439\ud800\u00a0\ufe0f\n"
        encoder = make_encoder()
        for _ in range(300):
            text = "".join(draw.choices(letters + " good film '.", k=draw.randint(0, 60)))
            words = Words(marks=False).tokenize(text)
            items = [word for word in words if word not in WORDS and not is_run(word)]
            self.assertEqual(encoder.ids(text)[1 + len(words) :], oracle([*items, *find_runs(text)]), text)
            self.assertEqual("".join(find_runs(text)), "".join(filter(is_run, words)))

    def test_copies(self) -> None:
        encoder = make_encoder()
        again = pickle.loads(pickle.dumps(encoder))
        self.assertEqual(again.encode("gooood \u6f22\u597d"), encoder.encode("gooood \u6f22\u597d"))


def is_run(word: str) -> bool:
    return len(word) == 1 and word in find_runs(word)


class SettingsTest(unittest.TestCase):
    def test_record(self) -> None:
        settings = Preprocessing(64, "post", Words(marks=True), Characters(2, 5, 2**16, 48))
        record = json.loads(json.dumps(settings.to_json()))
        self.assertEqual(record["characters"], {"shortest": 2, "longest": 5, "buckets": 65_536, "most": 48})
        again = Preprocessing.from_json(record)
        self.assertEqual((again.characters, again.rules, again.width), (settings.characters, settings.rules, 112))

    def test_refused(self) -> None:
        record = Preprocessing(64, "post", Words(marks=False), CHARACTERS).to_json()
        for change in (
            {"buckets": 63},
            {"buckets": True},
            {"shortest": 5},
            {"shortest": 0},
            {"longest": 17},
            {"most": 0},
            {"most": "9"},
            {"other": 1},
        ):
            with self.assertRaises(ValueError, msg=change):
                Preprocessing.from_json({**record, "characters": {**record["characters"], **change}})
        others: list[object] = [None, [], 3, {}]
        for characters in others:
            with self.assertRaises(ValueError):
                Preprocessing.from_json({**record, "characters": characters})
        with self.assertRaises(ValueError):
            Preprocessing(64, "pre", Words(marks=False), CHARACTERS)
        with self.assertRaises(ValueError):
            Preprocessing(64, "post", KERAS_IMDB, CHARACTERS)
