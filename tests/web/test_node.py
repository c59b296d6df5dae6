"""The module and its WebAssembly in Node.js: answers, memory, places in texts, and errors."""

from __future__ import annotations

import json
import math
import re
import shutil
import socket
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgetext import Classifier, __version__
from edgetext.encoder import Encoder, Preprocessing
from edgetext.engines.builtin import BuiltinEngine
from edgetext.keras_imdb import KERAS_IMDB
from tests.runtime.helpers import VOCABULARY, random_bigrams, safetensors
from tests.web.conftest import MANY, Run

# Arguments that are mistakes, and what messages call them.
KINDS = {
    "": "undefined",
    "null": "null",
    "7": "a number",
    "[]": "an Array",
    '["great movie"]': "an Array",
    "{}": "an Object",
    "Object.create(null)": "an Object",
    "Promise.resolve()": "a Promise",
    "Symbol()": "a symbol",
    "() => 1": "a function",
}


@pytest.fixture(scope="module")
def python() -> Classifier:
    """The same model in Python."""
    return Classifier.load(engine="builtin")


def test_golden_file(node: Run) -> None:
    script = """
        const { compare } = await import(`${folder}/golden.mjs`);
        return compare(Classifier, JSON.parse(readFileSync(`${folder}/golden.json`)), folder, 1e-13);
    """
    found = node(script)
    assert found["wrong"] == []
    assert found["compared"] > 5000


@pytest.mark.parametrize("model", ["small", "fast"])
def test_answers_are_those_of_python(model: str, node: Run, python: Classifier) -> None:
    texts = [
        "great movie",
        "A waste of 2 hours!",
        "",
        "zzqx",
        "Caf\u00e9 \U0001f3ac na\u00efve\u2026 it\u2019s great",
        "a\0b",
    ]
    script = (
        "const one = await Classifier.load(`${folder}/${given[0]}.etx`); return given[1].map((t) => one.classify(t));"
    )
    for found, expected in zip(node(script, [model, texts]), map(python.classify, texts)):
        assert found["label"] == expected.label
        assert found["score"] == found["probabilities"][found["label"]]
        assert found["known"] == expected.known
        assert found["probabilities"] == pytest.approx(expected.probabilities, abs=1e-15)
        assert list(found["probabilities"]) == ["negative", "positive"]


def test_texts_longer_than_memory(node: Run, python: Classifier) -> None:
    """A text does not reach into the model before it, nor the parts of an explanation into the text."""
    texts = ["great movie", "\u96fb great \U0001f3ac movie " * 300_000, "great movie", "x" * 5_000_000, "great movie"]
    script = """
        const one = await Classifier.load(`${folder}/small.etx`);
        const answers = given.map((text) => one.classify(text).probabilities.positive);
        return [answers, given.map((text) => one.explain(text, "positive").logit)];
    """
    answers, logits = node(script, texts)
    expected = [prediction.probabilities["positive"] for prediction in map(python.classify, texts)]
    assert answers == pytest.approx(expected, abs=1e-15)
    assert [1 / (1 + math.exp(-logit)) for logit in logits] == pytest.approx(expected, abs=1e-12)


def test_many_calls_and_models_take_no_more_memory(node: Run) -> None:
    script = """
        const texts = ["great movie", "a \u00e9 ".repeat(1000), "dull"];
        const use = async (loads, calls) => {
          for (let load = 0; load < loads; load++) {
            const one = await Classifier.load(`${folder}/small.etx`);
            for (let call = 0; call < calls; call++) one.explain(texts[call % 3]);
          }
          for (let pass = 0; pass < 5; pass++) { gc(); await new Promise((done) => setTimeout(done, 20)); }
          return process.memoryUsage().rss;
        };
        const before = await use(20, 50);
        return [await use(1, 3000) - before, await use(200, 1) - before];
    """
    calls, loads = node(script, options=("--expose-gc",))
    assert calls < 20e6
    assert loads < 60e6  # 200 models and their memory are over 100 MB


