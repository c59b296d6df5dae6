"""``--summary``: what a stream looks like, as JSON lines. ``--drift``: whether it looks like the validation texts."""

from __future__ import annotations

import json
import os
from time import gmtime, strftime

from edgetext.bundle import Bundle
from edgetext.command.messages import print_note
from edgetext.errors import InputError
from edgetext.strict_json import parse_json
from edgetext.validation import BINS, read_validation
from edgetext.validation.drift import FEWEST_TEXTS, compare

BEGINNING = b'{"time": '  # of every line
LONGEST_LINE = 2**20  # bytes; a thousand labels take a tenth of it

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from edgetext.classifier import Classifier
    from edgetext.command.output import Stop
    from edgetext.prediction import Prediction


class Summary:
    """Counts the predictions of a stream, and appends lines with the counts to a file: every ``every`` texts, and last.

    A line counts the texts since the line before, so lines can be added up. It is a JSON object: ``time``, in UTC;
    ``model``, the file and its CRC-32; ``texts``; ``labels``, the number of texts of which each is the most probable
    one; ``uncertain``, how many of them were labelled so instead; ``unknown``, the mean share of unknown words; and
    ``scores`` and ``known``, the number of texts by score and by share of known words, in ``BINS`` equal bins.
    """

    def __init__(self, path: str, every: int | None, classifier: Classifier, stop: Stop) -> None:
        """Open the file.

        Raises:
            InputError: If the file has something else in it.
            OSError: If it cannot be opened.
        """
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        if os.path.isfile(path):
            _prepare(path)
        self._path = path
        self._every = every
        self._labels = classifier.labels
        model = classifier.model
        self._model = {"file": model.file, "crc32": model.crc32} if model is not None else None
        self._stop = stop
        self._reset()

    def _reset(self) -> None:
        self._counts = dict.fromkeys(self._labels, 0)
        self._texts = self._uncertain = 0
        self._unknown = 0.0
        self._scores, self._known = [0] * BINS, [0] * BINS

    def add(self, predictions: Iterable[Prediction]) -> None:
        """Count predictions, and write a line whenever it is time for one."""
        self._stop.hold()
        for prediction in predictions:
            self._count(prediction)
            if self._texts == self._every:
                self.write()
        self._stop.release()

    def _count(self, prediction: Prediction) -> None:
        label = prediction.label
        if label not in self._counts:  # it is uncertain
            label = prediction.top(1)[0][0]
            self._uncertain += 1
        self._counts[label] += 1
        self._texts += 1
        self._unknown += 1 - prediction.known
        self._scores[min(int(prediction.score * BINS), BINS - 1)] += 1
        self._known[min(int(prediction.known * BINS), BINS - 1)] += 1

    def write(self) -> None:
        """Write a line, if texts were counted since the last one; OSError if that is not possible."""
        if not self._texts:
            return
        record = {
            "time": strftime("%Y-%m-%dT%H:%M:%SZ", gmtime()),
            "model": self._model,
            "texts": self._texts,
            "labels": self._counts,
            "uncertain": self._uncertain,
            "unknown": round(self._unknown / self._texts, 4),
            "scores": self._scores,
            "known": self._known,
        }
        self._reset()
        try:
            os.write(self._descriptor, json.dumps(record).encode() + b"\n")
        except OSError as error:
            raise OSError(error.errno, error.strerror, self._path) from None


def _prepare(path: str) -> None:
    """Remove an incomplete last line, which a power cut or a full disk leaves; InputError if the file is no summary."""
    with open(path, "rb+") as file:
        start = file.read(len(BEGINNING))
        if not BEGINNING.startswith(start):
            raise InputError(f"{path} exists and is no summary: name another file")
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - LONGEST_LINE, 0))
        end = file.read()
        whole = size - len(end) + end.rfind(b"\n") + 1
        if whole < size:
            file.truncate(whole)
            print_note(f"note: {path}: removed the last line, which was incomplete")


def print_drift(path: str, model: str | None) -> bool:
    """Print a line that says whether the texts of a summary look like the validation texts.

    Args:
        path: The file that ``Summary`` wrote; its lines are added up.
        model: The bundle; None for the one that ships with the package.

    Returns:
        Whether they do.

    Raises:
        BundleError: If the bundle is missing or damaged, or does not hold what was measured in validation.
        InputError: If the file is not a summary, is one of another bundle, or counts too few texts.
        OSError: If it cannot be read.
    """
    bundle = Bundle.open(model)
    validation = read_validation(bundle)
    labels, scores, known = [0] * len(bundle.labels), [0] * BINS, [0] * BINS
    texts = 0
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            try:
                record = parse_json(line)
                is_ours = record["model"] in [{"file": entry.file, "crc32": entry.crc32} for entry in bundle.models]
                if is_ours:
                    _add(labels, [record["labels"][label] for label in bundle.labels])
                    _add(scores, record["scores"])
                    _add(known, record["known"])
                    texts += record["texts"]
                    if not texts == sum(labels) == sum(scores) == sum(known):
                        raise ValueError("counts that do not add up")
            except (ValueError, TypeError, LookupError):
                raise InputError(f"{path}: line {number} is not one that --summary writes") from None
            if not is_ours:
                raise InputError(f"{path}: line {number} is of another model than those in {bundle.folder}")
    if texts < FEWEST_TEXTS:
        raise InputError(f"{path}: {texts} texts are too few to compare: at least {FEWEST_TEXTS} are needed")
    found = compare(validation, labels, scores, known)
    differs = any(part.is_large for part in found)
    indices = ", ".join(
        f"{part.name} {part.psi:.2f}{' (different)' if part.is_large else ' (alike)'}" for part in found
    )
    verdict = "do not look" if differs else "look"
    print(f"{texts:,} texts {verdict} like the validation texts; population stability index: {indices}")
    return not differs


def _add(total: list[int], counts: list[int]) -> None:
    """Add counts to a histogram, in place; ValueError or TypeError if they are not counts, or not as many."""
    if len(counts) != len(total) or not all(type(count) is int and count >= 0 for count in counts):
        raise ValueError("not the counts of a histogram")
    total[:] = map(sum, zip(total, counts))
