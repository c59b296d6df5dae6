"""benchmarks/report_card.py: on a small table whose faults are known, and on the shipped bundle."""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import random
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from html import unescape
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from benchmarks import report_card
from benchmarks.measuring.browser.chromium import Chromium
from benchmarks.measuring.browser.server import serve
from benchmarks.measuring.results import BenchmarkError
from benchmarks.reporting import copies, evaluation, figures
from benchmarks.reporting.copies import find_copies
from benchmarks.reporting.evaluation import Evaluation, Text
from benchmarks.reporting.photograph import photograph
from benchmarks.reporting.suspicion import find_suspects
from edgetext import Classifier
from edgetext.text import Words
from export.command import main as export
from train.__main__ import main as train
from train.texts import main as write_texts

ErrorLine = Callable[[str], str]
ROOT = Path(__file__).resolve().parents[2]
# Of a training in which little is chosen.
QUICK = ("--epochs", "8", "--choice", "stronger=", "--class-weights", "none", "--marks", "off", "--characters", "off")
LABELS = ("billing", "<b>log|in</b>", "ship $x$ _y_")
HOSTILE = "</p><script>alert(1)</script> <img src=x onerror=alert(1)>"


def make_texts(
    right: list[bool], scores: list[float], known: list[float] | None = None, *, with_texts: bool = True
) -> Evaluation:
    """Return predictions of two labels; the first is predicted for every text."""
    targets = np.array([0 if one else 1 for one in right])
    texts = [Text(f"t.csv:{number}", f"text {number}") for number in range(len(right))] if with_texts else []
    shares = np.array(known or [1.0] * len(right))
    return Evaluation("texts", targets, np.array([[one, 1 - one] for one in scores]), shares, texts)


class TestMeasures:
    def test_thresholds(self) -> None:
        found = make_texts([True, True, False, True, False], [0.99, 0.9, 0.85, 0.6, 0.55])
        parts = {part["name"]: part for part in evaluation.measure_thresholds(found)}
        assert [parts[name]["texts"] for name in ("0.5", "0.6", "0.8", "0.9", "0.99")] == [5, 4, 3, 2, 1]
        assert parts["0.8"]["share"] == 0.6
        assert parts["0.8"]["accuracy"] == pytest.approx(2 / 3)
        low, high = parts["0.8"]["interval"]
        assert 0.2 < low < 2 / 3 < high < 0.95
        assert parts["0.99"]["accuracy"] == 1
        empty = evaluation.measure_thresholds(make_texts([True], [0.6]))[-1]
        assert (empty["texts"], empty["accuracy"]) == (0, None)

    def test_slices(self) -> None:
        found = make_texts([True, False, True, True], [0.9] * 4, [0.0, 0.5, 0.999, 1.0])
        parts = evaluation.slice_by_known(found)
        assert [(part["name"], part["texts"], part["accuracy"]) for part in parts] == [
            ("0–50%", 1, 1),
            ("50–75%", 1, 0),
            ("90–100%", 1, 1),
            ("100%", 1, 1),
        ]
        parts = evaluation.slice_by_length(found, np.array([5, 6, 10, 5000]))
        assert [(part["name"], part["texts"], part["accuracy"]) for part in parts] == [
            ("0–5", 1, 1),
            ("6–10", 2, 0.5),
            ("201+", 1, 1),
        ]

    def test_the_most_confident_mistakes(self) -> None:
        found = make_texts([False, True, False, False], [0.7, 0.9, 0.8, 0.6])
        mistakes = evaluation.find_mistakes(found, ["a", "b"], 2)
        assert [(one["id"], one["label"], one["predicted"]) for one in mistakes] == [
            ("t.csv:2", "b", "a"),
            ("t.csv:0", "b", "a"),
        ]

    def test_plots(self) -> None:
        """Each is the same whenever it is drawn, and refers to nothing outside of it."""
        generator = np.random.default_rng(0)
        scores = generator.uniform(0.5, 1, 500)
        found = make_texts((generator.uniform(size=500) < scores).tolist(), scores.tolist())
        for draw in (figures.draw_reliability, figures.draw_coverage):
            svg = draw(found)
            assert svg == draw(found)
            assert svg.startswith("<svg")
            assert 'role="img"' in svg
            assert not re.search(r"(?:href|src)=\"[^#]|url\([^#]", svg)
            assert len(svg) < 60_000
        for few in (make_texts([True], [0.9]), make_texts([False] * 12, [0.75] * 12)):
            assert figures.draw_reliability(few)
            assert figures.draw_coverage(few)


