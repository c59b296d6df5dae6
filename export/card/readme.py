"""The model card as a file: its sections, and when it replaces the one in a bundle."""

from __future__ import annotations

import re
import sys
from binascii import crc32
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from export.bundle_folder import README
from export.card.front_matter import describe_front_matter, find_license
from export.card.markdown import SHOWN_LABELS, code, escape
from export.card.quality import describe_limits, describe_quality
from export.card.uses import describe_uses
from train.run import Run

# The last line of a card; a card whose text has another checksum was edited.
_LAST = re.compile(rb"\n<!-- edgetext [0-9a-f]{8}: [^\n]* -->\n\Z")


def update_readme(out: Path | None, run: Run, manifest: Mapping[str, Any], license_: str = "") -> bytes:
    """Return the model card of a bundle to write; the one that is there, if somebody edited it.

    Args:
        out: The bundle's folder, whose card and licence are kept; None if the bundle is new.
        run: The run that the bundle was exported from.
        manifest: The manifest of the bundle to write.
        license_: The licence of the model; if it is empty, the one that the card in ``out`` names.
    """
    path = None if out is None else out / README
    before = path.read_bytes() if path is not None and path.is_file() else b""
    if before and not _is_ours(before):
        print(f"note: {path} was edited, so it is kept as it is; move it away to get a new one", file=sys.stderr)
        return before
    return make_readme(run, manifest, license_ or find_license(before.decode("utf-8")))


def make_readme(run: Run, manifest: Mapping[str, Any], license_: str = "") -> bytes:
    """Return the model card of a bundle in UTF-8; the same run and manifest give the same bytes."""
    labels = manifest["labels"]
    shown = ", ".join(map(code, labels[:SHOWN_LABELS]))
    more = f" and {len(labels) - SHOWN_LABELS} more" if len(labels) > SHOWN_LABELS else ""
    parts = [
        describe_front_matter(run, manifest, license_),
        f"# {escape(manifest['name'])}",
        "A text classifier for devices without a GPU, trained and exported with edgetext (preset "
        f"{escape(run.config['preset'])}). It gives a text one of {len(labels)} labels: {shown}{more}.",
        *describe_quality(run, manifest),
        *describe_limits(run),
        *describe_uses(manifest),
    ]
    content = ("\n\n".join(parts) + "\n").encode("utf-8", "surrogatepass")
    return content + _last_line(content)


def _last_line(content: bytes) -> bytes:
    note = "exporters write this file again, unless it was edited"
    return f"\n<!-- edgetext {crc32(content):08x}: {note} -->\n".encode("ascii")


def _is_ours(card: bytes) -> bool:
    """Return whether a card is as an exporter wrote it; an editor may have changed the ends of lines."""
    card = card.replace(b"\r\n", b"\n")
    found = _LAST.search(card)
    return found is not None and _last_line(card[: found.start()]) == found.group()
