"""The ``tflite`` engine: a TensorFlow Lite interpreter, from whichever package has one."""

from __future__ import annotations

import importlib
import os

from edgetext.engines.locking import fork_safe_lock
from edgetext.errors import BundleError, EngineError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

# Where an interpreter may come from, best first: the package and its module. The first that works is taken;
# whether one works shows only when it is built (tflite-runtime 2.14 imports under numpy 2 and then fails).
RUNTIMES = (
    ("ai-edge-litert", "ai_edge_litert.interpreter"),
    ("tflite-runtime", "tflite_runtime.interpreter"),
    ("tensorflow", "tensorflow.lite.python.interpreter"),
)

# An interpreter answers from its one set of tensors, so a row goes in and its answer comes out under this lock. One for
# all of them takes no time from anyone, for ai-edge-litert computes under Python's own.
_LOCK = fork_safe_lock()


class TFLiteEngine:
    """Runs a ``.tflite`` file whose input is int32 ids, shape (batch, max_length), and whose output is float32."""

    name = "tflite"
    ragged = False
    takes_text = False
    vocabulary_size: int | None = None

    def __init__(self, model: bytes, *, max_length: int, threads: int = 1) -> None:
        """Build the interpreter; see ``edgetext.engines.protocol.Engine``."""
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
            raise BundleError("the TFLite model's output is not float32 of shape (batch, classes)")
        self.columns = int(outputs[0]["shape"][1])
        self._shape = tuple(inputs[0]["shape"])
        if shape[0] > 1:
            raise BundleError(f"the TFLite model takes {shape[0]} texts at a time, no more and no fewer")
        # A batch that is fixed at 1, as in models of other tools, stays so: what follows may rely on it.
        self._one_by_one = shape[0] == 1

    @property
    def runtime(self) -> str:
        """The package in use, and its version."""
        return f"{self._package} {_version(self._package)}"

    def predict(self, rows: Sequence[Sequence[int]]) -> list[list[float]]:
        """Score rows of ids; see ``edgetext.engines.protocol.Engine``."""
        if self._one_by_one and len(rows) > 1:
            return [self.predict([row])[0] for row in rows]
        batch = self._numpy.array(rows, dtype=self._numpy.int32)  # (batch, max_length)
        try:
            with _LOCK:
                return self._run(batch)
        except (RuntimeError, ValueError) as error:
            raise BundleError(f"{self.runtime} cannot run the model: {_first_line(error)}") from None

    def _run(self, batch: Any) -> list[list[float]]:
        """Score an array of ids, shape (batch, max_length), while no other thread does."""
        if batch.shape != self._shape:
            self._interpreter.resize_tensor_input(self._input, batch.shape)
            self._interpreter.allocate_tensors()
            self._shape = batch.shape
        self._interpreter.set_tensor(self._input, batch)
        self._interpreter.invoke()
        probabilities: list[list[float]] = self._interpreter.get_tensor(self._output).tolist()
        return probabilities


def _build(model: bytes, threads: int) -> tuple[str, Any]:
    """Build an interpreter with the first package that can; give the package's name, and it."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # tensorflow's start-up notices are no news to our users
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
            # The package's compiled part and its surroundings do not fit each other; the model is not to blame.
            broken.append(f"{package} {_version(package)} does not work here ({_first_line(error)})")
            continue
        except (ValueError, RuntimeError) as error:
            raise BundleError(f"{package} {_version(package)} refuses the model: {_first_line(error)}") from None
        return package, interpreter
    from edgetext.engines.machine import remedy

    if broken:
        raise EngineError(f"engine tflite: {'; '.join(broken)}; {remedy('tflite', 'to mend it')}")
    raise EngineError(f"engine tflite: no TensorFlow Lite interpreter is installed; {remedy('tflite')}")


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version  # slow to import, and rarely asked for

    try:
        return version(package)
    except PackageNotFoundError:
        return "(version unknown)"


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
