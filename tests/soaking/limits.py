"""A time limit for code that could hang."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class TookTooLong(BaseException):
    """Raised by ``within``; not an Exception, so that no handler catches it."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raise TookTooLong if the block takes longer; in the main thread, on systems with signals."""

    def stop(*_: object) -> None:
        raise TookTooLong(f"took more than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
