from __future__ import annotations

import json
import sys
import unittest
from pathlib import Path

from edgetext.encoder import Encoder, Preprocessing
from edgetext.keras_imdb import FILTERS, KERAS_IMDB, KerasIMDB
from edgetext.text import RESERVED
from edgetext.vocabulary import Vocabulary
from tests.runtime.helpers import VOCABULARY

GOLDEN, UNICODE = (
    json.loads((Path(__file__).parent / name).read_text("utf-8")) for name in ("golden_ids.json", "golden_unicode.json")
)


class TokenizeTest(unittest.TestCase):
    def test_golden_words(self) -> None:
        for case in GOLDEN["cases"]:
            with self.subTest(text=case["text"][:40]):
                self.assertEqual(KERAS_IMDB.tokenize(case["text"]), case["words"])

    def test_golden_unicode(self) -> None:
        for case in UNICODE["cases"]:
            with self.subTest(text=case["text"]):
                self.assertEqual(KerasIMDB("unicode").tokenize(case["text"]), case["words"])
                # What it gives is in lower case for both.
                self.assertEqual(KERAS_IMDB.tokenize(" ".join(case["words"])), case["words"])
                self.assertEqual(KerasIMDB("unicode").tokenize(" ".join(case["words"])), case["words"])

    def test_every_character_alone(self) -> None:
        """Each of Unicode's characters is dropped, lower-cased or kept, as the rules say; surrogates too."""
        for code in range(sys.maxunicode + 1):
            char = chr(code)
            if char in FILTERS or char == " ":
                expected = ["x", "y"]
            elif "A" <= char <= "Z":
                expected = ["x" + char.lower() + "y"]
            else:
                expected = ["x" + char + "y"]
            if KERAS_IMDB.tokenize(f"x{char}y") != expected:
                self.fail(f"U+{code:04X}: {KERAS_IMDB.tokenize(f'x{char}y')}")

    def test_every_character_in_lower_case(self) -> None:
        """So is each by the other rule; all at once, for one by one would take long."""
        chars = [chr(code) for code in range(sys.maxunicode + 1) if chr(code) not in FILTERS + " "]
        found = KerasIMDB("unicode").tokenize(" ".join(f"x{char}y" for char in chars))
        self.assertEqual(len(found), len(chars))
        odd = [(char, word) for char, word in zip(chars, found) if word != f"x{char.lower()}y"]
        self.assertEqual(odd, [])
        for char in FILTERS + " ":
            self.assertEqual(KerasIMDB("unicode").tokenize(f"x{char}y"), ["x", "y"])

    def test_unknown_lower_casing(self) -> None:
        for lowercase in ("turkish", "Unicode", "", None):
            with self.subTest(lowercase), self.assertRaisesRegex(ValueError, "'ascii' or 'unicode', not "):
                KerasIMDB(lowercase)  # type: ignore[arg-type]

    def test_other_types_are_refused(self) -> None:
        for value in (None, b"great", 1, ["great"]):
            for lowercase in ("ascii", "unicode"):
                with self.assertRaises(TypeError):
                    KerasIMDB(lowercase).tokenize(value)  # type: ignore[arg-type]


class VocabularyTest(unittest.TestCase):
    def test_bytes_round_trip(self) -> None:
        again = Vocabulary.from_bytes(VOCABULARY.to_bytes())
        self.assertEqual(again.tokens, VOCABULARY.tokens)
        self.assertEqual(again.ids, VOCABULARY.ids)
        self.assertEqual(len(again), 10)

    def test_reserved_tokens_cannot_be_written_by_a_text(self) -> None:
        for token in RESERVED:
            self.assertNotIn(token, KERAS_IMDB.tokenize(token))
            self.assertNotIn(token, VOCABULARY.ids)

    def test_words_of_every_letter_in_lower_case(self) -> None:
        """Whatever lower-casing makes of a character can be a word, and is found in a vocabulary again."""
        every = (chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF)  # as UTF-8 has them
        chars = [char for char in every if char.lower() != char or ord(char) % 64 == 0]
        words = sorted({*KerasIMDB("unicode").tokenize(" ".join(chars))})
        vocabulary = Vocabulary([*RESERVED, *words])
        self.assertEqual(Vocabulary.from_bytes(vocabulary.to_bytes()).tokens, vocabulary.tokens)
        encoder = Encoder(vocabulary, Preprocessing(8, "post", KerasIMDB("unicode")))
        self.assertEqual(encoder.ids(" ".join(words)), [1, *vocabulary.ids.values()])

    def test_decode(self) -> None:
        self.assertEqual(VOCABULARY.decode([1, 6, 2, 5, 0, 0]), "<START> great <UNKNOWN> movie")
        with self.assertRaises(IndexError):
            VOCABULARY.decode([99])

    def test_bad_vocabularies(self) -> None:
        for tokens in (
            [],
            ["the"],
            [*RESERVED, "the", "the"],
            [*RESERVED, ""],
            [*RESERVED, "two words"],
            [*RESERVED, "The"],
            [*RESERVED, "end."],
            [*reversed(RESERVED), "the"],
        ):
            with self.subTest(tokens=tokens), self.assertRaises(ValueError):
                Vocabulary(tokens)
        for content in (b"", VOCABULARY.to_bytes()[:-1], VOCABULARY.to_bytes() + b"\xff\n"):
            with self.subTest(content=content), self.assertRaises(ValueError):
                Vocabulary.from_bytes(content)


