"""The README's blocks: results in, Markdown out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from benchmarks import (
    accuracy_rows,
    choices,
    common,
    curve,
    instructions_rows,
    interop_rows,
    own_text_rows,
    peers,
    seeds,
)

Results = dict[str, Any]

# Where the ratio stands among a row's cells, after recipe and engine.
RATIO = 2

EMULATED = (
    "**Emulated** on another processor: this shows that it runs there, and what it costs relative to Python itself; "
    "it is not a device's speed."
)


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]], left: int) -> str:
    """Lay out a Markdown table; the first ``left`` columns are aligned left, the others right."""
    rule = ["---" if index < left else "--:" for index in range(len(head))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *rows))


def environment_line(results: Results) -> str:
    """Say in a line where, with what and when something was measured."""
    where = results["environment"]
    runtimes = sorted({row["runtime"] for row in results["rows"] if "runtime" in row})
    cores = f"{where['cores']} core" + ("" if where["cores"] == 1 else "s")
    parts = [
        *(["Emulated"] if where["emulated"] else []),
        ", ".join([where["processor"], where["machine"], cores, where["system"], where["python"]]),
        *([", ".join(runtimes)] if runtimes else []),
        where["date"],
    ]
    return "; ".join(parts)


def accuracy(found: Sequence[Results]) -> str:
    """Show what quantisation costs, a table for each bundle."""
    parts = []
    for results in found:
        head, *rows = accuracy_rows.cells(results)
        table = markdown(head, rows, accuracy_rows.LEFT)
        parts.append(f"{accuracy_rows.note(results, _texts(results))}\n\n{table}\n\n{environment_line(results)}.")
    return "\n\n".join(parts)


def latency(found: Sequence[Results]) -> str:
    """Show latency, throughput and memory, a table for each environment."""
    head = ["recipe", "engine", "text to label", "95th percentile", "× split", "model only", "texts/s", "memory"]

    def cells(row: dict[str, Any]) -> list[str]:
        label, rates = row["text_to_label"], row["texts_per_second"]
        return [
            f"{label['median_us']:.0f} µs",
            f"{label['p95_us']:.0f} µs",
            f"{label['ratio']:.1f}",
            f"{row['model_only']['median_us']:.0f} µs",
            f"{rates['32']:,}",
            "" if row["peak_mb"] is None else f"{row['peak_mb']:.0f} MB",
        ]

    note = (
        "Text to label and model only: medians of single calls. × split: text to label against `text.lower().split()` "
        "on the same texts. Texts/s: in batches of 32. Memory: the most that a process held that loads the model and "
        "classifies a text."
    )
    return _by_environment(found, head, cells, note)


def startup(found: Sequence[Results]) -> str:
    """Show what a one-shot command costs, a table for each environment."""
    head = ["recipe", "engine", "one-shot command", "`python -c pass`", "ratio", "load", "first text"]

    def cells(row: dict[str, Any]) -> list[str]:
        start = row["startup"]
        return [
            f"{start['median_ms']:.0f} ms",
            f"{start['empty_ms']:.0f} ms",
            f"{start['ratio']:.1f}",
            f"{row['load_ms']:.0f} ms",
            f"{row['first_us'] / 1000:.2f} ms",
        ]

    note = (
        'One-shot command: `python runtime/classify.py "great movie"`, the whole process, in turns with an empty '
        "Python; with `--engine` and `--recipe`, but for the file that is taken without options. Load, and then the "
        "first text: in a process of their own."
    )
    return _by_environment(found, head, cells, note)


def _by_environment(
    found: Sequence[Results], head: Sequence[str], cells: Callable[[dict[str, Any]], list[str]], note: str
) -> str:
    """Lay out a table for each environment; of an emulated one only the ratio is shown.

    Args:
        found: Latency results.
        head: The columns' names, recipe and engine first.
        cells: Gives a row's cells after these two; the one at ``RATIO`` is a ratio.
        note: What the columns mean.
    """
    parts = [note]
    for results in merge(found):
        emulated = results["environment"]["emulated"]
        chosen = [RATIO] if emulated else range(len(head) - 2)
        measured = [row for row in results["rows"] if "error" not in row]
        rows = [
            [f"`{row['recipe']}`", _engine(row, measured), *(cells(row)[index] for index in chosen)] for row in measured
        ]
        table = markdown([*head[:2], *(head[2 + index] for index in chosen)], rows, 2)
        parts += [f"{environment_line(results)}; {_texts(results)}:", *([EMULATED] if emulated else []), table]
        reasons = [f"{row['recipe']} ({row['engine']}): {row['error']}" for row in results["rows"] if "error" in row]
        if reasons:
            parts.append("Not measured there: " + "; ".join(reasons) + ".")
    return "\n\n".join(parts)


def _engine(row: dict[str, Any], rows: Sequence[dict[str, Any]]) -> str:
    """Name a row's engine, with its library where the table has several of that engine."""
    several = len({other["runtime"] for other in rows if other["engine"] == row["engine"]}) > 1
    return f"{row['engine']} ({row['runtime']})" if several else str(row["engine"])


