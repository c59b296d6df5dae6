"""benchmarks/interop.py: what it writes, and that no runtime ends it. The runtimes run in tests/test_examples.py."""

from __future__ import annotations

import hashlib
import json
import shutil
import stat
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from benchmarks import blocks, interop, interop_peer, interop_rows, interop_subjects
from benchmarks.interop_subjects import Subject
from benchmarks.scoring import Outputs
from benchmarks.texts import Review
from edgetext import Bundle
from tests.runtime.helpers import write_manifest

NAMES = ["negative", "positive"]


def outputs(*positive: float) -> Outputs:
    rows = np.array([[1 - score, score] for score in positive])
    return Outputs(rows, [NAMES[int(score > 0.5)] for score in positive])


@pytest.fixture
def make_subject() -> Callable[..., Subject]:
    """Make a subject over a file of the shipped bundle, by default one that has been measured."""

    def make(runtime: str = "theirs 1.0", peer: Sequence[str] = (), *, measured: bool = True) -> Subject:
        subject = Subject(Bundle.open().models[0], runtime, "text", peer)
        if measured:
            subject.startups_ms, subject.windows_us, subject.installed = (
                [30.0, 20.0, 40.0],
                [50.0, 70.04, 90.0],
                2_500_000,
            )
        return subject

    return make


def test_comparison() -> None:
    ours, theirs = outputs(0.9, 0.2, 0.6, 0.4), outputs(0.9, 0.6, 0.1, 0.45)
    assert interop_rows.compare(theirs, ours, [True, True, False, True]) == {
        "other_labels": 0.5,
        "fitting_other_labels": 0.333333,
        "fitting_max_difference": 0.4,
    }
    nothing = dict.fromkeys(("other_labels", "fitting_other_labels", "fitting_max_difference"))
    assert interop_rows.compare(theirs, None, [True] * 4) == nothing
    assert interop_rows.compare(theirs, ours, [False] * 4) == {**nothing, "other_labels": 0.5}


def test_row(make_subject: Callable[..., Subject]) -> None:
    expected = ["positive", "negative"]
    row = interop_rows.row(make_subject(), outputs(0.9, 0.6), outputs(0.9, 0.4), expected, [True, True], 12.0)
    assert row == {
        "engine": "builtin",
        "recipe": "wi8_afp64",
        "file": "model.wi8_afp64.safetensors",
        "size": Bundle.open().models[0].size,
        "runtime": "theirs 1.0",
        "given": "text",
        "accuracy": 0.5,
        "other_labels": 0.5,
        "fitting_other_labels": 0.5,
        "fitting_max_difference": 0.2,
        "text_to_label_us": 70.0,
        "startup": {"median_ms": 30.0, "empty_ms": 12.0, "ratio": 2.5, "runs": 3},
        "installed": 2_500_000,
    }
    # edgetext is not compared with itself.
    own = interop_rows.row(make_subject("edgetext"), outputs(0.9, 0.1), outputs(0.9, 0.1), expected, [True, True], 12.0)
    assert own["accuracy"] == 1
    assert own["other_labels"] is None


def test_row_of_what_does_not_work(make_subject: Callable[..., Subject]) -> None:
    subject = make_subject(measured=False)
    subject.error = "no such luck"
    row = interop_rows.row(subject, None, outputs(0.9), ["positive"], [True], 12.0)
    assert set(row) == {"engine", "recipe", "file", "size", "runtime", "given", "error"}
    assert row["error"] == "no such luck"


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ([("positive", [0.1, 0.9])], "it gave 1 answers to 2 texts"),
        ([("positive", [0.1, 0.9]), ("1", [0.1, 0.9])], "its answers are not a label and 2 probabilities"),
        ([("positive", [0.1, 0.9]), ("positive", [0.9])], "its answers are not a label and 2 probabilities"),
    ],
)
def test_answers_to_something_else(answers: Any, error: str, make_subject: Callable[..., Subject]) -> None:
    subject = make_subject()
    assert interop_rows.to_outputs(subject, answers, 2, NAMES) is None
    assert subject.error == error


