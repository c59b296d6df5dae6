from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

from edgetext import EngineError, __version__
from edgetext.command import Arguments, Options, Record
from edgetext.command.arguments import parse
from edgetext.command.main import main
from edgetext.encoder import Preprocessing
from edgetext.keras_imdb import KERAS_IMDB, KerasIMDB
from edgetext.text import RESERVED, Words
from edgetext.vocabulary import Vocabulary
from tests.runtime import RUNTIME
from tests.runtime.helpers import (
    VOCABULARY,
    as_version_2,
    change_behind_crc32,
    entry,
    fake_classifier,
    random_bigrams,
    run,
    run_process,
    safetensors,
    write_bundle,
)

FULL = b"error: standard output: No space left on device\n"
ONE_SHOT = """
import sys
sys.path.insert(0, {path!r})
before = set(sys.modules)
from edgetext.command.main import main
code = main([{text!r}])
print(*sorted(set(sys.modules) - before))
sys.exit(code)
"""
FAKE = str(Path(__file__).parent.with_name("fake_command.py"))


class CommandTest(unittest.TestCase):
    """Common assertions about the command, run in this process."""

    def succeed(self, *args: str, stdin: bytes = b"", errors: str = "", code: int = 0) -> str:
        """Run, assert the exit code and standard error, and return standard output."""
        result = run(*args, stdin=stdin)
        self.assertEqual(result.stderr.decode(), errors)
        self.assertEqual(result.returncode, code)
        return result.stdout.decode()

    def fail_with(self, part: str, *args: str, stdin: bytes = b"") -> None:
        """Run, and assert exit code 2, no output, and one line of error that has ``part``."""
        result = run(*args, stdin=stdin)
        message = result.stderr.decode()
        self.assertEqual((result.returncode, result.stdout), (2, b""), message)
        self.assertEqual(message.count("\n"), 1, message)
        self.assertIn(part, message)


class ArgumentsTest(CommandTest):
    def test_texts(self) -> None:
        output = self.succeed("great movie", "bad movie")
        self.assertEqual(output, "positive\t0.7500\tfake\tgreat movie\nnegative\t0.7500\tfake\tbad movie\n")

    def test_json(self) -> None:
        rows = [json.loads(line) for line in self.succeed("--json", "great", "caf\u00e9").splitlines()]
        self.assertEqual(
            rows[0],
            {
                "text": "great",
                "label": "positive",
                "score": 0.75,
                "probabilities": {"negative": 0.25, "positive": 0.75},
                "engine": "fake",
                "known": 1.0,
            },
        )
        self.assertEqual(rows[1]["text"], "caf\u00e9")
        self.assertEqual(json.loads(self.succeed("--json", "a great tale"))["known"], 1 / 3)

    def test_empty_and_undecodable_texts(self) -> None:
        """What can be scored is scored; the rest is named."""
        output = self.succeed("", "great", " ", errors="error: text 1 is empty\nerror: text 3 is empty\n", code=2)
        self.assertEqual(output, "positive\t0.7500\tfake\tgreat\n")
        result = run(b"\xff\xfe", "great")
        self.assertEqual((result.returncode, result.stderr), (2, b"error: text 1 is not UTF-8\n"))
        self.assertEqual(result.stdout, b"positive\t0.7500\tfake\tgreat\n")

    def test_control_characters_do_not_reach_a_terminal(self) -> None:
        output = self.succeed("great \x1b[31m\tmovie\nbad bad")
        self.assertEqual(output, "negative\t0.7500\tfake\tgreat  [31m movie bad bad\n")

    def test_a_text_too_long_for_the_terminal_ends_in_an_ellipsis(self) -> None:
        prediction = fake_classifier().classify("great")
        for length in (15, 16):  # of 48 columns 32 are before the text, and the last stays empty
            line = Arguments([], width=48).write(Record(1, "x" * length), prediction)
            text = "x" * 15 if length == 15 else "x" * 14 + "\u2026"
            self.assertEqual(line, f"positive\t0.7500\tfake\t{text}\n")

    def test_wrong_usage(self) -> None:
        for part, args in (
            ("give texts as arguments, or an input with --file PATH, not both", ("great", "--file", "x")),
            ("not both", ("great", "--jsonl", "x")),
            ("not allowed with", ("--csv", "a", "--jsonl", "b")),
            ("not allowed with", ("--info", "--verify")),
            ("not allowed with", ("--verify", "--doctor")),
            ("leave out TEXT, which --info does not use", ("--info", "great")),
            ("leave out --engine, --top-k, which --info does not use", ("--engine", "auto", "--info", "--top-k", "2")),
            ("leave out --engine, which --doctor does not use", ("--doctor", "--engine", "onnx")),
            ("leave out --threshold, which --doctor does not use", ("--doctor", "--threshold", "0.5")),
            ("leave out --recipe, which --verify does not use", ("--verify", "--recipe", "bogus")),
            ("leave out --json, which --verify does not use", ("--verify", "--json")),
            ("leave out --file, which --verify does not use", ("--verify", "--file", "-")),
            ("--prefix is only used with --jsonl or --csv", ("--prefix", "my_", "great")),
            ("--prefix is only used with --jsonl or --csv", ("--prefix", "my_", "--json", "great")),
            ("--delimiter is only used with --csv", ("--delimiter", ";", "great")),
            ("--delimiter is only used with --csv", ("--delimiter", ",", "--jsonl", "text")),
            ("--label-only prints labels and nothing else", ("--label-only", "--json", "great")),
            ("--label-only prints labels and nothing else", ("--label-only", "--csv", "text")),
            ("--label-only prints labels and nothing else", ("--label-only", "--top-k", "2", "great")),
            ("'-' is not a text; standard input is read if no text is given", ("-",)),
            ("'-' is not a text; standard input is read if no text is given", ("--json", "-")),
            ("--model is empty: is a variable unset?", ("--model", "", "great")),
            ("--model is empty: is a variable unset?", ("--info", "--model", "")),
            ("--file is empty: is a variable unset?", ("--file", "")),
            ("--file is empty: is a variable unset?", ("--file", "", "great")),
            ("--recipe is empty: is a variable unset?", ("--recipe", "", "great")),
            ("--csv writes CSV", ("--csv", "a", "--json")),
            ("from 1 to 256", ("great", "--threads", "0")),
            ("from 1 to 256", ("great", "--threads", "2147483648")),
            ("one character", ("--csv", "a", "--delimiter", "ab")),
            ("--threshold must be from 0 to 1", ("great", "--threshold", "1.1")),
            ("--threshold must be from 0 to 1", ("great", "--threshold=-0.1")),
            ("--threshold must be from 0 to 1", ("great", "--threshold", "nan")),
            ("argument --threshold: invalid float value: 'half'", ("great", "--threshold", "half")),
            ("--top-k must be at least 1", ("great", "--top-k", "0")),
            ("--top-k must be at least 1", ("great", "--top-k=-3")),
            ("argument --top-k: invalid int value: '1.5'", ("great", "--top-k", "1.5")),
            ("must follow '--', and there is no option --bogus", ("--bogus",)),
            ("x.txt: No such file", ("--file", "x.txt")),
            ("Is a directory", ("--file", str(RUNTIME))),
        ):
            with self.subTest(args):
                self.fail_with(part, *args)

    def test_help_and_version(self) -> None:
        self.assertIn("examples:", self.succeed("--help"))
        self.assertEqual(self.succeed("--version"), f"edgetext {__version__}\n")


