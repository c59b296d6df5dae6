"""``--summary`` and ``--drift``: what a stream looks like, and whether it looks like the validation texts."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

from edgetext import Classifier
from edgetext.validation import BINS, THRESHOLDS, Validation
from edgetext.validation.drift import compare
from tests.runtime.helpers import RUNTIME, run
from tests.runtime.test_min_accuracy import LABELS, make_record, write_bundle

TEXTS = ["great movie", "a waste of two hours", "terrible qzqzq", "movie", "excellent"] * 40


def measure(folder: Path, texts: list[str]) -> dict[str, Any]:
    """Return what ``validation.json`` holds if these are the validation texts."""
    found = list(Classifier.load(folder).classify_many(texts))
    rows = [(LABELS.index(one.label), one.score, True) for one in found]
    known = [0] * BINS
    for one in found:
        known[min(int(one.known * BINS), BINS - 1)] += 1
    return make_record(LABELS, rows, known=known)


class SummaryTest(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name) / "bundle"
        self.folder.mkdir()
        write_bundle(self.folder, None)
        write_bundle(self.folder, measure(self.folder, TEXTS))
        self.file = Path(temporary.name) / "summary.jsonl"

    def run_command(self, *arguments: str, texts: list[str] = TEXTS, code: int = 0) -> tuple[str, str]:
        """Run the command on the bundle, and return what it prints, and its errors."""
        stdin = "".join(f"{text}\n" for text in texts).encode()
        result = run("--model", str(self.folder), *arguments, stdin=stdin, fake=False)
        self.assertEqual(result.returncode, code, result.stderr)
        return result.stdout.decode(), result.stderr.decode()

    def summarize(self, *arguments: str, texts: list[str] = TEXTS) -> list[dict[str, Any]]:
        """Run the command with ``--summary``, and return the lines of the file."""
        self.run_command("--summary", str(self.file), *arguments, texts=texts)
        return [json.loads(line) for line in self.file.read_text("utf-8").splitlines()]

    def test_counts(self) -> None:
        [line] = self.summarize()
        found = list(Classifier.load(self.folder).classify_many(TEXTS))
        model = json.loads((self.folder / "manifest.json").read_bytes())["models"][0]
        self.assertEqual(line["model"], {"file": model["file"], "crc32": model["crc32"]})
        self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual((line["texts"], line["uncertain"]), (200, 0))
        self.assertEqual(line["labels"], {label: sum(one.label == label for one in found) for label in LABELS})
        self.assertAlmostEqual(line["unknown"], sum(1 - one.known for one in found) / 200, delta=1e-4)
        for name, field in (("scores", "score"), ("known", "known")):
            bins = [min(int(getattr(one, field) * BINS), BINS - 1) for one in found]
            self.assertEqual(line[name], [bins.count(place) for place in range(BINS)])

    def test_uncertain_texts_count_for_their_most_probable_label(self) -> None:
        [line] = self.summarize("--threshold", "0.95")
        [_, plain] = self.summarize()
        self.assertEqual({**line, "uncertain": 0, "time": ""}, {**plain, "time": ""})
        self.assertEqual(line["uncertain"], sum(one.score < 0.95 for one in Classifier.load().classify_many(TEXTS)))

    def test_every_so_many_texts(self) -> None:
        for arguments in ((), ("--file", str(self.file.with_name("texts.txt")))):
            self.file.unlink(missing_ok=True)
            self.file.with_name("texts.txt").write_text("".join(f"{text}\n" for text in TEXTS), "utf-8")
            lines = self.summarize("--summary-every", "70", *arguments)
            self.assertEqual([line["texts"] for line in lines], [70, 70, 60])
            self.assertEqual(sum(sum(line["scores"]) for line in lines), 200)
        self.assertEqual(len(self.summarize(texts=[])), 3)

    def test_a_stream_that_a_signal_ends(self) -> None:
        command = [sys.executable, str(RUNTIME / "classify.py"), "--summary", str(self.file)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(b"great movie\nterrible\n")
            process.stdin.flush()
            for _ in range(2):
                process.stdout.readline()
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(60), 128 + signal.SIGTERM)
        self.assertEqual(json.loads(self.file.read_bytes())["texts"], 2)

    def test_mistakes(self) -> None:
        given = self.file.with_name("texts.txt")
        given.write_text("great movie\n")
        for arguments, message in (
            (("--summary", str(self.folder)), "Is a directory"),
            (("--summary", str(given), "--file", str(given)), "is the input or the output"),
            (("--summary", ""), "--summary is empty"),
            (("--summary", str(self.file), "great movie"), "--summary is for an input"),
            (("--summary-every", "5"), "--summary-every is only used with --summary"),
            (("--summary", str(self.file), "--summary-every", "0"), "--summary-every must be at least 1"),
        ):
            output, errors = self.run_command(*arguments, code=2)
            self.assertEqual(output, "")
            self.assertIn(message, errors)
        self.assertEqual(given.read_text(), "great movie\n")

    @unittest.skipUnless(os.path.exists("/dev/full"), "there is no /dev/full")
    def test_a_full_disk(self) -> None:
        output, errors = self.run_command("--summary", "/dev/full", texts=["great movie"], code=2)
        self.assertEqual(output.count("\n"), 1)
        self.assertRegex(errors, r"^error: [^\n]*/dev/full[^\n]*\n$")

    def test_a_file_with_something_else_in_it_is_not_changed(self) -> None:
        for content in (b"great movie\n", b"\x7fELF\0" * 50, b"no end"):
            self.file.write_bytes(content)
            _, errors = self.run_command("--summary", str(self.file), code=2)
            self.assertIn("summary.jsonl exists and is no summary: name another file", errors)
            self.assertEqual(self.file.read_bytes(), content)

    def test_an_incomplete_last_line_is_removed(self) -> None:
        self.summarize()
        whole = self.file.read_bytes()
        for left, kept in ((len(whole) + 100, 1), (100, 0), (1, 0)):
            self.file.write_bytes((whole * 2)[:left])
            _, errors = self.run_command("--summary", str(self.file))
            self.assertIn("removed the last line, which was incomplete", errors)
            self.assertEqual(self.file.read_bytes().count(b"\n"), kept + 1)
            self.assertIn("look like", self.run_command("--drift", str(self.file))[0])
        _, errors = self.run_command("--summary", str(self.file))
        self.assertEqual(errors, "")

    def test_drift(self) -> None:
        self.summarize(texts=TEXTS[:100])
        self.summarize(texts=TEXTS[100:])
        output, errors = self.run_command("--drift", str(self.file))
        self.assertRegex(output, r"^200 texts look like the validation texts; [^\n]*\n$")
        self.assertEqual(errors, "")
        for texts, changed in ((["great movie"], "labels"), (["movie qzqzq xqxqx"], "known words")):
            self.file.unlink()
            self.summarize(texts=texts * 200)
            output, _ = self.run_command("--drift", str(self.file), code=1)
            self.assertRegex(output, rf"^200 texts do not look like .*; .*{changed} \d+\.\d\d \(different\)(,|\n)")

    def test_summaries_that_cannot_be_compared(self) -> None:
        [line] = self.summarize()
        for change, message in (
            ({"model": {"file": "other.onnx", "crc32": "0" * 8}}, "line 1 is of another model"),
            ({"labels": {"positive": 200}}, "line 1 is not one that --summary writes"),
            ({"scores": [-1] * BINS}, "line 1 is not one that --summary writes"),
            ({"known": None}, "line 1 is not one that --summary writes"),
            ({"texts": -5}, "line 1 is not one that --summary writes"),
            ({"texts": 201}, "line 1 is not one that --summary writes"),
        ):
            self.file.write_text(json.dumps({**line, **change}) + "\n", "utf-8")
            self.assertIn(message, self.run_command("--drift", str(self.file), code=2)[1])
        self.file.unlink()
        self.summarize(texts=["great movie"] * 7)
        self.assertIn("7 texts are too few to compare", self.run_command("--drift", str(self.file), code=2)[1])
        self.file.write_text("great movie\n", "utf-8")
        self.assertIn("line 1 is not one that --summary", self.run_command("--drift", str(self.file), code=2)[1])
        self.assertIn("No such file", self.run_command("--drift", str(self.folder / "none"), code=2)[1])
        write_bundle(self.folder, None)
        self.assertIn("no validation.json", self.run_command("--drift", str(self.file), code=2)[1])


class CompareTest(unittest.TestCase):
    def test_samples_of_one_kind_rarely_look_different(self) -> None:
        """Nor do small ones, whose indices chance makes large."""
        generator = random.Random(1)
        weights = [generator.random() for _ in range(BINS)]
        labels = [f"label {number}" for number in range(50)]
        different = 0

        def draw(texts: int, bins: int) -> list[int]:
            drawn = generator.choices(range(bins), (weights * 3)[:bins], k=texts)
            return [drawn.count(place) for place in range(bins)]

        for number in range(200):
            answered = [[count] * len(THRESHOLDS) for count in draw(2000, len(labels))]
            changes = {"texts": 2000, "scores": draw(2000, BINS), "known": draw(2000, BINS)}
            validation = Validation(make_record(labels, [], answered=answered, **changes))
            texts = 150 if number % 2 else 1500
            found = compare(validation, draw(texts, len(labels)), draw(texts, BINS), draw(texts, BINS))
            different += any(part.is_large for part in found)
        self.assertLessEqual(different, 4)

    def test_index(self) -> None:
        """By hand, for two bins; and of a change that is real but small."""
        scores = [0] * (BINS - 2) + [500, 500]
        answered = [[500] * len(THRESHOLDS)] * 2
        record = make_record(LABELS, [], texts=1000, answered=answered, right=answered, scores=scores, known=scores)
        validation = Validation(record)
        moved = [0] * (BINS - 2) + [2000, 8000]
        _, large, small = compare(validation, [5000, 5000], moved, [0] * (BINS - 2) + [4000, 6000])
        self.assertAlmostEqual(large.psi, 0.3 * 1.3863, delta=0.002)  # (0.5 - 0.2) (ln(0.5 / 0.2) - ln(0.5 / 0.8))
        self.assertTrue(large.is_large)
        self.assertFalse(small.is_large)
