"""``python -m train`` from end to end, on the tiny reviews."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import matplotlib.image
import numpy as np
import pytest

from edgetext.encoder import Encoder, Preprocessing
from edgetext.keras_imdb import KERAS_IMDB
from edgetext.vocabulary import Vocabulary
from train import __main__ as command
from train.encoding import encoded as arrays
from train.encoding.vocabulary import find_spellings
from train.metrics import show_scores
from train.reviews.cache import prepare
from train.reviews.dataset import Review, load_split, split_validation
from train.reviews.layout import LABELS

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("tiny")]

Runner = Callable[..., "subprocess.CompletedProcess[str]"]
ErrorLine = Callable[[str], str]

TUTORIAL = ("--preset", "tutorial")
SHORT = ("--epochs", "2", "--validation", "10", "--seed", "1")
FILES = [
    *("config.json", "history.json", "history.png", "metrics.json", "model.keras", "samples.npz", "spellings.txt"),
    "validation.npz",
    "vocab.txt",
]


def main(options: list[str]) -> int:
    """Run the command in this process, for the tutorial's preset, whose fitting is a plain one."""
    return command.main([*TUTORIAL, *options])


def read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def weights(run: Path) -> list[bytes]:
    """Return the weights of a run's model, bit by bit."""
    return [array.tobytes() for array in keras.saving.load_model(run / "model.keras").get_weights()]


def snapshot(path: Path) -> dict[str, bytes]:
    """Return the content of everything at and below a path."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return {str(file.relative_to(path)): file.read_bytes() for file in files}


def encode(reviews: list[Review], run: Path) -> tuple[Any, Any]:
    vocabulary = Vocabulary.from_bytes((run / "vocab.txt").read_bytes())
    preprocessing = Preprocessing.from_json(read(run / "config.json")["preprocessing"])
    texts = arrays.encode(reviews, Encoder(vocabulary, preprocessing), LABELS)
    return texts.take(), texts.targets


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def trained(parent: Path, run_python: Runner, tiny_env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A finished ``python -m train`` of two epochs with seed 1 into ``first``."""
    return run_python("-m", "train", *TUTORIAL, *SHORT, "--out", parent / "first", env=tiny_env)


@pytest.fixture
def run(trained: subprocess.CompletedProcess[str], parent: Path) -> Path:
    assert trained.returncode == 0, trained.stderr
    return parent / "first"


