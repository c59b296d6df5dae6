"""Explanations on a terminal, for ``--explain``."""

from __future__ import annotations

import os

from edgetext.explaining import NOTHING_KNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edgetext.explaining import Explanation, Part

# How many parts are listed, and the width of the longest bar.
LISTED, BAR = 8, 12
# Blue for the label and orange against it, of the 256 colours of terminals: weak and strong.
_FOR, _AGAINST = (75, 33), (215, 208)
# A word with less than this share of the largest effect is not coloured, and one with more than STRONG is in bold.
_WEAK, _STRONG = 0.15, 0.6


def show_explanation(explanation: Explanation, *, colour: bool) -> str:
    """Return an explanation as lines: the text, if there may be colours, and the strongest parts with bars."""
    lines = [_colour_text(explanation)] if colour else []
    if not explanation.knows_words:
        return "\n".join([*lines, f"  {NOTHING_KNOWN}"]) + "\n"
    lines.append(f"  why {explanation.label} and not {explanation.against}:")
    parts = _add_equal(explanation.parts)
    largest = max((abs(effect) for _, effect in parts), default=1.0)
    for name, effect in parts[:LISTED]:
        bar = draw_bar(effect / largest)
        lines.append(_line(effect, _colour(bar, effect, abs(effect) / largest) if colour else bar, name))
    if len(parts) > LISTED:
        rest = explanation.logit - explanation.bias - sum(effect for _, effect in parts[:LISTED])
        lines.append(_line(rest, "", "(everything else)"))
    lines.append(_line(explanation.bias, "", "(what the model adds to every text)"))
    lines.append(_line(explanation.logit, "", f"in all: log odds of {explanation.label}"))
    return "\n".join(lines) + "\n"


def _line(effect: float, bar: str, name: str) -> str:
    return f"  {effect:+8.3f}  {bar:{BAR}s}  {name}"


def _add_equal(parts: list[Part]) -> list[tuple[str, float]]:
    """Return what the parts that are the same words add together, with their name, the largest effect first."""
    totals: dict[str, tuple[str, int, float]] = {}
    for part in parts:
        if part.effect:
            name = describe(part)
            first, count, effect = totals.get(name.lower(), (name, 0, 0.0))
            totals[name.lower()] = first, count + 1, effect + part.effect
    named = [(f"{name} \u00d7{count}" if count > 1 else name, effect) for name, count, effect in totals.values()]
    return sorted(named, key=lambda item: -abs(item[1]))


def draw_bar(share: float) -> str:
    """Return a bar of plus signs, or minus signs below 0, for a share from -1 to 1."""
    bar = ("+" if share > 0 else "-") * max(round(BAR * abs(share)), 1)
    return f"{bar:{BAR}s}"


def describe(part: Part) -> str:
    """Return a part's text on one line, and its kind unless it is made of known words."""
    text = " ".join(printable(part.text).split())
    notes = {"beginning": " (at the beginning)", "characters": " (by its characters)", "unknown": " (unknown)"}
    return text + notes.get(part.kind, "")


def printable(text: str) -> str:
    """Return a text without characters that a terminal would obey."""
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)


def may_colour(is_terminal: bool) -> bool:
    """Return whether to use colours: on a terminal, unless NO_COLOR is set (no-color.org) or it is a dumb one."""
    return is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _colour_text(explanation: Explanation) -> str:
    words = explanation.by_word()
    largest = max((abs(word.effect) for word in words), default=0.0) or 1.0
    pieces, end = ["  "], 0
    for word in words:
        if word.start < end:
            continue
        share, text = abs(word.effect) / largest, printable(word.text)
        pieces.append(printable(explanation.text[end : word.start]))
        # Underlined if it speaks against the label, so that the colour is not all that tells.
        pieces.append(text if share < _WEAK else _colour(text, word.effect, share, "4;" if word.effect < 0 else ""))
        end = word.end
    return "".join([*pieces, printable(explanation.text[end:])])


def _colour(text: str, effect: float, share: float, style: str = "") -> str:
    colours, strong = _FOR if effect > 0 else _AGAINST, share > _STRONG
    return f"\x1b[{'1;' if strong else ''}{style}38;5;{colours[strong]}m{text}\x1b[0m"
