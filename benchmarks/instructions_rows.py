"""The table of instructions.py's results."""

from __future__ import annotations

from typing import Any

from benchmarks import common

HEAD = ("platform", "engine", "library", "works", "one-shot", "ratio", "warm")
LEFT = 4  # columns that are text


def cells(results: dict[str, Any]) -> list[list[str]]:
    """Give the table's head and rows, an empty Python first on each platform; ratios are to that."""
    rows = [list(HEAD)]
    for about in results["platforms"]:
        platform, bare = about["platform"], about["bare"]
        rows.append([platform, "none", about["python"], "yes", f"{bare / 1e6:.1f} M", "1.00", ""])
        for row in results["rows"]:
            if row["platform"] == platform:
                library = row.get("runtime", row["package"])
                rows.append([platform, row["engine"], library, *_counts(row, bare)])
    return rows


def _counts(row: dict[str, Any], bare: int) -> list[str]:
    if "error" in row:
        return [f"no: {row['error']}", "", "", ""]
    return ["yes", f"{row['once'] / 1e6:.1f} M", f"{row['once'] / bare:.2f}", f"{row['warm'] / 1e3:,.0f} k"]


def note(results: dict[str, Any]) -> str:
    """Say what was counted, and how."""
    cpus = ", ".join(f"{about['platform']}: {about['cpu']}" for about in results["platforms"])
    where = results["environment"]
    return (
        f"Instructions of emulated ARM processors ({where['emulator']}; {cpus}), no speeds. One-shot: "
        '`python3 runtime/classify.py "great movie"`, the whole process, and its ratio to `python3 -c pass`, which is '
        f"the row without engine. Warm: a classification of a review of {results['words']} words in a process that "
        f"goes on. {where['date']}."
    )


def table(results: dict[str, Any]) -> str:
    """Lay out the results for people."""
    head, *rows = cells(results)
    return f"{common.format_table(head, rows, left=LEFT)}\n\n{note(results)}"
