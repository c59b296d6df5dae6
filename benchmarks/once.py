"""Load a model and classify one text: how long each took, and the most memory that this process held.

latency.py starts it, again and again:

    python benchmarks/once.py ENGINE RECIPE [BUNDLE]

It imports nothing that classifying does not, so that time and memory are those of a user's small program. It prints
one JSON object; an engine that does not work here is one line on standard error and exit code 2.
"""

from __future__ import annotations

import json
import os
import sys
import time

_RUNTIME = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "runtime")
if os.path.isdir(os.path.join(_RUNTIME, "edgetext")):
    sys.path.insert(0, _RUNTIME)

from edgetext import Classifier, EdgetextError

FIRST_TEXT = "great movie"


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    engine, recipe, *rest = sys.argv[1:] if argv is None else argv
    started = time.perf_counter_ns()
    try:
        classifier = Classifier.load(rest[0] if rest else None, engine, recipe=recipe)
        loaded = time.perf_counter_ns()
        label = classifier.classify(FIRST_TEXT).label
    except EdgetextError as error:
        # Where the interpreter lies is no news for a results file.
        print(f"error: {error}".replace(sys.executable, "python"), file=sys.stderr)
        return 2
    first = time.perf_counter_ns()
    measured = {
        "runtime": classifier.engine.runtime,
        "label": label,
        "load_ms": (loaded - started) / 1e6,
        "first_us": (first - loaded) / 1e3,
        "peak_mb": peak_memory(),
    }
    print(json.dumps(measured))
    return 0


def peak_memory() -> float | None:
    """Give the most memory that this process has held so far, in MB (10^6 bytes); None where that is not known.

    On Linux it is read from /proc, for a process inherits ``ru_maxrss`` from the one that started it.
    """
    try:
        with open("/proc/self/status", encoding="utf-8") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) * 1024 / 1e6
    except (OSError, StopIteration):
        pass
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


if __name__ == "__main__":
    sys.exit(main())
