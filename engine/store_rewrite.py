"""A feature store's data file written anew: with other numbers, or with fewer rows."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from engine.store_file import DATA_NAMES, DataFile, Kind, Stored, checksums
from engine.store_index import Index, Record

BLOCK_BYTES = 4 << 20
"""What is held in memory at once."""


def settle(index: Index, folder: Path, wanted: Kind, most: int) -> Kind:
    """Make both files speak of the same whole rows, of the shape and precision of `wanted`, `most` of them.

    Inside a transaction. Where the file has to be written anew, the old one stays, and so does everything if the
    transaction fails: the index's commit is what puts the new one in its place. Raises OSError or FolderError.
    """
    have = index.kind()
    _sweep(folder, have)
    if have is None or have.shape != wanted.shape:
        index.forget_from(0)
        return _described(index, Kind(wanted.shape, wanted.half, have.number + 1 if have else 1))
    new = Kind(have.shape, wanted.half, have.number + 1)
    old = DataFile(folder, have)
    try:
        index.forget_from(old.whole)
        if have.half == wanted.half and index.end() <= most:
            if old.alone():
                old.cut(index.end())
            return have
        records = sorted(sorted(index.records(0), key=lambda record: record[3])[-most:])
        index.forget_from(0)
        index.name(_carried(old, folder, new, records))
        return _described(index, new)
    finally:
        old.close()


def _described(index: Index, kind: Kind) -> Kind:
    index.describe(kind)
    return kind


def _sweep(folder: Path, have: Kind | None) -> None:
    """Remove data files that the index does not name: an end came while one was written, or before one was removed."""
    for path in folder.iterdir():
        if DATA_NAMES.fullmatch(path.name) and (have is None or path.name != have.name):
            path.unlink()


def _carried(old: DataFile, folder: Path, kind: Kind, records: list[Record]) -> list[Record]:
    """Write a file of `kind` with these rows of `old`, in order, and tell of them; damaged ones are left behind."""
    new, carried = DataFile(folder, kind), list[Record]()
    try:
        for part, stored in _blocks(old, kind, records):
            rows = np.arange(len(carried), len(carried) + len(part))
            new.put(rows, stored)
            sums = checksums(stored, range(len(part)))
            for row, (_, key, _, used), checksum in zip(rows.tolist(), part, sums, strict=True):
                carried.append((row, key, checksum, used))
        new.flush()
    except BaseException:
        with suppress(OSError):
            new.path.unlink()
        raise
    finally:
        new.close()
    return carried


def _blocks(old: DataFile, kind: Kind, records: list[Record]) -> Iterator[tuple[list[Record], Stored]]:
    """Undamaged records with their features as `kind` keeps them, a few at a time."""
    if not records:
        return
    matrix, size = old.matrix(records[-1][0] + 1), max(1, BLOCK_BYTES // old.kind.row_bytes)
    for at in range(0, len(records), size):
        part = records[at : at + size]
        sums = checksums(matrix, [row for row, *_ in part])
        sound = [record for record, checksum in zip(part, sums, strict=True) if record[2] == checksum]
        if sound:
            yield sound, kind.stored(matrix[[row for row, *_ in sound]])
