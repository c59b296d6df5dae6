"""Reading tables: every format, and everything that a file can be instead."""

from __future__ import annotations

import builtins
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from edgetext.tables import lines
from edgetext.tables.dialect import Dialect
from train.dataset import DataError
from train.tables.columns import Columns, choose_columns
from train.tables.table import Row, Table, is_table, stem

COLUMNS = Columns(("body",), "queue")
# Text that a careless reader of lines, fields or bytes gets wrong; no NUL, and no lone surrogate.
TRICKY = [
    "plain",
    'say "hi", twice',
    "Café \U0001f3ac",
    "a\u0085b\u2028c",
    "semi;colon",
    "a\x1c\x0cb",
    "'quoted'",
    "x" * 200_000,
]

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file of these bytes, or of this text in UTF-8, and compress it if the name says so."""

    def write(name: str, content: bytes | str) -> Path:
        path = tmp_path / name
        content = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    return write


def rows(path: Path, columns: Columns = COLUMNS, **options: Any) -> list[Row]:
    return list(Table(path).written_as(Dialect(**options)).inspect().table.rows(columns))


def refused(path: Path, **options: Any) -> str:
    """Return the line that refuses a file, at its columns or at its rows."""

    def read() -> None:
        found = Table(path).written_as(Dialect(**options)).inspect()
        choose_columns(path, found.names, COLUMNS.texts, COLUMNS.label)
        list(found.table.rows(COLUMNS))

    with pytest.raises(DataError) as caught:
        read()
    message = str(caught.value)
    assert "\n" not in message
    return message


# What is good


def quoted(field: str) -> str:
    return '"' + field.replace('"', '""') + '"'


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("gz", ["", ".gz"])
def test_csv(write: Write, end: str, gz: str) -> None:
    texts = [*TRICKY, "two\nlines", "", "after\r\n\r\nblank"]
    content = end.join(["id,queue,body", *(f"{number},q{number},{quoted(text)}" for number, text in enumerate(texts))])
    found = rows(write(f"t.csv{gz}", content))
    # Line ends within a field count as those between lines.
    assert [row.text for row in found] == [text.replace("\r\n", "\n") for text in texts]
    assert [row.label for row in found] == [f"q{number}" for number in range(len(texts))]
    assert [row.line for row in found] == [2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13]
    assert not any(row.fault for row in found)


def test_tsv_has_no_quotes(write: Write) -> None:
    texts = [text for text in TRICKY if "\n" not in text] + ['"open', '"a" b', 'ends"']
    content = "\n".join(["queue\tbody", *(f"q\t{text}" for text in texts)]) + "\n\n"
    found = rows(write("t.tsv", content))
    assert [row.text for row in found] == texts
    assert [row.line for row in found] == list(range(2, len(texts) + 2))


@pytest.mark.parametrize("name", ["t.jsonl", "t.NDJSON", "t.jsonl.gz"])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_json_lines(write: Write, name: str, ascii_only: bool) -> None:
    texts = [*TRICKY, "two\nlines"]
    objects = [json.dumps({"body": text, "queue": "q"}, ensure_ascii=ascii_only) for text in texts]
    found = rows(write(name, "\n".join([objects[0], "", *objects[1:]])))
    assert [row.text for row in found] == texts
    assert [row.line for row in found] == [1, *range(3, len(texts) + 2)]


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ('"a" 1 -7 true false', ["a", "1", "-7", "true", "false"]),
        ('" a\\t" "\\u00a0b" "1.0"', ["a", "b", "1.0"]),
    ],
)
def test_json_labels(write: Write, values: str, labels: list[str]) -> None:
    content = "".join(f'{{"body": "x", "queue": {value}}}\n' for value in json_values(values))
    assert [(row.label, row.fault) for row in rows(write("t.jsonl", content))] == [(label, "") for label in labels]


def json_values(values: str) -> list[str]:
    found, decoder = [], json.JSONDecoder()
    while values := values.strip():
        _, end = decoder.raw_decode(values)
        found.append(values[:end])
        values = values[end:]
    return found


@pytest.mark.parametrize(
    ("kind", "values", "labels"),
    [
        (pa.string(), ["a", " b ", None], ["a", "b", "no label"]),
        (pa.large_string(), ["a", "b", "c"], ["a", "b", "c"]),
        (pa.dictionary(pa.int8(), pa.string()), ["a", "b", "a"], ["a", "b", "a"]),
        (pa.dictionary(pa.int8(), pa.int64()), [3, 4, 3], ["3", "4", "3"]),
        (pa.int64(), [0, -1, None], ["0", "-1", "no label"]),
        (pa.bool_(), [True, False, None], ["true", "false", "no label"]),
        (pa.float64(), [1.0, 2.5, float("nan")], ["1", "2.5", "no label"]),
    ],
)
def test_parquet(tmp_path: Path, kind: Any, values: list[Any], labels: list[str]) -> None:
    table = pa.table({"other": [1, 2, 3], "body": TRICKY[:3], "queue": pa.array(values, kind)})
    parquet.write_table(table, tmp_path / "t.parquet", row_group_size=2)
    found = rows(tmp_path / "t.parquet")
    assert [row.fault or row.label for row in found] == labels
    assert [row.line for row in found] == [1, 2, 3]
    assert [row.text for row in found] == TRICKY[:3]
    assert Table(tmp_path / "t.parquet").unit == "row"


@pytest.mark.parametrize("kind", [pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_parquet_text_of_other_types(tmp_path: Path, kind: Any) -> None:
    table = pa.table({"body": pa.array(["a", None, "ü"], kind), "queue": ["x", "y", "z"]})
    parquet.write_table(table, tmp_path / "t.parquet")
    assert [row.text for row in rows(tmp_path / "t.parquet")] == ["a", "", "ü"]


def test_parquet_that_is_not_utf8(tmp_path: Path) -> None:
    values = pa.array([b"good", b"b\xe4d", b"good too"], pa.binary())
    texts = pa.Array.from_buffers(pa.string(), 3, values.buffers())  # as careless writers do
    parquet.write_table(pa.table({"body": texts, "queue": ["x", "y", "z"]}), tmp_path / "t.parquet")
    assert [row.fault or row.text for row in rows(tmp_path / "t.parquet")] == ["good", "encoding", "good too"]


def test_several_text_columns(write: Write) -> None:
    path = write("t.csv", "title,queue,body\nA title,q,and a body\n,q,body alone\nTitle alone,q,\n")
    columns = Columns(("title", "body"), "queue")
    assert [row.text for row in rows(path, columns)] == ["A title and a body", "body alone", "Title alone"]
    assert rows(path, Columns(("body", "title"), "queue"))[0].text == "and a body A title"
    sparse = write("t.jsonl", '{"title": "A", "body": null, "queue": 1}\n{"body": "B", "queue": 2}\n')
    assert [row.text for row in rows(sparse, columns)] == ["A", "B"]


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("utf-8", b"\xef\xbb\xbfbody,queue\nna\xc3\xafve,q\n"),
        ("UTF8", b"\xef\xbb\xbfbody,queue\nna\xc3\xafve,q\n"),
        ("windows-1252", b"body,queue\nna\xefve,q\n"),
        ("utf-16", "body,queue\nnaïve,q\n".encode("utf-16")),
        ("utf-16-le", "\ufeffbody,queue\nnaïve,q\n".encode("utf-16-le")),
        ("utf-16-be", "body,queue\nnaïve,q\n".encode("utf-16-be")),
        ("utf-32", "body,queue\nnaïve,q\n".encode("utf-32")),
    ],
)
def test_encodings(write: Write, encoding: str, content: bytes) -> None:
    found = Table(write("t.csv", content)).written_as(Dialect(encoding=encoding)).inspect()
    assert found.names == ["body", "queue"]
    assert list(found.table.rows(COLUMNS)) == [Row(2, "q", "naïve")]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_delimiter(write: Write, delimiter: str) -> None:
    content = f'body{delimiter}queue\n"a{delimiter}b, c"{delimiter}q\n'
    assert rows(write("t.csv", content), delimiter=delimiter) == [Row(2, "q", f"a{delimiter}b, c")]


def test_names() -> None:
    assert [name for name in ("a.csv", "a.CSV.GZ", "a.tsv", "a.ndjson.gz", "a.parquet") if not is_table(name)] == []
    assert [
        name for name in ("csv", "a.gz", "a.parquet.gz", "a.txt", "a.csv.zip", "500", "0.1") if is_table(name)
    ] == []
    names = {"tickets.csv": "tickets", "a.b.tsv.gz": "a.b", "x.parquet": "x", "T.CSV.GZ": "T"}
    assert {name: stem(Path("folder.x") / name) for name in names} == names


# Rows that cannot be used


def faults(path: Path, **options: Any) -> list[tuple[int, str]]:
    return [(row.line, row.fault or row.text) for row in rows(path, **options)]


def test_rows_of_csv_that_cannot_be_used(write: Write) -> None:
    content = b"body,queue\none,q\ntwo\nthree,q,more\nf\xfcnf,q\nsi\0x,q\n\nnone, \nbell,q\x07\nlong," + b"y" * 101
    assert faults(write("t.csv", content)) == [
        (2, "one"),
        (3, "ragged"),
        (4, "ragged"),
        (5, "encoding"),
        (6, "nul"),
        (8, "no label"),
        (9, "control"),
        (10, "long label"),
    ]
    assert rows(write("fits.csv", "body,queue\nx," + "y" * 100))[0].label == "y" * 100


def test_bytes_of_no_text_in_a_column_that_is_not_read(write: Write) -> None:
    assert faults(write("t.csv", b"id,body,queue\n1,one,q\n\xff,two,q\n\xff,three\n")) == [
        (2, "one"),
        (3, "encoding"),
        (4, "encoding"),
    ]


def test_tsv_with_bad_rows(write: Write) -> None:
    content = b'body\tqueue\n"one\tq\ntwo\nf\xfcnf\tq\nsix\tq\r\n'
    assert faults(write("t.tsv", content)) == [(2, '"one'), (3, "ragged"), (4, "encoding"), (5, "six")]


def test_quote_that_is_never_closed(write: Write) -> None:
    """It costs its own line, and the lines after it are read."""
    many = "".join(f"text {number},q\n" for number in range(1000))
    found = faults(write("t.csv", f'body,queue\none,q\n"two,q\n{many}'))
    assert found[:3] == [(2, "one"), (3, "quotes"), (4, "text 0")]
    assert found[-1] == (1003, "text 999")
    assert len(found) == 1002


def test_quotes_in_wrong_places(write: Write) -> None:
    content = 'body,queue\n"a"b,q\nthe "c",q\n"d\nd" e,q\n"f\n\nf",q\n"g",q'
    assert faults(write("t.csv", content)) == [
        (2, "quotes"),
        (3, 'the "c"'),
        (4, "quotes"),
        (5, 'd" e'),
        (6, "f\n\nf"),
        (9, "g"),
    ]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("not JSON", "json"),
        ('{"body": "x", "queue": "q"', "json"),
        ('["x", "q"]', "json"),
        ("null", "json"),
        ("[" * 100_000, "json"),
        ('{"body": "x", "queue": ' + "1" * 10_000 + "}", "json"),
        ('{"body": 1, "queue": "q"}', "text"),
        ('{"body": ["x"], "queue": "q"}', "text"),
        ('{"body": false, "queue": "q"}', "text"),
        ('{"body": "x"}', "no label"),
        ('{"body": "x", "queue": null}', "no label"),
        ('{"body": "x", "queue": "\\n"}', "no label"),
        ('{"body": "x", "queue": NaN}', "no label"),
        ('{"body": "x", "queue": -Infinity}', "no label"),
        ('{"body": "x", "queue": ["q"]}', "labels"),
        ('{"body": "x", "queue": ["q", "r"]}', "labels"),
        ('{"body": "x", "queue": {"q": 1}}', "label"),
        ('{"body": "x", "queue": "\\u200b\\ufeff"}', "no label"),
        ('{"body": "\\ud83d", "queue": "q"}', "encoding"),
        ('{"body": "x\\u0000", "queue": "q"}', "nul"),
        ('{"body": "x", "queue": "\\udfff"}', "encoding"),
        ('{"body": "\xfc", "queue": "q"}', "encoding"),
        ("\0", "json"),
    ],
)
def test_bad_lines_of_json(write: Write, line: str, fault: str) -> None:
    good = '{"body": "good", "queue": "q"}\n'
    path = write("t.jsonl", (good + line + "\n" + good).encode("latin-1"))
    assert Table(path).inspect().names[:2] == ["body", "queue"]
    assert faults(path) == [(1, "good"), (2, fault), (3, "good")]


def test_a_missing_text_is_empty(write: Write) -> None:
    assert rows(write("t.jsonl", '{"queue": "q"}\n{"queue": "q", "body": null}\n')) == [
        Row(1, "q", ""),
        Row(2, "q", ""),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "shift_jis", "gb18030", "utf-7", "windows-1252", "ascii"])
def test_no_bytes_break_the_reading(write: Write, encoding: str) -> None:
    start = "body,queue\ngood,q\n".encode(encoding)
    for seed in range(20):
        noise = bytes((seed * 7919 + place * place * 31 + place // 3) % 256 for place in range(3000))
        found = rows(write("t.csv", start + noise), encoding=encoding)
        assert found[0] == Row(2, "q", "good")


# Files that are refused


def test_wrong_names(write: Write) -> None:
    assert refused(write("t.xlsx", "PK")).endswith("workbooks are not read: save the sheet as CSV")
    for name in ("t.txt", "t", "t.gz", "t.parquet.gz", "t.csv.bz2"):
        assert refused(write(name, "body,queue\nx,q\n")).endswith(
            "not a table: the name must end in .csv, .tsv, .json, .jsonl or .ndjson, each optionally followed by .gz, "
            "or .parquet, or the lines begin with __label__"
        )


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.jsonl", "t.csv.gz", "t.parquet"])
def test_no_file_and_no_files(tmp_path: Path, write: Write, name: str) -> None:
    assert refused(tmp_path / name).endswith("No such file or directory")
    (tmp_path / name).mkdir()
    assert refused(tmp_path / name).endswith("Is a directory")
    if name != "t.parquet":
        assert refused(write(f"empty-{name}", "")).endswith("the file is empty")
        assert refused(write(f"blank-{name}", "\n\n")).endswith("the file is empty")
    else:
        assert "not a complete Parquet file" in refused(write("empty.parquet", ""))


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file whose reading fails")
def test_reading_fails(tmp_path: Path) -> None:
    (tmp_path / "t.csv").symlink_to("/proc/self/mem")
    assert refused(tmp_path / "t.csv").endswith("Input/output error")


def test_columns_that_are_not_there(write: Write) -> None:
    path = write("t.csv", "text,label\nx,q\n")
    assert refused(path).endswith("no column is called 'body' (--text-column); the columns are 'text', 'label'")
    path = write("t.jsonl", '{"text": "x", "label": 1}\n{"more": 1}\n')
    assert refused(path).endswith("the columns are 'text', 'label', 'more'")


def test_columns_of_the_same_name(write: Write) -> None:
    for name, comma in (("t.csv", ","), ("t.tsv", "\t")):
        message = refused(write(name, f"body{comma}queue{comma} body\n"))
        assert message.endswith("more than one column is called 'body'; --no-header if the first line is a row")
    assert rows(write("t.csv", "body,queue,,\nx,q,,\n")) == [Row(2, "q", "x")]


@pytest.mark.parametrize("mark", [";", "\t", "|", "'"])
def test_another_delimiter(write: Write, mark: str) -> None:
    """Of those that are usual none need be given; a header that does not fit the given one is refused."""
    path = write("t.csv", f"body{mark}queue\nx, y{mark}q\n")
    assert rows(path, delimiter="'" if mark == "'" else None) == [Row(2, "q", "x, y")]
    assert "the header is one column" in refused(write("t.csv", "body;queue\nx;q\n"), delimiter="|")
    assert refused(write("t.tsv", "body,queue\nx,q\n")).endswith("is it CSV?")


@pytest.mark.parametrize("delimiter", ["", "ab", '"', "\n"])
def test_impossible_delimiters(write: Write, delimiter: str) -> None:
    message = refused(write("t.csv", "body,queue\nx,q\n"), delimiter=delimiter)
    assert message.startswith("--delimiter must be one character or 'tab', not ")


@pytest.mark.parametrize("encoding", ["utf-9", "hex", "", "a\0b", "rot13"])
def test_unknown_encodings(write: Write, encoding: str) -> None:
    for name in ("t.csv", "t.jsonl", "t.csv.gz"):
        assert refused(write(name, "body,queue\nx,q\n"), encoding=encoding).startswith("--encoding ")


@pytest.mark.parametrize("found", ["utf-16", "utf-32"])
def test_the_mark_of_another_encoding(write: Write, found: str) -> None:
    path = write("t.csv", "body,queue\nna\u00efve,q\n".encode(found))
    assert rows(path) == [Row(2, "q", "na\u00efve")]
    assert refused(path, encoding="utf-8").endswith(f"this is {found}, not utf-8: pass --encoding {found}")
    path = write("t.csv", b"\xef\xbb\xbfbody,queue\nx,q\n")
    assert refused(path, encoding="latin-1").endswith("pass --encoding utf-8")


def test_a_header_in_another_encoding(write: Write) -> None:
    """Another encoding than the one in use is proposed."""
    for encoding, given, proposed in (
        ("latin-1", None, "windows-1252"),
        ("latin-1", "utf-8", "windows-1252"),
        ("utf-16-le", None, "utf-16-le"),
        ("utf-16-be", None, "utf-16-be"),
        ("utf-8", "ascii", "utf-8"),
        ("utf-8", "shift_jis", "utf-8"),
    ):
        message = refused(write("t.csv", "Größe ÄÖÜ,queue\nx,q\n".encode(encoding)), encoding=given)
        assert message.endswith(f"name the encoding with --encoding, such as {proposed}"), (encoding, given)
    # A byte that has no meaning in the given one.
    path = write("t.csv", b"K\x81rper,queue\nx,q\n")
    assert refused(path, encoding="windows-1252").endswith("such as latin-1")
    message = refused(write("t.csv", b"body,queue\nx,q\n"), encoding="utf-16")
    assert message.endswith("not utf-16 (no byte order mark): name another with --encoding, such as utf-8")


def test_no_json(write: Write) -> None:
    assert refused(write("t.jsonl", "body,queue\nx,q\n")).endswith(
        "none of the first 2 lines is a JSON object in utf-8"
    )


def test_no_row_is_as_wide_as_the_header(write: Write) -> None:
    path = write("t.csv", "body,queue\n" + "a text,q,\n" * 150)
    assert refused(path).endswith("t.csv: no row is as wide as the header: line 2: 3 columns, and the header has 2")
    path = write("t.csv", "body,queue\n" + "'a, text',q\n" * 3)
    assert refused(path).endswith('the header has 2 (try --quote "\'")')


def test_a_header_with_an_open_quote(write: Write) -> None:
    assert "lines 1 to 2: not CSV" in refused(write("t.csv", '"body,queue\nx,q\n'))


def test_gzip_files_that_are_not_whole(write: Write, tmp_path: Path) -> None:
    content = gzip.compress("".join(["body,queue\n", *(f"text {n * n},q\n" for n in range(50_000))]).encode())
    damaged = bytearray(content)
    damaged[1000:1100] = b"\xff" * 100
    for bad in (content[:-6], content[: len(content) // 2], bytes(damaged), content + b"rubbish"):
        path = tmp_path / "t.csv.gz"
        path.write_bytes(bad)
        assert "not a complete gzip file" in refused(path)


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_content_says_whether_it_is_compressed(tmp_path: Path, name: str) -> None:
    content = b"body,queue\nx,q\n"
    for written in (content, gzip.compress(content)):
        (tmp_path / name).write_bytes(written)
        assert rows(tmp_path / name) == [Row(2, "q", "x")]


def test_lines_without_end(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is too long is left out, and those after it are read."""
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 1000)
    long = "x" * 3000
    for name, content, line in (
        ("t.csv", f'body,queue\n"{long}",q\ny,q\n', 2),
        ("t.tsv", f"body\tqueue\n{long}\tq\ny\tq\n", 2),
        ("t.jsonl", f'{{"body": "{long}", "queue": "q"}}\n{{"body": "y", "queue": "q"}}\n', 1),
    ):
        assert faults(write(name, content)) == [(line, "long"), (line + 1, "y")]


