"""Streams: their bounds, whole results, and what ends them."""

from __future__ import annotations

import io
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from edgetext import Classifier
from edgetext.command import output as writing
from edgetext.command import streams, structured, text_lines
from edgetext.command.output import Output, Stop, Stopped
from edgetext.errors import InputError
from edgetext.tables import lines
from tests.runtime.helpers import run, slow

FAKE = str(Path(__file__).parent.with_name("fake_command.py"))
TOO_LONG = "longer than 16 MiB: split it"


def read(form: Any) -> list[str]:
    """Return the texts of a form's records, and its errors."""
    return [f"error: {record}" if isinstance(record, InputError) else record.text for record in form]


class BoundsTest(unittest.TestCase):
    """With a limit of 20 bytes, and what is skipped read 7 bytes at a time."""

    def setUp(self) -> None:
        for name, value in (("MAX_LINE_BYTES", 20), ("PIECE_BYTES", 7)):
            patch = mock.patch.object(lines, name, value)
            patch.start()
            self.addCleanup(patch.stop)

    def test_lines(self) -> None:
        full = "x" * 20
        for content, texts in (
            (full + "\nnext\n", [full, "next"]),
            (full, [full]),
            (full[1:] + "\r\n" + full + "\n", [full[1:], full]),
            ("\ufeff" + full + "\nnext\n", [full, "next"]),
            ("\ufeff" + full + "x\nnext\n", [f"error: line 1: {TOO_LONG}", "next"]),
            (full + "\r\nnext", [f"error: line 1: {TOO_LONG}", "next"]),
            ("a\n" + full + "x\nnext\n", ["a", f"error: line 2: {TOO_LONG}", "next"]),
            (full + "x", [f"error: line 1: {TOO_LONG}"]),
            *(("x" * length + "\n\nb\n", [f"error: line 1: {TOO_LONG}", "", "b"]) for length in range(21, 50)),
            ((full * 50 + "\n") * 2 + "b\n" + full * 9, [*(f"error: line {n}: {TOO_LONG}" for n in (1, 2)), "b",
                                                          f"error: line 4: {TOO_LONG}"]),
            ("\xe9" * 10 + "\n" + "\xe9" * 10 + "x\n", ["\xe9" * 10, f"error: line 2: {TOO_LONG}"]),
        ):  # fmt: skip
            with self.subTest(content):
                self.assertEqual(read(text_lines.TextLines(io.BytesIO(content.encode()))), texts)

    def test_json_lines(self) -> None:
        content = b'{"t": "0123456789x"}\n{"t": "0123456789xy"}\n\n{"t": "a"}'
        self.assertEqual(
            read(structured.JSONObjects(io.BytesIO(content), "t")), ["0123456789x", f"error: line 2: {TOO_LONG}", "a"]
        )

    def table(self, content: bytes) -> list[str]:
        return read(structured.Table(io.BytesIO(content), "t"))

    def test_csv_records(self) -> None:
        full = "0123456789abcdefghij"
        ends = '"b\n' + "c\n" * 9 + "d\n2,3"
        columns = "2 columns, and the header has 1"
        unclosed = " (a quote not closed?)"
        for rows, texts in (
            (f"{full}\nnext\n", [full, "next"]),
            (full, [full]),
            (f'"{full[2:]}"\nb', [full[2:], "b"]),
            (f'"{full[1:]}"\nb', [f"error: line 2: {TOO_LONG}", "b"]),
            (f"{full}x\r\nnext\r\n2,3", [f"error: line 2: {TOO_LONG}", "next", f"error: line 4: {columns}"]),
            (f"{full}x\rnext\r2,3", [f"error: line 2: {TOO_LONG}", "next", f"error: line 4: {columns}"]),
            ('"0123456\n01234567\n"\nb\n', ["0123456\n01234567\n", "b"]),
            ('"0123456\n01234567\nab"\nb\n', [f"error: lines 2 to 4: {TOO_LONG}{unclosed}", "b"]),
            # The rest of the record is skipped: all of the file where its mark is never closed.
            (ends, [f"error: lines 2 to 13: {TOO_LONG}{unclosed}"]),
            (ends.replace("d", 'd"'), [f"error: lines 2 to 12: {TOO_LONG}{unclosed}", f"error: line 13: {columns}"]),
            (
                ends.replace("d", 'd""\r\n"\r'),
                [f"error: lines 2 to 13: {TOO_LONG}{unclosed}", f"error: line 14: {columns}"],
            ),
            ("\xe9" * 10 + "\n" + "\xe9" * 10 + "x\nb", ["\xe9" * 10, f"error: line 3: {TOO_LONG}", "b"]),
        ):  # fmt: skip
            with self.subTest(rows):
                self.assertEqual(self.table(f"t\n{rows}".encode()), texts)

    def test_line_ends_are_counted_right_wherever_a_csv_line_is_cut(self) -> None:
        last = "error: line 4: 2 columns, and the header has 1"
        for end in ("\n", "\r\n", "\r"):
            for length in range(21, 60):
                with self.subTest(end=end, length=length):
                    content = f"t{end}{'x' * length}{end}b{end}2,3{end}"
                    self.assertEqual(self.table(content.encode()), [f"error: line 2: {TOO_LONG}", "b", last])

    def test_csv_header(self) -> None:
        for content, message in (
            (b"t," + b"x" * 19 + b"\nb\n", f"line 1: {TOO_LONG}"),
            (b't,"\n' + b"x\n" * 30, f"lines 1 to 31: {TOO_LONG} (a quote not closed?)"),
        ):
            with self.assertRaises(InputError) as caught:
                self.table(content)
            self.assertEqual(str(caught.exception), message)

    def batches(self, content: bytes, limit: int, *options: str) -> list[int]:
        """Return the sizes of the batches in which a file is scored if a batch may hold ``limit`` characters."""
        sizes: list[int] = []
        classify_many = Classifier.classify_many

        def count(classifier: Classifier, texts: list[str], size: int) -> Any:
            sizes.append(len(texts))
            return classify_many(classifier, texts, size)

        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "texts")
            file.write_bytes(content)
            few = mock.patch.object(streams, "BATCH_CHARACTERS", limit)
            counted = mock.patch.object(Classifier, "classify_many", count)
            with few, counted:
                self.assertEqual(run("--file", str(file), *options).returncode, 0)
        return sizes

    def test_batches_of_long_records_are_small(self) -> None:
        self.assertEqual(self.batches(b"a\n" * 5 + b"0123456789\n" * 3 + b"a\n" * 2, 15), [6, 2, 2])
        # All that a record passes through counts.
        self.assertEqual(self.batches(b"t,u\n" + b"a,0123456789\n" * 4, 20, "--csv", "t"), [2, 2])


