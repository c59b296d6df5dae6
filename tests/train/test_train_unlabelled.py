"""``python -m train`` with unlabelled texts."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from train.__main__ import main
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
    assert main([*options, *QUICK, "--out", name]) == 0
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
