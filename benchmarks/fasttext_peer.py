"""What peers.py has other Pythons do: those that have a fastText package, which the project itself does not need.

    python benchmarks/fasttext_peer.py train REVIEWS MODEL   needs fasttext-wheel: trains and quantises
    python benchmarks/fasttext_peer.py once MODEL TEXT       needs fasttext-predict: a one-shot command
    python benchmarks/fasttext_peer.py time MODEL TASK       needs fasttext-predict: edgetext and fastText in turns

The standard library and edgetext only, beside fastText. It prints one JSON object, or the label.
"""

from __future__ import annotations

import sys

# The published recipe for a small model: dimension 10, bigrams, 10,000 features kept (Joulin et al., "FastText.zip",
# 2016, and the fastText documentation on quantisation).
TRAINING = {"dim": 10, "wordNgrams": 2, "lr": 0.5, "epoch": 10, "minCount": 2, "thread": 2, "seed": 1}
QUANTIZING = {"cutoff": 10_000, "retrain": True, "qnorm": True}
ROUNDS = 5


def normalize(text: str) -> str:
    """Do what fastText's users do before they train and predict: lower case, on one line."""
    return text.lower().replace("\n", " ")


def once(model: str, text: str) -> int:
    """Classify one text."""
    import fasttext

    print(fasttext.load_model(model).predict(normalize(text))[0][0])
    return 0


def train(reviews: str, model: str) -> int:
    """Train on a file of JSON lines and quantise; print the size of the model in bytes."""
    import json
    import os
    import tempfile

    import fasttext

    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt") as target:
        with open(reviews, encoding="utf-8") as source:
            for record in map(json.loads, source):
                target.write(f"__label__{record['label']} {normalize(record['text'])}\n")
        target.flush()
        trained = fasttext.train_supervised(input=target.name, verbose=0, **TRAINING)
        trained.quantize(input=target.name, verbose=0, **QUANTIZING)
    trained.save_model(model)
    print(json.dumps({"size": os.path.getsize(model)}))
    return 0


def time(model: str, task: str) -> int:
    """Time both on the same texts, in one process and in turns, and print what came out.

    Args:
        model: The fastText model.
        task: A JSON file: ``bundle`` (a folder or null), ``texts``, and ``labels`` of all ``labelled`` texts.
    """
    import json
    import os
    import statistics
    import time

    sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "runtime"))
    import fasttext

    from edgetext import Classifier

    with open(task, encoding="utf-8") as file:
        given = json.load(file)
    classifier, peer = Classifier.load(given["bundle"], "builtin"), fasttext.load_model(model)
    calls = {
        "edgetext": lambda text: classifier.classify(text).label,
        "fasttext": lambda text: peer.predict(normalize(text))[0][0],
        "split": lambda text: text.lower().split(),
    }
    clock = time.perf_counter_ns
    times: dict[str, list[int]] = {name: [] for name in calls}
    for number in range(ROUNDS + 1):
        for index, text in enumerate(given["texts"]):
            # Each comes first as often as the others.
            order = list(calls.items())
            for name, call in order[index % 3 :] + order[: index % 3]:
                before = clock()
                call(text)
                if number:  # the first round warms up
                    times[name].append(clock() - before)
    bulk = {}
    for name, run in (
        ("edgetext", lambda: sum(1 for _ in classifier.classify_many(given["texts"]))),
        ("split", lambda: sum(1 for text in given["texts"] if text.lower().split() is not None)),
    ):
        rates = []
        for _ in range(ROUNDS):
            before = clock()
            rates.append(run() / (clock() - before) * 1e9)
        bulk[name] = round(statistics.median(rates))
    right = {
        name: sum(calls[name](text).endswith(label) for text, label in given["labelled"]) / len(given["labelled"])
        for name in ("edgetext", "fasttext")
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


if __name__ == "__main__":
    sys.exit({"train": train, "once": once, "time": time}[sys.argv[1]](*sys.argv[2:]))
