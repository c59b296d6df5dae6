"""JSON of manifests and model files: read strictly, and without importing ``json``, which takes longer than the rest.

``json`` imports ``re``: 3 of the 12 ms that an empty Python takes, where a one-shot command may take 5 in all. The C
function that does its work, ``_json.make_scanner``, is there without it; Pythons that lack it get ``json``.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def parse(content: bytes) -> Any:
    """Read a JSON document.

    Args:
        content: UTF-8.

    Raises:
        ValueError: It is not JSON or not UTF-8, an object has a key twice (two readers would see two documents), or
            it holds ``NaN`` or ``Infinity``.
        RecursionError: It is nested too deeply.
    """
    text = content.decode("utf-8").strip(" \t\n\r")
    try:
        from _json import make_scanner

        value, end = make_scanner(_Settings)(text, 0)  # type: ignore[arg-type]  # any object with these names
        if end == len(text):
            return value
    except (ImportError, StopIteration):
        pass
    import json  # for an error that says where it is, or for another Python than CPython

    return json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_refuse)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise ValueError("a key occurs twice")
    return record


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


class _Settings:
    """What a ``json.JSONDecoder`` hands to its scanner."""

    strict = True
    object_hook = None
    object_pairs_hook = staticmethod(_unique_keys)
    parse_float = float
    parse_int = int
    parse_constant = staticmethod(_refuse)
