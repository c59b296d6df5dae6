"""Reading run folders, complete and damaged ones."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from edgetext.keras_imdb import KerasIMDB
from edgetext.text import RESERVED
from edgetext.vocabulary import Vocabulary
from export.converters.inference import inference_function
from train import atomic_folder
from train.run import Run, load_run, write_run
from train.run_folder import RunError


def edit(path: Path, change: Callable[[Any], object]) -> None:
    content = json.loads(path.read_text("utf-8"))
    change(content)
    path.write_text(json.dumps(content), "utf-8")


def edit_samples(folder: Path, **changes: Any) -> None:
    with np.load(folder / "samples.npz") as samples:
        arrays = {**dict(samples), **changes}
    np.savez_compressed(folder / "samples.npz", **{name: array for name, array in arrays.items() if array is not None})


def add_validation(**changes: Any) -> Callable[[Path], None]:
    """Add the predictions of four texts with two labels, with some arrays changed, or removed by None."""
    arrays = {
        "places": np.arange(4),
        "targets": np.array([0, 1, 1, 0], np.int32),
        "probabilities": np.full((4, 2), 0.5, np.float32),
        "known": np.ones(4, np.float32),
        **changes,
    }
    kept = {name: array for name, array in arrays.items() if array is not None}
    return lambda folder: np.savez_compressed(folder / "validation.npz", **kept)


def damage_model_middle(folder: Path) -> None:
    content = bytearray((folder / "model.keras").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "model.keras").write_bytes(content)


def truncate(name: str, share: float) -> Callable[[Path], object]:
    def cut(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: int(share * len(content))])

    return cut


def write(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


def remove(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).unlink()


def shorten_vocabulary(folder: Path) -> None:
    lines = (folder / "vocab.txt").read_bytes().split(b"\n")
    (folder / "vocab.txt").write_bytes(b"\n".join(lines[:5000]) + b"\n")


class Evil:
    """Unpickling this creates a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no folder": (lambda folder: shutil.rmtree(folder), "no run at"),
    "no config.json": (remove("config.json"), "no run at"),
    "no model.keras": (remove("model.keras"), "model.keras"),
    "no samples.npz": (remove("samples.npz"), "samples.npz"),
    "no vocab.txt": (remove("vocab.txt"), "vocab.txt"),
    "no metrics.json": (remove("metrics.json"), "metrics.json"),
    "model.keras cut in the middle": (truncate("model.keras", 0.5), "not a complete run"),
    "model.keras cut near its end": (truncate("model.keras", 0.999), "not a complete run"),
    "model.keras empty": (truncate("model.keras", 0), "not a complete run"),
    "model.keras random": (write("model.keras", random.Random(1).randbytes(9000)), "not a complete run"),
    "model.keras with a flipped bit": (damage_model_middle, "not a complete run"),
    "samples.npz cut": (truncate("samples.npz", 0.9), "not a complete run"),
    "samples.npz random": (write("samples.npz", random.Random(1).randbytes(9000)), "not a complete run"),
    "samples.npz without targets": (lambda folder: edit_samples(folder, heldout_targets=None), "heldout_targets"),
    "samples.npz with too few targets": (
        lambda folder: edit_samples(folder, heldout_targets=np.zeros(7, np.uint8)),
        "samples.npz",
    ),
    "samples.npz empty": (
        lambda folder: edit_samples(folder, heldout_ids=np.zeros((0, 256), np.uint16)),
        "not a comp",
    ),
    "samples.npz flat": (lambda folder: edit_samples(folder, calibration_ids=np.zeros(9, np.uint16)), "complete"),
    "samples.npz too short": (lambda folder: edit_samples(folder, heldout_ids=np.zeros((9, 99), np.uint16)), "samples"),
    "heldout_texts.jsonl with too few texts": (write("heldout_texts.jsonl", b'"a text"\n'), "500 held-out texts"),
    "heldout_texts.jsonl not ASCII": (write("heldout_texts.jsonl", b'"\xff"\n' * 500), "not a complete run"),
    "heldout_texts.jsonl with numbers": (write("heldout_texts.jsonl", b"1\n" * 500), "500 held-out texts"),
    "ngrams.txt not UTF-8": (write("ngrams.txt", b"great \xff\n"), "not a complete run"),
    "ngrams.txt with an unknown word": (write("ngrams.txt", b"great movie\ngreat zzyzx\n"), "line 2: not a pair"),
    "ngrams.txt with a single word": (write("ngrams.txt", b"great\n"), "line 1: not a pair"),
    "ngrams.txt with four words": (write("ngrams.txt", b"a great great movie\n"), "line 1: not a pair"),
    "ngrams.txt without its last end": (write("ngrams.txt", b"a great\na great"), "last line has no end"),
    "validation.npz random": (write("validation.npz", random.Random(1).randbytes(9000)), "not a complete run"),
    "validation.npz without known": (add_validation(known=None), "known"),
    "validation.npz of no texts": (
        add_validation(**dict.fromkeys(("places", "targets", "known"), np.zeros(0, np.int32))),
        "validation.npz",
    ),
    "validation.npz with too few targets": (add_validation(targets=np.zeros(3, np.int32)), "validation.npz"),
    "validation.npz of three labels": (add_validation(probabilities=np.full((4, 3), 0.5)), "the 2 labels"),
    "validation.npz with a third label": (add_validation(targets=np.array([0, 1, 2, 0])), "the 2 labels"),
    "validation.npz with a label of -1": (add_validation(targets=np.array([0, 1, -1, 0])), "the 2 labels"),
    "validation.npz with NaN": (add_validation(probabilities=np.full((4, 2), np.nan)), "from 0 to 1"),
    "validation.npz with shares above 1": (add_validation(known=np.full(4, 2.0)), "from 0 to 1"),
    "config.json no JSON": (write("config.json", b"{"), "not a complete run"),
    "config.json a list": (write("config.json", b"[]"), "not a complete run"),
    "config.json not UTF-8": (write("config.json", b"\xff\xfe"), "not a complete run"),
    "metrics.json no JSON": (write("metrics.json", b"{"), "not a complete run"),
    "another format": (
        lambda folder: edit(folder / "config.json", lambda config: config.update(format_version=3)),
        "format_version is 3; supported versions are 1 and 2",
    ),
    "another length": (
        lambda folder: edit(folder / "config.json", lambda config: config["preprocessing"].update(max_length=128)),
        "max_length",
    ),
    "unknown preprocessing": (
        lambda folder: edit(folder / "config.json", lambda config: config["preprocessing"].update(tokenizer="other")),
        "tokenizer is 'other'",
    ),
    **{
        f"config.json without {name}": (
            lambda folder, name=name: edit(folder / "config.json", lambda config: config.pop(name)),  # type: ignore[misc]
            name,
        )
        for name in ("format_version", "name", "preset", "labels", "preprocessing")
    },
    "vocab.txt shorter": (shorten_vocabulary, "samples.npz does not fit this run's vocabulary"),
    "vocab.txt longer": (
        lambda folder: (folder / "vocab.txt").write_bytes((folder / "vocab.txt").read_bytes() + b"zzzword\n"),
        "vocab.txt has 10001 tokens, but no embedding of the model has that size",
    ),
    "vocab.txt without its last line's end": (truncate("vocab.txt", 0.999), "the last line has no end"),
    "no spellings.txt": (remove("spellings.txt"), "spellings.txt"),
    "spellings.txt without its last line's end": (write("spellings.txt", b"I\nThe"), "spellings.txt: the last line"),
    **{
        f"spellings.txt with {spelling!r}": (
            write("spellings.txt", f"I\n{spelling}\n".encode()),
            f"spellings.txt: line 2: not a spelling of a word of vocab.txt: {spelling!r}",
        )
        for spelling in ("Zzzqq", "great", "Great movie", "Great!", "", " Great")
    },
}


