"""Damaged, mixed and invalid bundles and model files: refused by name, never a silent wrong answer.

Copies of the shipped bundle, which has a file for each engine, are damaged, and so are its two self-contained model
files. Many faults share a process; one that ends the process is counted, and another process goes on.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from edgetext import Bundle
from edgetext.bundle.manifest import MANIFEST
from edgetext.bundle.single_file import SingleFile
from tests.soaking import ROOT, Outcome, outcome
from tests.soaking.bundles import faults, tensors

# Limits of time and memory; an idle machine needs a small part of either.
SECONDS, MEGABYTES = 20, 500
# A file by MediaPipe's Model Maker. It has no checksum, so it is opened and not run.
FOREIGN = ROOT / "tests" / "runtime" / "model_maker.tflite"

_CHILD = """
import sys
sys.path[:0] = [{root!r}, {root!r} + "/runtime"]
{prelude}
from tests.soaking.bundles.child import main
main()
"""


class Trials:
    """Tries faults in separate processes.

    Attributes:
        tried: How many were.
        failures: What was wrong, for each that something was wrong with.
        megabytes: The most memory that a process took.
    """

    def __init__(self, good: Path, other: Path, single: str = "", prelude: str = "") -> None:
        """Use these files; the processes first run ``prelude``, with which tests break something."""
        self._task = {"good": str(good), "other": str(other), "single": single, "seconds": SECONDS}
        self._code = _CHILD.format(root=str(ROOT), prelude=prelude)
        self.tried = 0
        self.failures: list[str] = []
        self.megabytes = 0.0

    def run(self, wanted: Sequence[faults.Fault]) -> None:
        """Try faults; after a fault that ends the process, another process goes on."""
        self.tried += len(wanted)
        while wanted:
            lines = "".join(f"{json.dumps(line)}\n" for line in (self._task, *wanted))
            done = subprocess.run(
                [sys.executable, "-c", self._code], input=lines, capture_output=True, encoding="utf-8", check=False
            )
            results = [json.loads(line) for line in done.stdout.splitlines()]
            if done.returncode == 0:
                self.megabytes = max(self.megabytes, results.pop() / 1000)
            self.failures += [f"{fault}: {wrong}" for fault, wrong in zip(wanted, results) if wrong]
            if done.returncode == 0:
                return
            fault = wanted[len(results)] if len(results) < len(wanted) else "the end"
            self.failures.append(f"{fault}: the process ended with {done.returncode}: {done.stderr[-300:]!r}")
            wanted = wanted[len(results) + 1 :]


def in_bundle(good: Path, cuts: int, flips: int, rng: random.Random) -> list[faults.Fault]:
    """List the faults of every file, for every engine that reads it."""
    found: list[faults.Fault] = []
    for model in Bundle.open(good).models:
        for name in (MANIFEST, "vocab.txt", model.file):
            found += faults.damages(model.engine, good / name, cuts, flips, rng)
            found += faults.replacements(model.engine, good / name)
    return found


def whole_bundles(good: Path, other: Path, quick: bool, rng: random.Random, prelude: str = "") -> Outcome:
    """Damage the files of a bundle."""
    trials = Trials(good, other, prelude=prelude)
    trials.run(in_bundle(good, *((16, 50) if quick else (64, 2000)), rng))
    return outcome(
        "A bundle with a file truncated, flipped in a byte, missing, of another bundle, or with a folder, pipe, device "
        "or link in its place is refused by name, by every engine; no process ends, no answer changes in silence",
        trials.tried,
        "damaged bundles",
        trials.failures,
    )


def invalid(good: Path, other: Path, prelude: str = "") -> Outcome:
    """Try invalid manifests."""
    trials = Trials(good, other, prelude=prelude)
    for model in Bundle.open(good).models:
        contents = faults.invalid_manifests(good).items()
        trials.run(
            [
                faults.Fault(model.engine, MANIFEST, "content", content=content.decode("latin-1"), name=what)
                for what, content in contents
            ]
        )
    failures = list(trials.failures)
    if trials.megabytes > MEGABYTES:
        failures.append(f"{trials.megabytes:,.0f} MB were taken")
    return outcome(
        f"A manifest with impossible sizes, deep nesting, duplicate keys, a wrong version or names outside the bundle "
        f"is refused, with valid checksums or not, within {SECONDS} s and {MEGABYTES} MB, including the interpreter",
        trials.tried,
        "manifests",
        failures,
        f"{trials.megabytes:,.0f} MB at most",
        megabytes=trials.megabytes,
    )


def single_files(good: Path, other: Path, quick: bool, rng: random.Random, prelude: str = "") -> Outcome:
    """Damage single model files by edgetext."""
    tried, failures = 0, list[str]()
    for model in Bundle.open(good).models:
        if model.engine == "builtin":
            continue
        trials = Trials(good, other, single=model.file, prelude=prelude)
        cuts, flips = (16, 50) if quick else (64, 2000)
        wanted = list(faults.damages(model.engine, good / model.file, cuts, flips, rng))
        ends = range(good.joinpath(model.file).stat().st_size - 2000, good.joinpath(model.file).stat().st_size)
        # The directory of a zip archive, and the checksum of an ONNX file.
        wanted += [faults.Fault(model.engine, model.file, "flip", rng.choice(ends), 1) for _ in range(flips)]
        trials.run(wanted)
        tried, failures = tried + trials.tried, failures + trials.failures
    return outcome(
        "A .tflite or .onnx file exported by edgetext and used alone, truncated or with a flipped byte, is refused, or "
        "its answers do not change",
        tried,
        "damaged files",
        failures,
    )


def foreign(quick: bool, rng: random.Random) -> Outcome:
    """Damage a file by another tool and open it."""
    whole = FOREIGN.read_bytes()
    contents = [whole[: len(whole) * part // 64] for part in range(64)]
    for _ in range(200 if quick else 10_000):
        content = bytearray(whole)
        for _ in range(rng.choice((1, 1, 4))):
            content[rng.randrange(len(whole))] ^= rng.randrange(1, 256)
        contents.append(bytes(content))
    wrong = (tensors.attempt(partial(SingleFile, "x.tflite", content)) for content in contents)
    return outcome(
        "Damaged metadata in another tool's .tflite file is read or refused, without any other error",
        len(contents),
        "damaged files",
        [f"{number}: {one}" for number, one in enumerate(wrong) if one],
    )


def run(quick: bool, seed: int) -> Iterator[Outcome]:
    """Try the promises of this part; see ``tests.soaking``."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        good, other = Path(name) / "good", Path(name) / "other"
        shutil.copytree(Bundle.open().folder, good)
        faults.make_other(good, other)
        yield whole_bundles(good, other, quick, rng)
        yield invalid(good, other)
        yield single_files(good, other, quick, rng)
        yield foreign(quick, rng)
        yield tensors.fuzz(good, quick, rng)