def test_peers_that_fail(make_subject: Callable[..., Subject], tmp_path: Path) -> None:
    files = interop_subjects.write_texts(tmp_path / "texts", [Review("great")])
    for code, error in (
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "its process died of SIGSEGV"),
        ("import sys; sys.exit('error: no such luck')", "no such luck"),
        ("import sys; sys.exit(3)", "its process ended with exit code 3"),
        ("print('INFO: hello')", "its peer printed no JSON"),
    ):
        subject = make_subject(peer=[sys.executable, "-c", code], measured=False)
        subject.introduce()
        assert subject.error == error
        # It is left alone from then on.
        assert subject.score(files) is None
        subject.launch(files, counted=True)
        subject.time(files)
        assert (subject.error, subject.startups_ms, subject.windows_us) == (error, [], [])


def test_reasons_do_not_tell_where_things_lie() -> None:
    assert interop_subjects.tidy("/home/me/venv/bin/python: No such file") == "python: No such file"
    assert interop_subjects.tidy("cannot open '/a/b/model.onnx' or /tmp/x.") == "cannot open 'model.onnx' or x."
    assert interop_subjects.tidy("see docs/a/b.md, 1/2") == "see docs/a/b.md, 1/2"


def test_texts_for_the_peers(tmp_path: Path) -> None:
    texts = ["great\nmovie", "", "nul\0 caf\u00e9", "lone \ud800 surrogate"]
    files = interop_subjects.write_texts(tmp_path / "texts", [Review(text) for text in texts])
    written = json.loads(Path(files.json).read_text("utf-8"))
    assert written == [*texts[:3], "lone \U0010ffff surrogate"]
    content, found = Path(files.plain).read_bytes(), []
    while content:
        size, _, content = content.partition(b"\n")
        found.append(content[: int(size)].decode())
        content = content[int(size) :]
    assert found == written


def test_what_a_package_requires() -> None:
    found = set(interop_peer.closure("onnxruntime"))
    assert {"onnxruntime", "numpy", "protobuf"} <= found
    assert not {"sympy", "tensorflow", "pytest"} & found  # sympy is for an extra
    assert list(interop_peer.closure("no-such-package")) == []
    about = interop_peer.about("numpy", "")
    assert about["runtime"] == f"numpy {np.__version__}"
    assert 10e6 < about["installed"] < 200e6


