"""The table of code points, and the rule set that uses it, against the rules said again."""

from __future__ import annotations

import json
import re
import sys

import pytest
import unicodedataplus as unicode
from hypothesis import example, given
from hypothesis import strategies as st

from edgetext import characters
from edgetext.encoder import Encoder, Preprocessing
from edgetext.folding import fold_character
from edgetext.text import RESERVED, Words
from edgetext.vocabulary import Vocabulary
from tests.runtime.strategies import TEXTS
from tests.unicode import make_golden_words
from tests.unicode.unicode_rules import replacement, words_of
from train.encoding import make_characters

ODD = (
    "'\u2019\u02bc\u05f4\u05f3\xdf\xad\u0130\u0131\u03a3\u03c2\u200b\u200c\u200d\ufeff\u200f\ufe0f\U0001f44d\U0001f3fd\U0001f1e9\u2764\xa9"
    "\uff01\uff1f\u061f\xbf\xa1;\u055e\u203d\uff21\u6f22\u304b\u30fc\u30ab\u0e44\u0e17\u0e22\u103a\u0301\u0378\ud800:)(D;<3!?_-"
)
PIECES = st.one_of(TEXTS, st.text(ODD, max_size=12), st.sampled_from([":)", ":(", ":D", ";)", "<3", " '", "' ", "''"]))


# Texts of which only the characters beyond ASCII are replaced.
_ASCII = st.text("aBc '!?:)D-\n", min_size=24, max_size=40)
MOSTLY_ASCII = st.lists(st.tuples(_ASCII, st.sampled_from(ODD), _ASCII).map("".join), max_size=5).map("".join)
ENCODERS = [
    (Vocabulary([*RESERVED, "\u6f22", "a", "c'd", *("!" * marks)], Words(marks)), marks, end)
    for marks in (False, True)
    for end in ("pre", "post")
]


def test_the_table_is_what_its_script_makes() -> None:
    for target, content in make_characters.make_sources().items():
        assert target.read_text("utf-8") == content


def test_another_version_of_unicode_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make_characters, "UNICODE_VERSION", "15.0.0")
    with pytest.raises(RuntimeError, match=r"made from Unicode 15\.0\.0, not 16\.0\.0: pip install"):
        make_characters.make_sources()


@pytest.mark.slow
@pytest.mark.parametrize("marks", [False, True])
def test_every_code_point(marks: bool) -> None:
    for code in range(sys.maxunicode + 1):
        found = fold_character(code, marks)
        if (chr(found) if isinstance(found, int) else found) != replacement(chr(code), marks):
            pytest.fail(f"U+{code:04X}: {found!r}, not {replacement(chr(code), marks)!r}")


def test_the_golden_file_is_what_its_script_makes() -> None:
    content = make_golden_words.GOLDEN.read_text("utf-8")
    assert make_golden_words.make_content(content) == content
    cases = json.loads(content)["cases"]
    scripts = {unicode.script(char) for case in cases for char in case["text"]}
    assert len(scripts - {"Common", "Inherited", "Unknown"}) >= 20


def test_the_table_is_small() -> None:
    assert len(characters.STARTS) == len(characters.ACTIONS) < 1_500
    assert make_characters.TARGET.stat().st_size < 16_000


@given(st.text(st.sampled_from("aB1_' \n-!?.:;<3)(D"), max_size=30), st.booleans())
def test_ascii_text_as_an_expression(text: str, marks: bool) -> None:
    """The guide to ports has this expression."""
    emoticons = r":[()]|;\)|:D\b|<3\b|[!?]|" if marks else ""
    found = re.findall(emoticons + "[0-9A-Za-z]+(?:'[0-9A-Za-z]+)*", text, re.ASCII)
    assert Words(marks).tokenize(text) == [word if word == ":D" else word.lower() for word in found]


@given(st.lists(PIECES, max_size=12).map("".join) | MOSTLY_ASCII, st.booleans())
@example("'rock 'n' roll' isn''t it's' '\u2019tis '", True)
@example(":D :Da :D_ <3 <30 x:) ;););( :D<3", True)
def test_words(text: str, marks: bool) -> None:
    rules = Words(marks)
    words = rules.tokenize(text)
    assert words == words_of(text, marks)
    # What it makes are words for it.
    assert rules.tokenize(" ".join(words)) == words


@given(
    st.lists(PIECES | st.text("\u6f22\u5b57\u3001 a'\xad!\u2019:)", max_size=20), max_size=6).map("".join),
    st.integers(1, 40),
)
@example("\u6f22a\xadb\u5b57'\u5b57c'd\u6f22!:D", 9)
def test_ids(text: str, length: int) -> None:
    """Also of texts of which most characters are words, which take another way to their ids."""
    for vocabulary, marks, end in ENCODERS:
        encoder = Encoder(vocabulary, Preprocessing(length, end, vocabulary.rules))
        encoder.ids("a " * 20)  # what follows uses the table of the vocabulary
        ids = [1, *(vocabulary.ids.get(word, 2) for word in words_of(text, marks))]
        assert encoder.ids(text) == ids
        assert encoder.truncate(text) == (ids[:length] if end == "post" else ids[-length:])
