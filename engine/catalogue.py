"""The catalogue: what the engine knows of a folder's images, and every version of its model. SQLite.

Written by the engine's process alone. It can be made again from the folder, the models kept beside it and the feature
store, but for the history's dates and figures.
"""

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from engine.database import DURABLE, Layout, damaged, let_go, open_database, problems_of, transaction
from engine.listing import Stamp
from engine.store_index import KEY_BYTES

PREDICTIONS = "CREATE TABLE predictions (model TEXT NOT NULL, contents BLOB NOT NULL, probabilities BLOB NOT NULL)"
"""Many images a row, their keys and numbers one after another: a row for each would take fifty times as long."""
LAYOUT = Layout(
    kind="Catflap catalogue",
    application=0x43464341,
    schema=3,
    tables=(
        """CREATE TABLE images (
            path TEXT PRIMARY KEY, size INTEGER NOT NULL, modified_ns INTEGER NOT NULL, inode INTEGER NOT NULL,
            content BLOB, problem TEXT NOT NULL DEFAULT ''
        ) WITHOUT ROWID""",
        PREDICTIONS,
        """CREATE TABLE versions (
            version INTEGER PRIMARY KEY, digest TEXT NOT NULL, file TEXT NOT NULL, at REAL NOT NULL, origin TEXT NOT NULL,
            trainer TEXT NOT NULL DEFAULT '', flips INTEGER NOT NULL DEFAULT 0, learned INTEGER NOT NULL DEFAULT 0,
            accepted INTEGER NOT NULL DEFAULT 0, broken INTEGER NOT NULL DEFAULT 0,
            correct_before INTEGER NOT NULL DEFAULT 0, correct_after INTEGER NOT NULL DEFAULT 0,
            held_of INTEGER NOT NULL DEFAULT 0, held_before INTEGER NOT NULL DEFAULT 0,
            held_after INTEGER NOT NULL DEFAULT 0, restored_at REAL NOT NULL DEFAULT 0
        )""",
        "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    ),
    settings=DURABLE,
    examined=True,
    changes={
        1: ("DROP TABLE predictions", PREDICTIONS),
        2: tuple(
            f"ALTER TABLE versions ADD COLUMN {name} NOT NULL DEFAULT 0"
            for name in ("held_of INTEGER", "held_before INTEGER", "held_after INTEGER", "restored_at REAL")
        ),
    },
)


_SOUND = (
    ("images", "path, size, modified_ns, inode, problem", "text, integer, integer, integer, text"),
    ("predictions", "model, contents, probabilities", "text, blob, blob"),
    ("versions", "digest, file, at, origin, trainer", "text, text, real, text, text"),
    ("settings", "name, value", "text, text"),
)
"""By table: the kinds that values of these columns are of; SQLite itself takes any."""
_LENGTHS = (
    ("images", "content IS NULL OR (typeof(content) = 'blob' AND length(content) = 16)"),
    ("predictions", "length(contents) % 16 = 0 AND length(probabilities) % max(1, length(contents) / 4) = 0"),
)
"""By table, what else holds of every row."""


class Known(NamedTuple):
    """One image as it was when it was last read."""

    stamp: Stamp
    content: bytes | None
    """None where the file could not be read at all."""
    problem: str = ""
    """Why the image cannot be used; empty if it can."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """What one model predicted."""

    row_of: Mapping[bytes, int]
    """By content."""
    rows: NDArray[np.float32]
    """(n, outputs)"""

    def __contains__(self, content: bytes) -> bool:
        return content in self.row_of

    def of(self, contents: Sequence[bytes]) -> NDArray[np.float32]:
        """(len(contents), outputs); all are there."""
        return self.rows[[self.row_of[content] for content in contents]]


RETRAINED = "retrained"
"""Where a version comes from that was trained on verdicts of this folder."""


@dataclass(frozen=True)
class Version:
    """One model that was the folder's champion."""

    version: int
    digest: str
    """Names exactly these bytes."""
    file: str
    """Where they are kept, below the folder of versions; empty where they are not any more."""
    at: float
    """Unix seconds."""
    origin: str
    """`original`, `changed outside`, or RETRAINED."""
    trainer: str = ""
    flips: int = 0
    learned: int = 0
    accepted: int = 0
    broken: int = 0
    correct_before: int = 0
    correct_after: int = 0
    held_of: int = 0
    """Pictures that were held out; then how many of them the old and the new model predicted."""
    held_before: int = 0
    held_after: int = 0
    restored_at: float = 0.0
    """When it was made the present one again the last time; 0 if never."""

    @property
    def let_go(self) -> bool:
        """Whether its model is not kept any more."""
        return bool(self.digest) and not self.file


def version_file(number: int) -> str:
    """What the model of that version is called, below the folder of versions."""
    return f"{number:04d}.mlmodel"


class Catalogue:
    """An open catalogue."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open, or begin, the catalogue at `path`. Raises FolderError."""
        self._path = path
        self._db = open_database(path, LAYOUT, read_only=read_only)
        self._images: dict[str, Known] | None = None
        """As the table is, once it was read: nobody else writes to it, or `changed` tells."""
        self._seen = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the file back."""
        self._db.close()

    def read_through(self) -> None:
        """Read what a scan asks for first. Raises Damaged, and closes, where any of it is not what was written."""
        try:
            self._read_through()
        except BaseException:
            let_go(self._db, self._path)
            raise

    def _read_through(self) -> None:
        for table, condition in (*((table, _kinds(columns, kinds)) for table, columns, kinds in _SOUND), *_LENGTHS):
            if self._rows(f"SELECT 1 FROM {table} WHERE NOT ({condition}) LIMIT 1"):  # nosec B608  # noqa: S608 - as written above
                raise damaged(self._path)
        self.images()
        self.versions()
        for (name,) in self._rows("SELECT name FROM settings"):
            self.setting(name)

    def changed(self) -> bool:
        """Whether another process wrote since the last call, or this is the first."""
        before, self._seen = self._seen, self._rows("PRAGMA data_version")[0][0]
        if before != self._seen:
            self._images = None
        return before != self._seen

    def images(self) -> Mapping[str, Known]:
        """Every image by path; changes with the catalogue."""
        if self._images is None:
            rows = self._rows("SELECT path, size, modified_ns, inode, content, problem FROM images")
            with self._as_written():
                self._images = {
                    path_of(path): Known(Stamp(size, modified_ns, inode), content, problem)
                    for path, size, modified_ns, inode, content, problem in rows
                }
        return self._images

    def put_images(self, images: Mapping[str, Known]) -> None:
        """Note images as they are now."""
        rows = [(_text(path), *known.stamp, known.content, known.problem) for path, known in images.items()]
        self._many("INSERT OR REPLACE INTO images VALUES (?, ?, ?, ?, ?, ?)", rows)
        if self._images is not None:
            self._images |= images

    def drop_images(self, paths: Iterable[str]) -> None:
        """Forget images that are gone; what is known of their content stays."""
        gone = list(paths)
        self._many("DELETE FROM images WHERE path = ?", [(_text(path),) for path in gone])
        if self._images is not None:
            for path in gone:
                self._images.pop(path, None)

    def drop_problems(self) -> None:
        """Forget images that cannot be used, so that they are tried again."""
        self.drop_images([path for path, known in self.images().items() if known.problem])

    def predictions(self, model: str) -> Predictions:
        """What the model with this digest predicted."""
        found = self._rows("SELECT contents, probabilities FROM predictions WHERE model = ? ORDER BY rowid", model)
        keys, numbers = (b"".join(column) for column in zip(*found, strict=True)) if found else (b"", b"")
        contents = [keys[at : at + KEY_BYTES] for at in range(0, len(keys), KEY_BYTES)]
        rows = np.frombuffer(numbers, "<f4").reshape(len(contents), -1) if contents else np.zeros((0, 0), np.float32)
        return Predictions({content: row for row, content in enumerate(contents)}, rows)

    def put_predictions(self, model: str, contents: Sequence[bytes], probabilities: NDArray[np.float32]) -> None:
        """Keep predictions (len(contents), outputs); those of other models go."""
        if not contents:
            return
        if any(len(content) != KEY_BYTES for content in contents) or len(contents) != len(probabilities):
            raise ValueError(f"{len(contents)} keys of {KEY_BYTES} bytes and as many rows expected")
        row = model, b"".join(contents), probabilities.astype("<f4").tobytes()
        with problems_of(self._path), transaction(self._db):
            self._db.execute("DELETE FROM predictions WHERE model != ?", (model,))
            self._db.execute("INSERT INTO predictions VALUES (?, ?, ?)", row)

    def versions(self) -> list[Version]:
        """All versions, oldest first."""
        return [Version(*row) for row in self._rows("SELECT * FROM versions ORDER BY version")]

    def put_version(self, version: Version) -> None:
        """Add a version."""
        values = tuple(vars(version).values())
        places = ", ".join("?" * len(values))
        self._many(f"INSERT INTO versions VALUES ({places})", [values])  # nosec B608  # noqa: S608 - question marks alone

    def put_files(self, files: Mapping[int, str]) -> None:
        """By version: where its model is kept now; empty where it is not kept any more."""
        self._many("UPDATE versions SET file = ? WHERE version = ?", [(file, version) for version, file in files.items()])

    def put_restored(self, version: int, at: float) -> None:
        """Note when a version was made the present one again."""
        self._many("UPDATE versions SET restored_at = ? WHERE version = ?", [(at, version)])

    def setting(self, name: str) -> str:
        """A remembered setting; empty if there is none."""
        rows = self._rows("SELECT value FROM settings WHERE name = ?", name)
        with self._as_written():
            return path_of(rows[0][0]) if rows else ""

    def remember(self, name: str, value: str) -> None:
        """Remember a setting."""
        self._many("INSERT OR REPLACE INTO settings VALUES (?, ?)", [(name, _text(value))])

    @contextmanager
    def _as_written(self) -> Generator[None, None, None]:
        try:
            yield
        except UnicodeError as error:
            raise damaged(self._path) from error

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


def path_of(text: str) -> str:
    """What `_text` made of a name, as it was. Raises UnicodeError."""
    return text.encode("latin-1").decode("utf-8", "surrogateescape")


def _kinds(columns: str, kinds: str) -> str:
    """A condition: each of these columns is of its kind."""
    pairs = zip(columns.split(", "), kinds.split(", "), strict=True)
    return " AND ".join(f"typeof({column}) = '{kind}'" for column, kind in pairs)
