"""``--doctor``: which engines work on this machine, and why the others do not, with the command that fixes it.

Whether an engine works only shows when it runs, and some native libraries crash the process. So each engine classifies
a text whose result is recorded in the bundle, in a separate process; ``builtin``, which is Python, in this one.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
from subprocess import DEVNULL, PIPE

from edgetext import __version__
from edgetext.bundle import Bundle
from edgetext.classifier import Classifier
from edgetext.engines import ENGINES
from edgetext.engines.machine import Machine, install_command
from edgetext.errors import BundleError, EdgetextError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from edgetext.bundle.manifest import ModelFile

# The text for bundles that record none.
TEXT = "great movie"
# The largest difference between an engine's probability and the recorded one, as for int8 models in export/recipes.py.
TOLERANCE = 0.15
# An engine that takes longer than this hangs; the slowest Pi needs some seconds.
TIMEOUT_SECONDS = 120

_CHILD = "import sys; sys.path.insert(0, sys.argv[1]); from edgetext.command.doctor import child; child(sys.argv[2:])"


def examine(path: str | os.PathLike[str] | None) -> dict[str, Any]:
    """Describe this machine and try every engine with a bundle.

    Returns:
        ``edgetext``, ``python``, ``machine``, ``libc``; ``bundle``, its name, or ``error``, why it cannot be opened;
        ``engines``, for each engine by name ``works``, and ``runtime``, ``label`` and ``score``, or ``reason``, and
        ``passed_over`` if ``--engine auto`` then tries the next; and ``auto``, the engine that it uses, None if it
        fails.
    """
    machine = Machine.here()
    found: dict[str, Any] = {
        "edgetext": __version__,
        "python": f"{platform.python_implementation()} {platform.python_version()}, {machine.executable}",
        "machine": f"{machine.system} {machine.processor}",
        "libc": machine.libc or "not glibc",
        "engines": {},
        "auto": None,
    }
    try:
        bundle = Bundle.open(path)
    except EdgetextError as error:
        return {**found, "error": str(error)}
    found["bundle"] = bundle.name
    for engine in ENGINES:
        models = [model for model in bundle.models if model.engine == ("builtin" if engine == "native" else engine)]
        if models:
            found["engines"][engine] = _try_engine(bundle, models[0], engine, machine)
        else:
            found["engines"][engine] = {"works": False, "reason": "this bundle has no model for it"}
    found["auto"] = _find_auto(bundle, found["engines"])
    return found


def _find_auto(bundle: Bundle, engines: dict[str, dict[str, Any]]) -> str | None:
    """Return the engine that ``auto`` uses; None if the first that it does not pass over does not work."""
    for model in bundle.models:
        record = engines.get(model.engine, {"passed_over": True})
        if not record.get("passed_over"):
            return model.engine if record["works"] else None
    return None


def _try_engine(bundle: Bundle, model: ModelFile, engine: str, machine: Machine) -> dict[str, Any]:
    """Try an engine on the bundle's text, and compare the result with the recorded one."""
    try:
        bundle.verify(model)
    except BundleError as error:
        return {"works": False, "reason": str(error)}
    expected = _self_test(bundle)
    task = [bundle.folder, engine, model.recipe, expected.get("text", TEXT)]
    answer = attempt(task) if engine == "builtin" else _attempt_in_process(task)
    if "crash" in answer:
        fix = install_command(engine, machine)
        advice = f"; another version may work: {fix}" if fix else ""
        return {"works": False, "reason": f"{answer['crash']}{advice}"}
    if "error" in answer:
        reason = answer["error"].removeprefix(f"engine {engine}: ")
        return {"works": False, "reason": reason, "passed_over": not answer.get("damaged")}
    probability = answer["probabilities"].get(expected.get("label"))
    if probability is not None and not abs(probability - expected["score"]) <= TOLERANCE:
        wrong = f"it answers {probability:.2f} for {expected['label']} instead of {expected['score']:.2f}"
        return {"works": False, "reason": f"{answer['runtime']}: {wrong}; do not use it"}
    return {"works": True, **{key: answer[key] for key in ("runtime", "label", "score")}}


def _self_test(bundle: Bundle) -> dict[str, Any]:
    """Return the bundle's ``self_test``: ``text``, ``label`` and ``score``; empty if it has none, or a wrong one."""
    record = bundle.manifest.get("self_test")
    kinds = {"text": str, "label": str, "score": float}
    if isinstance(record, dict) and all(type(record.get(key)) is kind for key, kind in kinds.items()):
        return record
    return {}


def attempt(task: Sequence[str]) -> dict[str, Any]:
    """Load an engine and classify a text, in this process; the task is the bundle, the engine, the recipe, the text.

    Returns:
        The engine's ``runtime`` and the prediction's fields; or ``error``, one line, and whether the bundle is
        ``damaged``.
    """
    path, engine, recipe, text = task
    try:
        classifier = Classifier.load(path, engine, recipe=recipe, quiet=True)
        return {"runtime": classifier.engine.runtime, **classifier.classify(text).as_dict()}
    except EdgetextError as error:
        return {"error": str(error), "damaged": isinstance(error, BundleError)}


def child(task: Sequence[str]) -> None:
    """Run in the process in which an engine is tried: print the result of ``attempt``."""
    print(json.dumps(attempt(task)), flush=True)
    os._exit(0)  # skip what a library does at exit


def _attempt_in_process(task: Sequence[str]) -> dict[str, Any]:
    """Try an engine in a separate process; return the result of ``attempt``, or ``crash``, one line."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    try:
        command = [sys.executable, "-c", _CHILD, root, *task]
        done = subprocess.run(command, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, timeout=TIMEOUT_SECONDS, check=False)
    except OSError as error:
        return {"error": f"not tried: no separate process can be started here ({error.strerror})"}
    except subprocess.TimeoutExpired:
        return {"crash": f"it gave no answer within {TIMEOUT_SECONDS} seconds"}
    if done.returncode < 0:
        return {"crash": f"it crashes: its process was ended by {_signal_name(-done.returncode)}"}
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer
    except ValueError:
        return {"crash": f"it crashes: its process ended with exit code {done.returncode}"}


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def report(path: str | os.PathLike[str] | None, *, as_json: bool = False) -> bool:
    """Print the result of ``examine``, and return whether scoring works without ``--engine``.

    Raises:
        BundleError: If the bundle cannot be opened; the rest was printed.
    """
    found = examine(path)
    working = [engine for engine, record in found["engines"].items() if record["works"]]
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        for name in ("edgetext", "python", "machine", "libc", "bundle"):
            if name in found:
                print(f"{name:11s} {found[name]}")
        for engine, record in found["engines"].items():
            if record["works"]:
                print(f"{engine:11s} works: {record['runtime']}, {record['label']} {record['score']:.4f}")
            else:
                print(f"{engine:11s} does not work: {record['reason']}")
        if working:
            which = (
                f"with {' and '.join(working)}" if found["auto"] else f"but only with --engine {' or '.join(working)}"
            )
            print(f"this bundle works here, {which}")
    if "error" in found:
        raise BundleError(found["error"])
    return found["auto"] is not None
