import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import listing
from engine.errors import FolderError
from engine.events import FolderChanged
from engine.folder import Stamp, Watch, compare, scan


def write(path: Path, size: int = 3) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    return path


def stamp(path: Path) -> Stamp:
    status = path.stat()
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ino)


def test_a_scan_finds_images_in_the_folder_and_below_it(tmp_path: Path) -> None:
    names = ["z.JPG", "a.jpeg", "more/b.png", "more/and more/c.HEIC", "weiß ünd.tiff", "a b.webp"]
    files = {name: write(tmp_path / name, size) for size, name in enumerate(names, 2)}
    found = scan(tmp_path)
    assert list(found) == sorted(names)
    assert found == {name: stamp(path) for name, path in files.items()}


LEFT_OUT = [
    ".hidden.jpg",
    "._resource.jpg",
    ".DS_Store",
    ".catflap/a.jpg",
    ".hidden/a.jpg",
    "more/.catflap/a.jpg",
    "__MACOSX/a.jpg",
    "@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg",
    "a.jpg.crdownload",
    "a.jpg.part",
    "a.jpg.download",
    "a.jpg.tmp",
    ".a.jpg.icloud",
    ".a.jpg.X7ab3Q",
    "~$a.jpg",
    "a.txt",
    "jpg",
    "no suffix",
    "model.mlmodel",
]


@pytest.mark.parametrize("name", LEFT_OUT)
def test_a_scan_leaves_out(name: str, tmp_path: Path) -> None:
    write(tmp_path / name)
    write(tmp_path / "in.jpg")
    assert list(scan(tmp_path)) == ["in.jpg"]


def test_what_only_has_the_name_of_a_picture_is_listed_and_folders_are_not(tmp_path: Path) -> None:
    empty = write(tmp_path / "empty.jpg", 0)
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "link.jpg").symlink_to(tmp_path / "folder.jpg")
    links = {name: tmp_path / name for name in ("device.jpg", "nowhere.jpg", "round.jpg")}
    for name, target in (("device.jpg", "/dev/zero"), ("nowhere.jpg", "gone.jpg"), ("round.jpg", "round.jpg")):
        links[name].symlink_to(target)
    inside = write(tmp_path / "folder.jpg" / "in.jpg")
    found = scan(tmp_path)
    assert list(found) == ["device.jpg", "empty.jpg", "folder.jpg/in.jpg", "nowhere.jpg", "pipe.jpg", "round.jpg"]
    assert found["empty.jpg"] == stamp(empty) and found["folder.jpg/in.jpg"] == stamp(inside)
    for name in ("nowhere.jpg", "round.jpg"):
        assert found[name] == Stamp(0, links[name].lstat().st_mtime_ns, links[name].lstat().st_ino)
    assert found["device.jpg"] == Stamp(0, 0, os.stat("/dev/zero").st_ino)
    assert found["pipe.jpg"] == Stamp(0, 0, (tmp_path / "pipe.jpg").stat().st_ino)
    kept = scan(tmp_path, follow_links=False)
    assert kept["device.jpg"].inode == links["device.jpg"].lstat().st_ino and list(kept) == list(found)


def test_links_to_files_count_and_links_to_folders_do_not(tmp_path: Path) -> None:
    inside, outside = write(tmp_path / "photos" / "more" / "a.jpg", 4), write(tmp_path / "elsewhere" / "b.jpg", 5)
    folder = tmp_path / "photos"
    (folder / "one.jpg").symlink_to(inside)
    (folder / "two.jpg").symlink_to(outside)
    (folder / "round").symlink_to(folder)
    (folder / "more" / "up").symlink_to(folder)
    (folder / "away").symlink_to(outside.parent)
    all_followed = {"more/a.jpg": stamp(inside), "one.jpg": stamp(inside), "two.jpg": stamp(outside)}
    assert scan(folder) == all_followed
    link = (folder / "two.jpg").lstat()
    assert scan(folder, follow_links=False) == {**all_followed, "two.jpg": Stamp(0, link.st_mtime_ns, link.st_ino)}


