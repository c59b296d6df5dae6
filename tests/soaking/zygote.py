"""A process that has imported everything and forks a child for each task, because starting takes ten seconds.

It reads a task a line, JSON, and writes lines: the id of the process that does it, ``begin`` when that begins to write
files, ``put`` when it begins to move them to their place, ``end`` when it has, each with the time, and how it ended.
"""
# ruff: noqa: E402  # TensorFlow must be imported first

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from train.tensorflow_setup import import_tensorflow

import_tensorflow()

import keras
import numpy as np

from edgetext.vocabulary import Vocabulary
from export import bundles, command
from export.converters import CONVERTERS
from train import atomic_folder as folders
from train import run

for _module in CONVERTERS.values():
    __import__(_module)

SAVE = "save"


def save(source: Path, out: Path, name: str) -> None:
    """Write the run at ``source`` as training does, with another name and other weights."""
    config, history, metrics = (
        json.loads((source / f"{part}.json").read_text("utf-8")) for part in ("config", "history", "metrics")
    )
    with np.load(source / "samples.npz") as found:
        samples = dict(found)
    model = keras.models.load_model(source / "model.keras")
    model.set_weights([weight * (1 + sum(name.encode()) / 100_000) for weight in model.get_weights()])
    run.write_run(
        out,
        model=model,
        vocabulary=Vocabulary.from_bytes((source / "vocab.txt").read_bytes()),
        spellings=(source / "spellings.txt").read_bytes().decode("utf-8").splitlines(),
        config={**config, "name": name},
        history=history,
        metrics=metrics,
        samples=samples,
    )


def put(new: str, target: str) -> None:
    """Report that a folder is about to be moved to its place."""
    report_time("put")
    _put_in_place(new, target)


def reporting(replacing: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap ``replacing`` to report when a folder's files begin to be written, and when it is in its place."""

    @contextlib.contextmanager
    def replace(*args: Any, **options: Any) -> Iterator[str]:
        report_time("begin")
        with replacing(*args, **options) as folder:
            yield folder
        report_time("end")

    return replace


def report(line: str) -> None:
    """Write a line to the process that gave the task."""
    os.write(_OUTPUT, f"{line}\n".encode())


def report_time(word: str) -> None:
    """Report an event with its time, by a clock that all processes share."""
    report(f"{word} {time.monotonic()}")


def work(task: dict[str, str]) -> int:
    """Run a task, and return its exit code."""
    if task["what"] == SAVE:
        save(Path(task["run"]), Path(task["out"]), task["name"])
        return 0
    return command.main(task["what"], "", ["--replace", "--run", task["run"], "--out", task["out"]])


def main() -> None:
    """Run the tasks on standard input, each in a child and process group."""
    bundles.replacing = reporting(bundles.replacing)
    run.replacing = reporting(run.replacing)
    folders.put_in_place = put
    report("ready")
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os.setsid()
            report(str(os.getpid()))
            report_time("start")
            try:
                code = work(json.loads(line))
            except BaseException as error:
                print(f"{type(error).__name__}: {error}", file=sys.stderr)
                code = 3
            os._exit(code)
        report(f"status {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}")


_put_in_place = folders.put_in_place
# The output of the commands is discarded.
_OUTPUT = os.dup(1)
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
