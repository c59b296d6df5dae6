"""``python -m train`` from end to end on tables, and on mistakes in them."""

from __future__ import annotations

import builtins
import gzip
import hashlib
import io
import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from edgetext.encoder import Encoder, Preprocessing
from edgetext.keras_imdb import KERAS_IMDB, KerasIMDB
from edgetext.vocabulary import Vocabulary
from train.__main__ import main
from train.models.file_sizes import SizeBudget, tflite_size

Runner = Callable[..., "subprocess.CompletedProcess[str]"]
ErrorLine = Callable[[str], str]
Rows = list[tuple[str, str]]

# One training, of few passes: the search for regularisation and class weights is another test's affair.
QUICK = ("--epochs", "8", "--choice", "stronger=", "--class-weights", "none")
KERAS = ("--tokenizer", "keras-imdb")


def topics(seed: int, counts: dict[str, int]) -> Rows:
    """Make (text, label): filler with capitals, a word that another text of the label has, and two that all have."""
    generator = np.random.default_rng(seed)
    rows = []
    for label, count in counts.items():
        for number in range(count):
            words = [f"Filler{word}" for word in generator.integers(0, 30, 6)] + [f"pair{number // 2}of{label}"]
            for _ in range(2):
                words.insert(int(generator.integers(0, 7)), f"about{label}")
            rows.append((" ".join(words), label))
    return [rows[place] for place in generator.permutation(len(rows))]


def write_csv(path: Path, rows: Rows, header: str = "text,label") -> Path:
    path.write_text(f"{header}\n" + "".join(f"{text},{label}\n" for text, label in rows), encoding="utf-8")
    return path


def read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def load(run: Path) -> tuple[keras.Model, Encoder, list[str]]:
    """Load what scores a text: the model, the encoder, and the labels."""
    config = read(run / "config.json")
    vocabulary = Vocabulary.from_bytes((run / "vocab.txt").read_bytes())
    model = keras.saving.load_model(run / "model.keras", safe_mode=True)
    return model, Encoder(vocabulary, Preprocessing.from_json(config["preprocessing"])), config["labels"]


def answer(run: Path, texts: list[str]) -> list[str]:
    """Score texts with what is in the run's folder."""
    model, encoder, labels = load(run)
    found = model.predict(np.array([encoder.encode(text) for text in texts], np.int32), verbose=0)
    return [labels[place] for place in (found[:, 0] > 0.5 if len(labels) == 2 else found.argmax(axis=1)).astype(int)]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder of the test's own, from which the reviews cannot be found."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EDGETEXT_DATA", raising=False)
    monkeypatch.setenv("EDGETEXT_CACHE", str(tmp_path / "cache"))
    return tmp_path


def with_table(count: int = 12, labels: str = "ab", name: str = "t.csv") -> Path:
    return write_csv(Path(name), topics(1, dict.fromkeys(labels, count)))


COLOURS = topics(2, {"red": 40, "green": 30, "blue": 20})


