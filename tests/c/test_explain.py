"""Explanations of the C library against those of Python: the same parts, places and effects."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from edgetext import Classifier
from edgetext.encoder import Encoder
from edgetext.engines.builtin import BuiltinEngine
from edgetext.explaining import KINDS
from edgetext.formats.etx import make_block
from edgetext.text import RESERVED
from edgetext.vocabulary import Vocabulary
from tests.c.programs import PROBE, MissingError, compile_here, frame
from tests.c.test_library import ALONE, CASES, Case, make_model, make_texts, make_word

EXPLAINED = [case for case in CASES if case.outputs == 1 and case.network != "average"]


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        return compile_here(PROBE, tmp_path_factory.mktemp("probe") / "probe")
    except MissingError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("case", EXPLAINED, ids=lambda case: f"{case.network}-{case.truncating}-{case.rules}")
def test_explanations_are_those_of_python(case: Case, probe: Path, tmp_path: Path) -> None:
    draw = random.Random(f"{case}")
    written = [make_word(draw) for _ in range(100)] + [*ALONE, "!"]
    words = list(dict.fromkeys(word for text in written for word in case.rules.tokenize(text)))
    vocabulary = Vocabulary([*RESERVED, *words], case.rules)
    preprocessing, model = make_model(case, len(vocabulary))
    texts = [text.replace("\ud800", "") for text in make_texts(draw, words)]
    engine = BuiltinEngine(model, max_length=preprocessing.width)
    classifier = Classifier(["no", "yes"], Encoder(vocabulary, preprocessing), engine)
    block = tmp_path / "model.etx"
    block.write_bytes(make_block(classifier.labels, preprocessing, vocabulary, model, "fast"))
    done = subprocess.run([probe, block], input=frame(texts), capture_output=True, check=True)
    for text, line in zip(texts, done.stdout.decode().splitlines(), strict=True):
        for label, answer in zip(classifier.labels, line.split(";")[1:], strict=True):
            explanation = classifier.explain(text, label)
            parts = [(KINDS.index(part.kind) + 1, *_bytes(text, part.start, part.end)) for part in explanation.parts]
            wanted = dict(zip(parts, (part.effect for part in explanation.parts), strict=True))
            wanted[0, 0, 0] = explanation.bias
            effects = [
                (tuple(map(int, part.split(",")[:3])), float.fromhex(part.split(",")[3])) for part in answer.split()
            ]
            assert dict(effects) == pytest.approx(wanted, abs=1e-9), repr(text)
            assert len(effects) == len(wanted) == len(parts) + 1


def _bytes(text: str, *places: int) -> list[int]:
    """Return places in code points as places in UTF-8."""
    return [len(text[:place].encode()) for place in places]
