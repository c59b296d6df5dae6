"""benchmarks/interop.py: what it writes, and that no runtime ends it. The runtimes run in tests/test_examples.py."""

from __future__ import annotations

import hashlib
import json
import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from benchmarks import interop
from benchmarks.measuring import layout, runtimes, texts
from benchmarks.measuring.processes import Protocol, Subject
from edgetext import Bundle
from tests.runtime.helpers import write_manifest

LABELS = ["negative", "positive"]


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ([("positive", [0.1, 0.9])], "it gave 1 answers to 2 texts"),
        ([("positive", [0.1, 0.9]), ("1", [0.1, 0.9])], "its answers are not a label and 2 probabilities"),
        ([("positive", [0.1, 0.9]), ("positive", [0.9])], "its answers are not a label and 2 probabilities"),
    ],
)
def test_answers_to_something_else(answers: Any, error: str) -> None:
    subject = Subject({}, [], "")
    assert interop.to_outputs(subject, answers, 2, LABELS) is None
    assert subject.error == error


def test_installed_sizes() -> None:
    described = runtimes.describe("onnxruntime_text", "")
    assert described["runtime"] == f"onnxruntime {onnxruntime.__version__}"
    # With numpy and protobuf; sympy would be for an extra.
    assert runtimes.installed_size("numpy") < described["installed"] < 300e6
    assert 10e6 < runtimes.installed_size("numpy") < 200e6
    assert runtimes.installed_size("no-such-package") == 0


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
def results(bundle: Path, labelled: Path, tmp_path_factory: pytest.TempPathFactory, measured: Any) -> dict[str, Any]:
    """One measurement where no other runtime is here, or where it dies."""
    folder = tmp_path_factory.mktemp("peers")
    program = folder / "peer"
    program.write_text("#!/bin/sh\nkill -ABRT $$\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    peers = ["--mediapipe", folder / "missing", "--node", folder, "--c", program]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(interop, "PROTOCOL", Protocol(1, 1))
        return measured(interop.main, "--model", bundle, "--data", labelled, "--limit", "4", *peers)


def test_results(results: dict[str, Any], bundle: Path) -> None:
    assert (results["texts"]["count"], results["timed"]["count"]) == (10, 4)
    (about,) = results["bundles"]
    assert (about["name"], about["max_length"], about["fitting"]) == (Bundle.open(bundle).name, 512, 10)
    works = {(row["recipe"], row["runtime"].split(" ")[0]): row for row in results["rows"] if "error" not in row}
    assert list(works) == [
        ("wi8_afp64", "edgetext"),
        ("dynamic_wi8_afp32", "edgetext,"),
    ]
    for row in works.values():
        assert row["accuracy"] >= 0.9
        assert 0 < row["text_to_label"]["median_us"] < 10_000
        assert row["startup"]["ratio"] > 1
    own, with_engine = (row["installed"] for row in works.values())
    assert own < 10e6 < with_engine


def test_differences_from_edgetext(labelled: Path, tmp_path: Path, default_bundle: Path) -> None:
    """The same file once more has the same answers; one that calls everything positive has others."""
    bundle = Bundle.open(default_bundle)
    given = texts.find(str(labelled)).texts
    own, same, other = (
        interop.make_subject(bundle, bundle.models[0], name, f"{bundle.models[0].engine} {bundle.models[0].recipe}")
        for name in ("edgetext", "edgetext", "another")
    )
    same.row["runtime"] = "the same"
    other.program = [sys.executable, "-c", f"print({json.dumps({'answers': [['positive', [0, 1]]] * len(given)})!r})"]
    interop.compare([own, same, other], given, list(bundle.labels), np.array([True] * 9 + [False]))
    assert same.row["other_labels"] == same.row["fitting_other_labels"] == same.row["fitting_max_difference"] == 0
    assert other.row["accuracy"] == other.row["other_labels"] == 0.5
    assert other.row["fitting_other_labels"] == pytest.approx(4 / 9)
    assert own.row["accuracy"] == 1


def test_what_does_not_work_has_a_reason(results: dict[str, Any]) -> None:
    reasons = {(row["recipe"], row["runtime"]): row["error"] for row in results["rows"] if "error" in row}
    mediapipe = reasons.pop(("dynamic_wi8_afp32", "mediapipe"))
    assert "No such file" in mediapipe or mediapipe == interop.NO_ISOLATION
    assert len(reasons) == 4
    assert reasons["dynamic_wi8_text", "libonnxruntime"] == "its process died of SIGABRT"
    for reason in reasons.values():
        assert "\n" not in reason
        assert "/tmp" not in reason
    assert "no: its process died of SIGABRT" in layout.render(interop.tables(results))


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
