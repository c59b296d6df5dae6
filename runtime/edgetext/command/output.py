"""Output of a stream that consists of whole results, whatever ends the process: a signal, a full disk, a closed pipe.

``TextIOWrapper`` writes when its 8 KiB are full, in the middle of a line. Here results go to the descriptor themselves,
and a signal waits until the one on its way is there, however long its reader takes.
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
    from types import FrameType, TracebackType
    from typing import Any, TextIO

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP

# A pipe takes so many bytes at once, or none of them.
ATOMIC = getattr(select, "PIPE_BUF", 512)


class Stopped(BaseException):
    """A signal asked the process to end."""


class Stop:
    """What a signal does to a stream: it raises ``Stopped``, at once or when the result on its way is written.

    Attributes:
        signal: The number of the signal that came; 0 as long as none did.
    """

    def __init__(self) -> None:
        """Let signals be, until ``with``."""
        self.signal = 0
        self._held = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Stop:
        for name in SIGNALS:
            number = getattr(signal, name, None)
            # What is ignored, as nohup does with SIGHUP, or handled by whoever imported us, stays as it is.
            if number is not None and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                try:
                    self._before[number] = signal.signal(number, self._take)
                except ValueError:  # not the main thread, which alone gets signals
                    return self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def hold(self) -> None:
        """From now on, signals are noted only."""
        self._held = True

    def release(self) -> None:
        """No longer; ``Stopped`` if one came meanwhile."""
        self._held = False
        if self.signal:
            raise Stopped

    def _take(self, number: int, frame: FrameType | None) -> None:
        self.signal = number
        if not self._held:
            raise Stopped


class Output:
    """Standard output, for whole results."""

    def __init__(self, output: TextIO, stop: Stop, line_end: str) -> None:
        """Take over from a text stream.

        Args:
            output: The stream, which is set up; what it holds is written first.
            stop: What is told when no signal may come between.
            line_end: What a line ends with; each platform has its own, except for data.
        """
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
            Stopped: A signal came meanwhile; the results are there.
            BrokenPipeError: Nobody reads them.
            OSError: They cannot be written. A file was cut back to the last whole result.
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
            self._cut_back(pieces, done)
            raise OSError(error.errno, error.strerror, "standard output") from None
        self._stop.release()

    def _put(self, content: memoryview) -> int:
        """Write some bytes at least, and give their number."""
        while True:
            count: int | None = self._raw.write(content)
            if count is not None:
                return count
            # The descriptor does not block, and its reader is slow.
            select.select([], [self._raw], [])

    def _cut_back(self, pieces: Sequence[bytes], done: int) -> None:
        """Take a part of a result off a file's end; not where others have written behind it."""
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
            # Whoever writes next to the same descriptor would leave a hole.
            os.lseek(descriptor, end - (done - whole), os.SEEK_SET)
