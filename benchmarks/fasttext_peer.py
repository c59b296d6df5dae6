"""What peers.py has other Pythons do: those that have a fastText package, which the project itself does not need.

    python benchmarks/fasttext_peer.py train REVIEWS MODEL FORM  needs fasttext-wheel: trains and quantises
    python benchmarks/fasttext_peer.py once MODEL TEXT           needs fasttext-predict: a one-shot command
    python benchmarks/fasttext_peer.py time TASK                 needs fasttext-predict: edgetext and fastText in turns

FORM is how a text is prepared, for training and for predicting: one of ``FORMS``. The standard library and edgetext
only, beside fastText. It prints one JSON object, or the label.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "runtime"))

# The published recipe for a small model: dimension 10, bigrams, 10,000 features kept (Joulin et al., "FastText.zip",
# 2016, and the fastText documentation on quantisation).
TRAINING = {"dim": 10, "wordNgrams": 2, "lr": 0.5, "epoch": 5, "thread": 1}
QUANTIZING = {"cutoff": 10_000, "retrain": True, "qnorm": True}
ROUNDS = 5


def lower(text: str) -> str:
    """Prepare a text as little as can be: lower case, on one line."""
    return text.lower().replace("\n", " ")


def tokens(text: str) -> str:
    """Prepare a text as fastText's documentation advises, punctuation apart from words; here as edgetext does."""
    from edgetext.text import tokenize

    return " ".join(tokenize(text))


FORMS = {"lower": lower, "tokens": tokens}


def once(model: str, text: str) -> int:
    """Classify one text."""
    import fasttext

    print(fasttext.load_model(model).predict(lower(text))[0][0])
    return 0


def train(reviews: str, model: str, form: str) -> int:
    """Train on a file of JSON lines and quantise; print the size of the model in bytes."""
    import json
    import tempfile
    from hashlib import sha256

    import fasttext

    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt") as target:
        with open(reviews, encoding="utf-8") as source:
            # fastText takes texts as they come, so they are mixed.
            for record in sorted(map(json.loads, source), key=lambda record: sha256(record["id"].encode()).digest()):
                target.write(f"__label__{record['label']} {FORMS[form](record['text'])}\n")
        target.flush()
        trained = fasttext.train_supervised(input=target.name, verbose=0, **TRAINING)
        trained.quantize(input=target.name, verbose=0, **QUANTIZING)
    trained.save_model(model)
    print(json.dumps({"size": os.path.getsize(model)}))
    return 0


def time(task: str) -> int:
    """Time both on the same texts, in one process and in turns, and print what came out.

    Args:
        task: A JSON file: ``models``, the fastText model of each form; ``texts`` to time; and ``labelled`` texts with
            their labels.
    """
    import json
    import statistics
    import time

    import fasttext

    from edgetext import Classifier

    with open(task, encoding="utf-8") as file:
        given = json.load(file)
    classifier = Classifier.load(engine="builtin")
    calls: dict[str, Callable[[str], Any]] = {
        "edgetext": lambda text: classifier.classify(text).label,
        **{f"fasttext, {form}": _peer(fasttext.load_model(path), form) for form, path in given["models"].items()},
        "split": lambda text: text.lower().split(),
    }
    clock = time.perf_counter_ns
    times: dict[str, list[int]] = {name: [] for name in calls}
    for number in range(ROUNDS + 1):
        for index, text in enumerate(given["texts"]):
            # Each comes first as often as the others.
            order = list(calls.items())
            turn = index % len(order)
            for name, call in order[turn:] + order[:turn]:
                before = clock()
                call(text)
                if number:  # the first round warms up
                    times[name].append(clock() - before)
    whole: dict[str, Callable[[], int]] = {
        "edgetext": lambda: sum(1 for _ in classifier.classify_many(given["texts"])),
        "split": lambda: sum(1 for text in given["texts"] if text.lower().split() is not None),
    }
    bulk = {}
    for name, run in whole.items():
        rates = []
        for _ in range(ROUNDS):
            before = clock()
            rates.append(run() / (clock() - before) * 1e9)
        bulk[name] = round(statistics.median(rates))
    right = {
        name: sum(call(text).endswith(label) for text, label in given["labelled"]) / len(given["labelled"])
        for name, call in calls.items()
        if name != "split"
    }
    rows = [
        {
            "name": name,
            "median_us": round(statistics.median(values) / 1e3, 2),
            "p95_us": round(statistics.quantiles(values, n=20)[-1] / 1e3, 2),
            "calls": len(values),
        }
        for name, values in times.items()
    ]
    print(json.dumps({"rows": rows, "texts_per_second": bulk, "accuracy": right}))
    return 0


def _peer(model: Any, form: str) -> Callable[[str], str]:
    prepare, predict = FORMS[form], model.predict
    return lambda text: str(predict(prepare(text))[0][0])


COMMANDS: dict[str, Callable[..., int]] = {"train": train, "once": once, "time": time}

if __name__ == "__main__":
    sys.exit(COMMANDS[sys.argv[1]](*sys.argv[2:]))
