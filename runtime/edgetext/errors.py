"""Everything that edgetext raises on purpose, as one tree.

    EdgetextError        catch this one for all of them
    |-- BundleError      a bundle that is missing, damaged, or not in a format that this version reads
    |-- EngineError      an engine that is unknown, not installed, or does not work on this machine
    `-- InputError       an input, or one record of it, that cannot be read as text

Training, export and benchmarks hang theirs on the same tree: DataError, RunError, BenchmarkError.
Each message is one line that names the thing at fault and, where there is one, the command that mends it.
A value of the wrong Python type is the caller's bug and raises TypeError or ValueError instead.
"""

import os


class EdgetextError(Exception):
    """The base of all errors below."""


class BundleError(EdgetextError):
    """A bundle is missing, damaged, or of a format that this version does not read."""


class EngineError(EdgetextError):
    """An engine is unknown, not installed, or does not work on this machine."""


class InputError(EdgetextError):
    """An input, or one record of it, cannot be read as text."""


def describe(error: BaseException) -> str:
    """Give an error as the line to show to people: an OSError by its file and reason, any other by its message."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{os.fsdecode(error.filename)}: {error.strerror}"
    return str(error)


def was_interrupted(error: BaseException) -> bool:
    """Tell whether an interrupt is behind an error: native modules turn one that hits their import into ImportError."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, KeyboardInterrupt):
        cause = cause.__cause__ or cause.__context__
    return cause is not None
