"""What engines, the networks of the engine ``builtin``, and forms of input and output offer.

For people and type checkers: no process imports this module, for a one-shot command would pay for reading it.
"""

from __future__ import annotations

from typing import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from edgetext.classifier import Prediction
    from edgetext.command.records import Record, RecordOrError
    from edgetext.formats.safetensors import Tensor


class Engine(Protocol):
    """What every engine offers.

    Attributes:
        name: Its name in ``ENGINES``.
        runtime: The library that does the work and its version, such as ``"ai-edge-litert 2.3.0"``.
        columns: Outputs a row: one (the probability of the second of two labels) or one a label.
        vocabulary_size: Ids that the model knows; None where the engine cannot tell.
        ragged: Whether it takes rows of different lengths, without padding; most want all max_length ids.
        takes_text: Whether it takes texts themselves instead of rows, for the model holds the tokenisation too.
    """

    name: str
    columns: int
    vocabulary_size: int | None
    ragged: bool
    takes_text: bool

    @property
    def runtime(self) -> str:
        """The library and its version."""

    def __init__(self, model: bytes, *, max_length: int, threads: int) -> None:
        """Build the interpreter.

        Args:
            model: The content of a model file.
            max_length: Ids in a row, which the model's input must take.
            threads: Threads that one call may use.

        Raises:
            EngineError: The library is not installed, or does not work here.
            BundleError: The library refuses the model, or the model's input and output are not as expected.
        """

    def predict(self, rows: Sequence[Any]) -> list[list[float]]:
        """Score rows of ids, or texts.

        Args:
            rows: Shape (batch, max_length), batch at least 1; to a ragged engine, rows of at most max_length ids;
                to one that takes text, strings.

        Returns:
            Probabilities, shape (batch, columns).
        """


class Network(Protocol):
    """What computes: ids to logits."""

    columns: int
    vocabulary_size: int

    def __init__(self, metadata: dict[str, str], tensors: dict[str, Tensor], max_length: int) -> None:
        """Check the tensors and keep them; ValueError if they are not as they should be."""

    def logits(self, ids: Sequence[int]) -> list[float]:
        """Score a row without padding: IndexError for an id that the tables do not have."""


class Form(Protocol):
    """What every form offers.

    Attributes:
        header: What to write before the first record.
    """

    header: str

    def __iter__(self) -> Iterator[RecordOrError]:
        """Read the records, one at a time."""

    def write(self, record: Record, prediction: Prediction) -> str:
        """Give a record's line of output, its end included."""
