"""Fill in the words and ids in ``tests/runtime/golden_words.json``, by the rules as ``unicode_rules`` has them.

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
from tests.unicode.unicode_rules import words_of

GOLDEN = Path(__file__).parent.parent / "runtime" / "golden_words.json"
MARKS = ("!", "?", *EMOTICONS)
ABOUT = (
    "The contract for every port of the rule set words-1: text to words to ids, start mark first, neither truncated "
    "nor padded. Cases with marks use the vocabulary followed by the words in marks."
)


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
                numbers = [1, *(ids.get(word, 2) for word in words)]
                cases.append({"text": text, "marks": bool(marks), "words": words, "ids": numbers})
    head = {"about": ABOUT, "tokenizer": Words.name, "vocabulary": vocabulary, "marks": list(MARKS)}
    lines = [f" {json.dumps(name)}: {json.dumps(value)},\n" for name, value in head.items()]
    return "{\n" + "".join(lines) + ' "cases": [\n  ' + ",\n  ".join(map(json.dumps, cases)) + "\n ]\n}\n"


if __name__ == "__main__":
    sys.exit(main())
