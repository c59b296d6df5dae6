from __future__ import annotations

import itertools
import logging
import pickle
import unittest
from unittest import mock

from edgetext import UNCERTAIN, Bundle, BundleError, Classifier, EngineError, Prediction
from edgetext.encoder import Encoder, Preprocessing
from edgetext.keras_imdb import KERAS_IMDB, KerasIMDB
from edgetext.text import Words
from tests.runtime.helpers import VOCABULARY, FakeEngine, fake_classifier, fake_classifier_of, fake_engine

ENCODER = Encoder(VOCABULARY, Preprocessing(8, "pre", KERAS_IMDB))


class ClassifierTest(unittest.TestCase):
    def test_two_labels_from_one_output(self) -> None:
        expected = Prediction("positive", 0.75, {"negative": 0.25, "positive": 0.75}, "fake")
        self.assertEqual(fake_classifier().classify("great movie"), expected)
        self.assertEqual(fake_classifier().classify("bad").label, "negative")

    def test_one_half_is_the_first_label(self) -> None:
        """Keras' binary accuracy counts a probability as the second label when it is greater than one half."""
        self.assertEqual(fake_classifier().classify("").label, "negative")

    def test_an_output_a_label(self) -> None:
        classifier = Classifier(["a", "b", "c"], ENCODER, FakeEngine(lambda row: [0.2, 0.5, 0.3], num_outputs=3))
        prediction = classifier.classify("great")
        self.assertEqual((prediction.label, prediction.score), ("b", 0.5))
        self.assertEqual(prediction.probabilities, {"a": 0.2, "b": 0.5, "c": 0.3})

    def test_wrong_number_of_outputs(self) -> None:
        for labels, columns in ((2, 3), (3, 1), (3, 2)):
            with self.subTest(labels=labels, columns=columns), self.assertRaises(BundleError):
                Classifier([str(i) for i in range(labels)], ENCODER, FakeEngine(lambda row: [], columns))

    def test_what_is_no_probability_is_never_passed_on(self) -> None:
        answers: list[float] = []
        classifier = Classifier(["a", "b"], ENCODER, FakeEngine(lambda row: answers))
        for value in (float("nan"), -0.5, 1.5, float("inf")):
            answers[:] = [value]
            with self.subTest(value), self.assertRaises(EngineError):
                classifier.classify("great")

    def test_many_equals_one_by_one_whatever_the_batch(self) -> None:
        texts = ["great", "bad", "", "great great movie", "the bad", "bad bad bad", "the"]
        alone = [fake_classifier().classify(text) for text in texts]
        for size in (1, 2, 3, 7, 100):
            classifier = fake_classifier()
            self.assertEqual(list(classifier.classify_many(texts, size)), alone)
            self.assertLessEqual(max(classifier.engine.batches), size)  # type: ignore[attr-defined]
        self.assertEqual(list(fake_classifier().classify_many([])), [])
        self.assertEqual(len(list(fake_classifier().classify_many(["great", "bad"], 10**30))), 2)

    def test_many_streams(self) -> None:
        """An endless iterable is read one batch ahead and no further."""
        taken = itertools.count()
        texts = (f"great {next(taken)}" for _ in itertools.repeat(None))
        predictions = fake_classifier().classify_many(texts, batch_size=4)
        for _ in range(5):
            self.assertEqual(next(predictions).label, "positive")
        self.assertEqual(next(taken), 8)

    def test_wrong_types_and_values(self) -> None:
        with self.assertRaises(TypeError):
            fake_classifier().classify(None)  # type: ignore[arg-type]
        with self.assertRaises(TypeError):
            fake_classifier().classify_many("great movie")
        with self.assertRaises(ValueError):
            fake_classifier().classify_many(["great"], 0)

    def test_a_text_that_is_no_string_is_named_by_its_position(self) -> None:
        for position in (0, 4, 9):
            texts: list[object] = ["great"] * 10
            texts[position] = float("nan")
            for size in (1, 4, 32):
                with self.assertRaisesRegex(TypeError, rf"^texts\[{position}\] is a float, not a str$"):
                    list(fake_classifier().classify_many(texts, size))  # type: ignore[arg-type]

    def test_arguments_of_wrong_types(self) -> None:
        prediction = fake_classifier().classify("great")
        whole, number = "must be a whole number, not", "must be a number from 0 to 1, not"
        for wrong in ("2", True, 2.0, None, [2]):
            for name, call in (
                ("threads", lambda wrong=wrong: Classifier.load(threads=wrong)),
                ("batch_size", lambda wrong=wrong: fake_classifier().classify_many(["great"], wrong)),
                ("k", lambda wrong=wrong: prediction.top(wrong)),
            ):
                with self.subTest(name, wrong=wrong), self.assertRaisesRegex(TypeError, f"^{name} {whole} "):
                    call()
        numpys = type("bool_", (), {"__float__": lambda self: 1.0})()  # numpy's bool, which becomes a float
        for threshold in ("0.5", True, [0.5], numpys):
            with self.subTest(threshold), self.assertRaisesRegex(TypeError, f"^threshold {number} "):
                Classifier.load(threshold=threshold)  # type: ignore[arg-type]
        with self.assertRaisesRegex(ValueError, "threads must be at most 256, not 257"):
            Classifier.load(threads=257)
        for texts in (None, 5):
            with self.assertRaisesRegex(TypeError, f"an iterable of texts, not {type(texts).__name__}"):
                fake_classifier().classify_many(texts)  # type: ignore[arg-type]
        for table in ({"text": ["great"]}, mock.Mock(columns=["text"])):
            with self.assertRaisesRegex(TypeError, "not a table: give it one column"):
                fake_classifier().classify_many(table)
        with self.assertRaisesRegex(TypeError, "for one text there is classify"):
            fake_classifier().classify_many(b"great")  # type: ignore[arg-type]
        with self.assertRaisesRegex(EngineError, "no engine is called"):
            Classifier.load(engine=["builtin"])  # type: ignore[arg-type]

    def test_the_engines_that_auto_passes_over_are_logged(self) -> None:
        def without_builtin(name: str, *args: object, **more: object) -> FakeEngine:
            if name == "builtin":
                raise EngineError("engine builtin: broken here")
            return fake_engine()

        with mock.patch("edgetext.engines.create", without_builtin):
            with self.assertLogs("edgetext") as logged:
                Classifier.load()
            self.assertEqual(logged.output, ["WARNING:edgetext:auto passes over engine builtin: broken here"])
            with self.assertLogs("edgetext") as logged:  # a command has nobody to read a log
                logging.getLogger("edgetext").warning("the only one")
                Classifier.load(quiet=True)
            self.assertEqual(len(logged.output), 1)

    def test_bundles_and_classifiers_show_themselves(self) -> None:
        for shown in (repr(Classifier.load(engine="builtin", threshold=0.8)), repr(Bundle.open())):
            self.assertIn("['negative', 'positive']", shown)
            self.assertIn("builtin", shown)
            self.assertIn("wi8_afp64", shown)
        self.assertIn("threshold=0.8", repr(fake_classifier(threshold=0.8)))
        many = fake_classifier_of([f"class {number}" for number in range(300)])
        for value in (many, many.classify("great")):
            self.assertIn("(300 in all)", repr(value))
            self.assertLess(len(repr(value)), 250)

    def test_prediction_shows_itself(self) -> None:
        prediction = fake_classifier().classify("great")
        self.assertIn("'positive'", repr(prediction))
        self.assertEqual(list(prediction.as_dict()), ["label", "score", "probabilities", "engine", "known"])
        self.assertTrue(repr(fake_classifier().classify("great tale")).endswith(", engine='fake', known=0.5000)"))
        prediction.as_dict()["probabilities"].clear()
        self.assertEqual(list(prediction.probabilities), ["negative", "positive"])
        self.assertNotEqual(prediction, "positive")


