"""What every engine offers, and every network of the engine ``builtin``.

For people and type checkers: no process imports this module, because a one-shot command would pay for loading it.
"""

from __future__ import annotations

from typing import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from edgetext.engines.safetensors import Tensor


class Engine(Protocol):
    """What every engine offers.

    It defines ``__reduce__``, with ``edgetext.copying``, so that a classifier can be copied to other processes.

    Attributes:
        name: Its name in ``ENGINES``.
        num_outputs: Outputs per text: one (the probability of the second of two labels) or one per label.
        vocabulary_size: The number of ids that the model knows; None where the engine cannot find out.
        accepts_unpadded: Whether it takes ids without padding; most engines want all max_length ids.
        takes_text: Whether it takes texts instead of ids, because the model does the tokenisation too.

    An engine with a method ``score`` does without the encoder: it takes a text as it is, and returns its probabilities,
    shape (num_outputs,), and the share of its words that are known.
    """

    name: str
    num_outputs: int
    vocabulary_size: int | None
    accepts_unpadded: bool
    takes_text: bool

    @property
    def runtime(self) -> str:
        """The library that does the work and its version, such as ``"ai-edge-litert 2.3.0"``."""

    def __init__(self, model: bytes, *, max_length: int, threads: int) -> None:
        """Build the interpreter of a model file's content; its input must take ``max_length`` ids per text.

        One call may use ``threads`` threads, at least 1.

        Raises:
            EngineError: If the library is not installed, or does not work here.
            BundleError: If the library refuses the model, or the model's input and output are not as expected.
        """

    def predict(self, encoded: Sequence[Any]) -> list[list[float]]:
        """Score encoded texts, or texts.

        Args:
            encoded: Ids, shape (batch, max_length), batch at least 1; at most max_length ids each for an engine that
                accepts unpadded ids; strings for one that takes text.

        Returns:
            Probabilities, shape (batch, num_outputs).
        """


class Network(Protocol):
    """What computes logits, ``num_outputs`` per text, from ids below ``vocabulary_size``."""

    num_outputs: int
    vocabulary_size: int

    def __init__(self, metadata: dict[str, str], tensors: dict[str, Tensor], max_length: int) -> None:
        """Check the tensors; raise ValueError if they are not those that the network needs."""

    def logits(self, ids: Sequence[int]) -> list[float]:
        """Return the logits of ids without padding; raise IndexError if the tables do not have an id."""
