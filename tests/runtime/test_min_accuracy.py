from __future__ import annotations

import copy
import json
import pickle
import random
import shutil
import tempfile
import unittest
from math import comb
from pathlib import Path
from typing import Any

from edgetext import UNCERTAIN, Bundle, BundleError, Classifier
from edgetext.bundle import DEFAULT_BUNDLE
from edgetext.validation import BINS, THRESHOLDS, Validation, read_validation
from edgetext.validation.thresholds import Limits, choose_limits, tail
from tests.runtime.helpers import entry, run, write_manifest

LABELS = ["negative", "positive"]

# A text of the validation: the place of its label, its score, and whether the label is right.
Row = tuple[int, float, bool]


def make_record(labels: list[str], rows: list[Row], **changes: Any) -> dict[str, Any]:
    """Make the content of ``validation.json``."""

    def count(kept: list[Row]) -> list[list[int]]:
        return [
            [sum(place == label and score >= threshold for place, score, _ in kept) for threshold in THRESHOLDS]
            for label in range(len(labels))
        ]

    scores = [0] * BINS
    for _, score, _ in rows:
        scores[min(int(score * BINS), BINS - 1)] += 1
    return {
        "format_version": 1,
        "labels": labels,
        "texts": len(rows),
        "least_known": 0.5,
        "answered": count(rows),
        "right": count([row for row in rows if row[2]]),
        "scores": scores,
        "known": [0] * (BINS - 1) + [len(rows)],
        "files": {},
        **changes,
    }


def spread(label: int, texts: int, accuracies: dict[float, float]) -> list[Row]:
    """Make as many texts of a label for each score, of which a share is right."""
    return [
        (label, score, number < round(texts * accuracy))
        for score, accuracy in accuracies.items()
        for number in range(texts)
    ]


ROWS = [
    *spread(0, 300, {0.995: 1.0, 0.91: 0.99, 0.81: 0.97, 0.71: 0.7, 0.61: 0.6}),
    *spread(1, 300, {0.995: 1.0, 0.91: 0.97, 0.81: 0.8, 0.71: 0.7, 0.61: 0.6}),
]


def write_bundle(folder: Path, validation: dict[str, Any] | bytes | None, labels: list[str] = LABELS) -> None:
    """Write the shipped bundle with its model for builtin alone, and with this ``validation.json``."""
    manifest = json.loads(Path(DEFAULT_BUNDLE, "manifest.json").read_bytes())
    manifest["models"] = [model for model in manifest["models"] if model["engine"] == "builtin"]
    manifest["labels"] = labels
    manifest.pop("extras", None)
    for file in ("vocab.txt", *(model["file"] for model in manifest["models"])):
        shutil.copy(Path(DEFAULT_BUNDLE, file), folder)
    if validation is not None:
        content = validation if isinstance(validation, bytes) else json.dumps(validation).encode()
        manifest["extras"] = {"validation.json": entry("", content)["crc32"]}
        (folder / "validation.json").write_bytes(content)
    write_manifest(folder, manifest)


