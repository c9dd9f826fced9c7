"""Which file system a folder lies on, from what Linux and macOS print; and what becomes of databases on a network drive."""

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from engine import filesystem
from engine.catalogue import Catalogue
from engine.errors import FolderError
from engine.filesystem import from_mount, from_mountinfo, hint_for, kind, kind_in
from engine.journal import Journal
from engine.listing import scan
from engine.places import home
from tests.hostile.damage import verdict

MOUNTINFO = r"""
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
31 27 0:40 / /mnt/photos rw,relatime shared:5 - nfs4 server:/export rw,vers=4.2
32 27 0:41 / /mnt/two\040words\134here rw,relatime master:2 propagate_from:1 - fuse.sshfs ada@server: rw
33 31 0:42 /part /mnt/photos/local rw,relatime - btrfs /dev/vdb rw
34 27 0:43 / /mnt/twice rw - ext4 /dev/vdc rw
35 27 0:44 / /mnt/twice rw - cifs //server/share rw
"""
MOUNT = """/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
devfs on /dev (devfs, local, nobrowse)
/dev/disk3s5 on /System/Volumes/Data (apfs, local, journaled, nobrowse, protect)
//ada@server._smb._tcp.local/My%20Photos on /Volumes/My Photos on server (smbfs, nodev, nosuid, mounted by ada)
server:/export on /Volumes/export (nfs)
"""


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/", "ext4"), ("/home/ada", "ext4"), ("/mnt/photos", "nfs4"), ("/mnt/photos/2024", "nfs4"),
        ("/mnt/photosx", "ext4"),
        ("/mnt/photos/local/x", "btrfs"), ("/mnt/two words\\here/x", "fuse.sshfs"), ("/mnt/twice/x", "cifs"),
    ],
)  # fmt: skip
def test_linux(path: str, name: str) -> None:
    assert kind_in(from_mountinfo(MOUNTINFO), Path(path)) == name


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/Users/ada", "apfs"),
        ("/Volumes/My Photos on server/a", "smbfs"),
        ("/Volumes/export/a", "nfs"),
        ("/dev/x", "devfs"),
    ],
)
def test_a_mac(path: str, name: str) -> None:
    assert kind_in(from_mount(MOUNT), Path(path)) == name


def test_where_nothing_is_told() -> None:
    assert from_mount("nothing of the kind\n") == from_mountinfo("\n1 2 3\n") == []
    assert kind_in([], Path("/home")) == ""


@pytest.mark.skipif(sys.platform != "linux" or shutil.which("findmnt") is None, reason="it asks findmnt")
@pytest.mark.parametrize("place", ["/", "/proc/self", "/dev/shm", "/sys"])
def test_as_the_system_says(place: str) -> None:
    said = subprocess.run(["findmnt", "-n", "-o", "FSTYPE", "--target", place], capture_output=True, text=True, check=True)
    assert kind(Path(place)) == said.stdout.splitlines()[-1]
    assert kind(Path(place) / "not" / "there") == kind(Path(place))


@pytest.fixture
def on_a(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let everything lie on that file system."""

    def lie(name: str) -> None:
        monkeypatch.setattr(filesystem, "mounts", lambda: [("/", name)])

    return lie


def setting(database: object, name: str) -> object:
    return database.execute(f"PRAGMA {name}").fetchone()[0]  # type: ignore[attr-defined]


def test_without_a_log_on_a_network_drive_and_with_one_again(tmp_path: Path, on_a: Callable[[str], None]) -> None:
    path, log = tmp_path / "journal.db", tmp_path / "journal.db-wal"
    for step, (name, mode, synchronous) in enumerate(
        [("ext4", "wal", 2), ("nfs4", "delete", 3), ("smbfs", "delete", 3), ("apfs", "wal", 2), ("fuse.sshfs", "delete", 3)]
    ):
        on_a(name)
        with Journal(path) as journal:
            journal.append([verdict(step)], float(step))
            said = [setting(journal._connection, each) for each in ("journal_mode", "synchronous", "fullfsync")]
            assert said == [mode, synchronous, 1]
            assert setting(journal._connection, "locking_mode") == "normal"
            assert log.exists() == (mode == "wal")
            with Journal(path) as other:
                other.append([verdict(100 + step)], float(step))
            assert journal.news() == {verdict(100 + step).image}
            assert len(list(journal.entries())) == 2 * step + 2
        with Journal(path, read_only=True) as looking:
            assert len(list(looking.entries())) == 2 * step + 2
    with Catalogue(tmp_path / "catalogue.db") as catalogue:
        assert setting(catalogue._db, "journal_mode") == "delete"


def test_a_log_that_others_have_open_is_not_taken_from_them(tmp_path: Path, on_a: Callable[[str], None]) -> None:
    path = tmp_path / "journal.db"
    on_a("ext4")
    with Journal(path) as journal:
        journal.append([verdict(1)], 1.0)
        on_a("nfs")
        with pytest.raises(FolderError, match="in use by another program"):
            Journal(path, busy_timeout_s=0.05)
        journal.append([verdict(2)], 2.0)
    with Journal(path) as journal:
        assert len(list(journal.entries())) == 2
        on_a("ext4")
        # Without a log it is as safe: it stays so while somebody has it open.
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN")
            other.execute("SELECT count(*) FROM steps").fetchone()
            with Journal(path, busy_timeout_s=0.05) as second:
                assert setting(second._connection, "journal_mode") == "delete"


def test_a_journal_that_an_end_left_in_the_middle_of_a_commit(tmp_path: Path, on_a: Callable[[str], None]) -> None:
    on_a("nfs")
    path = tmp_path / "journal.db"
    with Journal(path) as journal:
        journal.append([verdict(n) for n in range(300)], 1.0)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA cache_size = 1")
        other.execute("BEGIN")
        other.execute("UPDATE verdicts SET shown = 'Hare' || position")
        copy = tmp_path / "copy" / "journal.db"
        copy.parent.mkdir()
        for end in ("", "-journal"):
            shutil.copyfile(f"{path}{end}", f"{copy}{end}")
        other.execute("ROLLBACK")
    with Journal(copy) as journal:
        assert {one.shown for entry in journal.entries() for one in entry.verdicts} == {"Dog"}


def test_what_a_mac_protects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    protected = PermissionError(errno.EPERM, os.strerror(errno.EPERM))
    assert "Full Disk Access" in hint_for(protected)
    assert "Full Disk Access" not in hint_for(PermissionError(errno.EACCES, "Permission denied"))

    def refuse(*_: object, **__: object) -> None:
        raise protected

    with monkeypatch.context() as patch:
        patch.setattr("os.scandir", refuse)
        with pytest.raises(FolderError, match="cannot be listed: Operation not permitted") as caught:
            scan(tmp_path)
        assert "Privacy & Security" in caught.value.hint
    monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(FolderError, match="cannot be opened: Operation not permitted") as caught:
        home(tmp_path)
    assert "Privacy & Security" in caught.value.hint
