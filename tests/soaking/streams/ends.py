"""Streams that end before their input does: a closed pipe, a full disk, a signal."""

from __future__ import annotations

import itertools
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.soaking import Outcome, outcome
from tests.soaking.streams.feeding import fed, run, sentence

TEXTS = 3000
# Numbers of words in a text.
LENGTHS = (1, 5, *[10] * 20, 200, 2000)
TMPFS = 256 * 1024
PAGE = 4096
# The content of a file to which output is appended.
BEFORE = b"what was there before\n"
# A signal is sent after at most this many bytes of output, and at most this many seconds.
LARGEST = 500_000
# A file repeats the stream this many times, which is more than is scored before the signal.
REPEATS = 20
LATEST = 0.2
NOTICED = 0.05
SIGNALS = (signal.SIGTERM, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


class Stream:
    """A stream in some form, with lines from one word to more than a pipe's capacity, and its correct output."""

    def __init__(self, rng: random.Random, arguments: Sequence[str]) -> None:
        """Generate the stream, and score it completely."""
        texts = [sentence(rng, rng.choice(LENGTHS)) for _ in range(TEXTS)]
        lines = [json.dumps({"text": text}) for text in texts] if "--jsonl" in arguments else texts
        self.arguments = arguments
        self.head = b"text\n" if "--csv" in arguments else b""
        self.body = "".join(f"{line}\n" for line in lines).encode()
        self.output = run(arguments, self.head + self.body).stdout

    def endless(self) -> Iterator[bytes]:
        """Yield the stream, and its lines without end."""
        yield self.head
        yield from itertools.repeat(self.body)

    def begins(self, output: bytes, whole: bool = True) -> bool:
        """Return whether the correct output of the endless stream begins with ``output``, in whole lines."""
        head = self.output.index(b"\n") + 1 if self.head else 0
        right = self.output + self.output[head:] * (len(output) // (len(self.output) - head))
        return right.startswith(output) and (not whole or output[-1:] in (b"", b"\n"))


def make_streams(rng: random.Random) -> list[Stream]:
    """Make a stream in each form."""
    return [Stream(rng, arguments) for arguments in ((), ("--json",), ("--jsonl", "text"), ("--csv", "text"))]


def check_closed_pipes(rng: random.Random, tries: int) -> Outcome:
    """Read some of the output, then close the pipe."""
    streams = make_streams(rng)
    failures = []
    for number in range(tries):
        stream = streams[number % len(streams)]
        size = rng.randrange(1, len(stream.output) * 3 // 4)
        with fed(stream.endless(), stream.arguments) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            output = process.stdout.read(size)
            process.stdout.close()
            errors = process.stderr.read().decode()
            code = process.wait()
        if (code, errors) != (0, "") or not stream.begins(output, whole=False):
            failures.append(f"{stream.arguments}, closed after {size} bytes: code {code}, {errors!r}")
    return outcome(
        "If the consumer closes the pipe, the stream ends without a message and with code 0", tries, "pipes", failures
    )


def check_full_disks(rng: random.Random, tries: int) -> Outcome:
    """Write to files that cannot grow enough: because of a limit, or on a small disk if one can be mounted."""
    streams = make_streams(rng)
    failures = []
    on_disks = 0
    with tempfile.TemporaryDirectory() as folder, _small_disk(Path(folder, "disk")) as disk:
        for number in range(tries):
            stream = streams[number % len(streams)]
            on_disk = disk is not None and rng.random() < 0.5
            on_disks += on_disk
            file = (disk if on_disk and disk else Path(folder)) / "output"
            before = BEFORE if rng.random() < 0.5 else b""
            room = rng.randrange(1, TMPFS - PAGE if on_disk else len(stream.output) // 2)
            source = Path(folder, "input") if rng.random() < 0.5 else None
            problem = _fill(stream, file, before, room, source, on_disk)
            if problem:
                failures.append(
                    f"{stream.arguments}, {'disk' if on_disk else 'limit'}, room for {room} bytes: {problem}"
                )
    return outcome(
        "On a full disk a stream ends with an error, and its output with the last complete result that fits",
        tries,
        "files",
        failures,
        f"{on_disks} of them on a full disk" if on_disks else "no disk could be mounted: all by a limit of file size",
        on_disks=on_disks,
    )


def _fill(stream: Stream, file: Path, before: bytes, room: int, source: Path | None, on_disk: bool) -> str:
    """Score a stream into a file with room for ``room`` bytes; return what is wrong with the result."""
    file.write_bytes(before)
    filler = file.with_name("filler")
    if on_disk:
        with open(filler, "wb", buffering=0) as other:
            other.write(bytes((TMPFS - room - len(before)) // PAGE * PAGE))

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room + len(before), resource.RLIM_INFINITY))

    with open(file, "ab" if before else "wb") as output:
        done = run(
            stream.arguments, stream.head + stream.body, source, stdout=output, preexec_fn=None if on_disk else limit
        )
    content = file.read_bytes()
    available = shutil.disk_usage(file).free if on_disk else 0
    file.unlink()
    filler.unlink(missing_ok=True)
    reason = "No space left on device" if on_disk else "File too large"
    if (done.returncode, done.stderr) != (2, f"error: standard output: {reason}\n".encode()):
        return f"code {done.returncode}, {done.stderr!r}"
    written = content[len(before) :]
    if not content.startswith(before) or not stream.begins(written):
        return f"the {len(written)} bytes written are not complete results: {written[-80:]!r}"
    following = stream.output[len(written) :].index(b"\n") + 1
    if not on_disk and len(written) + following <= room:
        return f"there was room for another result behind the {len(written)} bytes"
    return "" if available < following + PAGE else f"{available} bytes are free"


@contextmanager
def _small_disk(folder: Path) -> Iterator[Path | None]:
    """Mount a disk in memory, as root on Linux; yield None where that is not possible."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={TMPFS}", "edgetext", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    try:
        yield folder if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)


def check_signals(rng: random.Random, tries: int) -> Outcome:
    """Send signals at random moments to processes that write to pipes and files."""
    streams = make_streams(rng)
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(tries):
            stream = streams[number % len(streams)]
            sent, size, moment = rng.choice(SIGNALS), rng.randrange(1, LARGEST), rng.random() * LATEST
            source = Path(folder, "input") if rng.random() < 0.5 else None
            output = Path(folder, "output") if rng.random() < 0.5 else None
            code, errors, written = _stop(stream, sent, size, moment, source, output)
            if (code, errors) != (128 + sent, "") or not stream.begins(written):
                end = f"{errors!r}, {len(written)} bytes that end in {written[-80:]!r}"
                way = f"{'file' if source else 'pipe'} to {'file' if output else 'pipe'}"
                failures.append(f"{stream.arguments}, {way}, signal {sent}: code {code}, {end}")
    return outcome(
        "SIGTERM, SIGHUP or SIGINT ends a stream after a complete result, with code 128 plus the signal's number",
        tries,
        "signals",
        failures,
    )


def _stop(
    stream: Stream, sent: int, size: int, moment: float, source: Path | None, file: Path | None
) -> tuple[int, str, bytes]:
    """Send a signal some time after the output reached a size; return the exit code, the errors and the output."""
    arguments, chunks = stream.arguments, stream.endless()
    if source is not None:
        source.write_bytes(stream.head + stream.body * REPEATS)
        arguments, chunks = (*arguments, "--file", str(source)), iter(())
    with open(file or os.devnull, "wb") as target:
        stdout = target if file else subprocess.PIPE
        with fed(chunks, arguments, stdout=stdout, preexec_fn=_heed) as process:
            written = b""
            if file is None:
                assert process.stdout is not None
                written = process.stdout.read(size)
            else:
                _await_output(file, size, process)
            time.sleep(moment)  # a pipe is full by then, if only as many bytes fit as usual
            process.send_signal(sent)
            time.sleep(NOTICED)  # else what is on its way would go through before the signal does
            if process.stdout is not None:
                written += process.stdout.read()
            assert process.stderr is not None
            errors = process.stderr.read().decode()
            code = process.wait()
    return code, errors, written if file is None else file.read_bytes()


def _heed() -> None:
    """Restore the default handlers, because background jobs of a script ignore signals."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)


def _await_output(file: Path, size: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None and file.stat().st_size < size:
        time.sleep(0.001)