class KnownTest(unittest.TestCase):
    def test_the_share_does_not_depend_on_what_the_engine_takes(self) -> None:
        shares = {"": 0.0, "?!": 0.0, "tale": 0.0, "great tale": 0.5, "the Great": 1.0, "tale " * 9 + "bad": 1 / 8}
        for settings in ({}, {"accepts_unpadded": True}, {"takes_text": True}):
            engine = FakeEngine(lambda taken: [0.5])
            vars(engine).update(settings)
            classifier = Classifier(["negative", "positive"], ENCODER, engine)
            with self.subTest(settings):
                self.assertEqual([one.known for one in classifier.classify_many(list(shares))], list(shares.values()))
                self.assertEqual([classifier.classify(text).known for text in shares], list(shares.values()))

    def test_built_by_hand(self) -> None:
        made = Prediction("a", 0.5, {"a": 0.5, "b": 0.5}, "fake")
        self.assertEqual(made.known, 1.0)
        other = Prediction("a", 0.5, {"a": 0.5, "b": 0.5}, "fake", known=0.25)
        self.assertNotEqual(made, other)
        self.assertEqual(pickle.loads(pickle.dumps(other)), other)


class TopTest(unittest.TestCase):
    def test_most_probable_first_and_ties_in_order(self) -> None:
        probabilities = {"a": 0.1, "b": 0.3, "c": 0.1, "d": 0.4, "e": 0.1}
        prediction = Prediction("d", 0.4, probabilities, "fake")
        ranked = [("d", 0.4), ("b", 0.3), ("a", 0.1), ("c", 0.1), ("e", 0.1)]
        for k in (1, 2, 3, 5, 6, 10**30):
            self.assertEqual(prediction.top(k), ranked[:k])
        self.assertEqual(list(prediction.probabilities), list("abcde"))
        for k in (0, -1):
            with self.assertRaisesRegex(ValueError, f"at least 1, not {k}"):
                prediction.top(k)

    def test_many_classes(self) -> None:
        """The first of the top is the label, whatever the number of classes; equal ones stay in the bundle's order."""
        for number in (2, 3, 300):
            labels = [f"class {place}" for place in range(number)]
            for text in ("", "movie", "movie the", "great"):
                prediction = fake_classifier_of(labels).classify(text)
                ranked = prediction.top(number)
                self.assertEqual(ranked[0], (prediction.label, prediction.score))
                self.assertEqual(
                    [score for _, score in ranked], sorted(prediction.probabilities.values(), reverse=True)
                )
                self.assertEqual(dict(ranked), prediction.probabilities)
                same = [label for label, score in ranked if score == ranked[-1][1]]
                self.assertEqual(same, sorted(same, key=labels.index))


