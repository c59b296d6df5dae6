from __future__ import annotations

import copy
import pickle
import shutil
import tempfile
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

from edgetext import Bundle, BundleError, Classifier, Prediction, __version__
from edgetext.bundle import DEFAULT_BUNDLE
from edgetext.encoder import Encoder, Preprocessing
from edgetext.engines.builtin import BuiltinEngine
from edgetext.keras_imdb import KerasIMDB
from edgetext.text import RESERVED
from edgetext.vocabulary import Vocabulary
from tests.runtime.helpers import fake_classifier, random_average, random_bigrams, safetensors

TEXTS = ["great movie", "terrible movie", "", "the bad " * 40, "a waste of two hours, caf\u00e9 \u96fb\u5f71"]


def pickled(protocol: int) -> Callable[[Any], Any]:
    return lambda value: pickle.loads(pickle.dumps(value, protocol))


COPIES: list[Callable[[Any], Any]] = [copy.copy, copy.deepcopy, *map(pickled, range(pickle.HIGHEST_PROTOCOL + 1))]


class Named(Classifier):
    """A user's subclass, with an attribute that ``Classifier`` does not have."""

    title = "none"


class CopiesTest(unittest.TestCase):
    def assert_alike(self, made: Classifier, classifier: Classifier) -> None:
        expected = [classifier.classify(text) for text in TEXTS]
        self.assertEqual([made.classify(text) for text in TEXTS], expected)
        self.assertEqual(list(made.classify_many(TEXTS)), expected)
        self.assertEqual((made.labels, made.threshold), (classifier.labels, classifier.threshold))
        self.assertIs(type(made), type(classifier))

    def test_a_copy_answers_alike(self) -> None:
        for used in (False, True):
            classifier = Classifier.load(engine="builtin", threshold=0.7)
            if used:
                list(classifier.classify_many(TEXTS))
            for number, make in enumerate(COPIES):
                with self.subTest(used=used, copy=number):
                    made = make(make(classifier))
                    self.assert_alike(made, classifier)
                    self.assertEqual(made.model.recipe, classifier.model.recipe)  # type: ignore[union-attr]

    def test_the_folder_need_not_exist(self) -> None:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) / "bundle"
            shutil.copytree(DEFAULT_BUNDLE, folder)
            classifier, bundle = Classifier.load(folder, "builtin"), Bundle.open(folder)
            copied_bundle = pickle.dumps(bundle)
            contents = [bundle.read(entry) for entry in bundle.files]
        copied = pickle.dumps(classifier)
        self.assertLess(len(copied), 500_000)
        self.assert_alike(pickle.loads(copied), Classifier.load(engine="builtin"))
        arrived = pickle.loads(copied_bundle)
        arrived.verify()
        self.assertEqual(arrived.manifest, bundle.manifest)
        self.assertEqual([arrived.read(entry) for entry in arrived.files], contents)
        with self.assertRaisesRegex(BundleError, "No such file"):
            pickle.dumps(bundle)

    def test_the_model_that_was_loaded_is_copied(self) -> None:
        """Another model may have been put in its place since."""
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) / "bundle"
            shutil.copytree(DEFAULT_BUNDLE, folder)
            classifier = Classifier.load(folder, "builtin")
            for path in folder.iterdir():
                path.write_bytes(path.read_bytes()[:-9] + b"otherwise")
            self.assert_alike(pickle.loads(pickle.dumps(classifier)), Classifier.load(engine="builtin"))

    def test_damage_on_the_way(self) -> None:
        classifier, bundle = Classifier.load(engine="builtin", threshold=0.25), Bundle.open()
        copied = pickle.dumps(classifier)
        model = copied.index(bundle.read(classifier.model))  # type: ignore[arg-type]
        words, size = copied.index(b"<PAD>\n"), 19_900
        for start in (model, words):
            for place in range(start, start + size, 999):
                with self.subTest(place=place), self.assertRaisesRegex(BundleError, "damaged on its way"):
                    pickle.loads(copied[:place] + bytes([copied[place] ^ 1]) + copied[place + 1 :])
        for before, after in ((b"positive", b"bositive"), (b"\x3f\xd0\0\0\0\0\0\0", b"\x3f\xd1\0\0\0\0\0\0")):
            self.assertIn(before, copied)
            with self.assertRaisesRegex(BundleError, "damaged on its way"):
                pickle.loads(copied.replace(before, after))
        with self.assertRaisesRegex(BundleError, "manifest.json|damaged on its way"):
            pickle.loads(pickle.dumps(bundle).replace(b"positive", b"negative"))

    def test_another_version_where_the_copy_arrives(self) -> None:
        for value in (Classifier.load(engine="builtin"), Bundle.open()):
            copied = pickle.dumps(value)
            message = f"made by edgetext {__version__}, and this is 9.8.7: install the same version"
            with mock.patch("edgetext.__version__", "9.8.7"), self.assertRaisesRegex(BundleError, message):
                pickle.loads(copied)

    def test_what_a_program_has_changed_is_kept(self) -> None:
        classifier = Named.load(engine="builtin")
        classifier.labels[:] = ["schlecht", "gut"]
        classifier.threshold = 0.9
        classifier.title = "mine"  # type: ignore[attr-defined]
        for make in COPIES:
            made = make(classifier)
            self.assert_alike(made, classifier)
            self.assertEqual(made.title, "mine")

    def test_built_from_parts(self) -> None:
        words = Vocabulary([*RESERVED, *(f"w{number}" for number in range(46))])
        for metadata, tensors in (random_bigrams(1), random_average(2)):
            engine = BuiltinEngine(safetensors(metadata, tensors), max_length=64)
            for lowercase in ("ascii", "unicode"):
                encoder = Encoder(words, Preprocessing(64, "pre", KerasIMDB(lowercase)))
                classifier = Classifier(["a", "b"], encoder, engine)
                text = "W1 w2 nowhere " * 40
                for make in COPIES:
                    made = make(classifier)
                    self.assertEqual(made.classify(text), classifier.classify(text))
                    self.assertEqual(made.encoder.vocabulary.tokens, words.tokens)

    def test_parts_that_cannot_be_copied(self) -> None:
        with self.assertRaisesRegex((AttributeError, pickle.PicklingError), "lambda"):
            pickle.dumps(fake_classifier())

    def test_predictions(self) -> None:
        prediction = Classifier.load(engine="builtin").classify("great movie")
        for make in COPIES:
            made = make(prediction)
            self.assertEqual(made, prediction)
            self.assertIs(type(made), Prediction)


if __name__ == "__main__":
    unittest.main()
