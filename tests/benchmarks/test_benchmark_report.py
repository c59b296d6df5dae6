"""benchmarks/report.py and plot.py, on results made up here."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from benchmarks import blocks, plot, report
from benchmarks.common import BenchmarkError

Maker = Callable[..., dict[str, Any]]
ErrorLine = Callable[[str], str]


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, Any], Path]:
    def write(name: str, content: Any) -> Path:
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return write


def block(name: str) -> str:
    return f"<!-- begin {name} -->\nold\n<!-- end {name.partition(':')[0]} -->\n"


def test_writes_then_finds_current_then_stale(
    write: Callable[[str, Any], Path],
    make_accuracy: Maker,
    make_latency: Maker,
    capfd: pytest.CaptureFixture[str],
    error_line: ErrorLine,
) -> None:
    names = ("accuracy", "latency", "startup")
    readme = write("README.md", "# Top\n\n" + "text\n".join(map(block, names)) + "\nend without a newline")
    results = make_accuracy()
    files = [write("a.json", results), write("l.json", make_latency())]
    command = [*map(str, files), "--readme", str(readme)]

    assert report.main([*command, "--check"]) == 1
    assert "out of date: accuracy, latency, startup" in error_line(capfd.readouterr().err)
    assert readme.read_text("utf-8").count("old") == 3

    assert report.main(command) == 0
    written = readme.read_text("utf-8")
    assert written.startswith("# Top\n\n<!-- begin accuracy -->\n```sh\npython benchmarks/accuracy.py\n```\n")
    assert "| `dynamic` | tflite | 164 kB | 87.55% | 0.05 | 0.012 | 1.00% | 99.80% | 62.00% | 2.00% |" in written
    head = next(line for line in written.splitlines() if line.startswith("| recipe | engine | size |"))
    assert head.count("|") == next(line for line in written.splitlines() if "| 164 kB |" in line).count("|")
    assert "| Keras |  |  | 87.60% |  | 0.010 |  |  | 62.50% |  |" in written
    assert "| `float32` | tflite | 37 µs | 74 µs | 4.2 | 9 µs | 25,000 | 49 MB |" in written
    assert "| `float32` | tflite | 148 ms | 12 ms | 12.3 | 98 ms | 0.09 ms |" in written
    assert "Some Processor, x86_64, 2 cores, Debian, CPython 3.11.2; ai-edge-litert 2.3.0; 2026-11-22" in written
    assert written.endswith("\nend without a newline")
    assert report.main([*command, "--check"]) == 0

    results["rows"][0]["accuracy"] = 0.8654
    write("a.json", results)
    capfd.readouterr()
    assert report.main([*command, "--check"]) == 1
    assert error_line(capfd.readouterr().err).startswith("out of date: accuracy; ")
    assert readme.read_text("utf-8") == written


def test_accuracy_with_macro_f1(make_accuracy: Maker) -> None:
    """Results that have it; those that have not are shown without, as above."""
    results = make_accuracy()
    results["keras"]["macro_f1"] = 0.8712
    for row in results["rows"]:
        row.update(macro_f1=0.8701, macro_drop_points=0.11)
    results["rows"].append({"recipe": "x", "engine": "onnx", "size": 1000, "error": "not here"})
    lines = blocks.accuracy([results]).splitlines()
    assert "| `dynamic` | tflite | 164 kB | 87.55% | 0.05 | 87.01% | 0.11 | 0.012 | 1.00% | 99.80% |" in lines[4]
    assert lines[-3] == "| Keras |  |  | 87.60% |  | 87.12% |  | 0.010 |  |  | 62.50% |  |"
    assert len({line.count("|") for line in lines if line.startswith("|")}) == 1


def test_one_environment_is_one_table(make_latency: Maker) -> None:
    one, two = make_latency(recipes=("dynamic",)), make_latency(recipes=("float32",))
    (merged,) = blocks.merge([one, two])
    assert [row["recipe"] for row in merged["rows"]] == ["dynamic", "float32"]
    assert blocks.latency([one, two]).count("| recipe |") == 1


def test_a_later_measurement_of_the_same_replaces(make_latency: Maker) -> None:
    old, new = make_latency(median=50.0), make_latency({"date": "2026-12-01"}, median=40.0)
    for order in ([old, new], [new, old]):
        (merged,) = blocks.merge(order)
        assert [row["text_to_label"]["median_us"] for row in merged["rows"]] == [40, 40]
        assert merged["environment"]["date"] == "2026-12-01"


def test_two_libraries_of_one_engine_are_both_shown(make_latency: Maker) -> None:
    shown = blocks.latency(
        [make_latency(recipes=("dynamic",)), make_latency(recipes=("dynamic",), runtime="tflite-runtime 2.14.0")]
    )
    assert "tflite (ai-edge-litert 2.3.0)" in shown
    assert "tflite (tflite-runtime 2.14.0)" in shown


def test_what_could_not_be_measured_is_said(make_latency: Maker) -> None:
    results = make_latency()
    good, row = results["rows"]
    failed = {name: row[name] for name in ("engine", "recipe", "file", "size")} | {"error": "not installed"}
    results["rows"] = [good, failed]
    assert "Not measured there: float32 (tflite): not installed." in blocks.latency([results])
    # Another file from the same machine measured it.
    assert "Not measured" not in blocks.latency([results, make_latency(recipes=("float32",))])


def test_emulated_numbers_are_never_a_devices_speed(make_latency: Maker) -> None:
    results = [make_latency({"processor": "Raspberry Pi 4", "emulated": True}), make_latency()]
    for show in (blocks.latency, blocks.startup):
        shown = show(results)
        real, _, emulated = shown.partition("Emulated; Raspberry Pi 4")
        assert shown.count("| recipe |") == 2
        assert "Some Processor" in real
        assert "is not a device's speed" in emulated
        assert "| `dynamic` | tflite |" in emulated
        assert not any(unit in emulated for unit in (" µs", " ms", " MB", "| 25,000"))


def test_quick_results_are_refused(make_latency: Maker) -> None:
    with pytest.raises(BenchmarkError, match="made with --quick"):
        blocks.latency([make_latency(quick=True)])


def test_encode_and_seeds(make_accuracy: Maker) -> None:
    shared = make_accuracy()
    rows = [{"name": name, "median_us": us, "mean_us": us, "calls": 5} for name, us in (("a", 26.0), ("b", 13.0))]
    shown = blocks.encode([{**shared, "rows": rows, "ratio": {"median": 2.0, "mean": 1.1}}])
    assert "| ratio | 2.00 | 1.10 |" in shown
    row = {"seed": 7, "validation_accuracy": 0.88, "test_accuracy": 0.87, "test_loss": 0.3, "fit_seconds": 20.0}
    summary = {"validation_accuracy": {"mean": 0.88, "spread": 0.001}}
    shown = blocks.seed_runs([{**shared, "preset": "tutorial", "rows": [row], "summary": summary}])
    assert "| 7 | 88.00% |  |  | 87.00% | 0.3000 |  | 20 |" in shown
    assert "| spread | 0.10% |" in shown


def test_help_block(write: Callable[[str, Any], Path], run_python: Any) -> None:
    readme = write("README.md", block("help: python benchmarks/plot.py --help"))
    # No results are needed where no block shows any.
    results = write("none.json", {"kind": "seeds", "rows": []})
    assert report.main([str(results), "--readme", str(readme)]) == 0
    expected = run_python("benchmarks/plot.py", "--help", env={"COLUMNS": "100"}).stdout.rstrip()
    assert f"```text\n$ python benchmarks/plot.py --help\n{expected}\n```\n<!-- end help -->" in readme.read_text(
        "utf-8"
    )
    assert report.main([str(results), "--readme", str(readme), "--check"]) == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (block("latency"), "no results of latency.py are there; python benchmarks/latency.py --json"),
        (block("speed"), "line 1: no block is called 'speed'"),
        (block("accuracy: x"), "line 1: no block is called 'accuracy: x'"),
        (block("help"), "line 1: no block is called 'help'"),
        ("\n<!-- begin accuracy -->\n", "line 2: the block does not end"),
        ("<!-- end accuracy -->\n", "line 1: nothing called 'accuracy' begins before"),
        ("<!-- begin accuracy -->\n<!-- begin latency -->\n", "line 2: a block begins within another"),
        (block("help: python -c 1/0"), "python -c 1/0: ZeroDivisionError"),
        (block("help: no-such-command"), "no-such-command: No such file"),
    ],
)
def test_readmes_that_are_refused(
    text: str,
    message: str,
    write: Callable[[str, Any], Path],
    make_accuracy: Maker,
    capfd: pytest.CaptureFixture[str],
    error_line: ErrorLine,
) -> None:
    readme = write("README.md", text)
    assert report.main([str(write("a.json", make_accuracy())), "--readme", str(readme)]) == 2
    assert message in error_line(capfd.readouterr().err)
    assert readme.read_text("utf-8") == text


@pytest.mark.parametrize("content", ["nonsense", "[]", '{"kind": "speed", "rows": []}', '{"kind": "accuracy"}'])
def test_results_that_are_refused(
    content: str, write: Callable[[str, Any], Path], capfd: pytest.CaptureFixture[str], error_line: ErrorLine
) -> None:
    readme = write("README.md", block("accuracy"))
    assert report.main([str(write("a.json", content)), "--readme", str(readme)]) == 2
    assert "a.json: not a results file" in error_line(capfd.readouterr().err)


def test_damaged_results_are_refused(
    write: Callable[[str, Any], Path], make_accuracy: Maker, capfd: pytest.CaptureFixture[str], error_line: ErrorLine
) -> None:
    readme = write("README.md", block("accuracy"))
    results = make_accuracy()
    del results["keras"]
    assert report.main([str(write("a.json", results)), "--readme", str(readme)]) == 2
    assert "block accuracy: the results of accuracy.py are damaged" in error_line(capfd.readouterr().err)


def test_plot(write: Callable[[str, Any], Path], make_accuracy: Maker, make_latency: Maker, tmp_path: Path) -> None:
    files = [str(write("a.json", make_accuracy())), str(write("l.json", make_latency()))]
    picture = tmp_path / "new" / "p.png"
    assert plot.main([*files, "--out", str(picture)]) == 0
    first = picture.read_bytes()
    assert first.startswith(b"\x89PNG\r\n\x1a\n")
    assert len(first) <= 60_000
    assert plot.main([*files, "--out", str(picture)]) == 0
    assert picture.read_bytes() == first
    assert [path.name for path in picture.parent.iterdir()] == ["p.png"]


def test_plot_refuses_what_does_not_belong_together(make_accuracy: Maker, make_latency: Maker) -> None:
    other = {"name": "imdb-tutorial", "model_sha256": "1" * 64}
    for latencies, message in (
        (make_latency(bundle=other), "measure one bundle with both"),
        (make_latency({"emulated": True}), "measured under emulation"),
        (make_latency(recipes=("int3",)), "no model file was measured by both"),
    ):
        with pytest.raises(BenchmarkError, match=message):
            plot.join(make_accuracy(), latencies)


def test_plot_says_what_is_missing(
    tmp_path: Path,
    write: Callable[[str, Any], Path],
    make_accuracy: Maker,
    capfd: pytest.CaptureFixture[str],
    error_line: ErrorLine,
) -> None:
    good = str(write("a.json", make_accuracy()))
    assert plot.main([good, good]) == 2
    assert "holds results of accuracy.py, not of latency.py" in error_line(capfd.readouterr().err)
    assert plot.main([good, str(tmp_path / "l.json")]) == 2
    assert "no results at" in error_line(capfd.readouterr().err)


@pytest.mark.parametrize("heights", [[5.0, 5.0, 5.0], [9.0, 8.95, 1.0], [3.0], [4.0, 2.0]])
def test_labels_keep_their_distance(heights: list[float]) -> None:
    placed = plot.spread(heights, 0.5)
    assert all(above - below >= 0.5 - 1e-9 for above, below in pairwise(placed))
    assert sum(placed) == pytest.approx(sum(heights))