def test_two_models_at_once(node: Run) -> None:
    script = """
        const texts = ["great movie", "a waste of two hours", "dull"];
        const ask = (one) => texts.map((text) => [one.classify(text), one.explain(text)]);
        const names = ["small", "fast", "characters-False-fast"];
        const alone = [];
        for (const name of names) alone.push(ask(await Classifier.load(`${folder}/${name}.etx`)));
        const models = await Promise.all(names.map((name) => Classifier.load(`${folder}/${name}.etx`)));
        const turns = texts.map((text) => models.map((one) => [one.classify(text), one.explain(text)]));
        return [alone, models.map((_, index) => turns.map((turn) => turn[index]))];
    """
    alone, together = node(script)
    assert together == alone
    assert alone[0] != alone[2]


def test_places_are_indices_of_the_string(node: Run) -> None:
    """Not of its bytes: characters of one to four bytes, and a lone surrogate."""
    text = "It\u2019s \U0001f3ac\ud83d a Gr\u00e9at \u96fb\u5f71 zzqx"
    script = """
        const one = await Classifier.load(`${folder}/small.etx`);
        return one.explain(given).parts.map((part) => ({ ...part, text: given.slice(part.start, part.end) }));
    """
    parts = node(script, text)
    words = [part["text"] for part in parts if part["kind"] in ("word", "unknown")]
    assert words == ["It\u2019s", "\U0001f3ac", "a", "Gr\u00e9at", "\u96fb", "\u5f71", "zzqx"]
    assert {part["text"] for part in parts if part["kind"] == "beginning"} == {"It\u2019s"}


def test_explanations_are_those_of_python(node: Run, python: Classifier) -> None:
    text = "Not a great movie, zzqx; a waste of time."
    script = """
        const one = await Classifier.load(`${folder}/small.etx`);
        return [undefined, "positive", "negative"].map((label) => one.explain(given, label));
    """
    for found, label in zip(node(script, text), (None, "positive", "negative")):
        expected = python.explain(text, label)
        assert (found["label"], found["against"]) == (expected.label, expected.against)
        assert (found["logit"], found["bias"]) == pytest.approx((expected.logit, expected.bias), abs=1e-13)
        parts = {(part["start"], part["end"], part["kind"]): part["effect"] for part in found["parts"]}
        wanted = {(part.start, part.end, part.kind): part.effect for part in expected.parts}
        assert parts == pytest.approx(wanted, abs=1e-13)


def test_explanation_of_more_than_two_labels(node: Run) -> None:
    """A label is compared with the most probable other one."""
    script = """
        const one = await Classifier.load(`${folder}/characters-False-small.etx`);
        const text = "A lovely film, really";
        const ordered = Object.entries(one.classify(text).probabilities).sort((a, b) => b[1] - a[1]);
        return [ordered, [undefined, ordered[2][0]].map((label) => one.explain(text, label))];
    """
    (first, second, third), explained = node(script)
    for found, (label, against) in zip(explained, ((first, second), (third, first))):
        assert (found["label"], found["against"]) == (label[0], against[0])
        assert found["logit"] == pytest.approx(math.log(label[1] / against[1]), abs=1e-12)
        total = found["bias"] + sum(part["effect"] for part in found["parts"])
        assert total == pytest.approx(found["logit"], abs=1e-12)
        assert {part["kind"] for part in found["parts"]} == {"word", "unknown", "pair", "characters", "beginning"}


def test_hundreds_of_labels(node: Run) -> None:
    encoder = Encoder(VOCABULARY, Preprocessing(8, "pre", KERAS_IMDB))
    model = safetensors(*random_bigrams(1, len(MANY), len(VOCABULARY), max_length=8))
    python = Classifier(MANY, encoder, BuiltinEngine(model, max_length=8))
    texts = ["the great movie", "bad, bad movie", "", "the " * 20 + "caf\u00e9"]
    script = """
        const one = await Classifier.load(`${folder}/many.etx`);
        return given.map((text) => one.classify(text));
    """
    for found, expected in zip(node(script, texts), map(python.classify, texts)):
        assert found["label"] == expected.label
        assert found["probabilities"] == pytest.approx(expected.probabilities, abs=1e-14)


