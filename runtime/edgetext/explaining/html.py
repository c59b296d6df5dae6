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


def write_html(text: str, words: list[Part], label: str, against: str) -> str:
    """Return an element ``div``, of the class ``edgetext-explanation``, without scripts and outside resources.

    Each word with an effect is in a ``span`` whose title states it.

    Args:
        text: The text.
        words: Its words in order, with their effects.
        label: The label that they speak for with an effect above 0.
        against: The other one.
    """
    largest = max((abs(word.effect) for word in words), default=0.0) or 1.0
    pieces, end = [], 0
    for word in words:
        if word.start < end:  # a run of which some words were read
            continue
        pieces += [escape(text[end : word.start]), _mark(word, largest)]
        end = word.end
    pieces.append(escape(text[end:]))
    return (
        f'<div class="edgetext-explanation"><p style="white-space: pre-wrap">{"".join(pieces)}</p>'
        f"<p><small>{_mark_text('for ' + label, FOR, _STRONGEST)} "
        f"{_mark_text('against it, for ' + against, AGAINST, _STRONGEST)}</small></p></div>"
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
