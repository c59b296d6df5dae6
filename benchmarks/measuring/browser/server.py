"""A server of files on this machine that takes as little time as it can, so that it is not what a browser waits for."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

# Anything else is bytes: mimetypes takes .etx for a kind of text, which browsers would decode.
TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
}


class Server:
    """A server of files.

    Attributes:
        url: Where it is, without a slash at the end.
        served: The files that were asked for, by path; clear it at will.
    """

    def __init__(self, folders: Mapping[str, Path], headers: Mapping[str, str]) -> None:
        self.url = ""
        self.served: dict[str, Path] = {}
        self._folders = folders
        self._headers = headers
        self._read = functools.cache(Path.read_bytes)

    def answer(self, target: str) -> bytes:
        """Return the response to a request for the target of a URL: its path, perhaps with a query."""
        path = unquote(urlsplit(target).path)
        first, _, rest = path[1:].partition("/")
        known = f"/{first}" in self._folders
        place = self._folders[f"/{first}"] if known else self._folders.get("", Path("/nowhere"))
        file = (place / (rest if known else path[1:])).resolve()
        if file.is_dir():
            file /= "index.html"
        if not file.is_file():
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        self.served[path] = file
        content = self._read(file)
        kind = TYPES.get(file.suffix, "application/octet-stream")
        headers = {**self._headers, "Content-Type": kind, "Content-Length": str(len(content))}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"HTTP/1.1 200 OK\r\n{head}\r\n".encode("ascii") + content


class Connection(asyncio.Protocol):
    """A connection of a browser, which stays open. Requests have no body."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what responses are written to."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request whose end has arrived."""
        *requests, self._received = (self._received + data).split(b"\r\n\r\n")
        for request in requests:
            self._transport.write(self._server.answer(request.split(b" ", 2)[1].decode("ascii")))


@contextlib.contextmanager
def serve(folders: Mapping[str, Path], headers: Mapping[str, str]) -> Iterator[Server]:
    """Serve folders or files while the context is open.

    Args:
        folders: By the first part of the URL's path, such as ``"/edgetext"``; ``""`` is what is not below another.
        headers: Are sent with each file.
    """
    server = Server(folders, headers)
    loop = asyncio.new_event_loop()
    listener = loop.run_until_complete(loop.create_server(lambda: Connection(server), "127.0.0.1", 0))
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        listener.close()
        loop.close()
