"""The requests of a connection: read within limits, answered, and counted."""

from __future__ import annotations

import io
import json
from email.errors import FirstHeaderLineIsContinuationDefect, MissingHeaderBodySeparatorDefect
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from itertools import chain
from time import monotonic

from edgetext.command.messages import print_note
from edgetext.errors import EdgetextError, describe
from edgetext.serving.answers import JSON, TEXT, Refused
from edgetext.serving.client import Client, TooLong
from edgetext.serving.metrics import CONTENT_TYPE
from edgetext.serving.reading import body_size, content_kind, has_body

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable, Iterator
    from typing import NoReturn

    from edgetext.serving.answers import Answers
    from edgetext.serving.connections import Connections

# Seconds that a client may take in all: for a request, answer included; before one; and for a refusal.
REQUEST_SECONDS, IDLE_SECONDS, REFUSAL_SECONDS = 30.0, 15.0, 2.0
# Seconds that a server which is being stopped waits for the request of a new connection.
STOPPING_SECONDS = 0.5
MOST_HEAD = 2**15
# What is discarded of a body that is not read.
MOST_DISCARDED = 2**26
# Answers from this size on are sent in pieces.
PIECE = 2**16
BROKEN_HEADERS = (FirstHeaderLineIsContinuationDefect, MissingHeaderBodySeparatorDefect)
ALLOWED = {"/": "POST", "/health": "GET, HEAD", "/metrics": "GET, HEAD"}


