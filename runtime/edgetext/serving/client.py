"""The bytes to and from a client, within limits."""

from __future__ import annotations

import io
import socket
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class TooLong(Exception):
    """A client sends more than it may."""


class Client(io.RawIOBase):
    """A connection whose client may take a limited time in all, however often it sends a byte or takes one.

    Only the time counts in which the server waits for the client, not that in which it computes.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.allow(0, 0)

    def allow(self, seconds: float, size: int) -> None:
        """Limit the seconds that the client has from now on, and the bytes that are received from it."""
        self._seconds = seconds
        self._size = size

    def allow_bytes(self, size: int) -> None:
        """Limit the bytes that are received from the client from now on, in the seconds that it has left."""
        self._size = size

    def readable(self) -> bool:
        """Return True: it can be wrapped by a ``BufferedReader``."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what has arrived, or wait for it; 0 at the end.

        Raises:
            TooLong: If the client has sent as much as it may.
            TimeoutError: If its time is up.
            OSError: If the connection is broken.
        """
        if self._size <= 0:
            raise TooLong
        count: int = self._wait(self._connection.recv_into, memoryview(buffer)[: self._size])
        self._size -= count
        return count

    def send(self, content: bytes) -> None:
        """Send all of the bytes; raise TimeoutError or OSError as ``readinto`` does."""
        self._wait(self._connection.sendall, content)

    def _wait(self, call: Callable[[Any], Any], content: Any) -> Any:
        if self._seconds <= 0:
            raise TimeoutError
        self._connection.settimeout(self._seconds)
        start = monotonic()
        try:
            return call(content)
        except socket.timeout:  # another class than TimeoutError in Python 3.9
            raise TimeoutError from None
        finally:
            self._seconds -= monotonic() - start

    def linger(self, seconds: float, size: int) -> None:
        """End what is sent, and discard what is still received: a close before would destroy the answer on its way."""
        self.allow(seconds, size)
        buffer = bytearray(65_536)
        try:
            self._connection.shutdown(socket.SHUT_WR)
            while self.readinto(buffer):
                pass
        except (TooLong, OSError):  # TimeoutError is an OSError
            pass
