"""The engines, by name, and how to get each.

An engine is one small object: it takes rows of ids and returns probabilities. Each lives in a module of its own,
imported when it is chosen, so that a machine pays only for what it uses. To add one, write such a module and
add its line to ``ENGINES``.
"""

from __future__ import annotations

import os
import sys

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


def tflite_package() -> str:
    """Name what to install for the ``tflite`` engine on this machine, as arguments of pip.

    ai-edge-litert has wheels for 64-bit x86 and ARM from Python 3.10 on; tflite-runtime 2.14.0, the last of its
    line, for Python up to 3.11 and 32-bit ARM too, and works under numpy 1 only, which it does not declare. On a
    32-bit system over a 64-bit kernel, as on many a Raspberry Pi, only the width of Python's own pointers tells.
    """
    import platform

    wide = platform.machine().lower() in ("x86_64", "amd64", "aarch64", "arm64") and sys.maxsize > 2**32
    if wide and sys.version_info >= (3, 10):
        return "ai-edge-litert"
    return 'tflite-runtime "numpy<2"'


def install_command(packages: str) -> str:
    """Give the command that installs ``packages`` for the Python that runs now.

    Where the system's Python refuses pip (PEP 668: an EXTERNALLY-MANAGED file beside the standard library, as on
    Debian 12 and Raspberry Pi OS), the command makes a virtual environment first.
    """
    import sysconfig

    managed = os.path.exists(os.path.join(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED"))
    if managed and sys.prefix == sys.base_prefix:
        return f"{sys.executable} -m venv ~/edgetext-venv && ~/edgetext-venv/bin/pip install {packages}"
    return f"{sys.executable} -m pip install {packages}"
