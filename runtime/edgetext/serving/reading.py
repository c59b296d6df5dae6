"""What the headers of a request say of its body."""

from __future__ import annotations

from edgetext.serving.answers import JSON, LINES, TEXT, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from email.message import Message

MOST_BODY = 2**24
_OF_CURL = "application/x-www-form-urlencoded"  # what curl sends unless it is told otherwise


def has_body(headers: Message) -> bool:
    """Return whether bytes follow the headers that are part of the request."""
    return "Transfer-Encoding" in headers or headers.get("Content-Length", "0") != "0"


def body_size(headers: Message) -> int:
    """Return the size of the body in bytes.

    Raises:
        Refused: If it is not known or too large.
    """
    if "Transfer-Encoding" in headers:
        raise Refused(411, "a body in chunks is not read: send Content-Length")
    lengths = set(headers.get_all("Content-Length", []))
    if not lengths:
        raise Refused(411, "send Content-Length, the size of the body in bytes")
    length = lengths.pop()
    if lengths or not (length.isascii() and length.isdigit()):
        raise Refused(400, "Content-Length must be one whole number")
    if len(length) > 20 or int(length) > MOST_BODY:
        raise Refused(413, f"a request has at most {MOST_BODY:,} bytes: send several")
    return int(length)


def content_kind(headers: Message | Mapping[str, str]) -> str:
    """Return the type of the body: ``TEXT``, also if none is given, ``JSON`` or ``LINES``.

    Args:
        headers: The headers; upper and lower case are the same in their names.

    Raises:
        Refused: If it is another one, not in UTF-8, or compressed.
    """
    kind, *parameters = [part.strip().lower() for part in headers.get("Content-Type", TEXT).split(";")]
    if kind not in (TEXT, JSON, LINES):
        hint = f"; for curl add -H 'Content-Type: {TEXT}'" if kind == _OF_CURL else ""
        raise Refused(415, f"Content-Type must be {TEXT}, {JSON} or {LINES}, not {kind or 'empty'}{hint}")
    for name, _, value in (parameter.partition("=") for parameter in parameters):
        if name == "charset" and value.strip('"') not in ("utf-8", "utf8", "us-ascii"):
            raise Refused(415, f"the charset must be utf-8, not {value}")
    if headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Refused(415, "a compressed body is not read: leave out Content-Encoding")
    return kind
