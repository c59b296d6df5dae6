"""Accepting connections, a thread for each, until the server is stopped."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time

from edgetext.serving.connections import MOST_CONNECTIONS, MOST_REFUSED, Connections
from edgetext.serving.requests import Requests

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgetext.serving.answers import Answers

# Connections that are still accepted when the server is stopped, because their clients know nothing of it.
MOST_WAITING = 128


class Server:
    """Serves connections in threads."""

    def __init__(self, answers: Answers) -> None:
        """Answer the bodies of requests with ``answers``."""
        self._answers = answers
        self._connections = Connections()
        self._woken, self._wake = socket.socketpair()
        self._wake.setblocking(False)

    def stop(self) -> None:
        """Have ``accept_until_stopped`` return; a signal handler or another thread may call this."""
        self._connections.is_stopping = True
        with contextlib.suppress(OSError):
            self._wake.send(b"x")

    def accept_until_stopped(self, listeners: Sequence[socket.socket], leave_waiting: bool = False) -> None:
        """Accept connections until ``stop`` is called.

        Args:
            listeners: The sockets that listen.
            leave_waiting: Leave those that wait then to the next server that uses these sockets.
        """
        for listener in listeners:
            listener.setblocking(False)
        while not self._connections.is_stopping:
            for listener in select.select([*listeners, self._woken], [], [])[0]:
                if listener is not self._woken:
                    self._accept(listener)
        for listener in () if leave_waiting else listeners:
            for _ in range(MOST_WAITING):
                if not self._accept(listener):
                    break

    def finish(self) -> None:
        """Wait until all requests that were received are answered."""
        self._connections.finish()
        self._woken.close()
        self._wake.close()

    def _accept(self, listener: socket.socket) -> bool:
        """Accept a connection and serve it; return whether there was one."""
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            return False
        except OSError:  # the client has gone, or there are too many open files: some will be closed
            time.sleep(0.01)
            return True
        count = self._connections.add(connection)
        serve = threading.Thread(target=self._serve, args=(connection, count >= MOST_CONNECTIONS), daemon=True)
        try:
            if count >= MOST_CONNECTIONS + MOST_REFUSED:
                raise RuntimeError("too many connections")
            serve.start()
        except RuntimeError:  # also if the system allows no more threads
            self._connections.close(connection)
        return True

    def _serve(self, connection: socket.socket, is_refused: bool) -> None:
        try:
            if connection.family in (socket.AF_INET, socket.AF_INET6):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            Requests(connection, self._answers, self._connections, is_refused)
        except OSError:  # the client has gone
            pass
        finally:
            self._connections.close(connection)
