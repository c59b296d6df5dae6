"""Texts that hypothesis makes up. Where it is not installed, importing this is an ImportError."""

from __future__ import annotations

from hypothesis import configuration, settings
from hypothesis import strategies as st

from edgetext.text import RESERVED
from tests.runtime import RUNTIME
from tests.runtime.helpers import WORDS
from tests.runtime.oracle import SEPARATORS

configuration.set_hypothesis_home_dir(RUNTIME.parent / "build" / "hypothesis")
# Always the same texts, however long they take; the fuzz targets are what looks for new ones.
settings.register_profile("edgetext", derandomize=True, database=None, deadline=None, max_examples=300)
settings.load_profile("edgetext")

# What looks as if it stood for padding, for the start or for an unknown word, here and in other tools.
PADDING = [*RESERVED, "<OOV>", "<pad>", "[PAD]", "0", "1", "2"]
_KNOWN = [*WORDS, "GREAT", "Caf\u00e9", "CAF\u00c9", "\u03a3", "\u0130", "\u1e9e"]
_ODD = ["\r", "\v", "\f", "\0", "\x1c", "\x85", "\xa0", "\u2028", "\ud800", "\udfff", "\u0301", "\u200d", "\u202e", "'"]
_PIECES = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=8),  # lone surrogates too
    st.sampled_from([*_KNOWN, *PADDING]),
    st.sampled_from([*SEPARATORS, *_ODD]),
)
TEXTS = st.lists(_PIECES, max_size=40).map("".join)
