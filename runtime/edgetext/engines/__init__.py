"""The engines, by name, and how to get each.

An engine is one small object: it takes rows of ids and returns probabilities. Each lives in a module of its own,
imported when it is chosen, so that a machine pays only for what it uses. To add one, write such a module and
add its line to ``ENGINES``.
"""

from __future__ import annotations

from edgetext.errors import EngineError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Protocol

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


# name: (module, class)
ENGINES = {
    "builtin": ("edgetext.engines.builtin", "BuiltinEngine"),
    "tflite": ("edgetext.engines.tflite", "TFLiteEngine"),
    "onnx": ("edgetext.engines.onnx", "ONNXEngine"),
}


def create(name: str, model: bytes, *, max_length: int, threads: int = 1, quiet: bool = False) -> Engine:
    """Build the named engine over a model.

    Args:
        name: A key of ``ENGINES``.
        model: The content of a model file made for that engine.
        max_length: Ids in a row.
        threads: Threads that one call may use, at least 1.
        quiet: Mute the process's standard error meanwhile, if the engine loads native libraries.

    Raises:
        EngineError: No such engine, or it is not installed, or does not work here.
        BundleError: The engine's library refuses the model.
    """
    if name not in ENGINES:
        raise EngineError(f"no engine is called {name!r}: there are {', '.join(ENGINES)}")
    if quiet and name != "builtin":
        from edgetext.quiet import muted_stderr

        with muted_stderr():
            return create(name, model, max_length=max_length, threads=threads)
    module, attribute = ENGINES[name]
    # What importlib.import_module does, but that importlib has to be imported first.
    found = getattr(__import__(module, fromlist=[attribute]), attribute)
    engine: Engine = found(model, max_length=max_length, threads=threads)
    return engine
