"""Where things stand in a serialised protobuf message.

Parsing a model and serialising it again does not keep its bytes: maps change their order from run to run. So numbers are
replaced where they stand. The encoding: https://protobuf.dev/programming-guides/encoding/
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from engine.errors import UnreadableModel

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class Span(NamedTuple):
    """One field's content: `data[start:end]`."""

    field: int
    wire: int
    start: int
    end: int


def fields(data: bytes, start: int, end: int) -> Iterator[Span]:
    """The fields of the message in `data[start:end]`, in order. Raises UnreadableModel where they are torn."""
    at = start
    while at < end:
        key, at = _varint(data, at, end)
        wire = key & 7
        if wire == BYTES:
            size, at = _varint(data, at, end)
        elif wire in (FIXED32, FIXED64):
            size = 4 if wire == FIXED32 else 8
        elif wire == VARINT:
            size = _varint(data, at, end)[1] - at
        else:
            raise UnreadableModel("The model file holds a group, which its format does not have.")
        if at + size > end:
            raise UnreadableModel("The model file ends in the middle of a field.")
        yield Span(key >> 3, wire, at, at + size)
        at += size


def inside(data: bytes, spans: Sequence[Span], field: int) -> list[Span]:
    """All fields number `field` of the messages in `spans`: together they are one field, by the rules for merging."""
    return [found for span in spans for found in fields(data, span.start, span.end) if found.field == field]


def _varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise UnreadableModel("The model file ends in the middle of a number.")


def varint(value: int) -> bytes:
    """A number of 7 bits a byte, the lowest first."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def prefix(number: int, size: int) -> bytes:
    """What stands before the content of a field of so many bytes."""
    return varint(number << 3 | BYTES) + varint(size)
