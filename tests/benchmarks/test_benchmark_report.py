"""benchmarks/report.py: blocks are found and replaced, and nothing wrong is written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks import report
from benchmarks.measuring import layout, pictures, plots, results

ErrorLine = Callable[[str], str]


def block(name: str, content: str = "stale numbers") -> str:
    return f"before\n<!-- begin {name} -->\n{content}\n<!-- end {name.split(':')[0]} -->\nafter\n"


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, Any], Path]:
    def make(name: str, content: Any) -> Path:
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return make


def test_a_table_is_the_same_on_a_terminal_and_in_markdown() -> None:
    table = layout.Table(["name", "value"], [["a", "1,200"], ["bb", ""]])
    plain, markdown = (layout.render(["A note.", table], markdown=flag) for flag in (False, True))
    assert plain.startswith("A note.\n\nname")
    lines = markdown.splitlines()[2:]
    assert all(line.startswith("|") and line.endswith("|") for line in lines)
    assert lines[1].replace("-", "") == "|:|:|"
    for line, row in zip(lines[2:], table.rows, strict=True):
        assert [cell.strip() for cell in line.strip("|").split("|")] == row
        assert all(cell in plain for cell in row)


def test_blocks_are_written_and_then_current(write: Any, capfd: pytest.CaptureFixture[str]) -> None:
    readme = write("README.md", block("curve") + "text\n" + block("curve", ""))
    file = results.FOLDER / "curve.json"
    command = [str(file), "--readme", str(readme)]
    assert report.main([*command, "--check"]) == 1
    assert "stale numbers" in readme.read_text("utf-8")
    assert report.main(command) == 0
    text = readme.read_text("utf-8")
    assert "stale numbers" not in text
    assert text.count("262,144") == 2
    assert text.startswith("before\n<!-- begin curve -->\n```sh\npython benchmarks/sweep.py curve")
    assert text.count("after") == 2
    capfd.readouterr()
    assert report.main([*command, "--check"]) == 0
    assert "all blocks are current" in capfd.readouterr().out


def test_every_kind_of_block_shows_the_committed_results(write: Any) -> None:
    kinds = {json.loads(file.read_text("utf-8"))["kind"] for file in results.FOLDER.glob("*.json")}
    shown = [name for name in report.BLOCKS if kinds >= set(report.KINDS.get(name, (name,)))]
    readme = write("README.md", "".join(map(block, shown)))
    assert report.main(["--readme", str(readme)]) == 0
    text = readme.read_text("utf-8")
    assert "stale numbers" not in text
    for file in results.FOLDER.glob("*.json"):
        found = json.loads(file.read_text("utf-8"))
        assert found["command"] in text
        assert found["environment"]["date"] in text


def test_below_a_block_are_the_runtimes_of_its_rows(write: Any) -> None:
    """Not those of rows that another block shows, or that did not work."""
    readme = write("README.md", "".join(map(block, ("compiled", "browser", "latency"))))
    assert report.main(["--readme", str(readme)]) == 0
    last_lines = r"^<!-- begin (\w+) -->$.*?^([^\n]+)\n<!-- end"
    ends = dict(re.findall(last_lines, readme.read_text("utf-8"), re.DOTALL | re.MULTILINE))
    assert "fasttext-predict" in ends["compiled"]
    assert "/webgpu" not in ends["compiled"]
    assert "onnxruntime-web" in ends["browser"]
    assert "fasttext-predict" not in ends["browser"]
    assert "onnxruntime" in ends["latency"]
    assert "scikit-learn" not in ends["latency"]


def test_help_block(write: Any, run_python: Any) -> None:
    readme = write("README.md", block("help: python benchmarks/report.py --help"))
    found = str(results.FOLDER / "curve.json")
    assert report.main([found, "--readme", str(readme)]) == 0
    expected = run_python("benchmarks/report.py", "--help", env={"COLUMNS": "100"}).stdout.rstrip()
    assert f"```text\n$ python benchmarks/report.py --help\n{expected}\n```\n<!-- end help -->" in readme.read_text(
        "utf-8"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (block("latency"), "no results of kind peers or latency"),
        (block("speed"), "no block is called speed"),
        (block("curve: x"), "no block is called curve: x"),
        (block("help"), "no block is called help"),
        ("\n<!-- begin curve -->\n", "a block's begin or end is missing"),
        ("<!-- end curve -->\n", "a block's begin or end is missing"),
        ("<!-- begin curve -->\n<!-- begin curve -->\n<!-- end curve -->\n", "a block's begin or end is missing"),
        (block("help: python -c 1/0"), "python -c 1/0: ZeroDivisionError"),
        (block("help: no-such-command"), "no-such-command: No such file"),
    ],
)
def test_readmes_that_are_refused(
    text: str, message: str, write: Any, capfd: pytest.CaptureFixture[str], error_line: ErrorLine
) -> None:
    readme = write("README.md", text)
    assert report.main([str(results.FOLDER / "curve.json"), "--readme", str(readme)]) == 2
    assert message in error_line(capfd.readouterr().err)
    assert readme.read_text("utf-8") == text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("nonsense", "not a results file"),
        ("[]", "not a results file"),
        ('{"kind": "curve"}', "not a results file"),
        ('{"kind": "curve", "command": "c", "rows": [{}]}', "the results of c are damaged"),
        ('{"kind": "curve", "command": "c", "rows": [], "protocol": {"quick": true}}', "made with --quick"),
    ],
)
def test_results_that_are_refused(
    content: str, message: str, write: Any, capfd: pytest.CaptureFixture[str], error_line: ErrorLine
) -> None:
    readme = write("README.md", block("curve"))
    assert report.main([str(write("a.json", content)), "--readme", str(readme)]) == 2
    assert message in error_line(capfd.readouterr().err)


def test_the_plot_is_reproducible(tmp_path: Path) -> None:
    curve, peers = (results.read(results.FOLDER / f"{name}.json") for name in ("curve", "peers"))
    pictures = [tmp_path / name for name in ("a.png", "b.png")]
    for picture in pictures:
        plots.draw_curve(curve, peers, picture)
    assert pictures[0].read_bytes() == pictures[1].read_bytes()
    assert pictures[0].read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert pictures[0].stat().st_size <= 60_000


def test_the_picture_of_an_explanation_is_current() -> None:
    drawn = pictures.picture(pictures.EXPLANATION)
    assert (results.FOLDER / "explanation.svg").read_text("utf-8") == drawn
    assert len(drawn) < 100_000
    texts = [text for text in ElementTree.fromstring(drawn) if text.tag.endswith("text")]
    # The words of the text are coloured; they stand in the list below it too.
    superb, wooden = (next(text for text in texts if text.text == word) for word in ("superb", "Wooden"))
    assert len({superb.attrib["fill"], wooden.attrib["fill"], pictures.FOREGROUND}) == 3
    assert wooden.attrib["text-decoration"] == "underline"


def test_a_picture_of_any_text() -> None:
    printed = 'a\t<b> & "c"\n  \x1b[1;4;38;5;208mbold\x1b[0m plain\n'
    found = [text for text in ElementTree.fromstring(pictures.draw("x <y>", printed)) if text.tag.endswith("text")]
    assert [text.text for text in found] == ["$ x <y>", "a", '<b> & "c"', "bold", "plain"]
    places = [float(text.attrib["x"]) for text in found]
    assert [round((place - places[0]) / pictures.WIDTH) for place in places] == [0, 0, 8, 2, 7]
    assert found[3].attrib["font-weight"] == "bold"
    assert "font-weight" not in found[4].attrib
