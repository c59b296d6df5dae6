"""Drawing the pictures of the READMEs, and confusion matrices."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.measuring import results
from benchmarks.measuring.errors import BenchmarkError

COLOURS = {"builtin": "#2a7f3f", "tflite": "#d95f02", "onnx": "#1b6ca8"}
MARKERS = ("D", "o", "s", "^", "v", "P", "X")
# With more classes, the cells of a confusion matrix have no numbers.
NUMBERED = 20


def draw_accuracy(accuracy: results.Results, latency: results.Results, out: Path) -> None:
    """Draw accuracy against size, and against latency.

    Raises:
        BenchmarkError: If the two results are of different bundles, or the processor was emulated.
        OSError: If the picture cannot be written.
    """
    from matplotlib.figure import Figure

    if accuracy["bundle"] != latency["bundle"]:
        raise BenchmarkError("the accuracy and the latency are those of different bundles, or trainings of a bundle")
    if latency["environment"]["emulated"]:
        raise BenchmarkError("the latency was measured under emulation: it is not a device's speed")
    times = {row["file"]: row["text_to_label"]["median_us"] for row in latency["rows"] if "model_only" in row}
    figure = Figure(figsize=(9, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    rows = [row for row in accuracy["rows"] if "error" not in row]
    for number, row in enumerate(rows):
        marker = MARKERS[number % len(MARKERS)]
        style: dict[str, Any] = {
            "marker": marker,
            "color": COLOURS[row["engine"]],
            "linestyle": "none",
            "fillstyle": "none",
        }
        style["markersize"] = 11 - 0.7 * number  # points at the same place stay visible
        height = 100 * row["accuracy"]
        left.plot((results.bytes_read(row) or 0) / 1000, height, **style, label=f"{row['recipe']} ({row['engine']})")
        if row["file"] in times:
            right.plot(times[row["file"]], height, **style)
    where = latency["environment"]
    for axes, label in ((left, "size that scoring reads (kB)"), (right, "text to label, median (µs)")):
        axes.axhline(100 * accuracy["keras"]["accuracy"], color="#999999", linewidth=1, linestyle="--", label="Keras")
        axes.set_xlabel(label)
        axes.set_xlim(left=0)
        _tidy(axes)
    # Differences of a few hundredths should look small.
    middle = 100 * accuracy["keras"]["accuracy"]
    left.set_ylim(middle - 0.5, middle + 0.5)
    left.set_ylabel(f"accuracy on {accuracy['texts']['count']:,} {accuracy['texts']['source']} (%)")
    right.set_title(f"shipped files; {where['processor']}, {where['machine']}", fontsize=8)
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    save(figure, out)


def draw_curve(curve: results.Results, peers: results.Results, out: Path) -> None:
    """Draw accuracy against size: the ``edge`` preset with more and more buckets, and fastText from peers.py's results.

    Raises:
        OSError: If the picture cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.2), layout="constrained")
    axes = figure.subplots()
    for engine, label, style in (("builtin", "safetensors and vocab.txt", "o-"), ("tflite", "TFLite", "s--")):
        found = [row[engine] for row in curve["rows"]]
        points = [((results.bytes_read(row) or 0) / 1000, 100 * row["accuracy"]) for row in found]
        axes.plot(*zip(*points), style, markersize=4, color=COLOURS[engine], label=f"edge, int8, {label}")
    for row in curve["rows"]:
        place = (results.bytes_read(row["builtin"]) or 0) / 1000, 100 * row["builtin"]["accuracy"]
        name = f"$2^{{{row['buckets'].bit_length() - 1}}}$"
        axes.annotate(name, place, xytext=(-3, 7), textcoords="offset points", ha="center", fontsize=8)
    for row in peers["rows"]:
        if row["name"].startswith("fastText"):
            place = row["size"] / 1000, 100 * row["accuracy"]
            axes.plot(*place, "^", color="#555555")
            axes.annotate(row["name"], place, xytext=(7, -3), textcoords="offset points", fontsize=8)
    axes.set_xscale("log")
    ticks = [200, 300, 500, 1000, 2000]
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set(xlabel="size that scoring reads, weights and vocabulary (kB)", ylabel="accuracy on the test reviews (%)")
    axes.margins(y=0.12)
    _tidy(axes)
    axes.legend(loc="lower right", frameon=False)
    save(figure, out)


def _tidy(axes: Any) -> None:
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def draw_confusion(confusion: dict[str, dict[str, int]], labels: Sequence[str], title: str, out: Path) -> None:
    """Draw a confusion matrix of up to some hundred classes; shades are shares of the true class.

    Raises:
        OSError: If the picture cannot be written.
    """
    import numpy as np
    from matplotlib.figure import Figure
    from sklearn.metrics import ConfusionMatrixDisplay

    counts = np.array([[confusion[true].get(label, 0) for label in labels] for true in labels])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)  # (true, found)
    side = min(2 + 0.6 * len(labels), 4 + 0.12 * len(labels) + 0.3 * NUMBERED)  # inches
    figure = Figure(figsize=(side + 2, side), layout="constrained")
    axes = figure.subplots()
    display = ConfusionMatrixDisplay(shares, display_labels=labels)
    display.plot(ax=axes, cmap="Blues", include_values=False, xticks_rotation="vertical", im_kw={"vmin": 0, "vmax": 1})
    for row, column in np.ndindex(counts.shape) if len(labels) <= NUMBERED else ():
        colour = "white" if shares[row, column] > 0.55 else "black"
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=colour, fontsize=8)
    axes.tick_params(labelsize=min(9.0, 50 * side / len(labels)))
    axes.set_title(title, fontsize=9)
    save(figure, out, colours=256)


def save(figure: Any, out: Path, colours: int = 64) -> None:
    """Save a figure as a small PNG file, atomically; the same figure gives the same bytes.

    Raises:
        OSError: If it cannot be written.
    """
    from PIL import Image

    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=110)
    # Few colours, no version and no date: a third of the size.
    Image.open(drawn).convert("RGB").quantize(colours).save(small, format="png", optimize=True)
    results.replace(out, small.getvalue())
