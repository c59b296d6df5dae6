"""What interop.py has Pythons do: score or time texts with a lone file, through edgetext or through another's runtime.

    python benchmarks/interop_peer.py RUNTIME FILE about
    python benchmarks/interop_peer.py RUNTIME FILE score TEXTS
    python benchmarks/interop_peer.py RUNTIME FILE time TEXTS

RUNTIME is one of ``RUNTIMES``; TEXTS is a file, a JSON list of strings. It prints one JSON object: the runtime's name
and what is installed for it, in bytes; or for each text its label and the probability of every label; or nanoseconds
for each text. An error is one line on standard error and exit code 2.

The standard library only, beside the runtime, and edgetext where that makes the ids.
"""

from __future__ import annotations

import json
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    Answer = tuple[str, Sequence[float]]  # a label, and the probability of every label
    Classify = Callable[[str], Answer]

_RUNTIME = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "runtime")
sys.path.insert(0, _RUNTIME)

# Texts that are classified before the first that is timed.
WARM_UP = 200


def edgetext(file: str) -> Classify:
    """Be edgetext itself, with the engine of that file of a bundle."""
    classify = _edgetext(file).classify

    def answer(text: str) -> Answer:
        prediction = classify(text)
        return prediction.label, list(prediction.probabilities.values())

    return answer


def _edgetext(file: str) -> Any:
    from edgetext import Bundle, Classifier

    if not file.endswith(".safetensors"):
        return Classifier.load(file)
    folder, name = os.path.split(file)  # which cannot be used alone
    model = next(model for model in Bundle.open(folder).models if model.file == name)
    return Classifier.load(folder, model.engine, recipe=model.recipe)


def litert(file: str) -> Classify:
    """Be LiteRT's interpreter, which is given ids."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=file, num_threads=1)
    interpreter.allocate_tensors()
    (given,), (found,) = interpreter.get_input_details(), interpreter.get_output_details()

    def run(rows: Any) -> list[float]:
        interpreter.set_tensor(given["index"], rows)
        interpreter.invoke()
        return _floats(interpreter.get_tensor(found["index"])[0])

    return _from_ids(file, run)


def onnxruntime_ids(file: str) -> Classify:
    """Be ONNX Runtime with a file that takes ids."""
    session = _session(file)
    (given,) = session.get_inputs()
    return _from_ids(file, lambda rows: _floats(session.run(None, {given.name: rows})[0][0]))


def _from_ids(file: str, run: Callable[[Any], list[float]]) -> Classify:
    """Classify with what takes int32 ids, shape (1, max_length): edgetext makes them."""
    import numpy

    from edgetext import Bundle

    bundle = Bundle.open(file)
    encode = bundle.encoder().encode

    def answer(text: str) -> Answer:
        probabilities = run(numpy.array([encode(text)], dtype=numpy.int32))
        return bundle.labels[probabilities.index(max(probabilities))], probabilities

    return answer


def onnxruntime_text(file: str) -> Classify:
    """Be ONNX Runtime with a file that takes text."""
    import numpy

    session = _session(file)

    def answer(text: str) -> Answer:
        labels, probabilities = session.run(["label", "probabilities"], {"text": numpy.array([text], dtype=object)})
        return labels[0], _floats(probabilities[0])

    return answer


def _session(file: str) -> Any:
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # before it is imported: see edgetext/engines/onnx.py
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def mediapipe(file: str) -> Classify:
    """Be MediaPipe's TextClassifier."""
    import atexit

    from mediapipe.tasks.python.text import TextClassifier

    classifier = TextClassifier.create_from_model_path(file)
    atexit.register(classifier.close)  # 1.2 complains at the end of the process if it was not closed

    def answer(text: str) -> Answer:
        categories = classifier.classify(text).classifications[0].categories  # the most probable comes first
        return categories[0].category_name, [one.score for one in sorted(categories, key=lambda one: one.index)]

    return answer


def _floats(values: Any) -> list[float]:
    return list(map(float, values))


# Name: how to load a file, and the package that does the work, if it is not edgetext.
RUNTIMES: dict[str, tuple[Callable[[str], Classify], str | None]] = {
    "edgetext": (edgetext, None),
    "litert": (litert, "ai-edge-litert"),
    "onnxruntime_ids": (onnxruntime_ids, "onnxruntime"),
    "onnxruntime_text": (onnxruntime_text, "onnxruntime"),
    "mediapipe": (mediapipe, "mediapipe"),
}


def about(package: str | None, file: str) -> dict[str, Any]:
    """Name a runtime, and give the bytes that are installed for it."""
    from importlib.metadata import version

    if package is not None:
        return {"runtime": f"{package} {version(package)}", "installed": sum(map(_size, closure(package)))}
    runtime = _edgetext(file).engine.runtime
    package = None if runtime == "edgetext" else runtime.split()[0]
    name = runtime if package is None else f"edgetext, {runtime}"
    own = sum(
        os.path.getsize(os.path.join(folder, name))
        for folder, _, names in os.walk(os.path.join(_RUNTIME, "edgetext"))
        for name in names
        if not name.endswith(".pyc")
    )
    return {"runtime": name, "installed": own + sum(map(_size, closure(package) if package else ()))}


def closure(package: str) -> Iterator[str]:
    """Give a package and all that it requires and that is installed here, extras apart."""
    import re
    from importlib.metadata import PackageNotFoundError, requires

    seen, left = set(), [package]
    while left:
        name = re.sub(r"[-_.]+", "-", left.pop()).lower()
        if name in seen:
            continue
        try:
            needed = requires(name) or []
        except PackageNotFoundError:  # for another system or Python, or the package itself is missing
            continue
        seen.add(name)
        yield name
        left += [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in needed if "extra ==" not in line]


def _size(package: str) -> int:
    """Give the bytes of a package's files, without byte code, which has no size in its list of them."""
    from importlib.metadata import files

    return sum(file.size or 0 for file in files(package) or ())


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    runtime, file, mode, *rest = sys.argv[1:] if argv is None else argv
    load, package = RUNTIMES[runtime]
    try:
        if mode == "about":
            result = about(package, file)
        else:
            with open(rest[0], encoding="utf-8") as source:
                texts = json.load(source)
            classify = load(file)
            result = {"times_ns": _time(classify, texts)} if mode == "time" else {"answers": list(map(classify, texts))}
    except (
        Exception
    ) as error:  # runtimes raise what they like; to the caller it is the reason why this one does not work
        print(f"error: {(str(error) or type(error).__name__).splitlines()[0]}", file=sys.stderr)
        return 2
    print(json.dumps(result))
    return 0


def _time(classify: Classify, texts: Sequence[str]) -> list[int]:
    clock = time.perf_counter_ns
    for text in texts[:WARM_UP]:
        classify(text)
    times = []
    for text in texts:
        before = clock()
        classify(text)
        times.append(clock() - before)
    return times


if __name__ == "__main__":
    sys.exit(main())
