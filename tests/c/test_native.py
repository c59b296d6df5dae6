"""The engine ``native``: the wheel that ``make native`` builds, and its answers beside those of ``builtin``."""

from __future__ import annotations

import copy
import json
import os
import pickle
import re
import shutil
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from edgetext import Bundle, BundleError, Classifier, EngineError
from edgetext.command import streams
from edgetext.command.main import main as classify
from edgetext.encoder import Encoder
from edgetext.engines.builtin import BuiltinEngine
from edgetext.engines.machine import Machine, install_command
from edgetext.engines.native import NativeEngine
from tests.c.programs import MissingError, build_wheel
from tests.runtime.helpers import write_manifest
from tests.runtime.in_process import call
from tests.soaking.library import TOLERANCE, Model, small_models
from tests.soaking.texts import draw

ROOT = Path(__file__).resolve().parent.parent.parent
# The number of each machine in the header of an ELF file.
ELF_MACHINES = {"x86_64": 62, "aarch64": 183, "armv7l": 40}
TEXTS = ["great movie", "terrible movie", "", "\u6620\u753b caf\u00e9 \U0001f600", "a\0b \ud800 c", "good " * 2000]

pytestmark = pytest.mark.slow


def build(machine: str, folder: Path) -> Path:
    """Build the wheel for a machine."""
    try:
        return build_wheel(machine, folder)
    except MissingError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module", autouse=True)
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Install the wheel for this machine, for these tests only."""
    folder = tmp_path_factory.mktemp("native")
    with zipfile.ZipFile(build(os.uname().machine, folder)) as wheel:
        wheel.extractall(folder / "site")
    with mock.patch("sys.path", [str(folder / "site"), *sys.path]), mock.patch.dict("sys.modules"):
        yield


def same(native: Classifier, builtin: Classifier, texts: list[str]) -> None:
    """Check the answers to texts, one by one and in batches."""
    for text, ours, theirs in zip(texts, native.classify_many(texts), builtin.classify_many(texts), strict=True):
        assert (ours.label, ours.known, ours.engine) == (theirs.label, theirs.known, "native"), ascii(text)
        for label, probability in theirs.probabilities.items():
            assert abs(ours.probabilities[label] - probability) <= TOLERANCE, ascii(text)
        assert native.classify(text) == ours
        assert native.prepare(text)[1] == ours.known


class TestEngine:
    @pytest.mark.parametrize("bundle", [None, ROOT / "runtime" / "bundles" / "accurate"])
    def test_bundles(self, bundle: Path | None) -> None:
        native, builtin = (Classifier.load(bundle, name) for name in ("native", "builtin"))
        same(native, builtin, [*TEXTS, *draw(300, 1)])
        assert native.engine.runtime == "edgetext-native 0.1.0"
        assert native.model is not None
        assert native.model.engine == "builtin"

    @pytest.mark.parametrize("model", list(small_models(2000)), ids=[*"12345"])
    def test_networks(self, model: Model) -> None:
        encoder, width = Encoder(model.vocabulary, model.preprocessing), model.preprocessing.width
        engines = NativeEngine(model.block("fast"), max_length=width), BuiltinEngine(model.content, max_length=width)
        native, builtin = (Classifier(model.labels, encoder, engine) for engine in engines)
        same(native, builtin, [*TEXTS, *draw(120, 2)])

    def test_copies(self) -> None:
        native = Classifier.load(engine="native", threshold=0.9)
        for other in (copy.deepcopy(native), pickle.loads(pickle.dumps(native))):
            assert list(other.classify_many(TEXTS)) == list(native.classify_many(TEXTS))
            assert other.engine.name == "native"

    def test_mistakes(self) -> None:
        native = Classifier.load(engine="native")
        with pytest.raises(TypeError, match="a text must be a str, not <class 'bytes'>"):
            native.classify(b"great")  # type: ignore[arg-type]
        with pytest.raises(TypeError, match=r"^texts\[1\] is a int, not a str$"):
            list(native.classify_many(["great", 1]))  # type: ignore[list-item]
        with pytest.raises(BundleError, match=r"^engine native refuses the model: the model is cut off$"):
            NativeEngine(b"ETX1" * 40, max_length=4)
        with pytest.raises(EngineError, match="builtin"):
            native.explain("great")
        with pytest.raises(BundleError, match="no model for engine native and recipe float32"):
            Classifier.load(engine="native", recipe="float32")

    def test_rules_that_it_does_not_know(self, tmp_path: Path) -> None:
        folder = Path(shutil.copytree(Bundle.open().folder, tmp_path / "bundle"))
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        del manifest["preprocessing"]["marks"]
        manifest["preprocessing"] |= {"tokenizer": "keras-imdb", "lowercase": "unicode"}
        write_manifest(folder, manifest)
        with pytest.raises(EngineError, match=r"^engine native cannot run this model: .*lowercase"):
            Classifier.load(folder, "native")

    def test_it_is_not_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "edgetext_native", None)
        with pytest.raises(EngineError, match=r"^engine native: .*--find-links build/native edgetext-native$"):
            Classifier.load(engine="native")


class TestCommand:
    def test_a_large_file_is_scored_natively(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "texts.txt").write_text("great movie\nterrible movie\n")
        options = ["--file", str(tmp_path / "texts.txt"), "--json"]
        assert engines_of(options) == {"builtin"}
        monkeypatch.setattr(streams, "NATIVE_BYTES", 20)
        assert engines_of(options) == {"native"}
        assert engines_of([*options, "--engine", "builtin"]) == {"builtin"}
        assert engines_of([*options, "--explain"]) == {"builtin"}
        assert engines_of(["--json"], b"great\n") == {"builtin"}
        assert engines_of(["--json", "--engine", "native"], b"great\n") == {"native"}
        monkeypatch.setitem(sys.modules, "edgetext_native", None)
        assert engines_of(options) == {"builtin"}


def engines_of(options: list[str], stdin: bytes = b"") -> set[str]:
    done = call(classify, options, stdin)
    assert (done.returncode, done.stderr) == (0, b"")
    return {json.loads(line)["engine"] for line in done.stdout.splitlines()}


@pytest.mark.parametrize("machine", ELF_MACHINES)
def test_wheels(machine: str, tmp_path: Path) -> None:
    """The tag is true: the machine, a glibc of 2.17 at most, and nothing but the stable ABI of Python 3.10."""
    path = build(machine, tmp_path)
    assert path.name == f"edgetext_native-0.1.0-cp310-abi3-manylinux_2_17_{machine}.whl"
    with zipfile.ZipFile(path) as wheel:
        assert [name for name in wheel.namelist() if ".dist-info/" not in name] == ["edgetext_native.abi3.so"]
        content = wheel.read("edgetext_native.abi3.so")
    assert int.from_bytes(content[18:20], "little") == ELF_MACHINES[machine]
    assert all((2, int(minor)) <= (2, 17) for minor in re.findall(rb"GLIBC_2\.(\d+)", content))
    assert len(content) < 40_000


def test_where_it_is_installed_from() -> None:
    pi = Machine("Linux", "armv7l", (3, 13), "glibc 2.41", True, "python3")
    assert install_command("native", pi) == (
        "python3 -m venv ~/edgetext-venv && ~/edgetext-venv/bin/pip install "
        "--no-index --find-links build/native edgetext-native"
    )
    assert install_command("native", pi._replace(python=(3, 9))) is None
    assert install_command("native", pi._replace(system="Windows", processor="x86_64", libc="")) is None