class TestCopies:
    def test_conflicts_and_near_copies(self) -> None:
        written = [
            ("I was charged twice for the same order, please help", "a"),
            ("I WAS charged twice, for the same order! Please help.", "b"),  # the words of the first
            ("i was charged twice for the very same order please help", "a"),  # nearly
            ("where is my parcel", "a"),
            ("where is my parcel", "a"),  # the same, and the same label
            ("where is my invoice", "b"),
            ("", "a"),
            ("...", "b"),  # neither has a word
            ("odd odd one", "a"),
            ("odd odd one one", "a"),  # four of five parts in common
        ]
        texts = [Text(str(number), text) for number, (text, _) in enumerate(written)]
        found = find_copies(texts, [label for _, label in written], Words(marks=False))
        assert found.conflicts == [[0, 1]]
        assert [(one, other) for _, one, other in found.near] == [(0, 2), (8, 9)]
        words = ["i", "was", "charged", "twice", "for", "the", "same", "order", "please", "help"]
        others = ["i", "was", "charged", "twice", "for", "the", "very", "same", "order", "please", "help"]
        parts, other_parts = ({*found, *itertools.pairwise(found)} for found in (words, others))
        assert found.near[0][0] == pytest.approx(len(parts & other_parts) / len(parts | other_parts))

    def test_nothing_to_compare(self) -> None:
        assert find_copies([], [], Words(marks=False)) == ([], [], 0)
        assert find_copies([Text("1", "one"), Text("2", "")], ["a", "b"], Words(marks=False)) == ([], [], 1)

    def test_as_comparing_all_pairs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Of random texts, long and short, and of copies with some words replaced."""
        generator = random.Random(5)
        written = []
        for _ in range(150):
            words = generator.choices([f"w{number}" for number in range(60)], k=generator.choice([1, 2, 5, 30, 90]))
            changed = [generator.choice(["new", word]) if generator.random() < 0.1 else word for word in words]
            written += [" ".join(words), " ".join(changed)]
        texts = [Text(str(number), text) for number, text in enumerate(written)]
        monkeypatch.setattr(copies, "ROWS", 70)
        found = {(one, other): alike for alike, one, other in copies.find_copies(texts, written, Words(False)).near}
        expected = {}
        for one, other in itertools.combinations(range(len(written)), 2):
            sets = [{*words, *itertools.pairwise(words)} for words in (written[one].split(), written[other].split())]
            alike = len(sets[0] & sets[1]) / len(sets[0] | sets[1])
            if alike >= 0.8 and written[one] != written[other] and written.index(written[one]) == one:
                if written.index(written[other]) == other:
                    expected[one, other] = alike
        assert len(expected) > 30
        assert found == pytest.approx(expected)


def test_flipped_labels_are_the_most_suspicious() -> None:
    """Half of the predictions are unsure; those of flipped rows are right in nine of ten cases."""
    generator = np.random.default_rng(1)
    true = generator.integers(0, 4, 1000)
    flipped = generator.choice(1000, 50, replace=False)
    given = true.copy()
    given[flipped] = (true[flipped] + generator.integers(1, 4, 50)) % 4
    predicted = np.where(generator.uniform(size=1000) < 0.9, true, generator.integers(0, 4, 1000))
    probabilities = np.full((1000, 4), 0.1)
    probabilities[np.arange(1000), predicted] = generator.uniform(0.4, 0.97, 1000)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    texts = [Text(f"t.csv:{number}", "") for number in range(1000)]
    suspects = find_suspects(Evaluation("", given, probabilities, np.ones(1000), texts), list("abcd"))
    first = {int(one["row"].partition(":")[2]) for one in suspects[:100]}
    assert len(first & {*flipped.tolist()}) >= 25
    errors = {int(one["row"].partition(":")[2]) for one in suspects if one["likely_error"]}
    assert len(errors & {*flipped.tolist()}) >= 25
    assert len(errors) < 200


class Reported(NamedTuple):
    """What the commands wrote in ``folder``; ``flipped`` has the numbers of lines with a wrong label."""

    folder: Path
    html: str
    rows: list[dict[str, str]]
    flipped: set[int]
    printed: str


def write_table(path: Path) -> set[int]:
    """Write a table of which every thirtieth row has another label than its words say; return the lines of these."""
    generator = random.Random(3)
    flipped, rows = set(), []
    for number in range(360):
        place = number % 3
        words = [f"filler{generator.randrange(40)}" for _ in range(6)] + [f"about{place}"] * 2
        words += [f"own{place}x{generator.randrange(5)}"]
        generator.shuffle(words)
        if number % 30 == 29:
            flipped.add(number + 2)
            place = (place + 1) % 3
        rows.append((" ".join(words), LABELS[place]))
    rows += [(f"contradicted {HOSTILE}", label) for label in LABELS[:2]]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([("text", "label"), *rows])
    return flipped


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Reported:
    """A model that was trained on the table, exported and reported on."""
    folder = tmp_path_factory.mktemp("report")
    flipped = write_table(folder / "t.csv")
    assert train(["--data", str(folder / "t.csv"), "--out", str(folder / "run"), *QUICK]) == 0
    for engine in ("builtin", "c"):
        assert export(engine, "", ["--run", str(folder / "run"), "--out", str(folder / "bundle")]) == 0
    printed = io.StringIO()
    with redirect_stdout(printed):
        assert report(folder, "--data", folder / "t.csv", "--suspects", folder / "suspects.csv") == 0
    html = (folder / "report.html").read_text("utf-8")
    with (folder / "suspects.csv").open(encoding="utf-8-sig", newline="") as file:
        return Reported(folder, html, list(csv.DictReader(file)), flipped, printed.getvalue())


def report(folder: Path, *options: Any) -> int:
    given = ("--model", folder / "bundle", "--run", folder / "run", "--out", folder / "report.html", *options)
    return report_card.main(list(map(str, given)))


def show(html: str) -> str:
    """Return the text of a page without plots, on one line."""
    html = re.sub(r"<style>.*?</style>|<svg.*?</svg>|<wbr>", "", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


class TestReport:
    def test_figures_are_those_of_the_files(self, trained: Reported, capfd: pytest.CaptureFixture[str]) -> None:
        """As classifying the held-out rows one by one finds."""
        capfd.readouterr()
        assert write_texts(["--data", str(trained.folder / "t.csv"), "--run", str(trained.folder / "run")]) == 0
        rows = list(map(json.loads, capfd.readouterr().out.splitlines()))
        classifier = Classifier.load(trained.folder / "bundle")
        predictions = [classifier.classify(row["text"]) for row in rows]
        right = [found.label == row["label"] for found, row in zip(predictions, rows)]
        text = show(trained.html)
        assert f"{sum(right) / len(right):.1%}" in text
        assert f"on {len(rows)} test rows of t.csv" in text
        sure = [one for one, found in zip(right, predictions) if found.score >= 0.8]
        assert f"0.8 {len(sure)} {len(sure) / len(rows):.1%} {sum(sure) / len(sure):.1%}" in text
        for label in LABELS:
            count = sum(row["label"] == label for row in rows)
            assert re.search(rf"{re.escape(label)} [\d.]+% [\d.]+% [\d.]+ {count} ", text)
        wrong = [(found.score, row["id"]) for one, found, row in zip(right, predictions, rows) if not one]
        assert text.index(max(wrong)[1]) > text.index("The most confident mistakes")
        assert "model.wi8_afp64.safetensors builtin" in text
        assert "model.wi8_afp64_fast.etx c" in text

    def test_rows_with_a_wrong_label_come_first(self, trained: Reported) -> None:
        lines = [int(row["row"].removeprefix("t.csv:")) for row in trained.rows]
        known = trained.flipped & {*lines}
        assert len(known) >= 8
        assert known <= {*lines[: len(lines) // 10]}
        assert f"{len(lines)} rows, the most suspicious first" in trained.printed
        errors = {line for line, row in zip(lines, trained.rows) if row["likely_error"] == "yes"}
        assert len(known & errors) >= 3
        assert len(errors) <= 2 * len(known)
        shares = [float(row["probability_of_label"]) for row in trained.rows]
        assert shares == sorted(shares)
        written = (trained.folder / "t.csv").read_text("utf-8").splitlines()
        for line, row in zip(lines, trained.rows):
            assert row["text"] in written[line - 1]
            assert row["label"] in written[line - 1]
        assert f"t.csv:{min(known)}" in show(trained.html)

    def test_nothing_in_a_text_or_label_is_markup(self, trained: Reported) -> None:
        assert "<script" not in trained.html
        assert "<img" not in trained.html
        assert "<b>log" not in trained.html
        assert HOSTILE in show(trained.html)
        assert "<b>log|in</b>" in show(trained.html)

    def test_no_section_is_left_out(self, trained: Reported) -> None:
        assert "Left out" not in show(trained.html)
        assert "about1" in show(trained.html)[show(trained.html).index("Words with the largest weights") :]

    def test_in_a_browser(self, trained: Reported, chromium: Chromium) -> None:
        """Nothing else is loaded, nothing is wider than the page, and every plot is seen."""
        policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:"}
        with serve({"": trained.folder}, policy) as server:
            for width in (360, 1200):
                chromium.ask("open", f"{server.url}/report.html", {"width": width, "height": 800})
                assert chromium.evaluate("document.documentElement.scrollWidth") <= width
                sizes = chromium.evaluate(
                    "[...document.querySelectorAll('figure svg')].map(svg => svg.getBoundingClientRect().height)"
                )
                assert len(sizes) == 2
                assert all(height > 150 for height in sizes)
                assert chromium.ask("complaints") == []
            assert set(server.served) <= {"/report.html", "/favicon.ico"}

    def test_wide_tables_show_that_they_scroll(self, trained: Reported, chromium: Chromium, tmp_path: Path) -> None:
        """By a shadow at the end behind which there is more."""
        from PIL import Image

        wide = "[...document.querySelectorAll('.wide')].find(one => one.scrollWidth > one.clientWidth)"
        with serve({"": trained.folder}, {}) as server:
            chromium.ask("open", f"{server.url}/report.html", {"width": 360, "height": 800})
            left, right, top = chromium.evaluate(
                f"[({wide}).getBoundingClientRect()].map(b => [b.left, b.right, b.top])[0]"
            )
            for scrolled, shadows in ((0, [False, True]), (9999, [True, False])):
                chromium.evaluate(f"({wide}).scrollLeft = {scrolled}")
                chromium.ask("screenshot", str(tmp_path / "page.png"))
                with Image.open(tmp_path / "page.png") as image:
                    # Above the first row, where nothing is written.
                    row = np.asarray(image.convert("L"))[int(top) + 5]
                pixels = [row[int(x)] for x in (left + 2, right - 2)]
                assert [pixel < 230 for pixel in pixels] == shadows, pixels

    def test_a_picture(self, trained: Reported, chromium: Chromium) -> None:
        """Of the beginning, down to the plots, and small enough for a README."""
        from PIL import Image

        taken = photograph(trained.folder / "report.html")
        assert len(taken) < 100_000
        with Image.open(io.BytesIO(taken)) as image:
            assert image.width == 1002
            assert 1200 < image.height < 2400

    def test_without_texts(self, trained: Reported) -> None:
        """What the run's own predictions say is there; what needs texts is left out, with the reason."""
        assert report(trained.folder) == 0
        text = show((trained.folder / "report.html").read_text("utf-8"))
        assert "name them with --data" in text
        assert text.count("Left out") >= 4
        assert "was not fitted on it" in text
        assert "t.csv:" not in text

    def test_another_table(self, trained: Reported) -> None:
        """All of its rows are scored; the training data is not at hand."""
        other = trained.folder / "other.csv"
        other.write_text(f"text,label\nabout0 about0,{LABELS[0]}\nabout1,{LABELS[1]}\n", encoding="utf-8")
        assert report(trained.folder, "--data", other) == 0
        text = show((trained.folder / "report.html").read_text("utf-8"))
        assert "on 2 rows of other.csv" in text
        assert "--data names others" in text

    def test_a_run_without_predictions(
        self, trained: Reported, capsys: pytest.CaptureFixture[str], error_line: ErrorLine, tmp_path: Path
    ) -> None:
        """As those of older versions."""
        shutil.copytree(trained.folder / "run", tmp_path / "run", ignore=shutil.ignore_patterns("validation.npz"))
        (tmp_path / "bundle").symlink_to(trained.folder / "bundle")
        assert report(tmp_path, "--data", trained.folder / "t.csv") == 0
        text = show((tmp_path / "report.html").read_text("utf-8"))
        assert "train again" in text
        assert "Texts that are nearly the same" in text
        capsys.readouterr()
        assert report(tmp_path, "--data", trained.folder / "t.csv", "--suspects", tmp_path / "s.csv") == 2
        assert "train again" in error_line(capsys.readouterr().err.splitlines()[-1])

    def test_predictions_of_other_texts(
        self, trained: Reported, capsys: pytest.CaptureFixture[str], error_line: ErrorLine, tmp_path: Path
    ) -> None:
        shutil.copytree(trained.folder / "run", tmp_path / "run")
        (tmp_path / "bundle").symlink_to(trained.folder / "bundle")
        file = tmp_path / "run" / "validation.npz"
        with np.load(file) as found:
            np.savez(file, **{**found, "targets": np.roll(found["targets"], 1)})
        capsys.readouterr()
        assert report(tmp_path, "--data", trained.folder / "t.csv") == 2
        assert "validation.npz" in error_line(capsys.readouterr().err.splitlines()[-1])

    def test_nothing_is_replaced_by_mistake(
        self, trained: Reported, capsys: pytest.CaptureFixture[str], error_line: ErrorLine
    ) -> None:
        table = trained.folder / "t.csv"
        before = table.read_bytes()
        for options in (
            ("--out", table),
            ("--suspects", table),
            ("--suspects", trained.folder / "suspects.html"),
            ("--out", trained.folder / "missing" / "report.html"),
            ("--run", ROOT / "train" / "default"),
            ("--data", trained.folder / "missing.csv"),
        ):
            assert report(trained.folder, *options) == 2, options
            assert error_line(capsys.readouterr().err)
        assert table.read_bytes() == before


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    """Headless Chromium."""
    try:
        browser = Chromium(ROOT / "build" / "interop" / "browser")
    except BenchmarkError as error:
        pytest.skip(str(error))
    with browser:
        yield browser