class LinesTest(CommandTest):
    def test_a_text_a_line(self) -> None:
        output = self.succeed(stdin=b"\xef\xbb\xbfgreat\r\nbad\nno end")
        self.assertEqual([line.split("\t")[3] for line in output.splitlines()], ["great", "bad", "no end"])

    def test_unreadable_lines_are_named_and_the_rest_goes_on(self) -> None:
        stdin = b"great\n\xff\xfe\nbad\nab\xc3\nbad\n"
        errors = "error: line 2: not UTF-8 (byte 0xff at 1)\nerror: line 4: not UTF-8 (byte 0xc3 at 3)\n"
        output = self.succeed(stdin=stdin, errors=errors, code=2)
        self.assertEqual([line.split("\t")[0] for line in output.splitlines()], ["positive", "negative", "negative"])

    def test_empty_lines_keep_their_place(self) -> None:
        for empty, texts in ((b"\n", "1 empty text was"), (b"\n \n", "2 empty texts were")):
            note = f"note: {texts} labelled negative, the model's answer to a text without words\n"
            output = self.succeed(stdin=b"great\n" + empty + b"bad\n", errors=note)
            self.assertEqual(len(output.splitlines()), 2 + empty.count(b"\n"))

    def test_labels_only(self) -> None:
        self.assertEqual(self.succeed("--label-only", stdin=b"great\nbad\n"), "positive\nnegative\n")
        self.assertEqual(
            self.succeed("--label-only", "--threshold", "0.8", "great", "bad bad"), "uncertain\nnegative\n"
        )

    def test_each_text_has_its_line_of_labels(self) -> None:
        """A text that cannot be read gets an empty one, so that ``paste`` puts labels next to their texts."""
        errors = "error: line 2: not UTF-8 (byte 0xe9 at 4)\n"
        output = self.succeed("--label-only", stdin=b"great\ncaf\xe9\nbad\n", errors=errors, code=2)
        self.assertEqual(output, "positive\n\nnegative\n")
        output = self.succeed("--label-only", "great", "", "bad", errors="error: text 2 is empty\n", code=2)
        self.assertEqual(output, "positive\n\nnegative\n")

    def test_the_name_of_a_file_as_a_text(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "my texts.txt")
            self.succeed(path)
            Path(path).write_text("great\n", "utf-8")
            note = f"note: {path} is a file, and its name was scored: --file '{path}' scores its lines\n"
            output = self.succeed("great", path, path, errors=note)
            self.assertEqual(len(output.splitlines()), 3)
            self.succeed("great", folder)

    @unittest.skipUnless(os.path.exists("/proc/self/mem"), "this system has no file that cannot be read")
    def test_a_file_that_cannot_be_read(self) -> None:
        self.fail_with("/proc/self/mem: Input/output error", "--file", "/proc/self/mem")

    def test_no_lines(self) -> None:
        self.assertEqual(self.succeed(stdin=b""), "")

    def test_lines_end_at_line_feeds_only(self) -> None:
        """Other line separators are characters of a text, as in the reviews."""
        row = self.succeed("--json", stdin="great\x85bad\u2028bad\x0cbad\n".encode())
        self.assertEqual(json.loads(row)["text"], "great\x85bad\u2028bad\x0cbad")

    def test_file_in_batches_equals_pipe_line_by_line(self) -> None:
        content = b"".join(b"great movie %d\nbad\n" % i for i in range(100)) + b"\xff\n" + b"great\n" * 40
        with tempfile.NamedTemporaryFile(suffix=".txt") as file:
            file.write(content)
            file.flush()
            from_file, from_pipe = run("--file", file.name), run(stdin=content)
        self.assertEqual(from_file.stdout, from_pipe.stdout)
        self.assertEqual(from_file.stderr, from_pipe.stderr)
        self.assertEqual(from_file.stdout.count(b"\n"), 240)


