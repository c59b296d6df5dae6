"""Photograph the beginning of a report in headless Chromium, down to its plots.

Usage:

    python -m benchmarks.reporting.photograph build/report.html benchmarks/results/report.png

It needs Chromium, Node.js, and puppeteer-core in build/interop/browser, which `make test` installs.

Exit codes: 0; 2 for a mistake.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measuring import command
from benchmarks.measuring.browser.chromium import Chromium
from benchmarks.measuring.browser.server import serve
from edgetext.command.arguments.parser import Parser

NODE = command.ROOT / "build" / "interop" / "browser"
WIDTH, MARGIN, BORDER = 1000, 12, "#d0d7de"
COLOURS = 128
# Where the plots and what stands below them end, in pixels from the top.
END = "Math.max(...[...document.querySelectorAll('figure')].map(one => one.getBoundingClientRect().bottom))"


def photograph(page: Path) -> bytes:
    """Return a picture of the beginning of a page, as PNG.

    Raises:
        BenchmarkError: If something that it needs is missing.
    """
    from PIL import Image, ImageOps

    with tempfile.TemporaryDirectory() as folder, serve({"": page.absolute().parent}, {}) as server:
        taken = Path(folder) / "page.png"
        with Chromium(NODE) as chromium:
            chromium.ask("open", f"{server.url}/{page.name}", {"width": WIDTH, "height": WIDTH})
            end = round(chromium.evaluate(END)) + MARGIN
            chromium.ask("screenshot", str(taken))
        with Image.open(taken) as image:
            part = ImageOps.expand(image.convert("RGB").crop((0, 0, WIDTH, end)), 1, BORDER)
    file = io.BytesIO()
    part.quantize(COLOURS).save(file, format="png", optimize=True)
    return file.getvalue()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", metavar="REPORT.html", type=Path)
    parser.add_argument("out", metavar="PICTURE.png", type=Path)
    args = parser.parse_args(argv)

    def work() -> int:
        args.out.write_bytes(photograph(args.page))
        return 0

    return command.finish(work)


if __name__ == "__main__":
    sys.exit(main())
