"""The package for browsers, built, and what runs it: Node.js and headless Chromium."""

from __future__ import annotations

import gzip
import importlib.util
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.measuring.browser.chromium import Chromium
from benchmarks.measuring.browser.server import Server, serve
from benchmarks.measuring.results import BenchmarkError
from edgetext import Bundle
from edgetext.bundle import DEFAULT_BUNDLE
from edgetext.encoder import Preprocessing
from edgetext.formats.etx import make_block
from edgetext.keras_imdb import KERAS_IMDB
from tests.runtime import golden
from tests.runtime.helpers import VOCABULARY, random_average, random_bigrams, safetensors

ROOT = Path(__file__).resolve().parent.parent.parent
NODE = ROOT / "build" / "interop" / "browser"

# As strict as a page with WebAssembly can be: no inline scripts or styles, and nothing from elsewhere.
STRICT = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; img-src data:"

MANY = [f"label {number}" for number in range(300)]

Run = Callable[..., Any]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, run_python: Run) -> Path:
    """The folder that `make web` builds, with the default model, and other models for tests beside it."""
    if importlib.util.find_spec("ziglang") is None:
        pytest.skip("no ziglang here, which compiles edgetext.wasm: pip install ziglang")
    folder = tmp_path_factory.mktemp("web") / "site"
    folder.mkdir()
    bundle = Bundle.open(None)
    model = (Path(DEFAULT_BUNDLE) / "model.wi8_afp64.safetensors").read_bytes()
    for layout in ("small", "fast"):
        block = make_block(bundle.labels, bundle.preprocessing, bundle.vocabulary(), model, layout)
        (folder / f"{layout}.etx").write_bytes(block)
    (folder / "damaged.etx").write_bytes(bytes([*block[:-1], block[-1] ^ 1]))
    compressed = gzip.compress((folder / "small.etx").read_bytes())
    (folder / "small.etx.gz").write_bytes(compressed)
    (folder / "damaged.etx.gz").write_bytes(bytes([*compressed[:-8], compressed[-8] ^ 1, *compressed[-7:]]))
    average = safetensors(*random_average(1, vocabulary=len(VOCABULARY), max_length=8))
    preprocessing = Preprocessing(8, "pre", KERAS_IMDB)
    (folder / "average.etx").write_bytes(make_block(["no", "<i>yes</i>"], preprocessing, VOCABULARY, average, "small"))
    many = safetensors(*random_bigrams(1, len(MANY), len(VOCABULARY), max_length=8))
    (folder / "many.etx").write_bytes(make_block(MANY, preprocessing, VOCABULARY, many, "fast"))
    write_golden(folder)
    done = run_python("runtime/web/build.py", folder, "--model", folder / "small.etx")
    assert done.returncode == 0, done.stderr
    return folder


def write_golden(folder: Path) -> None:
    """Write the golden file's models, and golden.json with each text and what a model answers."""
    cases = []
    for layout in ("fast", "small"):
        for network, labels in golden.NETWORKS.items():
            for marks in (False, True):
                model = f"{network}-{marks}-{layout}.etx"
                (folder / model).write_bytes(golden.golden_block(marks, network, layout))
                for case in golden.GOLDEN["cases"]:
                    if case["marks"] == marks:
                        ids = case["ids"][1:]
                        known = sum(number != 2 for number in ids) / len(ids) if ids else 0
                        probabilities = dict(zip(labels, golden.golden_probabilities(case, network)))
                        cases.append(
                            {"model": model, "text": case["text"], "known": known, "probabilities": probabilities}
                        )
    (folder / "golden.json").write_text(json.dumps(cases), encoding="utf-8")
    for name in ("golden.mjs", "worker.mjs"):
        shutil.copy(Path(__file__).with_name(name), folder)


@pytest.fixture(scope="session")
def node(site: Path) -> Run:
    """Run JavaScript in Node.js, with ``Classifier``, ``folder`` and ``given``, and return the value it returns."""
    if shutil.which("node") is None:
        pytest.skip("no node here; on Debian: apt install nodejs")

    def run(script: str, given: Any = None, *, options: tuple[str, ...] = ()) -> Any:
        program = (
            'import { readFileSync } from "node:fs"; const folder = process.argv[1];'
            "const { Classifier } = await import(`${folder}/edgetext.mjs`);"
            'const given = JSON.parse(readFileSync(0, "utf8"));'
            f"const value = await (async () => {{ {script} }})(); console.log(JSON.stringify(value));"
        )
        command = ["node", *options, "--input-type=module", "-e", program, "--", str(site)]
        done = subprocess.run(command, input=json.dumps(given), capture_output=True, encoding="utf-8", check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture(scope="session")
def server(site: Path) -> Iterator[Server]:
    """The built folder, served under a strict Content-Security-Policy."""
    with serve({"": site}, {"Content-Security-Policy": STRICT}) as running:
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """Headless Chromium."""
    try:
        browser = Chromium(NODE)
    except BenchmarkError as error:
        pytest.skip(re.sub(f"^{ROOT}/", "", str(error)))
    with browser:
        yield browser
