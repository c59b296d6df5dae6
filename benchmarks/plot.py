"""Draw accuracy against size and against latency, from the results of accuracy.py and latency.py.

The usual calls:

    python benchmarks/plot.py                                      # those of benchmarks/results
    python benchmarks/plot.py accuracy.json latency.json --out picture.png

Exit codes: 0, 2 for a mistake.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import common, records

# Colour, and marker with its size, so that points at the same place stay visible.
STYLES = {"builtin": ("#2a7f3f", "D", 5), "tflite": ("#d95f02", "o", 5), "onnx": ("#1b6ca8", "s", 9)}
OTHER_STYLE = ("#555555", "^", 7)
# The least distance of two labels, as a share of the panel's height.
LABEL_GAP = 0.085
# The least height of a panel, in percentage points: differences of a few hundredths should look like that.
LEAST_HEIGHT = 0.5


class Point(NamedTuple):
    """A model file: its name and engine, bytes, accuracy in percent, and median text-to-label latency."""

    name: str
    engine: str
    size: int
    accuracy: float
    latency_us: float


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for kind in ("accuracy", "latency"):
        parser.add_argument(
            kind,
            nargs="?",
            type=Path,
            default=records.FOLDER / f"{kind}.json",
            help=f"results of {kind}.py (default: benchmarks/results/{kind}.json)",
        )
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        default=records.FOLDER / "accuracy.png",
        help="the picture (default: benchmarks/results/accuracy.png)",
    )
    return parser.parse_args(argv)


def join(accuracy: dict[str, Any], latency: dict[str, Any]) -> list[Point]:
    """Match the rows of the two results, most accurate first.

    Raises:
        common.BenchmarkError: They are of different bundles, nothing matches, or the processor was emulated.
    """
    if accuracy["bundle"] != latency["bundle"]:
        raise common.BenchmarkError(
            f"the accuracies are of {accuracy['bundle']['name']} and the latencies of {latency['bundle']['name']}, "
            "or of two trainings of it: measure one bundle with both"
        )
    if latency["environment"]["emulated"]:
        raise common.BenchmarkError("the latencies were measured under emulation: they are not a device's speeds")
    medians = {row["file"]: row["text_to_label"]["median_us"] for row in latency["rows"] if "error" not in row}
    points = [
        Point(
            f"{row['recipe']} ({row['engine']})",
            row["engine"],
            row["size"],
            100 * row["accuracy"],
            medians[row["file"]],
        )
        for row in accuracy["rows"]
        if "error" not in row and row["file"] in medians
    ]
    if not points:
        raise common.BenchmarkError("no model file was measured by both")
    return sorted(points, key=lambda point: -point.accuracy)


def spread(heights: Sequence[float], gap: float) -> list[float]:
    """Move heights, given in falling order, apart by at least ``gap``, and keep them centred where they were."""
    placed: list[float] = []
    for height in heights:
        placed.append(height if not placed else min(height, placed[-1] - gap))
    shift = sum(heights) / len(heights) - sum(placed) / len(placed)
    return [height + shift for height in placed]


def draw_panel(axes: Any, points: Sequence[Point], values: Sequence[float], keras: float, xlabel: str) -> None:
    """Draw one panel: a point for each model file, and its name at the right, joined to it by a thin line."""
    axes.axhline(keras, color="#999999", linewidth=1, linestyle="--", zorder=0)
    low, high = min(point.accuracy for point in points), max(keras, *(point.accuracy for point in points))
    margin = max((LEAST_HEIGHT - (high - low)) / 2, 0.3 * (high - low))
    axes.set_ylim(low - margin, high + margin)
    axes.set_xlim(0, 1.08 * max(values))
    gap = LABEL_GAP * (high - low + 2 * margin)
    for point, value, height in zip(points, values, spread([point.accuracy for point in points], gap)):
        colour, marker, size = STYLES.get(point.engine, OTHER_STYLE)
        axes.plot(
            value, point.accuracy, marker, color=colour, markersize=size, fillstyle="none" if size > 5 else "full"
        )
        axes.annotate(
            point.name,
            (value, point.accuracy),
            xytext=(1.03, height),
            textcoords=axes.get_yaxis_transform(),
            va="center",
            fontsize=8,
            color=colour,
            arrowprops={"arrowstyle": "-", "color": colour, "alpha": 0.35, "linewidth": 0.7, "relpos": (0, 0.5)},
            annotation_clip=False,
        )
    axes.set_xlabel(xlabel)
    axes.grid(alpha=0.25)
    axes.ticklabel_format(axis="y", useOffset=False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def draw(points: Sequence[Point], accuracy: dict[str, Any], latency: dict[str, Any], out: Path) -> None:
    """Draw both panels into a PNG file.

    Raises:
        OSError: It cannot be written.
    """
    from matplotlib.figure import Figure

    keras = 100 * accuracy["keras"]["accuracy"]
    figure = Figure(figsize=(11, 3.8), layout="constrained")
    size_axes, latency_axes = figure.subplots(1, 2)
    draw_panel(size_axes, points, [point.size / 1000 for point in points], keras, "size of the model file (kB)")
    draw_panel(latency_axes, points, [point.latency_us for point in points], keras, "text to label, median (µs)")
    texts, machine = accuracy["texts"], latency["environment"]
    size_axes.set_ylabel(f"accuracy on {texts['reviews']:,} {texts['source']} (%)")
    figure.suptitle(
        f"{accuracy['bundle']['name']}; dashed: Keras; latency on {machine['processor']}, {machine['machine']}",
        fontsize=9,
    )
    save(figure, out)


def save(figure: Any, out: Path, colours: int = 64) -> None:
    """Save a figure as a small PNG file, at one stroke; the same figure gives the same bytes.

    Args:
        figure: What matplotlib drew.
        out: The file.
        colours: So many are kept, at most 256.

    Raises:
        OSError: It cannot be written.
    """
    from PIL import Image

    out.parent.mkdir(parents=True, exist_ok=True)
    new = out.with_name(f".tmp-{os.getpid()}-{out.name}")
    try:
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=110)
        # Few colours, no version and no date: a third of the size.
        Image.open(buffer).convert("RGB").quantize(colours).save(new, format="png", optimize=True)
        os.replace(new, out)
    finally:
        new.unlink(missing_ok=True)


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    args = parse(argv)

    def work() -> int:
        accuracy, latency = (records.read(getattr(args, kind), kind) for kind in ("accuracy", "latency"))
        draw(join(accuracy, latency), accuracy, latency, args.out)
        print(f"wrote {args.out.name}, {args.out.stat().st_size:,} bytes")
        return 0

    return common.finish(work)


if __name__ == "__main__":
    sys.exit(main())
