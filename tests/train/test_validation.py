"""``validation.npz`` of a run: predictions for texts by models that were not fitted on them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetext.text import Words
from train.__main__ import main
from train.dataset import TRAIN, VALIDATION
from train.metrics import measure
from train.models import rules
from train.run import load_run
from train.tables.dataset import Text
from train.tables.recorded import read_for_run, read_recorded

Rows = list[tuple[str, str]]
LABELS = ("blue", "green", "red")


def topics(seed: int, count: int) -> Rows:
    """Make (text, label) whose words tell the label in most cases; one word occurs in no other text."""
    generator = np.random.default_rng(seed)
    rows: Rows = []
    for number in range(count):
        place = number % len(LABELS)
        words = [f"{LABELS[place]}{word}" for word in generator.integers(0, 12, 2)]
        words += [f"{LABELS[int(generator.integers(3))]}{generator.integers(12)}", f"only{seed}x{number}"]
        rows.append((" ".join([*words, *words[-1:]]), LABELS[place]))
    return rows


def train(folder: Path, rows: Rows, *options: str) -> dict[str, Any]:
    """Train on rows and return the content of ``metrics.json``."""
    table = folder / "t.csv"
    table.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows), encoding="utf-8")
    settings = ("--epochs", "2", "--characters", "off", "--marks", "off", "--class-weights", "none")
    assert main(["--data", str(table), "--out", str(folder / "run"), *settings, *options]) == 0
    metrics: dict[str, Any] = json.loads((folder / "run" / "metrics.json").read_text("utf-8"))
    return metrics


def read_texts(folder: Path) -> list[Text]:
    """Return the texts that ``places`` refers to."""
    dataset = read_for_run(read_recorded(folder / "run", folder / "t.csv", {}), TRAIN)
    return [*dataset.texts(TRAIN), *dataset.texts(VALIDATION)]


def find_known(texts: list[Text]) -> Iterator[float]:
    """Yield the share of each text's words that occur at least twice in the others."""
    split = [Words(marks=False).tokenize(text.text) for text in texts]
    total = Counter(word for words in split for word in words)
    for words in split:
        own = Counter(words)
        yield sum(total[word] - own[word] >= 2 for word in words) / len(words)


@pytest.mark.slow
class TestTraining:
    @pytest.mark.parametrize("teacher", ["none", "vectors"])
    def test_cross_validation(self, teacher: str, tmp_path: Path) -> None:
        more = tmp_path / "more.txt"
        more.write_text("".join(f"{text}\n" for text, _ in topics(2, 150)), encoding="utf-8")
        unlabelled = () if teacher == "none" else ("--unlabelled", str(more))
        metrics = train(tmp_path, topics(1, 150), "--teacher", teacher, *unlabelled)
        validation, texts = load_run(tmp_path / "run").validation, read_texts(tmp_path)
        assert validation is not None
        assert sorted(validation.places) == list(range(len(texts)))
        assert [LABELS[target] for target in validation.targets] == [texts[place].label for place in validation.places]
        found = measure(validation.probabilities.astype(np.float64), validation.targets, LABELS)
        assert found["accuracy"] == metrics["cross_validation"]["accuracy"] < 1
        assert found["loss"] == pytest.approx(metrics["cross_validation"]["loss"], rel=1e-3)

    def test_validation_texts(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """They are predicted before the model is fitted on them too."""
        monkeypatch.setattr(rules, "MOST_IDS", 0)
        metrics = train(tmp_path, topics(1, 150), "--validation", "30")
        validation, texts = load_run(tmp_path / "run").validation, read_texts(tmp_path)
        assert validation is not None
        assert (validation.places + 30).tolist() == list(range(len(texts), len(texts) + 30))
        found = measure(validation.probabilities.astype(np.float64), validation.targets, LABELS)
        assert found["loss"] == pytest.approx(metrics["validation"]["loss"], rel=1e-5)

    def test_a_word_of_one_text_only_is_not_known(self, tmp_path: Path) -> None:
        """Unless it occurs in unlabelled texts, which the vocabulary is made from too."""
        unlabelled = ["only1x0 only1x1 only1x2 more", "again only1x0 only1x1 only1x2"]
        (tmp_path / "more.txt").write_text("".join(f"{text}\n" for text in unlabelled), encoding="utf-8")
        train(tmp_path, topics(1, 60), "--unlabelled", str(tmp_path / "more.txt"))
        validation, texts = load_run(tmp_path / "run").validation, read_texts(tmp_path)
        assert validation is not None
        more = [Text(str(number), None, text) for number, text in enumerate(unlabelled)]
        known = [*find_known([*texts, *more])]
        np.testing.assert_allclose(validation.known, [known[place] for place in validation.places], rtol=1e-6)
        assert {round(share, 6) for share in validation.known.tolist()} >= {0.6, 1.0}

    def test_texts_with_probabilities(self, tmp_path: Path) -> None:
        """No label of theirs is right; without others there is no such file."""
        for kept in (90, 0):
            rows = [
                {
                    "text": text,
                    **(
                        {"label": label} if n < kept else {"p": {label: 0.6, **dict.fromkeys({*LABELS} - {label}, 0.2)}}
                    ),
                }
                for n, (text, label) in enumerate(topics(1, 150))
            ]
            (tmp_path / "t.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
            options = ("--probabilities", "p", "--epochs", "2", "--characters", "off", "--marks", "off")
            assert main(["--data", str(tmp_path / "t.jsonl"), "--out", str(tmp_path / "run"), *options]) == 0
            validation = load_run(tmp_path / "run").validation
            if kept:
                metrics = json.loads((tmp_path / "run" / "metrics.json").read_text("utf-8"))
                counts = Counter(LABELS[target] for target in validation.targets) if validation else {}
                assert len(counts) == len(LABELS)
                assert max(counts.values()) <= kept // len(LABELS)
                assert metrics["refitted"] > sum(counts.values())
            else:
                assert validation is None
