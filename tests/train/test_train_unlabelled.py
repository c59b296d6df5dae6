"""``python -m train`` with unlabelled texts, and with probabilities in place of labels."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from export.scoring import load_labelled_texts
from train.__main__ import main
from train.run import load_run
from train.texts import main as write_texts

QUICK = ("--epochs", "3", "--choice", "stronger=", "--class-weights", "none", "--marks", "off", "--characters", "off")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a table, some of whose rows have no label, and a file of texts."""
    monkeypatch.chdir(tmp_path)
    rows = [(f"{word} thing {number} again", word) for word in ("red", "blue") for number in range(30)]
    labelled = "text,label\n" + "".join(f"{text},{label}\n" for text, label in rows)
    Path("t.csv").write_text(labelled + "open thing,\nopener, \n")
    Path("labelled.csv").write_text(labelled)
    Path("rest.txt").write_text("".join(f"red or blue {number}\n" for number in range(9)) + "opener\n")
    return tmp_path


def train(name: str, *options: str) -> tuple[str, dict[str, Any]]:
    """Train, and return the hash of the weights and the run's description of the data."""
    assert main([*QUICK, *options, "--out", name]) == 0
    with zipfile.ZipFile(Path(name, "model.keras")) as model:
        weights = hashlib.sha256(model.read("model.weights.h5")).hexdigest()
    return weights, json.loads(Path(name, "config.json").read_text())["data"]


@pytest.mark.slow
def test_without_a_teacher(capsys: pytest.CaptureFixture[str]) -> None:
    """Unlabelled texts make no difference, not even that of a word."""
    expected, _ = train("a", "--data", "labelled.csv")
    found, data = train("b", "--data", "t.csv", "--unlabelled", "rest.txt", "--teacher", "none")
    assert found == expected
    assert Path("a/vocab.txt").read_bytes() == Path("b/vocab.txt").read_bytes()
    assert data["unlabelled"] == []
    assert "t.csv: 2 rows left out: no label (lines 62 and 63)" in capsys.readouterr().out


@pytest.mark.slow
def test_what_is_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    _, data = train("run", "--data", "t.csv", "--unlabelled", "rest.txt")
    assert data["unlabelled"] == [
        {"name": name, "sha256": hashlib.sha256(Path(name).read_bytes()).hexdigest(), "rows": rows}
        for name, rows in (("t.csv", 2), ("rest.txt", 9))
    ]
    assert sum(sum(counts.values()) for counts in data["rows"].values()) == 60
    out = capsys.readouterr().out
    assert "rest.txt: 1 row left out: same words as an earlier row without a label (line 10)\n" in out
    assert "unlabelled texts: 11\n" in out
    # The rows that the run held out are found again.
    assert write_texts(["--data", "t.csv", "--run", "run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == sum(data["rows"]["test"].values()) == 12


@pytest.mark.slow
def test_nothing_to_learn(capsys: pytest.CaptureFixture[str]) -> None:
    """No word is in two texts: the labels alone are fitted, and the run says so."""
    rows = [f"{word}{number} {word}{number},{word}\n" for word in ("red", "blue") for number in range(30)]
    Path("t.csv").write_text("text,label\n" + "".join(rows))
    Path("rest.txt").write_text("".join(f"thing{number} thing{number}\n" for number in range(9)))
    train("run", "--data", "t.csv", "--unlabelled", "rest.txt", "--teacher", "vectors", "--epochs", "1")
    out = capsys.readouterr().out
    assert "\nunlabelled texts: not used, because no word occurs in enough texts\n" in out
    assert "\nfitting: 1 epoch, " in out
    metrics = json.loads(Path("run/metrics.json").read_text())
    assert (metrics["unlabelled"], "teacher" in metrics) == (0, False)


def write_probabilities(path: Path, hand: int) -> None:
    """Write 60 rows with the probabilities of another model; the first ones of each label have it, too."""
    lines = ["text,label,p_red,p_blue"]
    for number in range(30):
        for word, other in (("red", "0.9,0.1"), ("blue", "0.2,0.8")):
            lines.append(f"{word} thing {number} again,{word if number < hand else ''},{other}")
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.slow
def test_probabilities(capsys: pytest.CaptureFixture[str]) -> None:
    """Accuracy is that on labels, and agreement that with the probabilities, of texts that were held out."""
    write_probabilities(Path("soft.csv"), hand=12)
    assert main(["--data", "soft.csv", "--probabilities", "p_red", "p_blue", *QUICK, "--out", "run"]) == 0
    out = capsys.readouterr().out
    metrics = json.loads(Path("run/metrics.json").read_text())
    for name, rows in (("validation", 5), ("test", 12)):
        measured, agreed = metrics[name], metrics[f"{name}_agreement"]
        assert (measured["accuracy"], agreed["agreement"]) == (1, 1)
        assert measured["texts"] + agreed["texts"] == rows
        assert agreed["cross_entropy"] >= agreed["entropy"] > 0.3
    assert "test: accuracy 100% (95% interval " in out
    assert "test: agreement with the given probabilities 100% (95% interval " in out


@pytest.mark.slow
def test_probabilities_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """Without labels there is no accuracy; the run can be exported and measured."""
    write_probabilities(Path("soft.csv"), hand=0)
    assert main(["--data", "soft.csv", "--probabilities", "p_red", "p_blue", *QUICK]) == 0
    assert "test: accuracy" not in capsys.readouterr().out
    run = load_run(Path("runs/soft"))
    assert "test" not in run.metrics
    assert run.metrics["test_agreement"]["agreement"] == 1
    assert not run.heldout_is_fitted
    found = load_labelled_texts(run, "soft.csv")
    assert (found.description, len(found.texts)) == ("test rows of soft.csv, by the most probable label given", 12)