def test_where_a_model_comes_from(node: Run, site: Path) -> None:
    script = """
        const { pathToFileURL } = await import("node:url");
        process.chdir(folder);
        const bytes = readFileSync("small.etx");
        const padded = new Uint8Array(bytes.length + 3);
        padded.set(bytes, 3);
        const exact = padded.buffer.slice(3);
        const data = `data:application/octet-stream;base64,${bytes.toString("base64")}`;
        const url = pathToFileURL(`${folder}/small.etx`);
        const compressed = readFileSync("small.etx.gz");
        const sources = ["small.etx", `${folder}/small.etx`, url, url.href, data, bytes, padded.subarray(3), exact];
        sources.push("small.etx.gz", compressed);
        const found = [];
        for (const source of sources) found.push((await Classifier.load(source)).classify("great movie").score);
        return found;
    """
    found = node(script)
    assert len(found) == 10
    assert len(set(found)) == 1


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ('load("damaged.etx")', "Error: damaged.etx: the model is damaged: its checksum differs"),
        ('load(readFileSync("small.etx").subarray(0, 5000))', "Error: the model is cut off"),
        ('load("index.html")', "Error: index.html: this is not a model of edgetext"),
        ("load(new Uint8Array())", "Error: this is not a model of edgetext"),
        ('load("missing.etx")', "Error: missing.etx: no such file or directory"),
        ('load(".")', "Error: .: illegal operation on a directory"),
        ('load(readFileSync("small.etx.gz").subarray(0, 5000))', "Error: the gzip file is damaged: "),
        ('load("damaged.etx.gz")', "Error: damaged.etx.gz: the gzip file is damaged: "),
        ('load("http://127.0.0.1:9/model.etx")', "Error: http://127.0.0.1:9/model.etx: "),
        ('load("")', "TypeError: a model is a URL, a path or bytes, not an empty string"),
        ("load(new Response())", "TypeError: a model is a URL, a path or bytes, not a Response"),
        (
            'load("small.etx").then((one) => one.explain("great", "good"))',
            'RangeError: no label "good"; the model has negative, positive',
        ),
        (
            'load("average.etx").then((one) => one.explain("great movie"))',
            "Error: the network of this model cannot be explained by words",
        ),
    ],
)
def test_errors(call: str, error: str, node: Run) -> None:
    found = node(f"process.chdir(folder); return Classifier.{call}.then(() => 'none', String);")
    assert found.startswith(error)
    assert "\n" not in found


@pytest.mark.parametrize(("given", "kind"), KINDS.items())
def test_arguments_of_another_kind(given: str, kind: str, node: Run) -> None:
    script = f"""
        const one = await Classifier.load(`${{folder}}/small.etx`);
        const ask = [() => Classifier.load({given}), () => one.classify({given}), () => one.explain("great", {given})];
        return Promise.all(ask.map(async (call) => {{
          try {{ await call(); return "none"; }} catch (error) {{ return String(error); }}
        }}));
    """
    wanted = ("model is a URL, a path or bytes", "text is a string", "label is a string")
    expected = [f"TypeError: a {what}, not {kind}" for what in wanted]
    if kind in ("undefined", "null"):
        expected[2] = "none"  # the most probable label is explained
    assert node(script) == expected


@pytest.mark.parametrize("given", ["", '"small.etx"'])
def test_a_classifier_is_not_made_by_new(given: str, node: Run) -> None:
    found = node(f"try {{ new Classifier({given}); return 'none'; }} catch (error) {{ return String(error); }}")
    assert found == "TypeError: a Classifier is made by `await Classifier.load(source)`, not by `new Classifier()`"


