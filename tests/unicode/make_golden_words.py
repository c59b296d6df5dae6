"""Fill in all but the texts in ``tests/runtime/golden_words.json``, by ``unicode_rules`` and ``golden_model``.

    python -m tests.unicode.make_golden_words

The texts stay as they are: to add one, add ``{"text": "..."}`` to the cases. A text whose words depend on ``marks`` has
a case for each value.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from edgetext.text import EMOTICONS, RESERVED, Words
from tests.unicode.golden_model import MODEL, logit, sigmoid, softmax
from tests.unicode.unicode_rules import items_of, ngrams_of, words_of

GOLDEN = Path(__file__).parent.parent / "runtime" / "golden_words.json"
MARKS = ("!", "?", *EMOTICONS)
ABOUT = (
    "The contract for every port of the rule set words-1: text to words to ids, start mark first, neither truncated "
    "nor padded. Cases with marks use the vocabulary followed by the words in marks. ngrams are the ids that follow "
    "with the settings in characters. probability is that of a model of words and bigrams, for the second of two "
    "labels; probability_trigrams that of a model with trigrams too; probabilities those of a model of words, bigrams "
    "and character n-grams, for three labels: all within tolerance, as C's %a writes them. "
    "runtime/guides/porting.md describes all of this."
)
CHARACTERS = {"shortest": 2, "longest": 5, "buckets": 4096, "most": 64}


def main() -> int:
    """Write the file."""
    GOLDEN.write_text(make_content(GOLDEN.read_text("utf-8")), encoding="utf-8")
    print(f"wrote {GOLDEN}")
    return 0


def make_content(content: str) -> str:
    """Return the content of the file, from the texts that it has."""
    texts = dict.fromkeys(case["text"] for case in json.loads(content)["cases"])
    found = {text: [words_of(text, marks) for marks in (False, True)] for text in texts}
    # Every third word is unknown. Lone surrogates, which UTF-8 cannot encode, are in no word.
    every = dict.fromkeys(word for plain, _ in found.values() for word in plain)
    vocabulary = [*RESERVED, *(word for place, word in enumerate(every) if place % 3 != 2)]
    ids = {word: index for index, word in enumerate([*vocabulary, *MARKS])}
    cases: list[dict[str, Any]] = []
    for text, variants in found.items():
        for marks, words in enumerate(variants):
            if not marks or words != variants[0]:
                known = {*vocabulary, *(MARKS if marks else ())}
                case = {"text": text, "marks": bool(marks), "words": words}
                numbers = [1, *(ids.get(word, 2) for word in words)]
                ngrams = ngrams_of(items_of(text, words, known, bool(marks)), CHARACTERS, len(known))
                cases.append({**case, "ids": numbers, "ngrams": ngrams, **score(numbers, ngrams, len(known))})
    head: dict[str, Any] = {"about": ABOUT, "tokenizer": Words.name, "vocabulary": vocabulary, "marks": list(MARKS)}
    head |= {"characters": CHARACTERS, "model": MODEL}
    lines = [f" {json.dumps(name)}: {json.dumps(value)},\n" for name, value in head.items()]
    return "{\n" + "".join(lines) + ' "cases": [\n  ' + ",\n  ".join(map(json.dumps, cases)) + "\n ]\n}\n"


def score(ids: list[int], ngrams: list[int], first: int) -> dict[str, Any]:
    """Return the probabilities of a case."""
    logits = [logit(ids, [number - first for number in ngrams], output) for output in range(len(MODEL["bias"]))]
    return {
        "probability": sigmoid(logit(ids, [], 0)).hex(),
        "probability_trigrams": sigmoid(logit(ids, [], 0, "trigram_multipliers")).hex(),
        "probabilities": [value.hex() for value in softmax(logits)],
    }


if __name__ == "__main__":
    sys.exit(main())
