"""Commands run in this process: ``main(argv)`` with files and pipes as its standard streams."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from unittest import mock

# A pipe takes at least this much without a reader.
PIPE_SIZE = 16_384


def call(
    main: Callable[[list[str]], int], argv: Sequence[str | bytes], stdin: bytes = b"", program: str = "command"
) -> subprocess.CompletedProcess[bytes]:
    """Run a command as ``subprocess.run`` would, without starting a process.

    The streams have descriptors, as those of a process: standard input is a pipe, standard output and standard error
    are files.

    Args:
        main: The command's function; its SystemExit becomes the exit code.
        argv: The arguments; bytes are decoded as the system decodes a command line.
        stdin: What the command reads.
        program: What ``sys.argv[0]`` is meanwhile.
    """
    arguments = [os.fsdecode(argument) for argument in argv]
    with _written() as (stdout, output), _written() as (stderr, errors), _pipe(stdin) as source:
        streams: dict[str, Any] = {"stdin": source, "stdout": stdout, "stderr": stderr, "argv": [program, *arguments]}
        with mock.patch.multiple(sys, **streams):
            try:
                code: Any = main(arguments)
            except SystemExit as end:
                code = end.code
            for stream in (sys.stdout, sys.stderr):
                if stream is not None:
                    stream.flush()
        return subprocess.CompletedProcess(arguments, code or 0, output(), errors())


@contextlib.contextmanager
def _written() -> Iterator[tuple[io.TextIOWrapper, Callable[[], bytes]]]:
    """Make a stream to write to, and a function that returns what was written."""
    with tempfile.TemporaryFile() as file:
        # The command may put another file in the place of the stream's descriptor, but not of this file's.
        raw = io.FileIO(os.dup(file.fileno()), "w")
        with io.TextIOWrapper(io.BufferedWriter(raw), "utf-8") as stream:

            def read() -> bytes:
                return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0)

            yield stream, read


@contextlib.contextmanager
def _pipe(content: bytes) -> Iterator[io.TextIOWrapper]:
    """Make a stream to read from that is a pipe."""
    source, target = os.pipe()

    def write() -> None:
        with contextlib.suppress(BrokenPipeError), open(target, "wb") as file:
            file.write(content)

    writer = threading.Thread(target=write)
    if len(content) > PIPE_SIZE:
        writer.start()
    else:
        write()
    # A command that wraps the stream's buffer may leave closing to the garbage collector.
    raw = io.FileIO(source, closefd=False)
    try:
        yield io.TextIOWrapper(io.BufferedReader(raw), "utf-8")
    finally:
        os.close(source)
        if writer.ident is not None:
            writer.join()
