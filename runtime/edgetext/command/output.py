"""Output of a stream that ends with a complete result, even if a signal, a full disk or a closed pipe ends it.

``TextIOWrapper`` writes when its 8 KiB are full, in the middle of a line. Here each result is written to the descriptor
directly, and a signal waits until that is done, however long the reader takes.
"""

from __future__ import annotations

import codecs
import os
import select
import signal
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType
    from typing import Any, TextIO

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP

# The most bytes that a pipe takes all at once or not at all.
ATOMIC = getattr(select, "PIPE_BUF", 512)


class Stopped(BaseException):
    """A signal asked the process to end."""


class Stop:
    """Handles signals within ``with``: they raise ``Stopped``, at once or after the result that is being written."""

    def __init__(self) -> None:
        self.signal = 0  # the number of the signal that arrived
        self._held = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Stop:
        for name in SIGNALS:
            number = getattr(signal, name, None)
            # A signal that is ignored, as SIGHUP under nohup, or that the importing program handles is left alone.
            if number is not None and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                try:
                    self._before[number] = signal.signal(number, self._take)
                except ValueError:  # not in the main thread, the only one that gets signals
                    return self
        return self

    def __exit__(self, *error: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def hold(self) -> None:
        """Delay the reaction to signals."""
        self._held = True

    def release(self) -> None:
        """React to signals again; raise ``Stopped`` if one arrived meanwhile."""
        self._held = False
        if self.signal:
            raise Stopped

    def _take(self, number: int, frame: FrameType | None) -> None:
        self.signal = number
        if not self._held:
            raise Stopped


class Output:
    """Standard output for complete results."""

    def __init__(self, output: TextIO, stop: Stop, line_end: str) -> None:
        """Write to the descriptor of a text stream, which is flushed first; ``stop`` delays signals during a write."""
        output.flush()
        buffer: Any = output.buffer
        self._raw = getattr(buffer, "raw", buffer)  # with PYTHONUNBUFFERED there is no buffer between
        self._encode = codecs.getincrementalencoder(output.encoding)(output.errors or "strict").encode
        self._stop = stop
        self._line_end = line_end
        try:
            self._mode = os.fstat(output.fileno()).st_mode
        except OSError:  # a stream in memory, given by a program
            self._mode = 0

    def write(self, results: Sequence[str]) -> None:
        """Write results, each with its line end.

        Raises:
            Stopped: If a signal arrived meanwhile; the results are written.
            BrokenPipeError: If the reader has closed the pipe.
            OSError: If they cannot be written. A file was truncated to the last complete result.
        """
        if self._line_end != "\n":
            results = [result.replace("\n", self._line_end) for result in results]
        pieces = list(map(self._encode, results))
        content = memoryview(b"".join(pieces))
        if len(content) > ATOMIC or not stat.S_ISFIFO(self._mode):
            self._stop.hold()
        done = 0
        try:
            while done < len(content):
                done += self._put(content[done:])
        except BrokenPipeError:
            raise
        except OSError as error:
            self._remove_partial_result(pieces, done)
            raise OSError(error.errno, error.strerror, "standard output") from None
        self._stop.release()

    def _put(self, content: memoryview) -> int:
        """Write at least some of the bytes and return their number."""
        while True:
            count: int | None = self._raw.write(content)
            if count is not None:
                return count
            # The descriptor is non-blocking, and its reader is slow.
            select.select([], [self._raw], [])

    def _remove_partial_result(self, pieces: Sequence[bytes], done: int) -> None:
        """Remove an incomplete result from the end of a file, unless another process has written after it."""
        whole = 0
        for piece in pieces:
            if whole + len(piece) > done:
                break
            whole += len(piece)
        if not stat.S_ISREG(self._mode) or whole == done:
            return
        descriptor = self._raw.fileno()
        end = os.lseek(descriptor, 0, os.SEEK_CUR)
        if os.fstat(descriptor).st_size == end:
            os.ftruncate(descriptor, end - (done - whole))
            # The next writer to the same descriptor would leave a hole.
            os.lseek(descriptor, end - (done - whole), os.SEEK_SET)
