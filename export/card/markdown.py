"""Writing names and labels, which may contain anything, into Markdown and its front matter."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

# The most labels that a card lists.
SHOWN_LABELS = 20


def escape(text: str) -> str:
    """Return text for Markdown that shows as it is: neither HTML nor marks have an effect."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return re.sub(r"([\\`*_{}\[\]|~$])", r"\\\1", shown).replace("&", "&amp;").replace("<", "&lt;")


def code(text: str) -> str:
    """Return text in a code span, in a table too."""
    if re.search(r"[`|\\]|^\s|\s$|^$", text) or not text.isprintable():
        return f"“{escape(text)}”"
    return f"`{text}`"


def quote(value: Any) -> str:
    """Return a string or number as YAML, of which JSON is a part, except for the characters that YAML must escape."""
    written = json.dumps(value, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in written)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table whose first column is aligned left, and the others right; columns without a value are left out."""
    marks = ["---", *["---:"] * (len(head) - 1)]
    kept = [place for place in range(len(head)) if any(row[place] for row in rows)]
    return "\n".join(f"| {' | '.join(row[place] for place in kept)} |" for row in (head, marks, *rows))
