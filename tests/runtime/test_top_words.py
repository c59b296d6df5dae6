from __future__ import annotations

import json
import pickle
import shutil
import tempfile
import unittest
import zlib
from pathlib import Path
from typing import Any

from edgetext import Bundle, BundleError, Classifier, EngineError
from edgetext.bundle import DEFAULT_BUNDLE
from edgetext.encoder import Encoder, Preprocessing
from edgetext.engines.builtin import BuiltinEngine
from edgetext.explaining.top_words import find_top_words
from edgetext.keras_imdb import KERAS_IMDB
from edgetext.text import RESERVED, Words
from edgetext.vocabulary import Vocabulary
from tests.runtime.helpers import fake_classifier, random_average, random_bigrams, run, safetensors, write_manifest


def write_bundle(folder: Path, ngrams: str | None, name: str = "ngrams.txt") -> None:
    """Write the shipped bundle with its model for builtin alone, and with these pairs and triples of words."""
    manifest = json.loads(Path(DEFAULT_BUNDLE, "manifest.json").read_bytes())
    manifest["models"] = [model for model in manifest["models"] if model["engine"] == "builtin"]
    for file in ("vocab.txt", *(model["file"] for model in manifest["models"])):
        shutil.copy(Path(DEFAULT_BUNDLE, file), folder)
    manifest.pop("extras", None)
    if ngrams is not None:
        manifest["extras"] = {name: f"{zlib.crc32(ngrams.encode()):08x}"}
        (folder / "ngrams.txt").write_bytes(ngrams.encode())
    write_manifest(folder, manifest)