@pytest.mark.parametrize(("damage", "message"), DAMAGES.values(), ids=DAMAGES)
def test_refused(
    damage: Callable[[Path], object],
    message: str,
    run_copy: Path,
    tmp_path: Path,
    export: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    error_line: Callable[[str], str],
) -> None:
    damage(run_copy)
    out = tmp_path / "bundle"
    assert export("tflite", "--recipe", "float32", "--run", run_copy, "--out", out) == 2
    captured = capsys.readouterr()
    line = error_line(captured.err)
    assert message in line
    assert str(run_copy) in line
    assert captured.out == ""
    assert not out.exists()


def test_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proposed command is complete, and none is proposed if something else is there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("train.run_folder.DEFAULT_RUN", tmp_path / "default")
    Path("tickets.csv").touch()
    for name, message in (
        ("two words", "python -m train --data FILE --out 'two words' writes one"),
        ("default", "python -m train writes one"),
        ("tickets.csv", "that is a file"),
        (".", "it has no config.json"),
    ):
        with pytest.raises(RunError) as caught:
            load_run(Path(name))
        assert str(caught.value) == f"no run at {name}: {message}"


def test_a_run_that_is_replaced_while_it_is_read(
    run_copy: Path, default_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mixture of two runs would answer wrongly."""
    load_model = keras.saving.load_model

    def replace_first(path: Path, **options: Any) -> Any:
        run_copy.rename(run_copy.with_name("old"))
        shutil.copytree(run_copy.with_name("old"), run_copy)
        return load_model(path, **options)

    monkeypatch.setattr(keras.saving, "load_model", replace_first)
    with pytest.raises(RunError, match="was replaced while it was read"):
        load_run(run_copy)


def test_two_trainings_that_end_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first is kept as the previous run of the second."""
    put = atomic_folder.put_in_place

    def put_slowly(new: str, target: str) -> None:
        time.sleep(0.1)
        put(new, target)

    monkeypatch.setattr(atomic_folder, "put_in_place", put_slowly)
    monkeypatch.setattr("train.run.save_model", lambda model, path: path.write_bytes(b""))
    monkeypatch.setattr("train.run.plot_history", lambda history, path, comparable: path.write_bytes(b""))
    nothing: Any = None
    parts: dict[str, Any] = {"model": nothing, "spellings": [], "history": {}, "metrics": {}, "samples": {}}

    def write(name: str) -> bool:
        vocabulary = Vocabulary(RESERVED)
        return write_run(tmp_path / "run", config={"name": name, "settings": {}}, vocabulary=vocabulary, **parts)

    with ThreadPoolExecutor() as pool:
        assert sorted(pool.map(write, ("one", "other"))) == [False, True]  # whether it says that it replaced one
    names = [json.loads((tmp_path / run / "config.json").read_text())["name"] for run in ("run", "run.previous")]
    assert sorted(names) == ["one", "other"]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_run_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    nothing: Any = None
    parts = ("model", "vocabulary", "spellings", "history", "metrics", "samples")
    with pytest.raises(AttributeError):
        write_run(tmp_path / "runs" / "mine", config={}, **dict.fromkeys(parts, nothing))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["samples.npz", "model.keras"])
