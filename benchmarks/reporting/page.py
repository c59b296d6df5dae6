"""Writing a report as a page of HTML."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from benchmarks.measuring.layout import percent
from benchmarks.reporting.content import SHOWN
from benchmarks.reporting.sources import Missing

TEMPLATE = Path(__file__).with_name("page.html")
MOST_LETTERS = 300  # of a text


def render(content: dict[str, Any]) -> str:
    """Return the page; ``content`` is what ``content.gather`` returned. Nothing in it can be markup but the plots."""
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {"percent": percent, "shorten": shorten, "size": show_size, "time": show_time}
    environment.filters["breakable"] = breakable
    environment.tests["missing"] = lambda value: isinstance(value, Missing)
    template = environment.from_string(TEMPLATE.read_text("utf-8"))
    return template.render(content, most_shown=SHOWN)


def breakable(name: str) -> Markup:
    """Return a file's name that may be broken behind dots and underscores."""
    return Markup(re.sub(r"(?<=[._])", "<wbr>", str(escape(name))))


def shorten(text: str) -> str:
    """Return a text on one line, without its end if it is long."""
    line = " ".join(text.split())
    return line if len(line) <= MOST_LETTERS else f"{line[:MOST_LETTERS].rstrip()} …"


def show_size(size: int) -> str:
    """Return bytes in kB or MB."""
    return f"{size / 1000:,.0f} kB" if size < 10_000_000 else f"{size / 1e6:,.1f} MB"


def show_time(microseconds: float) -> str:
    """Return a time in microseconds or milliseconds."""
    return f"{microseconds:,.0f} µs" if microseconds < 1000 else f"{microseconds / 1000:,.1f} ms"
