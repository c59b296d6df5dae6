"""``--top-words``: the words, pairs and triples with the largest weights for each label."""

from __future__ import annotations

import json
import sys

from edgetext.bundle import Bundle
from edgetext.command.explained import draw_bar, printable
from edgetext.command.messages import print_note
from edgetext.errors import EngineError, InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edgetext.command import Options


def print_top_words(options: Options) -> None:
    """Print those of a label, or of each, as lines or as JSON.

    Raises:
        BundleError: If the bundle is missing or damaged.
        EngineError: If its model has no weights of words.
        InputError: If there is no such label.
    """
    if not any(model.engine == "builtin" for model in Bundle.open(options.model).models):
        raise EngineError("--top-words needs a model for the engine builtin: export/to_safetensors.py adds one")
    classifier = options.load_classifier("builtin")
    try:
        found = classifier.top_words(options.top_words if isinstance(options.top_words, str) else None)
    except ValueError as error:
        raise InputError(str(error)) from None
    if classifier.ngrams is None:
        print_note("note: the bundle does not list pairs of words: train and export again to see them too")
    if options.json:
        print(json.dumps({label: [word._asdict() for word in words] for label, words in found.items()}))
        return
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    largest = max((word.weight for words in found.values() for word in words), default=1.0)
    for label, words in found.items():
        print(label)
        for word in words:
            print(f"  {word.weight:+8.3f}  {draw_bar(word.weight / largest)}  {printable(word.text)}")