def test_failed_start_is_tried_again(node: Run) -> None:
    """After WebAssembly could not be read once, such as without a network."""
    script = """
        const { renameSync } = await import("node:fs");
        renameSync(`${folder}/edgetext.wasm`, `${folder}/away`);
        const first = await Classifier.load(`${folder}/small.etx`).catch((error) => error.cause.code);
        renameSync(`${folder}/away`, `${folder}/edgetext.wasm`);
        return [first, (await Classifier.load(`${folder}/small.etx`)).classify("great movie").label];
    """
    assert node(script) == ["ENOENT", "positive"]


def test_size_and_imports_of_the_module(site: Path, node: Run) -> None:
    """It calls nothing, so it can do nothing but compute."""
    assert (site / "edgetext.wasm").stat().st_size <= 16 * 1024
    assert (
        node("return WebAssembly.Module.imports(await WebAssembly.compile(readFileSync(`${folder}/edgetext.wasm`)))")
        == []
    )


def test_package(site: Path, node: Run, tmp_path: Path) -> None:
    """What `npm pack` packs works when it is unpacked where npm would put it."""
    packed = subprocess.run(
        ["npm", "pack", "--offline", "--json", str(site)], cwd=tmp_path, capture_output=True, check=False
    )
    assert packed.returncode == 0, packed.stderr.decode()
    about = json.loads(packed.stdout)[0]
    names = {"edgetext.mjs", "edgetext.d.ts", "edgetext.wasm", "package.json", "README.md", "LICENSE"}
    assert {file["path"] for file in about["files"]} == names
    described: dict[str, Any] = json.loads((site / "package.json").read_text("utf-8"))
    assert "scripts" not in described
    assert described["version"] == __version__
    modules = tmp_path / "node_modules"
    with tarfile.open(tmp_path / about["filename"]) as archive:
        archive.extractall(modules, filter="data")
    (modules / "package").rename(modules / "edgetext")
    program = tmp_path / "program.mjs"
    program.write_text(
        'import { Classifier } from "edgetext";\n'
        "console.log((await Classifier.load(process.argv[2])).classify('great movie').label);\n",
        encoding="utf-8",
    )
    done = subprocess.run(["node", program, site / "small.etx"], capture_output=True, encoding="utf-8", check=False)
    assert (done.stdout, done.stderr) == ("positive\n", "")


def test_program_of_the_guide(root: Path, site: Path, node: Run, tmp_path: Path) -> None:
    """That of runtime/guides/browser.md."""
    guide = (root / "runtime" / "guides" / "browser.md").read_text("utf-8")
    [program] = re.findall(r"`build/site/classify.mjs`.*?```js\n(.*?)^```$", guide, re.DOTALL | re.MULTILINE)
    shutil.copytree(site, tmp_path / "build" / "site")
    (tmp_path / "build" / "site" / "classify.mjs").write_text(program, encoding="utf-8")
    done = subprocess.run(
        ["node", "build/site/classify.mjs"], cwd=tmp_path, capture_output=True, encoding="utf-8", check=False
    )
    assert (done.stdout, done.stderr) == ("positive\n", "")


def test_without_a_compiler(run_python: Run, tmp_path: Path, error_line: Callable[[str], str]) -> None:
    done = run_python("-S", "runtime/web/build.py", tmp_path / "site")  # without the packages of this environment
    assert done.returncode == 2
    assert error_line(done.stderr) == "building edgetext.wasm needs a C compiler: pip install ziglang"


def test_port_in_use(site: Path, run_python: Run, tmp_path: Path, error_line: Callable[[str], str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_python("runtime/web/build.py", tmp_path / "site", "--serve", str(port))
    assert done.returncode == 2
    assert error_line(done.stderr) == f"port {port}: Address already in use; for another one: make web PORT=8080"
