"""Names of columns that are recognised, in any case."""

from __future__ import annotations

TEXT_NAMES = (
    *("text", "body", "content", "message", "sentence", "review", "question", "comment", "description", "title"),
    *("headline", "tweet", "document", "utterance", "article", "abstract", "summary", "post", "email", "sms"),
)
LABEL_NAMES = (
    *("label", "labels", "class", "category", "target", "sentiment", "topic", "queue", "intent", "tag"),
    *("polarity", "stars"),
)