def merge(found: Sequence[Results]) -> list[Results]:
    """Join the latencies of each bundle on each machine; of two rows for the same thing the later one stays.

    Raises:
        common.BenchmarkError: A file was made with ``--quick``.
    """
    groups: dict[tuple[Any, ...], Results] = {}
    for results in sorted(found, key=lambda results: str(results["environment"]["date"])):
        if results["protocol"]["quick"]:
            raise common.BenchmarkError(f"made with --quick, which measures nothing: {results['command']}")
        where = results["environment"]
        key = (
            *results["bundle"].values(),
            *(where[name] for name in ("processor", "machine", "cores", "system", "python", "emulated")),
        )
        old = groups.get(key, {"rows": []})
        rows = {(row["file"], row.get("runtime")): row for row in (*old["rows"], *results["rows"])}
        # What one file could not measure, another may have.
        done = {row["file"] for row in rows.values() if "error" not in row}
        kept = [row for row in rows.values() if "error" not in row or row["file"] not in done]
        groups[key] = {**results, "rows": kept}
    # Devices before emulations.
    return sorted(groups.values(), key=lambda results: bool(results["environment"]["emulated"]))


def encode(found: Sequence[Results]) -> str:
    """Show what turning a text into ids costs."""
    parts = []
    for results in found:
        rows = [[row["name"], f"{row['median_us']:.1f} µs", f"{row['mean_us']:.1f} µs"] for row in results["rows"]]
        rows.append(["ratio", *(f"{results['ratio'][kind]:.2f}" for kind in ("median", "mean"))])
        table = markdown(["", "median", "mean"], rows, 1)
        parts.append(f"{_texts(results)}:\n\n{table}\n\n{environment_line(results)}.")
    return "\n\n".join(parts)


def seed_runs(found: Sequence[Results]) -> str:
    """Show how far trainings differ by chance."""
    parts = []
    for results in found:
        head, *rows = seeds.cells(results)
        parts.append(f"Preset `{results['preset']}`:\n\n{markdown(head, rows, 1)}\n\n{environment_line(results)}.")
    return "\n\n".join(parts)


def curve_table(found: Sequence[Results]) -> str:
    """Show accuracy against file size."""
    return "\n\n".join(_cells_table(results, curve.cells(results), 1) for results in found)


def choices_table(found: Sequence[Results]) -> str:
    """Show what each choice of the preset brings."""
    return "\n\n".join(_cells_table(results, choices.cells(results), 2) for results in found)


def peers_table(found: Sequence[Results]) -> str:
    """Show the comparison with fastText."""
    shown = []
    for results in found:
        tables = [markdown(head, rows, 1) for head, rows in peers.parts(results)]
        shown.append("\n\n".join([f"{_texts(results)}:", *tables, f"{environment_line(results)}."]))
    return "\n\n".join(shown)


def interop_tables(found: Sequence[Results]) -> str:
    """Show each file in the runtimes of others, a table for each bundle."""
    parts = [interop_rows.NOTE]
    for results in found:
        for title, rows in interop_rows.parts(results):
            marked = [[f"`{file}`", *cells] for file, *cells in rows]
            parts += [f"{title}:", markdown(interop_rows.HEAD, marked, interop_rows.LEFT)]
        timed = _texts({"texts": results["timed"]})
        parts.append(f"Scored: {_texts(results)}. Timed: {timed}. {environment_line(results)}.")
    return "\n\n".join(parts)


