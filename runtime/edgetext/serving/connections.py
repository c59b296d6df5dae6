"""The open connections of a server, and what all of them may take together."""

from __future__ import annotations

import contextlib
import socket
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# More are answered with 503, and more than both are closed.
MOST_CONNECTIONS, MOST_REFUSED = 64, 16
# The bytes of the bodies of all requests that are being received or answered.
MOST_BODIES = 2**25
# Seconds after which a server that is being stopped waits no longer for the rest of a request.
STOP_SECONDS = 5.0


class Connections:
    """The connections that are open; threads share it.

    Attributes:
        is_stopping: Whether each ends with the request that is being served.
    """

    def __init__(self) -> None:
        self.is_stopping = False
        self._changed = threading.Condition()
        self._open: set[socket.socket] = set()
        self._idle: set[socket.socket] = set()
        self._bodies = 0

    def add(self, connection: socket.socket) -> int:
        """Add a connection, and return how many were open before."""
        with self._changed:
            self._open.add(connection)
            return len(self._open) - 1

    def close(self, connection: socket.socket) -> None:
        """Close a connection."""
        connection.close()
        with self._changed:
            self._open.discard(connection)
            self._changed.notify_all()

    def finish(self) -> None:
        """Wait until all requests that were received are answered; ``is_stopping`` is set."""
        with self._changed:
            _end_input(self._idle)
            self._changed.wait_for(lambda: not self._open, STOP_SECONDS)
            _end_input(self._open)
            self._changed.wait_for(lambda: not self._open)

    @contextlib.contextmanager
    def idle(self, connection: socket.socket) -> Iterator[None]:
        """Mark a connection within ``with`` as one that waits for a request, so that it ends when the server does."""
        with self._changed:
            self._idle.add(connection)
        try:
            yield
        finally:
            with self._changed:
                self._idle.discard(connection)

    @contextlib.contextmanager
    def hold_body(self, size: int) -> Iterator[bool]:
        """Return whether a body of ``size`` bytes may be received, and count it within ``with`` if so."""
        with self._changed:
            is_allowed = self._bodies + size <= MOST_BODIES
            self._bodies += size if is_allowed else 0
        try:
            yield is_allowed
        finally:
            with self._changed:
                self._bodies -= size if is_allowed else 0


def _end_input(connections: Iterable[socket.socket]) -> None:
    """End what is received of connections; what has arrived can still be read."""
    for connection in connections:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RD)
