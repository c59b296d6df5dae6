"""The tokenisation of ``edgetext.text`` as regular expressions, for formats that hold one.

Both mean the same to RE2, to Python's ``re``, to JavaScript and to PCRE; the golden file of the tests pins them.
"""

from __future__ import annotations

import re

from edgetext.text import FILTERS

# The space and the characters that count as one; of these, only \ ] [ ^ - need a backslash within a class.
_CLASS = re.sub(r"([\\\]\[^-])", r"\\\1", f" {FILTERS}").replace("\t", r"\t").replace("\n", r"\n")
# What separates words, and what a word consists of, once A to Z are in lower case.
DELIMITER = f"[{_CLASS}]+"
WORD = f"[^{_CLASS}]+"
