"""The firmware of runtime/examples/firmware, built by Debian's compiler and run on emulated Cortex-M boards."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from benchmarks.measuring import firmware
from benchmarks.measuring.results import BenchmarkError
from benchmarks.measuring.text_files import read_texts
from benchmarks.measuring.texts import SAMPLE
from edgetext import Bundle, Classifier
from edgetext.bundle import DEFAULT_BUNDLE
from edgetext.encoder import Preprocessing
from edgetext.formats.etx import make_block
from edgetext.text import RESERVED, Words
from edgetext.vocabulary import Vocabulary
from tests.runtime.golden import GOLDEN, NETWORKS, golden_block, golden_probabilities
from tests.runtime.helpers import random_bigrams, safetensors

pytestmark = pytest.mark.usefixtures("tools")


@pytest.fixture(scope="session")
def tools() -> None:
    """Skip where something is missing; asking the compiler starts a process, which collecting tests must not."""
    if missing := firmware.find_missing():
        pytest.skip(missing)


LINES = [
    *(text.text for text in read_texts(SAMPLE)),
    # Those that are a line of UTF-8.
    *(case["text"] for case in GOLDEN["cases"] if not re.search("[\n\r\ud800-\udfff]", case["text"])),
]


@pytest.fixture(scope="module", params=firmware.MACHINES)
def machine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def folder(machine: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is built for a machine; the library is compiled once."""
    return tmp_path_factory.mktemp(machine)


@pytest.fixture(scope="module", params=["fast", "small"])
def block(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default model."""
    bundle = Bundle.open(DEFAULT_BUNDLE)
    (model,) = (model for model in bundle.models if model.engine == "builtin")
    content = Path(bundle.folder, model.file).read_bytes()
    path = tmp_path_factory.mktemp("block") / "model.etx"
    path.write_bytes(make_block(bundle.labels, bundle.preprocessing, bundle.vocabulary(), content, request.param))
    return path


def start(block: Path, machine: str, folder: Path, given: bytes) -> subprocess.CompletedProcess[bytes]:
    """Run the example on an emulated board, whatever its exit code is."""
    built = firmware.build(block, machine, folder)
    words = ["make", "-s", "-C", str(firmware.EXAMPLE), "run", f"MACHINE={machine}", f"BUILD={built}", f"MODEL={block}"]
    return subprocess.run(words, input=given, capture_output=True, check=False)


def encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("marks", [False, True])
def test_golden_file(network: str, marks: bool, machine: str, folder: Path, tmp_path: Path) -> None:
    cases = [case for case in GOLDEN["cases"] if case["marks"] is marks]
    for layout in ("fast", "small"):
        block = tmp_path / f"{layout}.etx"
        block.write_bytes(golden_block(marks, network, layout))
        opened, scores = firmware.score(block, machine, folder, [encode(case["text"]) for case in cases])
        assert opened.error == 0
        for case, score in zip(cases, scores):
            expected = golden_probabilities(case, network)
            # Much nearer than the file's tolerance: no machine rounds a sum or a product in another way.
            assert score.probabilities == pytest.approx(expected, abs=0, rel=1e-13), case["text"]
            assert score.label == expected.index(max(expected))
            words = case["ids"][1:]
            assert score.known == (sum(word != 2 for word in words) / len(words) if words else 0), case["text"]


def test_lines(block: Path, machine: str, folder: Path) -> None:
    """Labels and scores are those of the engine builtin, to the last digit that is printed."""
    given = b"".join(encode(line) + end for line, end in zip(LINES, [b"\n", b"\r\n"] * len(LINES)))
    found = firmware.run(block, machine, folder, given + b"great movie").decode().splitlines()
    predictions = map(Classifier.load(engine="builtin").classify, [*LINES, "great movie"])
    assert found == [f"{prediction.label}\t{prediction.score:.4f}" for prediction in predictions]


def test_memory(block: Path, machine: str, folder: Path) -> None:
    opened, scores = firmware.score(block, machine, folder, [encode(line) for line in LINES])
    assert opened.size + max(opened.stack, *(score.stack for score in scores)) <= 2048
    parts = firmware.count_flash(firmware.build(block, machine, folder), block)
    assert parts["library"] + parts["arithmetic"] + parts["c_library"] <= 10_240
    assert parts["words"] + parts["weights"] + parts["model"] == block.stat().st_size
    assert min(parts["characters"], parts["library"], parts["example"]) > 500


def test_a_line_that_is_too_long(block: Path, machine: str, folder: Path) -> None:
    given = b"great movie\n" + b"great " * 9000 + b"\n" + b"awful " * 2700 + b"\ndull\n"
    done = start(block, machine, folder, given)
    assert [line.split(b"\t")[0] for line in done.stdout.splitlines()] == [b"positive", b"negative", b"negative"]
    assert done.stderr.splitlines()[0] == b"error: line 2: longer than 16,383 bytes"
    assert done.returncode == 2


def test_lines_that_are_no_text(block: Path, machine: str, folder: Path) -> None:
    """They are reported as by the command: invalid ones are not scored, empty ones are."""
    done = start(block, machine, folder, b"great movie\n\xff\n\n  \r\nterrible movie\n\xe9")
    assert [line.split(b"\t")[0] for line in done.stdout.splitlines()] == [b"positive", *[b"negative"] * 3]
    assert done.stderr.decode().splitlines()[:3] == [
        "error: line 2: not UTF-8",
        "error: line 6: not UTF-8",
        "note: empty lines that got the model's answer to a text without words: 2",
    ]
    assert done.returncode == 2


def test_many_labels(machine: str, folder: Path, tmp_path: Path) -> None:
    vocabulary = Vocabulary([*RESERVED, "great"], Words(False))
    model = safetensors(*random_bigrams(1, 22, len(vocabulary), 16, 8, "bigrams"))
    labels = [f"label {number}" for number in range(22)]
    (tmp_path / "model.etx").write_bytes(
        make_block(labels, Preprocessing(8, "post", Words(False)), vocabulary, model, "fast")
    )
    done = start(tmp_path / "model.etx", machine, folder, b"great\n")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.splitlines()[0] == b"error: the model has more than 21 labels"


def test_a_damaged_model(block: Path, machine: str, folder: Path, tmp_path: Path) -> None:
    content = bytearray(block.read_bytes())
    content[5000] ^= 1
    damaged = tmp_path / "model.etx"
    damaged.write_bytes(content)
    with pytest.raises(BenchmarkError, match="error: "):
        firmware.run(damaged, machine, folder, b"great movie\n")
