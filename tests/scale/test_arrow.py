from __future__ import annotations

import pickle
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pytest

from edgetext import BundleError, Classifier, Prediction
from edgetext.arrow import ArrowClassifier, classify_batches
from edgetext.bundle import DEFAULT_BUNDLE
from tests.runtime.helpers import fake_classifier

TEXTS = ["great movie", None, "a waste of two hours", "", "great movie"]


def make_batch(texts: Any, kind: Any = None) -> pyarrow.RecordBatch:
    numbers = pyarrow.array(range(len(texts)), pyarrow.int64())
    return pyarrow.RecordBatch.from_arrays([numbers, pyarrow.array(texts, kind)], ["n", "text"])


def expect(texts: list[str | None]) -> list[tuple[str, float] | None]:
    classifier = Classifier.load()
    found = {text: classifier.classify(text) for text in texts if text is not None}
    return [None if text is None else (found[text].label, found[text].score) for text in texts]


def answers(rows: Any) -> list[tuple[str, float] | None]:
    pairs = zip(rows.column("label").to_pylist(), rows.column("score").to_pylist())
    return [None if label is None and score is None else (label, score) for label, score in pairs]


@pytest.mark.parametrize(
    "kind",
    [
        pyarrow.string(),
        pyarrow.large_string(),
        pyarrow.string_view(),
        pyarrow.dictionary(pyarrow.int8(), pyarrow.string()),
        pyarrow.dictionary(pyarrow.int32(), pyarrow.large_string()),
    ],
    ids=str,
)
def test_all_types_of_strings_get_the_same_answers(kind: Any) -> None:
    values = kind.value_type if pyarrow.types.is_dictionary(kind) else kind
    column = pyarrow.array(TEXTS, values)
    batch = make_batch(column.dictionary_encode().cast(kind) if values != kind else column)
    assert answers(ArrowClassifier()(batch)) == expect(TEXTS)


def recorder(scored: list[str]) -> Classifier:
    """Return a classifier that puts what it classifies into a list."""
    classifier = fake_classifier()
    classify = classifier.classify_many

    def record(texts: Iterable[str], batch_size: int = 1) -> Iterator[Prediction]:
        for text in texts:
            scored.append(text)
            yield from classify([text])

    classifier.classify_many = record  # type: ignore[method-assign]
    return classifier


def test_a_dictionary_is_read_once_and_one_of_more_than_the_rows_not_at_all() -> None:
    scored: list[str] = []
    classifier = recorder(scored)
    encoded = pyarrow.array(["a", "b", None, *"abab"]).dictionary_encode()
    found = ArrowClassifier(classifier)(make_batch(encoded))
    assert scored == ["a", "b"]
    assert found.column("label").null_count == 1
    scored.clear()
    many = pyarrow.array([f"text {number}" for number in range(100)]).dictionary_encode()
    ArrowClassifier(classifier)(make_batch(many.slice(90)))
    assert scored == [f"text {number}" for number in range(90, 100)]


def test_a_column_without_any_text_gets_no_labels() -> None:
    found = ArrowClassifier()(make_batch([None, None]))
    assert (answers(found), found.schema.field("label").type) == ([None, None], pyarrow.string())


def test_other_columns_are_passed_on_without_a_copy() -> None:
    batch = make_batch(TEXTS)
    found = ArrowClassifier()(batch)
    assert found.schema.names == ["n", "text", "label", "score"]
    for name in ("n", "text"):
        before, after = (rows.column(name).buffers() for rows in (batch, found))
        assert [part and part.address for part in after] == [part and part.address for part in before]


def test_probabilities_and_known_words_are_added_when_asked_for() -> None:
    classify = ArrowClassifier(probabilities=True, known=True, prefix="x_")
    found = classify(make_batch(TEXTS))
    assert found.schema == classify.schema(make_batch(TEXTS).schema)
    assert found.schema.names[2:] == ["x_label", "x_score", "x_probabilities", "x_known"]
    prediction = Classifier.load().classify("a waste of two hours")
    assert found.column("x_probabilities")[2].as_py() == prediction.probabilities
    assert found.column("x_known")[2].as_py() == prediction.known
    assert found.column("x_probabilities")[1].as_py() is None