class LimitTest(unittest.TestCase):
    """The actual limit, not a smaller one."""

    def test_is_the_documented_one(self) -> None:
        self.assertEqual(lines.MAX_LINE_BYTES, 16 * 1024 * 1024)
        self.assertIn("16 MiB", lines.TOO_LONG)

    @slow
    def test_memory_that_a_refused_line_takes(self) -> None:
        """The line has as many bytes as the process may have."""
        code = (
            "import resource, sys, threading; sys.path.insert(0, sys.argv[1])\n"
            "sys.argv = ['x', *sys.argv[2:]]\n"
            "from edgetext.command.main import main\n"
            "resource.setrlimit(resource.RLIMIT_AS, (2**27, 2**27))\n"
            "sys.exit(main())\n"
        )
        runtime = str(Path(streams.__file__).parent.parent.parent)
        line = b"great " * (2**27 // 6)
        for arguments, content in (
            ([], b"great\n" + line + b"\nbad\n"),
            (["--jsonl", "t"], b'{"t": "great"}\n' + line + b'\n{"t": "bad"}\n'),
            (["--csv", "t"], b"t\n" + line + b"\nbad\n"),
        ):
            command = [sys.executable, "-c", code, runtime, *arguments]
            done = subprocess.run(command, input=content, capture_output=True, timeout=120, check=False)
            with self.subTest(arguments):
                self.assertEqual((done.returncode, done.stderr), (2, f"error: line 2: {TOO_LONG}\n".encode()))
                self.assertEqual(done.stdout.count(b"\n"), 2)


class Leaky(io.FileIO):
    """A file that takes few bytes at once and has room for ``room``; when it is full, others write to it."""

    room = 0
    others = ""

    def write(self, content: Any) -> int:
        if not self.room:
            with open(self.name, "a", encoding="utf-8") as file:
                file.write(self.others)
            raise OSError(28, "No space left on device")
        count = super().write(bytes(content)[: min(self.room, 3)])
        self.room -= count
        return count


class OutputTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name, "output")

    def fill(self, room: int, results: Sequence[str], mode: str = "w", then: str = "") -> bytes:
        """Write results to a file with this much room, to which others append ``then``; return its content."""
        with Leaky(self.path, mode) as raw:
            raw.room = room
            stream = io.TextIOWrapper(io.BufferedWriter(raw), "utf-8")
            output = Output(stream, Stop(), "\n")
            raw.others = then
            with self.assertRaises(OSError) as caught:
                output.write(results)
            self.assertEqual((caught.exception.errno, caught.exception.filename), (28, "standard output"))
            raw.room = 3
            raw.write(b"end")  # nothing lies between, and nothing is lost
        return self.path.read_bytes()

    def test_a_full_file_is_cut_back_to_whole_results(self) -> None:
        results = ["one\n", "a\nb\n", "three\n"]
        for room in range(14):
            whole = "" if room < 4 else "one\n" if room < 8 else "one\na\nb\n"
            with self.subTest(room):
                self.assertEqual(self.fill(room, results), f"{whole}end".encode())

    def test_what_was_there_before_stays(self) -> None:
        self.path.write_bytes(b"be\nfore")
        self.assertEqual(self.fill(6, ["one\n", "two\n"], "a"), b"be\nforeone\nend")

    def test_what_others_wrote_behind_it_stays(self) -> None:
        self.assertEqual(self.fill(6, ["one\n", "two\n"], "a", "other\n"), b"one\ntwother\n"[:6] + b"other\nend")

    def test_encodings_and_line_ends(self) -> None:
        buffer = io.BytesIO()
        stream = io.TextIOWrapper(buffer, "utf-16")
        output = Output(stream, Stop(), "\r\n")
        output.write(["caf\xe9\n", ""])
        output.write(["b\n"])
        self.assertEqual(buffer.getvalue(), "caf\xe9\r\nb\r\n".encode("utf-16"))
        buffer = io.BytesIO()
        stream = io.TextIOWrapper(buffer, "ascii", "backslashreplace")
        Output(stream, Stop(), "\n").write(["caf\xe9\n"])
        self.assertEqual(buffer.getvalue(), b"caf\\xe9\n")

    def test_what_is_buffered_comes_first(self) -> None:
        buffer = io.BytesIO()
        stream = io.TextIOWrapper(buffer, "utf-8")
        stream.write("first\n")
        Output(stream, Stop(), "\n").write(["then\n"])
        self.assertEqual(buffer.getvalue(), b"first\nthen\n")

    def test_a_slow_reader_of_a_pipe_that_does_not_block(self) -> None:
        results = [f"{number} {'x' * 9000}\n" for number in range(100)]
        source, target = os.pipe()
        os.set_blocking(target, False)
        received = []

        def receive() -> None:
            while chunk := os.read(source, 5000):
                received.append(chunk)
                time.sleep(0.0005)

        reader = threading.Thread(target=receive)
        reader.start()
        with open(target, "w", encoding="utf-8") as stream:
            output = Output(stream, Stop(), "\n")
            for result in results:
                output.write([result])
        reader.join()
        os.close(source)
        self.assertEqual(b"".join(received).decode(), "".join(results))


