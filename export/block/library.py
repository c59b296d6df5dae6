"""The C library as an engine, to compare its answers with Keras': compiled for this machine when it is first needed."""

from __future__ import annotations

import ctypes
import functools
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from edgetext.bundle import Bundle
from edgetext.bundle.manifest import ModelFile
from edgetext.encoder import Encoder
from edgetext.errors import BundleError, EngineError

_SOURCES = Path(__file__).resolve().parents[2] / "runtime" / "c"
# Without contraction of products and sums, the same probabilities on every processor.
_OPTIONS = ("-std=c99", "-O2", "-ffp-contract=off", "-fPIC", "-shared", f"-I{_SOURCES}")
# The library, and what ctypes cannot see in it.
_SOURCE = """#include "edgetext.c"
const size_t model_bytes = sizeof(edgetext);
const char version[] = EDGETEXT_VERSION;
"""


def find_compiler() -> list[str]:
    """Return the command that starts a C compiler.

    Raises:
        EngineError: If there is none.
    """
    if find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc"]
    for name in ("cc", "gcc", "clang"):
        if path := shutil.which(name):
            return [path]
    raise EngineError("engine c: there is no C compiler to compare with Keras: pip install ziglang")


@functools.cache
def load_library() -> ctypes.CDLL:
    """Compile and load the library.

    Raises:
        EngineError: If there is no C compiler, or it fails.
    """
    compiler = find_compiler()
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "library.c", Path(folder) / "library.so"
        source.write_text(_SOURCE)
        command = [*compiler, *_OPTIONS, str(source), "-o", str(target)]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)
        if done.returncode:
            reason = next(iter(done.stderr.splitlines()), f"exit code {done.returncode}")
            raise EngineError(f"engine c: {' '.join(compiler)} does not compile {_SOURCES / 'edgetext.c'}: {reason}")
        library = ctypes.CDLL(str(target))
    library.edgetext_open.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
    library.edgetext_error.restype = ctypes.c_char_p
    library.edgetext_labels.argtypes = [ctypes.c_void_p]
    library.edgetext_labels.restype = ctypes.c_size_t
    library.edgetext_label.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    library.edgetext_label.restype = ctypes.c_char_p
    library.edgetext_score.argtypes = [
        *(ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t),
        *(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p),
    ]
    library.edgetext_score.restype = ctypes.c_size_t
    return library


class CEngine:
    """Runs a block in the C library; see ``edgetext.engines.protocol.Engine``.

    Attributes:
        labels: The labels in the block.
    """

    name = "c"
    accepts_unpadded = False
    takes_text = True
    vocabulary_size: int | None = None

    def __init__(self, model: bytes) -> None:
        """Open a block.

        Raises:
            EngineError: If the library cannot be compiled.
            BundleError: If it refuses the block.
        """
        self._library = library = load_library()
        self._block = model
        self._model = ctypes.create_string_buffer(ctypes.c_size_t.in_dll(library, "model_bytes").value)
        if error := library.edgetext_open(self._model, model, len(model)):
            raise BundleError(f"engine c refuses the model: {library.edgetext_error(error).decode()}")
        count = library.edgetext_labels(self._model)
        self.labels = [library.edgetext_label(self._model, index).decode() for index in range(count)]
        self.num_outputs = count

    @property
    def runtime(self) -> str:
        """The library and its version."""
        version = ctypes.string_at(ctypes.addressof(ctypes.c_char.in_dll(self._library, "version")))
        return f"edgetext.c {version.decode()}"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._block,)

    def predict(self, texts: Sequence[str]) -> list[list[float]]:
        """Score texts as they are; the library splits them into words."""
        probabilities = (ctypes.c_double * self.num_outputs)()
        scratch = (ctypes.c_int32 * (3 * self.num_outputs))()
        found = []
        for text in texts:
            content = text.encode("utf-8", "surrogatepass")
            self._library.edgetext_score(self._model, content, len(content), probabilities, scratch, None)
            found.append(list(probabilities))
        return found


class WholeTexts(Encoder):
    """Leaves texts to the engine as they are, and counts known words as every encoder does."""

    def kept(self, text: str) -> str:
        """Return the text."""
        return text


def open_block(bundle: Bundle, model: ModelFile) -> tuple[WholeTexts, CEngine]:
    """Return an encoder and the engine for a block in a bundle.

    Raises:
        EngineError: If the library cannot be compiled.
        BundleError: If the block or the vocabulary is damaged, or the block has other labels than the bundle.
    """
    bundle.verify(model)
    engine = CEngine(bundle.read(model))
    if engine.labels != bundle.labels:
        raise BundleError(f"{bundle.path_of(model)}: its labels are not the manifest's: export it again")
    return WholeTexts(bundle.vocabulary(), bundle.preprocessing), engine
