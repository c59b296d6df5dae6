"""Copies of a classifier through what programs use to send one to their workers, with every engine."""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path
from typing import Any

import cloudpickle
import joblib
import pytest

from edgetext import Bundle, Classifier, EngineError
from edgetext.bundle import DEFAULT_BUNDLE
from tests.conftest import Runner

TEXTS = ["great movie", "terrible movie", "", "the bad ending " * 200, "caf\u00e9 \u96fb\u5f71"]
MODEL_MAKER = Path(__file__).with_name("runtime") / "model_maker.tflite"
BUNDLES = [
    (None, "builtin"),
    (None, "tflite"),
    (None, "onnx"),
    *((Path(DEFAULT_BUNDLE) / model.file, model.engine) for model in Bundle.open().models if model.engine != "builtin"),
    (MODEL_MAKER, "tflite"),
]

# Run as a program, because workers that are spawned import it anew.
POOLS = """
import json, multiprocessing, sys
import joblib
from edgetext import Classifier

TEXTS = json.loads(sys.argv[1])

def keep(sent):
    global classifier
    classifier = sent

def score(text):
    return classifier.classify(text).as_dict()

if __name__ == "__main__":
    loaded = Classifier.load(engine="builtin", threshold=0.8)
    answers = {"here": [loaded.classify(text).as_dict() for text in TEXTS]}
    for method in ("fork", "spawn", "forkserver"):
        with multiprocessing.get_context(method).Pool(1, keep, (loaded,)) as pool:
            answers[method] = pool.map_async(score, TEXTS).get(60)
    tasks = [joblib.delayed(loaded.classify)(text) for text in TEXTS]
    answers["joblib"] = [prediction.as_dict() for prediction in joblib.Parallel(n_jobs=2)(tasks)]
    print(json.dumps(answers))
"""


def through_joblib(value: Any, folder: Path) -> Any:
    joblib.dump(value, folder / "value.joblib")
    return joblib.load(folder / "value.joblib")


@pytest.mark.parametrize(("path", "engine"), BUNDLES)
def test_a_copy_answers_alike(path: Path | None, engine: str, tmp_path: Path) -> None:
    classifier = Classifier.load(path, engine, threads=2, threshold=0.6)
    expected = list(classifier.classify_many(TEXTS))
    for made in (
        cloudpickle.loads(cloudpickle.dumps(classifier)),
        pickle.loads(pickle.dumps(classifier)),
        through_joblib(classifier, tmp_path),
        cloudpickle.loads(cloudpickle.dumps(lambda: classifier))(),
    ):
        assert list(made.classify_many(TEXTS)) == expected
        assert made.engine.runtime == classifier.engine.runtime
        assert made.model.record == classifier.model.record  # type: ignore[union-attr]


@pytest.mark.parametrize("path", dict.fromkeys(path for path, _ in BUNDLES))
def test_a_copy_of_a_bundle_has_the_same_files(path: Path | None, tmp_path: Path) -> None:
    bundle = Bundle.open(path)
    for made in (cloudpickle.loads(cloudpickle.dumps(bundle)), through_joblib(bundle, tmp_path)):
        assert made.manifest == bundle.manifest
        assert [made.read(entry) for entry in made.files] == [bundle.read(entry) for entry in bundle.files]
        assert made.encoder().ids("great movie") == bundle.encoder().ids("great movie")


def test_an_engine_that_is_missing_where_the_copy_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    copied = cloudpickle.dumps(Classifier.load(engine="onnx"))
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(EngineError, match=r"onnxruntime is not installed .*pip install"):
        pickle.loads(copied)


def test_workers_however_they_are_started(run_python: Runner, tmp_path: Path) -> None:
    script = tmp_path / "pools.py"
    script.write_text(POOLS)
    result = run_python(script, json.dumps(TEXTS), env={"PYTHONPATH": str(Path(DEFAULT_BUNDLE).parents[1])})
    assert result.returncode == 0, result.stderr
    answers = json.loads(result.stdout)
    assert answers.keys() == {"here", "fork", "spawn", "forkserver", "joblib"}
    assert {name for name, answer in answers.items() if answer != answers["here"]} == set()
