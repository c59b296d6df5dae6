"""The rule set ``words-1``: its words and ids by the golden file, and what holds for long and hostile texts."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
import threading
import time
import tracemalloc
import unittest
from unittest import mock

from edgetext.bundle.vocabulary import StoredVocabulary
from edgetext.encoder import Encoder, Preprocessing
from edgetext.engines.builtin import BuiltinEngine
from edgetext.errors import BundleError
from edgetext.folding import MOST, Folding
from edgetext.keras_imdb import KERAS_IMDB, KerasIMDB
from edgetext.text import RESERVED, RuleSet, Words
from edgetext.vocabulary import Vocabulary
from tests.runtime import RUNTIME
from tests.runtime.golden import (
    GOLDEN,
    NETWORKS,
    TOLERANCE,
    VOCABULARIES,
    golden_model,
    golden_preprocessing,
    golden_probabilities,
)
from tests.runtime.helpers import slow


class GoldenTest(unittest.TestCase):
    def test_golden_words_and_ids(self) -> None:
        self.assertGreater(len(GOLDEN["cases"]), 300)
        for case in GOLDEN["cases"]:
            with self.subTest(text=case["text"][:40], marks=case["marks"]):
                rules = Words(case["marks"])
                self.assertEqual(rules.name, GOLDEN["tokenizer"])
                self.assertEqual(rules.tokenize(case["text"]), case["words"])
                for end, kept in (("post", case["ids"][:8]), ("pre", case["ids"][-8:])):
                    encoder = Encoder(VOCABULARIES[case["marks"]], Preprocessing(8, end, rules))
                    self.assertEqual(encoder.ids(case["text"]), case["ids"])
                    self.assertEqual(encoder.truncate(case["text"]), kept)
                    self.assertEqual(encoder.encode(case["text"]), kept + [0] * (8 - len(kept)))

    def test_golden_ngrams_and_probabilities(self) -> None:
        encoders = {
            marks: Encoder(vocabulary, golden_preprocessing(marks, "characters"))
            for marks, vocabulary in VOCABULARIES.items()
        }
        engines = {
            (marks, network): BuiltinEngine(
                golden_model(marks, network), max_length=golden_preprocessing(marks, network).width
            )
            for marks in VOCABULARIES
            for network in NETWORKS
        }
        for case in GOLDEN["cases"]:
            with self.subTest(text=case["text"][:40], marks=case["marks"]):
                ids = [*case["ids"], *case["ngrams"]]
                encoder = encoders[case["marks"]]
                self.assertEqual(encoder.ids(case["text"]), ids)
                self.assertEqual(encoder.truncate(case["text"]), ids)
                for network in NETWORKS:
                    engine = engines[case["marks"], network]
                    found = engine.predict([ids if network == "characters" else case["ids"]])[0]
                    wanted = golden_probabilities(case, network)[-len(found) :]  # one output: the second label's
                    self.assertEqual(len(found), engine.num_outputs)
                    for probability, expected in zip(found, wanted):
                        self.assertAlmostEqual(probability, expected, delta=TOLERANCE)

    def test_long_texts_are_folded_in_pieces(self) -> None:
        """Wherever they are cut: within an emoticon, or between an apostrophe and what is next to it."""
        for size in (1, 2, 3):
            with mock.patch("edgetext.text.LONG_TEXT", size), mock.patch("edgetext.folding.PIECE", size):
                for case in GOLDEN["cases"]:
                    with self.subTest(text=case["text"][:40], marks=case["marks"], size=size):
                        self.assertEqual(Words(case["marks"]).tokenize(case["text"]), case["words"])

    def test_a_vocabulary_that_is_searched_gives_the_same_ids(self) -> None:
        for marks, vocabulary in VOCABULARIES.items():
            stored = StoredVocabulary(vocabulary.to_bytes(), "vocab.txt", Words(marks))
            for place, token in enumerate(vocabulary.tokens[4:], 4):
                self.assertEqual(stored.find(token.encode()), place)
            self.assertEqual(stored.parse().tokens, vocabulary.tokens)


class RulesTest(unittest.TestCase):
    def test_as_people_write_it(self) -> None:
        """Texts with the words of plain ones, as phones, word processors, HTML and Windows write them."""
        for written, plain in (
            ("we didn\u2019t sleep", "we didn't sleep"),
            ("\u201cvery\u00a0quiet\u201d\u2014but\u2026", "very quiet but"),
            ("\u2018quiet\u2019 'room'", "quiet room"),
            ("\ufeff\uff31uiet\u3000room\uff01", "quiet room"),
            ("qui\u00adet\r\nroom\u200bclean", "quiet room clean"),
            ("quiet\vroom\fclean\x85and\u2028old", "quiet room clean and old"),
        ):
            self.assertEqual(Words(False).tokenize(written), plain.split())

    def test_turkish(self) -> None:
        for capitals, small in (("\u0130Y\u0130", "iyi"), ("I\u011eDIR", "\u0131\u011fd\u0131r")):
            self.assertEqual(Words(False).tokenize(capitals), Words(False).tokenize(small))

    def test_other_types_are_refused(self) -> None:
        for value in (None, b"great", 1, ["great"]):
            for marks in (False, True):
                with self.assertRaises(TypeError):
                    Words(marks).tokenize(value)  # type: ignore[arg-type]

    def test_words_that_it_does_not_make(self) -> None:
        for word in ("Great", "it\u2019s", "'tis", "a''b", "two words", "", "x\u200b", "\u0130", "caf\u00c9", "\ud800"):
            with self.subTest(ascii(word)), self.assertRaisesRegex(ValueError, "a word is empty or holds a character"):
                Vocabulary([*RESERVED, word], Words(False))
        for word in ("!", "?", ":)", "<3"):
            Vocabulary([*RESERVED, word], Words(True))
            with self.assertRaises(ValueError):
                Vocabulary([*RESERVED, word], Words(False))
        with self.assertRaisesRegex(BundleError, "vocab.txt: a word is empty or holds"):
            StoredVocabulary(
                "".join(f"{word}\n" for word in (*RESERVED, "x\r")).encode(), "vocab.txt", Words(False)
            ).parse()

    def test_no_word_contains_white_space_or_controls(self) -> None:
        """So a vocabulary has one word per line, whatever a program takes for the end of a line."""
        every = "".join(f"x{chr(code)}" for code in range(sys.maxunicode + 1))
        for marks in (False, True):
            for word in Words(marks).tokenize(every):
                if word.splitlines() != [word] or word.split() != [word]:
                    self.fail(ascii(word))


class RecordTest(unittest.TestCase):
    def test_round_trip(self) -> None:
        for rules in (KERAS_IMDB, KerasIMDB("unicode"), Words(False), Words(True)):
            record = Preprocessing(8, "post", rules).to_json()
            self.assertEqual(Preprocessing.from_json(json.loads(json.dumps(record))).rules, rules)
        self.assertEqual((record["tokenizer"], record["marks"]), ("words-1", True))

    def test_what_this_version_does_not_do_is_refused(self) -> None:
        record = Preprocessing(8, "post", Words(False)).to_json()
        for change, message in (
            ({"tokenizer": "words-2"}, "tokenizer is 'words-2', and this version knows 'keras-imdb' and 'words-1'"),
            ({"tokenizer": ["words-1"]}, "tokenizer is .*, and this version knows"),
            ({"tokenizer": "keras-imdb"}, "tokenizer 'keras-imdb' has other settings than these: 'marks'"),
            ({"lowercase": "unicode"}, "tokenizer 'words-1' has other settings than these"),
            ({"marks": 1}, "marks must be true or false, not 1"),
            ({"marks": "on"}, "marks must be true or false, not 'on'"),
        ):
            with self.subTest(change=change), self.assertRaisesRegex(ValueError, message):
                Preprocessing.from_json({**record, **change})
        del record["marks"]
        with self.assertRaisesRegex(ValueError, "'words-1' has other settings than these: none"):
            Preprocessing.from_json(record)

    def test_other_rules_are_not_loaded(self) -> None:
        record = Preprocessing(8, "post", Words(False)).to_json()
        code = (
            "import sys; from edgetext.encoder import Preprocessing\n"
            f"Preprocessing.from_json({record}); print('edgetext.keras_imdb' in sys.modules)\n"
        )
        result = subprocess.run([sys.executable, "-c", code], cwd=RUNTIME, capture_output=True, text=True, check=True)
        self.assertEqual(result.stdout, "False\n")

    def test_copies(self) -> None:
        rules: RuleSet
        for rules in (KerasIMDB("unicode"), Words(True)):
            encoder = Encoder(Vocabulary([*RESERVED, "caf\u00e9"], rules), Preprocessing(8, "post", rules))
            for made in (pickle.loads(pickle.dumps(encoder)), copy.deepcopy(encoder)):
                self.assertEqual(made.preprocessing.rules, rules)
                self.assertEqual(made.ids("CAF\u00c9"), [1, 4])


class LongTextTest(unittest.TestCase):
    # Each is the worst case of some way to process text.
    UNITS = (
        *("'", "a'", "' ", "''a", "\u2019", "\u2019a", "\U0001f60d", "\U0001f60d'", "a\U0001f60d", "\u6f22", "\u0301"),
        *(":)", ":D", ":Da", "<3:)", ":", "!", "?'", "\xad", "a\xad", "\ud800", "\u0e01a", "Great movie, isn't it? "),
    )

    @slow
    def test_time_is_linear(self) -> None:
        for unit in self.UNITS:
            for rules in (Words(False), Words(True)):
                encode = Encoder(VOCABULARIES[rules.marks], Preprocessing(512, "post", rules)).truncate
                seconds = []
                for length in (10_000, 100_000):
                    text = unit * (length // len(unit))
                    seconds.append(min(_time(encode, text) for _ in range(2)))
                with self.subTest(unit=ascii(unit), marks=rules.marks):
                    self.assertLess(seconds[1], max(40 * seconds[0], 0.01))

    @slow
    @mock.patch("edgetext.text.LONG_TEXT", 2**13)
    @mock.patch("edgetext.folding.PIECE", 2**13)
    def test_memory_is_bounded(self) -> None:
        """The bounds, in multiples of the text's UTF-8, are those of SECURITY.md, where texts and pieces are larger."""
        for unit in self.UNITS:
            text = unit * (100_000 // len(unit))
            for marks, bound in ((False, 3.25), (True, 4.5)):
                encoder = Encoder(VOCABULARIES[marks], Preprocessing(64, "post", Words(marks)))
                encoder.truncate(text)
                tracemalloc.start()
                encoder.truncate(text)
                peak = tracemalloc.get_traced_memory()[1]
                tracemalloc.stop()
                with self.subTest(unit=ascii(unit), marks=marks):
                    self.assertLess(peak, bound * len(text.encode("utf-8", "surrogatepass")))


def _time(function: object, text: str) -> float:
    started = time.process_time()
    function(text)  # type: ignore[operator]
    return time.process_time() - started


class FoldingTest(unittest.TestCase):
    def test_it_stays_small_and_threads_may_share_it(self) -> None:
        table = Folding(marks=True)
        texts = ["".join(map(chr, range(start, sys.maxunicode, 7))) for start in range(7)]
        expected = [text.translate(Folding(marks=True)) for text in texts]
        found: dict[int, str] = {}

        def fold(place: int) -> None:
            found[place] = texts[place].translate(table)

        threads = [threading.Thread(target=fold, args=(place,)) for place in range(7)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([found[place] for place in range(7)], expected)
        self.assertLessEqual(len(table), MOST + len(threads))

    def test_ascii_text_does_not_load_it(self) -> None:
        code = (
            "import sys; from edgetext.text import Words\n"
            "Words(True).tokenize('Great movie! Is it? <br> a:b;'); print('edgetext.folding' in sys.modules)\n"
            "Words(True).tokenize('caf\\u00e9'); print('edgetext.characters' in sys.modules)"
        )
        result = subprocess.run([sys.executable, "-c", code], cwd=RUNTIME, capture_output=True, text=True, check=True)
        self.assertEqual(result.stdout.split(), ["False", "True"])


if __name__ == "__main__":
    unittest.main()
