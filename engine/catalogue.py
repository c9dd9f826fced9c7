"""The catalogue: what the engine knows of a folder's images, and every version of its model. SQLite.

Written by the engine's process alone. It can be made again from the folder, the models kept beside it and the feature
store, but for the history's dates and figures.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from engine.database import DURABLE, Layout, open_database, problems_of, transaction
from engine.folder import Stamp

LAYOUT = Layout(
    kind="Catflap catalogue",
    application=0x43464341,
    schema=1,
    tables=(
        """CREATE TABLE images (
            path TEXT PRIMARY KEY, size INTEGER NOT NULL, modified_ns INTEGER NOT NULL, inode INTEGER NOT NULL,
            content BLOB, problem TEXT NOT NULL DEFAULT ''
        ) WITHOUT ROWID""",
        """CREATE TABLE predictions (
            content BLOB PRIMARY KEY, model TEXT NOT NULL, probabilities BLOB NOT NULL
        ) WITHOUT ROWID""",
        """CREATE TABLE versions (
            version INTEGER PRIMARY KEY, digest TEXT NOT NULL, file TEXT NOT NULL, at REAL NOT NULL, origin TEXT NOT NULL,
            trainer TEXT NOT NULL DEFAULT '', flips INTEGER NOT NULL DEFAULT 0, learned INTEGER NOT NULL DEFAULT 0,
            accepted INTEGER NOT NULL DEFAULT 0, broken INTEGER NOT NULL DEFAULT 0,
            correct_before INTEGER NOT NULL DEFAULT 0, correct_after INTEGER NOT NULL DEFAULT 0
        )""",
        "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    ),
    settings=DURABLE,
)


@dataclass(frozen=True)
class Known:
    """One image as it was when it was last read."""

    stamp: Stamp
    content: bytes | None
    """None where the file could not be read at all."""
    problem: str = ""
    """Why the image cannot be used; empty if it can."""


@dataclass(frozen=True)
class Version:
    """One model that was the folder's champion."""

    version: int
    digest: str
    """Names exactly these bytes."""
    file: str
    """Where they are kept, below the folder of versions."""
    at: float
    """Unix seconds."""
    origin: str
    """`original`, `retrained`, `changed outside`."""
    trainer: str = ""
    flips: int = 0
    learned: int = 0
    accepted: int = 0
    broken: int = 0
    correct_before: int = 0
    correct_after: int = 0


class Catalogue:
    """An open catalogue."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open, or begin, the catalogue at `path`. Raises FolderError."""
        self._path = path
        self._db = open_database(path, LAYOUT, read_only=read_only)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the file back."""
        self._db.close()

    def images(self) -> dict[str, Known]:
        """Every image by path."""
        rows = self._rows("SELECT path, size, modified_ns, inode, content, problem FROM images")
        return {_path(row[0]): Known(Stamp(*row[1:4]), row[4], row[5]) for row in rows}

    def put_images(self, images: Mapping[str, Known]) -> None:
        """Note images as they are now."""
        self._many(
            "INSERT OR REPLACE INTO images VALUES (?, ?, ?, ?, ?, ?)",
            [
                (
                    _text(path),
                    known.stamp.size,
                    known.stamp.modified_ns,
                    known.stamp.inode,
                    known.content,
                    known.problem,
                )
                for path, known in images.items()
            ],
        )

    def drop_images(self, paths: Iterable[str]) -> None:
        """Forget images that are gone; what is known of their content stays."""
        self._many("DELETE FROM images WHERE path = ?", [(_text(path),) for path in paths])

    def predictions(self, model: str) -> dict[bytes, NDArray[np.float32]]:
        """By content, what the model with this digest predicted."""
        rows = self._rows("SELECT content, probabilities FROM predictions WHERE model = ?", model)
        return {content: np.frombuffer(stored, "<f4") for content, stored in rows}

    def put_predictions(self, model: str, contents: Sequence[bytes], probabilities: NDArray[np.float32]) -> None:
        """Keep predictions; those of an earlier model for the same content go."""
        rows = [(c, model, p.astype("<f4").tobytes()) for c, p in zip(contents, probabilities, strict=True)]
        self._many("INSERT OR REPLACE INTO predictions VALUES (?, ?, ?)", rows)

    def versions(self) -> list[Version]:
        """All versions, oldest first."""
        return [Version(*row) for row in self._rows("SELECT * FROM versions ORDER BY version")]

    def put_version(self, version: Version) -> None:
        """Add a version."""
        values = tuple(vars(version).values())
        self._many(f"INSERT INTO versions VALUES ({', '.join('?' * len(values))})", [values])

    def setting(self, name: str) -> str:
        """A remembered setting; empty if there is none."""
        rows = self._rows("SELECT value FROM settings WHERE name = ?", name)
        return _path(rows[0][0]) if rows else ""

    def remember(self, name: str, value: str) -> None:
        """Remember a setting."""
        self._many("INSERT OR REPLACE INTO settings VALUES (?, ?)", [(name, _text(value))])

    def _rows(self, statement: str, *values: Any) -> list[Any]:
        with problems_of(self._path):
            return self._db.execute(statement, values).fetchall()

    def _many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        if rows:
            with problems_of(self._path), transaction(self._db):
                self._db.executemany(statement, rows)


def _text(path: str) -> str:
    """SQLite takes no lone surrogates, which stand for the bytes of a name that is not UTF-8."""
    return path.encode("utf-8", "surrogateescape").decode("latin-1")


def _path(text: str) -> str:
    return text.encode("latin-1").decode("utf-8", "surrogateescape")
