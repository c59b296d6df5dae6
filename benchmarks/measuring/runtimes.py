"""The runtimes that program.py measures, and how each loads a model; packages are imported then. Python 3.9."""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    Answer = tuple[str, Sequence[float]]  # a label, and the probability of every label, if the runtime has them
    Classify = Callable[[str], Answer]


def load_edgetext(argument: str) -> Any:
    """Return edgetext's classifier; the argument is ``"ENGINE RECIPE [PATH]"``, the shipped bundle without a path."""
    from edgetext import Classifier

    engine, recipe, *path = argument.split(" ", 2)
    return Classifier.load(path[0] if path else None, engine, recipe=recipe)


def can_explain(classifier: Any) -> bool:
    """Return whether a classifier of edgetext has explanations."""
    from edgetext import EngineError

    try:
        classifier.explain("")
    except EngineError:
        return False
    return True


def edgetext(argument: str) -> Classify:
    """Classify with edgetext; the argument is as for ``load_edgetext``."""
    classify = load_edgetext(argument).classify

    def answer(text: str) -> Answer:
        prediction = classify(text)
        return prediction.label, list(prediction.probabilities.values())

    return answer


def onnxruntime_text(file: str) -> Classify:
    """Classify with ONNX Runtime and a file that takes text."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # before the import: see edgetext/engines/onnx.py
    import numpy
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

    def answer(text: str) -> Answer:
        labels, probabilities = session.run(["label", "probabilities"], {"text": numpy.array([text], dtype=object)})
        return labels[0], list(map(float, probabilities[0]))

    return answer


def mediapipe(file: str) -> Classify:
    """Classify with MediaPipe's TextClassifier."""
    import atexit

    from mediapipe.tasks.python.text import TextClassifier

    classifier = TextClassifier.create_from_model_path(file)
    atexit.register(classifier.close)  # 1.2 complains at the end of the process if it was not closed

    def answer(text: str) -> Answer:
        categories = classifier.classify(text).classifications[0].categories  # the most probable comes first
        return categories[0].category_name, [one.score for one in sorted(categories, key=lambda one: one.index)]

    return answer


def _tokens(text: str) -> str:
    from edgetext.keras_imdb import KERAS_IMDB

    return " ".join(KERAS_IMDB.tokenize(text))


# How a text is prepared for fastText: as little as it needs, or into the words of keras-imdb.
FORMS: dict[str, Callable[[str], str]] = {
    "lower case": lambda text: text.lower().replace("\n", " "),
    "tokens": _tokens,
}


def fasttext(argument: str) -> Classify:
    """Classify with fastText; the argument is ``"FORM:FILE"``."""
    import fasttext

    form, _, file = argument.partition(":")
    prepare, predict = FORMS[form], fasttext.load_model(file).predict

    def answer(text: str) -> Answer:
        labels, scores = predict(prepare(text))
        return labels[0].replace("__label__", ""), list(map(float, scores))

    return answer


def scikit_learn(folder: str) -> Classify:
    """Classify with a linear model over tf-idf features, as ``linear_models.save`` wrote it: no pickle is read."""
    import numpy
    from sklearn.feature_extraction.text import TfidfVectorizer

    with open(os.path.join(folder, "model.json"), encoding="utf-8") as file:
        described = json.load(file)
    settings = {**described["settings"], "ngram_range": tuple(described["settings"]["ngram_range"])}
    vectorizer = TfidfVectorizer(**settings, vocabulary=described["vocabulary"])
    with numpy.load(os.path.join(folder, "weights.npz"), allow_pickle=False) as arrays:
        vectorizer.idf_, weights, bias = arrays["idf"], arrays["weights"], float(arrays["bias"])
    labels = described["labels"]

    def answer(text: str) -> Answer:
        features = vectorizer.transform([text])  # sparse, (1, n-grams)
        return labels[int((features @ weights)[0] + bias > 0)], []

    return answer


# Name: how to load a model, and the package that does the work, if it is not edgetext.
RUNTIMES: dict[str, tuple[Callable[[str], Classify], str | None]] = {
    "edgetext": (edgetext, None),
    "onnxruntime_text": (onnxruntime_text, "onnxruntime"),
    "mediapipe": (mediapipe, "mediapipe"),
    "fasttext": (fasttext, "fasttext-predict"),
    "scikit_learn": (scikit_learn, "scikit-learn"),
}


def load(runtime: str, argument: str) -> Classify:
    """Load a model in a runtime."""
    return RUNTIMES[runtime][0](argument)


def describe(runtime: str, argument: str) -> dict[str, Any]:
    """Return the runtime's name with its version, and the bytes that are installed for it."""
    from importlib.metadata import version

    package = RUNTIMES[runtime][1]
    if package is not None:
        return {"runtime": f"{package} {version(package)}", "installed": installed_size(package)}
    import edgetext

    name = load_edgetext(argument).engine.runtime
    walked = os.walk(os.path.dirname(edgetext.__file__))
    own = [os.path.join(folder, file) for folder, _, files in walked for file in files if not file.endswith(".pyc")]
    size = sum(map(os.path.getsize, own))
    if name == "edgetext":
        return {"runtime": name, "installed": size}
    return {"runtime": f"edgetext, {name}", "installed": size + installed_size(name.split()[0])}


def installed_size(package: str) -> int:
    """Return the bytes of a package and its requirements, without extras and without byte code."""
    import re
    from importlib.metadata import PackageNotFoundError, distribution

    seen, left, size = set(), [package], 0
    while left:
        name = re.sub(r"[-_.]+", "-", left.pop()).lower()
        if name in seen:
            continue
        seen.add(name)
        try:
            found = distribution(name)
        except PackageNotFoundError:  # for another system or Python, or the package itself is missing
            continue
        size += sum(file.size or 0 for file in found.files or ())  # the list has no size of byte code
        left += [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in found.requires or () if "extra ==" not in line]
    return size