def test_a_name_that_is_no_text_survives(tmp_path: Path) -> None:
    name = b"caf\xe9.jpg"
    try:
        with open(os.path.join(os.fsencode(tmp_path), name), "wb") as file:
            file.write(b"x")
    except OSError:
        pytest.skip("the file system takes text alone")
    (path,) = scan(tmp_path)
    assert os.fsencode(path) == name


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_a_scan_of_what_is_no_folder(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "photos"
    if kind == "file":
        write(path)
    with pytest.raises(FolderError, match="photos"):
        scan(path)


def test_compare_tells_what_is_different() -> None:
    one, two, three = Stamp(1, 5, 9), Stamp(2, 5, 9), Stamp(1, 6, 9)
    before = {"same": one, "grew": one, "gone": one, "touched": one, "went": two}
    now = {"touched": three, "same": one, "grew": two, "new": one, "another": three}
    assert compare(before, now) == FolderChanged(("another", "new"), ("grew", "touched"), ("gone", "went"))
    assert compare(before, {**before, "same": Stamp(1, 5, 8)}) == FolderChanged(changed=("same",))
    assert compare(before, dict(before)) is None and compare({}, {}) is None


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, int], None]:
    """Lets the system refuse to list a folder."""
    refused: dict[str, int] = {}
    real = os.scandir

    def scandir(path: str | Path) -> object:
        number = refused.get(str(path).rstrip("/"))
        if number is not None:
            raise OSError(number, os.strerror(number))
        return real(path)

    monkeypatch.setattr(listing.os, "scandir", scandir)
    return lambda path, number: refused.update({str(path): number})


def test_a_scan_goes_on_where_a_folder_cannot_be_read(tmp_path: Path, refuse: Callable[[Path, int], None]) -> None:
    for name in ("a.jpg", "more/b.jpg", "other/c.jpg"):
        write(tmp_path / name)
    refuse(tmp_path / "more", errno.EACCES)
    assert list(scan(tmp_path)) == ["a.jpg", "other/c.jpg"]


@pytest.mark.parametrize("where", ["", "more", "more/and"])
@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE])
@pytest.mark.parametrize("swept", [True, False])
def test_a_folder_that_cannot_be_read_just_now_is_not_gone(
    where: str, number: int, swept: bool, tmp_path: Path, refuse: Callable[[Path, int], None]
) -> None:
    for name in ("a.jpg", "more/b.jpg", "more/and/c.jpg"):
        write(tmp_path / name)
    watch = Watch(tmp_path, scan(tmp_path), sweep_seconds=10)
    if swept:
        assert watch.tick(1) is None
    refuse(tmp_path / where, number)
    assert [watch.tick(now) for now in (12, 13, 24)] == [None] * 3
    assert len(watch.known) == 3


def test_the_folder_itself_may_go_and_come_back(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    names = ("a.jpg", "more/b.jpg")
    for name in names:
        write(folder / name)
    watch = Watch(folder, scan(folder), sweep_seconds=10)
    assert watch.tick(1) is None
    folder.rename(tmp_path / "away")
    assert watch.tick(12) == FolderChanged(removed=names) and not watch.known
    assert watch.tick(23) is None
    (tmp_path / "away").rename(folder)
    assert watch.tick(34) is None
    assert watch.tick(35) == FolderChanged(added=names) and set(watch.known) == set(names)
    assert watch.tick(46) is None
    assert watch.problem == ""


def test_a_watch_of_a_missing_folder_waits_for_it(tmp_path: Path) -> None:
    watch = Watch(tmp_path / "later", sweep_seconds=5)
    assert watch.tick(1) is None
    write(tmp_path / "later" / "a.jpg")
    assert watch.tick(7) is None
    assert watch.tick(8) == FolderChanged(added=("a.jpg",))
