from __future__ import annotations

import random
import re
import time
import unittest
from unittest import mock

from edgetext import Classifier, EngineError
from edgetext.encoder import Encoder, Preprocessing
from edgetext.engines.builtin import BuiltinEngine
from edgetext.explaining import KINDS, NOTHING_KNOWN, Columns, Explanation
from edgetext.explaining.places import find_runs, find_words
from edgetext.keras_imdb import KERAS_IMDB
from edgetext.ngrams import Characters
from edgetext.ngrams import find_runs as find_run_texts
from edgetext.text import RESERVED, RuleSet, Words
from edgetext.vocabulary import Vocabulary
from tests.runtime.helpers import fake_classifier, random_average, random_bigrams, run, safetensors, slow

WORDS = ["good", "bad", "don't", "a", "film", "\u597d", "\U0001f600", "\u00e9t\u00e9", "straße"]
# What is joined to texts: words, and characters that the rules treat in different ways.
PIECES = [
    *WORDS,
    *"Abx_'!?:;)(D<3. \t\u2019\u200d\u00ad\u597d\u6f22\u0e01\u0130\u00c9\uff01\uff21",
    " ",
    " ",
    "\ud800",
    "\0",
]


def random_text(rng: random.Random) -> str:
    return "".join(rng.choice(PIECES) for _ in range(rng.randrange(40)))


def make_classifier(
    network: str, outputs: int, rules: RuleSet, truncating: str = "post", max_length: int = 12
) -> Classifier:
    """Make a classifier with random weights, except that reserved tokens have none, as in trained models."""
    marks = ["!", ":)"] if rules == Words(True) else []
    vocabulary = Vocabulary([*RESERVED, *WORDS, *marks], rules)
    characters = Characters(2, 4, 32, 40) if "characters" in network else None
    preprocessing = Preprocessing(max_length, truncating, rules, characters)
    metadata, tensors = random_bigrams(
        outputs, outputs, vocabulary=len(vocabulary), max_length=preprocessing.width, network=network
    )
    if network != "bigrams":
        values = tensors["unigrams"][2]
        for output in range(outputs):
            for reserved in range(len(RESERVED)):
                values[output * len(vocabulary) + reserved] = 0
    engine = BuiltinEngine(safetensors(metadata, tensors), max_length=preprocessing.width)
    labels = [f"label {number}" for number in range(max(outputs, 2))]
    return Classifier(labels, Encoder(vocabulary, preprocessing), engine)


ALL = [
    (network, outputs, rules, truncating)
    for network in ("bigrams", "bigrams-2", "trigrams", "characters", "trigrams-characters")
    for outputs in (1, 5)
    for rules in (Words(False), Words(True), KERAS_IMDB)
    for truncating in ("post", "pre")
    if "characters" not in network or (truncating == "post" and rules != KERAS_IMDB)
]


