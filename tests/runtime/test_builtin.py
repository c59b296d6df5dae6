from __future__ import annotations

import itertools
import json
import math
import random
import struct
import sys
import unittest
from typing import Any
from unittest import mock

from edgetext import BundleError
from edgetext.engines import builtin, create
from edgetext.engines import safetensors as formats
from edgetext.engines.builtin import BuiltinEngine
from edgetext.strict_json import parse_json
from tests.runtime.helpers import random_average, random_bigrams
from tests.runtime.helpers import safetensors as write


def as_float32(value: float) -> float:
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def activate(logits: list[float]) -> list[float]:
    if len(logits) == 1:
        return [1 / (1 + math.exp(-logits[0]))]
    powers = [math.exp(logit) for logit in logits]
    return [power / math.fsum(powers) for power in powers]


def bigrams_oracle(tensors: dict[str, Any], ids: list[int], trigrams: bool = False) -> list[float]:
    """Compute the network as its definition says, one term at a time."""
    columns, vocabulary = tensors["unigrams"][1]
    buckets = tensors["bigrams"][1][1]
    known_only, logits = "prior" in tensors, []
    ngrams = [number - vocabulary for number in ids if number >= vocabulary]
    ids = [number for number in ids if number < vocabulary]
    if known_only and max(ids) <= 2 and not ngrams:
        return activate([as_float32(value) for value in tensors["prior"][2]])
    for column in range(columns):
        one, two, bias = (as_float32(tensors[name][2][column]) for name in ("unigrams.scale", "bigrams.scale", "bias"))
        terms = [one * tensors["unigrams"][2][column * vocabulary + a] for a in ids]
        terms += [
            two * tensors["bigrams"][2][column * buckets + (a * 40503 + b * 30011) % buckets]
            for a, b in zip(ids, ids[1:])
            if not (known_only and 2 in (a, b))
        ]
        terms += [
            two * tensors["bigrams"][2][column * buckets + (a * 40503 + b * 30011 + c * 16727) % buckets]
            for a, b, c in zip(ids, ids[1:], ids[2:])
            if trigrams and 2 not in (a, b, c)
        ]
        if ngrams:
            three = as_float32(tensors["characters.scale"][2][column])
            terms += [three * tensors["characters"][2][column * 32 + bucket] for bucket in ngrams]
        logits.append(math.fsum(terms) / len(ids) ** 0.25 + bias)
    return activate(logits)


def average_oracle(tensors: dict[str, Any], ids: list[int], max_length: int) -> list[float]:
    width = tensors["embedding"][1][1]
    values = [
        as_float32(tensors["embedding.scale"][2][column])
        * math.fsum(tensors["embedding"][2][a * width + column] for a in ids)
        / max_length
        for column in range(width)
    ]
    number = 0
    while f"dense.{number}.kernel" in tensors:
        _, (inputs, outputs), kernel = tensors[f"dense.{number}.kernel"]
        bias = tensors[f"dense.{number}.bias"][2]
        last = f"dense.{number + 1}.kernel" not in tensors
        sums = [
            math.fsum(as_float32(kernel[i * outputs + j]) * values[i] for i in range(inputs)) + as_float32(bias[j])
            for j in range(outputs)
        ]
        values = sums if last else [max(0.0, value) for value in sums]
        number += 1
    return activate(values)