class StopTest(unittest.TestCase):
    def test_a_signal_waits_while_it_is_held(self) -> None:
        stop = Stop()
        before = signal.getsignal(signal.SIGTERM)
        with self.assertRaises(Stopped), stop:
            stop.hold()
            os.kill(os.getpid(), signal.SIGTERM)
            self.assertEqual(stop.signal, signal.SIGTERM)
            stop.release()
        self.assertEqual(signal.getsignal(signal.SIGTERM), before)

    def test_a_signal_stops_what_is_not_held(self) -> None:
        for name in writing.SIGNALS:
            # A job in the background ignores SIGINT, and one of nohup SIGHUP.
            before = signal.signal(getattr(signal, name), signal.SIG_DFL)
            self.addCleanup(signal.signal, getattr(signal, name), before)
            stop = Stop()
            with self.subTest(name), self.assertRaises(Stopped), stop:
                os.kill(os.getpid(), getattr(signal, name))
                time.sleep(10)
            self.assertEqual(stop.signal, getattr(signal, name))

    def test_what_is_ignored_or_handled_stays_so(self) -> None:
        for handler in (signal.SIG_IGN, lambda number, frame: None):
            before = signal.signal(signal.SIGHUP, handler)
            self.addCleanup(signal.signal, signal.SIGHUP, before)
            with Stop() as stop:
                os.kill(os.getpid(), signal.SIGHUP)
                self.assertEqual(stop.signal, 0)
            self.assertEqual(signal.getsignal(signal.SIGHUP), handler)

    def test_threads_are_let_be(self) -> None:
        before = signal.getsignal(signal.SIGTERM)
        seen: list[Any] = []

        def use() -> None:
            with Stop():
                seen.append(signal.getsignal(signal.SIGTERM))

        thread = threading.Thread(target=use)
        thread.start()
        thread.join()
        self.assertEqual(seen, [before])