def test_flipped_bytes(name: str, run_copy: Path) -> None:
    # The run is refused, or the byte was not needed; there is no other error.
    whole = (run_copy / name).read_bytes()
    rng = random.Random(1)
    refused = []
    for number in range(60):
        content = bytearray(whole)
        # Every other time near the start, or in the directory at the end.
        near = (rng.randrange(2000), len(content) - 1 - rng.randrange(2000))
        content[rng.choice(near) if number % 2 else rng.randrange(len(content))] ^= rng.randrange(1, 256)
        (run_copy / name).write_bytes(content)
        try:
            load_run(run_copy)
        except RunError as error:
            refused.append(str(error))
    assert len(refused) > 40
    assert not [message for message in refused if "\n" in message]


def test_pickles_are_not_opened(run_copy: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    edit_samples(run_copy, heldout_ids=np.array([[Evil(mark)] * 256], dtype=object))
    with np.load(run_copy / "samples.npz", allow_pickle=True) as samples:
        assert samples["heldout_ids"].shape == (1, 256)
    assert mark.exists()  # unpickling works
    mark.unlink()
    with pytest.raises(RunError, match="not a complete run"):
        load_run(run_copy)
    assert not mark.exists()


def test_code_in_a_model_is_not_run(run_copy: Path) -> None:
    model = keras.Sequential([keras.Input((256,)), keras.layers.Lambda(lambda ids: ids * 2), keras.layers.Dense(1)])
    model.save(run_copy / "model.keras")
    with pytest.raises(RunError, match="not a complete run"):
        load_run(run_copy)


def test_a_whole_run(run: Run, tutorial_run: Path) -> None:
    assert run.folder == tutorial_run
    assert run.model_sha256 == hashlib.sha256((tutorial_run / "model.keras").read_bytes()).hexdigest()
    assert (run.calibration.shape, run.heldout.shape, run.heldout_targets.shape) == ((100, 256), (500, 256), (500,))
    assert (run.calibration.dtype, run.heldout.dtype) == (np.int32, np.int32)
    assert run.vocabulary == (tutorial_run / "vocab.txt").read_bytes()
    assert run.model.count_params() == 160_289
    assert run.config["format_version"] == 2
    assert run.metrics["test"]["texts"] == 25_000
    # No text is both fitted and held back.
    with np.load(tutorial_run / "samples.npz") as samples:
        assert not set(samples["calibration_texts"]) & set(samples["heldout_texts"])


def test_validation(run_copy: Path) -> None:
    add_validation()(run_copy)
    validation = load_run(run_copy).validation
    assert validation is not None
    assert validation.targets.tolist() == [0, 1, 1, 0]
    (run_copy / "validation.npz").unlink()
    assert load_run(run_copy).validation is None


def test_version_1(run_copy: Path) -> None:
    """It counts the texts as reviews."""
    edit(run_copy / "config.json", lambda config: config.update(format_version=1))
    edit(run_copy / "metrics.json", lambda metrics: metrics["test"].update(reviews=metrics["test"].pop("texts")))
    with np.load(run_copy / "samples.npz") as found:
        samples = {name.replace("_texts", "_reviews"): values for name, values in found.items()}
    np.savez_compressed(run_copy / "samples.npz", **samples)
    assert load_run(run_copy).metrics["test"]["texts"] == 25_000


def lower_case_all(folder: Path, words: list[str], spellings: list[str]) -> None:
    """Change a run into one that lower-cases all letters and whose vocabulary ends in these words."""
    edit(folder / "config.json", lambda config: config["preprocessing"].update(lowercase="unicode"))
    lines = (folder / "vocab.txt").read_text("utf-8").split("\n")[:-1]
    lines[-len(words) :] = words
    (folder / "vocab.txt").write_bytes("".join(f"{line}\n" for line in lines).encode())
    (folder / "spellings.txt").write_bytes("".join(f"{spelling}\n" for spelling in spellings).encode())


def test_spellings_of_a_run_that_lower_cases_all_letters(run_copy: Path) -> None:
    # One is shorter than its word: a capital I with a dot becomes two characters.
    spellings = {
        "\u0130stanbul": "i\u0307stanbul",
        "STRA\u1e9eE": "stra\u00dfe",
        "\u039c\u0391\u03a3": "\u03bc\u03b1\u03c2",
    }
    lower_case_all(run_copy, list(spellings.values()), ["THE", *spellings])
    found = load_run(run_copy)
    assert found.preprocessing.rules == KerasIMDB("unicode")
    assert {spelling: found.tokens[index] for spelling, index in found.spellings.items()} == {"THE": "the", **spellings}
    for bad in (
        "\u0130stanbul!",
        " \u0130stanbul",
        "\u0130stanbul \u0130",
        "i\u0307stanbul",
        "\u0130",
        "Istanbul",
        "\u0130!!",
    ):
        lower_case_all(run_copy, list(spellings.values()), ["THE", bad])
        with pytest.raises(RunError, match=r"spellings\.txt: line 2: not a spelling of a word of vocab\.txt"):
            load_run(run_copy)


def test_spellings_of_other_runs_have_the_length_of_their_words(run_copy: Path) -> None:
    lower_case_all(run_copy, ["i\u0307stanbul"], ["THE", "\u0130stanbul"])
    edit(run_copy / "config.json", lambda config: config["preprocessing"].pop("lowercase"))
    with pytest.raises(RunError, match="line 2: not a spelling"):
        load_run(run_copy)


def test_inference_function(run: Run, keras_answers: dict[str, Any]) -> None:
    function = inference_function(run)
    concrete = function.get_concrete_function()
    (ids,) = concrete.structured_input_signature[0]
    assert (ids.name, ids.dtype.name, ids.shape.as_list()) == ("ids", "int32", [None, 256])
    answers = function(keras_answers["long_ids"])["probabilities"].numpy()
    np.testing.assert_allclose(answers[:, 1], keras_answers["long"], atol=1e-6)
    np.testing.assert_allclose(answers[:, 0], 1 - keras_answers["long"], atol=1e-6)
    # Keras' Embedding adds a comparison and a selection for negative ids.
    operations = {operation.type for operation in concrete.graph.get_operations()}
    assert not operations & {"Select", "SelectV2", "Less", "Where"}