class Requests(BaseHTTPRequestHandler):
    """Serves the requests of a connection, one after the other; reading their heads is inherited."""

    protocol_version = "HTTP/1.1"

    def __init__(self, connection: socket.socket, answers: Answers, connections: Connections, is_refused: bool) -> None:
        """Serve them all; with ``is_refused`` answer the first with 503."""
        self._answers = answers
        self._connections = connections
        self._is_refused = is_refused
        self._client = Client(connection)
        super().__init__(connection, "", None)  # type: ignore[arg-type]  # it has no address and no server of its own

    def setup(self) -> None:
        """Make the reader of the connection; what is written goes through ``Client.send``."""
        self.connection = self.request
        self.rfile = io.BufferedReader(self._client)

    def finish(self) -> None:
        """Do nothing: the server closes the connection."""

    def handle_one_request(self) -> None:
        """Serve the next request; ``close_connection`` says whether it was the last."""
        self.close_connection = True
        if not self._wait():
            return
        self._begun = monotonic()
        self._has_unread, self._is_answered = True, False
        self.command = self.requestline = ""
        arrived = len(self.rfile.peek())  # type: ignore[attr-defined]
        self._client.allow(REFUSAL_SECONDS if self._is_refused else REQUEST_SECONDS, MOST_HEAD - arrived)
        try:
            self.raw_requestline = self.rfile.readline()
            if self.raw_requestline in (b"\r\n", b"\n"):  # some clients end a body with a line end too many
                self.raw_requestline = self.rfile.readline()
            if not self.parse_request():
                raise Refused(400, "not a request of HTTP/1.1")
            self._serve()
        except Exception as error:
            self._fail(error)
        if self._has_unread:
            self._client.linger(REFUSAL_SECONDS, MOST_DISCARDED)

    def _wait(self) -> bool:
        """Wait for a request, and return whether there is one."""
        with self._connections.idle(self.connection):
            self._client.allow(STOPPING_SECONDS if self._connections.is_stopping else IDLE_SECONDS, MOST_HEAD)
            try:
                return bool(self.rfile.peek(1))  # type: ignore[attr-defined]
            except OSError:
                return False

    def _serve(self) -> None:
        if self.request_version == "HTTP/0.9" or any(isinstance(one, BROKEN_HEADERS) for one in self.headers.defects):
            raise Refused(400, "not a request of HTTP/1.1")
        self._has_unread = self._is_refused or has_body(self.headers)
        if self._is_refused:
            raise Refused(503, "too many connections: try again later", {"Retry-After": "1"})
        path = self.path.partition("?")[0]
        allowed = ALLOWED.get(path)
        if allowed is None:
            raise Refused(404, f"nothing is here: POST texts to /, GET {' or '.join([*ALLOWED][1:])}")
        if self.command not in allowed.split(", "):
            raise Refused(405, f"{path} takes {allowed}", {"Allow": allowed})
        if path == "/":
            self._classify()
        elif path == "/health":
            self._send(200, JSON, b'{"status": "ok"}\n')
        else:
            self._send(200, CONTENT_TYPE, self._answers.metrics.show().encode())

    def _classify(self) -> None:
        size, kind = body_size(self.headers), content_kind(self.headers)
        with self._connections.hold_body(size) as is_allowed:
            if not is_allowed:
                raise Refused(503, "too many large requests: try again later", {"Retry-After": "1"})
            pieces = self._answers.answer(kind, self._read_body(size))
            self._send_pieces(JSON if kind == TEXT else kind, pieces)
        self._answers.metrics.count_seconds(monotonic() - self._begun)

    def _read_body(self, size: int) -> bytes:
        if self.headers.get("Expect", "").lower() == "100-continue":
            self._client.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._client.allow_bytes(size)
        body = self.rfile.read(size)
        if len(body) < size:
            if self._connections.is_stopping:
                raise Refused(503, "the service is stopping")
            raise Refused(400, f"the body ends after {len(body)} of {size} bytes")
        self._has_unread = False
        return body

    def _send_pieces(self, kind: str, pieces: Iterator[str]) -> None:
        """Send an answer: as a whole if it is short, else in chunks, or in HTTP/1.0 until the connection ends."""
        gathered = _gather(pieces)
        first, second = next(gathered), next(gathered, None)
        if second is None:
            self._send(200, kind, first)
            return
        is_chunked = self.request_version >= "HTTP/1.1"
        self.close_connection |= not is_chunked
        self._send_head(200, {"Content-Type": kind, **({"Transfer-Encoding": "chunked"} if is_chunked else {})})
        for piece in chain([first, second], gathered):
            self._client.send(b"%x\r\n%s\r\n" % (len(piece), piece) if is_chunked else piece)
        if is_chunked:
            self._client.send(b"0\r\n\r\n")

    def _send(self, status: int, kind: str, body: bytes, headers: dict[str, str] | None = None) -> None:
        headers = {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}
        self._send_head(status, headers, b"" if self.command == "HEAD" else body)

    def _send_head(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        """Send the head of an answer, and what follows it at once."""
        self._is_answered = True
        self.close_connection |= self._has_unread or self._connections.is_stopping
        self._answers.metrics.count_request(status)
        connection = "close" if self.close_connection else "keep-alive"
        headers = {"Date": self.date_time_string(), **headers, "Connection": connection}
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {headers[name]}" for name in headers)]
        self._client.send("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> NoReturn:
        """Refuse a request whose head cannot be read; the inherited methods call this."""
        raise Refused(code, message or HTTPStatus(code).phrase)

    def handle_expect_100(self) -> bool:
        """Continue: what the client waits for is sent before the body is read, if it is."""
        return True

    def _fail(self, error: Exception) -> None:
        """Answer a request that cannot be served, unless its answer has begun."""
        if isinstance(error, TimeoutError):
            error = Refused(408, f"the request took too long: at most {REQUEST_SECONDS:.0f} s")
        elif isinstance(error, TooLong):
            error = Refused(431, f"the head of the request is longer than {MOST_HEAD:,} bytes")
        elif isinstance(error, OSError):  # the client has gone
            self._is_answered = True
        elif not isinstance(error, Refused):
            known = isinstance(error, EdgetextError)
            print_note(f"error: {describe(error) if known else repr(error)}")
            error = Refused(500, describe(error) if known else "internal error: the service's log has a line")
        self.close_connection |= self._is_answered
        if isinstance(error, Refused) and not self._is_answered:
            self._client.allow(REFUSAL_SECONDS, 0)
            body = json.dumps({"error": str(error)}).encode() + b"\n"
            self._send(error.status, JSON, body, error.headers)


def _gather(pieces: Iterable[str]) -> Iterator[bytes]:
    """Join pieces, in UTF-8, to larger ones."""
    parts: list[bytes] = []
    size = 0
    for piece in pieces:
        parts.append(piece.encode())
        size += len(parts[-1])
        if size >= PIECE:
            yield b"".join(parts)
            parts, size = [], 0
    if parts:
        yield b"".join(parts)
