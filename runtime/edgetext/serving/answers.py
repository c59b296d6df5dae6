"""The bodies of requests and of their answers, which are those of ``--json``."""

from __future__ import annotations

import json
from json import JSONDecoder

from edgetext.command.fields import dump, fields
from edgetext.command.ranking import FIELD
from edgetext.serving.metrics import Metrics
from edgetext.strict_json import refuse_constant, unique_keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgetext.classifier import Classifier
    from edgetext.command.ranking import Ranking

TEXT, JSON, LINES = "text/plain", "application/json", "application/x-ndjson"
# An array is read as a whole before its first text is scored.
MOST_TEXTS = 10_000
ADDED = frozenset({"label", "score", "probabilities", "engine", "known"})
# No number is used, and turning a long one into an int takes long.
_DECODER = JSONDecoder(
    parse_int=lambda digits: 0,
    parse_float=lambda digits: 0,
    parse_constant=refuse_constant,
    object_pairs_hook=unique_keys,
)
_SPACE = " \t\r\n"


class Refused(Exception):
    """A request that is answered with an error.

    Attributes:
        status: The HTTP status.
        headers: Further headers of the answer.
    """

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}


class Item:
    """A text of a request, and the JSON object that contained it, as it was written; None for a text alone."""

    __slots__ = ("source", "text")

    def __init__(self, text: str, source: str | None = None) -> None:
        self.text = text.replace("\r\n", "\n")
        self.source = source


class Answers:
    """Answers bodies with a classifier, and counts the texts.

    Attributes:
        metrics: The counts.
    """

    def __init__(self, classifier: Classifier, ranking: Ranking | None = None) -> None:
        """Answer with this classifier, and with the labels of a ranking if there is one."""
        self._classifier = classifier
        self._ranking = ranking
        self._added = ADDED | {FIELD} if ranking else ADDED
        self.metrics = Metrics(classifier.labels)

    def answer(self, kind: str, body: bytes) -> Iterator[str]:
        """Return the pieces of the answer to a body.

        Args:
            kind: ``TEXT``: the body is one text. ``JSON``: a text, an object with a field ``text``, or an array of
                these. ``LINES``: one of these on each line; the line of the answer to one that is neither has an
                ``error`` in place of a label.
            body: The bytes, in UTF-8.

        Raises:
            Refused: If the body cannot be read.
        """
        try:
            content = body.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise Refused(400, f"the body is not UTF-8: byte {error.start + 1} is wrong") from None
        if not content.strip():
            raise Refused(400, "the body has no text")
        if kind == LINES:
            return self._answer_lines(content)
        if kind == TEXT:
            return iter([self._answer(Item(content.rstrip("\r\n"))) + "\n"])
        content = content.strip(_SPACE)
        if content.startswith("["):
            return self._answer_array(list(_split_array(content, self._added)))
        item, end = _read_item(content, 0, self._added)
        if end < len(content):
            raise Refused(400, f"not JSON: something follows the value at character {end + 1}")
        return iter([self._answer(item) + "\n"])

    def _answer(self, item: Item) -> str:
        prediction = self._classifier.classify(item.text)
        self.metrics.count_text(prediction)
        added = fields(prediction, self._ranking)
        if item.source is None:
            return dump({"text": item.text, **added})
        # As it was read: no number is rounded, no key lost.
        return f"{item.source[:-1].rstrip()}, {dump(added)[1:]}"

    def _answer_array(self, items: list[Item]) -> Iterator[str]:
        separator = "["
        for item in items:
            yield separator + self._answer(item)
            separator = ",\n"
        yield "]\n" if items else "[]\n"

    def _answer_lines(self, content: str) -> Iterator[str]:
        start = number = 0
        while start < len(content):
            end = content.find("\n", start)
            end = len(content) if end < 0 else end
            number += 1
            if line := content[start:end].strip(_SPACE):
                yield self._answer_line(line, number) + "\n"
            start = end + 1

    def _answer_line(self, line: str, number: int) -> str:
        try:
            item, end = _read_item(line, 0, self._added)
            if end < len(line):
                raise Refused(400, f"not JSON: something follows the value at character {end + 1}")
        except Refused as error:
            return json.dumps({"error": f"line {number}: {error}"})
        return self._answer(item)


def _read_item(content: str, start: int, taken: frozenset[str]) -> tuple[Item, int]:
    """Read the value that starts at a place of JSON, and return the place of its end, too.

    Raises:
        Refused: If it is not JSON, has no text, or has one of the fields that would be added.
    """
    try:
        value, end = _DECODER.raw_decode(content, start)
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"not JSON: {error}") from None
    if isinstance(value, str):
        return Item(value), end
    if not isinstance(value, dict):
        raise Refused(400, "give a text, an object with a field 'text', or an array of these")
    text = value.get("text")
    if not isinstance(text, str):
        raise Refused(400, "no field 'text' with a text")
    if found := value.keys() & taken:
        raise Refused(400, f"the object has a field {min(found)!r} already, which the answer would add")
    return Item(text, content[start:end]), end


def _split_array(content: str, taken: frozenset[str]) -> Iterator[Item]:
    """Yield the items of a JSON array that is the whole of a content without white space around it.

    Raises:
        Refused: If it is not such an array, or has too many items.
    """
    place = _skip_space(content, 1)
    number = 0
    goes_on = content[place : place + 1] != "]"
    while goes_on:
        number += 1
        if number > MOST_TEXTS:
            raise Refused(413, f"more than {MOST_TEXTS:,} texts in an array: send JSON lines, as {LINES}")
        try:
            item, place = _read_item(content, place, taken)
        except Refused as error:
            raise Refused(400, f"item {number}: {error}") from None
        yield item
        place = _skip_space(content, place)
        goes_on = content[place : place + 1] == ","
        place = _skip_space(content, place + goes_on)
    if content[place:] != "]":
        raise Refused(400, f"not JSON: expecting the end of the array at character {place + 1}")


def _skip_space(content: str, place: int) -> int:
    while content[place : place + 1] in (" ", "\t", "\r", "\n"):
        place += 1
    return place
