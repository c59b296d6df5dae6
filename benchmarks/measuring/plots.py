"""Plots of accuracy against size."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from benchmarks.measuring import results

COLOURS = {"builtin": "#2a7f3f", "tflite": "#d95f02"}


def draw_curve(curve: results.Results, peers: results.Results, out: Path) -> None:
    """Draw accuracy against size: the ``edge`` preset with more and more buckets, and fastText."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.2), layout="constrained")
    axes = figure.subplots()
    for engine, label, style in (("builtin", "safetensors and vocab.txt", "o-"), ("tflite", "TFLite", "s--")):
        found = [row[engine] for row in curve["rows"]]
        points = [(results.bytes_read(row) / 1000, 100 * row["accuracy"]) for row in found]
        axes.plot(*zip(*points), style, markersize=4, color=COLOURS[engine], label=f"edge, int8, {label}")
    for row in curve["rows"]:
        place = results.bytes_read(row["builtin"]) / 1000, 100 * row["builtin"]["accuracy"]
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
    axes.legend(loc="lower right", frameon=False)
    _save(figure, axes, out)


def _save(figure: Any, axes: Any, out: Path) -> None:
    """Save a figure as a small PNG file; the same figure produces the same bytes."""
    from PIL import Image

    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=110)
    # Few colours, no version and no date: a third of the size.
    Image.open(drawn).convert("RGB").quantize(64).save(out, format="png", optimize=True)
