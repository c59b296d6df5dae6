"""What few texts need of the rule set ``words-1``: characters beyond ASCII, emoticons, and great length."""

from __future__ import annotations

from bisect import bisect_right
from io import BytesIO

from edgetext import characters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# Code points that a table remembers, about 200 bytes each; more than most languages use.
MOST = 8_192
# Only characters beyond ASCII are replaced in a text with at most FEW different ones, and one byte of them in RARE.
FEW, RARE = 16, 8
_ASCII = bytes(range(128))
# Characters, or bytes, of a long text that are folded at once.
PIECE = 2**17
# What may not follow an emoticon that ends with one of these.
_WORD_CHARACTERS = frozenset("_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


class Folding(dict[int, "int | str"]):
    """What ``str.translate`` puts in the place of each code point; found when it is needed first.

    Threads may share it: what is found twice is the same.
    """

    def __init__(self, marks: bool) -> None:
        """Make a table, in which exclamation and question marks are words if ``marks`` is set."""
        super().__init__()
        self._marks = marks

    def __missing__(self, code: int) -> int | str:
        if len(self) >= MOST:
            self.clear()
        self[code] = found = fold_character(code, self._marks)
        return found

    def fold(self, text: str) -> str:
        """Replace the code points of a text; where most are ASCII, perhaps only the others."""
        others = text.encode("utf-8", "surrogatepass").translate(None, _ASCII)
        if RARE * len(others) < len(text):
            distinct = set(others.decode("utf-8", "surrogatepass"))
            if len(distinct) <= FEW:
                # In English with a few quotation marks this takes a fifth of the time.
                for char in distinct:
                    folded = self[ord(char)]
                    text = text.replace(char, folded if isinstance(folded, str) else chr(folded))
                return text
        return text.translate(self)


def fold_character(code: int, marks: bool) -> int | str:
    """Return what takes the place of a code point: one, or a string; words of one character have spaces around them."""
    action = characters.ACTIONS[bisect_right(characters.STARTS, code) - 1]
    if action == characters.LETTER:
        return code
    if action == characters.NOTHING:
        return ""
    if action == characters.WORD:
        return f" {chr(code)} "
    if action == characters.TO_ODD:
        return code | 1
    if action == characters.TO_EVEN:
        return code + (code & 1)
    if action >= characters.SHIFT:
        return code + characters.DISTANCES[action - characters.SHIFT]
    if marks and action in (characters.EXCLAMATION, characters.QUESTION):
        return " ! " if action == characters.EXCLAMATION else " ? "
    return 0x20


# By ``marks``.
TABLES = {marks: Folding(marks) for marks in (False, True)}


def fold_in_pieces(text: str, fold: Callable[[str], bytes], drop_apostrophes: Callable[[bytes], bytes]) -> bytes:
    """Fold a long text piece by piece, because as a whole it takes up to six times its UTF-8 in memory.

    Args:
        text: The text.
        fold: Folds each code point by itself.
        drop_apostrophes: Replaces apostrophes in a piece that ends with a space.
    """
    folded = _join((fold(text[start : start + PIECE]) for start in range(0, len(text), PIECE)), end=b" ")
    return _join(map(drop_apostrophes, _cut_at_spaces(folded))) if b"'" in folded else folded


def _join(pieces: Iterable[bytes], end: bytes = b"") -> bytes:
    """Join pieces as they come, none of which is kept: ``bytes.join`` keeps all."""
    joined = BytesIO()
    joined.writelines(pieces)
    joined.write(end)
    return joined.getvalue()


def _cut_at_spaces(folded: bytes) -> Iterator[bytes]:
    """Yield pieces that end with a space, as ``folded`` does."""
    start = 0
    while start < len(folded):
        end = folded.find(b" ", start + PIECE) + 1 or len(folded)
        yield folded[start:end]
        start = end


def fold_between_emoticons(text: str, fold: Callable[[str], bytes], emoticons: tuple[str, ...]) -> bytes:
    """Fold what stands between emoticons, each of which is a word; no two can overlap."""
    for place, emoticon in enumerate(emoticons, 1):
        if emoticon in text:
            others, mark, folded = emoticons[place:], b" %b " % emoticon.encode(), BytesIO()
            for part in _cut_at(emoticon, text):
                folded.write(fold_between_emoticons(part, fold, others) + mark if part else mark)
            folded.truncate(folded.tell() - len(mark))
            return folded.getvalue()
    return fold(text)


def _cut_at(emoticon: str, text: str) -> Iterator[str]:
    """Yield the parts of a text before, between and after the places where an emoticon stands."""
    start, place = 0, text.find(emoticon)
    while place >= 0:
        end = place + len(emoticon)
        if emoticon[-1] not in _WORD_CHARACTERS or text[end : end + 1] not in _WORD_CHARACTERS:
            yield text[start:place]
            start = end
        place = text.find(emoticon, end)
    yield text[start:]
