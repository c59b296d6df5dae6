"""Names of columns that are recognised, in any case."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

TEXT_NAMES = (
    *("text", "body", "content", "message", "sentence", "review", "question", "comment", "description", "title"),
    *("headline", "tweet", "document", "utterance", "article", "abstract", "summary", "post", "email", "sms"),
)
LABEL_NAMES = (
    *("label", "labels", "class", "category", "target", "sentiment", "topic", "queue", "intent", "tag"),
    *("polarity", "stars"),
)


def find_column(names: Sequence[str], known: Sequence[str]) -> str | None:
    """Return the only name that is known, in any case, or the first of the known ones; None if there is neither."""
    found = [name for name in names if name.lower() in known]
    return found[0] if len(found) == 1 else known[0] if known[0] in names else None
