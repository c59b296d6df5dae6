"""The vocabulary of a bundle, as it is stored: words are searched for in the file until more than a few are needed."""

from __future__ import annotations

from edgetext.errors import BundleError
from edgetext.text import RESERVED, UNKNOWN_ID, from_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from edgetext.text import RuleSet
    from edgetext.vocabulary import Vocabulary, WordTable

_FIRST_LINES = "".join(f"{token}\n" for token in RESERVED).encode()


class StoredVocabulary:
    """The content of a ``vocab.txt``, which becomes a ``Vocabulary`` when that is needed.

    A one-shot command looks up a few words. Searching the file for one takes from 1 us for the most frequent word to
    0.3 ms for the rarest; parsing its 20,000 lines takes 8 ms, where starting Python takes 12.
    """

    def __init__(self, content: bytes, path: str, rules: RuleSet, expected_size: int | None = None) -> None:
        """Check the first and last lines; the others are checked when the file is parsed.

        Args:
            content: The file's bytes.
            path: The file's path, for errors.
            rules: How a text becomes words.
            expected_size: See ``check_size``.

        Raises:
            BundleError: If it does not begin with the reserved tokens, or its last line does not end.
        """
        if not content.startswith(_FIRST_LINES) or not content.endswith(b"\n"):
            raise BundleError(f"{path}: not a vocabulary: the first lines must be {' '.join(RESERVED)}")
        self._content = content
        self._path = path
        self._rules = rules
        self._parsed: Vocabulary | None = None
        self._expected_size = expected_size

    def __reduce__(self) -> tuple[Any, ...]:
        from edgetext.copying import rebuild_with

        return rebuild_with(type(self), self._content, self._path, self._rules, self._expected_size)

    def __len__(self) -> int:
        return self._content.count(b"\n")

    def parse(self) -> Vocabulary:
        """Return the vocabulary, parsed and checked.

        Raises:
            BundleError: If it is not a vocabulary, or has another size than ``check_size`` was given.
        """
        if self._parsed is None:
            from edgetext.vocabulary import Vocabulary  # not needed by a one-shot command

            try:
                parsed = Vocabulary.from_bytes(self._content, self._rules)
                if self._expected_size is not None:
                    parsed.check_size(self._expected_size)
            except ValueError as error:
                raise BundleError(f"{self._path}: {error}") from None
            self._parsed = parsed
        return self._parsed

    @property
    def table(self) -> WordTable:
        """The id of every word by its key; see ``Vocabulary``."""
        return self.parse().table

    def check_size(self, size: int) -> None:
        """Check that there are ``size`` ids when the file is parsed: counting now would cost as much as a module."""
        self._expected_size = size

    def find(self, key: bytes) -> int:
        """Return the id of the word with this key, or ``UNKNOWN_ID``, by searching the file."""
        place = self._content.find(b"\n%b\n" % from_key(key))
        line = self._content.count(b"\n", 0, place + 1)  # no text contains the token of line 0
        return line if line >= len(RESERVED) else UNKNOWN_ID