class ThresholdTest(unittest.TestCase):
    def test_label(self) -> None:
        whole = fake_classifier().classify("great movie")
        for threshold, label in (
            (None, "positive"),
            (0, "positive"),
            (0.75, "positive"),
            (0.7501, UNCERTAIN),
            (1, UNCERTAIN),
        ):
            classifier = fake_classifier(threshold=threshold)
            self.assertEqual(classifier.threshold, threshold)
            expected = Prediction(label, 0.75, {"negative": 0.25, "positive": 0.75}, "fake")
            for prediction in (classifier.classify("great movie"), *classifier.classify_many(["great movie"])):
                self.assertEqual(prediction, expected)
                self.assertEqual(prediction.as_dict(), {**whole.as_dict(), "label": label})
                self.assertEqual(prediction.top(1), [("positive", 0.75)])
                self.assertEqual(repr(prediction), repr(whole).replace("label='positive'", f"label='{label}'"))
        self.assertEqual(UNCERTAIN, "uncertain")
        self.assertEqual(fake_classifier(threshold=1).classify("great great").label, "positive")

    def test_many_classes(self) -> None:
        classifier = fake_classifier_of(["a", "b", "c"], threshold=0.6)
        self.assertEqual(
            [classifier.classify(text).label for text in ("", "movie", "movie the")], [UNCERTAIN, "b", UNCERTAIN]
        )

    def test_refused(self) -> None:
        for threshold in (-0.01, 1.01, float("nan"), float("inf"), -float("inf")):
            with self.subTest(threshold), self.assertRaisesRegex(ValueError, f"from 0 to 1, not {threshold}"):
                fake_classifier(threshold=threshold)
            with self.subTest(threshold), self.assertRaisesRegex(ValueError, f"from 0 to 1, not {threshold}"):
                Classifier.load(threshold=threshold)

    def test_a_class_of_that_name(self) -> None:
        labels = ["certain", "uncertain"]
        for threshold in (0.0, 0.5):
            with self.assertRaisesRegex(BundleError, "a label is called 'uncertain', so no threshold"):
                fake_classifier_of(labels, threshold)
        self.assertEqual(fake_classifier_of(labels).classify("movie").label, "uncertain")


