"""The sizes of int8 files that ``python -m train --target-size`` predicts, compared with real files."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from edgetext import Bundle
from edgetext.encoder import Preprocessing
from edgetext.formats.etx import make_block
from edgetext.keras_imdb import KERAS_IMDB, KerasIMDB
from edgetext.ngrams import Characters
from edgetext.text import RESERVED, RuleSet, Words
from edgetext.vocabulary import Vocabulary
from export.converters import load_converter
from export.converters.model_card import ModelCard
from export.recipes import RECIPES
from train import __main__ as command
from train.models import file_sizes, network, sizing
from train.models.choices import MULTIPLIERS, Choices
from train.models.presets import PRESETS
from train.models.recipe import KINDS, count_outputs
from train.run import Run

Export = Callable[..., int]

MEASURED_RECIPES = ("dynamic_wi8_afp32", "dynamic_wi8", "dynamic_wi8_text", "wi8_afp64")
MEASURED = {"accuracy": 0.9876, "keras_accuracy": 0.9876, "texts": 500}


class Case(NamedTuple):
    """What the size of a model depends on."""

    labels: int
    ids: int
    spellings: int
    buckets: int
    label: str = "label {}"
    name: str = "t"
    rules: RuleSet = KERAS_IMDB
    characters: int = 0
    preset: str = "edge"

    @property
    def word_ngrams(self) -> int:
        choices = PRESETS[self.preset].choices
        assert choices is not None
        return choices.word_ngrams

    @property
    def room(self) -> file_sizes.SizeBudget:
        labels = [self.label.format(number) for number in range(self.labels)]
        sizes = self.characters, self.word_ngrams
        return file_sizes.SizeBudget(10**9, count_outputs(self.labels), labels, self.name, self.rules, *sizes)


ODD = '"na\u00efve", a/b \\ \u65e5\u672c\u8a9e, label {}'
LONG = "\u00e4hm " * 50
CASES = [
    # Tables of less than 1,024 weights stay in float32.
    *(Case(2, 54, 0, 2**8), Case(2, 1023, 500, 2**10), Case(2, 1024, 500, 2**10), Case(3, 60, 30, 2**8, ODD)),
    *(Case(2, 5000, 2500, 2**12, ODD, LONG), Case(2, 20_000, 10_000, 2**18), Case(3, 1100, 0, 2**14)),
    *(Case(6, 60, 0, 2**8), Case(6, 1100, 550, 2**12, ODD, LONG), Case(6, 20_000, 0, 2**16)),
    *(Case(50, 60, 30, 2**14), Case(50, 1100, 550, 2**12, ODD, LONG)),
    *(Case(300, 60, 0, 2**8), Case(300, 1000, 500, 2**10, ODD, LONG), Case(300, 1000, 0, 2**10)),
    Case(2, 60, 0, 2**8, rules=Words(marks=True)),
    Case(2, 5000, 2500, 2**12, ODD, LONG, Words(marks=False)),
    *(Case(2, 60, 0, 2**8, rules=Words(marks=True), characters=2**8),),
    *(Case(labels, 1100, 0, 2**12, rules=Words(marks=False), characters=2**14) for labels in (2, 6, 50)),
    *(Case(2, 60, 0, 2**8, preset="accurate"), Case(2, 20_000, 10_000, 2**20, preset="accurate")),
    Case(50, 1100, 550, 2**12, ODD, LONG, preset="accurate"),
    *(Case(n, 60, 0, 2**8, rules=Words(marks=True), characters=2**8, preset="accurate") for n in (2, 300)),
]


def make_run(case: Case) -> Run:
    """Return a run with random words and weights."""
    generator, draw = np.random.default_rng(0), random.Random(0)
    words: set[str] = set()
    while len(words) < case.ids - len(RESERVED):
        words.add("".join(draw.choices("abcdefghijklmnopqrstuvwxyz\u00e9", k=draw.randint(1, 12))))
    tokens = (*RESERVED, *draw.sample(sorted(words), len(words)))
    capitals = draw.sample(range(len(RESERVED), len(tokens)), min(case.spellings, len(words)))
    characters = Characters(2, 5, case.characters, 64) if case.characters else None
    room, settings = case.room, Preprocessing(128, "post", case.rules, characters)
    choices = Choices(
        vocabulary=case.ids,
        max_length=128,
        buckets=case.buckets,
        word_ngrams=case.word_ngrams,
        crops=0,
        characters=case.characters,
    )
    bias, prior = generator.normal(size=(2, room.num_outputs))
    model = network.build_edge(case.ids, settings.width, choices, bias, prior)
    for layer in map(model.get_layer, network.TABLES if case.characters else network.TABLES[:2]):
        layer.set_weights([generator.normal(size=layer.get_weights()[0].shape).astype(np.float32)])
    config = {
        "name": f"{case.name}-{case.preset}",
        "preset": case.preset,
        "labels": room.labels,
        "preprocessing": settings.to_json(),
        "network": {
            "kind": KINDS[choices.word_ngrams, bool(case.characters)],
            "multipliers": list(MULTIPLIERS[: choices.word_ngrams]),
            "exponent": choices.exponent,
        },
    }
    encoded = np.ones((1, settings.width), np.int32)
    return Run(
        Path("run"),
        config,
        {"test": {"accuracy": 0.9876, "texts": 100_000}},
        Vocabulary(tokens).to_bytes(),
        tokens,
        {tokens[index].upper(): index for index in capitals if tokens[index].upper() not in tokens},
        settings,
        model,
        "ab" * 32,
        encoded,
        encoded,
        np.zeros(1, np.int64),
    )


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, (*case[:4], case.rules.name, *case[-2:]))))
def test_predictions(case: Case) -> None:
    run = make_run(case)
    files = {}
    for recipe in RECIPES:
        # No graph that takes text has n-grams.
        if recipe.name in MEASURED_RECIPES and not (case.characters and recipe.input == "text"):
            converter = load_converter(recipe.engine)
            card = ModelCard(run, recipe, MEASURED, "", "")
            files[recipe.name] = converter.add_metadata(converter.convert(run, recipe), card)
    found = {name: len(content) for name, content in files.items()}
    predicted = file_sizes.tflite_size(case.room, run.tokens, run.spellings, case.buckets)
    assert predicted - 1300 <= found["dynamic_wi8_afp32"] <= predicted - 400  # author and license may be added
    assert max(found.values()) == found["dynamic_wi8_afp32"]
    predicted = file_sizes.safetensors_size(case.room, case.ids, case.buckets)
    assert predicted - 80 <= found["wi8_afp64"] <= predicted
    block = make_block(
        case.room.labels, run.preprocessing, Vocabulary(run.tokens, case.rules), files["wi8_afp64"], "small"
    )
    assert file_sizes.block_size(case.room, run.tokens, run.spellings, case.buckets) == len(block)


def train_within(*options: str) -> None:
    """Train on a table of 6,000 words and six labels in the current folder."""
    draw = random.Random(3)
    words = [draw.choice([word, word, word.title()]) for word in (f"word{number}" for number in range(6000))]
    rows = [f"{f'topic{number % 6} ' * 9}{' '.join(draw.choices(words, k=60))}\t{number % 6}" for number in range(400)]
    Path("t.tsv").write_text("text\tlabel\n" + "\n".join(rows), encoding="utf-8")
    assert command.main(["--data", "t.tsv", "--epochs", "5", *options]) == 0


@pytest.mark.slow
def test_target_size_for_c(export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    train_within("--target-size", "20KB", "--target", "c")
    assert export("builtin", "--run", "runs/t", "--out", "bundle") == 0
    bundle = Bundle.open("bundle")
    content = Path("bundle", bundle.models[0].file).read_bytes()
    block = make_block(bundle.labels, bundle.preprocessing, bundle.vocabulary(), content, "small")
    # Another word, six weights, an id and at most 10 bytes of itself, each table in units of 16, would not have fitted.
    assert 20_000 - 6 - 2 - 10 - 32 < len(block) <= 20_000


@pytest.mark.slow
@pytest.mark.parametrize("size", ["20KB", "100KB"])
def test_target_size(
    size: str, export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    train_within("--target-size", size)
    shown = capsys.readouterr().out
    promised = re.search(
        r"^largest model within .* at most ([\d,]+) bytes as TFLite.* ([\d,]+) as safetensors$", shown, re.M
    )
    assert promised
    tflite, safetensors = (int(number.replace(",", "")) for number in promised.groups())
    options = ("--run", "runs/t", "--out", tmp_path / "bundle")
    for engine in ("builtin", "tflite", "onnx"):
        assert export(engine, *options) == 0
    assert export("onnx", "--input", "text", *options) == 0
    bundle = Bundle.open(tmp_path / "bundle")
    found = {model.recipe: model.size for model in bundle.models}
    assert max(found.values()) == found["dynamic_wi8_afp32"] <= tflite <= sizing.parse_size(size)
    assert found["wi8_afp64"] <= safetensors
    # It is the largest: another word, 6 weights, of four bytes each in a small table, and at most 30 bytes of its
    # spelling and itself, would not have fitted.
    assert len(bundle.vocabulary()) < 4000
    assert tflite > sizing.parse_size(size) - 6 * 4 - 2 * len("word5999 5999\n")
    # Nor would more author and license than there is room for.
    assert sizing.parse_size(size) - found["dynamic_wi8_afp32"] < 1400


class TestFit:
    VOCABULARY = Vocabulary([*RESERVED, *(f"word{number}" for number in range(2000))])

    def fit(self, size: int, columns: int, buckets: int = 2**14) -> tuple[file_sizes.SizeBudget, int, list[str], int]:
        labels = [f"label {number}" for number in range(max(columns, 2))]
        room = file_sizes.SizeBudget(size, columns, labels)
        found, spellings, rows = sizing.fit_budget(room, self.VOCABULARY, self.spellings(len(self.VOCABULARY)), buckets)
        return room, len(found), spellings, rows

    def spellings(self, count: int) -> list[str]:
        return [f"Word{number}" for number in range(1, count - len(RESERVED), 3)]

    @pytest.mark.parametrize(
        ("columns", "size"),
        [*itertools.product((1, 3, 6), (16_000, 20_000, 33_333, 100_000)), (50, 33_333), (50, 100_000)],
    )
    def test_the_largest(self, columns: int, size: int) -> None:
        """Neither one more word nor the double of the buckets would have fitted, nor any larger number of words."""
        room, count, spellings, rows = self.fit(size, columns)

        known = self.VOCABULARY.ids

        def size_of(ids: int, buckets: int) -> int:
            tokens = self.VOCABULARY.tokens[:ids]
            chosen = {spelling: known[spelling.lower()] for spelling in self.spellings(ids)[: ids // 2]}
            return file_sizes.tflite_size(room, tokens, chosen, buckets)

        assert spellings == self.spellings(count)
        assert size_of(count, rows) <= size
        assert rows == 2**14 or size_of(count, 2 * rows) > size
        assert all(size_of(ids, rows) > size for ids in range(count + 1, len(self.VOCABULARY), 7))

    def test_a_spelling_is_of_the_word_that_the_tokenisation_makes_of_it(self) -> None:
        """With ASCII alone in lower case, ECOLE with an accent is another word than the one in small letters."""
        words = ["\u00e9cole", *(f"word{number}" for number in range(500)), "\u00c9cole"]
        for lowercase, kept in (("ascii", []), ("unicode", ["\u00c9COLE"])):
            room = file_sizes.SizeBudget(13_500, 1, ["a", "b"], rules=KerasIMDB(lowercase))
            found, spellings, _ = sizing.fit_budget(room, Vocabulary([*RESERVED, *words]), ["\u00c9COLE"], 2**10)
            assert "\u00c9cole" not in found.ids
            assert spellings == kept
