"""The ``tflite`` engine: a TensorFlow Lite interpreter from one of several packages."""

from __future__ import annotations

import importlib
import os

from edgetext.engines.process import fork_safe_lock
from edgetext.errors import BundleError, EngineError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

# The packages that have an interpreter, best first, and their modules. The first that works is used, which only shows
# when an interpreter is built: tflite-runtime 2.14 can be imported under numpy 2 and then fails.
RUNTIMES = (
    ("ai-edge-litert", "ai_edge_litert.interpreter"),
    ("tflite-runtime", "tflite_runtime.interpreter"),
    ("tensorflow", "tensorflow.lite.python.interpreter"),
)

# An interpreter has one set of tensors, so input and output of a call are handled under this lock. One lock for all
# interpreters costs nothing, because ai-edge-litert computes under Python's own.
_LOCK = fork_safe_lock()


class TFLiteEngine:
    """Runs a ``.tflite`` file that takes int32 ids, shape (batch, max_length), and returns float32 probabilities."""

    name = "tflite"
    accepts_unpadded = False
    takes_text = False
    vocabulary_size: int | None = None

    def __init__(self, model: bytes, *, max_length: int, threads: int = 1) -> None:
        """Build the interpreter; see ``edgetext.engines.protocol.Engine``."""
        self._model, self._max_length, self._threads = model, max_length, threads  # for copies
        self._package, self._interpreter = _build(model, threads)
        import numpy

        self._numpy = numpy
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        if len(inputs) != 1 or len(outputs) != 1:
            raise BundleError(f"the TFLite model has {len(inputs)} inputs and {len(outputs)} outputs, not one of each")
        (self._input,), (self._output,) = (d["index"] for d in inputs), (d["index"] for d in outputs)
        shape = list(inputs[0]["shape_signature"])
        if inputs[0]["dtype"] is not numpy.int32 or len(shape) != 2 or shape[1] != max_length:
            raise BundleError(f"the TFLite model's input is not int32 of shape (batch, {max_length})")
        if outputs[0]["dtype"] is not numpy.float32 or len(outputs[0]["shape"]) != 2:
            raise BundleError("the TFLite model's output is not float32 of shape (batch, labels)")
        self.num_outputs = int(outputs[0]["shape"][1])
        self._shape = tuple(inputs[0]["shape"])
        if shape[0] > 1:
            raise BundleError(f"the TFLite model takes {shape[0]} texts at a time, no more and no fewer")
        # A batch size that is fixed at 1, as in other tools' models, is not changed: the graph may rely on it.
        self._one_by_one = shape[0] == 1

    def __reduce__(self) -> tuple[Any, ...]:
        from edgetext.copying import rebuild_with

        return rebuild_with(type(self), self._model, max_length=self._max_length, threads=self._threads)

    @property
    def runtime(self) -> str:
        """The package in use and its version."""
        return f"{self._package} {_version(self._package)}"

    def predict(self, encoded: Sequence[Sequence[int]]) -> list[list[float]]:
        """Score encoded texts; see ``edgetext.engines.protocol.Engine``."""
        if self._one_by_one and len(encoded) > 1:
            return [self.predict([ids])[0] for ids in encoded]
        batch = self._numpy.array(encoded, dtype=self._numpy.int32)  # (batch, max_length)
        try:
            with _LOCK:
                return self._run(batch)
        except (RuntimeError, ValueError) as error:
            raise BundleError(f"{self.runtime} cannot run the model: {_first_line(error)}") from None

    def _run(self, batch: Any) -> list[list[float]]:
        """Score an array of ids, shape (batch, max_length); the caller holds the lock."""
        if batch.shape != self._shape:
            self._interpreter.resize_tensor_input(self._input, batch.shape)
            self._interpreter.allocate_tensors()
            self._shape = batch.shape
        self._interpreter.set_tensor(self._input, batch)
        self._interpreter.invoke()
        probabilities: list[list[float]] = self._interpreter.get_tensor(self._output).tolist()
        return probabilities


def _build(model: bytes, threads: int) -> tuple[str, Any]:
    """Build an interpreter with the first package that works, and return the package's name and the interpreter."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # mute TensorFlow's messages at start-up
    broken = []
    for package, module in RUNTIMES:
        try:
            runtime = importlib.import_module(module)
        except ImportError as error:
            if isinstance(error, ModuleNotFoundError) and error.name == module.split(".")[0]:
                continue  # simply not installed
            broken.append(f"{package} fails to import ({_first_line(error)})")
            continue
        try:
            interpreter = runtime.Interpreter(model_content=model, num_threads=threads)
            interpreter.allocate_tensors()
        except (SystemError, AttributeError, TypeError) as error:
            # The package's compiled part is incompatible with its environment; the model is not the cause.
            broken.append(f"{package} {_version(package)} does not work here ({_first_line(error)})")
            continue
        except (ValueError, RuntimeError) as error:
            raise BundleError(f"{package} {_version(package)} refuses the model: {_first_line(error)}") from None
        return package, interpreter
    from edgetext.engines.machine import remedy

    if broken:
        raise EngineError(f"engine tflite: {'; '.join(broken)}; {remedy('tflite', 'to fix it')}")
    raise EngineError(f"engine tflite: no TensorFlow Lite interpreter is installed; {remedy('tflite')}")


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version  # slow to import, and rarely needed

    try:
        return version(package)
    except PackageNotFoundError:
        return "(version unknown)"


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