class JSONLinesTest(CommandTest):
    def test_other_fields_pass_as_they_were_written(self) -> None:
        line = b'{ "id": 1.10, "big": 12345678901234567890123, "t": "great", "x": [1, {"y": null}] }'
        output = self.succeed("--jsonl", "t", stdin=line + b"\n\n")
        self.assertTrue(output.startswith(line.decode()[:-2]), output)
        row = json.loads(output)
        self.assertEqual((row["label"], row["score"], row["engine"]), ("positive", 0.75, "fake"))
        self.assertEqual(row["probabilities"], {"negative": 0.25, "positive": 0.75})

    def test_bad_lines(self) -> None:
        good = b'{"t": "bad \\ud800"}'
        for bad, part in (
            (b"{", b"not JSON"),
            (b"[1]", b"not a JSON object"),
            (b'{"u": "x"}', b"no field 't'"),
            (b'{"t": 1}', b"no field 't'"),
            (b'{"t": "x", "label": 1}', b"a field 'label' already: choose a --prefix"),
            (b'{"t": "x", "known": 1}', b"a field 'known' already: choose a --prefix"),
            (b"\xff", b"not UTF-8"),
            (b"[" * 100_000, b"not JSON"),
        ):
            with self.subTest(bad[:30]):
                result = run("--jsonl", "t", stdin=good + b"\n" + bad + b"\n" + good)
                self.assertEqual(result.returncode, 2)
                self.assertTrue(result.stderr.startswith(b"error: line 2: "), result.stderr)
                self.assertIn(part, result.stderr)
                self.assertEqual([json.loads(row)["label"] for row in result.stdout.splitlines()], ["negative"] * 2)

    def test_prefix(self) -> None:
        output = self.succeed("--jsonl", "t", "--prefix", "my_", stdin=b'{"t": "great", "label": "known"}\n')
        row = json.loads(output)
        self.assertEqual((row["label"], row["my_label"], row["my_engine"]), ("known", "positive", "fake"))


class CSVTest(CommandTest):
    def table(self, stdin: bytes, *args: str, code: int = 0, errors: str = "", delimiter: str = ",") -> list[list[str]]:
        output = self.succeed("--csv", "text", *args, stdin=stdin, code=code, errors=errors)
        return list(csv.reader(io.StringIO(output), delimiter=delimiter))

    def test_columns_pass_through(self) -> None:
        stdin = b'id,text,note\n1,"great, ""really""\nmovie",a\n2,bad,"b,c"\n'
        self.assertEqual(
            self.table(stdin),
            [
                ["id", "text", "note", "label", "score", "engine"],
                ["1", 'great, "really"\nmovie', "a", "positive", "0.750000", "fake"],
                ["2", "bad", "b,c", "negative", "0.750000", "fake"],
            ],
        )

    def test_line_ends_within_cells_survive(self) -> None:
        cells = ["a\rb", "c\nd", "e\r\nf", "\r", 'g"h', " i ", "j,k"]
        quoted = ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)
        names = ",".join(f"n{i}" for i in range(len(cells)))
        result = run("--csv", "text", stdin=f"{names},text\n{quoted},great\n".encode())
        rows = list(csv.reader(io.StringIO(result.stdout.decode(), newline="")))
        self.assertEqual(rows[1], [*cells, "great", "positive", "0.750000", "fake"])
        self.assertEqual(len(rows), 2)

    def test_a_quote_that_is_not_closed(self) -> None:
        result = run("--csv", "text", stdin=b'id,text\n1,great\n2,"bad\n3,bad\n4,good\n')
        self.assertEqual(result.returncode, 2)
        self.assertIn(b"error: lines 3 to 5: not CSV", result.stderr)
        self.assertEqual(result.stderr.count(b"error"), 1)
        self.assertEqual(result.stdout.count(b"\n"), 2)

    def test_delimiters(self) -> None:
        for name, char in (("tab", "\t"), (";", ";")):
            rows = self.table(f"text{char}n\ngreat{char}1\n".encode(), "--delimiter", name, delimiter=char)
            self.assertEqual(rows[1][:3], ["great", "1", "positive"])

    def test_bad_rows(self) -> None:
        stdin = b'id,text\n1,great\n2\n3,bad,x\n4,\xff\n\n"5","long\nbad"\n'
        errors = (
            "error: line 3: 1 columns, and the header has 2\n"
            "error: line 4: 3 columns, and the header has 2\n"
            "error: line 5: not UTF-8\n"
        )
        rows = self.table(stdin, code=2, errors=errors)
        self.assertEqual([row[0] for row in rows], ["id", "1", "5"])

    def test_a_cell_larger_than_the_csv_module_allows_by_default(self) -> None:
        cell = "great " * 100_000
        output = self.succeed("--csv", "text", stdin=f"text\n{cell}\n".encode())
        self.assertEqual(output, f"text,label,score,engine\n{cell},positive,1.000000,fake\n")

    def test_bad_headers(self) -> None:
        for stdin, part in (
            (b"", "the input is empty: there is no text to score"),
            (b"a,b\n1,2\n", "the columns are 'a', 'b'"),
            (b"text,text\n", "2 columns are called 'text'"),
            (b"text,\xff\n", "line 1: not UTF-8"),
            (b'text,"a\n', "line 1: not CSV"),
            (b"text,label\n", "has a column 'label' already: choose a --prefix"),
        ):
            with self.subTest(stdin):
                self.fail_with(part, "--csv", "text", stdin=stdin)
        rows = self.table(b"text,label\ngreat,known\n", "--prefix", "p_")
        self.assertEqual(rows[0], ["text", "label", "p_label", "p_score", "p_engine"])


