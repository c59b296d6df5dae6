"""A run with the rule set ``words-1``, made from another run without training it again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from edgetext.text import EMOTICONS, RESERVED, Words
from edgetext.vocabulary import Vocabulary
from train.encoding.vocabulary import find_spellings


def make_words_run(source: Path, folder: Path, *, marks: bool = False, changed: float = 0.0) -> Path:
    """Copy a run, with other words in the place of those that the rule set does not have.

    ``changed`` is the share of labels that training measured for MediaPipe and ONNX Runtime.
    """
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("ngrams.txt", "validation.npz"))
    rules = Words(marks)
    tokens = (source / "vocab.txt").read_bytes().decode().split("\n")[len(RESERVED) : -1]
    others = [word for word in ("!", "?", *EMOTICONS, "\u00e9t\u00e9", "\U0001f60d") if rules.tokenize(word) == [word]]
    tokens[-len(others) :] = others
    kept = [token if rules.tokenize(token) == [token] else f"zz{place}" for place, token in enumerate(tokens)]
    vocabulary = Vocabulary([*RESERVED, *kept], rules)
    (folder / "vocab.txt").write_bytes(vocabulary.to_bytes())
    before = (source / "spellings.txt").read_bytes().decode().split("\n")
    spellings = find_spellings([*before, *kept, "\u00c9t\u00e9"], vocabulary, rules, 20_000)
    (folder / "spellings.txt").write_bytes("".join(f"{spelling}\n" for spelling in spellings).encode())
    config = json.loads((source / "config.json").read_text("utf-8"))
    config["preprocessing"] |= {"tokenizer": rules.name, **rules.variant}
    config["preprocessing"].pop("lowercase", None)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    metrics = json.loads((source / "metrics.json").read_text("utf-8"))
    metrics["tokenizers"] = {"mediapipe": changed, "onnx": changed, "texts": 25_000}
    (folder / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    return folder
