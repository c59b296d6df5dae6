"""``export/to_c.py``: blocks beside the other files of a bundle, the header for firmware, and users' mistakes."""

from __future__ import annotations

import json
import random
import re
import resource
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import accuracy
from edgetext import Bundle, Classifier
from edgetext.bundle.manifest import write_manifest
from export import command, record_accuracy
from export.block.header import write_header
from export.block.library import find_compiler
from export.options import parse
from export.scoring import load_classifier
from train import __main__ as train

ErrorLine = Callable[[str], str]
Capture = pytest.CaptureFixture[str]
ROOT = Path(__file__).resolve().parent.parent.parent
BLOCKS = ["model.wi8_afp64_fast.etx", "model.wi8_afp64_small.etx"]


def export(engine: str, *options: object) -> int:
    return command.main(engine, "Export.", [str(option) for option in options])


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped bundle with blocks beside its own files, and a header of one of them."""
    parent = tmp_path_factory.mktemp("exported")
    shutil.copytree(Bundle.open().folder, parent / "bundle")
    assert export("c", "--out", parent / "bundle", "--header", parent / "film_reviews.h") == 0
    return parent / "bundle"


def entries(folder: Path) -> dict[str, Any]:
    return {record["file"]: record for record in json.loads((folder / "manifest.json").read_text())["models"]}


@pytest.mark.slow
class TestBundle:
    def test_blocks_come_last_and_others_stay(self, exported: Path) -> None:
        before, after = entries(Path(Bundle.open().folder)), entries(exported)
        assert list(after) == [*before, *BLOCKS]
        assert {file: after[file] for file in before} == before
        for file in BLOCKS:
            record = after[file]
            assert (record["engine"], record["input"]) == ("c", "text")
            assert record["agreement"]["texts"] == 500
            # The weights and the arithmetic are those of the engine builtin.
            builtin = before["model.wi8_afp64.safetensors"]["agreement"]
            same = ("accuracy", "labels_changed", "max_difference", "short_max_difference")
            assert [record["agreement"][name] for name in same] == [builtin[name] for name in same]
            assert record["agreement"]["runtime"].startswith("edgetext.c ")
        Bundle.open(exported).verify()

    def test_other_exports_keep_them(self, exported: Path, tmp_path: Path) -> None:
        folder = Path(shutil.copytree(exported, tmp_path / "bundle"))
        assert export("builtin", "--out", folder) == 0
        assert list(entries(folder)) == list(entries(exported))
        assert all((folder / file).read_bytes() == (exported / file).read_bytes() for file in BLOCKS)

    def test_python_ignores_them(self, exported: Path, capsys: Capture, run_in_process: Any) -> None:
        assert Classifier.load(exported).engine.name == "builtin"
        folder = str(exported)
        shown = run_in_process("runtime/classify.py", "--model", folder, "--info").stdout
        assert re.search(r"\n  c +wi8_afp64_small +422,064 ", shown)
        for option, reason in (
            ("--engine=c", "engine c is the library for programs in C: in Python, engine builtin has the same weights"),
            ("--recipe=wi8_afp64_small", f"{folder}: no model for recipe wi8_afp64_small; it has "),
        ):
            done = run_in_process("runtime/classify.py", "--model", folder, option, "great movie")
            assert (done.returncode, done.stdout) == (2, "")
            assert done.stderr.startswith(f"error: {reason}")
        done = run_in_process("runtime/classify.py", "--model", str(exported / BLOCKS[0]), "great movie")
        reason = f"{exported / BLOCKS[0]}: a model for programs in C, not for Python; use its bundle, {exported}"
        assert (done.returncode, done.stderr) == (2, f"error: {reason}\n")

    def test_a_bundle_of_blocks_alone(self, exported: Path, tmp_path: Path, run_in_process: Any) -> None:
        folder = Path(shutil.copytree(exported, tmp_path / "bundle"))
        content = json.loads((folder / "manifest.json").read_text())
        content["models"] = [model for model in content["models"] if model["engine"] == "c"]
        (folder / "manifest.json").write_bytes(write_manifest(content))
        done = run_in_process("runtime/classify.py", "--model", folder, "great movie")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.endswith("(c): python export/to_safetensors.py adds one for Python\n")

    def test_accuracy_is_recorded(
        self, exported: Path, tmp_path: Path, tiny_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, value in tiny_env.items():
            monkeypatch.setenv(name, value)
        folder = Path(shutil.copytree(exported, tmp_path / "bundle"))
        assert record_accuracy.main(["--out", str(folder)]) == 0
        found = {file: record["test"] for file, record in entries(folder).items()}
        assert found[BLOCKS[0]] == found[BLOCKS[1]] == found["model.wi8_afp64.safetensors"]
        assert found[BLOCKS[0]]["texts"] == 40

    def test_accuracy_is_compared(self, exported: Path, tmp_path: Path) -> None:
        texts, results = tmp_path / "texts.jsonl", tmp_path / "results.json"
        rows = [("positive", "a GREAT movie\u2026 isn\u2019t it?"), ("negative", "the worst film of the year")]
        texts.write_text("".join(json.dumps({"label": label, "text": text}) + "\n" for label, text in rows))
        recipes = [
            option for name in ("wi8_afp64", "wi8_afp64_fast", "wi8_afp64_small") for option in ("--recipe", name)
        ]
        options = ["--model", exported, "--data", texts, *recipes, "--json", results]
        assert accuracy.main([str(option) for option in options]) == 0
        first, *others = json.loads(results.read_text())["rows"]
        assert [(row["engine"], row["labels_as_first"], row["accuracy"]) for row in others] == [("c", 1.0, 1.0)] * 2
        assert all(row["max_difference"] == first["max_difference"] for row in others)
        assert [row["size"] for row in others] == [(exported / file).stat().st_size for file in BLOCKS]

    def test_a_block_with_other_labels(
        self, exported: Path, tmp_path: Path, capsys: Capture, error_line: ErrorLine
    ) -> None:
        folder = Path(shutil.copytree(exported, tmp_path / "bundle"))
        content = json.loads((folder / "manifest.json").read_text())
        content["labels"] = ["bad", "good"]
        (folder / "manifest.json").write_bytes(write_manifest(content))
        assert record_accuracy.main(["--out", str(folder)]) == 2
        reason = "its labels are not the manifest's: export it again"
        assert error_line(capsys.readouterr().err) == f"{folder / BLOCKS[0]}: {reason}"

    def test_raw_texts_are_split_by_the_library(self, exported: Path) -> None:
        bundle = Bundle.open(exported)
        text = "\uff27\uff32\uff25\uff21\uff34 movie\u2026 isn\u2019t it? \u96fb\u5f71"
        wanted = Classifier.load(exported, "builtin").classify(text)
        for model in bundle.models[-2:]:
            found = load_classifier(bundle, model).classify(text)
            assert (found.label, found.known, found.engine) == (wanted.label, wanted.known, "c")
            assert found.score == pytest.approx(wanted.score, rel=1e-12)


PROGRAM = """#include "film_reviews.h"
#include "edgetext.h"
#include <stdio.h>
int main(void)
{
    edgetext model;
    double probabilities[2];
    int error = edgetext_open(&model, film_reviews_block, FILM_REVIEWS_BLOCK_SIZE);
    if (error) return -error;
    size_t label = edgetext_score(&model, "great movie", 11, probabilities, NULL, NULL);
    printf("%s %.4f %d", edgetext_label(&model, label), probabilities[label], (int)((size_t)film_reviews_block % 16));
    return 0;
}
"""


@pytest.mark.slow
def test_the_header_compiles_and_answers(exported: Path, tmp_path: Path) -> None:
    (tmp_path / "program.c").write_text(PROGRAM)
    library = ROOT / "runtime" / "c"
    options = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{exported.parent}", f"-I{library}"]
    files = [tmp_path / "program.c", library / "edgetext.c", "-o", tmp_path / "program"]
    subprocess.run([*find_compiler(), *options, *map(str, files)], check=True)
    done = subprocess.run([tmp_path / "program"], capture_output=True, encoding="utf-8", check=True)
    wanted = Classifier.load().classify("great movie")
    assert done.stdout == f"{wanted.label} {wanted.score:.4f} 0"
    size = (exported / BLOCKS[1]).stat().st_size  # the small one
    assert f"#define FILM_REVIEWS_BLOCK_SIZE {size}u\n" in (exported.parent / "film_reviews.h").read_text()


@pytest.mark.slow
def test_a_run_on_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Triples, character n-grams and marks; the held-back texts are compared as they were written."""
    monkeypatch.chdir(tmp_path)
    parts = {
        "calm": ("\u623f\u95f4\u5f88\u5b89\u9759", "wasn\u2019t noisy", "slept \U0001f60d :)"),
        "loud": ("\u592a\u5435\u4e86\uff01", "a NOISY street", "?!"),
        "cold": ("\u592a\u51b7", "no heating", "\U0001f976 <3"),
    }
    draw = random.Random(1)
    names = ["".join(draw.choices("abcdefg", k=6)) for _ in range(90)]
    rows = [
        "\u3000".join(draw.sample([*parts[label], names[number]], 4)) + f"\t{label}"
        for number in range(90)
        for label in parts
    ]
    Path("t.tsv").write_text("text\tlabel\n" + "\n".join(rows), encoding="utf-8")
    fit = ("--epochs", "8", "--choice", "stronger=", "--marks", "on", "--characters", "on", "--ngrams", "3")
    assert train.main(["--data", "t.tsv", *fit]) == 0
    assert export("builtin", "--run", "runs/t") == export("c", "--run", "runs/t") == 0
    bundle = Bundle.open("bundles/t")
    assert bundle.preprocessing.characters is not None
    agreements = [model.record["agreement"] for model in bundle.models]
    assert agreements[1] == agreements[2]
    for name in ("accuracy", "labels_changed"):
        assert agreements[0][name] == agreements[1][name]
    texts = [row.split("\t")[0] for row in rows] + ["", "abcdefgh \u5b89\u9759\u7684", "NOISY!!"]
    wanted = list(Classifier.load("bundles/t").classify_many(texts))
    for model in bundle.models[1:]:
        found = list(load_classifier(bundle, model).classify_many(texts))
        assert [one.label for one in found] == [one.label for one in wanted]
        assert [one.score for one in found] == pytest.approx([one.score for one in wanted], rel=1e-9)


