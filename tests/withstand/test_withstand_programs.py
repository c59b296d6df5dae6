"""The soak's part about threads, processes and many calls: its promises hold, and broken code fails it."""

from __future__ import annotations

import contextlib
import mmap
import os
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnxruntime
import pytest
from ai_edge_litert.interpreter import Interpreter

from edgetext import Classifier, engines
from edgetext.encoder import Encoder, Preprocessing
from edgetext.engines import tflite
from edgetext.engines.process import fork_safe_lock
from edgetext.keras_imdb import KERAS_IMDB
from edgetext.text import RESERVED
from edgetext.vocabulary import Vocabulary
from tests.runtime.helpers import FakeEngine, random_average, safetensors
from tests.soaking import Outcome, programs, scorers


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    return list(programs.run(True, 0))


@pytest.mark.slow
def test_all_promises_hold(outcomes: list[Outcome]) -> None:
    assert [failure for outcome in outcomes for failure in outcome.failures] == []
    scores = 2 * 2 * 100 * len(scorers.ENGINES)
    assert [outcome.tried for outcome in outcomes] == [8 * scores, 4 * scores, 20_000 * len(scorers.ENGINES)]
    assert all(outcome.promise and not outcome.promise.endswith(".") for outcome in outcomes)


def test_threads_share_an_average_of_embeddings() -> None:
    """This network caches between calls; the shipped bundle's does not."""
    encoder = Encoder(
        Vocabulary([*RESERVED, *(f"w{number}" for number in range(46))]), Preprocessing(64, "pre", KERAS_IMDB)
    )
    texts = [" ".join(f"w{number * place % 46}" for place in range(1, 60)) for number in range(1, 200)]
    content = safetensors(*random_average(0))

    def build() -> Classifier:
        return Classifier(["bad", "good"], encoder, engines.create("builtin", content, max_length=64))

    expected = [prediction.score for prediction in build().classify_many(texts)]
    assert len(set(expected)) > 20
    assert programs.in_threads(build(), texts, expected, 8, 0) == []


def test_without_the_lock_threads_get_in_each_others_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tflite, "_LOCK", contextlib.nullcontext())
    monkeypatch.setattr(programs, "ENGINES", (scorers.TFLITE,))
    outcome = programs.shared("threads", 8, programs.in_threads, programs.draw(100, 0), 0)
    assert outcome.failed > 0


@pytest.mark.slow
def test_nobody_forks_under_a_lock() -> None:
    lock = fork_safe_lock()
    order: list[str] = []

    def fork() -> None:
        child = os.fork()
        if not child:
            os._exit(0 if lock.acquire(timeout=10) else 1)
        order.append("forked")
        assert os.waitpid(child, 0)[1] == 0

    with lock:
        thread = threading.Thread(target=fork)
        thread.start()
        time.sleep(0.2)
        order.append("released")
    thread.join()
    assert order == ["released", "forked"]
    assert lock.acquire(timeout=10)
    lock.release()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kind", "method"),
    [(scorers.ONNX_TEXT, onnxruntime.InferenceSession, "run"), (scorers.TFLITE, Interpreter, "invoke")],
)
def test_a_fork_waits_for_the_library(name: str, kind: type, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = scorers.load(name)
    order: list[str] = []
    compute = getattr(kind, method)

    def fork() -> None:
        child = os.fork()
        if not child:
            os._exit(0)
        order.append("forked")
        os.waitpid(child, 0)

    thread = threading.Thread(target=fork)

    def slowly(*arguments: Any) -> Any:
        thread.start()
        time.sleep(0.2)
        order.append("computed")
        return compute(*arguments)

    monkeypatch.setattr(kind, method, slowly)
    classifier.classify("great movie")
    thread.join()
    assert order == ["computed", "forked"]


def test_a_child_that_answers_otherwise_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    usual, parent = Classifier.load(), os.getpid()

    def answer(row: Sequence[int]) -> list[float]:
        return [0.75 if os.getpid() == parent else 0.5]

    other = Classifier(usual.labels, usual.encoder, FakeEngine(answer))
    monkeypatch.setattr(programs, "load", lambda name: other)
    monkeypatch.setattr(programs, "ENGINES", ("fake",))
    outcome = programs.shared("processes", 2, programs.in_processes, ["great", "bad"], 0)
    assert outcome.failed == 2 * 2 * 2 * 2  # used or not, two children, one by one and in a batch, two texts


def test_a_child_that_dies_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    usual, parent = Classifier.load(), os.getpid()

    def answer(row: Sequence[int]) -> list[float]:
        if os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return [0.75]

    other = Classifier(usual.labels, usual.encoder, FakeEngine(answer))
    assert len(programs.in_processes(other, ["great"], [0.75], 2, 0)) == 2


def test_a_fork_waits_for_the_answer_of_another_thread() -> None:
    """Otherwise the child would inherit a lock that is never released, and half-changed tensors."""
    classifier = Classifier.load(engine="tflite")
    expected = classifier.classify("great movie")
    held = threading.Event()

    def hold() -> None:
        with tflite._LOCK:
            held.set()
            time.sleep(0.2)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    child = os.fork()
    if not child:
        signal.alarm(10)
        os._exit(0 if classifier.classify("great movie") == expected else 1)
    thread.join()
    assert os.waitpid(child, 0)[1] == 0
    assert classifier.classify("great movie") == expected  # and the parent's lock is free again


def test_a_leak_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[mmap.mmap] = []

    def leak(row: Sequence[int]) -> list[float]:
        # A page of its own: what earlier tests freed may still be resident, and be used again.
        page = mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        page[:1] = b"x"
        kept.append(page)
        return [0.5]

    usual = Classifier.load()
    growth = programs.grow(Classifier(usual.labels, usual.encoder, FakeEngine(leak)), 20_000, 0)
    assert growth > programs.GROWTH
    monkeypatch.setattr(programs, "in_child", lambda function, name, *arguments: growth if name == "onnx" else 0)
    outcome = programs.flat(20_000, 0)
    assert outcome.failed == 1
    assert outcome.failures[0].startswith("onnx: ")


def test_many_classifiers_come_and_go() -> None:
    """The fork handlers do not accumulate."""
    before = None
    for number in range(60):
        Classifier.load(engine="tflite").classify("great")
        if number == 20:
            before = _resident()
    assert before is not None
    assert _resident() - before < 5_000_000


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