class TestRun:
    def test_output(self, trained: subprocess.CompletedProcess[str], run: Path) -> None:
        shown = trained.stdout.splitlines()
        assert shown[0].startswith("preset tutorial: 30 texts to fit, 10 to validate, 2 labels, ")
        metrics = read(run / "metrics.json")
        fitted, validated = metrics["unknown"]["train"], metrics["unknown"]["validation"]
        assert shown.pop(1).startswith("warning: 40 rows to learn 2 labels from are few")
        assert shown.pop(1) == (
            f"unknown words: {fitted['words']:.1%} in the texts to fit, {validated['words']:.1%} in those to validate; "
            f"texts without a known word: {fitted['texts']:.1%} and {validated['texts']:.1%}"
        )
        assert shown[1].startswith("fitting: 2 epochs, ")
        measured = {
            "validation": "validation",
            "validation_sentences": "validation sentences",
            "validation_typos": "validation sentences with typos",
            "test": "test",
        }
        for line, (name, title) in zip(shown[2:6], measured.items()):
            assert line.startswith(f"{title}: {show_scores(metrics[name])}, ")
        assert metrics["validation_typos"]["texts"] == metrics["validation_sentences"]["texts"]
        assert shown[5].endswith(" of 40 texts")
        rest = shown[7:] if shown[6].startswith("warning: recall below 50% in test: ") else shown[6:]
        assert rest == [
            f"wrote {run}; next: python export/to_safetensors.py --run {run}",
        ]
        assert all(line.startswith("note: ") for line in trained.stderr.splitlines()), trained.stderr

    def test_files(self, run: Path) -> None:
        assert sorted(path.name for path in run.iterdir()) == FILES
        assert [path.name for path in run.parent.iterdir() if path.name.startswith(".tmp-")] == []

    def test_config(self, run: Path) -> None:
        config = read(run / "config.json")
        assert config["settings"] == {
            "epochs": 2,
            "batch_size": 512,
            "seed": 1,
            "patience": None,
            "validation": 10,
        }
        assert config["data"]["reviews"] == {"train": 40}
        assert config["labels"] == ["negative", "positive"]
        assert config["preprocessing"]["max_length"] == 256
        assert config["versions"]["numpy"] == np.__version__

    def test_history_and_metrics(self, run: Path) -> None:
        history, metrics = read(run / "history.json"), read(run / "metrics.json")
        assert {name: len(values) for name, values in history.items()} == dict.fromkeys(
            ("loss", "accuracy", "val_loss", "val_accuracy"), 2
        )
        assert metrics["epochs"] == 2
        assert metrics["validation"]["texts"] == metrics["validation_short"]["texts"] == 10
        model = keras.saving.load_model(run / "model.keras")
        assert metrics["parameters"] == model.count_params()
        # The saved model, on the reviews, gives the recorded numbers.
        rows, targets = encode(load_split("test"), run)
        answers = model.predict(rows, verbose=0)[:, 0]
        assert metrics["test"]["accuracy"] == pytest.approx(float(((answers > 0.5) == targets).mean()))
        loss = float(-np.log(np.where(targets == 1, answers, 1 - answers)).mean())
        assert metrics["test"]["loss"] == pytest.approx(loss, abs=1e-5)
        assert metrics["validation"]["loss"] == pytest.approx(history["val_loss"][-1], abs=1e-6)

    def test_spellings(self, run: Path, tiny_reviews: dict[str, str]) -> None:
        vocabulary = Vocabulary.from_bytes((run / "vocab.txt").read_bytes())
        texts = [text for name, text in tiny_reviews.items() if name.startswith("train/")]
        wanted = find_spellings(texts, vocabulary)
        assert (run / "spellings.txt").read_bytes().decode().split("\n") == [*wanted, ""]
        assert {"A", "JOY", "The"} <= set(wanted)

    def test_model(self, run: Path) -> None:
        size = len(Vocabulary.from_bytes((run / "vocab.txt").read_bytes()))
        model = keras.saving.load_model(run / "model.keras")
        assert model.count_params() == 16 * size + 16 * 16 + 16 + 16 + 1
        assert model.input_shape == (None, 256)
        # Saved without the optimizer's state, whose moments would triple the file.
        with zipfile.ZipFile(run / "model.keras") as archive:
            assert b"adam" not in archive.read("model.weights.h5").lower()

    def test_picture(self, run: Path) -> None:
        content = (run / "history.png").read_bytes()
        assert content.startswith(b"\x89PNG\r\n\x1a\n")
        assert struct.unpack(">II", content[16:24]) == (800, 320)
        picture = matplotlib.image.imread(run / "history.png")
        assert picture.shape[:2] == (320, 800)
        assert len(np.unique(picture.reshape(-1, picture.shape[2]), axis=0)) > 20  # not a blank sheet

    def test_samples(self, run: Path) -> None:
        fitted, validated = split_validation(load_split("train"), 10)
        with np.load(run / "samples.npz", allow_pickle=False) as samples:
            assert len(samples.files) == 6
            for name, reviews in (("calibration", fitted), ("heldout", validated)):
                rows, targets = encode(reviews, run)
                ids, kept = samples[f"{name}_ids"], samples[f"{name}_targets"]
                assert samples[f"{name}_texts"].tolist() == [review.id for review in reviews]
                assert (ids.shape, ids.dtype, kept.dtype) == ((len(reviews), 256), np.uint8, np.uint8)
                assert (ids == rows).all()
                assert (kept == targets).all()

    def test_other_tokenizers(self, run: Path) -> None:
        """The texts of the reviews may not be copied, so training measures what exporting needs them for."""
        measured = read(run / "metrics.json")["tokenizers"]
        assert measured.pop("texts") == 40
        assert measured.pop("onnx") == 0
        assert 0 <= measured.pop("mediapipe") <= 1
        assert not measured
        assert sorted(path.name for path in run.iterdir()) == FILES

    def test_vocabulary(self, run: Path, tiny_reviews: dict[str, str]) -> None:
        vocabulary = Vocabulary.from_bytes((run / "vocab.txt").read_bytes())
        found: dict[str, set[str]] = {"train": set(), "test": set()}
        for name, text in tiny_reviews.items():
            found[name.split("/")[0]].update(KERAS_IMDB.tokenize(text))
        # All words of the training reviews, those set aside to validate too, and no word of the test reviews alone.
        assert "sequelitis" in found["test"] - found["train"]
        assert set(vocabulary.ids) == found["train"]
        assert {"br", "\u96fb\u5f71", "\u0130stanbul", "stra\u00dfe"} <= found["train"]


