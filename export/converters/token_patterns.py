"""The tokenisation of ``edgetext.text`` as regular expressions, for file formats that store one.

Both mean the same in RE2, Python, JavaScript and PCRE. The tests check them against the golden token ids.
"""

from __future__ import annotations

import re

from edgetext.text import FILTERS

# The space and the characters treated like it, escaped for a character class: only \ ] [ ^ - need a backslash there.
_SEPARATORS = re.sub(r"([\\\]\[^-])", r"\\\1", f" {FILTERS}").replace("\t", r"\t").replace("\n", r"\n")

# What separates tokens, and what a token consists of, after A to Z were lower-cased.
DELIMITER = f"[{_SEPARATORS}]+"
TOKEN = f"[^{_SEPARATORS}]+"
