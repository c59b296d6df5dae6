"""The program edgetext-c: its output is that of classify.py, and it withstands what a shell does to it."""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import json
import os
import pty
import random
import re
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from edgetext import Bundle
from edgetext.command.main import main as classify
from edgetext.encoder import Preprocessing
from edgetext.formats.etx import make_block
from edgetext.keras_imdb import KERAS_IMDB
from edgetext.text import RESERVED, Words
from edgetext.vocabulary import Vocabulary
from tests.c.programs import COMMAND, MACHINES, ROOT, SANITIZERS, MissingError, compile_here
from tests.runtime.helpers import random_bigrams, safetensors
from tests.runtime.in_process import call

CLASSIFY = ROOT / "runtime" / "classify.py"
LONGEST = 2**24
WORDS = Words(False)
# Each is standard input; classify.py says the same about it, but for a few notes that propose other options.
STREAMS = {
    "lines": b"great movie\nterrible movie\n",
    "no final line feed": b"great movie\nterrible movie",
    "nothing": b"",
    "empty lines": b"\n\n \xe3\x80\x80\ngreat\n\n",
    "CR LF": b"great movie\r\nbad\r\r\n\r\n",
    "only CR": b"great movie\rbad",
    "CR within": b"great\rmovie\nbad\n",
    "mark": b"\xef\xbb\xbfgreat movie\n\xef\xbb\xbfbad\n",
    "mark alone": b"\xef\xbb\xbf",
    "part of a mark": b"\xef\xbb",
    "first byte of a mark": b"\xef",
    "mark and line feed": b"\xef\xbb\xbf\n",
    "only NUL": b"\0" * 40 + b"\n",
    "NUL": b"great\0movie\n\0\n",
    "invalid": b"great\n\xff\nbad \xe2\x82\n\xed\xa0\x80\n\xf4\x90\x80\x80\n\xc0\xaf\nfine\n\xe2\x82",
    "invalid after a mark": b"\xef\xbb\xbfgood\xe9\n",
    "not printable": "a\tb\x0b\x1b[31m \x7f\x85\u00a0\u00ad\u200b\u202e\u2028\u3000\ufeff\ue000\U000e0041 c\n".encode(),
    "other scripts": "\u0130stanbul \u96fb\u5f71 \U0001f600\U0001f468\u200d\U0001f469 e\u0301 it\u2019s\n".encode(),
    "replacement characters": b"great\xef\xbf\xbd\n\xef\xbf\xbd\xef\xbf\nfine\n",
    "many empty lines": b" \n" * 1234,
    "JSON lines": b'{"t": "great"}\n{"t": "bad"}\n',
    "JSON array": b'\xef\xbb\xbf\n [\n{ "t\\"":\n"great"}]',
    "nearly JSON": b'{"t", "great"}\n',
    "JSON in text": b'{"a": "\\"}\x08\x0c\x1f"\n',
    "fastText": b"__label__p great movie\n__label__n  bad  one \n__label__a __label__b both\nno label\n__label__x\n",
    "fastText, spaces": "__label__a\tgreat\u00a0movie\n__label__b\u3000x y\n__label__c\u00a0d  e \u2003\n".encode(),
}
LONG_STREAMS = {
    "longest": b"great movie " * (LONGEST // 12) + b"bad!\nbad\n",
    "too long": b"bad\n" + b"a" * (LONGEST + 1) + b"\nbad\n",
    "too long, far": b"a b " * (LONGEST // 2) + b"\nbad\n" + b"b" * (LONGEST + 5),
    "longest with a mark": b"\xef\xbb\xbf" + b"a" * LONGEST + b"\nbad\n",
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The shipped model as a block."""
    bundle = Bundle.open()
    content = bundle.read(next(model for model in bundle.models if model.engine == "builtin"))
    path = tmp_path_factory.mktemp("model") / "model.etx"
    path.write_bytes(make_block(bundle.labels, bundle.preprocessing, bundle.vocabulary(), content, "fast"))
    return str(path)


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The program with sanitizers."""
    try:
        return str(compile_here(COMMAND, tmp_path_factory.mktemp("command") / "edgetext-c", *SANITIZERS))
    except MissingError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def ships(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """A function that has ``make c`` build the program for a machine."""
    if find_spec("ziglang") is None or shutil.which("make") is None:
        pytest.skip("needs ziglang and make")
    folder = tmp_path_factory.mktemp("ships")

    def build(machine: str) -> str:
        program = f"{folder}/edgetext-c-{machine}"
        done = run("make", "-s", program, f"C_OUT={folder}", f"RUN={sys.executable}", cwd=ROOT)
        assert (done.returncode, done.stderr) == (0, b"")
        return program

    return build


@pytest.fixture
def static(ships: Callable[[str], str]) -> str:
    """The program as it ships."""
    return ships("x86_64")


def run(*words: Any, stdin: bytes = b"", **options: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([str(word) for word in words], input=stdin, capture_output=True, check=False, **options)


def error_of(*words: Any, **options: Any) -> str:
    """Return the one line of an error."""
    done = run(*words, **options)
    lines = done.stderr.decode().splitlines()
    assert (done.returncode, done.stdout, len(lines)) == (2, b"", 1), done
    assert lines[0].startswith("error: ")
    return lines[0][7:]


def same(ours: subprocess.CompletedProcess[bytes], theirs: subprocess.CompletedProcess[bytes]) -> None:
    """Check that the results and messages are those of classify.py, and the exit code."""
    assert ours.returncode == theirs.returncode
    found, wanted = ours.stdout.split(b"\n"), theirs.stdout.split(b"\n")
    assert len(found) == len(wanted)
    for line, expected in zip(found, wanted):
        if expected.startswith(b"{"):
            values, others = json.loads(line), json.loads(expected)
            assert line.decode() == json.dumps(values, ensure_ascii=False)
            assert values.pop("probabilities") == pytest.approx(others.pop("probabilities"), rel=1e-14)
            assert values.pop("score") == pytest.approx(others.pop("score"), rel=1e-14)
            assert values == {**others, "engine": "c"}
        else:
            assert line == expected.replace(b"\tbuiltin\t", b"\tc\t", 1)
    assert messages(ours) == messages(theirs)


def messages(done: subprocess.CompletedProcess[bytes]) -> list[str]:
    """Return the lines on standard error, but for those that propose what only one of the commands can do."""
    lines = done.stderr.decode().replace(": classify.py --jsonl", ": --jsonl").splitlines()
    return [line for line in lines if not re.search("--encoding|iconv", line)]


def in_columns(words: list[str], columns: int) -> list[str]:
    """Run a command in a terminal of this width and return its lines."""
    terminal, output = pty.openpty()
    fcntl.ioctl(output, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
    found = b""
    with open(terminal, "rb", buffering=0) as reader, subprocess.Popen(words, stdout=output, stdin=subprocess.DEVNULL):
        os.close(output)
        with contextlib.suppress(OSError):  # how a terminal ends
            while piece := reader.read(4096):
                found += piece
    return found.decode().split("\r\n")


@pytest.mark.slow
class TestSameAsPython:
    @pytest.mark.parametrize("stream", STREAMS.values(), ids=list(STREAMS))
    @pytest.mark.parametrize("options", [[], ["--json"], ["--threshold", "0.8"]], ids=" ".join)
    def test_streams(self, checked: str, model: str, options: list[str], stream: bytes) -> None:
        same(run(checked, *options, model, stdin=stream), call(classify, ["--engine", "builtin", *options], stream))

    @pytest.mark.parametrize("stream", LONG_STREAMS.values(), ids=list(LONG_STREAMS))
    def test_long_lines(self, checked: str, model: str, stream: bytes) -> None:
        same(run(checked, model, stdin=stream), call(classify, ["--engine", "builtin"], stream))

    @pytest.mark.parametrize("options", [[], ["--json"]], ids=" ".join)
    def test_arguments(self, checked: str, model: str, options: list[str]) -> None:
        texts: list[str | bytes] = ["great", "", "\u96fb\u5f71 \U0001f600\n", b"\xff", " \u3000", '"quoted" \\ \t']
        theirs = call(classify, [*options, "--engine", "builtin", "--", *texts])
        encoded = [text if isinstance(text, bytes) else text.encode() for text in texts]
        same(subprocess.run([checked, model, *options, "--", *encoded], capture_output=True, check=False), theirs)

    def test_real_texts(self, checked: str, model: str) -> None:
        files = [ROOT / "benchmarks" / "sample_reviews.txt", *sorted(ROOT.glob("*.md")), ROOT / "runtime" / "README.md"]
        stream = b"".join(file.read_bytes() for file in files)
        for options in ([], ["--json"]):
            same(run(checked, *options, model, stdin=stream), call(classify, ["--engine", "builtin", *options], stream))

    def test_a_terminal_gets_lines_that_fit(self, static: str, model: str) -> None:
        texts = ["great movie " * 20, "\u96fb\u5f71" * 60]
        for columns in (10, 40, 61):
            lines = in_columns([static, model, *texts], columns)
            assert lines == [
                line.replace("\tbuiltin\t", "\tc\t")
                for line in in_columns([sys.executable, str(CLASSIFY), *texts], columns)
            ]
            assert [line[-1:] for line in lines] == ["\u2026", "\u2026", ""]


@pytest.mark.slow
def test_numbers_are_those_of_python(tmp_path: Path) -> None:
    program = tmp_path / "numbers"
    folder = COMMAND[1].parent
    try:
        compile_here([Path(__file__).parent / "numbers.c", folder / "output.c"], program, *SANITIZERS)
    except MissingError as error:
        pytest.skip(str(error))
    draw = random.Random(1)
    numbers = [0.0, 1.0, 0.1, 1e-4, 1e-5, 9.5e-5, 5e-5, 0.12345, 0.99995, 1 - 2**-53, 2.2250738585072014e-308]
    numbers += [2.0**-power for power in range(1, 1075)]
    numbers += [draw.random() * 10.0 ** -draw.choice([0, 0, 1, 5, 20, 300]) for _ in range(20_000)]
    numbers += [draw.randrange(10**6) / 10**6 for _ in range(5_000)]
    numbers += [(draw.randrange(10**4) + 0.5) / 10**4 for _ in range(5_000)]
    done = run(program, stdin="\n".join(map(float.hex, numbers)).encode())
    assert done.stdout.decode().splitlines() == [f"{number!r} {number:.4f}" for number in numbers]


@pytest.mark.slow
class TestShell:
    def test_lines_are_answered_as_they_come(self, static: str, model: str) -> None:
        with subprocess.Popen([static, model], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdin is not None is not process.stdout
            for text in (b"great movie", b"terrible movie"):
                process.stdin.write(text + b"\n")
                process.stdin.flush()
                assert process.stdout.readline().rstrip().endswith(text)

    def test_a_model_without_end(self, static: str) -> None:
        done = run(static, "/dev/zero", "great movie")
        assert (done.returncode, done.stdout) == (2, b"")
        assert done.stderr.decode() == "error: /dev/zero: longer than 200000000 bytes, which no model is\n"

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    def test_signals(self, static: str, model: str, number: signal.Signals) -> None:
        # Whatever started the tests may ignore signals.
        default: Any = {"preexec_fn": lambda: signal.signal(number, signal.SIG_DFL)}
        with subprocess.Popen([static, model], stdin=subprocess.PIPE, stdout=subprocess.PIPE, **default) as process:
            assert process.stdin is not None is not process.stdout
            process.stdin.write(b"great movie\nbad")
            process.stdin.flush()
            assert process.stdout.readline()
            process.send_signal(number)
            assert process.wait(10) == 128 + number
            assert process.stdout.read() == b""

    def test_a_signal_waits_for_the_end_of_a_result(self, static: str, model: str) -> None:
        text = b"great movie " * 20_000
        with subprocess.Popen([static, model], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdin is not None is not process.stdout
            process.stdin.write(text + b"\n")
            process.stdin.flush()
            start = process.stdout.read(10)
            process.send_signal(signal.SIGTERM)
            found = start + process.stdout.read()
            assert process.wait(10) == 143
        assert found.endswith(b"\tc\t" + text + b"\n")

    def test_the_reader_closes_the_pipe(self, static: str, model: str) -> None:
        line = shlex.join([static, model])
        done = run("bash", "-c", f"yes 'great movie' | {line} | head -n 1; echo ${{PIPESTATUS[1]}}")
        assert done.stdout.splitlines()[1:] == [b"0"]
        assert done.stderr == b""

    def test_the_disk_is_full(self, static: str, model: str, tmp_path: Path) -> None:
        line = shlex.join([static, model])
        done = run("sh", "-c", f"echo great | {line} > /dev/full")
        assert (done.returncode, done.stderr) == (2, b"error: standard output: No space left on device\n")
        done = run("sh", "-c", f"ulimit -f 100; yes 'great movie' | {line} > out.txt", cwd=tmp_path)
        assert (done.returncode, done.stderr) == (2, b"error: standard output: File too large\n")
        found = (tmp_path / "out.txt").read_bytes()
        assert len(found) > 50_000
        assert set(found.splitlines(keepends=True)) == {found[: found.index(b"\n") + 1]}

    def test_streams_that_are_closed_or_the_same(self, static: str, model: str, tmp_path: Path) -> None:
        line = shlex.join([static, model])
        assert run("sh", "-c", f"{line} great >&-").stderr == b"error: standard output is closed\n"
        no_text = b'error: no text: give one as an argument ("great movie"), or pipe lines in\n'
        assert run("sh", "-c", f"{line} <&-").stderr == no_text
        done = run("sh", "-c", f"echo great > both; {line} < both >> both", cwd=tmp_path)
        assert done.stderr == b"error: the input is the output as well: write the results to another file\n"
        assert run("sh", "-c", f"echo great | {line} 2>&-").returncode == 0

    def test_a_model_from_a_pipe(self, static: str, model: str) -> None:
        assert run(static, "/dev/stdin", "great movie", stdin=Path(model).read_bytes()).stdout.startswith(b"positive\t")


class TestMistakes:
    @pytest.mark.parametrize(
        ("words", "message"),
        [
            ([], "no model: edgetext-c MODEL < lines; --help shows more"),
            (["--jsonl", "MODEL"], "--jsonl: there is no such option; --help lists them, .*"),
            (["missing.etx"], r"missing\.etx: No such file or directory \(the first argument is the model\)"),
            ([str(ROOT)], ".*: this is a folder: name the .etx file in it"),
            ([__file__], ".*: this is not a model of edgetext"),
            (["MODEL", "-"], "'-' is not a text: standard input is read if no text is given"),
            (["--info", "MODEL", "great"], "--info takes a model and nothing else"),
            *((["MODEL", "--threshold", value], "--threshold must be a number from 0 to 1, such as 0.8")
              for value in ("", "1.1", "-1", "nan", "0,5", ".", "1e1", "1e", "e-1", "0.1e-1e", "1e-999", "0x1")),
            (["MODEL", "--threshold=0." + "1" * 16], "--threshold must have at most 15 digits, such as 0.8"),
            (["MODEL", "--threshold"], "--threshold must be a number from 0 to 1, such as 0.8"),
        ],
    )  # fmt: skip
    def test_one_line(self, checked: str, model: str, words: list[str], message: str) -> None:
        assert re.fullmatch(message, error_of(checked, *(model if word == "MODEL" else word for word in words)))

    @pytest.mark.parametrize(
        ("stream", "message"),
        [
            (b"\x1f\x8b\x08", "this is a gzip file: decompress it first, such as with zcat"),
            *(
                ("great".encode(encoding), f"not UTF-8: convert it first, such as with iconv -f {encoding} -t utf-8")
                for encoding in ("utf-16", "utf-32")
            ),
            ("great".encode("utf-16-be"), "not UTF-8: convert it first, such as with iconv -f utf-16be -t utf-8"),
        ],
    )
    def test_input_that_is_no_text(self, checked: str, model: str, stream: bytes, message: str) -> None:
        assert error_of(checked, model, stdin=stream) == message

    @pytest.mark.parametrize(
        "start", ["PAR1", "PK\3\4", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "%PDF-1.4", "BZh91AY&SY", "BZh9",
                  "\xfd7zXZ\0", "(\xb5/\xfd", "a" * 257 + "ustar", "a" * 256 + "ustar"],
    )  # fmt: skip
    def test_other_files(self, checked: str, model: str, start: str) -> None:
        for stream in (start.encode("latin-1"), start.encode("latin-1") + b" and so on\n"):
            theirs = call(classify, ["--engine", "builtin"], stream)
            theirs.stderr = re.sub(rb"label it with --parquet .*", rb"save the table as CSV", theirs.stderr)
            same(run(checked, model, stdin=stream), theirs)

    def test_utf16_without_mark(self, checked: str, model: str) -> None:
        """The same files as by classify.py are found to be UTF-16."""
        texts = [
            "great\n",
            "great movie\r\nbad\r\n",
            "\u043c\u0438\u0440\n" * 9,
            "\u96fb\u5f71\n\u5f71\n",
            "\u0a0a\n\n",
        ]
        found = 0
        for text in texts:
            for encoding in ("utf-16-le", "utf-16-be"):
                whole = text.encode(encoding)
                for stream in (*(whole[:size] for size in range(2, len(whole), 3)), whole * 200):
                    theirs = call(classify, ["--engine", "builtin"], stream).stderr.decode()
                    named = f"error: not UTF-8: name the encoding with --encoding, such as {encoding}\n"
                    fix = f"convert it first, such as with iconv -f {encoding.replace('16-', '16')} -t utf-8"
                    ours = run(checked, model, stdin=stream).stderr.decode()
                    assert (ours == f"error: not UTF-8: {fix}\n") == (theirs == named), stream
                    found += theirs == named
        assert found > 20

    def test_empty_texts_with_several_labels(self, checked: str, tmp_path: Path) -> None:
        """In this rule set, other white space than spaces is an unknown word, which may have weights."""
        vocabulary = Vocabulary([*RESERVED, "great"], KERAS_IMDB)
        content = safetensors(*random_bigrams(2, 3, len(vocabulary), 16, 8, "bigrams"))
        preprocessing = Preprocessing(8, "post", KERAS_IMDB)
        block = make_block(["a", "b", "c"], preprocessing, vocabulary, content, "small")
        (tmp_path / "model.etx").write_bytes(block)
        done = run(checked, tmp_path / "model.etx", stdin=" \n\u3000\n\n".encode())
        labels = dict.fromkeys(line.split(b"\t")[0].decode() for line in done.stdout.splitlines())
        assert len(labels) == 2
        note = f"note: 3 empty texts were labelled {' or '.join(labels)}, the model's answer to a text without words\n"
        assert done.stderr.decode() == note

    def test_a_label_called_uncertain(self, checked: str, tmp_path: Path) -> None:
        bundle = Bundle.open()
        content = bundle.read(next(model for model in bundle.models if model.engine == "builtin"))
        block = make_block(["uncertain", "x"], bundle.preprocessing, bundle.vocabulary(), content, "small")
        (tmp_path / "model.etx").write_bytes(block)
        message = error_of(checked, tmp_path / "model.etx", "--threshold=0.5", "great")
        assert message.endswith("a label is called 'uncertain', so no threshold can be used")

    @pytest.mark.parametrize(
        ("stream", "notes"),
        [
            (b"\xff\n" * 3, ["3 lines are not UTF-8: convert them first, such as with iconv -f windows-1252 -t utf-8"]),
            (b"a\0b\n", ["1 line has NUL characters: if this is UTF-16, .* iconv -f utf-16le -t utf-8"]),
            (b'{"t": "great"}\n', ["each line is scored as it is: classify.py --jsonl FIELD would read a table"]),
        ],
    )
    def test_notes(self, checked: str, model: str, stream: bytes, notes: list[str]) -> None:
        lines = run(checked, model, stdin=stream).stderr.decode().splitlines()
        found = [line.removeprefix("note: ") for line in lines if line.startswith("note: ")]
        assert len(found) == len(notes)
        assert all(map(re.fullmatch, notes, found))

    @pytest.mark.parametrize("value", ["9e-1", "91E-2", ".091e+1", "1e0", "1e-22", "0e9", "0" * 20 + ".9", "1."])
    def test_thresholds_are_those_of_python(self, checked: str, model: str, value: str) -> None:
        theirs = call(classify, ["--engine", "builtin", "--threshold", value, "great movie"])
        same(run(checked, "--threshold", value, model, "great movie"), theirs)

    def test_a_compressed_model(self, checked: str, model: str, tmp_path: Path) -> None:
        (tmp_path / "model.etx.gz").write_bytes(gzip.compress(Path(model).read_bytes()))
        message = error_of(checked, tmp_path / "model.etx.gz", "great")
        assert message.endswith(".gz: this is compressed with gzip: decompress it first, such as with gunzip")

    def test_a_file_as_a_text(self, checked: str, model: str) -> None:
        done = run(checked, model, __file__)
        assert done.returncode == 0
        assert "is a file, and its name was scored" in done.stderr.decode()


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_builds_the_programs_before_the_model(tmp_path: Path) -> None:
    """So the command that the exporter proposes can be used; and nothing is written outside of the project."""
    words = ["make", "-n", "-B", "c", "-o", "setup", "RUN=true", f"C_OUT={tmp_path}", "C_MACHINES=armv7"]
    shown = run(*words, cwd=ROOT).stdout.decode()
    assert 0 < shown.index("ziglang cc") < shown.index("export/to_c.py")
    shown = run("make", "-f", "-", "show", cwd=ROOT, stdin=b"include Makefile\nshow:\n\t@env").stdout.decode()
    folders = re.findall("^ZIG_(?:GLOBAL|LOCAL)_CACHE_DIR=(.*)", shown, re.MULTILINE)
    assert folders == [str(ROOT / "build" / "zig")] * 2


def test_about(checked: str, model: str) -> None:
    assert run(checked, "--version").stdout == b"edgetext-c 0.1.0\n"
    for option in ("--help", "-h"):
        assert run(checked, option).stdout.startswith(b"usage: edgetext-c ")
    size = Path(model).stat().st_size
    words = len(Bundle.open().vocabulary())
    expected = (
        f"{model}, {size:,} bytes\nwords       vocabulary of {words:,} ids; 512 ids of a text are read\n"
        "labels      negative, positive\n"
    )
    assert run(checked, "--info", model).stdout.decode() == expected


@pytest.mark.slow
@pytest.mark.parametrize("machine", MACHINES)
def test_static_programs_are_small_and_agree(machine: str, ships: Callable[[str], str], model: str) -> None:
    emulator = MACHINES[machine].emulator
    if emulator and shutil.which(emulator[0]) is None:
        pytest.skip(f"needs {emulator[0]}")
    words = [*emulator, ships(machine)]
    assert Path(words[-1]).stat().st_size <= (100_000 if machine.startswith("mips") else 50_000)
    stream = (ROOT / "benchmarks" / "sample_reviews.txt").read_bytes()
    done = run(*words, "--json", model, stdin=stream)
    assert done.stderr == b""
    assert done.stdout.count(b'"engine": "c"') == stream.count(b"\n")
    assert done.stdout == run(ships("x86_64"), "--json", model, stdin=stream).stdout  # every digit


def test_the_program_in_the_guide(checked: str, model: str, tmp_path: Path) -> None:
    """A user's own program, in runtime/guides/c.md."""
    guide = (ROOT / "runtime" / "guides" / "c.md").read_text("utf-8")
    (tmp_path / "program.c").write_text(guide.partition("```c\n")[2].partition("```")[0])
    compile_here([tmp_path / "program.c", COMMAND[-1]], tmp_path / "program", *SANITIZERS)
    program = tmp_path / "program"
    answer = run(program, model, "great movie").stdout.split()
    assert answer == run(checked, model, "great movie").stdout.split()[:2]

    vocabulary = Vocabulary([*RESERVED, "great"], WORDS)
    labels = [f"label {number}" for number in range(30)]
    content = safetensors(*random_bigrams(1, len(labels), len(vocabulary), 2**17, 8))
    large = tmp_path / "large.etx"
    large.write_bytes(make_block(labels, Preprocessing(8, "post", WORDS), vocabulary, content, "small"))
    assert large.stat().st_size > 3_900_000
    assert (
        run(program, large, "great").stdout == b" ".join(run(checked, large, "great").stdout.split(b"\t")[:2]) + b"\n"
    )

    assert error_of(program) == "wrong arguments: usage: program MODEL TEXT"
    assert error_of(program, "nowhere.etx", "x") == "nowhere.etx: No such file or directory"
    assert error_of(program, tmp_path, "x") == f"{tmp_path}: Is a directory"
    assert error_of(program, __file__, "x") == f"{__file__}: this is not a model of edgetext"
    assert error_of(program, "/dev/zero", "x") == "/dev/zero: longer than a model of this program may be"