def instructions_table(found: Sequence[Results]) -> str:
    """Show what the command costs on ARM processors."""
    parts = []
    for results in found:
        head, *rows = instructions_rows.cells(results)
        parts.append(f"{instructions_rows.note(results)}\n\n{markdown(head, rows, instructions_rows.LEFT)}")
    return "\n\n".join(parts)


def own_text_tables(found: Sequence[Results]) -> str:
    """Show trainings on tables of one's own, beside scikit-learn."""
    shown = []
    for results in found:
        tables = [markdown(*part) for part in own_text_rows.parts(results)]
        where = environment_line({**results, "rows": own_text_rows.measured(results)})
        shown.append("\n\n".join([own_text_rows.NOTE, *tables, f"{where}."]))
    return "\n\n".join(shown)


MEMORY_NOTE = (
    "`python -m train --data TABLE --epochs 1`, the whole process. Memory: the most that it held; of that the most of "
    "its own, and the most of mapped files, such as libraries. The last line is the difference."
)
MEMORY_FIELDS = ("peak_mb", "anonymous_mb", "file_mb")


def memory_table(found: Sequence[Results]) -> str:
    """Show memory and time of a training on a large table."""
    return "\n\n".join(f"{MEMORY_NOTE}\n\n{_cells_table(results, memory_cells(results), 0)}" for results in found)


def memory_cells(results: Results) -> list[list[str]]:
    """Return the cells of a table, its head first; the last line is the difference between the sizes."""
    lines = [["rows", "table", "time", "rows/s", "memory", "of its own", "of files"]]
    for row in results["rows"]:
        lines.append(
            [
                f"{row['rows']:,}",
                f"{row['bytes'] / 1e6:,.0f} MB",
                f"{row['seconds']:,.0f} s",
                f"{row['rows'] / row['seconds']:,.0f}",
                *(f"{row[name]:,.0f} MB" for name in MEMORY_FIELDS),
            ]
        )
    small, large = results["rows"]
    lines.append(
        [
            f"{large['rows'] - small['rows']:+,}",
            f"{(large['bytes'] - small['bytes']) / 1e6:+,.0f} MB",
            f"{large['seconds'] - small['seconds']:+,.0f} s",
            "",
            *(f"{large[name] - small[name]:+,.0f} MB" for name in MEMORY_FIELDS),
        ]
    )
    return lines


def soak_table(found: Sequence[Results]) -> str:
    """Show the promises that the soak tried."""
    return "\n\n".join(_cells_table(results, soak_cells(results), 1) for results in found)


def soak_cells(results: Results) -> list[list[str]]:
    """Return the cells of a table, its head first."""
    lines = [["what holds", "tried", "failed", "measured"]]
    for row in results["rows"]:
        lines.append([row["promise"], f"{row['tried']:,} {row['unit']}", f"{row['failed']:,}", row["measured"]])
    return lines


def _cells_table(results: Results, cells: list[list[str]], left: int) -> str:
    head, *rows = cells
    return f"{markdown(head, rows, left)}\n\n{environment_line(results)}."


def _texts(results: Results) -> str:
    texts = results["texts"]
    count = f"{texts['reviews']:,}"
    if texts["reviews"] != texts["available"]:
        count += f" of {texts['available']:,}"
    return f"{count} {texts['source']}, median {texts['median_words']:g} words"


# Block: the kind of results that it shows, and how.
BLOCKS = {
    "accuracy": ("accuracy", accuracy),
    "latency": ("latency", latency),
    "startup": ("latency", startup),
    "encode": ("encode", encode),
    "seeds": ("seeds", seed_runs),
    "curve": ("curve", curve_table),
    "choices": ("choices", choices_table),
    "peers": ("peers", peers_table),
    "interop": ("interop", interop_tables),
    "instructions": ("instructions", instructions_table),
    "own_text": ("own_text", own_text_tables),
    "memory": ("memory", memory_table),
    "soak": ("soak", soak_table),
}
