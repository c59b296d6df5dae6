"""The ``native`` engine: the library in C, as the Python module of the wheel ``edgetext-native``.

It runs the models of the engine ``builtin``, from which a block is made when a bundle is loaded; see
``edgetext.formats.etx``. It takes texts as they are, and needs neither the encoder nor ids.
"""

from __future__ import annotations

from edgetext.errors import BundleError, EngineError
from edgetext.formats.etx import make_block

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from edgetext.bundle import Bundle


def make_native_block(bundle: Bundle, model: bytes) -> bytes:
    """Return the block of a bundle's model of the engine ``builtin``.

    Raises:
        EngineError: If a block cannot hold it.
        BundleError: If the model or the vocabulary is damaged.
    """
    try:
        return make_block(bundle.labels, bundle.preprocessing, bundle.vocabulary(), model, "fast")
    except ValueError as error:
        raise EngineError(f"engine native cannot run this model: {error}") from None


class NativeEngine:
    """Runs a block."""

    name = "native"
    accepts_unpadded = False
    takes_text = True
    vocabulary_size: int | None = None

    def __init__(self, model: bytes, *, max_length: int, threads: int = 1) -> None:
        """Open a block; see ``edgetext.engines.protocol.Engine``. One thread is used whatever ``threads`` is."""
        try:
            import edgetext_native  # type: ignore[import-not-found]
        except ImportError as error:
            from edgetext.engines.machine import remedy

            fix = remedy("native", "make native builds its wheels; to install it")
            raise EngineError(f"engine native: {error}; {fix}") from None
        self._block = model
        self._max_length = max_length
        self.runtime = f"edgetext-native {edgetext_native.__version__}"
        try:
            self._model = edgetext_native.Model(model)
        except ValueError as error:
            raise BundleError(f"engine native refuses the model: {error}") from None
        self.num_outputs = len(self._model.score("")[0])

    def __reduce__(self) -> tuple[Any, ...]:
        from edgetext.copying import rebuild_with

        return rebuild_with(type(self), self._block, max_length=self._max_length)

    def score(self, text: str) -> tuple[list[float], float]:
        """Return the probability of every label of a text, and the share of its words that are known."""
        found: tuple[list[float], float] = self._model.score(text)
        return found

    def predict(self, texts: Sequence[str]) -> list[list[float]]:
        """Score texts; see ``edgetext.engines.protocol.Engine``."""
        return [self.score(text)[0] for text in texts]
