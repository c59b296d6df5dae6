"""How the README shows what accuracy.py measured."""

from __future__ import annotations

from typing import Any

LEFT = 2

_HEAD = ["recipe", "engine", "size", "accuracy", "drop", "macro F1", "drop in it", "ECE", "changed", "as first"]
_HEAD += ["on short texts", "changed"]
# Columns that older results do not have.
_MACRO = (5, 6)


def cells(results: dict[str, Any]) -> list[list[str]]:
    """Turn the results into the cells of a table, its head first."""
    count, keras = results["texts"]["reviews"], results["keras"]
    lines = [_HEAD]
    for row in results["rows"]:
        lines.append([f"`{row['recipe']}`", row["engine"], *_cells(row, count)])
    start = ["Keras", "", "", f"{keras['accuracy']:.2%}", "", _percent(keras, "macro_f1"), ""]
    lines.append([*start, f"{keras['calibration_error']:.3f}", "", "", f"{keras['short_accuracy']:.2%}", ""])
    left_out = () if "macro_f1" in keras else _MACRO
    return [[cell for place, cell in enumerate(line) if place not in left_out] for line in lines]


def _cells(row: dict[str, Any], count: int) -> list[str]:
    size = f"{row['size'] / 1000:.0f} kB"
    if "error" in row:
        return [size, "not measured", *[""] * (len(_HEAD) - LEFT - 2)]
    return [
        size,
        f"{row['accuracy']:.2%}",
        f"{row['drop_points']:.2f}",
        _percent(row, "macro_f1"),
        f"{row['macro_drop_points']:.2f}" if "macro_drop_points" in row else "",
        f"{row['calibration_error']:.3f}",
        f"{row['labels_changed'] / count:.2%}",
        f"{row['labels_as_first']:.2%}",
        f"{row['short_accuracy']:.2%}",
        f"{row['short_labels_changed'] / count:.2%}",
    ]


def _percent(row: dict[str, Any], name: str) -> str:
    return f"{row[name]:.2%}" if name in row else ""


def note(results: dict[str, Any], texts: str) -> str:
    """Say what was measured, and what the columns mean.

    Args:
        results: The results.
        texts: Which texts they are of.
    """
    macro = " Macro F1: the mean of the classes' F1." if "macro_f1" in results["keras"] else ""
    return (
        f"{results['bundle']['name']} on {texts}. Short texts: their first ten words. Drop: percentage points below "
        f"Keras.{macro} ECE: expected calibration error, 15 bins. Changed: labels other than Keras'. As first: the "
        "same labels as the table's first file."
    )
