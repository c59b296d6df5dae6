"""The soak's part about bundles: its promises hold, and broken code fails it."""

from __future__ import annotations

import random
import re
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from edgetext import Bundle
from edgetext.bundle import DEFAULT_BUNDLE
from tests.soaking import bundles
from tests.soaking.bundles import Trials, tensors
from tests.soaking.bundles.faults import Fault, invalid_manifests, make_other

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="makes pipes, and ends processes")

# Each breaks a part of edgetext in the processes that open bundles.
NO_CHECKSUMS = """
from edgetext.bundle import Bundle
Bundle.read = lambda self, entry: open(self.path_of(entry), "rb").read()
"""
NO_MANIFEST_CHECKSUM = """
import json
from edgetext import bundle
from edgetext.bundle import manifest
bundle.parse_manifest = lambda content, where: manifest.Manifest(json.loads(content), where)
"""
DIES = """
import os
from edgetext import Bundle
calls, read = [], Bundle.read
Bundle.read = lambda self, entry: calls.append(1) or (os.abort() if len(calls) == 4 else read(self, entry))
"""
HANGS = """
import time
from edgetext import Bundle
calls, read = [], Bundle.read
Bundle.read = lambda self, entry: calls.append(1) or (time.sleep(60) if len(calls) == 4 else read(self, entry))
"""
NAMES_NOTHING = """
from edgetext import Bundle, BundleError
read = Bundle.read
def refuse(self, entry):
    try:
        return read(self, entry)
    except BundleError:
        raise BundleError("damaged")
Bundle.read = refuse
"""


@pytest.mark.slow
def test_all_hold() -> None:
    tried = []
    for outcome in bundles.run(quick=True, seed=0):
        assert not outcome.failed, (outcome.promise, outcome.failures)
        tried.append((outcome.tried, outcome.unit))
    assert tried == [
        (9 * (16 + 50 + 9), "damaged bundles"),
        (3 * 32, "manifests"),
        (2 * (16 + 50 + 50), "damaged files"),
        (64 + 200, "damaged files"),
        (1000, "damaged files"),
    ]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles")
    shutil.copytree(DEFAULT_BUNDLE, folder / "good")
    make_other(folder / "good", folder / "other")
    return folder / "good"


def wrong(good: Path, wanted: list[Fault], prelude: str = "") -> list[str]:
    trials = Trials(good, good.with_name("other"), prelude=prelude)
    trials.run(wanted)
    assert trials.tried == len(wanted)
    return trials.failures


def test_the_other_bundle_is_whole_and_another(good: Path) -> None:
    one, two = Bundle.open(good), Bundle.open(good.with_name("other"))
    assert one.labels == two.labels[::-1]
    assert one.vocabulary().tokens != two.vocabulary().tokens
    assert all(one.read(first) != two.read(second) for first, second in zip(one.models, two.models))


def test_answers_that_change_are_seen(good: Path) -> None:
    size = (good / "model.wi8_afp64.safetensors").stat().st_size
    faults = [Fault("builtin", "model.wi8_afp64.safetensors", "flip", place, 255) for place in range(9, size, 2000)]
    vocabulary = Fault("builtin", "vocab.txt", "flip", (good / "vocab.txt").read_bytes().index(b"\ngreat\n") + 1, 1)
    swapped = Fault("builtin", "vocab.txt", "swapped")
    assert wrong(good, [*faults, vocabulary, swapped]) == []
    found = wrong(good, [*faults, vocabulary, swapped], NO_CHECKSUMS)
    assert f"{vocabulary}: another answer, in silence" in found
    assert f"{swapped}: it is accepted as if it were intact" in found


def test_a_manifest_without_a_checksum_would_be_believed(good: Path) -> None:
    content = (good / "manifest.json").read_bytes()
    label = Fault("builtin", "manifest.json", "flip", content.index(b"positive"), 1)
    head = [Fault("builtin", "manifest.json", "flip", place, 1) for place in range(content.index(b'"format_version"'))]
    assert wrong(good, [label, *head]) == []
    assert f"{label}: another answer, in silence" in wrong(good, [label], NO_MANIFEST_CHECKSUM)


def test_invalid_manifests_that_are_accepted(good: Path) -> None:
    whole = (good / "manifest.json").read_bytes()
    fault = Fault("builtin", "manifest.json", "content", content=whole.decode("latin-1"), name="whole")
    assert wrong(good, [fault]) == [f"{fault}: it is accepted as if it were intact"]
    assert whole not in invalid_manifests(good).values()


def test_a_process_that_dies_and_the_rest(good: Path) -> None:
    """It is the second fault that kills: each asks for two files, and so did the whole bundle before."""
    faults = [Fault("builtin", "manifest.json", "link inside")] * 3
    found = wrong(good, faults, DIES)
    assert len(found) == 3  # every new process dies over its first
    assert all("the process ended with -6" in failure for failure in found)


def test_a_fault_that_hangs(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "SECONDS", 0.3)
    faults = [Fault("builtin", "manifest.json", "link inside")] * 2
    assert wrong(good, faults, HANGS) == [f"{faults[0]}: TookTooLong: took more than 0.3 s"]


def test_a_message_that_does_not_tell_the_file(good: Path) -> None:
    fault = Fault("tflite", "vocab.txt", "missing")
    assert wrong(good, [fault], NAMES_NOTHING) == [f"{fault}: the message is 'damaged'"]


def test_a_reader_that_fails_otherwise(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(content: bytes) -> Any:
        raise KeyError("data_offsets")

    monkeypatch.setattr(tensors, "read_safetensors", read)
    assert tensors.fuzz(good, True, random.Random(0)).failed == 1000
    assert tensors.attempt(lambda: [][0]) == "IndexError: list index out of range"
    monkeypatch.setattr(tensors, "SECONDS", 0)  # which does not stop it
    assert re.fullmatch(r"took \d+\.\d s", tensors.attempt(lambda: time.sleep(0.01)))
    monkeypatch.setattr(tensors, "SECONDS", 0.1)
    assert tensors.attempt(lambda: time.sleep(60)) == "TookTooLong: took more than 0.2 s"


def test_what_the_fuzzer_makes(good: Path) -> None:
    """Most files are refused by the reader, and some reach the engine."""
    whole = (good / "model.wi8_afp64.safetensors").read_bytes()
    rng = random.Random(1)
    read = 0
    for _ in range(300):
        try:
            tensors.read_safetensors(tensors.damage(whole, rng))
            read += 1
        except ValueError:
            pass
    assert 5 < read < 250