@pytest.fixture(scope="module")
def working(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("working")


@pytest.fixture(scope="module")
def paths(root: Path) -> dict[str, str | None]:
    """The variables with which a process in another folder finds the packages, and no reviews."""
    return {"PYTHONPATH": os.pathsep.join([str(root), str(root / "runtime")]), "EDGETEXT_DATA": None}


@pytest.fixture(scope="module")
def trained(
    working: Path, root: Path, paths: dict[str, str | None], run_python: Runner
) -> subprocess.CompletedProcess[str]:
    """Train in a process that is given only the path of the table."""
    write_csv(working / "colours.csv", COLOURS, "Text,Category")
    before = digests(root / "train" / "default")
    result = run_python("-m", "train", "--data", "colours.csv", *QUICK, cwd=working, env=paths)
    assert result.returncode == 0, result.stderr
    assert digests(root / "train" / "default") == before
    return result


@pytest.mark.slow
class TestThreeClasses:
    @pytest.fixture
    def run(self, trained: subprocess.CompletedProcess[str], working: Path) -> Path:
        assert sorted(path.name for path in working.iterdir()) == ["colours.csv", "runs"]
        return working / "runs" / "colours"

    def test_output(self, trained: subprocess.CompletedProcess[str]) -> None:
        """It fits a screen: a line for each fit, and none that calls fitted texts validation."""
        lines = trained.stdout.splitlines()
        assert lines[0] == "text from column 'Text', label from column 'Category'"
        assert lines.pop(1).startswith("marks as words: ")
        assert lines.pop(1).startswith("character n-grams: ")
        assert lines.pop(2).startswith("warning: 72 rows to learn 3 labels from are few")
        assert lines[1].startswith("preset edge: 65 texts to fit, 7 to validate, 3 labels, ")
        assert lines.pop(2).startswith("unknown words: ")
        assert lines[2].startswith("cross-validating: ")
        assert lines[3].startswith("fitting: 8 epochs, ")
        assert ", validation accuracy " in lines[3]
        assert lines[4].startswith("fitting again, on the validation texts too: 8 epochs, ")
        assert "accuracy" not in lines[4]
        measured = ["validation (before fitting again)", "cross-validation", "test"]
        assert [line.partition(":")[0] for line in lines[5:8]] == measured
        for line, texts in zip(lines[5:8], (7, 72, 18)):
            assert re.fullmatch(
                rf"[a-z() -]+: accuracy \d+% \(95% interval \d+% to \d+%\), macro F1 [\d.]+, of {texts} texts", line
            )
        shown = os.path.join("runs", "colours")
        assert lines[8:] == [f"wrote {shown}; next: python export/to_safetensors.py --run {shown}"]

    def test_config(self, run: Path, working: Path) -> None:
        config = read(run / "config.json")
        assert (config["name"], config["labels"]) == ("colours-edge", ["blue", "green", "red"])
        rows = config["data"]["rows"]
        assert {split: sum(counts.values()) for split, counts in rows.items()} == {
            "train": 65,
            "validation": 7,
            "test": 18,
        }
        assert sum((Counter(counts) for counts in rows.values()), Counter()) == Counter(red=40, green=30, blue=20)
        digest = hashlib.sha256((working / "colours.csv").read_bytes()).hexdigest()
        assert config["data"]["files"] == {"train": {"name": "colours.csv", "sha256": digest}}
        assert str(working) not in json.dumps(config)
        assert config["settings"]["validation"] == 7
        assert (config["choices"]["vocabulary"], config["choices"]["buckets"]) == (
            len((run / "vocab.txt").read_text("utf-8").splitlines()),
            config["network"]["buckets"],
        )
        assert "class_weights" not in config
        assert "lowercase" not in config["preprocessing"]

    def test_metrics_are_those_of_the_saved_model_on_what_was_held_out(self, run: Path) -> None:
        with np.load(run / "samples.npz", allow_pickle=False) as samples:
            names, ids, targets = (samples[f"heldout_{part}"] for part in ("texts", "ids", "targets"))
            fitted = samples["calibration_texts"].tolist()
        # The texts to test, for those validated were fitted in the end; named by their lines.
        assert (len(names), len(fitted)) == (18, 65)
        assert not set(names) & set(fitted)
        rows = [COLOURS[int(name.removeprefix("colours.csv:")) - 2] for name in names]
        _, encoder, labels = load(run)
        assert ids.tolist() == [encoder.encode(text) for text, _ in rows]
        kept = map(json.loads, (run / "heldout_texts.jsonl").read_text("ascii").splitlines())
        assert list(kept) == [text for text, _ in rows]
        assert "tokenizers" not in read(run / "metrics.json")
        assert [labels[target] for target in targets] == [label for _, label in rows]
        metrics = read(run / "metrics.json")
        found, wanted = answer(run, [text for text, _ in rows]), [label for _, label in rows]
        assert metrics["test"]["accuracy"] == pytest.approx(accuracy_score(wanted, found))
        assert metrics["test"]["macro_f1"] == pytest.approx(f1_score(wanted, found, average="macro", zero_division=0))
        assert metrics["test"]["accuracy"] > 0.8
        assert {label: part["texts"] for label, part in metrics["test"]["classes"].items()} == Counter(wanted)
        assert (metrics["refitted"], metrics["epochs"]) == (72, 8)
        assert "validation_sentences" not in metrics

    def test_words_are_those_of_the_texts_that_are_fitted_in_the_end(self, run: Path) -> None:
        with np.load(run / "samples.npz", allow_pickle=False) as samples:
            tested = {int(name.removeprefix("colours.csv:")) for name in samples["heldout_texts"]}
        lines = set(range(2, len(COLOURS) + 2)) - tested
        counts = Counter(word for line in lines for word in KERAS_IMDB.tokenize(COLOURS[line - 2][0]))
        vocabulary = Vocabulary.from_bytes((run / "vocab.txt").read_bytes())
        assert set(vocabulary.ids) == {word for word, count in counts.items() if count > 1}
        assert (run / "spellings.txt").read_text("utf-8").splitlines()[0].startswith("Filler")

    def test_unseen_texts(self, run: Path) -> None:
        unseen = topics(3, {"red": 10, "green": 10, "blue": 10})
        right = [found == label for found, (_, label) in zip(answer(run, [text for text, _ in unseen]), unseen)]
        assert sum(right) >= 27

    def test_again(self, run: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """The same seed gives the same bytes, in another process and folder; the next run keeps the previous one."""
        table = str(write_csv(folder / "colours.csv", COLOURS, "Text,Category"))
        keras.utils.clear_session()  # layers are numbered as in a new process
        assert main(["--data", table, *QUICK]) == 0
        ours = folder / "runs" / "colours"
        assert "kept" not in capsys.readouterr().out
        before, theirs = digests(ours), digests(run)
        assert before.pop("metrics.json")
        assert theirs.pop("metrics.json")  # which records how long it took
        assert before == theirs
        before = digests(ours)
        assert main(["--data", table, "--preset", "tutorial", "--epochs", "1"]) == 0
        kept = os.path.join("runs", "colours.previous")
        *_, told, command = capsys.readouterr().out.splitlines()
        assert told == f"kept the previous run as {kept}"
        assert command.endswith("--replace")  # a bundle of the previous run
        assert digests(folder / kept) == before
        assert read(ours / "config.json")["preset"] == "tutorial"
        assert sorted(path.name for path in (folder / "runs").iterdir()) == ["colours", "colours.previous"]


@pytest.mark.slow
class TestOthers:
    def test_two_classes_with_the_tutorials_network(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        rows = topics(4, {"often": 110, "rare": 10})
        with gzip.open("mail.jsonl.gz", "wt", encoding="utf-8") as file:
            file.writelines(json.dumps({"body": text, "label": label, "other": 1}) + "\n" for text, label in rows)
        sizes = ("--vocabulary", "25", "--max-length", "7")
        options = ("--preset", "tutorial", "--epochs", "20", "--batch-size", "8", "--class-weights", "balanced")
        assert main(["--data", "mail.jsonl.gz", *options, *sizes, "--out", "mine"]) == 0
        shown = capsys.readouterr().out
        assert "for 'rare', which has " in shown
        assert "fitting again" not in shown
        config = read(folder / "mine" / "config.json")
        assert (config["name"], config["preset"]) == ("mail-tutorial", "tutorial")
        assert (config["preprocessing"]["max_length"], config["preprocessing"]["truncating"]) == (7, "pre")
        assert "choices" not in config
        model, encoder, labels = load(folder / "mine")
        assert (len(encoder.vocabulary), labels, model.output_shape) == (25, ["often", "rare"], (None, 1))
        fitted = config["data"]["rows"]["train"]
        total = sum(fitted.values())
        assert config["class_weights"] == pytest.approx(
            {label: total / 2 / count for label, count in fitted.items()}, rel=1e-5
        )
        metrics = read(folder / "mine" / "metrics.json")
        assert metrics["test"]["classes"]["rare"]["recall"] > 0.9
        with np.load(folder / "mine" / "samples.npz") as samples:
            assert len(samples["heldout_texts"]) == metrics["validation"]["texts"]

    def test_twelve_classes_in_files_of_their_own(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """German, Russian and Turkish words, all letters lower-cased, in a model of a given size."""
        names = [f"Größe {number}" for number in range(12)]
        stems = ["ÜBER", "Привет", "İSTANBUL"]
        parts = {}
        for seed, (part, each) in enumerate({"train.csv": 14, "val.tsv": 2, "end.jsonl": 3}.items()):
            rows = topics(10 + seed, dict.fromkeys(map(str, range(12)), each))
            parts[part] = [(f"{stems[int(label) % 3]} {text.lower()}", names[int(label)]) for text, label in rows]
        write_csv(folder / "train.csv", parts["train.csv"])
        (folder / "val.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in [("text", "label"), *parts["val.tsv"]]))
        (folder / "end.jsonl").write_text(
            "".join(json.dumps({"text": a, "label": b}) + "\n" for a, b in parts["end.jsonl"])
        )
        files = ("--data", "train.csv", "--validation", "val.tsv", "--test", "end.jsonl")
        assert (
            main([*files, *QUICK, "--tokenizer", "keras-imdb", "--lowercase", "unicode", "--target-size", "30KB"]) == 0
        )
        assert "note:" not in capsys.readouterr().out
        run = folder / "runs" / "train"
        config = read(run / "config.json")
        assert config["labels"] == sorted(names)
        assert config["preprocessing"]["lowercase"] == "unicode"
        assert {split: sum(counts.values()) for split, counts in config["data"]["rows"].items()} == {
            "train": 168,
            "validation": 24,
            "test": 36,
        }
        assert {split: file["name"] for split, file in config["data"]["files"].items()} == {
            "train": "train.csv",
            "validation": "val.tsv",
            "test": "end.jsonl",
        }
        _, encoder, labels = load(run)
        assert {"über", "привет", "i\u0307stanbul"} <= set(encoder.vocabulary.ids)
        spellings = (run / "spellings.txt").read_text("utf-8").splitlines()
        assert set(spellings) == set(stems)
        room = SizeBudget(size=30_000, num_outputs=12, labels=labels, name=config["name"])
        words = {spelling: KerasIMDB("unicode").tokenize(spelling)[0] for spelling in spellings}
        spelled: Any = {spelling: encoder.vocabulary.ids[word] for spelling, word in words.items()}
        assert tflite_size(room, encoder.vocabulary.tokens, spelled, config["network"]["buckets"]) <= 30_000
        assert read(run / "metrics.json")["test"]["accuracy"] > 0.8
        small = [text.lower() for text, _ in parts["end.jsonl"]]
        assert answer(run, small) == answer(run, [text for text, _ in parts["end.jsonl"]])

    def test_given_sizes_and_no_test(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with_table(30)
        sizes = ("--vocabulary", "20", "--max-length", "33", "--buckets", "64")
        assert main(["--data", "t.csv", *QUICK, *sizes, "--no-test", "--validation", "9"]) == 0
        shown = capsys.readouterr().out
        assert "39 texts to fit, 9 to validate, 2 labels, 20 ids, at most 33 a text, 64 buckets of bigrams\n" in shown
        assert "fitting again" not in shown
        assert not [line for line in shown.splitlines() if line.startswith("test")]
        metrics = read(folder / "runs" / "t" / "metrics.json")
        assert metrics["validation"]["texts"] == 9
        assert not {"test", "refitted"} & set(metrics)
        # The test rows are held back all the same: fitted now, they would not be unseen later.
        assert sum(read(folder / "runs" / "t" / "config.json")["data"]["rows"]["test"].values()) == 12
        model, encoder, _ = load(folder / "runs" / "t")
        assert len(encoder.vocabulary) == 20
        assert model.count_params() == 20 + 64 + 2

    def test_capitals_and_texts_in_which_no_word_occurs_twice(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write_csv(folder / "t.csv", [(f"Ünique{number}", "ab"[number % 2]) for number in range(20)])
        assert main(["--data", "t.csv", "--epochs", "1", "--choice", "stronger=", "--test", "none", *KERAS]) == 0
        assert "note: 100.0% of the words, such as " in capsys.readouterr().out
        _, encoder, _ = load(folder / "runs" / "t")
        assert len(encoder.vocabulary) == 4 + 20  # those of the texts to validate too

    def test_commands_that_are_repeated(self, folder: Path) -> None:
        """Without test rows all texts are fitted in the end, and each is known, however few there are."""
        commands = {
            "play": ["play", "resume", "go ahead", "unpause it", "music please"],
            "pause": ["pause", "wait", "shush", "silence please", "one moment"],
            "next": ["next", "skip", "another one", "forward", "not this"],
        }
        rows = [(text, label) for label, texts in commands.items() for text in texts]
        write_csv(folder / "player.csv", rows * 40)
        assert main(["--data", "player.csv", *QUICK, "--test", "none"]) == 0
        run = folder / "runs" / "player"
        assert answer(run, [text for text, _ in rows]) == [label for _, label in rows]
        metrics = read(run / "metrics.json")
        assert (metrics["refitted"], metrics["validation"]["texts"]) == (600, 80)

    def test_what_most_rows_say(self, folder: Path) -> None:
        rows = topics(8, {"bad": 30, "good": 30})
        odd = [("aboutbad again", "good")] * 30 + [("aboutbad again", "bad"), ("aboutgood then", "good")]
        write_csv(folder / "t.csv", [*rows, *odd, *[("aboutgood then", "bad")] * 30])
        assert main(["--data", "t.csv", *QUICK, "--test", "none"]) == 0
        assert answer(folder / "runs" / "t", ["aboutbad again", "aboutgood then"]) == ["good", "bad"]

    def test_labels_of_any_writing(self, folder: Path) -> None:
        labels = ["a/b", "é", 'x "quoted"', "-1", "l" * 100]
        rows = topics(6, dict.fromkeys(map(str, range(5)), 10))
        with open("t.jsonl", "w", encoding="utf-8") as file:
            file.writelines(json.dumps({"text": a, "label": labels[int(b)]}) + "\n" for a, b in rows)
        assert main(["--data", "t.jsonl", *QUICK, "--test", "none"]) == 0
        assert load(folder / "runs" / "t")[2] == sorted(labels)
        assert answer(folder / "runs" / "t", [f"about{number} about{number}" for number in range(5)]) == labels

    def test_numbers_are_labels_in_their_order(self, folder: Path) -> None:
        rows = topics(7, dict.fromkeys(("10", "9", "-1", "2"), 10))
        write_csv(folder / "stars.csv", rows, "review,stars")
        assert main(["--data", "stars.csv", *QUICK, "--test", "none"]) == 0
        assert load(folder / "runs" / "stars")[2] == ["-1", "2", "9", "10"]
        assert answer(folder / "runs" / "stars", ["about10 about10", "about-1"])[0] == "10"


# Command lines and their error messages; t.csv is a table of two labels.
MISTAKES = {
    "--data t.csv --target-size 1KB": "--target-size 1,000 bytes is too small: with 2 labels",
    "--data t.csv --target c": "--target is for --target-size, which says how large the file may be",
    "--data t.csv --target-size huge": "--target-size must be a size such as 100KB, 64KiB or 1.5MB, not 'huge'",
    "--data t.csv --preset tutorial --target-size 50KB": "--target-size is for the presets edge and accurate, not for",
    "--data t.csv --preset tutorial --ngrams 3": "preset tutorial has no choices",
    "--data t.csv --preset tutorial --buckets 64": "preset tutorial has no choices",
    "--data t.csv --text-column body": "t.csv: no column is called 'body' (--text-column); the columns are 'text',",
    "--data none.csv": "none.csv: No such file or directory",
    "--data t.csv --validation none.csv": "none.csv: No such file or directory",
    "--data t.csv --validation t.csv": "the files to train, validate and test on must have different names",
    "--data t.csv --validation header.csv": "header.csv: no row is left for the validation",
    "--data t.csv --validation 0": "--validation 0: must be a file",
    "--data t.csv --test 1.5": "--test 1.5: must be a file",
    "--data t.csv --test 100": "t.csv: --test 100 of 24 rows would leave no row of a label to fit",
    "--data t.csv --tokenizer keras-imdb --marks on": "--marks is for --tokenizer words",
    "--data t.csv --tokenizer words --lowercase unicode": "--lowercase is for --tokenizer keras-imdb",
    "--data t.csv --max-length 1": "max-length must be from 2 to 65536, not 1",
    "--data t.csv --ngrams 3 --vocabulary 24617": "vocabulary must be at most 24616 with trigrams, not 24617: ",
    "--data t.csv --choice word-ngrams=4": "word-ngrams must be 2 or 3, not 4",
    "--data t.csv --vocabulary 3": "vocabulary must be from 5 to 30455, not 3",
    "--data t.csv --buckets 1000": "buckets must be a power of two from 2 to 16777216, not 1000",
    "--data t.csv --epochs 0": "epochs must be at least 1, not 0",
    "--data t.csv --seed 4294967296": "seed must be below 2**32",
    "--data t.csv --choice speed=1": "no choice is called 'speed'",
    "--data t.csv --delimiter ab": "--delimiter must be one character or 'tab', not 'ab'",
    "--data t.csv --encoding klingon": "--encoding klingon: unknown encoding",
    "--data t.csv --out t.csv": "t.csv: Not a directory",
    "--data t.csv --out foreign": "foreign: it exists but has no config.json, so it is not replaced",
    "--data single.csv": "single.csv: only one label is left, 'a'; training needs two",
    "--data equal.csv": "equal.csv: --test 0.2 of 9 rows is no text: rows with the same words stay together",
    "--data many.csv": "many.csv: more than 1,000 labels: is 'label' the column of the label?",
    "--data bad.csv": "bad.csv: no row is left",
    "--data header.csv": "header.csv: no row is left",
    "--data empty.csv": "empty.csv: the file is empty",
    "--data latin.csv": "latin.csv: no row is left",
    "--data repeated.csv --strict": "repeated.csv: 1 row kept: same words as an earlier row (line 26)",
    "--data gone.csv": "gone.csv: no row of label 'c' can be used (lines 26 and 27): correct the rows",
    "--data t.csv --drop-label c": "--drop-label 'c': t.csv has no such label",
    "--data long.csv": "long.csv: a label has 101 characters, more than 100: 'yyy",
    "--data two.csv": "two.csv: no label occurs twice: is 'label' the column of the label?",
    "--data five.csv --test 0.1": "five.csv: --test 0.1 of 5 rows is no row",
    "--data t.csv --unlabelled none.csv": "none.csv: No such file or directory",
    "--data t.csv --unlabelled empty.csv": "empty.csv: the file is empty",
    "--data t.csv --unlabelled header.csv": "header.csv: no row is left: add texts, or leave the file out",
    "--data t.csv --unlabelled foreign": "foreign: Is a directory",
    "--data t.csv --unlabelled t.csv": "--unlabelled t.csv: another file of this training has that name too",
    "--data t.csv --unlabelled notes.txt notes.txt": "--unlabelled notes.txt: another file of this training",
    "--data t.csv --unlabelled columns.csv": "columns.csv: which column holds the text? Rename it to 'text'",
    "--data t.csv --probabilities p": "t.csv: no column is called 'p' (--probabilities); the columns",
    "--data percent.csv --probabilities p": "percent.csv: probabilities are from 0 to 1, not percent (line 26)",
    "--data t.csv --teacher vectors": "--teacher vectors: there are no unlabelled texts: name a file",
    "--data t.csv --teacher vectors --unlabelled copy.csv": "--teacher vectors: there are no unlabelled texts",
    "--data t.csv --preset tutorial --unlabelled notes.txt": "--unlabelled is for the presets edge and accurate",
    "--data t.csv --preset tutorial --teacher none": "--teacher is for the presets edge and accurate",
    "--data foreign": "foreign: not the movie reviews",
    "--data notes.txt": "notes.txt: not a table: the name must end in .csv",
    "--data none.txt": "no reviews at none.txt: there is no such file or folder",
}


class TestMistakes:
    @pytest.fixture(autouse=True)
    def files(self, folder: Path) -> None:
        """The tables of the mistakes."""
        rows = topics(1, {"a": 12, "b": 12})
        with_table()
        write_csv(Path("three.csv"), topics(1, {"a": 12, "b": 12, "c": 12}))
        write_csv(Path("single.csv"), [row for row in rows if row[1] == "a"])
        write_csv(Path("equal.csv"), [("the same", "ab"[number % 2]) for number in range(9)])
        write_csv(Path("many.csv"), [(f"text {number}", str(number)) for number in range(1001)])
        write_csv(Path("bad.csv"), [("", "a"), ("!", "b"), ("one,two", "a")])
        write_csv(Path("header.csv"), [])
        write_csv(Path("repeated.csv"), [*rows, rows[0]])
        write_csv(Path("gone.csv"), [*rows, ("!", "c"), ("...", "c")])
        write_csv(Path("long.csv"), [*rows, ("a text", "y" * 101)])
        write_csv(Path("two.csv"), [("one", "a"), ("two", "b")])
        write_csv(Path("five.csv"), rows[:3] + rows[12:14])
        Path("empty.csv").write_bytes(b"")
        write_csv(Path("percent.csv"), [*((text, f"{label},") for text, label in rows), ("x y", ",60")], "text,label,p")
        Path("columns.csv").write_text("id,words\n1,this is it\n")
        Path("copy.csv").write_bytes(Path("t.csv").read_bytes())
        Path("notes.txt").write_text("text,label\n")
        Path("latin.csv").write_bytes(b"text,label\n" + b"caf\xe9 un,a\ncaf\xe9 deux,b\n" * 9)
        Path("foreign").mkdir()
        Path("foreign", "letter.txt").write_text("precious")

    @pytest.mark.parametrize("line", MISTAKES)
    def test_one_line_and_nothing_written(
        self, line: str, folder: Path, capsys: pytest.CaptureFixture[str], error_line: ErrorLine
    ) -> None:
        before = digests(folder)
        options = line.split(" ")
        assert main(options if "--out" in options else [*options, "--out", str(folder / "run")]) == 2
        captured = capsys.readouterr()
        assert error_line(captured.err).removeprefix(f"{folder}{os.sep}").startswith(MISTAKES[line])
        assert "\n\n" not in f"\n{captured.out}"
        assert "preset" not in captured.out  # before anything was fitted
        assert digests(folder) == before
        assert not (folder / "run").exists()

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("--validation 0.1", "--validation must be a number of movie reviews, not '0.1'"),
            ("--validation val.csv", "--validation must be a number of movie reviews, not 'val.csv'"),
            *((f"{option} 1", f"{option} is for --data FILE, a table") for option in (
                *("--text-column", "--label-column", "--test", "--split-seed", "--drop-label", "--encoding"),
                "--delimiter",
            )),
            ("--probabilities p", "--probabilities is for --data FILE, a table"),
            ("--unlabelled rest.csv", "--unlabelled is for --data FILE, a table"),
            ("--data t.csv --teacher other", "argument --teacher: invalid choice: 'other'"),
            ("--strict", "--strict is for --data FILE, a table"),
            ("--lowercase unicode", "--lowercase is for --data FILE, a table"),
            ("--class-weights none", "--class-weights is for --data FILE, a table"),
            ("--data t.csv --tokenizer words-1", "argument --tokenizer: invalid choice: 'words-1'"),
            ("--data t.csv --lowercase turkish", "argument --lowercase: invalid choice: 'turkish'"),
            ("--data t.csv --buckets many", "argument --buckets: invalid int value: 'many'"),
        ],
    )  # fmt: skip
    def test_usage(self, line: str, message: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        before = digests(folder)
        with pytest.raises(SystemExit) as stopped:
            main(line.split(" "))
        assert stopped.value.code == 2
        assert capsys.readouterr().err.startswith(f"error: {message}")
        assert digests(folder) == before

    def test_problems_are_printed_before_the_error(
        self, folder: Path, capsys: pytest.CaptureFixture[str], error_line: ErrorLine
    ) -> None:
        assert main(["--data", "bad.csv", "--out", str(folder / "run")]) == 2
        captured = capsys.readouterr()
        assert error_line(captured.err) == "bad.csv: no row is left: add rows that have text and a label"
        assert [line.partition(": ")[2] for line in captured.out.splitlines()] == [
            "1 row left out: more or fewer columns than the header (line 4)",
            "2 rows left out: no word in the text (lines 2 and 3)",
        ]

    @pytest.mark.parametrize(
        "line",
        [
            *("--data none.csv", "--data t.csv --text-column body", "--data t.csv --validation none.csv"),
            *("--data t.csv --validation three.tsv", "--data t.csv --test 1.5", "--data t.csv --epochs 0"),
            *("--data t.csv --buckets 1000", "--data t.csv --target-size huge", "--data header.csv"),
        ],
    )
    def test_mistakes_are_found_before_anything_slow_begins(
        self, line: str, folder: Path, paths: dict[str, str | None], run_python: Runner, error_line: ErrorLine
    ) -> None:
        """TensorFlow, which takes seconds, is not imported, nor are the texts read."""
        Path("three.tsv").write_text("text\tqueue\n")
        code = (
            "import sys; from train.__main__ import main; from train.tables import table; table.Table.rows = None; "
            "code = main(sys.argv[1:]); "
            "print([name for name in ('tensorflow', 'keras') if name in sys.modules]); sys.exit(code)"
        )
        result = run_python("-c", code, *line.split(" "), "--out", folder / "run", cwd=folder, env=paths)
        assert result.returncode == 2
        assert result.stdout == "[]\n"
        error_line(result.stderr)

    def test_one_label(self, folder: Path, run_in_process: Runner, error_line: ErrorLine) -> None:
        result = run_in_process("-m", "train", "--data", "single.csv", "--out", folder / "run", cwd=folder)
        assert result.returncode == 2
        assert error_line(result.stderr).startswith("single.csv: only one label is left")
        assert result.stdout == ""


@pytest.mark.slow
def test_a_table_is_opened_few_times(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: Counter[str] = Counter()
    real = io.open

    def count(file: Any, *more: Any, **options: Any) -> Any:
        opened[Path(str(file)).name] += 1
        return real(file, *more, **options)

    with_table(40)
    with_table(10, name="v.csv")
    for module in (io, builtins):
        monkeypatch.setattr(module, "open", count)
    assert main(["--data", "t.csv", "--validation", "v.csv", "--target-size", "30KB", *QUICK]) == 0
    # For the names of the columns, for the rows, and for the checksum.
    assert (opened["t.csv"], opened["v.csv"]) == (3, 3)


@pytest.mark.slow
def test_a_terminal_that_cannot_show_a_label(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_csv(folder / "größe.csv", topics(1, {"é": 40, "b": 3}))
    shown = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(shown, "ascii", write_through=True))
    options = ("--preset", "tutorial", "--epochs", "1", "--class-weights", "balanced")
    assert main(["--data", "größe.csv", *options, "--test", "none"]) == 0
    assert b"'\\xe9' " in shown.getvalue()
    assert b"wrote runs" in shown.getvalue()
    assert (folder / "runs" / "größe" / "model.keras").is_file()