class ThresholdTest(unittest.TestCase):
    def test_tail(self) -> None:
        """Against the sum of exact whole numbers."""
        for texts, tenths in ((1, 5), (40, 9), (300, 9), (250, 8)):
            whole = [
                comb(texts, right) * tenths**right * (10 - tenths) ** (texts - right) for right in range(texts + 1)
            ]
            for right in range(texts + 1):
                expected = sum(whole[right:]) / 10**texts
                found = tail(texts, right, tenths / 10)
                if found == 1.0:
                    self.assertGreater(expected, 0.4)
                else:
                    self.assertAlmostEqual(found / expected, 1, delta=1e-9)

    def test_each_label_has_its_own(self) -> None:
        limits = choose_limits(Validation(make_record(LABELS, ROWS)), 0.95)
        self.assertEqual(limits.thresholds, {"negative": 0.8, "positive": 0.9})
        self.assertEqual((limits.share, limits.never), (1500 / 3000, []))
        self.assertAlmostEqual(limits.accuracy, (300 + 297 + 291 + 300 + 291) / 1500)
        self.assertGreater(choose_limits(Validation(make_record(LABELS, ROWS)), 0.9).share, limits.share)

    def test_the_lower_bound_counts(self) -> None:
        """Nearly the same shares of right ones suffice with many texts, and do not with few."""
        for texts, threshold in ((2000, 0.7), (220, 0.8)):
            rows = [*spread(0, texts, {0.81: 0.995, 0.71: 0.92}), *spread(1, texts, {0.81: 0.995, 0.71: 0.92})]
            limits = choose_limits(Validation(make_record(LABELS, rows)), 0.95)
            self.assertEqual(limits.thresholds, dict.fromkeys(LABELS, threshold))

    def test_rare_labels_are_judged_together(self) -> None:
        labels = ["often", *(f"rare {number}" for number in range(40)), "unseen"]
        rows = spread(0, 400, {0.9: 0.6})
        for place in range(1, 41):
            rows += spread(place, 20, {0.81: 1.0, 0.71: 0.5})
        limits = choose_limits(Validation(make_record(labels, rows)), 0.95)
        self.assertEqual(limits.never, ["often"])
        self.assertEqual({limits.thresholds[label] for label in labels[1:]}, {0.8})

    def test_a_score_that_is_the_threshold(self) -> None:
        limits = choose_limits(Validation(make_record(LABELS, ROWS)), 0.95)
        low = limits.thresholds["negative"]
        answers = [limits.allow("negative", score, known) for score, known in ((low, 0.5), (low - 1e-9, 1), (1, 0.49))]
        self.assertEqual(answers, [True, False, False])

    def test_too_few_texts_show_nothing(self) -> None:
        rows = [*spread(0, 30, {0.995: 1.0}), *spread(1, 30, {0.995: 1.0})]
        limits = choose_limits(Validation(make_record(LABELS, rows)), 0.95)
        self.assertEqual((limits.never, limits.share, limits.accuracy), (LABELS, 0.0, 0.0))

    def test_many_thresholds_are_not_tried_until_one_passes(self) -> None:
        """Where the accuracy is too low at every threshold, one is found by chance in at most 5 % of the cases."""
        generator, found, cases = random.Random(1), 0, 600
        for _ in range(cases):
            rows = [(0, generator.uniform(0.5, 1.0), generator.random() < 0.899) for _ in range(400)]
            limits = choose_limits(Validation(make_record(["a", "b"], rows)), 0.9)
            found += limits.thresholds["a"] < 1
        self.assertLessEqual(found / cases, 0.06)
        self.assertGreater(found, 0)