class ManyClassesTest(CommandTest):
    """--top-k and --threshold, over four classes; of "movie movie bad" two are the most probable, the others equal."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        file = Path(folder.name, "labels.txt")
        file.write_text("sport\ntravel\ntrade\ncaf\u00e9s\n", encoding="utf-8")
        self.model = ("--model", str(file))
        self.ranked = [("travel", 9 / 16), ("caf\u00e9s", 5 / 16), ("sport", 1 / 16), ("trade", 1 / 16)]

    def test_lines(self) -> None:
        line = [
            "travel",
            "0.5625",
            "cafés",
            "0.3125",
            "sport",
            "0.0625",
            "trade",
            "0.0625",
            "fake",
            "movie movie bad\n",
        ]
        for k, cells in ((1, 2), (2, 4), (4, 8), (10**20, 8)):
            expected = "\t".join(line[:cells] + line[-2:])
            with self.subTest(k):
                self.assertEqual(self.succeed("--top-k", str(k), "movie movie bad", *self.model), expected)
        self.assertEqual(self.succeed("--top-k", "9", *self.model, stdin=b"movie movie bad\n"), expected)
        self.assertEqual(self.succeed("movie movie bad", *self.model), "\t".join(line[:2] + line[-2:]))

    def test_lines_below_the_threshold(self) -> None:
        """The label that was not taken is named behind the score; every line has as many columns."""
        arguments = ("movie", "movie movie bad", "--threshold", "0.6", *self.model)
        self.assertEqual(
            self.succeed(*arguments), "travel\t0.6250\tfake\tmovie\nuncertain\t0.5625\tfake\tmovie movie bad\n"
        )
        self.assertEqual(
            self.succeed(*arguments, "--top-k", "2"),
            "travel\t0.6250\ttravel\t0.6250\tsport\t0.1250\tfake\tmovie\n"
            "uncertain\t0.5625\ttravel\t0.5625\tcaf\u00e9s\t0.3125\tfake\tmovie movie bad\n",
        )

    def test_json(self) -> None:
        for arguments, stdin in (
            (("--json", "movie movie bad"), b""),
            (("--json",), b"movie movie bad\n"),
            (("--jsonl", "text"), b'{"text": "movie movie bad"}\n'),
        ):
            for options, label in (((), "travel"), (("--threshold", "0.6"), "uncertain")):
                plain = json.loads(self.succeed(*arguments, *options, *self.model, stdin=stdin))
                self.assertEqual(list(plain), ["text", "label", "score", "probabilities", "engine", "known"])
                self.assertEqual((plain["label"], plain["score"]), (label, 9 / 16))
                for k in (3, 9):
                    row = json.loads(self.succeed(*arguments, *options, "--top-k", str(k), *self.model, stdin=stdin))
                    top = [{"label": name, "score": score} for name, score in self.ranked[:k]]
                    self.assertEqual(list(row.items()), [*plain.items(), ("top", top)])

    def test_csv(self) -> None:
        stdin = b"id,text\n1,movie movie bad\n"
        scores = ["travel", "0.562500", "caf\u00e9s", "0.312500", "sport", "0.062500", "trade", "0.062500"]
        names = ["label", "score", *(f"{kind}_{rank}" for rank in (2, 3, 4) for kind in ("label", "score"))]
        for k, cells in ((None, 2), (1, 2), (2, 4), (5, 8)):
            options = ("--top-k", str(k)) if k else ()
            output = self.succeed("--csv", "text", *options, *self.model, stdin=stdin)
            with self.subTest(k):
                header, row = csv.reader(io.StringIO(output))
                self.assertEqual(header, ["id", "text", *names[:cells], "engine"])
                self.assertEqual(row, ["1", "movie movie bad", *scores[:cells], "fake"])
        output = self.succeed("--csv", "text", "--top-k", "2", "--threshold", "0.6", *self.model, stdin=stdin)
        header, row = csv.reader(io.StringIO(output))
        self.assertEqual(header[2:], ["label", "score", "label_1", "score_1", "label_2", "score_2", "engine"])
        self.assertEqual(row[2:], ["uncertain", "0.562500", *scores[:4], "fake"])
        output = self.succeed("--csv", "text", "--threshold", "0.6", *self.model, stdin=stdin)
        self.assertEqual(output, "id,text,label,score,engine\n1,movie movie bad,uncertain,0.562500,fake\n")

    def test_names_that_the_input_has(self) -> None:
        """They are in the way only of what is added; a prefix goes before all of it."""
        line, prefix = b'{"text": "movie", "top": 1}\n', ("--prefix", "my_")
        self.assertEqual(json.loads(self.succeed("--jsonl", "text", *self.model, stdin=line))["top"], 1)
        errors = "error: line 1: has a field 'top' already: choose a --prefix for the added ones\n"
        options = ("--jsonl", "text", "--top-k", "2", *self.model)
        self.assertEqual(self.succeed(*options, stdin=line, errors=errors, code=2), "")
        row = json.loads(self.succeed(*options, *prefix, stdin=line))
        self.assertEqual((row["top"], [one["label"] for one in row["my_top"]]), (1, ["travel", "sport"]))
        table = b"text,score_2\nmovie,1\n"
        options = ("--csv", "text", "--top-k", "2", *self.model)
        self.fail_with("line 1: has a column 'score_2' already: choose a --prefix", *options, stdin=table)
        header = self.succeed(*options, *prefix, stdin=table).splitlines()[0]
        self.assertEqual(header, "text,score_2,my_label,my_score,my_label_2,my_score_2,my_engine")
        self.assertIn("movie,1,travel", self.succeed("--csv", "text", *self.model, stdin=table))


class ProcessTest(unittest.TestCase):
    def test_a_line_is_answered_before_the_next_is_there(self) -> None:
        with subprocess.Popen(
            [sys.executable, FAKE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            for line in (b"great\n", b"bad\n"):
                process.stdin.write(line)
                process.stdin.flush()
                self.assertIn(line.strip(), process.stdout.readline())
            process.stdin.close()
            self.assertEqual(process.wait(30), 0)

    def test_an_input_that_is_the_output(self) -> None:
        """Each result would be read as a text again, without end."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "texts.csv"
            for arguments in ("--file {0} >> {0}", "< {0} >> {0}", "--csv text --file {0} >> {0}", "< {0} 1<> {0}"):
                path.write_text("text\n" + "great\n" * 1000, "utf-8")
                size = path.stat().st_size
                shell = f'ulimit -f 1000; exec "{sys.executable}" "{FAKE}" {arguments.format(path)}'
                result = subprocess.run(["bash", "-c", shell], capture_output=True, timeout=60, check=False)
                with self.subTest(arguments):
                    self.assertEqual(result.returncode, 2)
                    self.assertRegex(result.stderr, b"^error: the input is the output as well: [^\n]*\n$")
                    self.assertEqual(path.stat().st_size, size)

    def test_closed_pipe(self) -> None:
        shell = f'yes great | "{sys.executable}" "{FAKE}" | head -n 2; echo "${{PIPESTATUS[1]}}"'
        result = subprocess.run(["bash", "-c", shell], capture_output=True, timeout=60, check=False)
        self.assertEqual(result.stderr, b"")
        self.assertEqual(result.stdout.splitlines()[-1], b"0")
        self.assertEqual(len(result.stdout.splitlines()), 3)

    @unittest.skipUnless(os.path.exists("/dev/full"), "this system has no /dev/full")
    def test_errors_without_standard_error(self) -> None:
        """Where standard error is closed, full or gone, texts are scored all the same, and the exit code is right."""
        lines = b"\xff\ngreat\n\nbad\n" * 50
        for redirection in ("2>&-", "2>/dev/full", "2> >(exec 0<&-)"):
            for arguments, code in (("", 2), ("--info --model nowhere", 2), ("--nosuchoption", 2), ("--help", 0)):
                shell = f'"{sys.executable}" "{FAKE}" {arguments} {redirection}; echo "code $?"'
                result = subprocess.run(
                    ["bash", "-c", shell], input=lines, capture_output=True, timeout=60, check=False
                )
                with self.subTest(redirection=redirection, arguments=arguments):
                    *shown, last = result.stdout.splitlines()
                    self.assertEqual(last, f"code {code}".encode())
                    if not arguments:
                        self.assertEqual(len(shown), 150)
                        self.assertEqual({line.split(b"\t")[0] for line in shown}, {b"positive", b"negative"})

    def test_interrupt(self) -> None:
        with subprocess.Popen(
            [sys.executable, FAKE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # A job in the background of a script has it ignored, and so would ours.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(b"great\n")
            process.stdin.flush()
            self.assertIn(b"great", process.stdout.readline())
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(30), 130)
            assert process.stderr is not None
            self.assertEqual(process.stderr.read(), b"")

    def test_output_that_fails_at_the_end(self) -> None:
        """What is printed at once and not flushed before Python's exit; seen only where output is buffered."""
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
        command = f'"{sys.executable}" "{RUNTIME / "classify.py"}"'
        for arguments in ("--help", "--version", "--info", "--info --json"):
            shell = f'{command} {arguments} | true; echo "${{PIPESTATUS[0]}}"'
            result = subprocess.run(["bash", "-c", shell], capture_output=True, env=environment, check=False)
            with self.subTest(arguments):
                self.assertEqual((result.stdout, result.stderr), (b"0\n", b""))

    def test_interrupt_while_a_native_module_is_imported(self) -> None:
        """Such a module turns it into an ImportError, which must not become advice to install what is there."""

        def load(*args: object, **more: object) -> None:
            try:
                try:
                    raise KeyboardInterrupt
                except KeyboardInterrupt as interrupt:
                    raise ImportError("initialization failed") from interrupt
            except ImportError:
                raise EngineError("not installed") from None

        stderr = io.StringIO()
        with mock.patch("edgetext.classifier.Classifier.load", load), contextlib.redirect_stderr(stderr):
            self.assertEqual(main(["great"]), 130)
        self.assertEqual(stderr.getvalue(), "")

    @unittest.skipUnless(os.path.exists("/dev/full"), "this system has no /dev/full")
    def test_output_that_cannot_be_written(self) -> None:
        command = [sys.executable, str(RUNTIME / "classify.py")]
        for unbuffered in ("", "1"):
            variables = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
            for arguments in (["--help"], ["--version"], ["--info"], ["--verify"]):
                with self.subTest(arguments, unbuffered=unbuffered), open("/dev/full", "wb") as full:
                    result = subprocess.run(
                        [*command, *arguments], stdout=full, stderr=subprocess.PIPE, env=variables, check=False
                    )
                    self.assertEqual((result.returncode, result.stderr), (2, FULL))

    @unittest.skipUnless(os.path.exists("/dev/full"), "this system has no /dev/full")
    def test_full_disk(self) -> None:
        with open("/dev/full", "wb") as full:
            result = subprocess.run(
                [sys.executable, FAKE, "great"], stdout=full, stderr=subprocess.PIPE, timeout=60, check=False
            )
        self.assertEqual(result.returncode, 2)
        self.assertEqual(result.stderr, FULL)

    def test_closed_output_and_input(self) -> None:
        for arguments, redirection, part in (
            ("great", ">&-", b"standard output is closed"),
            ("", "<&-", b"no text"),
            ("--file -", "<&-", b"standard input is closed"),
            ("", f"0> {os.devnull}", b"standard input: Bad file descriptor"),
        ):
            shell = f'"{sys.executable}" "{FAKE}" {arguments} {redirection}'
            result = subprocess.run(["bash", "-c", shell], stderr=subprocess.PIPE, timeout=60, check=False)
            with self.subTest(redirection):
                self.assertEqual(result.returncode, 2)
                self.assertIn(part, result.stderr.splitlines()[-1])

    def test_plain_locale(self) -> None:
        environment = {**os.environ, "LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
        result = run_process("--json", "caf\u00e9 \u6620", env=environment)
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        self.assertEqual(json.loads(result.stdout)["text"], "caf\u00e9 \u6620")
        result = run_process("caf\u00e9 \u6620", env=environment)
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        self.assertTrue(result.stdout.endswith(b"caf\\xe9 \\u6620\n"), result.stdout)


class RealCommandTest(unittest.TestCase):
    """What needs no interpreter of models, of the command itself."""

    def test_options_reach_the_classifier(self) -> None:
        options = ["--model", "there", "--engine", "onnx", "--recipe", "float32", "--threads", "3", "--threshold", ".5"]
        patch = mock.patch("edgetext.classifier.Classifier.load", side_effect=EngineError("as planned"))
        with patch as load, contextlib.redirect_stderr(io.StringIO()):
            self.assertEqual(main(["great", *options]), 2)
        load.assert_called_once_with(
            "there", "onnx", recipe="float32", threads=3, threshold=0.5, min_accuracy=None, quiet=True
        )

    def test_info(self) -> None:
        result = run("--info", fake=False)
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        for part in (
            b"negative, positive",
            b"19,900 ids; the first 511 words",
            b"wi8_afp64",
            b"dynamic_wi8_afp32",
            b"%",
        ):
            self.assertIn(part, result.stdout)
        manifest = json.loads(run("--info", "--json", fake=False).stdout)
        self.assertEqual(manifest, json.loads((RUNTIME / "edgetext" / "default" / "manifest.json").read_text("utf-8")))

    def test_info_of_format_version_2(self) -> None:
        counts = ({"reviews": 25_000, "texts": "test reviews"}, {"texts": 25_000, "description": "test reviews"})
        shown = []
        for count in counts:
            with tempfile.TemporaryDirectory() as folder:
                test = {"accuracy": 0.9, "drop_points": 0.1, **count}
                write_bundle(Path(folder), models=[entry("m.onnx", b"", engine="onnx", recipe="float32", test=test)])
                if "reviews" in count:
                    as_version_2(Path(folder))
                result = run("--info", "--model", folder, fake=False)
                self.assertEqual((result.returncode, result.stderr), (0, b""))
                shown.append(result.stdout.splitlines()[1:])
        self.assertIn(b"25,000 test reviews", b"\n".join(shown[0]))
        self.assertEqual(*shown)

    def test_verify(self) -> None:
        default = RUNTIME / "edgetext" / "default"
        files = ["manifest.json", "vocab.txt", "model.wi8_afp64.safetensors", "model.dynamic_wi8_afp32.tflite"]
        files += ["model.dynamic_wi8.onnx", "ngrams.txt", "validation.json"]
        result = run("--verify", fake=False)
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        self.assertEqual(result.stdout.decode().splitlines(), [f"{file}: ok" for file in files])
        for changed in files:
            with self.subTest(changed), tempfile.TemporaryDirectory() as name:
                folder = Path(name) / "bundle"
                shutil.copytree(default, folder)
                if changed in ("ngrams.txt", "validation.json"):  # which have no other checksum
                    (folder / changed).write_bytes(b"{}")
                else:
                    change_behind_crc32(folder, changed)
                result = run("--verify", "--model", str(folder), fake=False)
                self.assertEqual((result.returncode, result.stderr), (2, b""))
                lines = result.stdout.decode().splitlines()
                self.assertEqual([line.partition(":")[0] for line in lines], files)
                failed = [line for line in lines if not line.endswith(": ok")]
                self.assertEqual(len(failed), 1)
                self.assertRegex(failed[0], f"^{changed}: FAILED: .*checksum")

    def test_verify_a_single_file(self) -> None:
        ours = RUNTIME / "edgetext" / "default" / "model.dynamic_wi8.onnx"
        result = run("--verify", "--model", str(ours), fake=False)
        self.assertEqual((result.returncode, result.stdout), (0, b"model.dynamic_wi8.onnx: ok\n"))
        other = Path(__file__).parent.with_name("model_maker.tflite")
        result = run("--verify", "--model", str(other), fake=False)
        self.assertEqual(result.returncode, 2)
        self.assertIn(b"no checksum of its model", result.stdout)
        result = run("--verify", "--model", "/nowhere", fake=False)
        self.assertEqual((result.returncode, result.stdout, result.stderr.count(b"\n")), (2, b"", 1))

    def test_info_of_a_bundle_by_somebody_else(self) -> None:
        odd: list[Any] = [None, [], {}, {"accuracy": "x"}, {"accuracy": 10**400, "drop_points": 0, "reviews": 1}]
        for test in odd:
            with self.subTest(test), tempfile.TemporaryDirectory() as folder:
                model = entry("model.float32.tflite", b"", engine="tflite", recipe="float32", test=test)
                write_bundle(Path(folder), models=[model])
                result = run("--info", "--model", folder, fake=False)
                self.assertEqual((result.returncode, result.stderr), (0, b""))
                self.assertIn(b"not measured", result.stdout)

    def test_many_classes(self) -> None:
        """A bundle with many labels, through every option that uses labels."""
        for number in (3, 12, 300):
            labels = [f"class {place}" for place in range(number)]
            metadata, tensors = random_bigrams(number, number, vocabulary=len(VOCABULARY), max_length=8)
            content = safetensors(metadata, tensors)
            model = entry("model.wi8_afp64.safetensors", content, engine="builtin", recipe="wi8_afp64")
            with self.subTest(number), tempfile.TemporaryDirectory() as folder:
                write_bundle(Path(folder), labels=labels, models=[model])
                (Path(folder) / model["file"]).write_bytes(content)
                row = json.loads(self.succeed("--model", folder, "great movie", "--json", "--top-k", "3"))
                self.assertEqual(list(row["probabilities"]), labels)
                self.assertAlmostEqual(sum(row["probabilities"].values()), 1)
                ranked = sorted(row["probabilities"].values(), reverse=True)
                self.assertEqual([one["score"] for one in row["top"]], ranked[:3])
                self.assertEqual((row["label"], row["score"]), (row["top"][0]["label"], ranked[0]))
                self.assertIn("this bundle works here, with builtin\n", self.succeed("--model", folder, "--doctor"))
                shown = self.succeed("--model", folder, "--info")
                (line,) = (line for line in shown.splitlines() if line.startswith("labels "))
                if number <= 12:
                    self.assertEqual(line, f"labels      {', '.join(labels)}")
                else:
                    self.assertLess(len(line), 200)
                    self.assertTrue(line.startswith(f"labels      {', '.join(labels[:12])}, ... (300 in all"), line)
                self.assertEqual(json.loads(self.succeed("--model", folder, "--info", "--json"))["labels"], labels)

    def test_rule_set_in_info(self) -> None:
        for rules, shown in (
            (KERAS_IMDB, []),
            (KerasIMDB("unicode"), ["tokenizer   keras-imdb, lowercase unicode"]),
            (Words(marks=True), ["tokenizer   words-1, marks True"]),
        ):
            with tempfile.TemporaryDirectory() as folder:
                words = Vocabulary([*RESERVED, "great"], rules).to_bytes()
                vocabulary = entry("vocab.txt", words)
                write_bundle(
                    Path(folder), preprocessing=Preprocessing(8, "pre", rules).to_json(), vocabulary=vocabulary
                )
                Path(folder, "vocab.txt").write_bytes(words)
                lines = self.succeed("--model", folder, "--info").splitlines()
                self.assertIn("words       vocabulary of 5 ids; the last 8 words of a text are read", lines)
                self.assertEqual([line for line in lines if line.startswith("tokenizer")], shown)

    def test_a_class_called_uncertain(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            metadata, tensors = random_bigrams(1, vocabulary=len(VOCABULARY), max_length=8)
            content = safetensors(metadata, tensors)
            model = entry("model.wi8_afp64.safetensors", content, engine="builtin", recipe="wi8_afp64")
            write_bundle(Path(folder), labels=["certain", "uncertain"], models=[model])
            (Path(folder) / model["file"]).write_bytes(content)
            self.succeed("--model", folder, "great")
            result = run("--model", folder, "great", "--threshold", "0.5", fake=False)
            self.assertEqual((result.returncode, result.stdout), (2, b""))
            self.assertRegex(result.stderr, rb"^error: .*: a label is called 'uncertain', so no threshold [^\n]*\n$")

    def succeed(self, *args: str) -> str:
        result = run(*args, fake=False)
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        return result.stdout.decode()

    def test_missing_bundle_and_engine(self) -> None:
        for part, args in (
            (b"error: no bundle at nowhere: ", ("great", "--model", "nowhere")),
            (b"error: no bundle at nowhere: ", ("--info", "--model", "nowhere")),
            (
                b"error: no engine is called 'bogus': there are auto, builtin, ",
                ("great", "--engine", "bogus"),
            ),
            (b"no model for recipe bogus", ("great", "--recipe", "bogus")),
        ):
            result = run(*args, fake=False)
            with self.subTest(args):
                self.assertEqual(result.returncode, 2)
                self.assertTrue(result.stderr.count(b"\n") == 1 and part in result.stderr, result.stderr)

    def test_a_python_that_leaves_out_the_scripts_folder(self) -> None:
        """It runs the package next to the script, not one that is installed."""
        for option in ("-I", *(["-P"] if sys.version_info >= (3, 11) else [])):
            with self.subTest(option), tempfile.TemporaryDirectory() as folder:
                shutil.copytree(RUNTIME, Path(folder) / "runtime")
                (Path(folder) / "runtime/edgetext/default/vocab.txt").unlink()
                (Path(folder) / "link").symlink_to("runtime/classify.py")
                command = [sys.executable, option, "link", "great movie"]
                result = subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=False)
                self.assertEqual((result.returncode, result.stdout), (2, b""))
                self.assertIn(os.path.realpath(folder).encode() + b"/runtime/edgetext/default/vocab.txt", result.stderr)

    def test_no_engine_installed(self) -> None:
        """With nothing but the standard library, each engine names the command that installs it."""
        environment = {**os.environ, "PYTHONPATH": ""}
        for engine, package in (("tflite", b"pip install "), ("onnx", b"onnxruntime")):
            command = [sys.executable, "-I", "-S", str(RUNTIME / "classify.py"), "great", "--engine", engine]
            # -I leaves the script's folder out of the path as well.
            code = (
                f"import sys; sys.path.insert(0, {str(RUNTIME)!r}); "
                "from edgetext.command.main import main; sys.exit(main())"
            )
            command[3:4] = ["-c", code]
            result = subprocess.run(command, capture_output=True, timeout=60, env=environment, check=False)
            with self.subTest(engine):
                self.assertEqual(result.returncode, 2)
                self.assertIn(package, result.stderr)
                self.assertEqual(result.stderr.count(b"\n"), 1)

    def test_copied_alone_from_any_folder(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "somewhere else"
            shutil.copytree(RUNTIME, copy, ignore=shutil.ignore_patterns("__pycache__"))
            result = subprocess.run(
                [sys.executable, "-S", str(copy / "classify.py"), "--info"], cwd="/", capture_output=True, check=False
            )
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        self.assertIn(str(copy).encode(), result.stdout)

    def test_damaged_manifest_before_json_is_imported(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            manifest = Path(folder, "manifest.json")
            for content in (b"{", b"{,}", b'{"a":1,}', b"<<<<<<< HEAD\n{}\n"):
                manifest.write_bytes(content)
                result = run_process("great", "--model", folder, fake=False)
                with self.subTest(content):
                    self.assertEqual((result.returncode, result.stdout), (2, b""))
                    self.assertTrue(result.stderr.startswith(f"error: {manifest}: not a manifest: ".encode()))
                    self.assertEqual(result.stderr.count(b"\n"), 1)

    def test_debug_shows_the_traceback(self) -> None:
        result = run_process("great", "--model", "nowhere", fake=False, env={**os.environ, "EDGETEXT_DEBUG": "1"})
        self.assertIn(b"Traceback", result.stderr)


class OneShotTest(unittest.TestCase):
    """What ``python3 runtime/classify.py "great movie"`` does with nothing installed."""

    def one_shot(self, *options: str, text: str = "great movie") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *options, "-I", "-S", "-c", ONE_SHOT.format(path=str(RUNTIME), text=text)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    def test_people_would_say_so_too(self) -> None:
        texts = ["great movie", "i loved it", "terrible movie", "not good", "boring"]
        result = run(*texts, fake=False)
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        rows = [line.split("\t") for line in result.stdout.decode().splitlines()]
        self.assertEqual([row[0] for row in rows], ["positive"] * 2 + ["negative"] * 3)
        self.assertEqual({row[2] for row in rows}, {"builtin"})

    def test_needs_nothing_installed(self) -> None:
        """No third-party module, few others, and of the standard library only these, in a Python without packages."""
        result = self.one_shot()
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        label, modules = result.stdout.splitlines()
        self.assertTrue(label.startswith("positive\t0."), label)
        allowed = {"__future__", "os", "os.path", "posixpath", "genericpath", "stat", "_stat", "_collections_abc"}
        allowed |= {"_json", "binascii"}
        ours = {name for name in modules.split() if name.startswith("edgetext")}
        self.assertLessEqual({*modules.split()} - ours, allowed)
        # Each costs about 0.25 million instructions, of the 6 million that a command may add to starting Python.
        # Bundles with the rules keras-imdb take one more.
        self.assertLessEqual(len(ours - {"edgetext.keras_imdb"}), 16, ours)

    def test_a_long_text(self) -> None:
        """Tables that pay for many texts only, and what makes them, are left alone."""
        result = self.one_shot(text="great movie" + " it is" * 200)
        self.assertTrue(result.stdout.startswith("positive\t"), result)
        self.assertFalse({*result.stdout.split()} & {"array", "operator"})

    def test_option_and_no_option_agree(self) -> None:
        plain, options = run("great", fake=False), run("--threads", "1", "great", fake=False)
        self.assertEqual(plain.stdout, options.stdout)
        for name, default in vars(Options).items():
            if not name.startswith("_") and not callable(default):
                with mock.patch.object(sys, "argv", ["classify.py"]):
                    self.assertEqual(getattr(parse(["x"]), name), ["x"] if name == "texts" else default)

    def test_defaults(self) -> None:
        patch = mock.patch("edgetext.classifier.Classifier.load", side_effect=EngineError("as planned"))
        for arguments in (["great"], ["great", "--json"]):
            with patch as load, contextlib.redirect_stderr(io.StringIO()):
                self.assertEqual(main(arguments), 2)
            load.assert_called_once_with(
                None, "auto", recipe=None, threads=1, threshold=None, min_accuracy=None, quiet=True
            )

    def test_process_ends_with_the_right_code(self) -> None:
        for arguments, code in ((["great"], 0), (["--bogus"], 2), (["--help"], 0), (["--version"], 0), ([" "], 2)):
            for command in ([str(RUNTIME / "classify.py")], ["-m", "edgetext"]):
                result = subprocess.run(
                    [sys.executable, *command, *arguments], cwd=RUNTIME, capture_output=True, timeout=60, check=False
                )
                with self.subTest(arguments=arguments, command=command):
                    self.assertEqual(result.returncode, code)
                    self.assertTrue(result.stderr if code else result.stdout)


class ImportTest(unittest.TestCase):
    def test_what_is_imported(self) -> None:
        """Nothing but the standard library, and of that nothing slow, until an engine is chosen."""
        script = (
            "import sys; sys.path.insert(0, {path!r}); before = set(sys.modules)\n"
            "{code}\n"
            "new = {{name.partition('.')[0] for name in set(sys.modules) - before}} - {{'edgetext'}}\n"
            "print(sorted(name for name in new if name not in sys.stdlib_module_names))\n"
            "print(sorted(new & {{'dataclasses', 'typing', 'inspect', 'pathlib', 'asyncio', 'unittest', 'ctypes'}}))"
        )
        if sys.version_info < (3, 10):
            self.skipTest("sys.stdlib_module_names is new in Python 3.10")
        help_code = (
            "import io, contextlib; sys.argv = ['classify.py', '--help']\n"
            "from edgetext.command.main import main\n"
            "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): main()"
        )
        rest = (
            "import edgetext.command.fields, edgetext.command.info, edgetext.engines.process, "
            "edgetext.engines.tflite, edgetext.engines.onnx"
        )
        every = "import edgetext.engines.protocol, edgetext.command.ranking"
        for code in ("import edgetext", help_code, rest, f"import typing; before = set(sys.modules); {every}"):
            command = [sys.executable, "-c", script.format(path=str(RUNTIME), code=code)]
            result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual((result.stdout, result.stderr), ("[]\n[]\n", ""), code)


if __name__ == "__main__":
    unittest.main()
