"""Parquet files, read in batches of rows. pyarrow is imported when a file is opened."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from train.dataset import DataError

BATCH = 1_000  # rows in memory at a time
TEXT_TYPES = ("string", "large_string", "string_view")


def read_columns(path: Path) -> tuple[list[str], int]:
    """Return the names of the columns, and the number of rows.

    Raises:
        DataError: If pyarrow is not installed, or the file cannot be read.
    """
    with _opened(path) as file:
        return list(file.schema_arrow.names), file.metadata.num_rows


def read_values(path: Path, names: Sequence[str | None], texts: Collection[str]) -> Iterator[tuple[int, list[Any]]]:
    """Yield the rows: the number of each, from 1, and its values.

    The first name, which may be None, is the label's; ``texts`` are those of text, and the others may have numbers.

    Raises:
        DataError: As for ``read_columns``, or if a column is neither text nor, for the label, a number or a bool.
    """
    import pyarrow

    with _opened(path) as file:
        for place, name in enumerate(names):
            if name is not None:
                _check_type(path, name, file.schema_arrow.field(name).type, is_text=name in texts, is_label=place == 0)
        row = 0
        try:
            for batch in file.iter_batches(BATCH, columns=[name for name in names if name is not None]):
                missing = [None] * len(batch)
                for found in zip(*(missing if name is None else _decoded(batch.column(name)) for name in names)):
                    row += 1
                    yield row, list(found)
        except (pyarrow.ArrowException, OSError) as error:
            raise DataError(f"{path}: damaged after row {row} ({_first_line(error)})") from None


def _opened(path: Path) -> Any:
    try:
        import pyarrow
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise DataError(f"{path}: pyarrow is not installed: pip install -e '.[parquet]'") from None
    try:
        path.open("rb").close()  # whose error message is shorter
        return parquet.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)
    except pyarrow.ArrowException as error:
        raise DataError(f"{path}: not a complete Parquet file ({_first_line(error)})") from None
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or _first_line(error)}") from None


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _check_type(path: Path, name: str, kind: Any, *, is_text: bool, is_label: bool) -> None:
    from pyarrow import types

    kind = kind.value_type if types.is_dictionary(kind) else kind
    fits = str(kind) in TEXT_TYPES
    if not is_text:
        fits = fits or types.is_integer(kind) or types.is_boolean(kind) or types.is_floating(kind)
        fits = fits or (types.is_struct(kind) and not is_label)
    if is_label and types.is_nested(kind):
        raise DataError(f"{path}: column {name!r} is of type {kind}: several labels per text are not supported")
    if not fits:
        wanted = "text" if is_text else "a label" if is_label else "a number, JSON or a struct"
        raise DataError(f"{path}: column {name!r} is of type {kind}, not {wanted}")


def _decoded(column: Any) -> Sequence[Any]:
    import pyarrow
    from pyarrow import types

    kind = column.type.value_type if types.is_dictionary(column.type) else column.type
    if types.is_floating(kind) or types.is_integer(kind) or types.is_boolean(kind) or types.is_struct(kind):
        return list(column.to_pylist())
    # As bytes: Arrow does not check that its strings are UTF-8, and one that is not fails the whole batch.
    found = column.cast(pyarrow.binary()).to_pylist()
    return [None if value is None else value.decode("utf-8", "surrogateescape") for value in found]
