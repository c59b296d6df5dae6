"""The JSON fields of predictions."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from edgetext.command.ranking import Ranking
    from edgetext.prediction import Prediction


def fields(prediction: Prediction, ranking: Ranking | None) -> dict[str, Any]:
    """Return the JSON fields that a prediction adds, by name."""
    return {**prediction.as_dict(), **(ranking.field(prediction) if ranking else {})}


def dump(value: dict[str, Any]) -> str:
    """Return JSON with non-ASCII letters unescaped, unless that would not be UTF-8 (lone surrogates)."""
    import json  # slow to import, and rarely needed

    content = json.dumps(value, ensure_ascii=False)
    return content if is_utf8(content) else json.dumps(value)


def is_utf8(text: str) -> bool:
    """Return whether a text can be written as UTF-8; one read from other bytes contains lone surrogates."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