# Names in plots that touch another one, or reach out of the page or, those of points, beyond the axis.
TOUCHING = """[...document.querySelectorAll("svg")].flatMap((svg) => {
    const page = svg.getBoundingClientRect();
    const found = [...svg.querySelectorAll("text")].map((text) => [text.textContent, text.getBoundingClientRect()]);
    const edge = Math.max(...found.filter(([name]) => name.endsWith("%")).map(([, box]) => box.right));
    const apart = (a, b) => a.right <= b.left || b.right <= a.left || a.bottom <= b.top + 1 || b.bottom <= a.top + 1;
    return found.flatMap(([name, box], place) => [
      ...(name.startsWith("≥") && box.right > edge ? [`${name} is beyond the axis`] : []),
      ...(box.left < page.left || box.right > page.right || box.top < page.top ? [`${name} is cut off`] : []),
      ...found.slice(place + 1).filter(([, other]) => !apart(box, other)).map(([other]) => `${name} and ${other}`),
    ]);
})"""


@pytest.mark.slow
@pytest.mark.parametrize("sure", [0.5, 2, 5, 20, 100])
def test_names_in_plots_do_not_touch(sure: float, chromium: Chromium, tmp_path: Path) -> None:
    """On a phone, whatever the share of texts with high scores is."""
    generator = np.random.default_rng(4)
    scores = 0.5 + 0.5 * generator.beta(sure, 1, 2000)
    found = make_texts((generator.uniform(size=2000) < scores).tolist(), scores.tolist())
    plots = figures.draw_reliability(found) + figures.draw_coverage(found)
    (tmp_path / "plots.html").write_text(
        f'<meta charset="utf-8"><body style="font-family: sans-serif">{plots}', "utf-8"
    )
    with serve({"": tmp_path}, {}) as server:
        chromium.ask("open", f"{server.url}/plots.html", {"width": 360, "height": 800})
        assert chromium.evaluate('document.querySelectorAll("svg text").length') > 20
        assert chromium.evaluate(TOUCHING) == []