def test_a_field_without_end(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """It costs one line, however long the file is; no more of it is read ahead than a record may have."""
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 1000)
    for end in ("", "y" * 3000 + ",q\n"):
        found = faults(write("t.csv", 'body,queue\n"' + "x,q\n" * 10_000 + end))
        assert found[0] == (2, "quotes")
        assert found[1:10_000] == [(line, "x") for line in range(3, 10_002)]
        assert found[10_000:] == ([(10_002, "long")] if end else [])


def test_parquet_files_that_are_not_whole(tmp_path: Path) -> None:
    table = pa.table({"body": [f"text {number * number}" for number in range(5000)], "queue": ["q"] * 5000})
    path = tmp_path / "t.parquet"
    parquet.write_table(table, path)
    content = path.read_bytes()
    damaged = bytearray(content)
    damaged[10:2000] = bytes(1990)
    for bad in (b"", b"PAR1", content[:-20], content[:100] + content[300:], bytes(damaged), b"body,queue\nx,q\n" * 9):
        path.write_bytes(bad)
        assert "Parquet" in refused(path) or "damaged after row" in refused(path)


def test_parquet_columns_of_wrong_types(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    for body, queue, message in (
        ([1, 2], ["a", "b"], "column 'body' is of type int64, not text"),
        ([b"a", b"b"], ["a", "b"], "column 'body' is of type binary, not text"),
        (["a", "b"], [[1], [2]], "column 'queue' is of type list<"),
        (["a", "b"], [None, None], "column 'queue' is of type null, not a label"),
    ):
        parquet.write_table(pa.table({"body": body, "queue": queue}), path)
        assert message in refused(path)
    parquet.write_table(pa.Table.from_arrays([pa.array(["a"])] * 3, ["body", "queue", "body"]), path)
    assert refused(path).endswith("more than one column is called 'body'")


def test_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def fail(name: str, *args: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *args)

    monkeypatch.setattr(builtins, "__import__", fail)
    assert refused(tmp_path / "t.parquet").endswith("pyarrow is not installed: pip install -e '.[parquet]'")


def test_reading_lines_needs_little(run_python: Callable[..., Any], write: Write) -> None:
    code = """
import sys
from pathlib import Path
from train.tables.columns import Columns
from train.tables.table import Table
print(len(list(Table(Path(sys.argv[1])).rows(Columns(("body",), "queue")))))
print([name for name in ("pyarrow", "tensorflow", "keras") if name in sys.modules])
"""
    result = run_python("-c", code, write("t.csv", "body,queue\nx,q\n"))
    assert result.stdout == "1\n[]\n", result.stderr


# Which columns


@pytest.mark.parametrize(
    ("names", "texts", "label", "expected"),
    [
        ("text label", (), None, (("text",), "label")),
        ("ID Body Queue when", (), None, (("Body",), "Queue")),
        ("id tweet x", (), "x", (("tweet",), "x")),
        ("words label", (), None, (("words",), "label")),
        ("text kind", (), None, (("text",), "kind")),
        ("a b", ("a",), None, (("a",), "b")),
        ("a b", (), "a", (("b",), "a")),
        ("title description category", ("title", "description"), None, (("title", "description"), "category")),
        ("text title", (), "title", (("text",), "title")),
        ("x text title", (), "title", (("text",), "title")),
        ("x topic label", ("topic",), None, (("topic",), "label")),
        ("category text", ("category",), None, (("category",), "text")),
        ("a b c", ("a", "c"), "b", (("a", "c"), "b")),
    ],
)
def test_columns(names: str, texts: tuple[str, ...], label: str | None, expected: tuple[tuple[str, ...], str]) -> None:
    found = choose_columns("t.csv", names.split(), texts, label)
    assert (found.texts, found.label) == expected
    assert found.guessed == (not texts or label is None)


@pytest.mark.parametrize(
    ("names", "texts", "label", "message"),
    [
        ("a b", (), None, "which columns hold text and label? Name them with --text-column and --label-column"),
        (
            "title description category",
            (),
            None,
            "which columns hold text? Name them with --text-column; the",
        ),
        ("text topic sentiment", (), None, "which columns hold label? Name them with --label-column"),
        ("text x y", (), None, "which columns hold label? Name them with --label-column"),
        ("text label", ("text",), "text", "name the same column twice"),
        ("text label", ("text", "text"), "label", "name the same column twice"),
        ("text", (), None, "which columns hold label?"),
        ("text label", ("Text",), None, "no column is called 'Text' (--text-column); the columns are 'text', 'label'"),
        ("text label", (), "", "no column is called '' (--label-column)"),
    ],
)
def test_columns_that_are_not_clear(names: str, texts: tuple[str, ...], label: str | None, message: str) -> None:
    with pytest.raises(DataError) as caught:
        choose_columns("t.csv", names.split(), texts, label)
    assert message in str(caught.value)


def test_columns_as_people_read_them() -> None:
    assert str(Columns(("body",), "queue")) == "text from column 'body', label from column 'queue'"
    assert str(Columns(("a", "b"), "c")) == "text from columns 'a' and 'b', label from column 'c'"
