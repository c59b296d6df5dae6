"""The ``onnx`` engine: ONNX Runtime, with settings for small devices."""

from __future__ import annotations

import os
import platform
from contextlib import nullcontext

from edgetext.engines.process import fork_safe_lock
from edgetext.errors import BundleError, EngineError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

# For a model that takes text, this noncharacter replaces a lone surrogate, which UTF-8 cannot encode: both are part of
# an unknown word.
STAND_IN = "\U0010ffff"
# Graphs that take text run under this lock: of 75 processes forked while another thread ran a new graph, 4 hung
# (onnxruntime 1.32). With graphs that take ids none did.
_LOCK = fork_safe_lock()
_STAND_INS = dict.fromkeys(range(0xD800, 0xE000), STAND_IN)


class ONNXEngine:
    """Runs an ``.onnx`` file that takes ids or text and returns ``probabilities``, float32 (batch, labels).

    The only input is int32 ids, shape (batch, max_length), or strings, shape (batch,).
    """

    name = "onnx"
    accepts_unpadded = False
    vocabulary_size: int | None = None

    def __init__(self, model: bytes, *, max_length: int, threads: int = 1) -> None:
        """Build the session; see ``edgetext.engines.protocol.Engine``."""
        # onnxruntime 1.32 writes a device id to the user's cache folder and looks up a host of its vendor, unless this
        # is set before it is imported.
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
        try:
            import numpy
            import onnxruntime
        except ImportError as error:
            raise EngineError(
                f"engine onnx: onnxruntime is not installed or fails to import ({error}); {_remedy()}"
            ) from None
        if onnxruntime.__version__ == "1.21.0" and platform.machine() == "aarch64":
            # It crashes with an illegal instruction on a Raspberry Pi 4 when a session is built.
            raise EngineError(f"engine onnx: onnxruntime 1.21.0 crashes on this machine; {_remedy('to fix it')}")
        self._numpy = numpy
        self._model, self._max_length, self._threads = model, max_length, threads  # for copies
        self.runtime = f"onnxruntime {onnxruntime.__version__}"
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 3  # errors only
        # Spinning idle threads take processor time from everything else on a small device.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's own exceptions have no common base but this
            raise BundleError(f"{self.runtime} refuses the model: {str(error).splitlines()[0]}") from None
        inputs = self._session.get_inputs()
        self.takes_text = len(inputs) == 1 and inputs[0].type == "tensor(string)" and len(inputs[0].shape) == 1
        self._lock: Any = _LOCK if self.takes_text else nullcontext()
        ids = len(inputs) == 1 and inputs[0].type == "tensor(int32)" and inputs[0].shape[1:] == [max_length]
        if len(inputs) == 1 and inputs[0].shape and isinstance(inputs[0].shape[0], int):
            raise BundleError(f"the ONNX model takes {inputs[0].shape[0]} texts at a time, no more and no fewer")
        if not ids and not self.takes_text:
            raise BundleError(
                f"the ONNX model's input is neither one int32 tensor of shape (batch, {max_length}) nor one of text"
            )
        # A model that takes text also returns the label, which the classifier finds by itself.
        outputs = [output for output in self._session.get_outputs() if output.type == "tensor(float)"]
        if len(outputs) != 1 or not outputs[0].shape or not isinstance(outputs[0].shape[-1], int):
            raise BundleError("the ONNX model's output is not one float32 tensor of shape (batch, labels)")
        self._input, self._outputs = inputs[0].name, [outputs[0].name]
        self.num_outputs = outputs[0].shape[-1]

    def __reduce__(self) -> tuple[Any, ...]:
        from edgetext.copying import rebuild_with

        return rebuild_with(type(self), self._model, max_length=self._max_length, threads=self._threads)

    def predict(self, encoded: Sequence[Any]) -> list[list[float]]:
        """Score encoded texts, or texts; see ``edgetext.engines.protocol.Engine``."""
        if self.takes_text:
            texts = [_encodable(text) for text in encoded]
            batch = self._numpy.array(texts, dtype=object)  # (batch,); numpy's own string type would end at a NUL
        else:
            batch = self._numpy.array(encoded, dtype=self._numpy.int32)  # (batch, max_length)
        try:
            with self._lock:
                probabilities: list[list[float]] = self._session.run(self._outputs, {self._input: batch})[0].tolist()
        except Exception as error:  # onnxruntime's own exceptions have no common base but this
            raise BundleError(f"{self.runtime} cannot run the model: {str(error).splitlines()[0]}") from None
        return probabilities


def _remedy(purpose: str = "to install it") -> str:
    from edgetext.engines.machine import remedy  # only needed for errors

    return remedy("onnx", purpose)


def _encodable(text: str) -> str:
    """Return a text that UTF-8 can encode, with ``STAND_IN`` for each lone surrogate."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.translate(_STAND_INS)
    return text
