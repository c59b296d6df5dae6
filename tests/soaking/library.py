"""The part ``library``: the C library answers as Python does, and damaged models do it no harm.

It is compiled with AddressSanitizer and UndefinedBehaviorSanitizer. With ``EDGETEXT_DATA`` the reviews are scored, too.
"""

from __future__ import annotations

import os
import random
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.measuring.texts import load_reviews
from edgetext import Bundle, Classifier
from edgetext.encoder import Encoder, Preprocessing
from edgetext.engines.builtin import BuiltinEngine
from edgetext.formats.etx import LAYOUTS, make_block
from edgetext.keras_imdb import KERAS_IMDB
from edgetext.ngrams import Characters
from edgetext.text import EMOTICONS, RESERVED, RuleSet, Words
from edgetext.vocabulary import Vocabulary
from tests.c.programs import PROBE, SANITIZERS, MissingError, compile_here, frame
from tests.runtime.helpers import random_average, random_bigrams, safetensors
from tests.soaking import ROOT, Outcome, SoakError, last_line, outcome
from tests.soaking.families import words
from tests.soaking.texts import draw

# Probabilities may differ by so much, as the logits are rounded in another order: a few times 2.2e-16.
TOLERANCE = 1e-15
CHARACTERS = Characters(2, 5, 2**10, 64)


class Model(NamedTuple):
    """A model that both read."""

    labels: list[str]
    preprocessing: Preprocessing
    vocabulary: Vocabulary
    content: bytes

    def block(self, layout: str) -> bytes:
        """Return it as the C library reads it."""
        return make_block(*self, layout)

    def classifier(self) -> Classifier:
        """Return it as Python reads it."""
        engine = BuiltinEngine(self.content, max_length=self.preprocessing.width)
        return Classifier(self.labels, Encoder(self.vocabulary, self.preprocessing), engine)


def run(quick: bool, seed: int) -> Iterator[Outcome]:
    """Try the promises; see ``tests.soaking``."""
    with tempfile.TemporaryDirectory(prefix="edgetext-soak-") as name:
        folder = Path(name)
        try:
            probe = str(compile_here(PROBE, folder / "probe", *SANITIZERS))
        except MissingError as error:
            raise SoakError(str(error)) from None
        texts: list[str | bytes] = [
            *draw(300 if quick else 100_000, seed),
            *invalid_texts(200 if quick else 20_000, seed),
        ]
        yield agree(probe, folder, texts, "hostile texts")
        if not quick and "EDGETEXT_DATA" in os.environ:
            reviews = [review.text for part in ("train", "test") for review in load_reviews(part, None)]
            yield agree(probe, folder, reviews, "reviews")
        yield withstand(probe, folder, 400 if quick else 20_000, seed)


def bundled(path: Path | None) -> Model:
    """Return the model of a bundle."""
    bundle = Bundle.open(path)
    content = bundle.read(next(model for model in bundle.models if model.engine == "builtin"))
    return Model(bundle.labels, bundle.preprocessing, bundle.vocabulary(), content)


def made_up(network: str, outputs: int, rules: RuleSet, truncating: str = "post", size: int = 200) -> Model:
    """Return a model with random weights and ``size`` words of the shipped vocabulary."""
    known = [*words()[:size], "\u96fb", "\U0001f600", *(EMOTICONS if rules == Words(True) else ())]
    vocabulary = Vocabulary([*RESERVED, *known], rules)
    preprocessing = Preprocessing(64, truncating, rules, CHARACTERS if network.endswith("characters") else None)
    if network == "average":
        model = random_average(1, (5, 4, outputs), len(vocabulary), preprocessing.width)
    else:
        model = random_bigrams(1, outputs, len(vocabulary), 256, preprocessing.width, network)
        if preprocessing.characters is not None:
            draws = random.Random(1)
            weights = [draws.randrange(-128, 128) for _ in range(outputs * CHARACTERS.buckets)]
            model[1]["characters"] = ("I8", [outputs, CHARACTERS.buckets], weights)
        if network != "bigrams":
            values = model[1]["unigrams"][2]
            for output in range(outputs):  # the reserved tokens have no weights
                values[output * len(vocabulary) : output * len(vocabulary) + len(RESERVED)] = [0] * len(RESERVED)
    return Model(
        [f"label {number}" for number in range(max(outputs, 2))], preprocessing, vocabulary, safetensors(*model)
    )


