"""The rows of interop.py's results, and their tables."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from benchmarks import common

if TYPE_CHECKING:
    from benchmarks.interop_subjects import Subject
    from benchmarks.scoring import Outputs

Answers = Sequence[tuple[str, Sequence[float]]]

HEAD = (
    *("file", "runtime", "given", "works", "accuracy", "other labels", "where it fits", "max difference"),
    *("text to label", "start", "ratio", "installed"),
)
LEFT = 4  # columns that are text
NOTE = (
    "Other labels: than edgetext's with the same file; where it fits: among texts that are not cut at the model's "
    "length, and there the largest difference of a probability. MediaPipe does not lower-case: what differs there is "
    "words in capitals of which the file has no such spelling. Text to label: median of single texts, making the ids "
    "included. Start: a whole process that loads the file and classifies one text, and its ratio to `python -c pass`; "
    "for edgetext the command that comes with it. Installed: a package and all that it requires (edgetext with its "
    "default bundle, and the engine's package); all of node_modules, with what is for other systems; for C the library."
)


def to_outputs(subject: Subject, answers: Answers | None, count: int, labels: Sequence[str]) -> Outputs | None:
    """Take a runtime's answers apart; None if it gave none, or others than were asked for, which is then its error.

    Args:
        subject: What answered.
        answers: What it said of each text.
        count: How many texts there were.
        labels: The bundle's.
    """
    import numpy as np

    from benchmarks.scoring import Outputs

    if answers is None:
        return None
    if len(answers) != count:
        subject.error = f"it gave {len(answers)} answers to {count} texts"
    elif any(label not in labels or len(row) != len(labels) for label, row in answers):
        subject.error = f"its answers are not a label and {len(labels)} probabilities"
    if subject.error is not None:
        return None
    return Outputs(np.array([row for _, row in answers]), [label for label, _ in answers])


def row(
    subject: Subject,
    outputs: Outputs | None,
    reference: Outputs | None,
    expected: Sequence[str],
    fits: Sequence[bool],
    empty_ms: float,
) -> dict[str, Any]:
    """Give a row of the results.

    Args:
        subject: What was measured.
        outputs: What it said of the texts; None if it does not work.
        reference: What edgetext said of them with the same file; None if that does not work.
        expected: The texts' labels.
        fits: Whether a text is not cut.
        empty_ms: What an empty Python took.

    Returns:
        ``engine``, ``recipe``, ``file``, ``size`` in bytes, ``runtime``, ``given``, and either ``error``, a line, or
        ``accuracy``, 0 to 1; what ``compare`` gives; ``text_to_label_us``; ``startup``; and ``installed`` in bytes,
        None where that is not known.
    """
    from benchmarks import scoring

    model = subject.model
    about = {
        **{name: getattr(model, name) for name in ("engine", "recipe", "file", "size")},
        "runtime": subject.runtime,
        "given": subject.given,
    }
    if subject.error is not None or outputs is None:
        return {**about, "error": subject.error or "it gave no answers"}
    start = statistics.median(subject.startups_ms)
    return {
        **about,
        "accuracy": scoring.accuracy(outputs, expected),
        **compare(outputs, None if subject.own else reference, fits),
        "text_to_label_us": round(statistics.median(subject.windows_us), 1),
        "startup": {
            "median_ms": round(start, 1),
            "empty_ms": round(empty_ms, 1),
            "ratio": round(start / empty_ms, 2),
            "runs": len(subject.startups_ms),
        },
        "installed": subject.installed,
    }


def compare(outputs: Outputs, reference: Outputs | None, fits: Sequence[bool]) -> dict[str, float | None]:
    """Compare answers to the same texts.

    Returns:
        ``other_labels``, the share of texts with another label; ``fitting_other_labels``, that among texts that fit;
        and ``fitting_max_difference``, the largest difference of a probability among these, to three digits. None where
        there is nothing to compare.
    """
    import numpy as np

    shares: dict[str, float | None] = dict.fromkeys(("other_labels", "fitting_other_labels", "fitting_max_difference"))
    if reference is None:
        return shares
    other = np.array(list(map(str.__ne__, outputs.labels, reference.labels)))  # (texts,)
    shares["other_labels"] = round(float(other.mean()), 6)
    chosen = np.array(fits)
    if chosen.any():
        difference = np.abs(outputs.probabilities - reference.probabilities)[chosen].max()
        shares["fitting_other_labels"] = round(float(other[chosen].mean()), 6)
        shares["fitting_max_difference"] = float(f"{difference:.3g}")
    return shares


def table(results: dict[str, Any]) -> str:
    """Lay out the results for people."""
    shown = [f"{title}\n{common.format_table(HEAD, rows, left=LEFT)}" for title, rows in parts(results)]
    return "\n\n".join([*shown, NOTE])


def parts(results: dict[str, Any]) -> list[tuple[str, list[list[str]]]]:
    """Give a title and the rows of cells for each bundle."""
    count = results["texts"]["reviews"]
    return [
        (
            f"{bundle['name']}: {bundle['fitting']:,} of {count:,} texts fit into its {bundle['max_length']} ids",
            [_cells(row) for row in results["rows"] if row["bundle"] == index],
        )
        for index, bundle in enumerate(results["bundles"])
    ]


def _cells(row: dict[str, Any]) -> list[str]:
    about = [row["file"], row["runtime"], row["given"]]
    if "error" in row:
        return [*about, f"no: {row['error']}", *[""] * (len(HEAD) - LEFT)]
    share, fitting, difference = (
        row[name] for name in ("other_labels", "fitting_other_labels", "fitting_max_difference")
    )
    return [
        *about,
        "yes",
        f"{row['accuracy']:.2%}",
        "" if share is None else f"{share:.3%}",
        "" if fitting is None else f"{fitting:.3%}",
        "" if difference is None else f"{difference:.1g}",
        f"{row['text_to_label_us']:.0f} µs",
        f"{row['startup']['median_ms']:.0f} ms",
        f"{row['startup']['ratio']:.1f}",
        "" if row["installed"] is None else f"{row['installed'] / 1e6:.0f} MB",
    ]
