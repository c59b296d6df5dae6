"""The safetensors reader, and the engine that uses it, with files damaged in ways that know the format."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from edgetext import Bundle, BundleError
from edgetext.engines.builtin import BuiltinEngine
from edgetext.engines.safetensors import read_safetensors
from tests.soaking import Outcome, limits, outcome

SECONDS = 5
# Replacements for values of the header.
ODD: tuple[Any, ...] = (
    *(None, True, -1, 0, 1, 2**31, 2**63, 2**64, 10**40, 1.5, "", "I8", "F32", "F64", "BOOL", "nan", "1e999", "9 9"),
    *([], {}, [0], [-1, 0], [0, 0], [0, 10**15], [1, 2, 3], [[]], [2**32, 2**32], [1] * 9, {"dtype": "I8"}),
)


def attempt(function: Callable[[], Any]) -> str:
    """Call a function that may raise ValueError or BundleError; return what else went wrong."""
    started = time.perf_counter()
    try:
        with limits.within(2 * SECONDS):
            function()
    except (ValueError, BundleError):
        pass
    except (Exception, limits.TookTooLong) as error:
        return f"{type(error).__name__}: {error}"
    took = time.perf_counter() - started
    return f"took {took:.1f} s" if took > SECONDS else ""


def damage(whole: bytes, rng: random.Random) -> bytes:
    """Damage a file in one of five ways, some of which leave it well formed."""
    length = int.from_bytes(whole[:8], "little")
    text, data = whole[8 : 8 + length], whole[8 + length :]
    kind = rng.randrange(5)
    if kind == 0:
        return whole[: rng.randrange(len(whole))]
    if kind == 1:
        content = bytearray(whole)
        for _ in range(rng.choice((1, 2, 8))):
            content[rng.randrange(8 + length) if rng.random() < 0.8 else rng.randrange(len(whole))] = rng.randrange(256)
        return bytes(content)
    if kind == 2:
        return rng.choice((2**64 - 1, 2**63, 2**32, length + 1, length - 1, 0)).to_bytes(8, "little") + text + data
    header = json.loads(text)
    if kind == 3:
        _change(header, rng)
    else:  # a piece of the text doubled, or left out
        place, size = rng.randrange(length), rng.randrange(40)
        text = text[: place + rng.choice((0, size))] + text[place + rng.choice((0, size)) :]
        return len(text).to_bytes(8, "little") + text + data
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def _change(header: dict[str, Any], rng: random.Random) -> None:
    """Replace, rename or remove a value of the header, at any depth."""
    holder = header
    while True:
        key = rng.choice(list(holder))
        if not isinstance(holder[key], dict) or rng.random() < 0.2:
            break
        holder = holder[key]
    action = rng.randrange(4)
    if action == 0:
        del holder[key]
    elif action == 1:
        holder[rng.choice(("__metadata__", "dtype", "bias", "\ud800", "x" * 1000))] = holder.pop(key)
    elif action == 2 and isinstance(holder[key], list):
        holder[key][rng.randrange(len(holder[key]))] = rng.choice(ODD)
    else:
        holder[key] = rng.choice(ODD)


def fuzz(good: Path, quick: bool, rng: random.Random) -> Outcome:
    """Damage the model file of a bundle, and read it without its checksum."""
    bundle = Bundle.open(good)
    whole = next(bundle.read(model) for model in bundle.models if model.engine == "builtin")
    count, failures = 1000 if quick else 40_000, []

    def read_and_ask() -> None:
        engine = BuiltinEngine(content, max_length=bundle.preprocessing.max_length)
        engine.predict([[1, 5, 6], [1, *range(4, 400)]])

    for number in range(count):
        content = damage(whole, rng)
        wrong = attempt(partial(read_safetensors, content)) or attempt(read_and_ask)
        failures += [f"{number}: {wrong}"] if wrong else []
    return outcome(
        f"The safetensors reader, and the engine over it, refuse damaged files with one error, within {SECONDS} s",
        count,
        "damaged files",
        failures,
    )
