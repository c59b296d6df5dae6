"""Faults of a file in a bundle: truncated, a byte flipped, missing, replaced; and invalid manifests."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

from edgetext.bundle.manifest import MANIFEST, describe_file, write_manifest

# What replaces a file, and whether the bundle must be refused because of it.
REPLACED = {
    "swapped": True,
    "missing": True,
    "folder": True,
    "pipe": True,
    "device": True,
    "link out": True,
    "link to nothing": True,
    "link to itself": True,
    "link inside": False,
}


class Fault(NamedTuple):
    """A fault of one file, for one engine.

    Attributes:
        engine: The engine that reads the bundle.
        file: The file's name.
        kind: ``"cut"``, ``"flip"``, ``"content"`` or one of ``REPLACED``.
        place: Where it is cut or flipped.
        mask: The bits that are flipped.
        content: What the file holds instead, as Latin-1.
        name: Its name in failures; empty if the other attributes are enough.
    """

    engine: str
    file: str
    kind: str
    place: int = 0
    mask: int = 0
    content: str = ""
    name: str = ""

    def __str__(self) -> str:
        """Return a short description."""
        where = f" {self.place}" + (f" ^ {self.mask}" if self.mask else "") if self.kind in ("cut", "flip") else ""
        return f"{self.engine}, {self.file}: {self.name or self.kind}{where}"


def damages(engine: str, file: Path, cuts: int, flips: int, rng: random.Random) -> Iterator[Fault]:
    """Truncate a file at ``cuts`` places, and flip ``flips`` of its bytes, one at a time."""
    size = file.stat().st_size
    for part in range(cuts):
        yield Fault(engine, file.name, "cut", size * part // cuts)
    for _ in range(flips):
        yield Fault(engine, file.name, "flip", rng.randrange(size), rng.randrange(1, 256))


def replacements(engine: str, file: Path) -> Iterator[Fault]:
    """Replace a file by each of ``REPLACED``."""
    for kind in REPLACED:
        yield Fault(engine, file.name, kind)


def apply(fault: Fault, good: Path, work: Path, other: Path) -> None:
    """Apply the fault to a copy of a bundle.

    Args:
        fault: What to do.
        good: The intact bundle, or the single file.
        work: The copy.
        other: A folder with another bundle, or another single file.
    """
    path = work / fault.file
    path.unlink()
    source = good / fault.file
    if fault.kind == "cut":
        path.write_bytes(source.read_bytes()[: fault.place])
    elif fault.kind == "flip":
        content = bytearray(source.read_bytes())
        content[fault.place] ^= fault.mask
        path.write_bytes(content)
    elif fault.kind == "content":
        path.write_bytes(fault.content.encode("latin-1"))
    elif fault.kind == "swapped":
        shutil.copyfile(other / fault.file, path)
    elif fault.kind == "folder":
        path.mkdir()
    elif fault.kind == "pipe":
        os.mkfifo(path)
    elif fault.kind == "link inside":
        shutil.copyfile(source, work / "inside")
        path.symlink_to("inside")
    elif fault.kind != "missing":
        targets = {"device": "/dev/zero", "link out": str(source), "link to nothing": "nothing"}
        path.symlink_to(targets.get(fault.kind, fault.file))


def undo(fault: Fault, good: Path, work: Path) -> None:
    """Restore the copy."""
    path = work / fault.file
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    path.unlink(missing_ok=True)
    (work / "inside").unlink(missing_ok=True)
    shutil.copyfile(good / fault.file, path)


def make_other(good: Path, other: Path) -> None:
    """Write a bundle of the same form with other labels, another order of words, and another weight in each model."""
    shutil.copytree(good, other)
    manifest = json.loads((good / MANIFEST).read_bytes())
    manifest["labels"].reverse()
    for record in (manifest["vocabulary"], *manifest["models"]):
        content = bytearray((good / record["file"]).read_bytes())
        if record is manifest["vocabulary"]:
            *first, one, two, _ = bytes(content).split(b"\n")
            content = bytearray(b"\n".join([*first, two, one, b""]))
        else:
            content[len(content) // 2] ^= 1
        (other / record["file"]).write_bytes(content)
        record.update(describe_file(record["file"], bytes(content)))
    (other / MANIFEST).write_bytes(write_manifest(manifest))


def invalid_manifests(good: Path) -> dict[str, bytes]:
    """Return manifests that must be refused, by description; most have a correct checksum."""
    manifest = json.loads((good / MANIFEST).read_bytes())
    vocabulary, preprocessing, models = manifest["vocabulary"], manifest["preprocessing"], manifest["models"]

    def all_models(**changes: Any) -> dict[str, Any]:
        return {"models": [{**model, **changes} for model in models]}

    changes: dict[str, dict[str, Any]] = {
        "a vocabulary of 10**15 bytes": {"vocabulary": {**vocabulary, "size": 10**15}},
        "models of 10**15 bytes": all_models(size=10**15),
        "a size of 4,000 digits": all_models(size=10**4000),
        "a negative size": all_models(size=-1),
        "a max_length of 2**31": {"preprocessing": {**preprocessing, "max_length": 2**31}},
        "a max_length of 0": {"preprocessing": {**preprocessing, "max_length": 0}},
        "another max_length": {"preprocessing": {**preprocessing, "max_length": preprocessing["max_length"] + 1}},
        "10**6 labels": {"labels": [str(number) for number in range(10**6)]},
        "100,000 labels": {"labels": [str(number) for number in range(10**5)]},
        "three labels": {"labels": ["a", "b", "c"]},
        "a label twice": {"labels": ["a", "a"]},
        "version 1": {"format_version": 1},
        "version 4": {"format_version": 4},
        "another tokenizer": {"preprocessing": {**preprocessing, "tokenizer": "bert"}},
        "no models": {"models": []},
        "an unknown engine": all_models(engine="unknown"),
        "names that leave it": all_models(file="../manifest.json"),
        "a name with a NUL": all_models(file="a\0b"),
        "the manifest as the model": all_models(file=MANIFEST),
        "the vocabulary as the model": all_models(**vocabulary),
    }
    whole = write_manifest(manifest)
    body = whole.split(b",\n", 2)[2]
    deep = b'  "format_version": 3, "name": ' + b"[" * 400_000
    twice = b'  "name": "other",\n' + body
    return {
        **{what: write_manifest({**manifest, **change}) for what, change in changes.items()},
        "no checksum": b"{\n" + body,
        "a key twice": _sealed(twice),
        "deep nesting": _sealed(deep),
        "deep nesting, closed": _sealed(deep + b"]" * 400_000 + b"}"),
        "not UTF-8": _sealed(body.replace(b'"name": "', b'"name": "\xff')),
        "NaN": _sealed(body.replace(b'"format_version": 3', b'"format_version": NaN')),
        "a number of 100,000 digits": _sealed(
            body.replace(b'"format_version": 3', b'"format_version": ' + b"3" * 10**5)
        ),
        "two objects": _sealed(body + whole),
        "2 MB of white space": whole + b" " * 2_000_000,
        "another end": whole + b" ",
        "no JSON": b"manifest",
        "nothing": b"",
    }


def _sealed(body: bytes) -> bytes:
    """Add correct checksums to any content."""
    rest = b'  "sha256": "%b",\n%b' % (sha256(body).hexdigest().encode(), body)
    return b'{\n  "crc32": "%08x",\n%b' % (crc32(rest), rest)
