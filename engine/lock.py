"""Who holds what Catflap keeps of a folder: one process writes; others are told who it is.

The lock is the system's (flock), which lets go of it when the process ends, however it ends: none can be left behind. What
stands in the file only says who holds it.
"""

import fcntl
import json
import os
import stat
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from getpass import getuser
from pathlib import Path
from socket import gethostname
from typing import Any, Self

from engine.errors import FolderError

NAME = "lock"
_MOST_BYTES = 4096
_TRIES, _PAUSE_S = 50, 0.01
"""Whoever asks whether a folder is held has its lock for a moment, which is waited for."""
_OPEN = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


@dataclass(frozen=True)
class Holder:
    """The process that holds a folder."""

    pid: int
    host: str
    user: str
    since: float
    """Unix seconds."""
    what: str
    """What it does with the folder: `is open`."""

    @property
    def words(self) -> str:
        """`process 4711 of anna on studio, since 14:03`"""
        return (
            f"process {self.pid} of {self.user} on {self.host}, since {time.strftime('%H:%M', time.localtime(self.since))}"
        )

    @property
    def gone(self) -> bool:
        """Whether it is known to have ended: only a process on this computer can be asked for."""
        return self.host == gethostname() and not _runs(self.pid)


class Held(FolderError):
    """Another process holds the folder."""

    def __init__(self, folder: Path, holder: Holder | None) -> None:
        who = f"{holder.what} in another Catflap ({holder.words})" if holder else "is held by another Catflap"
        super().__init__(f"{str(folder)!r} {who}.", "End that one first; two that write would undo each other's work.")
        self.holder = holder


class Lock:
    """A folder that is held, until `close` or the end of the process."""

    def __init__(self, home: Path, folder: Path, what: str, at: float) -> None:
        """Hold what is kept of `folder` in `home`, which is made if need be; `what` is told to others, as `is open`.

        `at` is the time in Unix seconds. Raises Held, or FolderError where nothing can be written.
        """
        try:
            home.mkdir(parents=True, exist_ok=True)
            self._handle = _opened(home)
        except OSError as error:
            sentence = f"What is kept in {str(home)!r} cannot be locked: {error.strerror}."
            raise FolderError(sentence, "Check that you may write there.") from error
        try:
            _take(self._handle, folder)
            _write(self._handle, json.dumps(asdict(Holder(os.getpid(), gethostname(), _user(), at, what))).encode())
        except BaseException:
            os.close(self._handle)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go. The file stays: to remove it would let two hold the folder at once."""
        if self._handle < 0:
            return
        _write(self._handle, b"")
        os.close(self._handle)
        self._handle = -1


def refuse_if_held(home: Path, folder: Path) -> None:
    """Raise Held if another process holds `folder`; nothing is written."""
    with suppress(OSError):
        handle = os.open(home / NAME, _OPEN & ~os.O_CREAT)
        try:
            _take(handle, folder)
        finally:
            os.close(handle)


def holder_of(home: Path) -> Holder | None:
    """Whom the file names; None where nobody holds the folder any more, or nothing can be read."""
    try:
        handle = os.open(home / NAME, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        found = _named(handle)
        return None if found is None or found.gone or _free(handle) else found
    finally:
        os.close(handle)


def _opened(home: Path) -> int:
    handle = os.open(home / NAME, _OPEN, 0o666)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise FolderError(f"{str(home / NAME)!r} is no file.", "Move it away.")
    return handle


def _take(handle: int, folder: Path) -> None:
    """Raises Held, or OSError where the file cannot be locked for another reason."""
    for _ in range(_TRIES):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            holder = _named(handle)
            # One that has ended cannot hold it: somebody asks, or comes to hold it, just now.
            if holder is not None and not holder.gone:
                raise Held(folder, holder) from None
        except OSError:
            # A file system without locks: what the file says has to do.
            holder = _named(handle)
            if holder is not None and not holder.gone and holder.pid != os.getpid():
                raise Held(folder, holder) from None
            return
        time.sleep(_PAUSE_S)
    raise Held(folder, None)


def _free(handle: int) -> bool:
    """Whether the system says that nobody holds it."""
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _named(handle: int) -> Holder | None:
    """Whom the file names; None where it names nobody, or is damaged."""
    try:
        said: Any = json.loads(os.pread(handle, _MOST_BYTES, 0))
        return Holder(int(said["pid"]), str(said["host"]), str(said["user"]), float(said["since"]), str(said["what"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _write(handle: int, data: bytes) -> None:
    """A full disk takes nothing from the lock itself."""
    with suppress(OSError):
        os.ftruncate(handle, 0)
        os.pwrite(handle, data, 0)


def _user() -> str:
    try:
        return getuser()
    except (KeyError, OSError, ImportError):
        return str(os.getuid())


def _runs(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