class EncoderTest(unittest.TestCase):
    def test_golden_ids(self) -> None:
        vocabulary = Vocabulary(GOLDEN["vocabulary"])
        last, first = (Encoder(vocabulary, Preprocessing(256, end, KERAS_IMDB)) for end in ("pre", "post"))
        for case in GOLDEN["cases"]:
            with self.subTest(text=case["text"][:40]):
                ids = case["ids"]
                padding = [0] * (256 - len(ids))
                self.assertEqual(last.ids(case["text"]), ids)
                self.assertEqual(last.encode(case["text"]), ids[-256:] + padding)
                self.assertEqual(first.encode(case["text"]), ids[:256] + padding)

    def test_golden_unicode(self) -> None:
        vocabulary = Vocabulary(UNICODE["vocabulary"])
        for end in ("pre", "post"):
            encoder = Encoder(vocabulary, Preprocessing(4, end, KerasIMDB("unicode")))
            for case in UNICODE["cases"]:
                with self.subTest(text=case["text"], end=end):
                    kept = case["ids"][-4:] if end == "pre" else case["ids"][:4]
                    self.assertEqual(encoder.ids(case["text"]), case["ids"])
                    self.assertEqual(encoder.truncate(case["text"]), kept)
                    self.assertEqual(encoder.encode(case["text"]), kept + [0] * (4 - len(kept)))

    def test_row_is_always_max_length_long(self) -> None:
        for length in (1, 2, 3, 8):
            for end in ("pre", "post"):
                encoder = Encoder(VOCABULARY, Preprocessing(length, end, KERAS_IMDB))
                for words in range(12):
                    self.assertEqual(len(encoder.encode("the " * words)), length)

    def test_what_is_cut_off(self) -> None:
        """Only the words that stay are made; they are those that stay of all, however many there are at which end."""
        words = ["the", "\rmovie", "great\x0b", "bad", "\x0c", "caf\u00e9", "\x85", "unknown"] * 2
        for count in range(len(words) + 1):
            for text in (" ".join(words[:count]), "\n" + " \t".join(words[:count]) + ". "):
                for length in range(1, 10):
                    ids = Encoder(VOCABULARY, Preprocessing(length, "post", KERAS_IMDB)).ids(text)
                    self.assertEqual(len(ids), count + 1)
                    self.assertEqual(
                        Encoder(VOCABULARY, Preprocessing(length, "post", KERAS_IMDB)).truncate(text), ids[:length]
                    )
                    self.assertEqual(
                        Encoder(VOCABULARY, Preprocessing(length, "pre", KERAS_IMDB)).truncate(text), ids[-length:]
                    )

    def test_words_that_are_long_or_far_apart(self) -> None:
        for between in (" ", "." * 2000, "x" * 2000, " " + "x" * 2000 + " "):
            for length in range(1, 8):
                encoder = Encoder(VOCABULARY, Preprocessing(length, "post", KERAS_IMDB))
                text = between.join(["the", "movie", "great", "bad", "the"])
                with self.subTest(between=between[:3], length=length):
                    self.assertEqual(encoder.truncate(text), encoder.ids(text)[:length])

    def test_known(self) -> None:
        """The start mark is no word, and words that are truncated do not count."""
        for text, post, pre in (
            ("", 0.0, 0.0),
            ("...", 0.0, 0.0),
            ("tale", 0.0, 0.0),
            ("great", 1.0, 1.0),
            ("Great, <UNKNOWN> movie!", 2 / 3, 2 / 3),
            ("the tale the movie", 2 / 3, 3 / 4),  # without the start mark there is room for one more word
            ("tale of the great movie", 1 / 3, 3 / 4),
        ):
            for end, share in (("post", post), ("pre", pre)):
                encoder = Encoder(VOCABULARY, Preprocessing(4, end, KERAS_IMDB))
                with self.subTest(text, end=end):
                    self.assertEqual(encoder.known(encoder.truncate(text)), share)
        self.assertEqual(Encoder(VOCABULARY, Preprocessing(1, "post", KERAS_IMDB)).known([1]), 0.0)


class PreprocessingTest(unittest.TestCase):
    def test_json_round_trip(self) -> None:
        record = Preprocessing(256, "pre", KERAS_IMDB).to_json()
        again = Preprocessing.from_json(json.loads(json.dumps(record)))
        self.assertEqual((again.max_length, again.truncating, again.rules), (256, "pre", KERAS_IMDB))

    def test_lower_casing_is_written_where_it_is_not_the_usual(self) -> None:
        usual, unicode = (
            Preprocessing(8, "post", KerasIMDB(lowercase)).to_json() for lowercase in ("ascii", "unicode")
        )
        self.assertNotIn("lowercase", usual)
        self.assertEqual(list(unicode.items()), [*usual.items(), ("lowercase", "unicode")])
        for record, lowercase in (
            (usual, "ascii"),
            (unicode, "unicode"),
            ({**usual, "lowercase": "ascii"}, "ascii"),
        ):
            self.assertEqual(Preprocessing.from_json(record).rules, KerasIMDB(lowercase))

    def test_what_this_version_does_not_do_is_refused(self) -> None:
        record = Preprocessing(256, "pre", KERAS_IMDB).to_json()
        changes: list[dict[str, object]] = [
            {"tokenizer": "other"},
            {"padding": "pre"},
            {"pad_id": 1},
            {"start_id": None},
            {"unknown_id": 3},
            {"max_length": 0},
            {"max_length": "256"},
            {"max_length": True},
            {"truncating": "middle"},
            {"stemming": True},
            {"lowercase": "turkish"},
            {"lowercase": "Unicode"},
            {"lowercase": None},
            {"lowercase": True},
            {"lowercase": ["ascii"]},
        ]
        for change in changes:
            with self.subTest(change=change), self.assertRaises(ValueError):
                Preprocessing.from_json({**record, **change})
        for key in record:
            with self.subTest(missing=key), self.assertRaises(ValueError):
                Preprocessing.from_json({name: value for name, value in record.items() if name != key})


if __name__ == "__main__":
    unittest.main()