class PredictTest(unittest.TestCase):
    def setUp(self) -> None:
        """Prepare the tables for the first text that is not short."""
        patch = mock.patch.object(builtin, "IDS_BEFORE_TABLES", 0)
        patch.start()
        self.addCleanup(patch.stop)

    def assert_close(self, ours: list[float], theirs: list[float]) -> None:
        self.assertEqual(len(ours), len(theirs))
        for one, other in zip(ours, theirs):
            self.assertAlmostEqual(one, other, delta=1e-9)

    def test_bigrams(self) -> None:
        rng = random.Random(1)
        for columns, network in itertools.product((1, 2, 5), ("bigrams", "bigrams-2", "trigrams")):
            metadata, tensors = random_bigrams(columns, columns, max_length=300, network=network)
            engine = BuiltinEngine(write(metadata, tensors), max_length=300)
            self.assertEqual(engine.num_outputs, columns)
            # Short rows before and after the first long one, which prepares the tables.
            for length in (1, 2, 3, 15, 16, 17, 65, 300, 1, 2, 15):
                ids = rng.choices([1, 2, 2, 2, *range(3, 50)], k=length)
                for row in (ids, [1] + [2] * (length - 1)):
                    (ours,) = engine.predict([row])
                    self.assert_close(ours, bigrams_oracle(tensors, row, network == "trigrams"))
                    self.assertEqual(engine.predict([row + [0] * (300 - length)]), [ours])

    def test_characters(self) -> None:
        rng = random.Random(2)
        for columns, network in itertools.product((1, 2, 5), ("characters", "trigrams-characters")):
            metadata, tensors = random_bigrams(columns, columns, max_length=300, network=network)
            # The start mark and unknown words have no weight.
            kind, shape, weights = tensors["unigrams"]
            tensors["unigrams"] = kind, shape, [0 if place % 50 < 3 else weight for place, weight in enumerate(weights)]
            engine = BuiltinEngine(write(metadata, tensors), max_length=300)
            self.assertEqual(engine.vocabulary_size, 50)
            for words, ngrams in ((1, 0), (1, 1), (1, 40), (3, 5), (80, 100), (200, 0), (200, 100)):
                for known in (range(3, 50), [2]):
                    ids = [1, *rng.choices(known, k=words - 1), *rng.choices(range(50, 82), k=ngrams)]
                    (ours,) = engine.predict([ids])
                    self.assert_close(ours, bigrams_oracle(tensors, ids, network.startswith("trigrams")))
                    self.assertEqual(engine.predict([ids + [0] * (300 - len(ids))]), [ours])
            with self.assertRaisesRegex(BundleError, "larger than the model's tables"):
                engine.predict([[1, 5, 82]])

    def test_bigrams_at_the_edge_of_a_lane(self) -> None:
        # The largest that the presets allow; sums of products come close to 2^31.
        for network, vocabulary in (("bigrams", 30_455), ("bigrams-2", 30_455), ("trigrams", 24_616)):
            metadata, tensors = random_bigrams(3, 1, vocabulary, 2**16, 512, network)
            engine = BuiltinEngine(write(metadata, tensors), max_length=512)
            ids = [vocabulary - 1] * 256 + [2, vocabulary - 1] * 128
            for row in (ids, ids[::-1]):
                self.assert_close(engine.predict([row])[0], bigrams_oracle(tensors, row, network == "trigrams"))

    def test_unknown_words_at_every_place_of_long_texts(self) -> None:
        """Many are hashed at once, few one by one: the sums are the same."""
        rng = random.Random(3)
        for network in ("bigrams-2", "trigrams"):
            metadata, tensors = random_bigrams(9, 2, max_length=128, network=network)
            one_by_one = BuiltinEngine(write(metadata, tensors), max_length=128)
            engine = BuiltinEngine(write(metadata, tensors), max_length=128)
            texts = [[1, *rng.choices(range(3, 50), k=70)] for _ in range(71)]
            for place, text in enumerate(texts):
                text[place] = 2
            runs = [[1, *[2] * first, *rng.choices((2, 7, 49), k=127 - first)] for first in range(0, 127, 3)]
            with mock.patch.object(builtin, "IDS_BEFORE_TABLES", 2**20):
                wanted = one_by_one.predict([*texts, *runs])
            for row, ours, theirs in zip([*texts, *runs], engine.predict([*texts, *runs]), wanted):
                self.assert_close(ours, theirs)
                self.assert_close(ours, bigrams_oracle(tensors, row, network == "trigrams"))

    def test_a_text_without_known_words(self) -> None:
        metadata, tensors = random_bigrams(3, 3, network="bigrams-2")
        tensors["prior"] = ("F32", [3], [math.log(share) for share in (0.5, 0.3, 0.2)])
        engine = BuiltinEngine(write(metadata, tensors), max_length=64)
        for ids in ([1], [1, 2], [1] + [2] * 63, [1, 2, 0]):
            self.assert_close([round(value, 6) for value in engine.predict([ids])[0]], [0.5, 0.3, 0.2])

    def test_bigrams_on_a_big_endian_machine(self) -> None:
        metadata, tensors = random_bigrams(4, max_length=300)
        ids = [random.Random(2).randrange(1, 50) for _ in range(200)]
        content = write(metadata, tensors)
        with mock.patch.object(sys, "byteorder", "big"):
            ours = BuiltinEngine(content, max_length=300).predict([ids])
        self.assertEqual(ours, BuiltinEngine(content, max_length=300).predict([ids]))

    def test_average(self) -> None:
        rng = random.Random(5)
        for widths in ((5, 1), (16, 16, 1), (3, 4, 5, 6), (1, 2)):
            # 257 positions and lanes of 16 bits; one more needs 32.
            for max_length in (8, 257, 258, 1000):
                metadata, tensors = random_average(len(widths), widths, max_length=max_length)
                engine = BuiltinEngine(write(metadata, tensors), max_length=max_length)
                self.assertEqual(engine.num_outputs, widths[-1])
                for length in (1, 2, max_length // 2, max_length):
                    ids = [rng.randrange(1, 50) for _ in range(length)]
                    self.assert_close(engine.predict([ids])[0], average_oracle(tensors, ids, max_length))

    def test_average_on_a_big_endian_machine(self) -> None:
        for widths, max_length in (((5, 4, 1), 64), ((5, 4, 1), 1000)):
            metadata, tensors = random_average(9, widths, max_length=max_length)
            ids = [random.Random(3).randrange(1, 50) for _ in range(60)]
            with mock.patch.object(sys, "byteorder", "big"):
                (ours,) = BuiltinEngine(write(metadata, tensors), max_length=max_length).predict([ids])
            self.assert_close(ours, average_oracle(tensors, ids, max_length))

    def test_average_of_the_largest_values(self) -> None:
        for max_length in (257, 258):
            metadata, tensors = random_average(6, (4, 1), max_length=max_length)
            tensors["embedding"] = ("I8", [50, 4], [0] * 4 + [127] * 196)
            engine = BuiltinEngine(write(metadata, tensors), max_length=max_length)
            ids = [49] * max_length
            self.assert_close(engine.predict([ids])[0], average_oracle(tensors, ids, max_length))

    def test_batches_and_extremes(self) -> None:
        metadata, tensors = random_bigrams(7)
        engine = BuiltinEngine(write(metadata, tensors), max_length=64)
        rows = [[1, 2, 3], [4] * 64, [1]]
        self.assertEqual(engine.predict(rows), [engine.predict([row])[0] for row in rows])
        for bias, wanted in ((3e4, 1.0), (-3e4, 0.0)):
            tensors["bias"] = ("F32", [1], [bias])
            self.assertEqual(BuiltinEngine(write(metadata, tensors), max_length=64).predict([[1]]), [[wanted]])
        self.assertEqual([builtin.softmax([1e4, 0.0]), builtin.softmax([-1e4, -1e4])], [[1.0, 0.0], [0.5, 0.5]])

    def test_ids_beyond_the_tables(self) -> None:
        metadata, tensors = random_bigrams(8, max_length=128)
        with self.assertRaisesRegex(BundleError, "larger than the model's tables"):
            BuiltinEngine(write(metadata, tensors), max_length=128).predict([[110_000] * 100])  # no 32 bits hold these
        short, long, average = random_bigrams(8), random_bigrams(8, max_length=128), random_average(8)
        for (metadata, tensors), length in ((short, 3), (long, 100), (average, 3)):
            engine = BuiltinEngine(write(metadata, tensors), max_length=int(metadata["max_length"]))
            with self.assertRaisesRegex(BundleError, "larger than the model's tables"):
                engine.predict([[1] * length + [50]])


class RefusalTest(unittest.TestCase):
    def refuse(self, part: str, metadata: dict[str, str], tensors: dict[str, Any]) -> None:
        with self.assertRaisesRegex(BundleError, part):
            create("builtin", write(metadata, tensors), max_length=64)

    def test_characters(self) -> None:
        metadata, tensors = random_bigrams(1, network="characters")
        create("builtin", write(metadata, tensors), max_length=64)
        for name, tensor in (
            ("characters", ("I8", [1, 33], [0] * 33)),
            ("characters", ("I8", [2, 16], [0] * 32)),
            ("characters", ("F32", [1, 2], [0.0, 0.0])),
            ("characters.scale", ("F32", [1], [math.nan])),
            ("characters.scale", ("F32", [2], [1.0, 1.0])),
            ("prior", ("F32", [2], [1.0, 1.0])),
            ("more", ("F32", [1], [1.0])),
        ):
            self.refuse("engine builtin refuses the model", metadata, {**tensors, name: tensor})
        for name in ("characters", "characters.scale", "prior"):
            self.refuse("has no tensor", metadata, {key: value for key, value in tensors.items() if key != name})
        self.refuse("has no tensors", {**metadata, "network": "bigrams-2"}, tensors)

    def test_bigrams(self) -> None:
        metadata, tensors = random_bigrams(1)
        create("builtin", write(metadata, tensors), max_length=64)
        self.refuse("format", {**metadata, "format": "edgetext-2"}, tensors)
        self.refuse("network", {**metadata, "network": "transformer"}, tensors)
        self.refuse("its max_length is '65', not 64", {**metadata, "max_length": "65"}, tensors)
        for changed in (
            {"multipliers": "1"},
            {"multipliers": "a b"},
            {"multipliers": "-1 5"},
            {"multipliers": f"{2**31} 5"},
            {"multipliers": "5 5 5"},
            {"exponent": "nan"},
            {"exponent": "2"},
            {"exponent": ""},
        ):
            self.refuse("multipliers|exponent", {**metadata, **changed}, tensors)
        for name in tensors:
            self.refuse(name, metadata, {key: value for key, value in tensors.items() if key != name})
        for name, tensor in (
            ("unigrams", ("I8", [50], [0] * 50)),
            ("unigrams", ("F32", [1, 2], [0.0] * 2)),
            ("bigrams", ("I8", [1, 65], [0] * 65)),
            ("bigrams", ("I8", [2, 32], [0] * 64)),
            ("bigrams", ("I8", [1, 0], [])),
            ("unigrams", ("I8", [0, 5], [])),
            ("bias", ("F32", [2], [0.0] * 2)),
            ("bias", ("F32", [1], [math.nan])),
            ("bigrams.scale", ("F32", [1], [math.inf])),
            ("more", ("F32", [1], [0.0])),
        ):
            self.refuse("", metadata, {**tensors, name: tensor})

    def test_trigrams(self) -> None:
        metadata, tensors = random_bigrams(1, network="trigrams")
        create("builtin", write(metadata, tensors), max_length=64)
        for changed in (
            {"multipliers": "40503 30011"},
            {"multipliers": "40503 30011 16727 1"},
            {"multipliers": f"1 1 {2**31}"},
            {"network": "bigrams-2"},
        ):
            self.refuse("multipliers", {**metadata, **changed}, tensors)

    def test_average(self) -> None:
        metadata, tensors = random_average(1)
        create("builtin", write(metadata, tensors), max_length=64)
        for name, tensor in (
            ("embedding", ("I8", [0, 5], [])),
            ("embedding", ("I8", [50, 0], [])),
            ("embedding", ("I8", [50, 5], [1] * 250)),
            ("embedding.scale", ("F32", [4], [0.0] * 4)),
            ("dense.0.kernel", ("F32", [4, 5], [0.0] * 20)),
            ("dense.1.bias", ("F32", [2], [0.0] * 2)),
            ("dense.1.kernel", ("F32", [4, 0], [])),
            ("dense.3.kernel", ("F32", [1, 1], [0.0])),
        ):
            self.refuse("", metadata, {**tensors, name: tensor})


class SafetensorsTest(unittest.TestCase):
    def setUp(self) -> None:
        self.content = write({"a": "b"}, {"x": ("I8", [2, 3], [1, -2, 3, -128, 127, 0]), "y": ("F32", [1], [0.5])})

    def test_read(self) -> None:
        metadata, tensors = formats.read_safetensors(self.content)
        self.assertEqual(metadata, {"a": "b"})
        self.assertEqual([(t.dtype, t.shape) for t in tensors.values()], [("I8", (2, 3)), ("F32", (1,))])
        self.assertEqual([t.values() for t in tensors.values()], [[1, -2, 3, -128, 127, 0], [0.5]])
        with mock.patch.object(sys, "byteorder", "big"):
            self.assertEqual(formats.read_safetensors(self.content)[1]["y"].values(), [0.5])

    def test_cut_anywhere(self) -> None:
        for length in range(len(self.content)):
            with self.assertRaises(ValueError):
                formats.read_safetensors(self.content[:length])
        with self.assertRaises(ValueError):
            formats.read_safetensors(self.content + b"\0")

    def test_any_byte_of_the_header_changed(self) -> None:
        length = 8 + struct.unpack("<Q", self.content[:8])[0]
        rng = random.Random(1)
        for place in range(length):
            changed = bytearray(self.content)
            changed[place] = rng.randrange(256)
            try:
                _, tensors = formats.read_safetensors(bytes(changed))
            except ValueError:
                continue
            self.assertEqual(sum(len(t.data) for t in tensors.values()), len(self.content) - length)

    def test_headers(self) -> None:
        whole = {"dtype": "I8", "shape": [2], "data_offsets": [0, 2]}
        headers: tuple[Any, ...] = (
            [],
            {"x": 1},
            {"x": {**whole, "more": 1}},
            {"x": {"dtype": "I8", "shape": [2]}},
            {"x": {**whole, "dtype": "I16"}},
            {"x": {**whole, "dtype": ["I8"]}},
            {"x": {**whole, "shape": [-2]}},
            {"x": {**whole, "shape": [True, 2]}},
            {"x": {**whole, "shape": [2.0]}},
            {"x": {**whole, "shape": [1] * 8 + [2]}},
            {"x": {**whole, "shape": "2"}},
            {"x": {**whole, "data_offsets": [0, 3]}},
            {"x": {**whole, "data_offsets": [1, 3]}},
            {"x": {**whole, "data_offsets": [-1, 1]}},
            {"x": {**whole, "data_offsets": [0]}},
            {"x": {**whole, "shape": [10**30], "data_offsets": [0, 10**30]}},
            {"x": {**whole, "shape": [1], "data_offsets": [0, 1]}},
            {"x": whole, "y": whole},
            {"__metadata__": {"a": 1}, "x": whole},
            {"__metadata__": [], "x": whole},
        )
        for header in headers:
            text = json.dumps(header).encode()
            with self.assertRaises(ValueError, msg=header):
                formats.read_safetensors(struct.pack("<Q", len(text)) + text + b"ab")
        text = json.dumps({"x": {**whole, "data_offsets": [1, 3]}}).encode()
        with self.assertRaisesRegex(ValueError, "gap"):
            formats.read_safetensors(struct.pack("<Q", len(text)) + text + b"abc")
        twice = b'{"x": %b, "x": %b}' % ((json.dumps(whole).encode(),) * 2)
        for text in (twice, b" " + json.dumps({"x": whole}).encode(), b"{" * 5000, b"{\xff}"):
            with self.assertRaises(ValueError):
                formats.read_safetensors(struct.pack("<Q", len(text)) + text + b"ab")
        padded = json.dumps({"x": whole}).encode() + b"    "  # as safetensors itself pads
        formats.read_safetensors(struct.pack("<Q", len(padded)) + padded + b"ab")


class StrictJSONTest(unittest.TestCase):
    def both(self) -> list[Any]:
        """Return the parser as it is, and as it is on a Python without the C scanner."""

        def without(content: bytes) -> Any:
            with mock.patch.dict(sys.modules, {"_json": None}):
                return parse_json(content)

        return [parse_json, without]

    def test_reads_what_json_reads(self) -> None:
        values: list[Any] = [
            None,
            True,
            -1.5e300,
            10**40,
            'caf\u00e9 \U0001f600 "\\',
            [],
            {},
            {"a": [1, {"b": []}], "": 2},
        ]
        for parse in self.both():
            for value in values:
                for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=3)):
                    self.assertEqual(parse(f" \t\r\n{text}\n ".encode()), value)

    def test_refuses(self) -> None:
        for parse in self.both():
            for text in (
                b"",
                b"{",
                b"[1,]",
                b"1 2",
                b'{"a":1,"a":1}',
                b"NaN",
                b"[-Infinity]",
                b"\xff",
                b"'a'",
                b"{a:1}",
            ):
                with self.assertRaises(ValueError, msg=text):
                    parse(text)
            with self.assertRaises(RecursionError):
                parse(b"[" * 100_000)


if __name__ == "__main__":
    unittest.main()
