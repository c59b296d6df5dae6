"""What every form of input and output offers.

For people and type checkers: no process imports this module.
"""

from __future__ import annotations

from typing import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgetext.command.records import Record, RecordOrError
    from edgetext.prediction import Prediction


class Form(Protocol):
    """A form of input and output: lines, JSON lines or CSV.

    Attributes:
        header: What to write before the first record.
    """

    header: str

    def __iter__(self) -> Iterator[RecordOrError]:
        """Read the records, one at a time."""

    def write(self, record: Record, prediction: Prediction) -> str:
        """Return the output for a record, including its line end."""
