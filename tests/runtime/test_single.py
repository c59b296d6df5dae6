"""Model files on their own: the shipped ones, one of MediaPipe Model Maker's, and what is damaged or made up."""

from __future__ import annotations

import hashlib
import io
import json
import random
import struct
import tempfile
import tracemalloc
import unittest
import zipfile
from pathlib import Path
from typing import Any, Callable
from unittest import mock

from edgetext import Bundle, BundleError
from edgetext.bundle import DEFAULT_BUNDLE
from edgetext.bundle.mediapipe_tokenizer import RegexEncoder, compile_delimiter
from edgetext.encoder import Encoder, Preprocessing
from edgetext.formats.flatbuffer import Table
from edgetext.formats.onnx import ONNXFile
from edgetext.formats.tflite import TFLiteFile
from edgetext.keras_imdb import KERAS_IMDB, KerasIMDB
from tests.runtime.helpers import slow

OURS, THEIRS = Path(DEFAULT_BUNDLE), Path(__file__).with_name("model_maker.tflite")
TFLITE = (OURS / "model.dynamic_wi8_afp32.tflite").read_bytes()
ONNX = (OURS / "model.dynamic_wi8.onnx").read_bytes()
MADE = THEIRS.read_bytes()
DELIMITER = rb"[^\w\']+"


def repack(content: bytes, **changes: bytes | None) -> bytes:
    """Return a .tflite file with other appended files: ``vocab=...`` for vocab.txt; None removes one."""
    file = TFLiteFile(content)
    names = {"vocab": "vocab.txt", "labels": "labels.txt", "record": "edgetext.json"}
    files: dict[str, bytes | None] = {**file.files, **{names[key]: value for key, value in changes.items()}}
    target = io.BytesIO()
    target.write(content[: file.model_size])
    with zipfile.ZipFile(target, "a") as archive:
        for name, data in files.items():
            if data is not None:
                archive.writestr(name, data)
    return target.getvalue()


def record(change: Callable[[dict[str, Any]], object]) -> bytes:
    """Return the shipped .tflite file with another edgetext.json."""
    found = json.loads(TFLiteFile(TFLITE).files["edgetext.json"])
    change(found)
    return repack(TFLITE, record=json.dumps(found).encode())


def field(number: int, content: bytes) -> bytes:
    """Write a protobuf field with a length, by hand."""
    size, prefix = len(content), b""
    while size > 127:
        prefix += bytes([size & 127 | 128])
        size >>= 7
    return bytes([number << 3 | 2]) + prefix + bytes([size]) + content


def with_properties(**changes: str | None) -> bytes:
    """Return the shipped .onnx file with other metadata_props; None removes one."""
    position, kept = 0, b""
    while position < len(ONNX):  # every field that is not a metadata_props
        start = position
        key, position = ONNX[position], position + 1
        shift = value = 0
        while True:
            byte = ONNX[position]
            value |= (byte & 127) << shift
            position, shift = position + 1, shift + 7
            if byte < 128:
                break
        position += value if key & 7 == 2 else 0
        if key >> 3 != 14:
            kept += ONNX[start:position]
    properties: dict[str, str | None] = {**ONNXFile(ONNX).metadata, "sha256": None, **changes}
    pairs = [(name, text) for name, text in properties.items() if text is not None]
    changed = kept + b"".join(field(14, field(1, name.encode()) + field(2, text.encode())) for name, text in pairs)
    return changed + field(14, field(1, b"sha256") + field(2, hashlib.sha256(changed).hexdigest().encode()))


class SingleTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def open(self, content: bytes, name: str = "model.tflite") -> Bundle:
        path = self.folder / name
        path.write_bytes(content)
        return Bundle.open(path)

    def refuse(self, content: bytes, *parts: str, name: str = "model.tflite") -> None:
        with self.assertRaises(BundleError) as caught:
            self.open(content, name)
        message = str(caught.exception)
        self.assertIn(name, message)
        self.assertNotIn("\n", message)
        for part in parts:
            self.assertIn(part, message)


