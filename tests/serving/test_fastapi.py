"""The FastAPI app in runtime/examples gives the answers of ``--serve``."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.serving.service import PATIENCE, Service

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHON = ROOT / ".venv-data-engines" / "bin" / "python"
TEXT, JSON, LINES = "text/plain", "application/json", "application/x-ndjson"
# Bodies, their Content-Type, and the status of the answer.
REQUESTS: list[tuple[bytes, str | None, int]] = [
    (b'"great movie"', JSON, 200),
    (b'{"text": "a waste\\r\\nof two hours", "n": 1}', "Application/JSON; charset=utf-8", 200),
    (b'[{"text": "caf\\u00e9"}, "zzz"]', JSON, 200),
    (b"[]", JSON, 200),
    (b'"great \\ud83d"', JSON, 200),
    (b'{"text": "great movie", "n": 1e400}', JSON, 200),
    (b"great movie\r\n", TEXT, 200),
    (b'{"text": "great movie"}', TEXT, 200),
    (b"great movie", None, 200),
    (b'"great movie"\n\n{"text": 5}\n{"text": "awful", "n": 1}\n', LINES, 200),
    (b"great movie", "application/x-www-form-urlencoded", 415),
    (b'"great movie"', "text/html", 415),
    (b"great movie", "text/plain; charset=latin-1", 415),
    (b"caf\xe9", TEXT, 400),
    (b"", TEXT, 400),
    (b'{"text": 5}', JSON, 400),
    (b"great movie", JSON, 400),
    (b'{"text": "a", "n": NaN}', JSON, 400),
    (b'{"text": "a", "text": "b"}', JSON, 400),
    *((b'{"text": "a", "%s": 1}' % name, JSON, 400) for name in (b"label", b"score", b"known", b"engine")),
    (b"[" + b'"",' * 10_000 + b'""]', JSON, 413),
]


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (PYTHON.parent.parent / ".ready").exists(), reason="no .venv-data-engines: make test makes it"
    ),
]


def start(model: str, folder: Path) -> subprocess.Popen[str]:
    """Start the app in a folder, with a value of ``EDGETEXT_MODEL``."""
    command = [str(PYTHON), "-m", "uvicorn", "service_fastapi:app", "--port", "0"]
    path = f"{ROOT / 'runtime'}:{ROOT / 'runtime' / 'examples'}"
    environment = {**os.environ, "PYTHONPATH": path, "EDGETEXT_MODEL": model}
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=folder, env=environment)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[http.client.HTTPConnection]:
    """Start the app without the name of a model, and connect to it."""
    with start("", tmp_path) as process:
        assert process.stderr is not None
        log = ""
        try:
            while not (found := re.search(r"running on http://127\.0\.0\.1:(\d+)", log)):
                line = process.stderr.readline()
                assert line, log
                log += line
            yield http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=PATIENCE)
        finally:
            process.terminate()
            process.stderr.read()


def test_the_same_answers_as_the_service(service: Service, client: http.client.HTTPConnection) -> None:
    def ask(method: str, path: str, body: bytes | None = None, kind: str | None = None) -> tuple[int, Any]:
        client.request(method, path, body, {"Content-Type": kind} if kind else {})
        answer = client.getresponse()
        content = answer.read()
        is_json = answer.headers["Content-Type"] == JSON
        return answer.status, json.loads(content) if is_json else content.decode()

    for body, kind, status in REQUESTS:
        expected = service.ask(body, kind)
        assert expected[0] == status
        assert ask("POST", "/", body, kind) == expected, f"{body[:50]!r} as {kind}"
    assert ask("GET", "/health") == service.ask(None, method="GET", path="/health")
    described = ask("GET", "/openapi.json")[1]["paths"]["/"]["post"]["requestBody"]["content"]
    assert set(described) == {TEXT, JSON, LINES}


def test_a_model_that_is_missing_is_one_line(tmp_path: Path) -> None:
    with start("nothere", tmp_path) as process:
        _, log = process.communicate(timeout=PATIENCE)
    assert (process.returncode, log) == (1, "error: no bundle at nothere: there is no such folder or file\n")
