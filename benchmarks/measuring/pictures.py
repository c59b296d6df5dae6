"""A picture of what a command prints on a terminal with colours, as SVG."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

from benchmarks.measuring.command import ROOT

# The example in README.md.
EXPLANATION = 'python runtime/classify.py --explain "Wooden acting, but a superb ending. I loved it."'
# A character of 14 px, whatever font there is: texts are stretched to it.
WIDTH, HEIGHT, MARGIN = 8.4, 20, 18
BACKGROUND, FOREGROUND = "#161b22", "#d7dce2"
_STYLE = re.compile("\x1b\\[([0-9;]*)m")


class Run(NamedTuple):
    """Characters of a line in the same style."""

    column: int
    text: str
    colour: str
    bold: bool
    underlined: bool


def picture(words: str) -> str:
    """Return a picture of a terminal on which a command was typed, and of what it printed."""
    return draw(words, print_on_terminal([word for word in shlex.split(words) if word != "python"]))


def print_on_terminal(arguments: Sequence[str], columns: int = 100) -> str:
    """Return what a script prints, run by this Python from the repository's root, on a terminal ``columns`` wide."""
    import fcntl  # these are not known on Windows
    import pty
    import struct
    import termios

    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    env = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | {"TERM": "xterm-256color"}
    command = [sys.executable, *arguments]
    done = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=terminal, cwd=ROOT, env=env)
    os.close(terminal)
    printed = b""
    try:
        while part := os.read(controller, 65_536):
            printed += part
    except OSError:  # the end of a terminal
        pass
    os.close(controller)
    if done.wait():
        raise subprocess.CalledProcessError(done.returncode, command)
    return printed.decode().replace("\r\n", "\n")


def draw(command: str, printed: str) -> str:
    """Return the picture of a command and of what it printed."""
    lines = [line.expandtabs() for line in (f"$ {command}", *printed.rstrip("\n").split("\n"))]
    longest = max(len(_STYLE.sub("", line)) for line in lines)
    width, height = round(2 * MARGIN + longest * WIDTH), 2 * MARGIN + len(lines) * HEIGHT
    texts = [
        _draw_run(run, MARGIN + (number + 0.7) * HEIGHT) for number, line in enumerate(lines) for run in _split(line)
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"',
            '  role="img" font-family="ui-monospace, Menlo, Consolas, \'DejaVu Sans Mono\', monospace" font-size="14">',
            f"<title>{escape(command)}</title>",
            f'<rect width="{width}" height="{height}" rx="8" fill="{BACKGROUND}"/>',
            *texts,
            "</svg>\n",
        ]
    )


def _split(line: str) -> Iterator[Run]:
    """Yield the words of a line, with the style of each."""
    column, colour, bold, underlined = 0, FOREGROUND, False, False
    for place, part in enumerate(_STYLE.split(line)):
        if place % 2:
            codes = part.split(";")
            bold, underlined = "1" in codes[:-3], "4" in codes[:-3]
            colour = FOREGROUND if part == "0" else _find_colour(int(codes[-1]))
            continue
        for match in re.finditer(r"\S+(?: \S+)*", part):
            yield Run(column + match.start(), match[0], colour, bold, underlined)
        column += len(part)


def _find_colour(number: int) -> str:
    """Return a colour of the cube of 256 colours that terminals have."""
    levels = (0, 95, 135, 175, 215, 255)
    red, green, blue = (levels[(number - 16) // size % 6] for size in (36, 6, 1))
    return f"#{red:02x}{green:02x}{blue:02x}"


def _draw_run(run: Run, bottom: float) -> str:
    style = ' font-weight="bold"' if run.bold else ""
    style += ' text-decoration="underline"' if run.underlined else ""
    left, length = MARGIN + run.column * WIDTH, len(run.text) * WIDTH
    return (
        f'<text x="{left:.1f}" y="{bottom:.0f}" textLength="{length:.1f}" lengthAdjust="spacingAndGlyphs" '
        f'fill="{run.colour}"{style}>{escape(run.text)}</text>'
    )