class ModelTest(unittest.TestCase):
    def make(self, outputs: int, network: str = "trigrams") -> tuple[Classifier, Any]:
        """Make a classifier with random weights, and return its tensors too."""
        vocabulary = Vocabulary([*RESERVED, "good", "bad", "film", "\u597d", "\u770b"], Words(False))
        metadata, tensors = random_bigrams(2, outputs, vocabulary=len(vocabulary), network=network)
        engine = BuiltinEngine(safetensors(metadata, tensors), max_length=64)
        labels = [f"label {number}" for number in range(max(outputs, 2))]
        return Classifier(labels, Encoder(vocabulary, Preprocessing(64, "post", Words(False))), engine), tensors

    def test_weights_are_those_of_explanations(self) -> None:
        for network in ("bigrams-2", "trigrams"):
            classifier, _ = self.make(1, network)
            for label in classifier.labels:
                for found in classifier.top_words(label)[label]:
                    parts = classifier.explain(found.text, label).parts
                    [effect] = [part.effect for part in parts if part.kind == "word"]
                    self.assertAlmostEqual(found.weight * 2**-0.25, effect, delta=1e-9)

    def test_pairs_and_triples(self) -> None:
        classifier, _ = self.make(1)
        texts = ["good film", "bad film", "good bad film", "\u770b \u597d", "film \u597d"]
        found = find_top_words(classifier.engine, classifier.encoder, classifier.labels, texts, None, 100)
        words = {word.text: word for words in found.values() for word in words}
        for given, kind in zip(texts, ("pair", "pair", "triple", "pair", "pair")):
            written = given.replace("\u770b ", "\u770b")
            parts = classifier.explain(given, "label 1").parts
            [effect] = [part.effect for part in parts if (part.kind, part.text) == (kind, given)]
            self.assertEqual(words[written].kind, kind)
            self.assertAlmostEqual(words[written].weight, abs(effect) * (len(given.split()) + 1) ** 0.25, delta=1e-9)

    def test_the_shipped_model(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            write_bundle(Path(folder), "waste of\nmust see\n")
            classifier = Classifier.load(folder, "builtin")
            self.assertEqual(classifier.ngrams, ["waste of", "must see"])
            found = classifier.top_words(count=20_000)
        self.assertIn(("pair", "waste of"), {word[:2] for word in found["negative"]})
        self.assertIn(("pair", "must see"), {word[:2] for word in found["positive"]})

    def test_many_labels_are_compared_with_the_mean_of_the_others(self) -> None:
        classifier, tensors = self.make(5)
        values, scales = tensors["unigrams"][2], tensors["unigrams.scale"][2]
        size = len(classifier.encoder.vocabulary)
        for place, (label, words) in enumerate(classifier.top_words(count=2).items()):
            expected = {}
            for word, word_id in classifier.encoder.vocabulary.ids.items():
                all_weights = [values[output * size + word_id] * scales[output] for output in range(5)]
                own = all_weights.pop(place)
                expected[word] = own - sum(all_weights) / 4
            best = sorted((word for word in expected if expected[word] > 0), key=expected.__getitem__, reverse=True)
            self.assertEqual([found.text for found in words], best[:2])
            self.assertEqual(label, classifier.labels[place])
            for found in words:
                self.assertAlmostEqual(found.weight, expected[found.text], delta=1e-7)

    def test_who_has_none(self) -> None:
        with self.assertRaisesRegex(EngineError, "need the engine builtin"):
            fake_classifier().top_words()
        vocabulary = Vocabulary([*RESERVED, "good"], KERAS_IMDB)
        engine = BuiltinEngine(safetensors(*random_average(0, vocabulary=len(vocabulary))), max_length=64)
        classifier = Classifier(["no", "yes"], Encoder(vocabulary, Preprocessing(64, "pre", KERAS_IMDB)), engine)
        with self.assertRaisesRegex(EngineError, "not one of the preset tutorial"):
            classifier.top_words()

    def test_arguments(self) -> None:
        classifier, _ = self.make(1)
        self.assertRaises(ValueError, classifier.top_words, count=0)
        self.assertRaises(TypeError, classifier.top_words, count="a")
        with self.assertRaisesRegex(ValueError, "no label 'good'; it has 'label 0', 'label 1'"):
            classifier.top_words("good")


class FileTest(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def test_a_bundle_without_it(self) -> None:
        write_bundle(self.folder, None)
        classifier = Classifier.load(self.folder, "builtin")
        self.assertIsNone(classifier.ngrams)
        self.assertEqual({word.kind for words in classifier.top_words().values() for word in words}, {"word"})

    def test_it_is_needed_for_nothing_else(self) -> None:
        write_bundle(self.folder, "must see\n")
        (self.folder / "ngrams.txt").unlink()
        classifier = Classifier.load(self.folder)
        self.assertEqual(classifier.classify("great movie").label, "positive")
        with self.assertRaisesRegex(BundleError, "ngrams.txt: No such file"):
            classifier.top_words()
        with self.assertRaisesRegex(BundleError, "ngrams.txt: No such file"):
            Bundle.open(self.folder).verify()
        self.assertEqual(pickle.loads(pickle.dumps(classifier)).classify("great movie").label, "positive")

    def test_damage(self) -> None:
        write_bundle(self.folder, "must see\n")
        (self.folder / "ngrams.txt").write_text("must sea\n")
        with self.assertRaisesRegex(BundleError, "ngrams.txt: its checksum"):
            Classifier.load(self.folder).top_words()
        for content in ("must\n", "must zzyzx\n", "must see it now\n", "\n"):
            write_bundle(self.folder, content)
            with self.assertRaisesRegex(BundleError, "is none of the vocabulary"):
                Classifier.load(self.folder).top_words()

    def test_names_that_leave_the_bundle(self) -> None:
        write_bundle(self.folder, "must see\n", "../ngrams.txt")
        with self.assertRaisesRegex(BundleError, "not a plain file name"):
            Bundle.open(self.folder)

    def test_copies_have_it(self) -> None:
        write_bundle(self.folder, "must see\n")
        copied = pickle.dumps([Classifier.load(self.folder), Bundle.open(self.folder)])
        shutil.rmtree(self.folder)
        classifier, bundle = pickle.loads(copied)
        self.folder.mkdir()
        self.assertEqual([classifier.ngrams, bundle.read_ngrams()], [["must see"], ["must see"]])


class CommandTest(unittest.TestCase):
    def show(self, *args: str, code: int = 0) -> tuple[str, str]:
        result = run("--top-words", *args, fake=False)
        self.assertEqual(result.returncode, code, result.stderr)
        return result.stdout.decode(), result.stderr.decode()

    def test_lines(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            write_bundle(Path(folder), "waste of\n")
            shown, note = self.show("--model", folder)
            self.assertEqual(note, "")
            lines = shown.splitlines()
            self.assertEqual([line for line in lines if line[0] != " "], ["negative", "positive"])
            self.assertRegex(lines[1], r"^ +\+\d\.\d{3}  \++ +\w+$")
            self.assertEqual(len(lines), 42)
            shown, _ = self.show("positive", "--model", folder)
            texts = [line.split()[-1] for line in lines]
            self.assertEqual([line.split()[-1] for line in shown.splitlines()], texts[21:])
            write_bundle(Path(folder), None)
            self.assertIn("does not list pairs", self.show("--model", folder)[1])

    def test_json(self) -> None:
        shown, _ = self.show("positive", "--json")
        [(label, words)] = json.loads(shown).items()
        self.assertEqual(label, "positive")
        self.assertEqual(list(words[0]), ["kind", "text", "weight"])

    def test_refused(self) -> None:
        for args, message in (
            (["great"], "the model has no label 'great'; it has 'negative', 'positive'"),
            ([""], "--top-words is empty"),
            (["--threads", "2"], "leave out --threads, which --top-words does not use"),
            (["--model", str(Path(DEFAULT_BUNDLE, "model.dynamic_wi8.onnx"))], "for the engine builtin"),
        ):
            self.assertIn(message, self.show(*args, code=2)[1])


if __name__ == "__main__":
    unittest.main()
