"""Tables in every shape: what is detected and what is said, what is proposed, and that a run reads its table again."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.tables.test_texts import make_run
from train import __main__ as training
from train import texts as command_line
from train.tables.options import TableOptions

Command = Callable[..., tuple[int, list[tuple[str, str]], list[str]]]
Rows = list[tuple[str, str]]

ROWS: Rows = [(f'Text {n}; of "{n * n}", a|b\tand\nmore', "ab"[n % 2]) for n in range(60)]
PLAIN: Rows = [(f"text number {n}", "ab"[n % 2]) for n in range(60)]
GUESSED = "text from column 'text', label from column 'label'"


@pytest.fixture
def command(capfdbinary: pytest.CaptureFixture[bytes]) -> Command:
    """Write the rows to train on: exit code, (text, label) of each, and lines of standard error."""

    def run(path: Path, *options: str) -> tuple[int, list[tuple[str, str]], list[str]]:
        code = command_line.main(["--data", str(path), "--split", "train", "--test", "none", *options])
        captured = capfdbinary.readouterr()
        rows = [json.loads(line) for line in captured.out.splitlines()]
        return code, [(row["text"], row["label"]) for row in rows], captured.err.decode().splitlines()

    return run


def check(command: Command, path: Path, rows: Rows, *options: str) -> list[str]:
    """Check that a file has these rows, of which training leaves a tenth to validation, and return the notes."""
    code, found, notes = command(path, *options)
    assert code == 0, notes
    assert len(found) == round(0.9 * len(rows))
    assert set(found) <= set(rows)
    return notes


def quoted(field: str, mark: str = '"', escape: str | None = None) -> str:
    return mark + field.replace(mark, (mark if escape is None else escape) + mark) + mark


def csv(rows: Rows, separator: str = ",", header: str = "text,label\n", **how: Any) -> str:
    return header.replace(",", separator) + "".join(
        f"{quoted(text, **how)}{separator}{label}\n" for text, label in rows
    )


@pytest.mark.parametrize("gz", ["", ".gz"])
@pytest.mark.parametrize(
    ("name", "content", "note"),
    [
        ("t.csv", csv(ROWS), None),
        ("t.csv", csv(ROWS, ";"), "separator ';'"),
        ("t.csv", csv(ROWS, "|"), "separator '|'"),
        ("t.csv", csv(ROWS, "\t"), "separator tab"),
        ("t.csv", csv(ROWS, ";", "sep=;\r\ntext;label\r\n"), "separator ';'"),
        ("t.tsv", csv(PLAIN, "\t"), "fields in quotation marks"),
        ("t.tsv", "text\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in PLAIN), None),
        ("t.jsonl", "".join(json.dumps({"text": a, "label": b}) + "\n" for a, b in ROWS), None),
        ("t.json", json.dumps([{"text": a, "label": b} for a, b in ROWS]), "a JSON array"),
        ("t.jsonl", json.dumps([{"text": a, "label": b} for a, b in ROWS], indent=1), "a JSON array"),
        ("t.json", "".join(json.dumps({"text": a, "label": b}) + "\n" for a, b in ROWS), None),
        ("t.txt", "".join(f"__label__{label} {text}\n" for text, label in PLAIN), "lines of fastText"),
        ("sorted.train", "\n".join(f"__label__{label}  {text}" for text, label in PLAIN), "lines of fastText"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_shapes(
    command: Command, tmp_path: Path, name: str, content: str, note: str | None, encoding: str, gz: str
) -> None:
    """What is detected is said in one line, unless it is the usual; the label and text columns are guessed."""
    path = tmp_path / f"{name}{gz}"
    path.write_bytes(gzip.compress(content.encode(encoding)) if gz else content.encode(encoding))
    notes = [*(["encoding utf-16"] if encoding == "utf-16" else []), *([note] if note else [])]
    line = f"{path.name}: detected {', '.join(notes)}"
    rows = PLAIN if name.endswith((".tsv", ".txt", ".train")) else ROWS
    assert check(command, path, rows) == [*([line] if notes else []), GUESSED]


def test_marks_of_tsv_that_are_text(command: Command, tmp_path: Path) -> None:
    rows = [*PLAIN, ('"all of it"', "a"), ('"Begins" here', "b"), ('"never ends', "a"), ('ends"', "b")]
    path = tmp_path / "t.tsv"
    path.write_text("text\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in rows))
    assert check(command, path, rows)[0] == "t.tsv: detected quotation marks as text"


def test_quoted_fields_with_line_ends_in_tsv(command: Command, tmp_path: Path) -> None:
    rows = [(text.replace("\t", " "), label) for text, label in ROWS]
    path = tmp_path / "t.tsv"
    for damage in ("", '"a" mistake\ta\n'):
        path.write_text(csv(rows, "\t") + damage)
        notes = check(command, path, rows)
        assert notes[0] == "t.tsv: detected fields in quotation marks"
        assert [line for line in notes if "left out" in line] == (
            ["t.tsv: 1 row left out: a quotation mark that is never closed, or in the wrong place (line 122)"]
            if damage
            else []
        )


@pytest.mark.parametrize(
    ("header", "label", "cell"),
    [
        ("label\ttext\n", "{}", "see\tbelow\nx\ty\nz\tw"),
        ('"label"\t"text"\n', '"{}"', "see:\n\nx\ty\nz\tw"),
    ],
)
def test_a_pasted_table_in_tsv(command: Command, tmp_path: Path, header: str, label: str, cell: str) -> None:
    rows = [*PLAIN, *[(f"{cell} {n}", "ab"[n % 2]) for n in range(20)]]
    path = tmp_path / "t.tsv"
    path.write_text(header + "".join(f"{label.format(name)}\t{quoted(text)}\n" for text, name in rows))
    assert check(command, path, rows)[0] == "t.tsv: detected fields in quotation marks"


def test_the_separator_that_gives_the_columns(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("text;label, sub\nx;a\ny;b\nz;a\nu;b\n")
    options = ["--text-column", "text", "--label-column", "label, sub", "--validation", "1"]
    code, found, notes = command(path, *options)
    assert (code, len(found), notes[0]) == (0, 3, "t.csv: detected separator ';'")


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_the_first_mark_of_tsv_comes_late(command: Command, tmp_path: Path, encoding: str) -> None:
    rows = [(f"Caf\u00e9 {n} " + "x" * 500, "ab"[n % 2]) for n in range(5000)]
    late = [(f"two\nlines {n}", "ab"[n % 2]) for n in range(10)]
    path = tmp_path / "t.tsv"
    lines = [f"{text}\t{label}\n" for text, label in rows]
    lines[4000:4000] = [f"{quoted(text)}\t{label}\n" for text, label in late]
    path.write_text("text\tlabel\n" + "".join(lines), encoding=encoding)
    options = [] if encoding == "utf-8" else ["--encoding", encoding]
    notes = check(command, path, [*rows, *late], *options)
    assert notes == ["t.tsv: detected fields in quotation marks", GUESSED]


def test_the_separator_of_many_rows(command: Command, tmp_path: Path) -> None:
    """Detection sees the first part of a large file; its last record may be cut."""
    rows = [(f"{text} {n} " + "x" * 500, label) for n, (text, label) in enumerate(ROWS * 50)]
    path = tmp_path / "t.csv"
    path.write_text(csv(rows, ";"))
    assert path.stat().st_size > 1.5 * 2**20
    assert check(command, path, rows)[0] == "t.csv: detected separator ';'"


class TestNoHeader:
    OPTIONS = ("--no-header", "--text-column", "2", "--label-column", "1")

    def write(self, path: Path, labels: tuple[str, str]) -> Rows:
        rows = [(f"This is the text of number {n}", labels[n % 2]) for n in range(60)]
        path.write_text("".join(f"{label},{quoted(text)}\n" for text, label in rows))
        return rows

    @pytest.mark.parametrize("labels", [("1", "2"), ("question", "statement"), ("label", "text"), ("topic", "x")])
    def test_is_proposed_and_works(self, command: Command, tmp_path: Path, labels: tuple[str, str]) -> None:
        """Also if the first label is a word that names columns, so that a column could be guessed."""
        rows = self.write(tmp_path / "t.csv", labels)
        code, _, (error,) = command(tmp_path / "t.csv")
        assert code == 2
        assert error.endswith(f"if the first line is a row: {' '.join(self.OPTIONS)}")
        assert check(command, tmp_path / "t.csv", rows, *self.OPTIONS) == []

    def test_short_texts(self, command: Command, tmp_path: Path) -> None:
        """A cell of the first line that its column has again is no name."""
        rows = "".join(f"{label},{text}\n" for text, label in [("yes", "question"), ("no", "answer")] * 9)
        (tmp_path / "t.csv").write_text(rows)
        code, _, (error,) = command(tmp_path / "t.csv")
        assert (code, "if the first line is a row: --no-header" in error) == (2, True)
        # Unless a column is named.
        (tmp_path / "u.csv").write_text("question,mood\n" + "".join(f"text {n},{'ab'[n % 2]}\n" for n in range(20)))
        assert command(tmp_path / "u.csv")[2] == ["text from column 'question', label from column 'mood'"]

    def test_many_columns(self, command: Command, tmp_path: Path) -> None:
        rows = "".join(f'"{n % 2}","{n + 10}","Mon Apr 06","@user{n} loves caf\u00e9 number {n}"\n' for n in range(60))
        (tmp_path / "t.csv").write_bytes(rows.encode("latin-1"))
        code, _, (error,) = command(tmp_path / "t.csv", "--encoding", "latin-1")
        assert code == 2
        assert error.endswith("if the first line is a row: --no-header --text-column 4 --label-column N")
        columns = ("--no-header", "--text-column", "4", "--label-column", "1")
        code, found, notes = command(tmp_path / "t.csv", "--encoding", "latin-1", *columns)
        assert (code, len(found), notes) == (0, 54, [])
        assert all("caf\u00e9" in text for text, _ in found)
        code, _, (error,) = command(tmp_path / "t.csv", "--no-header", "--encoding", "latin-1")
        assert "which columns hold text and label?" in error
        assert error.endswith("the columns are '1', '2', '3', '4'")
        error = command(tmp_path / "t.csv", "--encoding", "latin-1", "--text-column", "4")[2][-1]
        assert error.endswith("--no-header if the first line is a row")
        # Two cells of the first row may be equal.
        (tmp_path / "u.csv").write_text("0,0,text\n1,0,text too\n")
        assert command(tmp_path / "u.csv")[2][-1].endswith("--no-header if the first line is a row")

    def test_first_row_is_a_row(self, command: Command, tmp_path: Path) -> None:
        rows = self.write(tmp_path / "t.csv", ("a", "b"))
        assert check(command, tmp_path / "t.csv", rows, *self.OPTIONS) == []
        with (tmp_path / "t.csv").open("a") as file:
            file.write("b,two,three\n")
        notes = check(command, tmp_path / "t.csv", rows, *self.OPTIONS)
        assert notes == ["t.csv: 1 row left out: more or fewer columns than the header (line 61)"]


class TestProposals:
    """Options that read the rows that could not be read; they are right."""

    @pytest.mark.parametrize(
        ("content", "options"),
        [
            (csv([(f"{a}, so", b) for a, b in PLAIN], mark="'"), ("--quote", "'")),
            (csv([(f'He said "{a}" ok', b) for a, b in PLAIN], escape="\\"), ("--escape", "\\")),
            (csv([(f"It's, {a}", b) for a, b in PLAIN], mark="'", escape="\\"), ("--quote", "'", "--escape", "\\")),
            ("text,label\n" + "".join(f'"{a}" said,{b}\n' for a, b in PLAIN), ("--quote", "none")),
        ],
    )
    def test_quotation_marks(self, command: Command, tmp_path: Path, content: str, options: tuple[str, ...]) -> None:
        path = tmp_path / "t.csv"
        path.write_text(content)
        code, _, lines = command(path)
        shown = " ".join('"\'"' if option == "'" else "'\\'" if option == "\\" else option for option in options)
        assert code == 2
        assert f"(try {shown})" in "\n".join(lines)
        code, found, notes = command(path, *options)
        assert (code, len(found), notes) == (0, 54, [GUESSED])

    def test_encoding(self, command: Command, tmp_path: Path) -> None:
        path = tmp_path / "t.csv"
        path.write_bytes(csv([(f"{a} na\u00efve \u2019s", b) for a, b in PLAIN]).encode("cp1252"))
        assert "(--encoding names another, such as windows-1252)" in "".join(command(path)[2])
        assert len(command(path, "--encoding", "windows-1252")[1]) == 54
        # Another than the one in use.
        path.write_bytes(csv([(f"{a} \u00c1\u00cd", b) for a, b in PLAIN]).encode())
        assert "(--encoding names another, such as utf-8)" in "".join(command(path, "--encoding", "windows-1252")[2])


class TestSeveralLabels:
    def test_json(self, command: Command, tmp_path: Path) -> None:
        path = tmp_path / "t.jsonl"
        path.write_text("".join(json.dumps({"text": a, "labels": ["x", b]}) + "\n" for a, b in PLAIN))
        code, _, (error,) = command(path)
        assert code == 2
        assert error.endswith("t.jsonl: 'labels' holds lists: several labels per text are not supported")
        mixed = [{"text": a, "labels": b} for a, b in PLAIN] + [{"text": "and more", "labels": ["a", "b"]}]
        path.write_text(json.dumps(mixed))
        assert "several labels per text are not supported (line 1)" in check(command, path, PLAIN)[-1]

    def test_parquet(self, command: Command, tmp_path: Path) -> None:
        parquet.write_table(pa.table({"text": ["x", "y"], "label": [["a"], ["b"]]}), tmp_path / "t.parquet")
        code, _, (*_, error) = command(tmp_path / "t.parquet")
        assert (code, error.endswith("several labels per text are not supported")) == (2, True)

    def test_fasttext(self, command: Command, tmp_path: Path) -> None:
        lines = [f"__label__{b} {a}\n" for a, b in PLAIN]
        (tmp_path / "t.txt").write_text("".join([*lines, "__label__a __label__b more\n", "no label\n"]))
        notes = check(command, tmp_path / "t.txt", PLAIN)
        assert "several labels per text are not supported (line 61)" in "".join(notes)
        assert "t.txt: 1 row left out: no label (line 62)" in notes


class TestMessages:
    @pytest.mark.parametrize(
        ("name", "content", "message"),
        [
            ("t.xlsx", b"PK\x03\x04", "workbooks are not read: save the sheet as CSV"),
            ("t.csv", b"PK\x03\x04", "this is a workbook, such as .xlsx, or a ZIP archive: save the table as CSV"),
            ("missing.xlsx", None, "No such file or directory"),
            ("missing", None, "No such file or directory"),
            ("notes.txt", b"some notes\n", "not a table: the name must end in .csv"),
            ("t.csv", b"text,label\n", "no row is left"),
            ("t.jsonl", b'[{"text": "x"', "line 1: not JSON"),
            ("t.json", b'{\n "rows": [\n', "none of the first 2 lines is a JSON object"),
        ],
    )
    def test_before_training(
        self, tmp_path: Path, name: str, content: bytes | None, message: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        for more in ([], ["--text-column", "text"]):
            try:
                code: Any = training.main(["--data", str(path), "--out", str(tmp_path / "run"), *more])
            except SystemExit as end:
                code = end.code
            line = capsys.readouterr().err.splitlines()[-1]
            assert code == 2
            if content is not None or more:
                assert message in line
            assert name in line

    def test_options_that_a_format_has_not(self, command: Command, tmp_path: Path) -> None:
        (tmp_path / "t.jsonl").write_text('{"text": "x", "label": "y"}\n')
        for option in (("--quote", "'"), ("--escape", "\\"), ("--no-header",)):
            code, _, (error,) = command(tmp_path / "t.jsonl", *option)
            assert (code, error) == (2, f"error: {option[0]} is for .csv and .tsv files, not for t.jsonl")


class TestRuns:
    """A run's table is read again as it was, whatever is detected today."""

    def test_what_was_detected_is_recorded(self, tmp_path: Path, capfd: Any) -> None:
        path = tmp_path / "t.csv"
        path.write_text(csv(ROWS, ";"), encoding="utf-16")
        run = make_run(tmp_path / "run", TableOptions(path))
        config = json.loads((run / "config.json").read_text())
        assert config["data"]["dialects"] == {
            "train": {
                "format": "csv",
                "encoding": "utf-16",
                "delimiter": ";",
                "quote": '"',
                "escape": "",
                "header": True,
            }
        }
        assert command_line.main(["--data", str(path), "--run", str(run)]) == 0
        assert len(capfd.readouterr().out.splitlines()) == 12
        # A file that is new to the run is read with what was said, and not with what was detected then.
        new = tmp_path / "new.csv"
        new.write_text(csv(ROWS[:9]))
        assert command_line.main(["--data", str(new), "--run", str(run)]) == 0
        assert len(capfd.readouterr().out.splitlines()) == 9

    @pytest.mark.parametrize("changed", [{"delimiter": 5}, {"quote": ["x"]}, {"encoding": "klingon"}, {"more": 1}])
    def test_a_record_that_was_damaged(self, tmp_path: Path, capfd: Any, changed: dict[str, Any]) -> None:
        path = tmp_path / "t.csv"
        path.write_text(csv(PLAIN))
        run = make_run(tmp_path / "run", TableOptions(path))
        config = json.loads((run / "config.json").read_text())
        config["data"]["dialects"]["train"] |= changed
        (run / "config.json").write_text(json.dumps(config))
        assert command_line.main(["--data", str(path), "--run", str(run)]) == 2
        assert len(capfd.readouterr().err.splitlines()) == 1

    def test_what_was_said_holds_for_other_files(self, tmp_path: Path, capfd: Any) -> None:
        path, new = tmp_path / "t.csv", tmp_path / "new.csv"
        for file, count in ((path, 60), (new, 9)):
            file.write_text(csv([(f"{a}, so", b) for a, b in PLAIN[:count]], header="", mark="'"))
        options = TableOptions(path, ("1",), "2", quote="'", header=False)
        run = make_run(tmp_path / "run", options)
        for file, count in ((path, 12), (new, 9)):
            assert command_line.main(["--data", str(file), "--run", str(run)]) == 0
            assert len(capfd.readouterr().out.splitlines()) == count

    def test_runs_of_earlier_versions(self, tmp_path: Path, capfd: Any) -> None:
        """They took marks in TSV for text, and recorded encoding and delimiter only."""
        path = tmp_path / "t.tsv"
        rows = [(f'"text of {n}"', label) for n, (_, label) in enumerate(PLAIN)]
        path.write_text("text\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in rows))
        run = make_run(tmp_path / "run", TableOptions(path, quote=""))
        config = json.loads((run / "config.json").read_text())
        for name in ("dialects", "quote", "escape", "header", "drop_labels"):
            del config["data"][name]
        config["data"] |= {"encoding": "utf-8", "delimiter": None}
        (run / "config.json").write_text(json.dumps(config))
        assert command_line.main(["--data", str(path), "--run", str(run)]) == 0
        found = [json.loads(line)["text"] for line in capfd.readouterr().out.splitlines()]
        assert len(found) == 12
        assert all(text.startswith('"text of') for text in found)

    def test_parts_in_lines_of_fasttext(self, tmp_path: Path, capfd: Any) -> None:
        path, test = tmp_path / "t.train", tmp_path / "t.valid"
        path.write_text("".join(f"__label__{b} {a}\n" for a, b in PLAIN))
        test.write_text("".join(f"__label__{b} {a} more\n" for a, b in PLAIN[:7]))
        run = make_run(tmp_path / "run", TableOptions(path, test=str(test)))
        assert command_line.main(["--data", str(path), "--run", str(run)]) == 0
        assert len(capfd.readouterr().out.splitlines()) == 7