class TestReproducible:
    def test_same_seed_again_keeps_the_previous_run(
        self, run: Path, run_in_process: Runner, tiny_env: dict[str, str]
    ) -> None:
        out = run.parent / "again"
        shutil.copytree(run, out)
        (out / "history.json").write_text("the older one")
        before = snapshot(out)
        result = run_in_process("-m", "train", *TUTORIAL, *SHORT, "--out", out, env=tiny_env)
        assert result.returncode == 0, result.stderr
        assert snapshot(out.with_name("again.previous")) == before
        assert sorted(path.name for path in out.iterdir()) == FILES
        assert weights(out) == weights(run)
        for name in ("vocab.txt", "spellings.txt", "history.json", "history.png", "config.json", "samples.npz"):
            assert (out / name).read_bytes() == (run / name).read_bytes(), name

    def test_another_seed(self, run: Path, tmp_path: Path) -> None:
        # In one process, seed 1 gives the same weights as in a separate process, and seed 2 others.
        for seed, same in (("2", False), ("1", True)):
            out = tmp_path / seed
            assert main(["--epochs", "2", "--validation", "10", "--seed", seed, "--out", str(out)]) == 0
            assert [ours == theirs for ours, theirs in zip(weights(out), weights(run))] == [same] * 5

    def test_batch_size_and_validation_matter(self, run: Path, tmp_path: Path) -> None:
        for option in (("--batch-size", "7"), ("--validation", "12")):
            out = tmp_path / option[0]
            assert main(["--epochs", "2", "--validation", "10", "--seed", "1", *option, "--out", str(out)]) == 0
            assert weights(out) != weights(run)


def test_patience(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    write_archive: Callable[[Path, Mapping[str, bytes]], Path],
) -> None:
    # Reviews of words that say nothing of the label: what is learned by heart makes the validation loss rise.
    rng = np.random.default_rng(1)
    reviews = {
        f"aclImdb/{split}/{short}/{number}_5.txt": " ".join(f"w{word}" for word in rng.integers(0, 60, 12)).encode()
        for split in ("train", "test")
        for short in ("neg", "pos")
        for number in range(20)
    }
    monkeypatch.setenv("EDGETEXT_DATA", str(write_archive(tmp_path / "noise.tar.gz", reviews)))
    monkeypatch.setenv("EDGETEXT_CACHE", str(tmp_path / "cache"))
    out = tmp_path / "run"
    options = ("--epochs", "200", "--patience", "3", "--batch-size", "1", "--validation", "10", "--seed", "1")
    assert main([*options, "--out", str(out)]) == 0
    losses = read(out / "history.json")["val_loss"]
    assert 4 <= len(losses) < 200
    assert f"fitting: {len(losses)} epochs, " in capsys.readouterr().out
    # It stopped three epochs after the best one, and went back to that one's weights.
    assert int(np.argmin(losses)) == len(losses) - 1 - 3
    _, validated = split_validation(load_split("train"), 10)
    rows, targets = encode(validated, out)
    answers = keras.saving.load_model(out / "model.keras").predict(rows, verbose=0)[:, 0]
    loss = float(-np.log(np.where(targets == 1, answers, 1 - answers)).mean())
    assert loss == pytest.approx(min(losses), abs=1e-6)
    assert abs(loss - losses[-1]) > 1e-4
    assert read(out / "metrics.json")["validation"]["loss"] == pytest.approx(loss, abs=1e-6)


def test_which_previous_run_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """None if none was replaced, and for a link the one beside the folder that it points to."""
    measured = {"accuracy": 1.0, "macro_f1": 1.0, "ece": 0.0, "texts": 1, "classes": {}}
    empty, link, old = tmp_path / "empty", tmp_path / "link", tmp_path / "old"
    monkeypatch.setattr("train.pipeline.train", lambda job: ({"test": measured}, job.out == link))
    for folder in (empty, old):
        folder.mkdir()
    for name in FILES:
        (old / name).touch()
    link.symlink_to(old)
    for out, named in ((empty, []), (link, [f"kept the previous run as {old}.previous"])):
        assert main([*TUTORIAL, *SHORT, "--out", str(out)]) == 0
        assert [line for line in capsys.readouterr().out.splitlines() if "kept" in line] == named