class ClassifierTest(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def load(self, validation: dict[str, Any] | None = None, accuracy: float = 0.95) -> Classifier:
        write_bundle(self.folder, validation or make_record(LABELS, ROWS))
        return Classifier.load(self.folder, min_accuracy=accuracy)

    def test_labels(self) -> None:
        classifier, plain = self.load(), Classifier.load()
        texts = ["great movie", "excellent wonderful superb", "a waste of two hours", "terrible", "movie", ""]
        seen = set()
        for text in [*texts, *(f"{text} zzzqx qqzzx qxqxq zqzqz" for text in texts)]:
            expected = plain.classify(text)
            is_low = expected.score < {"negative": 0.8, "positive": 0.9}[expected.label]
            seen.add((is_low, expected.known < 0.5))
            if is_low or expected.known < 0.5:
                expected.label = UNCERTAIN
            self.assertEqual(classifier.classify(text), expected)
            self.assertEqual(list(classifier.classify_many([text])), [expected])
        self.assertEqual(len(seen), 4)

    def test_copies_have_the_limits(self) -> None:
        classifier = self.load()
        self.assertIsInstance(classifier.limits, Limits)
        shutil.rmtree(self.folder)
        for copied in (copy.deepcopy(classifier), pickle.loads(pickle.dumps(classifier))):
            self.assertEqual(copied.limits, classifier.limits)
            self.assertEqual(copied.classify("movie").label, UNCERTAIN)
        content = pickle.dumps(classifier, 0)
        damaged = content.replace(b"F0.9\n", b"F0.1\n")
        self.assertNotEqual(damaged, content)
        with self.assertRaisesRegex(BundleError, "damaged on its way"):
            pickle.loads(damaged)
        self.folder.mkdir()

    def test_a_label_that_no_text_gets_is_logged(self) -> None:
        rows = [*spread(0, 300, {0.9: 1.0}), *spread(1, 300, {0.9: 0.6})]
        with self.assertLogs("edgetext", "WARNING") as logged:
            classifier = self.load(make_record(LABELS, rows))
        [line] = logged.output
        self.assertIn("accuracy of 0.95 for any score of 'positive': texts with that label are labelled", line)
        self.assertEqual(classifier.classify("great movie").label, UNCERTAIN)
        with self.assertNoLogs("edgetext") if hasattr(self, "assertNoLogs") else self.subTest():
            Classifier.load(self.folder, min_accuracy=0.95, quiet=True)

    def test_mistakes(self) -> None:
        for value, kind in ((0, ValueError), (1, ValueError), (95, ValueError), ("0.95", TypeError), (True, TypeError)):
            with self.subTest(value), self.assertRaisesRegex(kind, "^min_accuracy must be "):
                self.load(accuracy=value)  # type: ignore[arg-type]
        with self.assertRaisesRegex(ValueError, "min_accuracy chooses the thresholds: leave out threshold"):
            Classifier.load(self.folder, min_accuracy=0.95, threshold=0.5)
        labels = ["negative", UNCERTAIN]
        write_bundle(self.folder, make_record(labels, ROWS), labels)
        with self.assertRaisesRegex(BundleError, "a label is called 'uncertain'"):
            Classifier.load(self.folder, min_accuracy=0.95)

    def test_damage(self) -> None:
        good = make_record(LABELS, ROWS)
        changes: list[dict[str, Any]] = [
            {"format_version": 2},
            {"labels": ["positive", "negative"]},
            {"labels": ["negative"]},
            {"texts": 0},
            {"texts": "many"},
            {"texts": len(ROWS) + 1},
            {"least_known": 2},
            {"least_known": None},
            {"answered": good["answered"][:1]},
            {"right": [row[1:] for row in good["right"]]},
            {"right": [[-1] * len(THRESHOLDS)] * 2},
            {"right": [[10**6] * len(THRESHOLDS)] * 2},
            {"answered": [["x"] * len(THRESHOLDS)] * 2},
            {"scores": []},
            {"known": [1.5] * BINS},
        ]
        for change in changes:
            with (
                self.subTest(str(change)[:60]),
                self.assertRaisesRegex(BundleError, r"validation\.json: .*export again"),
            ):
                self.load({**good, **change})
        for content in (b"", b"[]", b"{}", b"[" * 100_000, b'{"format_version": NaN}', b"\xff"):
            write_bundle(self.folder, content)
            with self.subTest(content[:9]), self.assertRaisesRegex(BundleError, r"validation\.json: .*export again"):
                Classifier.load(self.folder, min_accuracy=0.95)
        write_bundle(self.folder, good)
        (self.folder / "validation.json").write_bytes(b"{}")
        with self.assertRaisesRegex(BundleError, r"validation\.json: its checksum is not the manifest's"):
            Classifier.load(self.folder, min_accuracy=0.95)

    def test_only_read_if_it_is_asked_for(self) -> None:
        write_bundle(self.folder, make_record(LABELS, ROWS))
        (self.folder / "validation.json").unlink()
        self.assertEqual(Classifier.load(self.folder).classify("great movie").label, "positive")
        with self.assertRaisesRegex(BundleError, r"validation\.json"):
            Classifier.load(self.folder, min_accuracy=0.95)
        write_bundle(self.folder, None)
        for path in (self.folder, Path(DEFAULT_BUNDLE, "model.dynamic_wi8.onnx")):
            with self.assertRaisesRegex(BundleError, r"no validation\.json.*: train and export again"):
                read_validation(Bundle.open(path))
        with self.assertRaisesRegex(BundleError, r"no validation\.json"):
            Classifier.load(self.folder, min_accuracy=0.95)


class CommandTest(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        write_bundle(self.folder, make_record(LABELS, ROWS))

    def run_command(self, *arguments: str, stdin: bytes = b"", code: int = 0) -> tuple[list[str], str]:
        """Run the command on the bundle, and return the lines that it prints, and its errors."""
        result = run("--model", str(self.folder), *arguments, stdin=stdin, fake=False)
        self.assertEqual(result.returncode, code, result.stderr)
        return result.stdout.decode().splitlines(), result.stderr.decode()

    def test_scoring(self) -> None:
        texts = ["great movie", "movie"]
        expected = ["positive", UNCERTAIN]
        lines, errors = self.run_command("--min-accuracy", "0.95", *texts)
        self.assertEqual(([line.split("\t")[0] for line in lines], errors), (expected, ""))
        lines, _ = self.run_command("--min-accuracy", "0.95", "--label-only", stdin="\n".join(texts).encode())
        self.assertEqual(lines, expected)
        lines, _ = self.run_command("--min-accuracy", "0.95", "--top-k", "2", "movie")
        self.assertEqual(len(lines[0].split("\t")), 8)  # the label that is uncertain is listed too

    def test_a_label_that_no_text_gets(self) -> None:
        lines, errors = self.run_command("--min-accuracy", "0.999", "great movie")
        self.assertEqual(lines[0].split("\t")[0], UNCERTAIN)
        self.assertRegex(
            errors, r"^note: the validation texts do not show an accuracy of 0\.999[^\n]*: all texts[^\n]*\n$"
        )

    def test_mistakes(self) -> None:
        for arguments, message in (
            (("--min-accuracy", "95"), "--min-accuracy must be above 0 and below 1"),
            (("--min-accuracy", "nan"), "--min-accuracy must be above 0 and below 1"),
            (("--min-accuracy", "0.9", "--threshold", "0.5"), "--min-accuracy chooses the thresholds"),
            (("--min-accuracy", "0.9", "--doctor"), "leave out --min-accuracy"),
        ):
            lines, errors = self.run_command(*arguments, code=2)
            self.assertEqual(lines, [])
            self.assertIn(message, errors)

    def test_info(self) -> None:
        shown = "\n".join(self.run_command("--info")[0])
        self.assertIn("--min-accuracy 0.95 answers 50.0% of texts like those it was validated on, 98.6% of them", shown)
        self.assertIn("--min-accuracy 0.99 answers ", shown)
        shown = "\n".join(self.run_command("--info", "--min-accuracy", "0.95")[0])
        self.assertIn("thresholds: negative 0.8, positive 0.9\n", shown)
        self.assertIn("known words: at least 50.0%\n", shown)
        self.assertIn("answered differently: not measured\n", shown)
        self.assertNotIn("0.99", shown)
        self.assertNotIn("never right", shown)
        record = json.loads("".join(self.run_command("--info", "--min-accuracy", "0.95", "--json")[0]))
        self.assertEqual(record["limits"]["thresholds"], {"negative": 0.8, "positive": 0.9})
        files = {"model.wi8_afp64.safetensors": {"answered_differently": 0.012}}
        write_bundle(self.folder, make_record(LABELS, ROWS, files=files))
        shown = "\n".join(self.run_command("--info", "--min-accuracy", "0.95")[0])
        self.assertIn("answered differently: wi8_afp64 1.2%\n", shown)
        wrong = [(place, score, right and place == 0) for place, score, right in ROWS]
        write_bundle(self.folder, make_record(LABELS, wrong))
        for options in ((), ("--min-accuracy", "0.95")):
            shown = "\n".join(self.run_command("--info", *options)[0])
            self.assertIn("never right on validation texts: positive\n", shown)
        write_bundle(self.folder, None)
        self.assertNotIn("--min-accuracy", "\n".join(self.run_command("--info")[0]))
        self.assertIn("no validation.json", self.run_command("--info", "--min-accuracy", "0.95", code=2)[1])
