"""Rules for the checkout as a whole."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from benchmarks.report import READMES

ROOT = Path(__file__).resolve().parent.parent


def tracked() -> list[Path]:
    result = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if result.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in result.stdout.decode().split("\0") if name and (ROOT / name).exists()]


def test_no_large_files() -> None:
    assert [path.name for path in tracked() if path.stat().st_size > 2_000_000] == []


@pytest.mark.parametrize("stage", ["train", "export", "benchmarks", "runtime"])
def test_no_module_hides_a_real_package(stage: str) -> None:
    """A script's own folder comes before the standard library and site-packages on the path."""
    import importlib.metadata
    import sys

    real = set(sys.stdlib_module_names) | set(importlib.metadata.packages_distributions())
    assert {path.stem for path in (ROOT / stage).glob("*.py")} & real == set()


def tokens_of(page: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(page.read_text("utf-8"))


def links_in(page: Path) -> Iterator[str]:
    """Yield the targets of a page's links and images, without those that have a scheme, such as https:."""
    inline = [token for block in tokens_of(page) for token in [block, *(block.children or [])]]
    targets = [str(token.attrs.get("href") or token.attrs.get("src") or "") for token in inline]
    html = "".join(token.content for token in inline if token.type in ("html_block", "html_inline"))
    targets += re.findall(r'(?:href|src)="([^"]*)"', html)
    return (target for target in targets if target and not re.match("[a-z]+:", target))


def anchors_of(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    blocks = tokens_of(page)
    headings = [after.content for block, after in pairwise(blocks) if block.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_and_anchors_exist() -> None:
    pages = [path for path in tracked() if path.suffix == ".md"]
    assert pages
    broken = []
    for page in pages:
        for target in links_in(page):
            path, _, anchor = unquote(target).partition("#")
            linked = page.parent / path if path else page
            if not linked.exists() or (anchor and anchor not in anchors_of(linked)):
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert broken == []


def test_report_writes_every_page_with_generated_blocks() -> None:
    pages = [path for path in tracked() if path.suffix == ".md"]
    generated = {page for page in pages if re.search("^<!-- begin ", page.read_text("utf-8"), re.MULTILINE)}
    assert generated
    assert generated <= {page for name in READMES for page in ROOT.glob(name)}


def test_guides_write_below_build() -> None:
    """What a reader makes in the checkout is not shown as untracked."""
    written = []
    for page in (path for path in tracked() if path.suffix == ".md"):
        code = [token.content for token in tokens_of(page) if token.type in ("code_block", "fence")]
        written += re.findall(r"(?:mkdir|--header|cc .* -o) (\S+)", "".join(code))
    assert len(written) > 3
    assert [path for path in written if not path.startswith("build/")] == []