class OursTest(SingleTest):
    def test_they_are_the_bundle(self) -> None:
        whole = Bundle.open()
        for name, engine in (("model.dynamic_wi8_afp32.tflite", "tflite"), ("model.dynamic_wi8.onnx", "onnx")):
            alone = Bundle.open(OURS / name)
            self.assertEqual((alone.name, alone.labels), (whole.name, whole.labels))
            self.assertEqual(alone.preprocessing.to_json(), whole.preprocessing.to_json())
            self.assertEqual(alone.vocabulary().tokens, whole.vocabulary().tokens)
            (model,), (same,) = alone.models, (model for model in whole.models if model.engine == engine)
            self.assertEqual((model.engine, model.recipe, model.sha256), (engine, same.recipe, same.sha256))
            self.assertEqual(alone.read(model), whole.read(same))
            measured = ("accuracy", "keras_accuracy", "texts")
            self.assertEqual(
                [model.record["agreement"][key] for key in measured],
                [same.record["agreement"][key] for key in measured],
            )
            for text in ("Great MOVIE!", "it's \u0130stanbul", "word " * 600):
                self.assertEqual(alone.encoder().encode(text), whole.encoder().encode(text))

    def test_all_letters_in_lower_case(self) -> None:
        settings = {**json.loads(ONNXFile(ONNX).metadata["preprocessing"]), "lowercase": "unicode"}
        settings["tokenizer"] = KerasIMDB.name
        del settings["marks"]
        tflite = record(lambda found: found.update(preprocessing=settings))
        for content, name in ((tflite, "m.tflite"), (with_properties(preprocessing=json.dumps(settings)), "m.onnx")):
            alone = self.open(content, name)
            self.assertEqual(alone.preprocessing.rules, KerasIMDB("unicode"))
            self.assertEqual(alone.manifest["preprocessing"], settings)
            text, encoder = (
                "A CAF\u00c9, NA\u00cfVE",
                Encoder(Bundle.open().vocabulary(), Preprocessing(512, "post", KERAS_IMDB)),
            )
            self.assertEqual(alone.encoder().encode(text), encoder.encode(text.lower()))
            self.assertNotEqual(alone.encoder().encode(text), encoder.encode(text))
        settings["lowercase"] = "turkish"
        parts = ("lowercase must be 'ascii' or 'unicode', not 'turkish'",)
        self.refuse(with_properties(preprocessing=json.dumps(settings)), *parts, name="m.onnx")
        self.refuse(record(lambda found: found.update(preprocessing=settings)), *parts)

    def test_another_name(self) -> None:
        self.assertEqual(self.open(TFLITE, "no suffix at all").models[0].engine, "tflite")
        for name in ("model.bin", "model.tflite"):
            self.assertEqual(self.open(ONNX, name).models[0].engine, "onnx")

    def test_neither(self) -> None:
        for name in ("model.safetensors", "model", "readme.txt"):
            self.refuse(b"something else", "neither a folder nor a .tflite or .onnx file", name=name)
        self.refuse(b"", "neither", name="empty.tflite")
        self.refuse(b"ETX1 and more", "for programs in C", "python export/to_safetensors.py writes a bundle")
        for file in ("vocab.txt", "model.wi8_afp64.safetensors"):
            with self.assertRaisesRegex(BundleError, f"neither .*; use its bundle, {OURS}$"):
                Bundle.open(OURS / file)

    def test_damaged_model(self) -> None:
        size = TFLiteFile(TFLITE).model_size
        for place in (size // 2, size - 5):  # among the weights
            damaged = bytearray(TFLITE)
            damaged[place] ^= 1
            self.refuse(bytes(damaged), "checksum", "copy the file again, or export it again")

    @slow
    def test_no_damage_of_the_shipped_files_passes_in_silence(self) -> None:
        """Everything that is read has a checksum, so no flipped bit changes an answer."""
        rng = random.Random(5)
        for name, content in (("m.tflite", TFLITE), ("m.onnx", ONNX)):
            ends = [*range(0, 600, 37), *range(len(content) - 90, len(content))]
            for place in [*ends, *rng.sample(range(len(content)), 100)]:
                damaged = bytearray(content)
                damaged[place] ^= 1 << rng.randrange(8)
                try:
                    found = self.open(bytes(damaged), name)
                except BundleError:
                    continue
                # Of a zip's directory there is more than matters.
                self.assertEqual(name, "m.tflite")
                self.assertGreater(place, TFLiteFile(TFLITE).model_size)
                self.assertEqual(found.labels, ["negative", "positive"])
                self.assertEqual(found.vocabulary().tokens, Bundle.open().vocabulary().tokens)
                self.assertEqual(found.preprocessing.to_json(), Bundle.open().preprocessing.to_json())

    def test_damaged_files(self) -> None:
        place = TFLITE.index(b"great 87\n")
        self.refuse(TFLITE[:place] + b"x" + TFLITE[place + 1 :], "cannot be read")

    def test_record(self) -> None:
        for change, part in (
            (lambda r: r.update(format_version=2), "format_version is 2"),
            (lambda r: r.pop("format_version"), "format_version"),
            (lambda r: r.update(labels=["positive", "negative"]), "labels are not those"),
            (lambda r: r["preprocessing"].update(max_length=256), "takes 512 ids, not 256"),
            (lambda r: r["preprocessing"].update(tokenizer="bert"), "tokenizer is 'bert'"),
            (lambda r: r.pop("preprocessing"), "preprocessing"),
            (lambda r: r.update(labels=None), "labels"),
            (lambda r: r.update(name=3), "name must be a string"),
            (lambda r: r.update(model_sha256="0" * 64), "checksum"),
        ):
            with self.subTest(part=part):
                self.refuse(record(change), part)
        for content in (b"", b"[]", b"{", b"\xff", b'{"a": 1, "a": 2}', b"[" * 100_000):
            self.refuse(repack(TFLITE, record=content))
        # Without it, it would pass for a file of another tool's, whose words may have any case.
        self.refuse(repack(TFLITE, record=None), "edgetext.json", "not in the file")

    def test_accuracies_that_are_damaged_are_not_shown(self) -> None:
        damages: list[Any] = [None, [], {"heldout": 1}, {"heldout": {}}]
        for accuracy in damages:
            found = self.open(record(lambda r, a=accuracy: r.update(accuracy=a)))  # type: ignore[misc]
            self.assertNotIn("agreement", found.models[0].record)

    def test_labels(self) -> None:
        self.refuse(repack(TFLITE, labels=b"negative\npositive\nmixed\n"), "one for each label")
        self.refuse(repack(TFLITE, labels=None), "labels.txt", "not in the file")
        self.refuse(repack(TFLITE, labels=b"good\nbad\n"), "labels are not those")

    def test_vocabulary_lines(self) -> None:
        lines = TFLiteFile(TFLITE).files["vocab.txt"].split(b"\n")
        for line in (
            b"great",
            b"great\t87",
            b"great  87",
            b"great 87 ",
            b"great x",
            b"great -1",
            b" 87",
            b"",
            b"a b 87",
        ):
            changed = [*lines[:90], line, *lines[91:]]
            self.refuse(repack(TFLITE, vocab=b"\n".join(changed)), "line 91 of its vocabulary", "one space and an id")
        self.refuse(repack(TFLITE, vocab=b"\n".join([*lines[:90], b"great 20000"])), "has the id 20000", "knows 19900")
        self.refuse(repack(TFLITE, vocab=b"\n".join([*lines[:90], "great ².".encode()])), "line 91")
        self.refuse(repack(TFLITE, vocab=b"\n".join([*lines[:90], lines[7].split()[0] + b" 90"])), "occurs twice")
        self.refuse(repack(TFLITE, vocab=b"\n".join(lines[:3])), "first tokens must be")
        self.refuse(repack(TFLITE, vocab=b"\xff 1\n"))
        self.refuse(repack(TFLITE, vocab=b""), "line 1")

    def test_too_much_behind_it(self) -> None:
        from edgetext.formats import tflite as tflite_file

        limit, tflite_file.MAX_FILES_BYTES = tflite_file.MAX_FILES_BYTES, 100_000
        self.addCleanup(setattr, tflite_file, "MAX_FILES_BYTES", limit)
        self.refuse(TFLITE, "more than 100,000 bytes")

    def test_a_file_that_inflates_to_more_than_it_says(self) -> None:
        """It is read as far as it says, in little memory."""
        target = io.BytesIO()
        target.write(MADE[: TFLiteFile(MADE).model_size])
        with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for name, data in TFLiteFile(MADE).files.items():
                archive.writestr(name, data)
            archive.writestr("bomb", bytes(200_000_000))
        bomb = bytearray(target.getvalue())
        place = bomb.rindex(b"PK\x01\x02") + 24  # its length in the directory
        bomb[place : place + 4] = struct.pack("<I", 1000)
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        self.refuse(bytes(bomb), "cannot be read")
        self.assertLess(tracemalloc.get_traced_memory()[1], 20_000_000)

    def test_nothing_of_a_damaged_onnx_file_is_read(self) -> None:
        with mock.patch("edgetext.bundle.single_file.ONNXFile", side_effect=AssertionError):
            self.refuse(ONNX[:-1] + b"x", "checksum", name="m.onnx")
            self.refuse(b"\x08\x01" * 1000, "carries no edgetext metadata", name="m.onnx")

    def test_cut_short(self) -> None:
        for name, content in (("m.tflite", TFLITE), ("m.tflite", MADE), ("m.onnx", ONNX)):
            for part in range(1, 64):
                self.refuse(content[: len(content) * part // 64], ": copy ", name=name)
            self.refuse(b"", name=name)

    @slow
    def test_flipped_bytes(self) -> None:
        """Each of 500 damaged files is refused, or damaged where nothing is read; there are no other errors."""
        rng = random.Random(4)
        for name, content in (("m.tflite", TFLITE), ("m.tflite", MADE), ("m.onnx", ONNX)):
            ends = range(len(content) - 4000, len(content))
            places = [*rng.sample(range(len(content)), 60), *rng.sample(range(4000), 60), *rng.sample(ends, 60)]
            for place in places:
                damaged = bytearray(content)
                damaged[place] ^= 1 << rng.randrange(8)
                try:
                    self.open(bytes(damaged), name)
                except BundleError as error:
                    self.assertNotIn("\n", str(error))


class ONNXTest(SingleTest):
    def test_properties(self) -> None:
        self.assertEqual(self.open(with_properties(), "m.onnx").labels, ["negative", "positive"])
        for changes, part in (
            ({"format_version": None}, "format_version is None, and this version of edgetext reads 1"),
            ({"format_version": "2"}, "format_version is 2"),
            ({"vocabulary": None}, "not those of an exported model"),
            ({"vocabulary": "the\nand"}, "first tokens must be"),
            ({"labels": '["a", "b", "c"]'}, "(batch, 3), one for each label"),
            ({"labels": "negative"}, "m.onnx"),
            ({"labels": "7"}, "labels is damaged"),
            ({"preprocessing": "{}"}, "missing or unknown keys"),
            ({"preprocessing": None}, "preprocessing is damaged"),
            ({"name": None}, "name must be a string"),
        ):
            with self.subTest(changes=changes):
                self.refuse(with_properties(**changes), part, name="m.onnx")

    def test_length(self) -> None:
        settings = json.loads(ONNXFile(ONNX).metadata["preprocessing"])
        changed = with_properties(preprocessing=json.dumps({**settings, "max_length": 256}))
        self.refuse(changed, "takes 512 ids, not 256", name="m.onnx")

    def test_other_files(self) -> None:
        for content in (b"", b"\x00", b"no model", b"\x08\x08", b"\xff" * 30, MADE, field(7, b"\x08\x01")):
            self.refuse(content, name="m.onnx") if content is not MADE else self.open(content, "m.onnx")


class ForeignTest(SingleTest):
    def test_a_file_of_model_makers(self) -> None:
        bundle = self.open(MADE)
        self.assertEqual((bundle.labels, bundle.name), (["negative", "positive"], "TextClassifier"))
        encoder = bundle.encoder()
        table = dict(line.split() for line in TFLiteFile(MADE).files["vocab.txt"].decode().splitlines())
        ids = [int(table[word]) for word in ("<START>", "a", "wonderful", "film")]
        self.assertEqual(encoder.truncate("a (wonderful) film!"), ids)
        self.assertEqual(encoder.encode("a wonderful... film"), ids + [0] * 28)
        self.assertEqual(encoder.truncate("a Wonderful film")[2], int(table["<UNKNOWN>"]))  # MediaPipe keeps case
        self.assertEqual(encoder.truncate("film " * 40), [ids[0], *[ids[3]] * 31])
        self.assertEqual(encoder.known(encoder.truncate("a Wonderful film, film")), 0.75)
        self.assertEqual(encoder.known(encoder.truncate("")), 0.0)
        self.assertIn("lower case", encoder.note or "")
        self.assertIn("224", str(len(encoder.vocabulary)))
        with self.assertRaises(TypeError):
            encoder.encode(b"film")  # type: ignore[arg-type]

    def test_a_word_twice_and_words_that_share_an_id(self) -> None:
        lines = [("<PAD>", 0), ("<UNKNOWN>", 1), ("film", 2), ("Film", 2), ("film", 3)]
        encoder = RegexEncoder("[ ]+", lines, 4)
        self.assertEqual(encoder.encode(" film  Film FILM"), [3, 2, 1, 0])  # the last of a word, and no <START>
        self.assertEqual(encoder.known(encoder.truncate(" film  Film FILM")), 2 / 3)
        self.assertEqual(encoder.known(encoder.truncate("")), 0.0)
        shared = RegexEncoder("[ ]+", [("<PAD>", 0), ("<UNKNOWN>", 0), ("film", 2)], 4)
        self.assertEqual(shared.known(shared.truncate("film FILM")), 0.5)
        self.assertIsNone(encoder.note)

    def test_what_a_vocabulary_must_have(self) -> None:
        lines = TFLiteFile(MADE).files["vocab.txt"]
        for token in (b"<PAD>", b"<UNKNOWN>"):
            self.refuse(repack(MADE, vocab=lines.replace(token, b"<OTHER>")), f"no {token.decode()}")
        self.refuse(repack(MADE, vocab=lines + b"extra 224\n"), "has the id 224, and the model knows 224")
        self.refuse(repack(MADE, vocab=lines + b"lone\n"), "line 225")

    def test_delimiters(self) -> None:
        self.assertEqual(MADE.count(DELIMITER), 1)
        for pattern in (
            rb"(a+)+b$x",
            rb"[^\pL_]+",
            rb"[^\w\x]+",
            rb".*      ",
            rb"[[:w:]]+",
            rb"[^\S ]+x",
            b"[z-a   +",
        ):
            self.assertEqual(len(pattern), len(DELIMITER))
            self.refuse(MADE.replace(DELIMITER, pattern), "separated by")
        self.refuse(MADE.replace(DELIMITER, b"[z-aaa]+"), "separated by", "bad character range")

    def test_classes_mean_what_they_mean_to_re2(self) -> None:
        for pattern, text, words in (
            (r"[^\w']+", "caf\u00e9 isn't_it 1-2", ["caf", "isn't_it", "1", "2"]),  # \w is ASCII
            (r"\W+", "a.b", ["a", "b"]),
            (r"\s+", "a\vb\tc\u00a0d", ["a\vb", "c\u00a0d"]),  # no \v, no other white space
            (r"[\s,;]", "a, b;c", ["a", "b", "c"]),
            (r"[a-c\-]+", "xa-cy", ["x", "y"]),
            (r"[ --a]+", "x y-zab+c", ["x", "y", "z", "b", "c"]),  # from the space to the hyphen, and a
            (r"[\w-z ]+", "a-b. z", ["."]),  # an escape begins no range
            (r"[^a-z]+", "ab\nC\nd", ["ab", "d"]),
            ("[ \u3002]+", "a\u3002b c", ["a", "b", "c"]),
            (r"[\[\]\\^]+", r"a[b]c\d^e", list("abcde")),
            (r"[&&||~~]+", "a&b|c", ["a", "b", "c"]),  # no operations on sets
        ):
            with self.subTest(pattern=pattern):
                self.assertEqual([word for word in compile_delimiter(pattern).split(text) if word], words)

    def test_another_tokenizer(self) -> None:
        # The tag of the union in the process unit: 6 is RegexTokenizerOptions, 4 BertTokenizerOptions.
        content = bytearray(MADE)
        found = [place for place in range(len(MADE) - 1) if MADE[place] == 6]
        changed = 0
        for place in found:
            content[place] = 4
            try:
                self.open(bytes(content))
            except BundleError as error:
                changed += "no regex tokenizer" in str(error)
            content[place] = 6
        self.assertEqual(changed, 1)

    def test_labels(self) -> None:
        self.assertEqual(self.open(repack(MADE, labels=b"bad\r\ngood\r\n")).labels, ["bad", "good"])
        self.refuse(repack(MADE, labels="a\u2028b\nc".encode()), "cannot be printed")
        self.refuse(repack(MADE, labels=b"same\nsame\n"), "a label occurs twice")
        self.refuse(repack(MADE, labels=b"one\n"), "one for each label")

    def test_compression(self) -> None:
        for method in (zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2):
            file, target = TFLiteFile(MADE), io.BytesIO()
            target.write(MADE[: file.model_size])
            with zipfile.ZipFile(target, "a", method) as archive:
                for name, data in file.files.items():
                    archive.writestr(name, data)
            self.refuse(target.getvalue(), "compressed in a way that is not read")
        # As if a stored file were deflated: byte 10 of its entry in the directory.
        damaged = bytearray(MADE)
        damaged[MADE.rindex(b"PK\x01\x02") + 10] = zipfile.ZIP_DEFLATED
        self.refuse(bytes(damaged), "cannot be read")

    def test_names_that_cannot_be_printed(self) -> None:
        for name in ("caf\udce9.tflite", "two\nlines.tflite"):
            self.assertEqual(self.open(MADE, name).models[0].file, "model.tflite")

    def test_without_metadata(self) -> None:
        size = TFLiteFile(MADE).model_size
        self.refuse(MADE[:size], "cannot be read")
        self.refuse(MADE.replace(b"TFLITE_METADATA", b"OTHERS_METADATA"), "carries no metadata")


class FlatbufferTest(unittest.TestCase):
    def test_against_the_format_by_hand(self) -> None:
        # Root at 16; its vtable, at 8, of one field; at 20 the field: a string at 24.
        buffer = struct.pack("<I4sHHH2xIII", 16, b"TEST", 6, 8, 4, 8, 4, 5) + b"hello\0\0\0"
        table = Table.root(buffer, b"TEST")
        self.assertEqual(table.text(0), "hello")
        self.assertEqual(
            (table.integer(1, 4, 7), table.text(2), table.table(3), table.numbers(4, 9)), (7, "", None, [])
        )
        self.assertEqual(list(table.tables(5)), [])
        with self.assertRaises(ValueError):
            Table.root(buffer, b"ELSE")
        for end in range(len(buffer) - 4):
            with self.assertRaises(ValueError):
                Table.root(buffer[:end], b"TEST").text(0)

    def test_a_list_that_never_ends(self) -> None:
        buffer = struct.pack("<I4sHHH2xIII", 16, b"TEST", 6, 8, 4, 8, 4, 2**31)
        table = Table.root(buffer, b"TEST")
        for read in (
            table.text,
            table.data,
            lambda place: table.numbers(place, 5),
            lambda place: list(table.tables(place)),
        ):
            with self.assertRaises(ValueError):
                read(0)

    def test_what_is_longer_than_anything_of_ours(self) -> None:
        long = struct.pack("<I4sHHH2xIII", 16, b"TEST", 6, 8, 4, 8, 4, 1001) + b"x" * 1001
        with self.assertRaisesRegex(ValueError, "more than 1000 bytes"):
            Table.root(long, b"TEST").text(0)
        many = struct.pack("<I4sHHH2xIII", 16, b"TEST", 6, 8, 4, 8, 4, 200_000) + bytes(800_000)
        self.assertEqual(len(Table.root(many, b"TEST").data(0)), 200_000)
        with self.assertRaisesRegex(ValueError, "than any that is expected"):
            next(Table.root(many, b"TEST").tables(0))
        few = struct.pack("<I4sHHH2xIII", 16, b"TEST", 6, 8, 4, 8, 4, 5) + struct.pack("<5i", 1, -2, 3, 4, 5)
        self.assertEqual(Table.root(few, b"TEST").numbers(0, 3), [1, -2, 3])


if __name__ == "__main__":
    unittest.main()