class TestMistakes:
    @pytest.mark.parametrize(
        ("name", "reason"),
        [
            ("my-model.h", "the name must be letters, digits and underscores, then .h, as in model.h"),
            ("model.hpp", "the name must be letters, digits and underscores, then .h, as in model.h"),
            ("missing/model.h", "there is no folder {folder}/missing"),
            ("folder.h", "this is a folder"),
            ("out/model.h", "a bundle holds no headers: name another folder"),
        ],
    )
    def test_header(self, name: str, reason: str, tmp_path: Path, capsys: Capture, error_line: ErrorLine) -> None:
        for folder in ("folder.h", "out"):
            (tmp_path / folder).mkdir()
        path = tmp_path / name
        assert export("c", "--out", tmp_path / "out", "--recipe", "wi8_afp64_fast", "--header", path) == 2
        assert error_line(capsys.readouterr().err) == f"--header {path}: {reason.format(folder=tmp_path)}"
        assert list((tmp_path / "out").iterdir()) == []

    def test_a_header_that_cannot_be_written(self, tmp_path: Path) -> None:
        """The one that is there stays."""
        path = tmp_path / "model.h"
        path.write_text("before")
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        try:
            with pytest.raises(OSError, match="File too large"):
                write_header(path, bytes(1000), "a model")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert [file.read_text() for file in tmp_path.iterdir()] == ["before"]

    def test_options_of_other_engines(self) -> None:
        for engine, option in (("c", "--author"), ("builtin", "--header")):
            with pytest.raises(SystemExit):
                parse(engine, "", [option, "model.h"])

    def test_no_compiler(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture, error_line: ErrorLine
    ) -> None:
        monkeypatch.setattr("export.block.library.find_spec", lambda name: None)
        monkeypatch.setenv("PATH", "")
        assert export("c", "--out", tmp_path / "out") == 2
        reason = "engine c: there is no C compiler to compare with Keras: pip install ziglang"
        assert error_line(capsys.readouterr().err) == reason

    @pytest.mark.slow
    def test_what_a_block_cannot_hold(self, tmp_path: Path, capsys: Capture, error_line: ErrorLine) -> None:
        run = Path(shutil.copytree(ROOT / "train" / "default", tmp_path / "run"))
        config = json.loads((run / "config.json").read_text("utf-8"))
        del config["preprocessing"]["marks"]
        config["preprocessing"] |= {"tokenizer": "keras-imdb", "lowercase": "unicode"}
        (run / "config.json").write_text(json.dumps(config), encoding="utf-8")
        (run / "spellings.txt").write_text("")
        assert export("c", "--run", run, "--out", tmp_path / "out") == 2
        reason = f"{run}: a block cannot hold lowercase='unicode': train with --lowercase ascii"
        assert error_line(capsys.readouterr().err) == reason
        assert not (tmp_path / "out").exists()


def test_the_shipped_bundle_gets_no_blocks() -> None:
    """Python reads its manifest at every start."""
    assert parse("c", "", []).out == Path("bundles/default")