class EffectsTest(unittest.TestCase):
    def check(self, classifier: Classifier, text: str, label: str | None = None) -> Explanation:
        """Assert what holds for every explanation, and return it."""
        explanation, prediction = classifier.explain(text, label), classifier.classify(text)
        for parts in (explanation.parts, explanation.by_word()):
            total = sum(part.effect for part in parts) + explanation.bias
            self.assertAlmostEqual(total, explanation.logit, delta=1e-9, msg=repr(text))
        starts = [word.start for word in explanation.by_word()]
        self.assertEqual(starts, sorted(starts))
        for part in explanation.parts:
            self.assertIn(part.kind, KINDS)
            self.assertEqual(part.text, text[part.start : part.end])
        probabilities = prediction.probabilities
        odds = probabilities[explanation.label] / probabilities[explanation.against]
        self.assertAlmostEqual(2.718281828459045**explanation.logit / odds, 1, delta=1e-9)
        if label is None:
            self.assertEqual((explanation.label, explanation.against), tuple(name for name, _ in prediction.top(2)))
        words = [part for part in explanation.parts if part.kind in ("word", "unknown")]
        if words:
            known = sum(part.kind == "word" for part in words) / len(words)
            self.assertEqual(known, prediction.known)
        return explanation

    def test_effects_add_up(self) -> None:
        rng = random.Random(0)
        for network, outputs, rules, truncating in ALL:
            classifier = make_classifier(network, outputs, rules, truncating)
            for text in ("", "good film", "zzz", *(random_text(rng) for _ in range(20))):
                with self.subTest(network=network, rules=rules, truncating=truncating, text=text):
                    self.check(classifier, text)

    def test_shipped_model(self) -> None:
        classifier = Classifier.load(engine="builtin")
        explanation = self.check(classifier, "This is not a great film, and zzyzx is bad.")
        kinds = {(part.kind, part.text) for part in explanation.parts}
        for expected in (("word", "great"), ("pair", "a great"), ("unknown", "zzyzx"), ("beginning", "This")):
            self.assertIn(expected, kinds)
        self.assertNotIn(("pair", "zzyzx is"), kinds)
        self.assertRaises(ValueError, explanation.strongest, -1)
        self.assertRaises(TypeError, explanation.strongest, "a")
        sizes = [abs(part.effect) for part in explanation.strongest(1000)]
        self.assertEqual(sizes, sorted((abs(part.effect) for part in explanation.parts if part.effect), reverse=True))
        self.assertEqual([abs(part.effect) for part in explanation.strongest(3)], sizes[:3])
        self.assertEqual(len(classifier.explain("bad bad bad").strongest(1)), 1)

    def test_where_parts_stand(self) -> None:
        text = "The dogs' film, isn't 'good'. bad"
        parts = make_classifier("trigrams", 1, Words(False)).explain(text).parts
        found = [(part.kind, part.text) for part in parts]
        words = ["The", "dogs", "film", "isn't", "good", "bad"]
        self.assertEqual([text for _, text in found[:6]], words)
        self.assertIn(("pair", "good'. bad"), found)
        parts = make_classifier("trigrams", 1, Words(False)).explain("a good film").parts
        found = [(part.kind, part.text) for part in parts]
        self.assertEqual(
            found[3:],
            [
                *(("beginning", "a"), ("pair", "a good"), ("pair", "good film")),
                *(("beginning", "a good"), ("triple", "a good film")),
            ],
        )

    def test_runs_of_a_text_whose_words_are_not_read(self) -> None:
        classifier = make_classifier("characters", 1, Words(False), max_length=1)
        explanation = self.check(classifier, "\u6f22\u6f22 \u597d")
        self.assertEqual([word.text for word in explanation.by_word()], ["\u6f22\u6f22", "\u597d"])

    def test_what_is_known(self) -> None:
        for network, text, knows in (
            ("characters", "zzyzx", True),
            ("bigrams-2", "zzyzx", False),
            ("bigrams-2", "", False),
            ("bigrams-2", "zzyzx film", True),
        ):
            self.assertIs(make_classifier(network, 1, Words(False)).explain(text).knows_words, knows)

    def test_labels(self) -> None:
        classifier = make_classifier("bigrams-2", 5, Words(False))
        best, second, third = (label for label, _ in classifier.classify("good film").top(3))
        for label, against in ((None, second), (best, second), (second, best), (third, best)):
            explanation = self.check(classifier, "good film", label)
            self.assertEqual((explanation.label, explanation.against), (label or best, against))
        with self.assertRaisesRegex(ValueError, "no label 'great'; it has 'label 0', 'label 1'"):
            classifier.explain("good film", "great")

    def test_the_two_labels_are_opposites(self) -> None:
        classifier = make_classifier("trigrams", 1, Words(False))
        first, second = (classifier.explain("good bad film", label) for label in classifier.labels)
        self.assertEqual([part.effect for part in first.parts], [-part.effect for part in second.parts])

    def test_who_cannot_explain(self) -> None:
        with self.assertRaisesRegex(EngineError, "need the engine builtin"):
            fake_classifier().explain("good")
        vocabulary = Vocabulary([*RESERVED, *WORDS], KERAS_IMDB)
        engine = BuiltinEngine(safetensors(*random_average(0, vocabulary=len(vocabulary))), max_length=64)
        classifier = Classifier(["no", "yes"], Encoder(vocabulary, Preprocessing(64, "pre", KERAS_IMDB)), engine)
        with self.assertRaisesRegex(EngineError, "not one of the preset tutorial"):
            classifier.explain("good")
        with self.assertRaises(TypeError):
            make_classifier("bigrams-2", 1, Words(False)).explain(b"good")  # type: ignore[arg-type]


class SpeedTest(unittest.TestCase):
    @slow
    def test_at_most_so_many_times_as_long_as_classifying(self) -> None:
        """Both in turns, and the shortest of many times, so that other load on the machine matters little."""
        classifier = Classifier.load(engine="builtin")
        rng, words = random.Random(3), classifier.encoder.vocabulary.tokens[len(RESERVED) :]
        texts = [", ".join(rng.choices(words[:2000], k=180)) + "." for _ in range(50)]
        best = {name: float("inf") for name in ("classify", "explain")}
        for _ in range(40):
            for name in best:
                begin = time.process_time()
                for text in texts:
                    if name == "classify":
                        classifier.classify(text)
                    else:
                        classifier.explain(text).strongest(8)
                best[name] = min(best[name], time.process_time() - begin)
        self.assertLess(best["explain"] / best["classify"], 6.5)


class PlacesTest(unittest.TestCase):
    def test_words_stand_where_they_are_found(self) -> None:
        rng = random.Random(1)
        for rules in (Words(False), Words(True), KERAS_IMDB):
            for _ in range(1000):
                text = random_text(rng)
                found = [rules.tokenize(text[start:end]) for start, end in zip(*find_words(text, rules))]
                self.assertEqual(found, [[word] for word in rules.tokenize(text)], repr(text))

    def test_runs_stand_where_they_are_found(self) -> None:
        rng = random.Random(2)
        for _ in range(1000):
            text = random_text(rng)
            found = [find_run_texts(text[start:end]) for start, end in find_runs(text)]
            self.assertEqual(found, [[run] for run in find_run_texts(text)], repr(text))


