"""The programs in runtime/examples, with exported files: they give the same answers as edgetext.

`make test` installs what they need in addition to Python, where possible; tests that lack something are skipped.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from benchmarks import interop
from benchmarks.measuring import processes, texts
from benchmarks.measuring.processes import Subject
from edgetext import Bundle, Classifier
from edgetext.bundle import DEFAULT_BUNDLE
from edgetext.bundle.manifest import ModelFile
from edgetext.text import UNKNOWN_ID
from tests.words_run import make_words_run
from train.encoding.ports import MEDIAPIPE, ONNX, make_encoder, number_spellings

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "runtime" / "examples"
NODE, C = ROOT / "build" / "interop" / "node", ROOT / "build" / "interop" / "c"
GOLDEN = [case["text"] for case in json.loads((ROOT / "tests" / "runtime" / "golden_ids.json").read_text())["cases"]]
# Arguments cannot contain NUL, or surrogates, which UTF-8 does not have.
AS_ARGUMENTS = [text for text in GOLDEN if not re.search("[\0\ud800-\udfff]", text)]
ENVIRONMENTS = [".venv-mediapipe", ".venv-mediapipe-0.10.21"]
TOLERANCE = 1e-6
PRINTED = 5e-7  # what printing six digits adds to it

Expected = Sequence[tuple[str, float]]  # a label and its probability


class Files(NamedTuple):
    """Files exported from a run, with edgetext's answers to texts, and to the words that other programs find in them.

    ``follow`` takes the texts as ``train.encoding.ports`` splits them.
    """

    onnx: ModelFile
    tflite: ModelFile
    folder: Path
    expect: Callable[[ModelFile, Sequence[str]], Expected]
    follow: Callable[[ModelFile, Sequence[str]], Expected]


@pytest.fixture(scope="module", params=["default", "words", "words with marks"])
def files(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, run_in_process: Any) -> Files:
    temporary = tmp_path_factory.mktemp("examples")
    folder, source = temporary / "bundle", ROOT / "train" / "default"
    if request.param != "default":
        source = make_words_run(source, temporary / "run", marks=request.param == "words with marks")
    with pytest.MonkeyPatch.context() as patch:
        # So that the files claim a tokenizer: with other words in the places of some, it need not suit the reviews.
        patch.delenv("EDGETEXT_DATA", raising=False)
        patch.setenv("EDGETEXT_CACHE", str(temporary))
        for command in (["to_tflite.py"], ["to_onnx.py", "--input", "text"]):
            result = run_in_process(f"export/{command[0]}", *command[1:], "--run", source, "--out", folder)
            assert result.returncode == 0, result.stderr
    bundle = Bundle.open(folder)
    vocabulary = bundle.vocabulary()
    spellings = number_spellings((source / "spellings.txt").read_text("utf-8").split(), vocabulary, vocabulary.rules)

    def expect(model: ModelFile, given: Sequence[str]) -> Expected:
        classifier = Classifier.load(folder, model.engine, recipe=model.recipe)
        return [(prediction.label, prediction.score) for prediction in map(classifier.classify, given)]

    def follow(model: ModelFile, given: Sequence[str]) -> Expected:
        port = MEDIAPIPE if model.engine == "tflite" else ONNX
        encode = make_encoder(port, vocabulary, spellings, bundle.preprocessing)
        words = {**dict(enumerate(vocabulary.tokens)), UNKNOWN_ID: "zzunknown"}
        return expect(model, [" ".join(words[index] for index in encode(text)[1:]) for text in given])

    models = {model.engine: model for model in bundle.models}
    return Files(models["onnx"], models["tflite"], folder, expect, follow)


@pytest.fixture(scope="module")
def reviews(real_env: dict[str, str]) -> list[str]:
    """200 of the test reviews."""
    return [review.text for review in texts.find(real_env["EDGETEXT_DATA"], 200).texts]


def need(path: Path) -> Path:
    """Skip the test if `make test` has not made ``path``."""
    if not path.exists():
        pytest.skip(f"no {path.parent.relative_to(ROOT)}: `make test` makes it, or says what that takes")
    return path


def offline() -> list[str]:
    words = interop.isolation()
    if words is None:
        pytest.skip("MediaPipe is to be run without a network, and unshare does not work here")
    return words


def example(language: str, folder: Path) -> list[str]:
    """Return the words that start an example."""
    if language == "c":
        return [str(need(C / ".ready").with_name("onnx_text"))]
    if language == "node":
        # A copy in a folder that has the package, as its comment says.
        need(NODE / ".ready")
        here = folder / "node"
        here.mkdir(exist_ok=True)
        if not (here / "node_modules").exists():
            (here / "node_modules").symlink_to(NODE / "node_modules")
        return ["node", str(shutil.copy(EXAMPLES / "onnx_text.mjs", here / "onnx_text.mjs"))]
    if language == "python":
        return [sys.executable, str(EXAMPLES / "onnx_text.py")]
    need(ROOT / language / ".ready")
    return [*offline(), str(ROOT / language / "bin" / "python"), str(EXAMPLES / "mediapipe_text.py")]


def run(command: Sequence[str | Path]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, capture_output=True, timeout=300, check=False)


def classify(command: Sequence[str], file: Path, given: Sequence[str]) -> Expected:
    """Run an example and read what it prints."""
    result = run([*command, file, *given])
    assert result.returncode == 0, result.stderr.decode()
    rest, found = result.stdout.decode(), []
    for text in given:
        match = re.match(r"(\w+)\t(\d\.\d{6})\t" + re.escape(text) + "\n", rest)
        assert match, (text, rest[:200])
        found.append((match[1], float(match[2])))
        rest = rest[match.end() :]
    assert rest == ""
    return found


def assert_same(found: Expected, expected: Expected, tolerance: float = TOLERANCE) -> None:
    assert [label for label, _ in found] == [label for label, _ in expected]
    assert [score for _, score in found] == pytest.approx([score for _, score in expected], abs=tolerance)


def lower(text: str) -> str:
    """Lower-case as edgetext does and MediaPipe does not, and end at a NUL as MediaPipe does."""
    return re.sub("[A-Z]+", lambda match: match[0].lower(), text.partition("\0")[0])


@pytest.mark.parametrize("language", ["python", "node", "c"])
def test_golden_texts(language: str, files: Files) -> None:
    found = classify(example(language, files.folder), files.folder / files.onnx.file, AS_ARGUMENTS)
    assert_same(found, files.follow(files.onnx, AS_ARGUMENTS), TOLERANCE + PRINTED)
    same = [place for place, text in enumerate(AS_ARGUMENTS) if text.isascii()]
    expected = files.expect(files.onnx, [AS_ARGUMENTS[place] for place in same])
    assert_same([found[place] for place in same], expected, TOLERANCE + PRINTED)


@pytest.mark.data
@pytest.mark.parametrize("language", ["python", "node", "c"])
def test_reviews(language: str, files: Files, reviews: list[str]) -> None:
    found = classify(example(language, files.folder), files.folder / files.onnx.file, reviews)
    assert len(found) == 200
    assert_same(found, files.follow(files.onnx, reviews), TOLERANCE + PRINTED)
    pairs = zip(found, files.expect(files.onnx, reviews))
    assert [label for (label, _), (expected, _) in pairs if label != expected] == []


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_mediapipe_golden_texts(environment: str, files: Files) -> None:
    command, file = example(environment, files.folder), files.folder / files.tflite.file
    assert_same(classify(command, file, AS_ARGUMENTS), files.follow(files.tflite, AS_ARGUMENTS), TOLERANCE + PRINTED)
    lowered = [lower(text) for text in AS_ARGUMENTS if text.isascii() and not re.search("[!?:;<]", text)]
    assert_same(classify(command, file, lowered), files.expect(files.tflite, lowered), TOLERANCE + PRINTED)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_mediapipe_random_texts(environment: str, files: Files) -> None:
    """Apostrophes and separators of all kinds in all places, and any character between words."""
    draw = random.Random(1)
    joints = ["", " ", "'", "''", "\u2019", "\u00ad", "\ufe0f", ".", "\u2026", "\U0001f60d", "\u5f88", "!", "?", ":D"]
    words = ["great", "Great", "awful", "it", "s", "don", "t", "movie"]
    given = ["".join(word + draw.choice(joints) for word in draw.choices(["", *words], k=12)) for _ in range(300)]
    chars = [chr(code) for code in range(1, 0x30000) if not 0xD800 <= code < 0xE000]
    given += ["".join(word + draw.choice(chars) for word in draw.choices(words, k=12)) for _ in range(300)]
    given = ["awful " + text for text in given]  # none that is empty, or an option
    found = classify(example(environment, files.folder), files.folder / files.tflite.file, given)
    assert_same(found, files.follow(files.tflite, given), TOLERANCE + PRINTED)


@pytest.mark.data
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_mediapipe_reviews(environment: str, files: Files, reviews: list[str]) -> None:
    command, file = example(environment, files.folder), files.folder / files.tflite.file
    found = classify(command, file, reviews)
    assert_same(found, files.follow(files.tflite, reviews), TOLERANCE + PRINTED)
    # The file lacks the capitalised spellings of rare words, and MediaPipe has no marks.
    pairs = zip(found, files.expect(files.tflite, reviews))
    marks = Bundle.open(files.folder).preprocessing.rules.variant.get("marks")
    assert marks or sum(label != expected for (label, _), (expected, _) in pairs) <= 1


@pytest.fixture(scope="module")
def every_recipe(tmp_path_factory: pytest.TempPathFactory, run_in_process: Any) -> Path:
    """A bundle of the default run, with the TFLite file of every recipe."""
    folder = tmp_path_factory.mktemp("recipes") / "bundle"
    result = run_in_process("export/to_tflite.py", "--recipe", "all", "--out", folder)
    assert result.returncode == 0, result.stderr
    return folder


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_mediapipe_takes_every_recipe(environment: str, every_recipe: Path, tmp_path: Path) -> None:
    given = ["great movie", "Great MOVIE!", "a waste of two hours", "12 \u00e9 zzz"]
    for model in Bundle.open(every_recipe).models:
        classifier = Classifier.load(every_recipe / model.file)
        expected = [(prediction.label, prediction.score) for prediction in map(classifier.classify, given)]
        found = classify(example(environment, tmp_path), every_recipe / model.file, given)
        # Versions of the interpreter differ by steps of int8.
        assert_same(found, expected, 0.04 if model.recipe == "static_wi8_ai8" else TOLERANCE + PRINTED)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_mediapipe_with_a_file_of_its_own_makers(environment: str, tmp_path: Path) -> None:
    """edgetext and MediaPipe agree on a file by Model Maker, capitals and accents included."""
    file = ROOT / "tests" / "runtime" / "model_maker.tflite"
    given = [
        *("great movie", "Great Movie", "a dull, painful mess", "it's GREAT\u2026 isn't it", "a_great film-movie"),
        *(
            "caf\u00e9 great\u00e9great",
            "great\u00a0movie\u2003film",
            "\u96fb\u5f71 great",
            "!!!",
            "dull " * 50 + "great",
        ),
        *("great\x0bmovie\rfilm\fplot", "x" * 5000 + " great"),
    ]
    classifier = Classifier.load(file)
    expected = [(prediction.label, prediction.score) for prediction in map(classifier.classify, given)]
    assert len({round(score, 6) for _, score in expected}) > 6
    assert_same(classify(example(environment, tmp_path), file, given), expected, TOLERANCE + PRINTED)


def peer(language: str, files: Files) -> Subject:
    """Return a subject of benchmarks/interop.py, which gets texts in a file."""
    bundle = Bundle.open(files.folder)
    file = str(files.folder / files.onnx.file)
    if language == "node":
        return interop.node_subject(bundle, files.onnx, file, str(need(NODE / ".ready").parent))
    if language == "c":
        return interop.c_subject(bundle, files.onnx, file, str(need(C / ".ready").with_name("peer")))
    return interop.make_subject(bundle, files.onnx, "onnxruntime_text", file)


@pytest.mark.parametrize("language", ["python", "node", "c"])
def test_golden_texts_that_no_argument_holds(language: str, files: Files, tmp_path: Path) -> None:
    given = [*GOLDEN, "great\0movie", "great \0 movie", "\0", "gr\ud800eat \udc00 movie"]
    subject = peer(language, files)
    answers = subject.score(processes.write_texts(tmp_path / "texts", given))
    assert answers is not None, subject.error
    # For the npm package a text ends at a NUL.
    read = [text.partition("\0")[0] for text in given] if language == "node" else given
    read = [re.sub("[\ud800-\udfff]", "\U0010ffff", text) for text in read]  # as the subject gets them
    expected = files.follow(files.onnx, read)
    assert_same([(label, max(row)) for label, row in answers], expected)


@pytest.mark.parametrize("language", ["python", "node", "c", *ENVIRONMENTS])
def test_mistakes_are_a_line(language: str, files: Files, tmp_path: Path) -> None:
    command = example(language, files.folder)
    result = run([*command, files.folder / files.onnx.file])
    assert result.returncode == 2
    assert result.stderr.decode().splitlines()[-1].startswith("usage: ")
    garbage = tmp_path / "garbage"
    garbage.write_bytes(b"no model at all")
    # A file of another kind: a model that takes ids, or a format that MediaPipe does not read.
    other = Path(DEFAULT_BUNDLE) / (
        "model.wi8_afp64.safetensors" if language in ENVIRONMENTS else "model.dynamic_wi8.onnx"
    )
    for file in (garbage, tmp_path / "missing", other):
        result = run([*command, file, "great movie"])
        assert result.returncode == 2
        assert result.stdout == b""
        # Libraries may log before.
        assert result.stderr.decode().splitlines()[-1].startswith("error: ")
        assert b"Traceback" not in result.stderr


@pytest.mark.parametrize("name", ["onnx_text.py", "mediapipe_text.py", "onnx_text.mjs"])
def test_without_the_package(name: str, tmp_path: Path) -> None:
    if name.endswith(".mjs") and shutil.which("node") is None:
        pytest.skip("no node here")
    start = ["node"] if name.endswith(".mjs") else [sys.executable, "-S"]  # without the packages of this environment
    result = run([*start, shutil.copy(EXAMPLES / name, tmp_path), "file", "great movie"])
    assert (result.returncode, result.stdout) == (2, b"")
    assert result.stderr.decode().startswith("error: ")
    assert b"Traceback" not in result.stderr


def test_c_over_the_library_of_debian(files: Files, tmp_path: Path) -> None:
    """Compile as the example's comment says, except that the library of Debian 13 is in a folder."""
    root = need(C / ".ready").with_name("debian") / "usr"
    (library,) = root.glob("lib/*/libonnxruntime.so")
    (loader,) = library.parent.glob("ld-linux-*.so.*")
    program = tmp_path / "onnx_text"
    flags = [f"-I{root}/include/onnxruntime", f"-L{library.parent}", "-lonnxruntime"]
    apart = ["--disable-new-dtags", f"-rpath,{library.parent}", f"--dynamic-linker={loader}", "--allow-shlib-undefined"]
    result = run(["cc", EXAMPLES / "onnx_text.c", "-o", program, *flags, *(f"-Wl,{flag}" for flag in apart)])
    assert result.returncode == 0, result.stderr.decode()
    found = classify([str(program)], files.folder / files.onnx.file, AS_ARGUMENTS)
    assert_same(found, files.follow(files.onnx, AS_ARGUMENTS), TOLERANCE + PRINTED)


def test_c_compiles_without_a_warning(tmp_path: Path) -> None:
    headers = need(C / ".ready").with_name("debian") / "usr" / "include" / "onnxruntime"
    for source in (EXAMPLES / "onnx_text.c", ROOT / "benchmarks" / "measuring" / "peer.c"):
        strict = ["-std=gnu99", "-Wall", "-Wextra", "-Werror"]
        result = run(["cc", *strict, f"-I{headers}", "-c", source, "-o", tmp_path / "object.o"])
        assert result.returncode == 0, result.stderr.decode()