def test_tables_keep_their_chunks_and_metadata() -> None:
    schema = make_batch(TEXTS).schema.with_metadata({"made": "by hand"})
    table = pyarrow.Table.from_batches([make_batch(TEXTS), make_batch(TEXTS[:2])]).cast(schema)
    found = ArrowClassifier()(table)
    assert answers(found) == expect(TEXTS + TEXTS[:2])
    assert found.column("label").num_chunks == 2
    assert found.schema.metadata == {b"made": b"by hand"}
    assert ArrowClassifier()(table.slice(0, 0)).schema == found.schema


def test_batches_are_read_one_at_a_time() -> None:
    given: list[int] = []

    def endless() -> Iterator[pyarrow.RecordBatch]:
        while True:
            given.append(1)
            yield make_batch(TEXTS)

    found = classify_batches(endless(), "text", known=True)
    assert [next(found).num_rows, next(found).num_rows] == [5, 5]
    assert len(given) == 2


def test_line_ends_are_those_of_tables() -> None:
    scored: list[str] = []
    ArrowClassifier(recorder(scored))(make_batch(["great\r\nmovie", "great\rmovie"]))
    assert scored == ["great\nmovie", "great\rmovie"]


@pytest.mark.parametrize(
    ("batch", "options", "words"),
    [
        (make_batch(TEXTS), {"column": "body"}, "no column is called 'body'; the columns are 'n', 'text'"),
        (make_batch(TEXTS), {"column": "n"}, "column 'n' is of type int64, not of strings"),
        (make_batch(TEXTS).rename_columns(["label", "text"]), {}, "a column 'label' already: choose a prefix"),
        (make_batch(TEXTS).rename_columns(["text", "text"]), {}, "several columns are called 'text'"),
    ],
)
def test_columns_that_cannot_be_used_are_refused(batch: Any, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ArrowClassifier(**options)(batch)


def test_a_text_that_is_not_utf8_is_refused() -> None:
    offsets = pyarrow.array([0, 2], pyarrow.int32()).buffers()[1]
    column = pyarrow.StringArray.from_buffers(1, offsets, pyarrow.py_buffer(b"\xff\xfe"))
    with pytest.raises(ValueError, match="'text' has a text that is not UTF-8"):
        ArrowClassifier()(make_batch(column))


def test_other_rows_are_refused() -> None:
    with pytest.raises(TypeError, match="takes a record batch or a table, not list"):
        ArrowClassifier()(["great movie"])


def test_settings_are_for_a_path() -> None:
    assert ArrowClassifier(DEFAULT_BUNDLE, threshold=1.0)(make_batch(["x"])).column("label").to_pylist() == [
        "uncertain"
    ]
    with pytest.raises(TypeError, match="threshold is for a model that is loaded by its path"):
        ArrowClassifier(Classifier.load(), threshold=1.0)


def test_a_path_is_loaded_where_it_is_used_and_a_classifier_travels(tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    by_path = pickle.loads(pickle.dumps(ArrowClassifier(folder)))  # where there is no bundle yet
    with pytest.raises(BundleError):
        by_path(make_batch(TEXTS))
    shutil.copytree(DEFAULT_BUNDLE, folder)
    assert answers(by_path(make_batch(TEXTS))) == expect(TEXTS)
    carried = pickle.loads(pickle.dumps(ArrowClassifier(Classifier.load(folder))))
    shutil.rmtree(folder)
    assert answers(carried(make_batch(TEXTS))) == expect(TEXTS)


def test_a_model_is_loaded_once_and_again_when_another_takes_its_place(tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(DEFAULT_BUNDLE, folder)
    classify = ArrowClassifier(folder)
    first = classify.classifier
    assert classify.classifier is ArrowClassifier(folder).classifier is first
    folder.rename(tmp_path / "old")
    shutil.copytree(DEFAULT_BUNDLE, folder)
    assert classify.classifier is not first


def test_nothing_else_imports_pyarrow() -> None:
    script = "import sys, edgetext; edgetext.Classifier.load().classify('x'); print('pyarrow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