class HTMLTest(unittest.TestCase):
    def test_a_fragment_without_scripts(self) -> None:
        text = '<b>good</b> & "bad" <script>alert(1)</script> film'
        content = make_classifier("bigrams-2", 1, Words(False)).explain(text).to_html()
        self.assertNotIn("<script", content)
        self.assertIn("&lt;/", content)
        self.assertIn("&amp;", content)
        self.assertIn(">film</span>", content)

    def test_strong_words_have_strong_colours(self) -> None:
        parts = Columns(["word"] * 3, [0, 5, 9], [4, 8, 13], [2.0, -1.0, 0.0])
        content = Explanation("good bad film", "yes", "no", 1.0, 0.0, parts).to_html()
        self.assertRegex(content, r'title="\+2.000" style="[^"]*0\.45\)[^"]*solid')
        self.assertRegex(content, r'title="-1.000" style="[^"]*0\.2[23]\)[^"]*dotted')
        self.assertNotIn(">film</span>", content)


class CommandTest(unittest.TestCase):
    def explain(self, *args: str, stdin: bytes = b"", code: int = 0) -> str:
        result = run("--explain", *args, stdin=stdin, fake=False)
        self.assertEqual(result.returncode, code, result.stderr)
        return (result.stdout or result.stderr).decode()

    def test_lines(self) -> None:
        for given in ({"args": ["a great movie"]}, {"args": [], "stdin": b"a great movie\n"}):
            lines = self.explain(*given["args"], stdin=given.get("stdin", b"")).splitlines()  # type: ignore[arg-type]
            self.assertTrue(lines[0].startswith("positive\t"))
            self.assertEqual(lines[1], "  why positive and not negative:")
            self.assertRegex(lines[2], r"^ +\+\d\.\d{3}  \++ +great movie$")
            self.assertIn("log odds of positive", lines[-1])
            effects = [float(line.split()[0]) for line in lines[2:]]
            self.assertEqual([abs(effect) for effect in effects[:-2]], sorted(map(abs, effects[:-2]), reverse=True))
            self.assertEqual(max(line.count("+") + line.count("-") for line in lines[2:]), 1 + 12)
            self.assertNotIn("\x1b", "".join(lines))

    def test_the_lines_add_up(self) -> None:
        text = "A slow start and some wooden acting, but the last hour is superb. I loved it."
        *effects, total = [float(line.split()[0]) for line in self.explain(text).splitlines()[2:]]
        self.assertEqual(len(effects), 8 + 2)
        self.assertEqual(effects[:8], sorted(effects[:8], key=abs, reverse=True))
        self.assertLess(effects[1], 0)  # wooden
        self.assertGreater(abs(effects[-2]), 0.02)
        self.assertAlmostEqual(sum(effects), total, delta=0.01)

    def test_equal_parts_are_one_line(self) -> None:
        explanation = Classifier.load(engine="builtin").explain("Bad, bad film. BAD!")
        effect = sum(part.effect for part in explanation.parts if part.kind == "word" and part.text.lower() == "bad")
        lines = self.explain("Bad, bad film. BAD!").splitlines()
        [line] = [line for line in lines if "\u00d7" in line]
        self.assertRegex(line, rf"^ +{re.escape(f'{abs(effect):+.3f}')}  \++ +Bad \u00d73$")
        self.assertFalse([line for line in lines if line.lower().endswith("  bad")])

    def test_a_text_of_which_nothing_is_known(self) -> None:
        for text in ("zzyzx", "zzyzx qwrtp, zzyzx"):
            _, *lines = self.explain(text).splitlines()
            self.assertEqual([line.strip() for line in lines], [NOTHING_KNOWN])
            content = Classifier.load(engine="builtin").explain(text).to_html()
            self.assertIn(NOTHING_KNOWN, content)
            self.assertNotIn("<span", content)
        self.assertNotIn(NOTHING_KNOWN, self.explain("zzyzx movie"))

    def test_json(self) -> None:
        content = self.explain("--json", "a great movie")
        self.assertIn('"explanation": {"label": "positive", "against": "negative", "logit": ', content)
        self.assertIn('{"kind": "pair", "text": "great movie", "start": 2, "end": 13, "effect": ', content)

    def test_refused(self) -> None:
        for args in (["--csv", "text"], ["--jsonl", "text"], ["--label-only", "x"]):
            self.assertIn("--explain explains texts", self.explain(*args, code=2))

    def test_colours(self) -> None:
        from edgetext.command.explained import may_colour, show_explanation

        explanation = Classifier.load(engine="builtin").explain("a great movie, not a bad one\x1b[31m\n!")
        shown = show_explanation(explanation, colour=True)
        self.assertIn("great\x1b[0m", shown)
        self.assertNotIn("\x1b[31m", shown)
        self.assertNotIn("\x1b", show_explanation(explanation, colour=False))
        with mock.patch.dict("os.environ", {"TERM": "xterm"}, clear=True):
            self.assertTrue(may_colour(True))
            self.assertFalse(may_colour(False))
        for variables in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            with mock.patch.dict("os.environ", variables, clear=True):
                self.assertFalse(may_colour(True))


if __name__ == "__main__":
    unittest.main()