class TestRefused:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (("--epochs", "0"), "epochs must be at least 1, not 0"),
            (("--batch-size", "0"), "batch-size must be at least 1, not 0"),
            (("--seed", "-1"), "seed must be at least 0, not -1"),
            (("--seed", str(2**32)), "seed must be below 2**32"),
            (("--patience", "0"), "patience must be at least 1, not 0"),
            (("--validation", "0"), "validation must be at least 1, not 0"),
            (("--validation", "100000"), "100000 reviews to validate leave none of 40 to fit"),
            (("--validation", "40"), "40 reviews to validate leave none of 40 to fit"),
            (("--data", "no/such/file"), "no reviews at no/such/file: there is no such file or folder"),
            (("--data", ""), "the path of the reviews is empty: name their archive or folder, or leave --data out"),
        ],
    )
    def test_values(
        self,
        options: tuple[str, str],
        message: str,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        error_line: ErrorLine,
    ) -> None:
        prepare()
        capsys.readouterr()  # the notes
        assert main(["--out", str(tmp_path / "run"), *options]) == 2
        captured = capsys.readouterr()
        assert error_line(captured.err) == message
        assert captured.out == ""
        assert list(tmp_path.iterdir()) == []

    def test_a_target_that_is_too_small(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        options = ["--target-size", "500", "--target", "c", "--validation", "10", "--out", str(tmp_path / "run")]
        assert command.main(options) == 2
        message = capsys.readouterr().err.splitlines()[-1]
        assert re.fullmatch("error: --target-size 500 bytes .* smallest model takes [0-9,]+ bytes as .*", message)

    @pytest.mark.parametrize("options", [("--epochs", "many"), ("--preset", "none"), ("--speed", "1")])
    def test_usage(self, options: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as stopped:
            main(list(options))
        assert stopped.value.code == 2
        assert options[1] in capsys.readouterr().err.splitlines()[-1]

    @pytest.mark.parametrize("kind", ["file", "folder", "link"])
    def test_something_else_at_out(
        self, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], error_line: ErrorLine
    ) -> None:
        out = tmp_path / "mine"
        if kind == "file":
            out.write_bytes(b"precious")
        elif kind == "link":
            out.symlink_to(tmp_path / "nowhere")
        else:
            (out / "deep").mkdir(parents=True)
            (out / "deep" / "letter.txt").write_bytes(b"precious")
        before = snapshot(tmp_path)
        prepare()
        capsys.readouterr()  # the notes
        assert main(["--epochs", "1", "--validation", "10", "--out", str(out)]) == 2
        assert str(out) in error_line(capsys.readouterr().err)
        assert snapshot(tmp_path) == before
        assert [path.name for path in tmp_path.iterdir()] == ["mine"]

    def test_an_empty_folder_is_filled(self, tmp_path: Path) -> None:
        out = tmp_path / "mine"
        out.mkdir()
        assert main(["--epochs", "1", "--validation", "10", "--out", str(out)]) == 0
        assert sorted(path.name for path in out.iterdir()) == FILES

    def test_no_way_to_out(self, tmp_path: Path, capsys: pytest.CaptureFixture[str], error_line: ErrorLine) -> None:
        (tmp_path / "file").write_bytes(b"")
        prepare()
        capsys.readouterr()  # the notes
        assert main(["--epochs", "1", "--validation", "10", "--out", str(tmp_path / "file" / "run")]) == 2
        assert str(tmp_path / "file") in error_line(capsys.readouterr().err)


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGINT to send")
@pytest.mark.parametrize("again", [False, True], ids=["new", "over another"])
def test_interrupted(again: bool, tmp_path: Path, root: Path, tiny_env: dict[str, str], run: Path) -> None:
    out = tmp_path / "run"
    if again:
        shutil.copytree(run, out)
    before = snapshot(out)
    command = [sys.executable, "-m", "train", *TUTORIAL, "--epochs", "1000000", "--validation", "10", "--out", str(out)]
    with subprocess.Popen(
        command,
        cwd=root,
        env={**os.environ, **tiny_env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A job in the background of a script has it ignored, and so would ours.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("preset"):
                    break
            time.sleep(3)  # into the midst of fitting
            process.send_signal(signal.SIGINT)
            _, stderr = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130, stderr
    assert stderr.splitlines() == ["interrupted: nothing was written"]
    assert snapshot(out) == before
    assert [path.name for path in tmp_path.iterdir()] == (["run"] if again else [])
