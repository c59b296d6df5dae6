from __future__ import annotations

import itertools
import unittest

from edgetext import BundleError, Classifier, EngineError, Prediction
from edgetext.testing import FakeEngine
from edgetext.text import Encoder, Preprocessing
from tests.runtime.helpers import VOCABULARY, fake_classifier, fake_engine

ENCODER = Encoder(VOCABULARY, Preprocessing(8, "pre"))


class ClassifierTest(unittest.TestCase):
    def test_two_labels_from_one_output(self) -> None:
        expected = Prediction("positive", 0.75, {"negative": 0.25, "positive": 0.75}, "fake")
        self.assertEqual(fake_classifier().classify("great movie"), expected)
        self.assertEqual(fake_classifier().classify("bad").label, "negative")

    def test_one_half_is_the_first_label(self) -> None:
        """Keras' binary accuracy counts a probability as the second label when it is greater than one half."""
        self.assertEqual(fake_classifier().classify("").label, "negative")

    def test_an_output_a_label(self) -> None:
        classifier = Classifier(["a", "b", "c"], ENCODER, FakeEngine(lambda row: [0.2, 0.5, 0.3], columns=3))
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

    def test_prediction_shows_itself(self) -> None:
        prediction = fake_classifier().classify("great")
        self.assertIn("'positive'", repr(prediction))
        self.assertEqual(list(prediction.as_dict()), ["label", "score", "probabilities", "engine"])
        self.assertNotEqual(prediction, "positive")


class RaggedTest(unittest.TestCase):
    def test_only_a_ragged_engine_gets_rows_without_padding(self) -> None:
        for ragged, lengths in ((False, [8, 8, 8]), (True, [3, 1, 8])):
            seen: list[int] = []
            engine = FakeEngine(lambda row, seen=seen: seen.append(len(row)) or [0.5])  # type: ignore[misc]
            engine.ragged = ragged
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
