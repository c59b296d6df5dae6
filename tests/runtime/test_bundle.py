from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import pickle
import shutil
import tempfile
import unittest
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from edgetext import Bundle, BundleError, Classifier, EngineError
from edgetext.bundle import DEFAULT_BUNDLE
from edgetext.bundle.files import MAX_FILE_BYTES
from edgetext.bundle.manifest import describe_file
from edgetext.bundle.manifest import write_manifest as write
from edgetext.bundle.vocabulary import StoredVocabulary
from edgetext.encoder import FEW_WORDS
from edgetext.keras_imdb import KERAS_IMDB
from tests.runtime.helpers import (
    VOCABULARY,
    as_version_2,
    change_behind_crc32,
    entry,
    random_bigrams,
    safetensors,
    with_checksums,
    write_bundle,
    write_manifest,
)

COPY_AGAIN = "copy the bundle again, or remove it and export it again"


@contextlib.contextmanager
def in_folder(folder: Path) -> Iterator[None]:
    """Make a folder the current one meanwhile; contextlib.chdir is new in Python 3.11."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


class BundleTest(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name) / "bundle"
        self.manifest = write_bundle(self.folder)

    def refuse(self, *parts: str) -> None:
        """Assert that the bundle is refused in one line that has these parts."""
        with self.assertRaises(BundleError) as caught:
            bundle = Bundle.open(self.folder)
            bundle.vocabulary()
            for model in bundle.models:
                bundle.read(model)
        message = str(caught.exception)
        self.assertNotIn("\n", message)
        for part in (str(self.folder), *parts):
            self.assertIn(part, message)

    def test_good(self) -> None:
        bundle = Bundle.open(self.folder)
        self.assertEqual(bundle.labels, ["negative", "positive"])
        self.assertEqual(bundle.vocabulary().tokens, VOCABULARY.tokens)
        self.assertEqual(bundle.read(bundle.models[0]), b"no model at all")

    def test_default_bundle_is_whole(self) -> None:
        bundle = Bundle.open()
        self.assertEqual(bundle.folder, DEFAULT_BUNDLE)
        self.assertEqual(len(bundle.vocabulary()), 19_900)
        for model in bundle.models:
            self.assertEqual(len(bundle.read(model)), model.size)

    def test_missing(self) -> None:
        (self.folder / "manifest.json").rename(self.folder / "other.json")
        self.refuse("no bundle at", "manifest.json")
        run = self.folder.parent / "a run"  # which is easily taken for its bundle
        run.mkdir()
        (run / "model.keras").touch()
        with self.assertRaisesRegex(BundleError, f"to_safetensors.py --run '{run}' writes a bundle"):
            Bundle.open(run)
        with self.assertRaisesRegex(BundleError, f"neither .*; .*to_safetensors.py --run '{run}' writes a bundle"):
            Bundle.open(run / "model.keras")
        with self.assertRaisesRegex(BundleError, "no such folder"):
            Bundle.open(self.folder / "nowhere")

    def test_missing_truncated_changed_and_longer_files(self) -> None:
        for name in ("vocab.txt", "model.float32.tflite"):
            path = self.folder / name
            content = path.read_bytes()
            with self.subTest(name):
                for wrong in (content[:-1], content + b"x"):
                    path.write_bytes(wrong)
                    self.refuse(name, f"{len(wrong)} bytes, and the manifest says {len(content)}", COPY_AGAIN)
                path.write_bytes(b"x" + content[1:])
                self.refuse(name, "checksum", COPY_AGAIN)
                path.unlink()
                self.refuse(name, "No such file", COPY_AGAIN)
                path.mkdir()
                self.refuse(name, "not a regular file", COPY_AGAIN)
                path.rmdir()
                path.write_bytes(content)

    def test_paths_that_name_nothing(self) -> None:
        """An unset variable must not open the current folder."""
        for path in ("", "a\0b"):
            with self.assertRaisesRegex(BundleError, "no bundle at .*: an empty path, or one with a NUL"):
                Bundle.open(path)
        for wrong in (5, b"bundle", ["bundle"]):
            with self.assertRaisesRegex(TypeError, f"is a str or a path, not {type(wrong).__name__}"):
                Bundle.open(wrong)  # type: ignore[arg-type]

    def test_the_path_of_the_manifest(self) -> None:
        bundle = Bundle.open(self.folder / "manifest.json")
        self.assertEqual(bundle.folder, str(self.folder))
        self.assertEqual(bundle.vocabulary().tokens, VOCABULARY.tokens)
        with in_folder(self.folder):
            Bundle.open("manifest.json").verify()

    def test_a_program_that_changes_its_folder(self) -> None:
        single = shutil.copy(os.path.join(DEFAULT_BUNDLE, "model.dynamic_wi8.onnx"), self.folder.parent)
        with in_folder(self.folder.parent):
            bundle, file = Bundle.open("bundle"), Bundle.open(os.path.basename(single))
        self.assertEqual(bundle.vocabulary().tokens, VOCABULARY.tokens)
        self.assertEqual(pickle.loads(pickle.dumps(bundle)).labels, bundle.labels)
        self.assertEqual(Bundle.open(file.folder).name, file.name)

    def test_a_bundle_that_is_exchanged_while_it_is_loaded(self) -> None:
        """As an export does: the manifest was the old one's, and the other files are the new one's."""
        new = self.folder.parent / "new"
        for seed, (folder, labels) in enumerate(((self.folder, ["old", "older"]), (new, ["new", "newer"]))):
            content = safetensors(*random_bigrams(seed, vocabulary=len(VOCABULARY), max_length=8))
            model = entry("model.wi8_afp64.safetensors", content, engine="builtin", recipe="wi8_afp64")
            write_bundle(folder, labels=labels, models=[model])
            (folder / model["file"]).write_bytes(content)
        encoder = Bundle.encoder

        def exchange(bundle: Bundle) -> Any:
            if new.exists():
                shutil.rmtree(self.folder)
                new.rename(self.folder)
            return encoder(bundle)

        with mock.patch.object(Bundle, "encoder", exchange):
            self.assertEqual(Classifier.load(self.folder).labels, ["new", "newer"])

    def test_files_that_may_not_be_read(self) -> None:
        denied = PermissionError(errno.EACCES, "Permission denied")
        for name in ("manifest.json", "vocab.txt"):
            path = str(self.folder / name)
            real = os.lstat

            def lstat(asked: str, path: str = path, real: Any = real) -> os.stat_result:
                if asked == path:
                    raise denied
                return real(asked)

            with self.subTest(name), mock.patch("os.lstat", lstat):
                self.refuse(name, "Permission denied: let this user read it")

    @unittest.skipUnless(hasattr(os, "mkfifo"), "this system has no named pipes")
    def test_a_named_pipe_is_not_waited_for(self) -> None:
        for name in ("vocab.txt", "manifest.json"):
            (self.folder / name).unlink()
            os.mkfifo(self.folder / name)
            self.refuse(name, "not a regular file")

    def test_names_and_links_that_leave_the_bundle(self) -> None:
        (self.folder.parent / "secret").write_bytes(b"secret")
        for name in ("../secret", "/etc/hostname", "", ".", "..", "sub/model", "a\0b", "a\ud800b"):
            with self.subTest(ascii(name)):  # which pytest-xdist sends to another process
                write_bundle(self.folder, models=[entry(name, b"secret", engine="tflite", recipe="float32")])
                self.refuse("not a plain file name")
        os.symlink(self.folder.parent / "secret", self.folder / "link")
        write_bundle(self.folder, models=[entry("link", b"secret", engine="tflite", recipe="float32")])
        self.refuse("link", "leaves the bundle")

    def test_a_manifest_that_is_a_link(self) -> None:
        """As good as a file if it stays in the bundle; the bundle itself may be a link to anywhere."""
        path, outside = self.folder / "manifest.json", self.folder.parent / "outside.json"
        path.rename(self.folder / "other.json")
        path.symlink_to("other.json")
        (self.folder.parent / "link").symlink_to(self.folder)
        self.assertEqual(Bundle.open(self.folder.parent / "link").vocabulary().tokens, VOCABULARY.tokens)
        path.unlink()
        (self.folder / "other.json").rename(outside)
        path.symlink_to(outside)
        self.refuse("manifest.json", "leaves the bundle")
        path.unlink()
        path.symlink_to("nothing")
        self.refuse("manifest.json", "No such file")
        path.unlink()
        path.symlink_to("manifest.json")
        self.refuse("manifest.json")
        path.unlink()
        path.mkdir()
        self.refuse("manifest.json", "not a regular file")

    def test_no_byte_of_a_manifest_can_change(self) -> None:
        path = self.folder / "manifest.json"
        content = path.read_bytes()
        for place in range(len(content)):
            with self.subTest(place=place):
                path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
                self.refuse("manifest.json")
                path.write_bytes(content[:place])
                self.refuse("manifest.json")
        for changed in (content + b"\n", content.replace(b"positive", b"negative")):
            path.write_bytes(changed)
            self.refuse("manifest.json", "its checksum does not hold", COPY_AGAIN)
        for lines in (1, 2):
            path.write_bytes(b"{\n" + content.split(b"\n", 1 + lines)[-1])
            self.refuse("manifest.json")
        self.refuse("manifest.json", "does not begin with its checksum", "export it again")

    def test_no_byte_of_a_file_can_change(self) -> None:
        for name in ("vocab.txt", "model.float32.tflite"):
            path = self.folder / name
            content = path.read_bytes()
            for place in range(len(content)):
                with self.subTest(name, place=place):
                    path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
                    self.refuse(name, "checksum")
            path.write_bytes(content)

    def test_a_manifest_that_was_written(self) -> None:
        """It begins as the format says, and what was written is read back."""
        content = write({**self.manifest, "name": "caf\u00e9", "sha256": "old", "empty": {}, "none": []})
        (self.folder / "manifest.json").write_bytes(content)
        found = Bundle.open(self.folder).manifest
        expected = {**self.manifest, "name": "caf\u00e9", "empty": {}, "none": []}
        self.assertEqual(list(found), ["crc32", "sha256", *expected])
        self.assertEqual({key: found[key] for key in expected}, expected)
        _, _, after_crc32 = content.split(b"\n", 2)
        _, after_sha256 = after_crc32.split(b"\n", 1)
        self.assertEqual(int(found["crc32"], 16), zlib.crc32(after_crc32))
        self.assertEqual(found["sha256"], hashlib.sha256(after_sha256).hexdigest())
        self.assertEqual(content, write(found))
        self.assertEqual(describe_file("x", b"content"), entry("x", b"content"))

    def test_version_2_is_read_by_sha256(self) -> None:
        as_version_2(self.folder)
        self.test_good()
        self.assertIsNone(Bundle.open(self.folder).models[0].crc32)
        Bundle.open(self.folder).verify()
        for name in ("manifest.json", "vocab.txt", "model.float32.tflite"):
            path = self.folder / name
            content = path.read_bytes()
            for place in range(len(content)):
                with self.subTest(name, place=place):
                    path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
                    self.refuse(name)
            path.write_bytes(content)

    def test_a_change_with_a_matching_crc32_is_found_by_sha256(self) -> None:
        """Loading compares CRC-32 only; ``verify`` names the file."""
        for name in ("vocab.txt", "model.float32.tflite", "manifest.json"):
            write_bundle(self.folder)
            change_behind_crc32(self.folder, name)
            with self.subTest(name):
                bundle = Bundle.open(self.folder)
                self.assertEqual([len(bundle.read(entry)) for entry in bundle.files], [e.size for e in bundle.files])
                with self.assertRaisesRegex(BundleError, f"{name}: its checksum"):
                    bundle.verify()

    def test_versions(self) -> None:
        path = self.folder / "manifest.json"
        for version, fix in (
            (1, "export it again"),
            (0, "export it again"),
            (4, "newer edgetext"),
            (None, "export it again"),
        ):
            write_bundle(self.folder, format_version=version)
            expected = f"format_version is {version}, and this version of edgetext reads 2 and 3"
            self.refuse("manifest.json", expected, fix)
            # How other versions begin is unknown.
            path.write_bytes(b"{\n" + path.read_bytes().split(b"\n", 3)[-1])
            self.refuse("manifest.json", expected, fix)
        write_bundle(self.folder)
        as_version_2(self.folder)
        content = path.read_bytes().split(b"\n", 2)[2]
        path.write_bytes(with_checksums(content))
        self.refuse("manifest.json", "does not begin with its checksum")

    def test_impossible_sizes(self) -> None:
        """No memory is allocated because of a size in a manifest."""
        good: dict[str, Any] = self.manifest
        write_bundle(self.folder, vocabulary={**good["vocabulary"], "size": 2 * 10**9})
        with open(self.folder / "vocab.txt", "r+b") as file:
            file.truncate(2 * 10**9)  # a hole, which takes no room on the disk
        self.refuse("vocab.txt", f"longer than {MAX_FILE_BYTES} bytes")
        write_bundle(self.folder, labels=[f"label {number}" for number in range(10**6)])
        self.refuse("manifest.json", "longer than 1000000 bytes")
        write_bundle(self.folder, preprocessing={**good["preprocessing"], "max_length": 2**31})
        self.refuse("manifest.json", "max_length must be a whole number from 1 to 65536")
        write_bundle(self.folder, models=[good["models"][0]] * 2000)
        self.assertEqual(len(Bundle.open(self.folder).models), 2000)

    def test_bad_manifests(self) -> None:
        good: dict[str, Any] = self.manifest
        bad: list[tuple[str, dict[str, Any]]] = [
            ("name must be a string", {"name": 1}),
            ("labels must be a list", {"labels": "positive"}),
            ("two or more", {"labels": ["positive"]}),
            ("two or more", {"labels": ["positive", 1]}),
            ("cannot be printed", {"labels": ["positive", "neg\x1b[31m"]}),
            ("cannot be printed", {"labels": ["positive", "neg\ud800"]}),
            ("cannot be printed", {"labels": ["positive", "neg\x9b31m"]}),
            ("cannot be printed", {"labels": ["positive", "two\u2028lines"]}),
            ("a label is empty", {"labels": ["", "positive"]}),
            ("a label is empty", {"labels": ["positive", "\u00a0\u3000"]}),
            ("cannot be printed", {"name": "a\nb"}),
            ("bytes, and the manifest says", {"vocabulary": {**good["vocabulary"], "size": 10**30}}),
            ("twice", {"labels": ["positive", "positive"]}),
            ("preprocessing must be an object", {"preprocessing": []}),
            ("tokenizer is 'x'", {"preprocessing": {**good["preprocessing"], "tokenizer": "x"}}),
            ("vocabulary must be an object", {"vocabulary": None}),
            ("size must be a whole number", {"vocabulary": {**good["vocabulary"], "size": -1}}),
            ("size must be a whole number", {"vocabulary": {**good["vocabulary"], "size": True}}),
            ("models must be a list", {"models": {}}),
            ("models[0] must be an object", {"models": ["x"]}),
            ("engine must be a string", {"models": [entry("m", b"")]}),
            ("cannot be printed", {"models": [entry("m", b"", engine="r\x1b[31m", recipe="a")]}),
            ("cannot be printed", {"models": [entry("m", b"", engine="tflite", recipe="a\nb")]}),
            ("format_version is True", {"format_version": True}),
            ("keys: 'a\\nb'", {"preprocessing": {**good["preprocessing"], "a\nb": 1}}),
            ("checksum", {"vocabulary": {**good["vocabulary"], "crc32": "0" * 8}}),
            ("crc32 must be a string", {"vocabulary": {**good["vocabulary"], "crc32": 0}}),
        ]
        for part, change in bad:
            with self.subTest(part, change=change):
                write_bundle(self.folder, **change)
                self.refuse(part)

    def test_labels_of_any_script(self) -> None:
        """Joiners, soft hyphens and marks of direction are part of a label, like characters of private use."""
        for label in (
            "\u0639\u0644\u0645\u200c\u0648",
            "\U0001f469\u200d\U0001f467",
            "so\xadft",
            "\u200f\u05d0\u200e",
            "\ue000",
        ):
            with self.subTest(label):
                write_bundle(self.folder, labels=["negative", label])
                self.assertEqual(Bundle.open(self.folder).labels, ["negative", label])

    def test_manifests_that_are_no_json_object(self) -> None:
        path = self.folder / "manifest.json"
        for content in (
            b"",
            b"{",
            b"[]",
            b"\xff\xfe",
            b'{"format_version": 1, "format_version": 1}',
            b"[" * 100_000,
            b" " * 1_000_001,
        ):
            with self.subTest(content=content[:20]):
                path.write_bytes(content)
                self.refuse("manifest.json")

    def test_manifests_that_are_no_json_object_behind_a_checksum_that_holds(self) -> None:
        for rest in (
            b"",
            b"}",
            b'"format_version": 3} {',
            b"\xff}",
            b'"format_version": 3, "format_version": 3}',
            b'"format_version": 3, "sha256": ""}',
            b'"format_version": NaN}',
            b'"format_version": ' + b"[" * 100_000,
            b'"format_version": ' + b"9" * 100_000 + b"}",
        ):
            with self.subTest(rest=rest[:40]):
                (self.folder / "manifest.json").write_bytes(with_checksums(rest))
                self.refuse("manifest.json")

    def put_vocabulary(self, content: bytes) -> Bundle:
        (self.folder / "vocab.txt").write_bytes(content)
        write_manifest(self.folder, {**self.manifest, "vocabulary": entry("vocab.txt", content)})
        return Bundle.open(self.folder)

    def test_a_vocabulary_that_is_not_parsed_yet(self) -> None:
        reserved = b"<PAD>\n<START>\n<UNKNOWN>\n<UNUSED>\n"
        # Its form is checked at once ...
        for content in (b"", reserved[:-1], reserved.replace(b"\n", b"\r\n"), b"the\n" + reserved, reserved + b"the"):
            with self.subTest(content=content), self.assertRaisesRegex(BundleError, "not a vocabulary"):
                self.put_vocabulary(content).encoder()
        # ... and the rest when its table is made.
        for content in (b"the\nthe\n", b"\xff\n", b"The\n"):
            encoder = self.put_vocabulary(reserved + content).encoder()
            self.assertEqual(encoder.ids("nowhere"), [1, 2])
            with self.subTest(content=content), self.assertRaisesRegex(BundleError, "vocab.txt: "):
                encoder.ids("nowhere " * (FEW_WORDS + 1))

    def test_a_vocabulary_of_another_size_than_the_model(self) -> None:
        bundle = Bundle.open()
        encoder = bundle.encoder()
        encoder.check_vocabulary_size(19_900)
        self.assertEqual(len(encoder.vocabulary), 19_900)
        encoder = bundle.encoder()
        encoder.check_vocabulary_size(7)
        with self.assertRaisesRegex(BundleError, "the vocabulary has 19900 ids, and the model knows 7"):
            encoder.ids("great " * (FEW_WORDS + 1))

    def test_few_words_are_searched_and_many_looked_up(self) -> None:
        table = Bundle.open().vocabulary().table
        encoder = Bundle.open().encoder()
        with mock.patch.object(StoredVocabulary, "find", return_value=5) as find:
            for _ in range(FEW_WORDS):
                self.assertEqual(encoder.ids("great"), [1, 5])
            for _ in range(20):
                self.assertEqual(encoder.ids("great"), [1, table[b"great"]])
        self.assertEqual(find.call_count, FEW_WORDS)

    def test_words_are_found_alike_before_and_after_parsing(self) -> None:
        parsed = Bundle.open().vocabulary()
        lazy = StoredVocabulary(parsed.to_bytes(), "vocab.txt", KERAS_IMDB)
        words = [*parsed.tokens[::997], "nosuchword", "<PAD>", "great\r", "\x0b", "gre", "reat"]
        for word in words:
            for key in KERAS_IMDB.split(word):
                self.assertEqual(lazy.find(key), parsed.find(key), word)
        self.assertEqual([lazy.find(key) for key in KERAS_IMDB.split(parsed.tokens[-1])], [len(parsed) - 1])
        self.assertEqual(lazy.table, parsed.table)

    def test_a_vocabulary_that_is_none(self) -> None:
        content = b"the\nmovie\n"
        (self.folder / "vocab.txt").write_bytes(content)
        write_manifest(self.folder, {**self.manifest, "vocabulary": entry("vocab.txt", content)})
        self.refuse("vocab.txt", "first ")

    def test_what_is_asked_for_and_not_there(self) -> None:
        for engine, recipe, kind, part in (
            ("bogus", None, EngineError, "auto, builtin, tflite"),
            ("onnx", None, BundleError, "no model for engine onnx; it has float32 (tflite)"),
            ("tflite", "float16", BundleError, "no model for engine tflite and recipe float16"),
            ("auto", "float16", BundleError, "no model for recipe float16"),
        ):
            with self.subTest(part), self.assertRaises(kind) as caught:
                Classifier.load(self.folder, engine, recipe=recipe)
            self.assertIn(part, str(caught.exception))
        write_bundle(self.folder, models=[])
        with self.assertRaisesRegex(BundleError, "it has no model at all"):
            Classifier.load(self.folder)
        with self.assertRaisesRegex(ValueError, "threads"):
            Classifier.load(self.folder, threads=0)


if __name__ == "__main__":
    unittest.main()
