"""The plots of a report, as SVG to put into a page."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from benchmarks.reporting.evaluation import THRESHOLDS, Evaluation, measure_part
from train.metrics import CALIBRATION_BINS, wilson_interval

STYLE: Any = {"svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10.5, "xtick.major.pad": 7}
BLUE, GREY, ORANGE = "#1d5fa8", "#8a8f98", "#c2571a"
# The most points of a curve: more are not visible, and make the page larger.
POINTS = 200
# Below this many texts an accuracy says nothing.
FEWEST = 10
# The share of texts answered from which on a threshold's name has no room to the right of its point.
RIGHTMOST = 0.9
# The room that such a name takes, in shares of the plot: points that are nearer to a named one have no name.
ROOM = (0.1, 0.045)


@matplotlib.rc_context(STYLE)
def draw_reliability(found: Evaluation) -> str:
    """Draw how often the label is right for texts of about the same score, and how many texts have that score."""
    bins = np.minimum((found.scores * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    figure, (axes, below) = _make_figure(2, [4, 1])
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--")
    for place in range(CALIBRATION_BINS):
        inside = bins == place
        if inside.sum() < FEWEST:
            continue
        part = measure_part("", found.right[inside], len(bins))
        x, y, (low, high) = found.scores[inside].mean(), part["accuracy"], part["interval"]
        axes.errorbar(x, y, [[y - low], [high - y]], fmt="o", color=BLUE, markersize=5, elinewidth=1.2, capsize=2)
    lowest = max(0.0, np.floor(10 * found.scores.min()) / 10)
    axes.set(ylabel="share that is right", xlim=(lowest, 1.005), ylim=(lowest, 1.02))
    below.hist(found.scores, bins=np.linspace(0, 1, CALIBRATION_BINS + 1).tolist(), color=BLUE, alpha=0.75)
    below.set(xlabel="score", ylabel="texts", xlim=(lowest, 1.005))
    _format_shares(axes.yaxis, axes.xaxis, below.xaxis)
    axes.tick_params(labelbottom=False)
    return _write(figure, "Reliability diagram: share of right labels by score")


@matplotlib.rc_context(STYLE)
def draw_coverage(found: Evaluation) -> str:
    """Draw the accuracy on the texts with the highest scores, by how many of the texts these are."""
    order = np.argsort(-found.scores, kind="stable")
    scores, right = found.scores[order], np.cumsum(found.right[order])
    # Texts with the same score are answered together.
    ends = np.flatnonzero(np.append(scores[1:] != scores[:-1], True)) + 1
    ends = ends[ends >= min(FEWEST, len(scores))]
    ends = ends[np.unique(np.linspace(0, len(ends) - 1, POINTS).astype(int))]
    accuracy = right[ends - 1] / ends
    low, high = np.array([wilson_interval(float(one), int(of)) for one, of in zip(accuracy, ends)]).T
    figure, (axes,) = _make_figure(1, [1])
    x = ends / len(scores)
    axes.fill_between(x, low, high, color=BLUE, alpha=0.15, linewidth=0)
    axes.plot(x, accuracy, color=BLUE, linewidth=1.8)
    bottom, top = max(0.0, float(accuracy.min()) - 0.05), min(1.01, float(high.max()) + 0.02)
    axes.set(xlabel="share of texts answered", ylabel="accuracy on these", xlim=(0, 1.01), ylim=(bottom, top))
    _mark_thresholds(axes, scores, right, top - bottom)
    _format_shares(axes.yaxis, axes.xaxis)
    return _write(figure, "Risk-coverage curve: accuracy on the texts that are answered")


def _mark_thresholds(axes: Axes, scores: npt.NDArray[Any], right: npt.NDArray[Any], height: float) -> None:
    """Draw the thresholds as points, with names where there is room; ``right`` counts the right labels so far."""
    named: list[tuple[float, float]] = []
    for threshold in THRESHOLDS:
        count = int((scores >= threshold).sum())
        if not FEWEST <= count < len(scores):
            continue
        place = count / len(scores), right[count - 1] / count
        axes.plot(*place, "o", color=ORANGE, markersize=5)
        if any(abs(place[0] - x) < ROOM[0] and abs(place[1] - y) < ROOM[1] * height for x, y in named):
            continue
        named.append(place)
        # At the right edge there is room below the curve only.
        offset, side = ((3, 6), "left") if place[0] < RIGHTMOST else ((-4, -10), "right")
        axes.annotate(f"≥ {threshold:g}", place, offset, textcoords="offset points", ha=side, fontsize=9)


def _make_figure(rows: int, heights: Sequence[int]) -> tuple[Figure, Sequence[Axes]]:
    figure = Figure(figsize=(5.4, 4.2), layout="constrained")
    found: Sequence[Axes] = figure.subplots(rows, 1, squeeze=False, height_ratios=heights)[:, 0].tolist()
    for axes in found:
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    return figure, found


def _format_shares(*found: Any) -> None:
    for axis in found:
        axis.set_major_formatter(PercentFormatter(1, decimals=None))


def _write(figure: Figure, title: str) -> str:
    """Return a figure as an SVG element without ids, of which a page may have each once, except those it refers to."""
    file = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": title}), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of fonts: the browser has others
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' id="[\w.]+_\d+"', "", svg)
    svg = re.sub(r' (?:width|height)="[\d.]+pt"', "", svg, count=2)  # the page decides
    return svg.replace("<svg", f'<svg role="img" aria-label="{title}"', 1)
