"""Fuzz scoring: for every string, the row and the prediction match the oracle.

python -m tests.fuzz.fuzz_text [OPTIONS OF LIBFUZZER] [CORPUS]
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["edgetext"]):
    import edgetext.folding
    import edgetext.text
    from edgetext import Classifier
    from edgetext.encoder import Encoder, Preprocessing
    from edgetext.keras_imdb import KerasIMDB
    from edgetext.ngrams import Characters
    from edgetext.text import RESERVED, Words
    from edgetext.vocabulary import Vocabulary

    _CLASSIFIER = Classifier.load(engine="builtin")

from tests.fuzz.driver import start
from tests.runtime.helpers import VOCABULARY
from tests.runtime.oracle import check, row_of, words_of
from tests.unicode import unicode_rules

# atheris makes characters of one, two or four bytes, depending on the first byte.
SEEDS = [
    b"\x01GREAT movie, bad <PAD> <START> the\r\x0bthe\0end" + b" great" * 50,
    b"\x02" + "caf\u00e9 CAF\u00c9\u0301\u05d0\u2028\u03a3".encode("utf-16-le"),
    b"\x02" + "\u6f22a\u6f22 \u0e01\u0e49 it\u2019s! :) x\xady".encode("utf-16-le"),
    b"\x03" + "\U0001f468\u200d great \U0010ffff".encode("utf-32-le"),
]


def fuzz(content: bytes) -> None:
    """Try one string."""
    provider = atheris.FuzzedDataProvider(content)
    lowercase, end = provider.PickValueInList(["ascii", "unicode"]), provider.PickValueInList(["pre", "post"])
    length = provider.ConsumeIntInRange(1, 12)
    edgetext.text.LONG_TEXT = edgetext.folding.PIECE = provider.PickValueInList([1, 3, 2**17])
    shortest = provider.ConsumeIntInRange(1, 4)
    characters = Characters(shortest, provider.ConsumeIntInRange(shortest, 5), 64, provider.ConsumeIntInRange(1, 40))
    text = provider.ConsumeUnicode(sys.maxsize)  # lone surrogates too
    assert KerasIMDB(lowercase).tokenize(text) == words_of(text, lowercase)
    row = Encoder(VOCABULARY, Preprocessing(length, end, KerasIMDB(lowercase))).encode(text)
    assert row == row_of(text, VOCABULARY.ids, length, end, lowercase)
    for rules in (Words(marks=False), Words(marks=True)):
        words = unicode_rules.words_of(text, rules.marks)
        assert rules.tokenize(text) == words
        encoder = Encoder(Vocabulary([*RESERVED, "a", "\u6f22", "\u0e01"], rules), Preprocessing(length, end, rules))
        encoder.ids("a " * 20)  # what follows uses the table of the vocabulary
        ids = [1, *(encoder.vocabulary.ids.get(word, 2) for word in words)]
        assert encoder.truncate(text) == (ids[:length] if end == "post" else ids[-length:])
        encoder = Encoder(encoder.vocabulary, Preprocessing(length, "post", rules, characters))
        items = unicode_rules.items_of(text, words[: length - 1], encoder.vocabulary.ids, rules.marks)
        ngrams = unicode_rules.ngrams_of(items, characters.to_json(), len(encoder.vocabulary))
        assert encoder.truncate(text) == ids[:length] + ngrams
        assert len(encoder.encode(text)) == length + characters.most
    check(_CLASSIFIER, text)


if __name__ == "__main__":
    start(fuzz, SEEDS)
