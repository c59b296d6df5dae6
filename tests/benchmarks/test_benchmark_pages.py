"""What compiled.py measures in a browser: with the real MediaPipe, and that no runtime ends it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from benchmarks import compiled
from benchmarks.measuring import layout, processes, texts
from benchmarks.measuring.browser import pages
from benchmarks.measuring.processes import Protocol
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
    folder = tmp_path_factory.mktemp("pages") / "bundle"
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
def package(tmp_path_factory: pytest.TempPathFactory, run_python: Any) -> Path:
    """The package, as `make web` builds it."""
    pytest.importorskip("ziglang", reason="no ziglang here, which compiles edgetext.wasm: pip install ziglang")
    folder: Path = tmp_path_factory.mktemp("pages") / "web"
    done = run_python("runtime/web/build.py", folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_comparison(folder: Path, package: Path) -> None:
    given = [
        texts.Text(str(number), text, None) for number, text in enumerate([70 * "great movie ", "bad", "\u96fb"] * 9)
    ]
    found, bundle = texts.Texts("texts", given, len(given)), Bundle.open(folder)
    try:
        with pages.open_site(bundle, package, NODE) as site:
            subjects = list(pages.make_subjects(bundle, site, NODE))
            rows = processes.measure(subjects, found, Protocol(launches=1, rounds=1), load=False)
            compiled.compare_labels(bundle, subjects, rows, found)
    except BenchmarkError as error:
        pytest.skip(str(error).replace(f"{ROOT}/", ""))
    own, mediapipe, onnx = (
        next(row for row in rows if row["runtime"].startswith(name)) for name in ("edgetext", "mediapipe", "onnx")
    )
    assert own["other_labels"] == mediapipe["other_labels"] == 0
    assert own["gzipped"] <= 350_000 < mediapipe["gzipped"] < mediapipe["download"]
    for name in ("median_ms", "loading_ms", "ratio"):
        assert 0 < own["startup"][name] < mediapipe["startup"][name]
    assert own["text_to_label"]["mean_us"] > 0
    assert onnx["error"]
    described = {"texts": found.describe(bundle.preprocessing.rules), "browser": "a browser"}
    table = layout.render(compiled.browser_tables({"rows": rows, **described}), markdown=True)
    assert table.count("| yes") == 2
    assert onnx["error"] in table


def test_nothing_was_measured_in_a_browser() -> None:
    assert compiled.browser_tables({"rows": [{"name": "C, fast"}]}) == []


def test_something_is_missing(folder: Path, tmp_path: Path) -> None:
    bundle = Bundle.open(folder)
    with pytest.raises(BenchmarkError, match=r"no edgetext\.wasm there; to build it"):
        pages.open_site(bundle, tmp_path, NODE).__enter__()
    with pytest.raises(BenchmarkError, match="no @mediapipe/tasks-text there"):
        pages.version(tmp_path, "@mediapipe/tasks-text")


def test_files_are_preloaded_as_what_they_are() -> None:
    """Otherwise the browser fetches them twice."""
    assert pages.links(["/a/one.mjs", "/two.js", "/three.wasm"]).splitlines() == [
        '<link href="/a/one.mjs" rel="modulepreload">',
        '<link href="/two.js" rel="preload" as="script" crossorigin>',
        '<link href="/three.wasm" rel="preload" as="fetch" crossorigin>',
    ]
