"""Tables of a few rows of each label: they train, with intervals and a warning."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest  # type: ignore[import-untyped]

from train.__main__ import main
from train.metrics import measure, show_accuracy, wilson_interval
from train.run import load_run

ErrorLine = Callable[[str], str]
Rows = list[tuple[str, str]]
SCORES = ("cross_validation", "validation", "test")
SHORT = ("--epochs", "2", "--marks", "off", "--characters", "off")

KITCHEN: Rows = [
    ("turn the oven on please", "on"),
    ("switch the oven off", "off"),
    ("please turn on the lamp", "on"),
    ("lamp off now", "off"),
]


def make_rows(labels: int, each: int) -> Rows:
    """Make (text, label): a word that says the label, and some that do not."""
    generator = np.random.default_rng(labels * 100 + each)
    return [
        (f"say{label} " + " ".join(f"word{word}" for word in generator.integers(0, 9, 4)) + f" x{number}", f"l{label}")
        for number in range(each)
        for label in range(labels)
    ]


def write(path: Path, rows: Rows) -> str:
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows), encoding="utf-8")
    return str(path)


def read_metrics(run: Path) -> Any:
    return json.loads((run / "metrics.json").read_text("utf-8"))


@pytest.mark.parametrize(("right", "texts"), [(0, 1), (1, 1), (0, 4), (3, 12), (9, 10), (450, 500), (24_000, 25_000)])
def test_interval_as_scipy_has_it(right: int, texts: int) -> None:
    wanted = binomtest(right, texts).proportion_ci(0.95, method="wilson")
    assert wilson_interval(right / texts, texts) == pytest.approx((wanted.low, wanted.high), abs=1e-6)
    measured = measure(np.eye(2)[np.arange(texts) % 2], np.arange(texts) % 2 ^ (np.arange(texts) >= right), "ab")
    assert measured["accuracy_interval"] == pytest.approx([wanted.low, wanted.high], abs=1e-6)


def test_how_an_accuracy_is_shown() -> None:
    """The fewer texts, the fewer digits; with many there is no interval."""
    assert show_accuracy(0.75, 12) == "75% (95% interval 47% to 91%)"
    assert show_accuracy(0.9, 500) == "90.0% (95% interval 87.1% to 92.3%)"
    assert show_accuracy(0.9, 1_000) == "90.00%"


@pytest.mark.slow
class TestTraining:
    @pytest.mark.parametrize(
        ("rows", "options", "measured"),
        [
            (KITCHEN, (), {"cross_validation": 4}),
            (KITCHEN, ("--test", "none"), {"cross_validation": 4}),
            (KITCHEN, ("--no-test",), {"cross_validation": 4}),
            (KITCHEN, ("--test", "more.csv"), {"cross_validation": 4, "test": 10}),
            (make_rows(6, 2), (), {"cross_validation": 12}),
            (make_rows(6, 5), (*SHORT, "--class-weights", "none"), {"cross_validation": 24, "test": 6}),
            (make_rows(2, 10), SHORT, {"cross_validation": 16, "validation": 2, "test": 4}),
            ([*make_rows(2, 10), ("the only one of these", "rare")], SHORT, None),
        ],
    )
    def test_it_trains(
        self,
        rows: Rows,
        options: tuple[str, ...],
        measured: dict[str, int] | None,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.chdir(tmp_path)
        write(Path("more.csv"), [(f"oven {number} {label}", label) for number in range(5) for label in ("on", "off")])
        assert main(["--data", write(Path("few.csv"), rows), *options]) == 0
        shown = capsys.readouterr().out
        run = tmp_path / "runs" / "few"
        metrics = read_metrics(run)
        found = {name: metrics[name] for name in SCORES if name in metrics}
        assert measured is None or {name: scores["texts"] for name, scores in found.items()} == measured
        for scores in found.values():
            low, high = scores["accuracy_interval"]
            assert 0 <= low <= scores["accuracy"] <= high <= 1
            assert high - low > 0.15
        assert "NaN" not in (run / "metrics.json").read_text("utf-8")
        assert len(re.findall("accuracy ", shown)) == len(re.findall(r"accuracy \d+% \(95% interval ", shown))
        assert "calibration error" not in shown  # of some texts it says nothing
        (warning,) = [line for line in shown.splitlines() if line.startswith("warning: ") and "are few" in line]
        assert "95% intervals" in warning
        loaded = load_run(run)
        assert np.isfinite(loaded.model.predict(loaded.heldout, verbose=0)).all()
        assert loaded.heldout_is_fitted == ("test" not in found)
        assert (run / "history.png").is_file()

    def test_the_known_words_say_nothing(self, tmp_path: Path) -> None:
        """Then only character n-grams have weights, which must not grow without limit."""
        rows = [("red kettle", "on"), ("blue lamp", "on"), ("green kettle", "off"), ("pink lamp", "off")]
        options = ("--out", str(tmp_path / "run"), "--characters", "on")
        assert main(["--data", write(tmp_path / "t.csv", rows), *options]) == 0
        run = load_run(tmp_path / "run")
        found = run.model.predict(run.heldout, verbose=0)
        assert ((found > 0.05) & (found < 0.95)).all()

    def test_nothing_can_be_held_out(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """There is one text of each label."""
        table = write(tmp_path / "t.csv", [("play music", "a"), ("stop it", "b")] * 2)
        assert main(["--data", table, "--out", str(tmp_path / "run"), "--test", "none"]) == 0
        shown = capsys.readouterr().out
        assert "warning: nothing is known of its accuracy, because no text could be held out" in shown
        assert not {*SCORES} & set(read_metrics(tmp_path / "run"))
        run = load_run(tmp_path / "run")
        assert run.heldout_is_fitted
        found = run.model.predict(run.heldout, verbose=0)[:, 0]
        assert ((found > 0.5) == run.heldout_targets).all()
        assert (abs(found - 0.5) < 0.45).all()  # not certain after two texts

    def test_many_rows_are_not_few(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        table = write(tmp_path / "t.csv", make_rows(2, 80))
        options = (*SHORT, "--choice", "stronger=")
        assert main(["--data", table, "--out", str(tmp_path / "run"), *options]) == 0
        shown = capsys.readouterr().out
        assert "are few" not in shown
        assert re.search(
            r"cross-validation: accuracy [\d.]+% \(95% interval .*, calibration error [\d.]+, of 128", shown
        )

    @pytest.mark.parametrize(
        "options", [("--preset", "tutorial"), ("--patience", "2"), ("--choice", "objective=logistic")]
    )
    def test_what_needs_validation_texts(
        self, options: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str], error_line: ErrorLine
    ) -> None:
        table, out = write(tmp_path / "t.csv", KITCHEN), tmp_path / "run"
        assert main(["--data", table, "--out", str(out), *options]) == 2
        assert error_line(capsys.readouterr().err).startswith("too few rows to hold some out for validation")
        assert not out.exists()

    def test_rows_to_validate_are_asked_for(self, tmp_path: Path) -> None:
        table, out = write(tmp_path / "t.csv", KITCHEN), tmp_path / "run"
        options = ("--patience", "1", "--validation", "1", *SHORT)
        assert main(["--data", table, "--out", str(out), *options]) == 0
        assert read_metrics(out)["validation"]["texts"] == 1
