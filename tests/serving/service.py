"""A service in this process, and clients of it."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from typing import Any

from edgetext import Classifier
from edgetext.serving.address import listen
from edgetext.serving.answers import Answers
from edgetext.serving.server import Server

# Longer than anything takes that ends at all.
PATIENCE = 60


class Service:
    """A running service.

    Attributes:
        port: The port of 127.0.0.1 where it listens.
    """

    def __init__(self, classifier: Classifier) -> None:
        self._listeners = listen("0")
        self.port: int = self._listeners[0].getsockname()[1]
        self.server = Server(Answers(classifier))
        self._thread = threading.Thread(target=self.server.accept_until_stopped, args=(self._listeners,))
        self._thread.start()

    def stop(self) -> None:
        self.server.stop()
        self._thread.join(PATIENCE)
        for listener in self._listeners:
            listener.close()
        self.server.finish()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def ask(
        self, body: bytes | None, kind: str | None = None, method: str = "POST", path: str = "/", **headers: str
    ) -> tuple[int, Any]:
        """Send a request on a connection of its own, and return the status and the answer."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        client.request(method, path, body, {**fields, **({"Content-Type": kind} if kind else {})})
        answer = client.getresponse()
        content = answer.read()
        client.close()
        is_json = answer.headers["Content-Type"] == "application/json"
        return answer.status, json.loads(content) if is_json and content else content.decode()


def read_answer(client: socket.socket, method: str = "POST") -> tuple[int, dict[str, str], bytes]:
    """Read one answer from a connection, and not a byte more."""
    stream = client.makefile("rb", buffering=0)
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        char = stream.read(1)
        assert char, f"the connection ended after {head!r}"
        head += char
    status, *lines = head.decode().rstrip().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    body = b""
    while len(body) < int(headers.get("Content-Length", 0)):
        body += stream.read(int(headers["Content-Length"]) - len(body)) or b""
    return int(status.split()[1]), headers, body


def request(body: bytes, *lines: str) -> bytes:
    """Return the bytes of a request with a plain text."""
    return "\r\n".join(["POST / HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *lines, "", ""]).encode() + body
