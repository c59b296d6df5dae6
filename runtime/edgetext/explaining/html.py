"""An explanation as a fragment of HTML."""

from __future__ import annotations

from html import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edgetext.explaining.parts import Part

# Blue speaks for the label and orange against it, which people with the usual kinds of colour blindness can tell apart
# (Okabe and Ito, "Color Universal Design"); the lines below the words differ too.
FOR, AGAINST = ("0, 114, 178", "solid"), ("213, 94, 0", "dotted")
# The opacity of the strongest word's background, at which black text on it still has a contrast of 4.5 to 1.
_STRONGEST = 0.45


def write_html(text: str, words: list[Part], label: str, against: str, note: str | None) -> str:
    """Return an element ``div``, of the class ``edgetext-explanation``, without scripts and outside resources.

    Each word with an effect is in a ``span`` whose title states it.

    Args:
        text: The text.
        words: Its words in order, with their effects.
        label: The label that they speak for with an effect above 0.
        against: The other one.
        note: What to say below the text in place of what the colours mean; None for that.
    """
    largest = max((abs(word.effect) for word in words), default=0.0) or 1.0
    pieces, end = [], 0
    for word in words:
        if word.start < end:  # a run of which some words were read
            continue
        pieces += [escape(text[end : word.start]), _mark(word, largest)]
        end = word.end
    pieces.append(escape(text[end:]))
    colours = (("for " + label, FOR), ("against it, for " + against, AGAINST))
    below = escape(note) if note else " ".join(_mark_text(what, style, _STRONGEST) for what, style in colours)
    return (
        f'<div class="edgetext-explanation"><p style="white-space: pre-wrap">{"".join(pieces)}</p>'
        f"<p><small>{below}</small></p></div>"
    )


def _mark(word: Part, largest: float) -> str:
    if not word.effect:
        return escape(word.text)
    style = FOR if word.effect > 0 else AGAINST
    return _mark_text(word.text, style, _STRONGEST * abs(word.effect) / largest, f"{word.effect:+.3f}")


def _mark_text(text: str, style: tuple[str, str], opacity: float, title: str = "") -> str:
    colour, line = style
    about = f' title="{title}"' if title else ""
    return (
        f'<span{about} style="background: rgba({colour}, {opacity:.2f}); '
        f'border-bottom: 2px {line} rgba({colour}, {opacity + 0.3:.2f})">{escape(text)}</span>'
    )