@pytest.fixture(scope="module")
def bundle(default_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped bundle's first file, its TensorFlow Lite file, and a file that is no model, said to take text."""
    folder = tmp_path_factory.mktemp("interop") / "bundle"
    shutil.copytree(default_bundle, folder)
    content = b"no model at all"
    (folder / "model.dynamic_wi8_text.onnx").write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    about = {"file": "model.dynamic_wi8_text.onnx", "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    manifest["models"] = [one for one in manifest["models"] if one["engine"] in ("builtin", "tflite")]
    manifest["models"].append({**manifest["models"][0], **about, "engine": "onnx", "recipe": "dynamic_wi8_text"})
    write_manifest(folder, manifest)
    return folder


@pytest.fixture(scope="module")
def results(bundle: Path, labelled: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One measurement where nothing of others' is there, or dies."""
    folder = tmp_path_factory.mktemp("peers")
    program = folder / "peer"
    program.write_text("#!/bin/sh\nkill -ABRT $$\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    file = folder / "interop.json"
    peers = ["--mediapipe", str(folder / "missing"), "--node", str(folder), "--c", str(program)]
    options = ["--model", str(bundle), "--data", str(labelled), "--limit", "4", "--json", str(file)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(interop, "LAUNCHES", 2)
        patch.setattr(interop, "ROUNDS", 2)
        assert interop.main([*options, *peers]) == 0
    loaded: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return loaded


def test_results(results: dict[str, Any], bundle: Path) -> None:
    assert results["kind"] == "interop"
    assert results["texts"]["reviews"] == 10
    assert results["timed"]["reviews"] == 4
    (about,) = results["bundles"]
    assert about["name"] == Bundle.open(bundle).name
    assert (about["max_length"], about["fitting"]) == (512, 10)
    works = {(row["recipe"], row["runtime"].split(" ")[0]): row for row in results["rows"] if "error" not in row}
    assert list(works) == [
        ("wi8_afp64", "edgetext"),
        ("dynamic_wi8_afp32", "edgetext,"),
        ("dynamic_wi8_afp32", "ai-edge-litert"),
    ]
    for row in works.values():
        assert row["accuracy"] >= 0.9
        assert 0 < row["text_to_label_us"] < 10_000
        assert row["startup"]["runs"] == 2
        assert row["startup"]["ratio"] > 1
    plain = works["dynamic_wi8_afp32", "ai-edge-litert"]
    assert (plain["other_labels"], plain["fitting_other_labels"]) == (0, 0)
    assert plain["fitting_max_difference"] < 1e-6
    own, with_engine = (works[key]["installed"] for key in list(works)[:2])
    assert own < 10e6 < plain["installed"] < with_engine


def test_what_does_not_work_has_a_reason(results: dict[str, Any]) -> None:
    reasons = {(row["recipe"], row["runtime"]): row["error"] for row in results["rows"] if "error" in row}
    mediapipe = reasons.pop(("dynamic_wi8_afp32", "mediapipe"))
    assert "No such file" in mediapipe or mediapipe == interop_subjects.NO_ISOLATION
    assert {runtime for _, runtime in reasons} == {
        *("edgetext, onnx", f"onnxruntime {onnxruntime.__version__}", "onnxruntime-node", "libonnxruntime"),
    }
    assert reasons["dynamic_wi8_text", "libonnxruntime"] == "its process died of SIGABRT"
    for reason in reasons.values():
        assert "\n" not in reason
        assert "/tmp" not in reason


def test_tables(results: dict[str, Any]) -> None:
    table = interop_rows.table(results)
    assert "10 of 10 texts fit into its 512 ids" in table
    lines = table.splitlines()
    assert sum("  yes  " in line for line in lines) == 3
    assert any("no: its process died of SIGABRT" in line for line in lines)
    block = blocks.interop_tables([results])
    assert "| `model.wi8_afp64.safetensors` | edgetext | text | yes |" in block
    assert "10 texts of labelled.jsonl" in block
    assert "4 of 10 texts of labelled.jsonl" in block
    # As many cells in every line as in the head.
    (width,) = {line.count(" | ") for line in block.splitlines() if line.startswith("| ") and "---" not in line}
    assert width == len(interop_rows.HEAD) - 1


def test_mistakes(
    tmp_path: Path,
    labelled: Path,
    bundle: Path,
    capsys: pytest.CaptureFixture[str],
    error_line: Callable[[str], str],
) -> None:
    unlabelled = tmp_path / "unlabelled.jsonl"
    unlabelled.write_text('{"text": "great movie"}\n', encoding="utf-8")
    model = str(bundle / "model.dynamic_wi8_afp32.tflite")
    for options, expected in (
        (["--data", str(unlabelled)], "its label is None"),
        (["--data", str(tmp_path / "missing.jsonl")], "missing.jsonl: No such file"),
        (["--data", str(labelled), "--model", str(tmp_path)], "manifest.json"),
        (["--data", str(labelled), "--model", model], "a single file; name the folder"),
    ):
        assert interop.main(options) == 2
        assert expected in error_line(capsys.readouterr().err)
    for options in (["--limit", "0"], ["--texts", "many"], ["--bogus"]):
        with pytest.raises(SystemExit) as caught:
            interop.main(options)
        assert caught.value.code == 2


def test_nothing_works(
    bundle: Path,
    labelled: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error_line: Callable[[str], str],
) -> None:
    copy = tmp_path / "bundle"
    shutil.copytree(bundle, copy)
    manifest = json.loads((copy / "manifest.json").read_text("utf-8"))
    manifest["models"] = manifest["models"][-1:]
    write_manifest(copy, manifest)
    monkeypatch.setattr(interop, "LAUNCHES", 1)
    file = tmp_path / "interop.json"
    assert interop.main(["--model", str(copy), "--data", str(labelled), "--json", str(file)]) == 2
    error_line(capsys.readouterr().err)
    assert not file.exists()
