"""Tables that the command scores: how they may be written, and that what comes out is written in the same way."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import random
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

from edgetext.command import structured
from edgetext.tables import lines
from tests.runtime.helpers import run

FAKE = str(Path(__file__).parent.with_name("fake_command.py"))
ADDED = ["label", "score", "engine"]


class TableTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def score(self, content: bytes, *options: str, name: str = "input", code: int = 0) -> tuple[str, str]:
        """Score a file and return output and messages; from a pipe the same must come out."""
        file = self.folder / name
        file.write_bytes(content)
        found = run(*options, "--file", str(file))
        self.assertEqual(found.returncode, code, found.stderr)
        piped = run(*options, stdin=content)
        self.assertEqual(piped.stdout, found.stdout)
        return found.stdout.decode("utf-8"), found.stderr.decode()

    def rows(self, content: bytes, *options: str, notes: str = "", **more: Any) -> list[list[str]]:
        """Score a file and return the rows that come out without what was added, and check the labels by the texts."""
        output, messages = self.score(content, *options)
        self.assertEqual(messages, notes)
        found = list(csv.reader(io.StringIO(output, newline=""), **more))
        for row in found:
            if row[-1] == "fake":
                text = " ".join(row[:-3])
                self.assertEqual(row[-3], "positive" if "great" in text else "negative", row)
        return [row[:-3] for row in found]


class EncodingTest(TableTest):
    def test_encodings(self) -> None:
        text = "id,text\n1,caf\u00e9 great\n"
        for encoding, option in (
            ("latin-1", "latin-1"),
            ("windows-1252", "windows-1252"),
            ("shift_jis", "shift_jis"),
            ("utf-16", None),
            ("utf-16-le", "utf-16-le"),
            ("utf-16-be", "utf-16"),
            ("utf-32", "utf-32"),
        ):
            content = text.replace("\u00e9", "\u30c6" if encoding == "shift_jis" else "\u00e9").encode(encoding)
            options = ("--csv", "text", *(("--encoding", option) if option else ()))
            with self.subTest(encoding):
                output, messages = self.score(content, *options)
                self.assertEqual(messages, "" if option else f"note: detected encoding {encoding}\n")
                row = output.splitlines()[1]
                self.assertTrue(row.startswith("1,caf") and row.endswith(" great,positive,0.750000,fake"), row)

    def test_lines_and_json_in_other_encodings(self) -> None:
        utf16 = ("--encoding", "utf-16-le")
        for encoding, option in (("utf-16", ()), ("utf-16-le", utf16), ("latin-1", ("--encoding", "latin-1"))):
            output, _ = self.score("great caf\u00e9\nbad\n".encode(encoding), *option)
            self.assertEqual([line.split("\t")[-1] for line in output.splitlines()], ["great caf\u00e9", "bad"])
            content = '{"t": "great caf\u00e9"}\n'.encode(encoding)
            output, _ = self.score(content, "--jsonl", "t", *option)
            self.assertEqual(json.loads(output)["t"], "great caf\u00e9")

    def test_byte_order_mark_and_line_ends_are_kept(self) -> None:
        for end in ("\n", "\r\n"):
            for bom in ("", "\ufeff"):
                content = bom + end.join(["id,text", '1,"great\r\nmovie"', "2,bad", ""])
                with self.subTest(end=end, bom=bom):
                    output, messages = self.score(content.encode(), "--csv", "text")
                    expected = ["id,text,label,score,engine", '1,"great\r\nmovie",positive,0.750000,fake']
                    self.assertEqual(output, bom + end.join([*expected, "2,bad,negative,0.750000,fake", ""]))
                    self.assertEqual(messages, "")

    def test_what_is_not_utf8_is_reported_with_an_encoding(self) -> None:
        content = b"id,text\n" + "".join(f"{n},great caf\u00e9 \u2019s\n" for n in range(9)).encode("cp1252")
        _, messages = self.score(content, "--csv", "text", code=2)
        *errors, note = messages.splitlines()
        self.assertEqual(errors[0], "error: line 2: not UTF-8")
        self.assertEqual(note, "note: 9 records are not UTF-8: name the encoding, such as --encoding windows-1252")
        header = "caf\u00e9,text\n1,great\n".encode("latin-1")
        _, messages = self.score(header, "--csv", "text", code=2)
        self.assertIn("line 1: not UTF-8: name the encoding with --encoding, such as windows-1252", messages)
        # Another than the one in use.
        _, messages = self.score(
            "text\nna\u00efve \u00c1\n".encode() * 5, "--csv", "text", "--encoding", "cp1252", code=2
        )
        self.assertIn("such as --encoding utf-8", messages)

    def test_utf8_in_an_encoding_of_single_bytes(self) -> None:
        """What is read is not what was written, so it is said."""
        content = "text\ngreat caf\u00e9\n".encode()
        for options, shown in (
            ((), "read as latin-1, but it is"),
            (("--csv", "text"), "detected valid UTF-8, read as"),
        ):
            self.assertIn(f"note: {shown}", self.score(content, *options, "--encoding", "latin-1")[1])
            for other in (content.decode().encode("latin-1"), b"text\ngreat\n"):
                self.assertEqual(self.score(other, *options, "--encoding", "latin-1")[1], "")

    def test_utf16_without_a_mark(self) -> None:
        """Its zeros are valid UTF-8, so each text would be one unknown word."""
        for encoding in ("utf-16-le", "utf-16-be"):
            content = "text\ngreat movie\nbad\n".encode(encoding)
            for options in ((), ("--csv", "text"), ("--jsonl", "text")):
                _, messages = self.score(content, *options, code=2)
                self.assertIn(f"not UTF-8: name the encoding with --encoding, such as {encoding}", messages)
        for text in ("\u0445\u043e\u0440\u043e\u0448\u043e \u043d\u0435\u0442\n" * 3, "hi\n"):
            _, messages = self.score(text.encode("utf-16-le"), code=2)
            self.assertIn("such as utf-16-le", messages)
        output, messages = self.score(b"a\0b\n" * 9)
        self.assertEqual(len(output.splitlines()), 9)
        self.assertIn("note: 9 lines have NUL characters: if this is UTF-16, name it with --encoding", messages)
        self.assertEqual(self.score(b"greatt\0\nbad\n")[0].count("\n"), 2)

    def test_lines_in_another_encoding(self) -> None:
        content = "caf\u00e9 \u2019s great\n".encode("cp1252") * 3
        _, messages = self.score(content, code=2)
        self.assertIn("note: 3 records are not UTF-8: name the encoding, such as --encoding windows-1252", messages)
        self.assertNotIn("note", self.score(content[:-20], code=2)[1])

    def test_wrong_encodings(self) -> None:
        for content, encoding, message in (
            (b"text\ngreat\n", "klingon", "--encoding klingon: unknown encoding"),
            (b"text\ngreat\n", "hex", "--encoding hex: not an encoding of text"),
            (b"text\ngreat\n", "idna", "--encoding idna: not an encoding of text"),
            (b"text\ngreat\n", "unicode_escape", "--encoding unicode_escape: not an encoding of text"),
            ("text\ngreat\n".encode("utf-16"), "latin-1", "this is utf-16, not latin-1: pass --encoding utf-16"),
            (b"text\ngreat\n", "utf-16", "not utf-16 (no byte order mark): name another with --encoding"),
        ):
            with self.subTest(encoding):
                _, messages = self.score(content, "--csv", "text", "--encoding", encoding, code=2)
                self.assertIn(message, messages)


class SeparatorTest(TableTest):
    def test_separators_are_detected(self) -> None:
        for mark, name in ((";", "';'"), ("\t", "tab"), ("|", "'|'")):
            content = f"id{mark}text\n1{mark}great, it is\n2{mark}bad, so, bad\n".encode()
            with self.subTest(name):
                found = self.rows(content, "--csv", "text", notes=f"note: detected separator {name}\n", delimiter=mark)
                self.assertEqual(found, [["id", "text"], ["1", "great, it is"], ["2", "bad, so, bad"]])

    def test_one_column(self) -> None:
        """What separates words of its texts is not taken for a separator of columns."""
        for mark in ";|\t":
            content = "text\n" + "".join(f'"great{mark} movie {n}"\n' for n in range(20))
            found = self.rows(content.encode(), "--csv", "text")
            self.assertEqual(found[1:], [[f"great{mark} movie {n}"] for n in range(20)])
            headless = content.partition("\n")[2].replace('"', "").encode()
            option = "tab" if mark == "\t" else f"'{mark}'"
            note = f"note: read as one column: --delimiter {option} if that separates columns\n"
            found = self.rows(headless[: len(headless) // 10], "--csv", "1", "--no-header", notes=note)
            self.assertEqual(found[0], [f"great{mark} movie 0"])

    def test_commas_in_a_header_of_another_separator(self) -> None:
        content = "id;title, short;text\n" + "".join(f"{n};x;great, great\n" for n in range(9))
        found = self.rows(content.encode(), "--csv", "text", notes="note: detected separator ';'\n", delimiter=";")
        self.assertEqual(found[:2], [["id", "title, short", "text"], ["0", "x", "great, great"]])

    def test_line_of_excel(self) -> None:
        content = b'\xef\xbb\xbfsep=;\r\nid;text\r\n1;"great; a, b"\r\n'
        output, messages = self.score(content, "--csv", "text")
        self.assertEqual(messages, "note: detected separator ';'\n")
        expected = '\ufeffsep=;\r\nid;text;label;score;engine\r\n1;"great; a, b";positive;0.750000;fake\r\n'
        self.assertEqual(output, expected)

    def test_no_header(self) -> None:
        found = self.rows(b'7,"great, so"\n8,bad\n', "--csv", "2", "--no-header")
        self.assertEqual(found, [["7", "great, so"], ["8", "bad"]])
        _, messages = self.score(b"7,great\n", "--csv", "3", "--no-header", code=2)
        self.assertIn("no column is called '3'; the columns are '1', '2'", messages)
        _, messages = self.score(b"7,great\n", "--csv", "2", code=2)
        self.assertIn("the columns are '7', 'great'; --no-header if this is a row", messages)
        _, messages = self.score(b"7,great\n8\n", "--csv", "2", "--no-header", code=2)
        self.assertIn("line 2: 1 columns, and the first row has 2", messages)

    def test_no_header_in_a_pipe(self) -> None:
        """How many rows have arrived is chance, so they do not count; the separator that may be meant is named."""
        for count in (1, 2, 9):
            content = b"great, movie;5\n" * count
            found = run("--csv", "2", "--no-header", stdin=content)
            self.assertEqual((found.returncode, found.stdout.count(b" movie;5,negative")), (0, count))
            found = run("--csv", "1", "--no-header", stdin=content.replace(b",", b""))
            self.assertEqual(found.stdout.count(b"great movie;5,"), count)
            self.assertEqual(found.stderr, b"note: read as one column: --delimiter ';' if that separates columns\n")
            found = run("--csv", "2", "--no-header", stdin=content.replace(b",", b""))
            self.assertIn(b"no column is called '2'; the columns are '1'; with --delimiter ';' there are", found.stderr)
            found = run("--csv", "1", "--no-header", "--delimiter", ";", stdin=content)
            self.assertEqual((found.stderr, found.stdout.count(b";5;positive")), (b"", count))

    def test_spaces_around_a_name(self) -> None:
        self.assertEqual(self.rows(b"id, text\n1, great\n", "--csv", "text")[0], ["id", " text"])


class QuotingTest(TableTest):
    def test_single_quotes(self) -> None:
        content = b"id,text\n1,'great, it''s'\n2,'say \"x\"'\n"
        found = self.rows(content, "--csv", "text", "--quote", "'", quotechar="'")
        self.assertEqual(found[1:], [["1", "great, it's"], ["2", 'say "x"']])

    def test_backslashes(self) -> None:
        texts = ['great "movie"', "a\\b", "c,d", "two\nlines", '"']
        cells = [text.replace("\\", "\\\\").replace('"', '\\"') for text in texts]
        content = "id,text\n" + "".join(f'1,"{cell}"\n' for cell in cells)
        found = self.rows(content.encode(), "--csv", "text", "--escape", "\\", escapechar="\\", doublequote=False)
        self.assertEqual([row[1] for row in found[1:]], texts)

    def test_no_quotes(self) -> None:
        content = b'id,text\n1,"great\n2,"bad" he said\n'
        found = self.rows(content, "--csv", "text", "--quote", "none", quoting=csv.QUOTE_NONE)
        self.assertEqual(found[1:], [["1", '"great'], ["2", '"bad" he said']])

    def test_labels_with_the_separator(self) -> None:
        """Where no mark can enclose it, it is refused, or escaped."""
        labels = self.folder / "labels"
        labels.write_text("bad, very\ngood\n")
        options = ("--model", str(labels), "--csv", "text")
        output, _ = self.score(b"text\nthe\n", *options)
        self.assertEqual(output.splitlines()[1], 'the,"bad, very",0.833333,fake')
        _, messages = self.score(b"text\nthe\n", *options, "--quote", "none", code=2)
        self.assertIn("label 'bad, very' has the separator in it", messages)
        output, _ = self.score(b"text\nthe\n", *options, "--quote", "none", "--escape", "\\")
        self.assertEqual(output.splitlines()[1], "the,bad\\, very,0.833333,fake")

    def test_line_ends_that_no_mark_encloses_are_escaped(self) -> None:
        how: Any = {"delimiter": "\t", "quoting": csv.QUOTE_NONE, "escapechar": "\\"}
        for end in ("\n", "\r", "\r\n"):
            escaped = "".join(f"\\{char}" for char in end)
            content = f"text\ngreat film{escaped}again\nbad\n"
            found = self.rows(content.encode(), "--tsv", "text", "--quote", "none", "--escape", "\\", **how)
            self.assertEqual(found[1:], [[f"great film{end}again"], ["bad"]])

    def test_tsv_with_quoted_fields(self) -> None:
        content = b'id\ttext\n1\t"great\nmovie"\n2\tbad\n3\t"say ""bad"""\n'
        note = "note: detected fields in quotation marks\n"
        found = self.rows(content, "--tsv", "text", notes=note, delimiter="\t")
        self.assertEqual(found[1:], [["1", "great\nmovie"], ["2", "bad"], ["3", 'say "bad"']])
        found = self.rows(b'text\r"great \rmovie"\r', "--tsv", "text", notes=note, delimiter="\t")
        self.assertEqual([row[0] for row in found[1:]], ["great \rmovie"])

    def test_tsv_whose_marks_are_text(self) -> None:
        content = b'id\ttext\n1\t"great" he said\n2\tbad\n3\t"whole"\n4\t"open\n5\tends"\n'
        note = "note: detected quotation marks as text\n"
        for option in ("--tsv", "--csv"):
            notes = note if option == "--tsv" else note.replace("detected", "detected separator tab,")
            found = self.rows(content, option, "text", notes=notes, delimiter="\t", quoting=csv.QUOTE_NONE)
            self.assertEqual([row[1] for row in found[1:]], ['"great" he said', "bad", '"whole"', '"open', 'ends"'])

    def test_two_marks_that_enclose_rows(self) -> None:
        content = b'id\ttext\n1\t"great\n2\tbad"\n3\tbad\n'
        note = "note: detected quotation marks as text\n"
        self.assertEqual(len(self.rows(content, "--tsv", "text", notes=note, delimiter="\t", quotechar="'")), 4)

    def test_any_cells_pass_through(self) -> None:
        """Python's csv module reads the same from what comes out."""
        rng = random.Random(0)
        pieces = ["a", "great", " ", ",", ";", "\t", '"', '""', "'", "\\", "\n", "\r\n", "\r", "\u00e9", "\u2028", "|"]
        for delimiter in ",;|\t":
            for quote, escape in (('"', ""), ("'", ""), ('"', "\\"), ("'", "\\")):
                rows = [["id", "text"]]
                rows += [["".join(rng.choices(pieces, k=rng.randrange(9))) for _ in "12"] for _ in range(60)]
                how: Any = {"delimiter": delimiter, "quotechar": quote, "doublequote": not escape}
                how["escapechar"] = escape or None
                doubled: dict[str, Any] = {mark: (escape or mark) + mark for mark in (escape, quote) if mark}
                cells = [[quote + cell.translate(str.maketrans(doubled)) + quote for cell in row] for row in rows]
                content = "".join(delimiter.join(row) + "\n" for row in cells).encode()
                options = ["--csv", "text", "--delimiter", delimiter, "--quote", quote]
                options += ["--escape", escape] if escape else []
                with self.subTest(options):
                    output, _ = self.score(content, *options)
                    found = list(csv.reader(io.StringIO(output, newline=""), **how))
                    self.assertEqual([row[:2] for row in found], rows)

    def test_options_are_proposed(self) -> None:
        for rows, proposal in (
            ("'great, {n}'", '--quote "\'"'),
            ('"great \\"{n}\\" movie"', "--escape '\\'"),
            ('"great" {n}', "--quote none"),
        ):
            content = "id,text\n" + "".join(f"{n},{rows.format(n=n)}\n" for n in range(9))
            with self.subTest(proposal):
                _, messages = self.score(content.encode(), "--csv", "text", code=2)
                self.assertEqual(
                    messages.splitlines()[-1], f"note: 9 records have wrong columns or quotes: try {proposal}"
                )

    def test_options_are_proposed_for_one_mark_that_swallows_rows(self) -> None:
        rows = "".join(f"{n},he said great\n" for n in range(40))
        for start, end in (('1,"he', ""), ('1,"he', '8,"whole" it was\n')):
            content = f"id,text\n{start} said great\n{rows}{end}"
            output, messages = self.score(content.encode(), "--csv", "text", code=2)
            self.assertEqual(output.count("\n"), 1)
            count = content.count("\n") - 1
            self.assertEqual(
                messages.splitlines()[-1], f"note: {count} records have wrong columns or quotes: try --quote none"
            )
            output, _ = self.score(content.encode(), "--csv", "text", "--quote", "none")
            self.assertEqual(output.count("\n"), count + 1)

    def test_line_ends_in_fields_do_not_matter(self) -> None:
        """A word at the end of a line is the same word, whatever ends the line; what is passed on is not changed."""
        for end in ("\n", "\r\n"):
            output, _ = self.score(f'text\n"bad great{end}great{end}great"\n'.encode(), "--csv", "text")
            self.assertEqual(output.count(f'great{end}great",positive,1.000000'), 1, output)
            text = f"bad great{end}great{end}great"
            output, _ = self.score(json.dumps({"t": text}).encode(), "--jsonl", "t")
            self.assertEqual((json.loads(output)["score"], json.loads(output)["t"]), (1.0, text))


