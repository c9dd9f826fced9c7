"""The rows that a damaged database still holds, read page by page and without its tables, as `.recover` of SQLite does.

File format: https://www.sqlite.org/fileformat2.html, sections 1.6 (pages), 1.5 and 2 (cells and records), 4 (the log).
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from engine.database import log_of
from engine.write_ahead import USUAL_PAGE_BYTES, frames

Value = None | int | float | str | bytes

WIDEST_BYTES = 1 << 20
"""Rows that say they are longer are passed over."""
_MAGIC = b"SQLite format 3\0"
_CELLS: Mapping[int, tuple[int, int, bool]] = {0x0D: (8, 0, True), 0x0A: (8, 0, False), 0x02: (12, 4, False)}
"""By a page's first byte, if it has rows: bytes of its header, of what each cell begins with, and whether rows have ids."""


class Row(NamedTuple):
    """One row, of whatever table."""

    rowid: int
    """0 in a table without them."""
    values: tuple[Value, ...]


def rows(path: Path) -> Iterator[Row]:
    """All rows of the database at `path` and of its log; of two versions of one, the newer comes later.

    What is read may be older than the last commit, or an unfinished one's, or made of damaged bytes. Raises OSError.
    """
    data = path.read_bytes() if path.exists() else b""
    log = log_of(path)
    logged = list(frames(log.read_bytes())) if log.exists() else []
    size = _page_bytes(data, len(logged[0].data) if logged else USUAL_PAGE_BYTES)
    pages = {at // size + 1: data[at : at + size] for at in range(0, len(data), size)}
    newest = pages | {frame.page: frame.data for frame in logged if frame.sound}
    sources = (
        [(frame.page, frame.data) for frame in logged if not frame.sound],
        list(pages.items()),
        [(frame.page, frame.data) for frame in logged if frame.sound],
    )
    reader = _Reader(size, newest)
    for source in sources:
        for number, page in source:
            yield from reader.rows(number, page)


def _page_bytes(data: bytes, otherwise: int) -> int:
    """What the header says, if it is one."""
    said = int.from_bytes(data[16:18], "big")
    said = 65536 if said == 1 else said
    plausible = data.startswith(_MAGIC) and 512 <= said <= 65536 and not said & (said - 1)
    return said if plausible else otherwise


@dataclass
class _Reader:
    """Reads pages; what makes no sense is passed over."""

    size: int
    pages: Mapping[int, bytes]
    """By number, as they were left last: long rows go on in others."""

    def rows(self, number: int, page: bytes) -> Iterator[Row]:
        """Of a page with rows, each that is whole; none of another."""
        start = 100 if number == 1 else 0
        header, child, with_ids = _CELLS.get(page[start] if len(page) > start else 0, (0, 0, False))
        if not header:
            return
        count = int.from_bytes(page[start + 3 : start + 5], "big")
        first = start + header
        for at in range(first, min(first + 2 * count, len(page) - 1), 2):
            cell = int.from_bytes(page[at : at + 2], "big") + child
            try:
                yield self._row(page, cell, with_ids)
            except (IndexError, ValueError, struct.error, OverflowError):
                continue

    def _row(self, page: bytes, at: int, with_ids: bool) -> Row:
        length, at = _varint(page, at)
        rowid, at = _varint(page, at) if with_ids else (0, at)
        if length > WIDEST_BYTES:
            raise ValueError("too long")
        here = self._here(length, with_ids)
        payload = page[at : at + here]
        if here < length:
            payload += self._rest(int.from_bytes(page[at + here : at + here + 4], "big"), length - here)
        if len(payload) != length:
            raise ValueError("torn")
        return Row(rowid, tuple(_record(payload)))

    def _here(self, length: int, with_ids: bool) -> int:
        """How much of a row lies in its own page (section 1.6, the values X, M and K)."""
        most = self.size - 35 if with_ids else (self.size - 12) * 64 // 255 - 23
        least = (self.size - 12) * 32 // 255 - 23
        if length <= most:
            return length
        kept = least + (length - least) % (self.size - 4)
        return kept if kept <= most else least

    def _rest(self, number: int, length: int) -> bytes:
        """What lies in the pages that follow each other from `number` on."""
        found = bytearray()
        while len(found) < length:
            page = self.pages.get(number, b"")
            if len(page) < self.size:
                raise ValueError("torn")
            number, found = int.from_bytes(page[:4], "big"), found + page[4:]
        return bytes(found[:length])


def _record(payload: bytes) -> Iterator[Value]:
    """The columns of one row (section 2.1)."""
    end, at = _varint(payload, 0)
    kinds: list[int] = []
    while at < end:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    at = end
    for kind in kinds:
        size = (kind - 12) // 2 if kind >= 12 else (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)[kind]
        if at + size > len(payload):
            raise ValueError("torn")
        yield _value(kind, payload[at : at + size])
        at += size


def _value(kind: int, data: bytes) -> Value:
    if kind >= 12:
        return data.decode() if kind % 2 else data
    if kind in (0, 8, 9):
        return {0: None, 8: 0, 9: 1}[kind]
    return struct.unpack(">d", data)[0] if kind == 7 else int.from_bytes(data, "big", signed=True)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes (section 1.6), and where it ends."""
    value = 0
    for index in range(8):
        byte = data[at + index]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + index + 1
    value = value << 8 | data[at + 8]
    return value - (1 << 64 if value >= 1 << 63 else 0), at + 9
