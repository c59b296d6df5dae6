"""The exceptions that edgetext raises.

Training, export and benchmarks derive theirs from ``EdgetextError`` too: DataError, RunError, BenchmarkError. Each
message is one line that names the cause and, where there is one, the command that fixes it. Wrong arguments of a call
raise TypeError or ValueError instead.
"""

import os


class EdgetextError(Exception):
    """The base class of the others."""


class BundleError(EdgetextError):
    """A bundle is missing, damaged, or of a format version that this version does not read."""


class EngineError(EdgetextError):
    """An engine is unknown, not installed, or does not work on this machine."""


class InputError(EdgetextError):
    """An input, or one record of it, cannot be read as text."""


def describe(error: BaseException) -> str:
    """Return the line to show for an error: file, if known, and reason of an OSError, the message of any other."""
    if isinstance(error, OSError) and error.strerror:
        return f"{os.fsdecode(error.filename)}: {error.strerror}" if error.filename else error.strerror
    return str(error)


def was_interrupted(error: BaseException) -> bool:
    """Return whether an interrupt caused an error: native modules turn one during their import into ImportError."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, KeyboardInterrupt):
        cause = cause.__cause__ or cause.__context__
    return cause is not None
