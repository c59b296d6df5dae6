"""Loops that Numba compiles."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numba


def compiled(fastmath: bool = False, nogil: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator: compile a function when it is first called, and keep the result for the next process.

    It is kept next to the source, else in the user's cache folder, and not at all if neither can be written:
    ``numba.njit(cache=True)`` would fail on import then.

    Args:
        fastmath: Whether sums may be taken in another order.
        nogil: Whether other threads may run at the same time.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        dispatcher: Any = numba.njit(fastmath=fastmath, nogil=nogil)(function)
        with suppress(RuntimeError):
            dispatcher.enable_caching()
        return dispatcher

    return decorate
