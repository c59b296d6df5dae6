"""Locks that stay usable in forked processes."""

from __future__ import annotations

import os
from threading import Lock


def fork_safe_lock() -> Lock:
    """Return a lock that is never held during a fork: the child would wait for a thread that it does not have."""
    lock = Lock()
    if hasattr(os, "register_at_fork"):  # Windows has no fork
        os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
    return lock