def models() -> Iterator[Model]:
    """Return the shipped models, and one of every kind."""
    yield bundled(None)
    yield bundled(ROOT / "runtime" / "bundles" / "accurate")
    yield from small_models(20_000)


def small_models(size: int) -> Iterator[Model]:
    """Return a model of every kind with ``size`` words."""
    yield made_up("bigrams", 1, KERAS_IMDB, "pre", size)
    yield made_up("bigrams-2", 3, Words(False), "pre", size)
    yield made_up("characters", 1, Words(True), "post", size)
    yield made_up("trigrams-characters", 4, Words(True), "post", size)
    yield made_up("average", 1, KERAS_IMDB, "pre", size)


def invalid_texts(count: int, seed: int) -> list[bytes]:
    """Return texts that are not UTF-8: words with bytes changed, left out and put in."""
    draws, known, texts = random.Random(seed), words(), []
    for _ in range(count):
        chosen = [
            draws.choice([draws.choice(known), "\u96fb\u5f71", "caf\u00e9", "\U0001f600"])
            for _ in range(draws.randrange(1, 20))
        ]
        content = bytearray(" ".join(chosen).encode())
        for _ in range(draws.randrange(1, 6)):
            place = draws.randrange(len(content))
            content[place : place + draws.randrange(2)] = draws.randbytes(draws.randrange(3))
            content += b"." if not content else b""
        texts.append(bytes(content))
    return texts


def ask(probe: Sequence[str], block: bytes, texts: Sequence[str | bytes], folder: Path) -> list[list[float]]:
    """Return the number of the label, the share of known words and the probabilities of each text."""
    (folder / "model.etx").write_bytes(block)
    done = subprocess.run(
        [*probe, str(folder / "model.etx"), "short"], input=frame(texts), capture_output=True, check=False
    )
    if done.returncode:
        raise SoakError(f"the library ended with {done.returncode}: {last_line(done.stderr.decode())}")
    return [[float.fromhex(number) for number in line.split()] for line in done.stdout.decode().splitlines()]


def agree(probe: str, folder: Path, texts: Sequence[str | bytes], unit: str) -> Outcome:
    """Compare the answers to texts with those of the engine ``builtin``, in both layouts."""
    faults, furthest, tried = [], 0.0, 0
    for model in models():
        classifier = model.classifier()
        answers = [ask([probe], model.block(layout), texts, folder) for layout in LAYOUTS]
        # What is no UTF-8 becomes lone surrogates, which the rules treat alike.
        read = (text.decode("utf-8", "surrogateescape") if isinstance(text, bytes) else text for text in texts)
        for text, prediction, *found in zip(texts, classifier.classify_many(read), *answers):
            probabilities = list(prediction.probabilities.values())
            tried += 1
            best = model.labels.index(prediction.label)
            distance = max(abs(a - b) for a, b in zip(probabilities, found[0][2:]))
            furthest = max(furthest, distance)
            if found[0] != found[1] or found[0][:2] != [best, prediction.known] or distance > TOLERANCE:
                faults.append(f"{text[:80]!a}: {found} instead of {[best, prediction.known, *probabilities]}")
    promise = "The C library gives Python's labels and shares of known words, and its probabilities to 1e-15"
    return outcome(promise, tried, f"answers to {unit}", faults, f"at most {furthest:.1e} apart", furthest=furthest)


def withstand(probe: str, folder: Path, count: int, seed: int) -> Outcome:
    """Damage models, with and without a right checksum, and score texts with what opens."""
    faults, tried, opened = [], 0, 0
    texts = frame([*draw(200, seed), *invalid_texts(50, seed)])
    blocks = [(model, layout) for model in small_models(40) for layout in LAYOUTS]
    for number, (model, layout) in enumerate(blocks):
        (folder / "model.etx").write_bytes(model.block(layout))
        command = [probe, str(folder / "model.etx"), str(count // len(blocks)), str(seed * len(blocks) + number + 1)]
        done = subprocess.run(command, input=texts, capture_output=True, check=False)
        if done.returncode:
            faults.append(f"{layout}: {done.stderr.decode()[:300]}")
        else:
            part, _, whole, _ = done.stdout.split()
            opened, tried = opened + int(part), tried + int(whole)
    promise = (
        "The C library refuses a damaged model or scores with it, within its memory and without undefined behaviour"
    )
    return outcome(promise, tried, "damaged models", faults, f"{opened:,} opened", opened=opened)
