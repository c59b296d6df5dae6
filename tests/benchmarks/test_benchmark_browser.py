"""benchmarks/browser.py, in the real browser with MediaPipe, and that no runtime ends it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import browser
from benchmarks.measuring import layout
from benchmarks.measuring.chromium import Chromium
from benchmarks.measuring.results import BenchmarkError
from edgetext import Bundle
from edgetext.formats.etx import make_block
from tests.runtime.helpers import entry, write_manifest

ROOT = Path(__file__).resolve().parent.parent.parent
NODE = ROOT / "build" / "interop" / "browser"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(default_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped bundle with a block, and a file that is no model, said to take text."""
    folder = tmp_path_factory.mktemp("browser") / "bundle"
    shutil.copytree(default_bundle, folder)
    bundle = Bundle.open(folder)
    model = (folder / "model.wi8_afp64.safetensors").read_bytes()
    block = make_block(bundle.labels, bundle.preprocessing, bundle.vocabulary(), model, "small")
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    for name, engine, recipe, content in (
        ("model.wi8_afp64_small.etx", "c", "wi8_afp64_small", block),
        ("model.dynamic_wi8_text.onnx", "onnx", "dynamic_wi8_text", b"no model at all"),
    ):
        (folder / name).write_bytes(content)
        about = {**manifest["models"][0], **entry(name, content), "engine": engine, "recipe": recipe, "input": "text"}
        manifest["models"].append(about)
    write_manifest(folder, manifest)
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, run_python: Any) -> Path:
    """The package, as `make web` builds it."""
    pytest.importorskip("ziglang", reason="no ziglang here, which compiles edgetext.wasm: pip install ziglang")
    folder: Path = tmp_path_factory.mktemp("browser") / "web"
    done = run_python("runtime/web/build.py", folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_comparison(folder: Path, site: Path, labelled: Path, measured: Callable[..., dict[str, Any]]) -> None:
    try:
        Chromium(NODE)
    except BenchmarkError as error:
        pytest.skip(str(error).replace(f"{ROOT}/", ""))
    options = ["--model", folder, "--site", site, "--node", NODE, "--data", labelled, "--pages", "1"]
    found = measured(browser.main, *options)
    rows = {row["runtime"].split(" ")[0]: row for row in found["rows"]}
    own, mediapipe, onnx = (rows[name] for name in ("edgetext", "mediapipe", "onnxruntime-web"))
    assert own["other_labels"] == 0
    assert mediapipe["other_labels"] <= 0.1
    assert own["gzipped"] <= 350_000 < mediapipe["gzipped"] < mediapipe["download"]
    for name in ("first_ms", "loading_ms"):
        assert 0 < own[name] < mediapipe[name]
    assert own["text_us"] > 0
    assert onnx["error"]
    table = layout.render(browser.tables(found), markdown=True)
    assert table.count("| yes") == 2
    assert onnx["error"] in table


def test_mistakes(folder: Path, default_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "node_modules").mkdir()
    for options, message in (
        (["--model", str(folder), "--node", str(tmp_path)], "no @mediapipe/tasks-text there"),
        (["--model", str(default_bundle.parent / "formats")], "manifest.json"),
    ):
        assert browser.main(options) == 2
        assert message in capsys.readouterr().err


def test_files_are_preloaded_as_what_they_are() -> None:
    """Otherwise the browser fetches them twice."""
    assert browser.links(["/a/one.mjs", "/two.js", "/three.wasm"]).splitlines() == [
        '<link href="/a/one.mjs" rel="modulepreload">',
        '<link href="/two.js" rel="preload" as="script" crossorigin>',
        '<link href="/three.wasm" rel="preload" as="fetch" crossorigin>',
    ]
