"""``python -m train`` where unlabelled texts tell which words mean the same, and with probabilities to be fitted."""

from __future__ import annotations

import json
import random
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetext import Classifier
from export import command
from train.__main__ import main
from train.distilling import vectors
from train.run import load_run

pytestmark = pytest.mark.slow

OPTIONS = ("--marks", "off", "--characters", "off", "--choice", "stronger=", "--test", "test.csv")
DRAW = random.Random(1)
WORDS = ["".join(DRAW.choices("abcdefghijklmnopqrstuvwxyz", k=5)) for _ in range(140)]
TOPICS, FILLER = (WORDS[:40], WORDS[40:80], WORDS[80:120]), WORDS[120:]


def make_text(topic: int) -> str:
    """Return a text of four of forty words of a topic, and four that any text may have."""
    words = DRAW.choices(TOPICS[topic], k=4) + DRAW.choices(FILLER, k=4)
    return " ".join(DRAW.sample(words, k=8))


def write_table(name: str, rows: int, topics: int = 2) -> None:
    lines = [f"{make_text(number % topics)},{'abc'[number % topics]}\n" for number in range(rows)]
    Path(name).write_text("text,label\n" + "".join(lines))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder with few labelled texts, many unlabelled ones, and some to test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(vectors, "MOST_EPOCHS", 60)
    DRAW.seed(2)
    write_table("t.csv", 24)
    write_table("test.csv", 200)
    Path("rest.txt").write_text("".join(f"{make_text(number % 2)}\n" for number in range(300)))


def train(name: str, *options: str) -> tuple[bytes, Any]:
    """Train, and return the weights and the content of ``metrics.json``."""
    assert main([*OPTIONS, *options, "--out", name]) == 0
    with zipfile.ZipFile(Path(name, "model.keras")) as model:
        weights = model.read("model.weights.h5")
    for file in ("history.json", "metrics.json"):
        assert "NaN" not in Path(name, file).read_text()
    return weights, json.loads(Path(name, "metrics.json").read_text())


def test_more_accurate(capsys: pytest.CaptureFixture[str]) -> None:
    unlabelled = ("--data", "t.csv", "--unlabelled", "rest.txt")
    weights, metrics = train("with", *unlabelled)
    _, without = train("without", *unlabelled, "--teacher", "none")
    assert metrics["test"]["accuracy"] > max(without["test"]["accuracy"] + 0.05, 0.9)
    assert (metrics["unlabelled"], without["unlabelled"]) == (300, 0)
    assert "teacher" not in without
    # What was compared is in the run, and printed.
    measured = metrics["teacher"]
    assert measured["with unlabelled texts"]["accuracy"] > measured["labels alone"]["accuracy"]
    shown = capsys.readouterr().out
    for name, found in measured.items():
        assert f"{name}: accuracy {found['accuracy']:.0%} (" in shown
    assert train("again", *unlabelled)[0] == weights
    # The engines score as Keras does.
    texts = [line.partition(",")[0] for line in Path("test.csv").read_text().splitlines()[1:60]]
    model, encoder = load_run(Path("with")).model, None
    for engine in ("builtin", "tflite", "onnx"):
        assert command.main(engine, "Export.", ["--run", "with", "--out", "bundle"]) == 0
        classifier = Classifier.load("bundle", engine=engine)
        encoder = encoder or classifier.encoder
        expected = model.predict(np.array([encoder.encode(text) for text in texts], np.int32), verbose=0)[:, 0]
        found = [classifier.classify(text).probabilities["b"] for text in texts]
        np.testing.assert_allclose(found, expected, atol=0.02)


def test_of_another_language(capsys: pytest.CaptureFixture[str]) -> None:
    """Texts that share no word with the labelled ones are no help, and do no harm; they are used if asked for."""
    lines = [" ".join(f"слово{DRAW.randrange(60)}" for _ in range(6)) + "\n" for _ in range(300)]
    Path("other.txt").write_text("".join(lines), encoding="utf-8")
    _, metrics = train("run", "--data", "t.csv", "--unlabelled", "other.txt")
    shown = capsys.readouterr().out
    assert "labels alone: accuracy " in shown
    assert "with unlabelled texts: accuracy " in shown
    _, forced = train("forced", "--data", "t.csv", "--unlabelled", "other.txt", "--teacher", "vectors")
    assert forced["unlabelled"] == 300
    assert forced["teacher"] == metrics["teacher"]
    assert json.loads(Path("forced/config.json").read_text())["choices"]["objective"] == "logistic"


def test_eight_rows() -> None:
    """None can be held out for validation; and if all are right in cross-validation, nothing is certain yet."""
    lines = [f"{TOPICS[number % 2][0]} {make_text(number % 2)},{'ab'[number % 2]}\n" for number in range(8)]
    Path("t.csv").write_text("text,label\n" + "".join(lines))
    _, metrics = train("run", "--data", "t.csv", "--unlabelled", "rest.txt", "--teacher", "vectors")
    assert metrics["cross_validation"]["accuracy"] == 1
    assert metrics["temperature"] > 0.11
    assert metrics["test"]["accuracy"] > 0.85


def test_words_that_occur_once() -> None:
    """There is nothing to learn without labels."""
    Path("once.csv").write_text("text,label\n" + "".join(f"x{n},{'ab'[n % 2]}\n" for n in range(40)))
    Path("once.txt").write_text("".join(f"y{number}\n" for number in range(20)))
    train("once", "--data", "once.csv", "--unlabelled", "once.txt", "--teacher", "vectors", "--epochs", "2")


def test_logistic_without_unlabelled_texts() -> None:
    write_table("three.csv", 600, topics=3)
    write_table("test.csv", 200, topics=3)
    _, metrics = train("run", "--data", "three.csv", "--choice", "objective=logistic")
    assert metrics["test"]["accuracy"] > 0.9
    assert "teacher" not in metrics


def test_probabilities_are_fitted() -> None:
    """What is predicted is as uncertain as what was given."""
    given = {0: 0.4, 1: 0.7}
    for name, rows in (("soft.csv", 300), ("test.csv", 100)):
        lines = [f"{make_text(n % 2)},{1 - given[n % 2]:.1f},{given[n % 2]}\n" for n in range(rows)]
        Path(name).write_text("text,p_a,p_b\n" + "".join(lines))
    _, metrics = train("run", "--data", "soft.csv", "--probabilities", "p_a", "p_b")
    agreed = metrics["test_agreement"]
    assert agreed["agreement"] > 0.9
    assert agreed["cross_entropy"] < agreed["entropy"] + 0.05
    run = load_run(Path("run"))
    predicted = run.model.predict(run.heldout, verbose=0)[:, 0]
    for target, probability in given.items():
        assert predicted[run.heldout_targets == target].mean() == pytest.approx(probability, abs=0.1)
