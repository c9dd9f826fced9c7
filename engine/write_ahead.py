"""SQLite's write-ahead log, frame by frame (https://www.sqlite.org/fileformat2.html, section 4)."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

HEADER_BYTES, FRAME_BYTES = 32, 24
USUAL_PAGE_BYTES = 4096
"""Of databases that say nothing else (https://www.sqlite.org/pragma.html#pragma_page_size)."""
_ORDERS = {0x377F0682: "<", 0x377F0683: ">"}
"""By the log's first four bytes: in which order the checksums take a word's bytes."""


class Frame(NamedTuple):
    """One page as a transaction left it."""

    page: int
    """Its number, from 1."""
    commits: bool
    """Whether a transaction ends with it."""
    sound: bool
    """Whether it, and all before it, are as they were written."""
    data: bytes


def frames(log: bytes) -> Iterator[Frame]:
    """The frames that belong to the log as it is now, whether sound or not; those of an earlier round are left out.

    Where the header itself is damaged, that cannot be told: all frames, none of them sound.
    """
    header = _header(log)
    order, page_bytes, salts, sums = header or ("", USUAL_PAGE_BYTES, b"", (0, 0))
    sound = header is not None
    for at in range(HEADER_BYTES, len(log) - FRAME_BYTES - page_bytes + 1, FRAME_BYTES + page_bytes):
        head, data = log[at : at + FRAME_BYTES], log[at + FRAME_BYTES : at + FRAME_BYTES + page_bytes]
        if header is not None and head[8:16] != salts:
            sound = False
            continue
        if sound:
            sums = _added(_added(sums, head[:8], order), data, order)
            sound = sums == struct.unpack(">II", head[16:24])
        yield Frame(_word(head, 0), _word(head, 4) > 0, sound, data)


def _header(log: bytes) -> tuple[str, int, bytes, tuple[int, int]] | None:
    """Byte order, page size, salts and checksum; None where it is not as it was written."""
    order = _ORDERS.get(_word(log, 0))
    if order is None or len(log) < HEADER_BYTES:
        return None
    sums = _added((0, 0), log[:24], order)
    return (order, _word(log, 8), log[16:24], sums) if sums == struct.unpack(">II", log[24:32]) else None


def has_hole(log: Path) -> bool:
    """Whether transactions lie behind a frame that is not as it was written.

    SQLite takes what lies before that frame, and nothing behind it, as it must where an end in the middle of a write tore
    the last transaction. A log that another process is just writing is looked at twice.
    """
    return _hole(log) and _hole(log)


def _hole(log: Path) -> bool:
    try:
        data = log.read_bytes()
    except FileNotFoundError:
        return False
    torn = _header(data) is None
    for frame in frames(data):
        if torn and frame.commits:
            return True
        torn |= not frame.sound
    return False


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "big")


def _added(sums: tuple[int, int], data: bytes, order: str) -> tuple[int, int]:
    """The log's running checksum (section 4.2) with `data` taken in."""
    first, second = sums
    words = iter(struct.unpack(f"{order}{len(data) // 4}I", data))
    for even, odd in zip(words, words, strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second