class OtherFormsTest(TableTest):
    def test_compressed(self) -> None:
        for content, options in (
            (b"great\nbad\n", ()),
            (b"id,text\n1,great\n", ("--csv", "text")),
            (b"id\ttext\n1\tgreat\n", ("--tsv", "text")),
            (b'{"t": "great"}\n', ("--jsonl", "t")),
            (b'[{"t": "great"},\n{"t": "bad"}\n]\n', ("--jsonl", "t")),
        ):
            with self.subTest(options):
                packed = gzip.compress(content)
                self.assertEqual(self.score(packed, *options, name="x.gz"), self.score(content, *options))
                # What precedes the damage is scored.
                output, messages = self.score(packed[:-6], *options, code=2)
                self.assertEqual(output, self.score(content, *options)[0])
                self.assertIn("not a complete gzip file", messages)

    def test_array_of_objects(self) -> None:
        objects: list[dict[str, Any]] = [
            {"id": 1.10, "t": "great"},
            {"t": "bad\r\nü", "x": [{"y": None}]},
            {"t": "great " * 50_000},
        ]
        for content in (json.dumps(objects), json.dumps(objects, indent=2), json.dumps(objects, ensure_ascii=False)):
            output, messages = self.score(content.encode(), "--jsonl", "t")
            self.assertEqual(messages, "note: detected a JSON array\n")
            found = [json.loads(line) for line in output.splitlines()]
            self.assertEqual([row["label"] for row in found], ["positive", "negative", "positive"])
            self.assertEqual([{key: row[key] for key in old} for row, old in zip(found, objects)], objects)

    def test_array_with_faults(self) -> None:
        for content, errors, count in (
            (b'[{"t": "great"},\n 7, ["x"],\n{"u": 1},\n{"t": "\xff"},\n{"t": "bad"}]', ["2: not a JSON object"] * 2
             + ["3: no field 't' with a text", "4: not UTF-8"], 2),
            (b'[{"t": "great"}\n{"t": "bad"}]', ["2: not JSON: expecting ','; the rest is not read"], 1),
            (b'[{"t": "great"},\n {"t": "bad"', ["2: not JSON: Expecting"], 1),
            (b'[{"t": "great"}] x', ["1: something follows the array; the rest is not read"], 1),
            (b'[{"t": "great"},', ["1: not JSON: the array is not closed; the rest is not read"], 1),
        ):  # fmt: skip
            with self.subTest(content):
                output, messages = self.score(content, "--jsonl", "t", code=2)
                shown = [line for line in messages.splitlines() if not line.startswith("note: ")]
                self.assertEqual(len(shown), len(errors), shown)
                for line, error in zip(shown, errors):
                    self.assertTrue(line.startswith(f"error: line {error}"), line)
                self.assertEqual(output.count("\n"), count)

    def test_a_field_that_no_object_has(self) -> None:
        """Nothing of a file is scored; of a pipe, what comes later may have the field."""
        message = "error: line 1: no field 'txt' with a text; the fields are 'id', 't'\n"
        objects = [{"id": number, "t": "great"} for number in range(9)]
        for content in ("".join(json.dumps(row) + "\n" for row in objects), json.dumps(objects)):
            self.assertEqual(self.score(content.encode(), "--jsonl", "txt", code=2)[1], message)
        later = b'{"id": 1, "t": ""}\n{"txt": "great"}\n{"id": 1}\n'
        output, messages = self.score(later, "--jsonl", "txt", code=2)
        self.assertEqual(output.count("positive"), 2)
        self.assertEqual(messages, f"{message}error: line 3: no field 'txt' with a text\n")
        piped = run("--jsonl", "txt", stdin=json.dumps(objects[0]).encode())
        self.assertEqual(piped.stderr.decode(), message)

    def test_csv_that_is_read_as_json(self) -> None:
        content = b"id,t\n" + b"1,great\n" * 9
        _, messages = self.score(content, "--jsonl", "t", code=2)
        self.assertTrue(messages.startswith("error: line 1: not JSON: "), messages)
        self.assertTrue(messages.endswith(": --csv COLUMN reads CSV\n") and messages.count("\n") == 1, messages)
        piped = run("--jsonl", "t", stdin=content)
        self.assertIn(b"note: this does not look like JSON: --csv COLUMN reads CSV\n", piped.stderr)
        # An object that is cut is none to judge by, and a bad line is only one.
        for start in (b"noise\n", b'{"u": 1\n'):
            self.assertEqual(self.score(start + b'{"t": "great"}\n', "--jsonl", "t", code=2)[0].count("\n"), 1)
        for form in ("%s", "[%s]"):
            long = form % json.dumps({"id": "x" * 2**20, "t": "great"})
            self.assertIn('"positive"', self.score(long.encode(), "--jsonl", "t", code=0)[0][-150:])

    def test_bounds_of_an_array(self) -> None:
        long = json.dumps([{"t": "a"}, {"t": "x" * 100}, {"t": "b"}], indent=1).encode()
        patches = mock.patch.object(lines, "MAX_LINE_BYTES", 60), mock.patch.object(lines, "PIECE_BYTES", 7)
        with patches[0], patches[1]:
            found = list(structured.JSONObjects(io.BytesIO(long), "t"))
        self.assertEqual(getattr(found[0], "text", None), "a")
        self.assertIn("longer than 16 MiB", str(found[1]))
        self.assertEqual(len(found), 2)
        for size in (1, 2, 7, 50):
            with mock.patch.object(lines, "PIECE_BYTES", size):
                found = list(structured.JSONObjects(io.BytesIO(long), "t"))
            self.assertEqual([getattr(record, "text", None) for record in found], ["a", "x" * 100, "b"])

    def test_tables_read_as_lines(self) -> None:
        """Each line is scored, and a note names the option that reads a table."""
        for content, name, option in (
            (b"text,label\ngreat,up\n", "t.csv", "--csv COLUMN"),
            (gzip.compress(b"text\tlabel\ngreat\tup\n"), "T.TSV.gz", "--tsv COLUMN"),
            (b'{"t": "great"}\n{"t": "bad"}\n', "t", "--jsonl FIELD"),
            (b'[\n {"t": "great"}\n]\n', "t.txt", "--jsonl FIELD"),
            (b"great, good\nbad, awful\n", "t.txt", None),
            (b'{great} "movie": good\n[1] bad\n', "t", None),
        ):
            note = f"note: each line is scored as it is: {option} would read a table\n" if option else ""
            with self.subTest(content):
                self.assertEqual(self.score(content, name=name)[1], note)

    def test_lines_that_end_with_carriage_returns(self) -> None:
        self.assertIn("read as one line, with carriage returns in it", self.score(b"great\rbad\r")[1])
        for content in (b"great\rbad\nbad\n", b"great\r\n"):
            self.assertEqual(self.score(content)[1], "")

    def test_labels_of_fasttext_are_not_scored(self) -> None:
        content = b"__label__great bad movie\n__label__bad  the great\n__label__a __label__b bad\n"
        output, messages = self.score(content)
        self.assertEqual(messages, "note: fastText's lines: the labels are left out of the texts\n")
        found = [line.split("\t") for line in output.splitlines()]
        self.assertEqual([row[-1] for row in found], ["bad movie", "the great", "bad"])
        self.assertEqual([row[0] for row in found], ["negative", "positive", "negative"])

    def test_files_that_are_no_text(self) -> None:
        for content, name in (
            (b"PAR1\0\0PAR1", "a Parquet file: label it with --parquet COLUMN"),
            (b"PK\x03\x04\x14\0", "a workbook, such as .xlsx"),
            (bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 16, "an Excel workbook (.xls) or another"),
            (b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", "a PDF document"),
            (bz2.compress(b"text\ngreat\n"), "a file compressed with bzip2: decompress it first"),
            (lzma.compress(b"text\ngreat\n"), "a file compressed with xz"),
            (b"\x28\xb5\x2f\xfd\x24\x0b", "a file compressed with Zstandard"),
        ):
            for options in ((), ("--csv", "text"), ("--jsonl", "text")):
                _, messages = self.score(content, *options, code=2)
                self.assertIn(f"this is {name}", messages)

    def test_options_for_another_input(self) -> None:
        for options, message in (
            (("--no-header",), "--no-header is only used with --csv or --tsv"),
            (("--quote", "'", "--jsonl", "t"), "--quote is only used with --csv or --tsv"),
            (("--csv", "t", "--tsv", "t"), "not allowed with"),
            (("--csv", "t", "--quote", "ab"), "--quote must be one character or 'none', not 'ab'"),
            (("--csv", "t", "--delimiter", ";", "--escape", ";"), "must be different characters"),
            (("--tsv", "t", "--json"), "--csv writes CSV"),
            (("great", "--encoding", "latin-1"), "--encoding is for an input"),
            (("great", "--tsv", "t"), "not both"),
        ):
            with self.subTest(options):
                found = run(*options, stdin=b"t\n")
                self.assertEqual(found.returncode, 2)
                self.assertIn(message, found.stderr.decode())


class LiveTest(unittest.TestCase):
    def test_a_record_is_answered_before_the_next_is_there(self) -> None:
        for options, first, answers, then in (
            (("--csv", "text"), b"id;text\n1;great\n", 2, b"2;bad\n"),
            (("--tsv", "text"), b"id\ttext\n1\tgreat\n", 2, b"2\tbad\n"),
            (("--csv", "2", "--no-header"), b"1,great\n", 1, b"3,bad\n"),
            (("--csv", "2", "--no-header"), b"sep=;\n1;great\n", 2, b"3;bad\n"),
            (("--jsonl", "t"), b'{"t": "great"}\n', 1, b'{"t": "bad"}\n'),
            (("--encoding", "utf-16-le"), "great\n".encode("utf-16-le"), 1, "bad\n".encode("utf-16-le")),
        ):
            command = [sys.executable, FAKE, *options]
            pipe: Any = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
            with self.subTest(options), subprocess.Popen(command, **pipe) as process:
                assert process.stdin is not None
                assert process.stdout is not None
                process.stdin.write(first)
                process.stdin.flush()
                self.assertIn(b"great", [process.stdout.readline() for _ in range(answers)][-1])
                process.stdin.write(then)
                process.stdin.flush()
                self.assertIn(b"bad", process.stdout.readline())
                process.stdin.close()
                self.assertEqual(process.wait(30), 0)


if __name__ == "__main__":
    unittest.main()
