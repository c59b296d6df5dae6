"""A movie review."""

from __future__ import annotations

from typing import NamedTuple


class Review(NamedTuple):
    """A review.

    Attributes:
        id: Its name in the archive, below ``aclImdb/``.
        label: One of ``layout.LABELS``; None for an unlabelled review.
        text: The text, unchanged.
        movie: The movie's number at imdb.com; None if the source does not name it.
    """

    id: str
    label: str | None
    text: str
    movie: str | None = None
