"""The FastAPI app in runtime/examples gives the answers of ``--serve``."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.serving.service import PATIENCE, Service

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHON = ROOT / ".venv-data-engines" / "bin" / "python"
BODIES = ["great movie", {"text": "a waste of two hours", "n": 1}, [{"text": "caf\u00e9"}, "zzz"], [], "great \ud83d"]


@pytest.mark.slow
@pytest.mark.skipif(not (PYTHON.parent.parent / ".ready").exists(), reason="no .venv-data-engines: make test makes it")
def test_the_same_answers_as_the_service(service: Service, tmp_path: Path) -> None:
    command = [str(PYTHON), "-m", "uvicorn", "service_fastapi:app", "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'runtime'}:{ROOT / 'runtime' / 'examples'}"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=environment) as process:
        assert process.stderr is not None
        log = ""
        while not (found := re.search(r"running on http://127\.0\.0\.1:(\d+)", log)):
            line = process.stderr.readline()
            assert line, log
            log += line
        try:
            client = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=PATIENCE)
            for body in BODIES:
                client.request("POST", "/", json.dumps(body), {"Content-Type": "application/json"})
                answer = client.getresponse()
                given = (answer.status, json.loads(answer.read()))
                assert given == service.ask(json.dumps(body).encode(), "application/json")
            client.request("POST", "/", '{"text": 5}', {"Content-Type": "application/json"})
            assert client.getresponse().status == 422
        finally:
            process.terminate()
            process.stderr.read()
