"""What a service counts, in the text format of Prometheus, version 0.0.4."""

from __future__ import annotations

import threading
from bisect import bisect_left

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from edgetext.prediction import Prediction

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# The upper ends of the histogram's bins, in seconds.
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Counts of texts, of their unknown words, and of requests; threads may share it."""

    def __init__(self, labels: Iterable[str]) -> None:
        """Count texts of these labels, and of others once there are any."""
        self._lock = threading.Lock()
        self._texts = dict.fromkeys(labels, 0)
        self._unknown = 0.0
        self._requests: dict[int, int] = {}
        self._bins = [0] * (len(SECONDS) + 1)
        self._seconds = 0.0

    def count_text(self, prediction: Prediction) -> None:
        """Count a text that was classified."""
        with self._lock:
            self._texts[prediction.label] = self._texts.get(prediction.label, 0) + 1
            self._unknown += 1 - prediction.known

    def count_request(self, code: int) -> None:
        """Count a request that was answered with this status."""
        with self._lock:
            self._requests[code] = self._requests.get(code, 0) + 1

    def count_seconds(self, seconds: float) -> None:
        """Count how long a request for labels took, from its first byte to the last one of its answer."""
        with self._lock:
            self._bins[bisect_left(SECONDS, seconds)] += 1
            self._seconds += seconds

    def show(self) -> str:
        """Return all metrics."""
        with self._lock:
            return "\n".join([*self._show_texts(), *self._show_requests(), ""])

    def _show_texts(self) -> list[str]:
        texts = [f'edgetext_texts_total{{label="{_escape(label)}"}} {count}' for label, count in self._texts.items()]
        return [
            *_describe("edgetext_texts_total", "counter", "Texts by label."),
            *texts,
            *_describe("edgetext_unknown_words", "summary", "Share of unknown words, 0 to 1, of each text."),
            f"edgetext_unknown_words_sum {self._unknown:.9g}",
            f"edgetext_unknown_words_count {sum(self._texts.values())}",
        ]

    def _show_requests(self) -> list[str]:
        name = "edgetext_request_seconds"
        lines = _describe("edgetext_requests_total", "counter", "Requests of all kinds by HTTP status.")
        lines += [f'edgetext_requests_total{{code="{code}"}} {count}' for code, count in sorted(self._requests.items())]
        lines += _describe(name, "histogram", "Seconds from a request for labels to the end of its answer.")
        total = 0
        for end, count in zip([*map(str, SECONDS), "+Inf"], self._bins):
            total += count
            lines.append(f'{name}_bucket{{le="{end}"}} {total}')
        return [*lines, f"{name}_sum {self._seconds:.9g}", f"{name}_count {total}"]


def _describe(name: str, kind: str, text: str) -> list[str]:
    return [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]


def _escape(label: str) -> str:
    return label.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
