"""Classify a column of Arrow data, as Parquet files, Spark, Ray, Polars, DuckDB and pandas hold them.

    for batch in classify_batches(reader, "text", "bundles/tickets"):  # each with `label` and `score`
        writer.write_batch(batch)

This module needs pyarrow, which nothing else in the package imports.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, TypeVar

import pyarrow
from pyarrow import types

from edgetext.classifier import Classifier
from edgetext.prediction import Prediction
from edgetext.tables.reader import unify_line_ends

LABEL, SCORE, PROBABILITIES, KNOWN = "label", "score", "probabilities", "known"
# How many rows' texts are copied from Arrow to Python at a time, so that a large batch is not held twice.
ROWS = 1_000

Rows = TypeVar("Rows", pyarrow.RecordBatch, pyarrow.Table)


def classify_batches(
    batches: Iterable[pyarrow.RecordBatch],
    column: str,
    model: str | os.PathLike[str] | Classifier | None = None,
    **options: Any,
) -> Iterator[pyarrow.RecordBatch]:
    """Classify record batches as they arrive, in order; one batch at a time is held in memory.

    This is what Spark's ``mapInArrow`` asks for.

    Args:
        batches: Record batches with the same columns, such as a ``pyarrow.RecordBatchReader``.
        column: The column of texts.
        model: As for ``ArrowClassifier``.
        **options: As for ``ArrowClassifier``.

    Raises:
        BundleError, EngineError, TypeError, ValueError: As for ``ArrowClassifier``, while iterating.
    """
    return map(ArrowClassifier(model, column, **options), batches)


class ArrowClassifier:
    """Adds labels and scores to record batches and tables: what Ray's ``map_batches`` asks for, for example.

    The columns ``label`` and ``score`` are added, with ``probabilities`` and ``known`` if they are asked for; see
    ``Prediction``. All other columns are passed on without a copy. A row without a text gets no label.

    It can be pickled. A model that was given by its path stays a path: each process that the copy reaches loads the
    model once, when its first batch arrives. A ``Classifier`` travels with the copy.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | Classifier | None = None,
        column: str = "text",
        *,
        prefix: str = "",
        probabilities: bool = False,
        known: bool = False,
        **settings: Any,
    ) -> None:
        """Set what to add; nothing is loaded yet.

        Args:
            model: The bundle's path, or a loaded ``Classifier``; None for the bundle that ships with the package.
            column: The column of texts: strings of any of Arrow's types, also dictionary-encoded ones.
            prefix: What comes before the names of the added columns.
            probabilities: Whether to add the probability of each label, as a struct with a field for each.
            known: Whether to add the share of the text's words that the model knows.
            **settings: For ``Classifier.load``, such as ``engine`` and ``threshold``.

        Raises:
            TypeError: If there are settings for a ``Classifier``, which is loaded already.
        """
        if settings and isinstance(model, Classifier):
            raise TypeError(f"{min(settings)} is for a model that is loaded by its path: give it to Classifier.load")
        self._model = model if model is None or isinstance(model, Classifier) else os.fspath(model)
        self._settings = settings
        self.column = column
        names = {LABEL: True, SCORE: True, PROBABILITIES: probabilities, KNOWN: known}
        self._names = {name: prefix + name for name, is_wanted in names.items() if is_wanted}

    @property
    def classifier(self) -> Classifier:
        """The classifier, loaded if it is not yet.

        Raises:
            BundleError, EngineError, TypeError, ValueError: As for ``Classifier.load``.
        """
        if isinstance(self._model, Classifier):
            return self._model
        return _load(self._model, _state_of(self._model), **self._settings)

    def schema(self, given: pyarrow.Schema) -> pyarrow.Schema:
        """Return the schema of what comes out where ``given`` goes in.

        Raises:
            ValueError: If there is no column of texts, or an added column is there already.
        """
        if given.names.count(self.column) != 1:
            listing = f"the columns are {', '.join(map(repr, given.names))}" if given.names else "there are none"
            problem = "no column is" if self.column not in given.names else "several columns are"
            raise ValueError(f"{problem} called {self.column!r}; {listing}")
        if taken := set(given.names).intersection(self._names.values()):
            raise ValueError(f"there is a column {min(taken)!r} already: choose a prefix for the added ones")
        kind = given.field(self.column).type
        values = kind.value_type if types.is_dictionary(kind) else kind
        if str(values) not in ("string", "large_string", "string_view", "null"):
            raise ValueError(f"column {self.column!r} is of type {kind}, not of strings")
        for field in self._fields():
            given = given.append(field)
        return given

    def __call__(self, rows: Rows) -> Rows:
        """Return a record batch or table with the columns added.

        Raises:
            BundleError, EngineError, TypeError, ValueError: As for ``schema`` and ``Classifier.load``; ValueError also
                for a text that is not UTF-8.
        """
        if not isinstance(rows, (pyarrow.RecordBatch, pyarrow.Table)):
            raise TypeError(f"an ArrowClassifier takes a record batch or a table, not {type(rows).__name__}")
        schema = self.schema(rows.schema)
        # Not by calling itself: Ray's subclass passes each call to the one thread that would wait for it.
        if isinstance(rows, pyarrow.Table):
            return pyarrow.Table.from_batches((self._add(batch, schema) for batch in rows.to_batches()), schema)
        return self._add(rows, schema)

    def _add(self, batch: pyarrow.RecordBatch, schema: pyarrow.Schema) -> pyarrow.RecordBatch:
        columns = [*batch.columns, *self._classify(batch.column(self.column))]
        return pyarrow.RecordBatch.from_arrays(columns, schema=schema)

    def _fields(self) -> list[pyarrow.Field]:
        """Return the fields that are added, in their order."""
        found = {LABEL: pyarrow.string(), SCORE: pyarrow.float64(), KNOWN: pyarrow.float64()}
        if PROBABILITIES in self._names:
            found[PROBABILITIES] = pyarrow.struct([(label, pyarrow.float64()) for label in self.classifier.labels])
        return [pyarrow.field(name, found[kind]) for kind, name in self._names.items()]

    def _classify(self, column: pyarrow.Array) -> list[pyarrow.Array]:
        """Return the added columns for a column of texts."""
        if not types.is_dictionary(column.type):
            return self._make_columns(list(self._predict(column)))
        if len(column.dictionary) > len(column):  # such as that of a whole file, of which this is a part
            return self._classify(column.dictionary_decode())
        return [found.take(column.indices) for found in self._classify(column.dictionary)]

    def _predict(self, column: pyarrow.Array) -> Iterator[Prediction | None]:
        """Yield the prediction for each row, None for a null."""
        classifier = self.classifier
        for start in range(0, len(column), ROWS):
            try:
                texts = column.slice(start, ROWS).to_pylist()
            except UnicodeDecodeError:
                raise ValueError(f"column {self.column!r} has a text that is not UTF-8") from None
            found = classifier.classify_many(unify_line_ends(text) for text in texts if text is not None)
            for text in texts:
                yield None if text is None else next(found)

    def _make_columns(self, predictions: list[Prediction | None]) -> list[pyarrow.Array]:
        columns = []
        for field, kind in zip(self._fields(), self._names):
            values = [None if found is None else getattr(found, kind) for found in predictions]
            columns.append(pyarrow.array(values, field.type))
        return columns


def _state_of(path: str | None) -> tuple[int, ...]:
    """Return what changes if another bundle is put in the place of one."""
    try:
        status = os.stat(path or os.devnull)
    except OSError:
        return ()  # loading explains what is wrong
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size


@lru_cache(maxsize=1)
def _load(path: str | None, _state: tuple[int, ...], **settings: Any) -> Classifier:
    """Load a model that the process has not just used: engines start a new task for each part of their data."""
    return Classifier.load(path, **settings)
