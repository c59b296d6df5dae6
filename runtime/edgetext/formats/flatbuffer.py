"""Reading an untrusted flatbuffer field by field: an offset that leads out of it is a ValueError.

The format, after its published description ("FlatBuffer Internals"): all numbers are little-endian. A table begins with
the distance, backwards, to its vtable: two 16-bit sizes, then for each field the 16-bit distance from the table to its
value, 0 where it is not set. A string, a vector and a table in a field are 32-bit distances from that field, forwards.
"""

from __future__ import annotations

from edgetext.formats import Damage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# More entries than any list that is read here has. A crafted file may contain many lists that each cover all of it, so
# the work must not grow with their declared lengths: names and lists of numbers are read up to a limit.
MAX_ENTRIES = 100_000


class Table:
    """A table of a flatbuffer; fields are read by their index in the schema."""

    __slots__ = ("_buffer", "_position", "_vtable", "_vtable_size")

    def __init__(self, buffer: bytes, position: int) -> None:
        """Read the table at a position; raise ValueError if it, or its vtable, lies outside the buffer."""
        self._buffer = buffer
        self._position = position
        self._vtable = position - _number(buffer, position, 4, signed=True)
        self._vtable_size = _number(buffer, self._vtable, 2)
        if self._vtable_size < 4 or self._vtable + self._vtable_size > len(buffer):
            raise Damage("a table's description lies outside the file")

    @classmethod
    def root(cls, buffer: bytes, identifier: bytes) -> Table:
        """Return the root of a flatbuffer; raise ValueError unless it has this identifier, four bytes, of a schema."""
        if buffer[4:8] != identifier:
            raise ValueError(f"it does not say {identifier.decode()} at byte 4")
        return cls(buffer, _number(buffer, 0, 4))

    def integer(self, field: int, size: int, default: int = 0) -> int:
        """Return an unsigned number of ``size`` bytes; ``default`` if it is not set."""
        place = self._place(field)
        return default if place is None else _number(self._buffer, place, size)

    def table(self, field: int) -> Table | None:
        """Return a table; None if it is not set."""
        place = self._place(field)
        return None if place is None else Table(self._buffer, self._follow(place))

    def data(self, field: int) -> bytes:
        """Return the bytes of a vector of bytes; empty if it is not set."""
        begin, count = self._vector(field, 1)
        return self._buffer[begin : begin + count]

    def text(self, field: int, most: int = 1000) -> str:
        """Return a string of at most ``most`` bytes; empty if it is not set."""
        begin, count = self._vector(field, 1)
        if count > most:
            raise ValueError(f"a name in it has more than {most} bytes")
        return self._buffer[begin : begin + count].decode("utf-8")

    def numbers(self, field: int, most: int) -> list[int]:
        """Return the first entries of a vector of int32, at most ``most``."""
        begin, count = self._vector(field, 4)
        return [_number(self._buffer, begin + 4 * index, 4, signed=True) for index in range(min(count, most))]

    def tables(self, field: int) -> Iterator[Table]:
        """Yield the tables of a vector."""
        begin, count = self._vector(field, 4)
        for index in range(count):
            yield Table(self._buffer, self._follow(begin + 4 * index))

    def _place(self, field: int) -> int | None:
        """Return the position of a field's value; None if it is not set."""
        entry = 4 + 2 * field
        if entry + 2 > self._vtable_size:
            return None
        distance = _number(self._buffer, self._vtable + entry, 2)
        return self._position + distance if distance else None

    def _follow(self, place: int) -> int:
        return place + _number(self._buffer, place, 4)

    def _vector(self, field: int, size: int) -> tuple[int, int]:
        """Return where the entries of a vector, each of ``size`` bytes, begin, and their number."""
        place = self._place(field)
        if place is None:
            return 0, 0
        start = self._follow(place)
        count = _number(self._buffer, start, 4)
        if start + 4 + size * count > len(self._buffer) or (size > 1 and count > MAX_ENTRIES):
            raise Damage("a list is longer than the file, or than any that is expected")
        return start + 4, count


def _number(buffer: bytes, position: int, size: int, *, signed: bool = False) -> int:
    if position < 0 or position + size > len(buffer):
        raise Damage("it is cut short, or a reference leads out of it")
    return int.from_bytes(buffer[position : position + size], "little", signed=signed)