class TextTest(unittest.TestCase):
    def test_a_graph_that_takes_text_gets_the_words_that_are_kept(self) -> None:
        taken: list[object] = []

        def answer(text: object) -> list[float]:
            taken.append(text)
            return [0.5]

        engine = FakeEngine(answer)
        engine.takes_text = True
        given = "A\u00c9B c\u2019d!  D'' 'e f\U0001f60dg"
        for rules, truncating, wanted in (
            (KERAS_IMDB, "pre", "d'' 'e f\U0001f60dg"),
            (KerasIMDB("unicode"), "post", "a\u00e9b c\u2019d"),
            (Words(marks=False), "pre", "f \U0001f60d g"),
            (Words(marks=True), "post", "a\u00e9b c'd"),
        ):
            encoder = Encoder(VOCABULARY, Preprocessing(3, truncating, rules))
            Classifier(["negative", "positive"], encoder, engine).classify(given)
            self.assertEqual(taken.pop(), wanted)

    def test_unicode(self) -> None:
        engine = fake_engine()
        for lowercase, label in (("ascii", "negative"), ("unicode", "positive")):
            encoder = Encoder(VOCABULARY, Preprocessing(8, "pre", KerasIMDB(lowercase)))
            counting = FakeEngine(lambda row: [float(row.count(VOCABULARY.ids["caf\u00e9"]))])
            self.assertEqual(Classifier(["negative", "positive"], encoder, counting).classify("CAF\u00c9").label, label)
            self.assertEqual(Classifier(["negative", "positive"], encoder, engine).classify("GREAT").label, "positive")


class RaggedTest(unittest.TestCase):
    def test_only_a_ragged_engine_gets_rows_without_padding(self) -> None:
        for ragged, lengths in ((False, [8, 8, 8]), (True, [3, 1, 8])):
            seen: list[int] = []
            engine = FakeEngine(lambda row, seen=seen: seen.append(len(row)) or [0.5])  # type: ignore[misc]
            engine.accepts_unpadded = ragged
            classifier = Classifier(["negative", "positive"], ENCODER, engine)
            self.assertEqual(len(list(classifier.classify_many(["great movie", "", "the " * 20]))), 3)
            self.assertEqual(seen, lengths)


class SizesTest(unittest.TestCase):
    def test_vocabulary_and_tables_of_different_sizes(self) -> None:
        engine = fake_engine()
        for size, fits in ((len(VOCABULARY), True), (None, True), (9, False), (11, False)):
            engine.vocabulary_size = size
            with self.subTest(size=size):
                if fits:
                    Classifier(["negative", "positive"], ENCODER, engine)
                else:
                    with self.assertRaisesRegex(BundleError, f"the vocabulary has 10 ids, and the model knows {size}"):
                        Classifier(["negative", "positive"], ENCODER, engine)


if __name__ == "__main__":
    unittest.main()
