"""Locks that a fork cannot leave locked."""

from __future__ import annotations

import os
from threading import Lock


def fork_safe_lock() -> Lock:
    """Make a lock that no process forks under: its child would wait for a thread that it has not."""
    lock = Lock()
    if hasattr(os, "register_at_fork"):  # Windows has no fork
        os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
    return lock
