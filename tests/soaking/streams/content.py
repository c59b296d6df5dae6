"""Streams of garbage and of every line end; the expected output follows from how they are made."""

from __future__ import annotations

import csv
import io
import json
import random
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.soaking import Outcome, outcome
from tests.soaking.streams.feeding import WORDS, run

SIZE = 65_536
# What ends a word of garbage, all line ends of other tools included.
ENDS = ("\n", "\r\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\0", "\t", ",", '"', " ", " ", " ")
LABELS = {"positive", "negative"}


class Made(NamedTuple):
    """A stream.

    Attributes:
        content: Its bytes.
        expected: For each record its line, the last of them, and its text; None for one that cannot be read.
    """

    content: bytes
    expected: list[tuple[int, str | None]]


class Form(NamedTuple):
    """A form of input and output.

    Attributes:
        arguments: What asks for it.
        make: Makes a stream of lines, some of which are not UTF-8.
        read: Reads the texts and labels of what came out.
    """

    arguments: Sequence[str]
    make: Callable[[Sequence[bytes], random.Random], Made]
    read: Callable[[str], list[tuple[str, str]]]


def check_garbage(rng: random.Random, tries: int) -> Outcome:
    """Score garbage in each form, from pipes and files."""
    streams = [make_garbage(rng).split(b"\n") for _ in range(tries)]
    return _check("Each line of binary garbage is scored, or refused with its line number", rng, streams)


def check_line_ends(rng: random.Random, tries: int) -> Outcome:
    """Score texts with mixed line ends between and within them."""
    streams = []
    for _ in range(tries):
        words = "".join(rng.choice(WORDS) + rng.choice(ENDS) for _ in range(SIZE // 8))
        streams.append(words.encode().split(b"\n"))
    promise = "Line ends may be mixed: LF and CR LF end a line; other separators and NUL are part of the text"
    return _check(promise, rng, streams)


def make_garbage(rng: random.Random) -> bytes:
    """Mix bytes, characters, words and line ends, with few to very many bytes that are not UTF-8."""
    wild = rng.choice((0.001, 0.01, 0.1, 0.9))
    pieces = []
    size = 0
    while size < SIZE:
        if rng.random() < wild:
            pieces.append(rng.randbytes(rng.randrange(64)))
        if rng.random() < 0.3:
            pieces.append(chr(rng.choice((rng.randrange(0xD800), rng.randrange(0x10000, 0x110000)))).encode())
        pieces.append((rng.choice(WORDS) + rng.choice(ENDS)).encode())
        size += sum(map(len, pieces[-3:]))
    return b"".join(pieces)


def _check(promise: str, rng: random.Random, streams: Sequence[Sequence[bytes]]) -> Outcome:
    failures = []
    records = 0
    with tempfile.TemporaryDirectory() as folder:
        for number, lines in enumerate(streams):
            for name, form in FORMS.items():
                made = form.make(lines, rng)
                file = Path(folder, "stream") if rng.random() < 0.5 else None
                done = run(form.arguments, made.content, file)
                records += len(made.expected)
                try:
                    problem = _compare(made, form, done.returncode, done.stdout.decode(), done.stderr.decode())
                except (ValueError, KeyError, TypeError, csv.Error) as error:
                    problem = f"what came out cannot be read: {error!r}"
                if problem:
                    failures.append(f"stream {number}, {name}, {'file' if file else 'pipe'}: {problem}")
    return outcome(
        promise, len(streams) * len(FORMS), "streams of 64 kB", failures, f"{records:,} records", records=records
    )


def _compare(made: Made, form: Form, code: int, output: str, errors: str) -> str:
    """Return what is wrong with the exit code, the refused lines or the output; an empty string if nothing is."""
    refused = [number for number, text in made.expected if text is None]
    reported = [line for line in errors.split("\n")[:-1] if not line.startswith("note: ")]
    if [re.sub(r"^error: line (\d+): .*", r"\1", line) for line in reported] != list(map(str, refused)):
        return f"{len(reported)} errors, where {len(refused)} lines cannot be read: {reported[:2]}"
    if code != (2 if refused else 0):
        return f"code {code}"
    rows = form.read(output)
    if [text for text, _ in rows] != [text for _, text in made.expected if text is not None]:
        return "other texts came out than went in"
    return "" if LABELS.issuperset(label for _, label in rows) else "labels that there are not"


def _decode(line: bytes) -> str | None:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return None


def _make_lines(lines: Sequence[bytes], rng: random.Random) -> Made:
    texts = [_decode(line.rstrip(b"\r")) for line in lines]
    return Made(b"\n".join(lines) + b"\n", list(enumerate(texts, 1)))


def _make_printable(lines: Sequence[bytes], rng: random.Random) -> Made:
    """Make lines whose output has spaces in place of unprintable characters."""
    made = _make_lines(lines, rng)
    shown = [
        (number, text and "".join(char if char.isprintable() else " " for char in text))
        for number, text in made.expected
    ]
    return Made(made.content, shown)


def _make_json(lines: Sequence[bytes], rng: random.Random) -> Made:
    """Make some of the lines JSON, and leave the others invalid; blank ones are skipped."""
    content = []
    expected: list[tuple[int, str | None]] = []
    for number, line in enumerate(lines, 1):
        text = _decode(line)
        if text is not None and rng.random() < 0.5:
            content.append(json.dumps({"n": number, "text": text}, ensure_ascii=rng.random() < 0.5).encode())
            expected.append((number, text))
        else:
            content.append(line)
            if text is None or text.strip():
                expected.append((number, None))
    return Made(b"\n".join(content) + b"\n", expected)


def _make_csv(lines: Sequence[bytes], rng: random.Random) -> Made:
    """Quote the lines that are UTF-8 as cells; others are refused."""
    content = [b"n,text\r\n"]
    expected: list[tuple[int, str | None]] = []
    number = 1
    for line in lines:
        text = _decode(line)
        cell = b'1,"' + line.replace(b'"', b'""') + b'"'
        record = b"\xff" + line.translate(None, b'\r"') if text is None else cell
        content.append(record + rng.choice((b"\n", b"\r\n", b"\r")))
        number += len(re.findall(rb"\r\n|\r|\n", content[-1]))
        expected.append((number, text))
    return Made(b"".join(content), expected)


def _read_lines(output: str) -> list[tuple[str, str]]:
    rows = [line.split("\t") for line in output.split("\n")[:-1]]
    return [(text, label) for label, _, _, text in rows]


def _read_json(output: str) -> list[tuple[str, str]]:
    rows = map(json.loads, output.split("\n")[:-1])
    return [(row["text"], row["label"]) for row in rows]


def _read_csv(output: str) -> list[tuple[str, str]]:
    return [(row["text"], row["label"]) for row in csv.DictReader(io.StringIO(output, newline=""))]


FORMS = {
    "lines": Form((), _make_printable, _read_lines),
    "--json": Form(("--json",), _make_lines, _read_json),
    "--jsonl": Form(("--jsonl", "text"), _make_json, _read_json),
    "--csv": Form(("--csv", "text"), _make_csv, _read_csv),
}