class ProcessTest(unittest.TestCase):
    """Processes that a signal, a full disk or a pause of their input hits."""

    def start(self, *arguments: str, **more: Any) -> subprocess.Popen[bytes]:
        options: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        process = subprocess.Popen([sys.executable, FAKE, *arguments], **options)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def test_signals_while_it_waits_for_input(self) -> None:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            process = self.start(preexec_fn=lambda number=number: signal.signal(number, signal.SIG_DFL))
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(b"great\ncut o")
            process.stdin.flush()
            first = process.stdout.readline()
            process.send_signal(number)
            output, errors = process.communicate(timeout=60)
            with self.subTest(number):
                self.assertEqual((first, output, errors), (b"positive\t0.7500\tfake\tgreat\n", b"", b""))
                self.assertEqual(process.returncode, 128 + number)

    def test_signals_while_it_starts(self) -> None:
        """Until something can be written they end it at once: what is raised within an import can be lost there."""
        script = (
            "import os, signal, sys\n"
            "from edgetext.command import main, streams\n"
            "def stop():\n"
            "    right = [signal.getsignal(signal.SIGINT) == signal.SIG_DFL]\n"
            "    needed = ('json', 'csv', 'edgetext.command.structured', 'itertools')\n"
            "    right += [name in sys.modules for name in needed]\n"
            "    os.write(1, repr(all(right)).encode())\n"
            "    os.kill(os.getpid(), signal.SIGINT)\n"
            "streams.Stop = stop\n"
            "main.command()\n"
        )
        folder = str(Path(streams.__file__).parent.parent.parent)
        command = [sys.executable, "-c", script, "--csv", "text"]
        default: Any = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL), "stdin": subprocess.DEVNULL}
        found = subprocess.run(command, capture_output=True, timeout=120, check=False, cwd=folder, **default)
        self.assertEqual((found.returncode, found.stdout, found.stderr), (-signal.SIGINT, b"True", b""))

    def test_a_signal_that_is_ignored(self) -> None:
        process = self.start(preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"great\n")
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(signal.SIGHUP)
        output, _ = process.communicate(b"bad\n", timeout=60)
        self.assertEqual((process.returncode, output), (0, b"negative\t0.7500\tfake\tbad\n"))

    def test_a_long_result_on_its_way_is_finished(self) -> None:
        """A pipe takes 64 KiB, and the reader begins to read only when the signal has come."""
        process = self.start()
        assert process.stdin is not None
        assert process.stdout is not None
        text = b"great " * 50_000
        process.stdin.write(text + b"\nbad\n")
        process.stdin.flush()
        first = process.stdout.read(1)
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        output = first + process.stdout.read()
        self.assertEqual(process.wait(60), 143)
        self.assertEqual(output, b"positive\t1.0000\tfake\t" + text + b"\n")

    def test_a_full_pipe_does_not_keep_it_from_ending(self) -> None:
        """Short results, none of which is on its way, while nobody reads."""
        process = self.start()
        assert process.stdin is not None
        assert process.stdout is not None
        feeder = threading.Thread(target=self.feed, args=(process.stdin, b"great movie\n" * 20_000))
        feeder.start()
        process.stdout.read(1)
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(60), 143)
        self.assertTrue(process.stdout.read().endswith(b"\n"))
        feeder.join()

    def feed(self, stdin: Any, content: bytes) -> None:
        try:
            stdin.write(content)
            stdin.flush()
        except BrokenPipeError:
            pass

    @unittest.skipUnless(os.path.exists("/dev/full"), "this system has no /dev/full")
    def test_full_device(self) -> None:
        with open("/dev/full", "wb") as full:
            command = [sys.executable, FAKE]
            done = subprocess.run(command, input=b"great\n" * 9, stdout=full, stderr=subprocess.PIPE, check=False)
        self.assertEqual((done.returncode, done.stderr), (2, b"error: standard output: No space left on device\n"))

    def test_file_size_limit(self) -> None:
        """Every line has 28 bytes, and two of them have room."""
        with tempfile.TemporaryFile() as file:
            done = subprocess.run(
                [sys.executable, FAKE],
                input=b"great\n" * 9,
                stdout=file,
                stderr=subprocess.PIPE,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (83, 83)),
                check=False,
            )
            file.seek(0)
            self.assertEqual(file.read(), b"positive\t0.7500\tfake\tgreat\n" * 3)
        self.assertEqual((done.returncode, done.stderr), (2, b"error: standard output: File too large\n"))

    def test_input_that_does_not_block(self) -> None:
        """A pause is not its end."""
        lines = b"positive\t0.7500\tfake\tgreat\nnegative\t0.7500\tfake\tbad\n"
        rows = b"t,label,score,engine\ngreat,positive,0.750000,fake\nbad,negative,0.750000,fake\n"
        for arguments, content, expected in (((), b"great\nba", lines), (("--csv", "t"), b"t\ngreat\nba", rows)):
            source, target = os.pipe()
            os.set_blocking(source, False)
            process = self.start(*arguments, stdin=source)
            os.close(source)
            time.sleep(0.3)
            os.write(target, content)
            time.sleep(0.3)
            os.write(target, b"d\n")
            os.close(target)
            output, errors = process.communicate(timeout=60)
            with self.subTest(arguments):
                self.assertEqual((process.returncode, output, errors), (0, expected, b""))

    def test_controls_become_spaces(self) -> None:
        content = "gre\x07at\t\x85mo\u2028vie\x00 \xe9\U0001f3ac\xad\r\n"
        shown = "".join(char if char.isprintable() else " " for char in content.rstrip("\r\n"))
        self.assertEqual(run(stdin=content.encode()).stdout.decode(), f"negative\t0.5000\tfake\t{shown}\n")
        self.assertEqual(json.loads(run("--json", stdin=content.encode()).stdout)["text"], content.rstrip("\r\n"))


if __name__ == "__main__":
    unittest.main()