@pytest.mark.slow
def test_the_shipped_bundle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As `make demo` reports on it: the figures are those that the bundle records."""
    assert report_card.main(["--out", str(tmp_path / "report.html")]) == 0
    assert "report.html" in capsys.readouterr().out.splitlines()[-1]
    text = show((tmp_path / "report.html").read_text("utf-8"))
    recorded = Classifier.load().model
    assert recorded is not None
    assert f"{recorded.record['test']['accuracy']:.2%}" in text
    assert "25,000 test reviews" in text
    shown = text[text.index("Words with the largest weights") :]
    assert all(word.text in shown for words in Classifier.load().top_words(count=5).values() for word in words)


@pytest.mark.data
def test_flipped_labels_of_questions(tmp_path: Path) -> None:
    """Of 5 % of the rows that get a random label, at least half are among the tenth that is most suspicious."""
    source = Path(os.environ["EDGETEXT_DATA"]).parent / "trec_train.csv"
    if not source.exists():
        pytest.skip(f"no {source.name} beside the reviews")
    with source.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    generator, labels = random.Random(0), sorted({row["label"] for row in rows})
    flipped = {*generator.sample(range(len(rows)), len(rows) // 20)}
    for number in flipped:
        rows[number]["label"] = generator.choice([label for label in labels if label != rows[number]["label"]])
    with (tmp_path / "t.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    assert train(["--data", str(tmp_path / "t.csv"), "--out", str(tmp_path / "run"), "--test", "none", *QUICK]) == 0
    assert export("builtin", "", ["--run", str(tmp_path / "run"), "--out", str(tmp_path / "bundle")]) == 0
    assert report(tmp_path, "--data", tmp_path / "t.csv", "--suspects", tmp_path / "suspects.csv") == 0
    with (tmp_path / "suspects.csv").open(encoding="utf-8-sig", newline="") as file:
        found = [int(row["row"].partition(":")[2]) - 2 for row in csv.DictReader(file)]
    assert len(found) > 5000
    assert len(flipped & {*found[: len(found) // 10]}) >= len(flipped) / 2
