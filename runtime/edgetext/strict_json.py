"""Strict JSON: duplicate keys, ``NaN`` and ``Infinity`` are errors.

``json`` is not imported unless a document is wrong: it imports ``re``, and together they take 25 million ARM
instructions, where starting Python takes 27 and everything else in a one-shot command 7. The function that does the
work, ``_json.make_scanner``, is written in C and available without them. It takes its settings from the attributes of
the object that it is given, as ``json.JSONDecoder`` sets them.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def parse_json(content: bytes) -> Any:
    """Parse a JSON document in UTF-8.

    Raises:
        ValueError: If it is not JSON or not UTF-8, an object has a key twice (two readers would see two documents), or
            it contains ``NaN`` or ``Infinity``.
        RecursionError: If it is nested too deeply.
    """
    text = content.decode("utf-8").strip(" \t\n\r")
    try:
        from _json import make_scanner

        value, end = make_scanner(_Settings)(text, 0)  # type: ignore[arg-type]  # any object with these attributes
        if end == len(text):
            return value
    except (ImportError, StopIteration, SystemError):
        pass  # Python 3.10 and 3.11 raise SystemError for a wrong document unless json.decoder is imported
    import json  # reports where the error is, and works in Pythons other than CPython

    return json.loads(text, object_pairs_hook=unique_keys, parse_constant=refuse_constant)


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object of these keys and values; ValueError if a key occurs twice."""
    record = dict(pairs)
    if len(record) != len(pairs):
        raise ValueError("a key occurs twice")
    return record


def refuse_constant(name: str) -> Any:
    """Raise ValueError for ``NaN`` or ``Infinity``."""
    raise ValueError(f"{name} is not JSON")


class _Settings:
    """The attributes of a ``json.JSONDecoder`` that its scanner reads."""

    strict = True
    object_hook = None
    object_pairs_hook = staticmethod(unique_keys)
    parse_float = float
    parse_int = int
    parse_constant = staticmethod(refuse_constant)
