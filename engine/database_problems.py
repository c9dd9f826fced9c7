"""What goes wrong with SQLite's files, in words."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import FolderError

_IN_USE = ("{path} is in use by another program.", "Close the other program and try again.")
_NOT_OURS = ("{path} cannot be opened or written.", "Check that its folder exists and that you may write to it.")
_SPOILT = (
    "{path} is damaged.",
    "It is left as it is; open the folder in the app: what can be read is read back, and the damaged file is kept.",
)

PROBLEMS: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_BUSY: _IN_USE,
    sqlite3.SQLITE_LOCKED: _IN_USE,
    sqlite3.SQLITE_PROTOCOL: _IN_USE,
    sqlite3.SQLITE_READONLY: _NOT_OURS,
    sqlite3.SQLITE_PERM: _NOT_OURS,
    sqlite3.SQLITE_AUTH: _NOT_OURS,
    sqlite3.SQLITE_CANTOPEN: _NOT_OURS,
    sqlite3.SQLITE_FULL: ("{path} cannot grow: the disk is full.", "Free some space and try again."),
    sqlite3.SQLITE_IOERR: ("{path} cannot be read or written: the disk failed.", "Check the disk, then try again."),
    sqlite3.SQLITE_NOTADB: _SPOILT,
    sqlite3.SQLITE_CORRUPT: _SPOILT,
}
"""A sentence and a hint for each primary result code (https://www.sqlite.org/rescode.html) that is not a bug."""


_WITHOUT_CODE = ("Could not decode", "unsupported file format")
"""Damage of which SQLite, or Python, tells in words alone: text that is none, and a header of no version that there is."""


class Damaged(FolderError):
    """A database whose content is not what was written, or not of the layout asked for."""


class OtherSchema(FolderError):
    """A database of an older or a newer Catflap."""


@contextmanager
def problems_of(path: Path) -> Generator[None, None, None]:
    """Turn SQLite's failures inside the block into a FolderError that names `path`; bugs pass as they are."""
    try:
        yield
    except sqlite3.Error as error:
        spoilt = any(words in str(error) for words in _WITHOUT_CODE)
        problem = _SPOILT if spoilt else PROBLEMS.get(result_code(error))
        if problem is None:
            raise
        if problem is _SPOILT:
            raise damaged(path) from error
        sentence, hint = problem
        raise FolderError(sentence.format(path=repr(str(path))), hint) from error


def damaged(path: Path) -> Damaged:
    """The error for a database whose content is not what was written."""
    sentence, hint = _SPOILT
    return Damaged(sentence.format(path=repr(str(path))), hint)


def result_code(error: sqlite3.Error) -> int:
    """The primary result code; 0 where the error is not SQLite's own but the caller's."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
