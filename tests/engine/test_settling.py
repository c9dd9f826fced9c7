import os
import shutil
from pathlib import Path

import pytest

from engine import settling
from engine.events import FolderChanged
from engine.folder import Stamp, scan
from engine.settling import AT_MOST_SECONDS, QUIET_SECONDS, SETTLE_SECONDS, Settling

NEVER = float("inf")


def write(path: Path, size: int = 3) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    return path


def stamp(path: Path) -> Stamp:
    status = path.stat()
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ino)


class Played:
    """A folder that is looked at on a clock that only the test moves."""

    def __init__(self, folder: Path, known: dict[str, Stamp] | None = None) -> None:
        self.folder = folder
        self.settling = Settling(str(folder), known or {})
        self.now = 100.0

    def tick(self, seconds: float = 0.0, sweep_seconds: float = NEVER) -> FolderChanged | None:
        self.now += seconds
        return self.settling.tick(self.now, sweep_seconds)

    def notice(self, *paths: str, folder: bool = False) -> None:
        for path in paths:
            self.settling.marks.notice(path, folder)

    def changes(self, seconds: float = 5.0) -> list[FolderChanged]:
        """All that is told in so many seconds, in ticks of a tenth."""
        said = (self.tick(0.1) for _ in range(round(seconds * 10)))
        return [change for change in said if change is not None]

    def put(self, name: str, size: int = 3) -> Path:
        path = write(self.folder / name, size)
        self.notice(name)
        return path


@pytest.fixture
def played(tmp_path: Path) -> Played:
    folder = tmp_path / "photos"
    for size, name in enumerate(["a.jpg", "b.jpg", "more/c.jpg", "more/and/d.jpg"], 5):
        write(folder / name, size)
    played = Played(folder, scan(folder))
    assert played.tick(sweep_seconds=0) is None
    return played


def added(*paths: str) -> FolderChanged:
    return FolderChanged(added=paths)


def test_what_a_scan_found_is_not_told_again(played: Played) -> None:
    assert played.changes() == []
    assert played.settling.known == scan(played.folder)


def test_without_a_scan_everything_is_told_once_it_settles(played: Played) -> None:
    fresh = Played(played.folder)
    assert fresh.tick(sweep_seconds=0) is None
    assert fresh.tick(SETTLE_SECONDS - 0.1) is None
    assert fresh.tick(0.2) == added("a.jpg", "b.jpg", "more/and/d.jpg", "more/c.jpg")
    assert fresh.changes() == []


def test_what_changed_since_the_scan_is_told(played: Played) -> None:
    played = Played(played.folder, scan(played.folder))
    write(played.folder / "new.jpg")
    write(played.folder / "a.jpg", 20)
    (played.folder / "more" / "c.jpg").unlink()
    assert played.tick(sweep_seconds=0) == FolderChanged(removed=("more/c.jpg",))
    assert played.tick(SETTLE_SECONDS + 0.1) == FolderChanged(("new.jpg",), ("a.jpg",))
    assert played.changes() == []


def test_a_marked_folder_is_looked_at_when_it_is_quiet(played: Played) -> None:
    (played.folder / "a.jpg").unlink()
    played.notice("a.jpg")
    assert played.tick() is None
    assert played.tick(QUIET_SECONDS / 2) is None
    played.notice("b.jpg")
    assert played.tick(QUIET_SECONDS / 2) is None
    assert played.tick(QUIET_SECONDS / 2) is None
    assert played.tick(QUIET_SECONDS / 2 + 0.01) == FolderChanged(removed=("a.jpg",))


def test_a_folder_that_is_never_quiet_is_looked_at_too(played: Played) -> None:
    (played.folder / "a.jpg").unlink()
    waited = 0.0
    played.notice("a.jpg")
    while played.tick() is None:
        played.notice("b.jpg")
        played.now += 0.1
        waited += 0.1
        assert waited < AT_MOST_SECONDS + 0.2
    assert waited >= AT_MOST_SECONDS - 0.2


def test_what_is_not_marked_is_not_looked_at(played: Played) -> None:
    write(played.folder / "more" / "new.jpg")
    played.put("new.jpg")
    assert played.changes() == [added("new.jpg")]
    assert played.tick(sweep_seconds=played.now) is None
    assert played.tick(sweep_seconds=4) is None
    assert played.changes() == [added("more/new.jpg")]


@pytest.mark.parametrize("name", [".catflap/journal.db", ".hidden/a.jpg", "notes.txt", ".a.jpg", "more/.catflap/x.png"])
def test_events_in_what_is_left_out_mark_nothing(name: str, played: Played) -> None:
    played.notice(name)
    assert played.settling.marks.take() == (set(), False)
    played.notice("a.jpg")
    assert played.settling.marks.take() == ({""}, False)


def test_a_file_that_is_written_in_pieces_is_told_once_it_is_whole(played: Played) -> None:
    path = played.put("new.jpg", 1)
    said = []
    for size in range(2, 12):
        said += played.changes(SETTLE_SECONDS - 0.1)
        path.write_bytes(b"x" * size)
    assert said == []
    assert played.changes() == [added("new.jpg")]
    assert played.settling.known["new.jpg"] == stamp(path)


def test_an_empty_file_settles_first(played: Played) -> None:
    path = played.put("new.jpg", 0)
    assert played.changes(QUIET_SECONDS + SETTLE_SECONDS - 0.2) == []
    path.write_bytes(b"x")
    played.notice("new.jpg")
    assert played.changes() == [added("new.jpg")]


def test_a_file_that_stays_empty_is_told_as_such(played: Played) -> None:
    path = played.put("a.jpg", 0)
    new = played.put("new.jpg", 0)
    assert played.changes(QUIET_SECONDS + 0.2) == []
    assert played.changes() == [FolderChanged(("new.jpg",), ("a.jpg",))]
    assert played.settling.known["a.jpg"] == stamp(path) and played.settling.known["new.jpg"] == stamp(new)
    path.write_bytes(b"xy")
    played.notice("a.jpg")
    assert played.changes() == [FolderChanged(changed=("a.jpg",))]


def test_a_file_that_is_emptied_and_written_anew_has_changed(played: Played) -> None:
    path = played.put("a.jpg", 0)
    assert played.changes(0.7) == []
    path.write_bytes(b"xyz")
    assert played.changes() == [FolderChanged(changed=("a.jpg",))]


def test_a_file_that_is_replaced_has_changed(played: Played) -> None:
    old = played.folder / "a.jpg"
    other = write(played.folder / ".tmp", old.stat().st_size)
    os.utime(other, ns=(0, old.stat().st_mtime_ns))
    other.replace(old)
    played.notice("a.jpg")
    assert played.changes() == [FolderChanged(changed=("a.jpg",))]


def test_a_file_that_comes_and_goes_is_not_told(played: Played) -> None:
    path = played.put("new.jpg")
    assert played.changes(QUIET_SECONDS + 0.2) == []
    path.unlink()
    assert played.changes() == []


def test_a_file_that_goes_and_comes_back_as_it_was_is_not_told(played: Played) -> None:
    away = played.folder / ".away.jpg"
    (played.folder / "a.jpg").rename(away)
    played.notice("a.jpg")
    assert played.tick() is None
    away.rename(played.folder / "a.jpg")
    assert played.changes() == []


def test_a_file_with_a_new_name_is_told_in_one_piece_and_at_once(played: Played) -> None:
    (played.folder / "a.jpg").rename(played.folder / "more" / "z.jpg")
    played.notice("a.jpg", "more/z.jpg")
    assert played.changes(QUIET_SECONDS + 0.2) == [FolderChanged(added=("more/z.jpg",), removed=("a.jpg",))]
    (played.folder / "more" / "z.jpg").rename(played.folder / "b.jpg")
    played.notice("b.jpg", "more/z.jpg")
    assert played.changes() == [FolderChanged(changed=("b.jpg",), removed=("more/z.jpg",))]


def test_a_folder_with_a_new_name_is_told_in_one_piece(played: Played) -> None:
    (played.folder / "more").rename(played.folder / "less")
    played.notice("more", "less", folder=True)
    assert played.changes() == [FolderChanged(("less/and/d.jpg", "less/c.jpg"), (), ("more/and/d.jpg", "more/c.jpg"))]


def test_a_folder_that_is_removed_takes_everything_along(played: Played) -> None:
    shutil.rmtree(played.folder / "more")
    # The event of the innermost folder alone: it is found to be gone, and so are those around it.
    played.notice("more", folder=True)
    assert played.changes() == [FolderChanged(removed=("more/and/d.jpg", "more/c.jpg"))]


@pytest.mark.parametrize("swept", [True, False])
def test_a_folder_that_comes_is_listed_with_all_below(swept: bool, played: Played, tmp_path: Path) -> None:
    if not swept:
        played = Played(played.folder, scan(played.folder))
    for name in ("e.jpg", "in/f.jpg", "in/side/g.jpg", ".no/h.jpg"):
        write(tmp_path / "other" / name)
    (tmp_path / "other").rename(played.folder / "come")
    played.notice("come", folder=True)
    assert played.changes() == [added("come/e.jpg", "come/in/f.jpg", "come/in/side/g.jpg")]


def test_a_file_may_be_the_first_that_is_heard_of_its_folder(played: Played) -> None:
    write(played.folder / "come" / "other" / "e.jpg")
    played.put("come/in/f.jpg")
    assert played.changes() == [added("come/in/f.jpg", "come/other/e.jpg")]
    played.notice("a.jpg", "come/in/f.jpg")
    assert played.changes() == []


def test_a_folder_in_the_place_of_another_is_listed_anew(played: Played, tmp_path: Path) -> None:
    other = write(tmp_path / "other" / "and" / "e.jpg").parents[1]
    (played.folder / "more").rename(tmp_path / "away")
    other.rename(played.folder / "more")
    # One event at the folder above is enough.
    played.notice("a.jpg")
    changes = played.changes()
    assert sorted(path for change in changes for path in change.removed) == ["more/and/d.jpg", "more/c.jpg"]
    assert [path for change in changes for path in change.added] == ["more/and/e.jpg"]


def test_after_lost_events_everything_is_looked_at(played: Played) -> None:
    write(played.folder / "more" / "new.jpg")
    (played.folder / "more" / "and" / "d.jpg").unlink()
    played.settling.marks.lose()
    assert played.tick() is None
    assert played.changes() == [FolderChanged(removed=("more/and/d.jpg",)), added("more/new.jpg")]


def test_sweeps_come_in_their_time(played: Played) -> None:
    played.tick(sweep_seconds=60)
    (played.folder / "a.jpg").unlink()
    assert played.tick(59, 60) is None
    assert played.tick(1.1, 60) == FolderChanged(removed=("a.jpg",))
    (played.folder / "b.jpg").unlink()
    assert played.tick(59, 60) is None
    assert played.tick(1.1, 60) == FolderChanged(removed=("b.jpg",))


def test_large_folders_are_looked_at_in_steps(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "STEP", 4)
    names = [f"{index:03d}.jpg" for index in range(30)]
    for name in names:
        write(played.folder / name)
    (played.folder / "a.jpg").unlink()
    said = [played.tick(sweep_seconds=60)]
    ticks = 1
    while said[-1] is None:
        said.append(played.tick(0.01, 60))
        ticks += 1
    # 30 new and 5 known entries, of which 3 lie below, in steps of 4.
    assert ticks >= 35 // 4 and said[-1] == FolderChanged(removed=("a.jpg",))
    came = [change.added for change in played.changes()]
    assert max(map(len, came)) <= 4 and sorted(path for each in came for path in each) == names


def test_what_is_marked_after_the_folder_came_back_is_looked_at_alone(played: Played, tmp_path: Path) -> None:
    played.folder.rename(tmp_path / "away")
    assert played.tick(sweep_seconds=0) == FolderChanged(removed=("a.jpg", "b.jpg", "more/and/d.jpg", "more/c.jpg"))
    (tmp_path / "away").rename(played.folder)
    assert played.tick(sweep_seconds=0) is None
    assert len(played.changes()) == 1 and len(played.settling.known) == 4
    played.put("more/new.jpg")
    assert played.changes() == [added("more/new.jpg")]


def test_what_only_has_the_name_of_a_picture_is_told_once(played: Played, tmp_path: Path) -> None:
    os.mkfifo(played.folder / "pipe.jpg")
    (played.folder / "nowhere.jpg").symlink_to("gone.jpg")
    played.notice("pipe.jpg", "nowhere.jpg")
    assert played.changes() == [added("nowhere.jpg", "pipe.jpg")]
    os.utime(played.folder / "pipe.jpg", (1, 1))
    played.notice("pipe.jpg")
    assert played.changes() == []
    played.put("gone.jpg")
    assert played.changes() == [FolderChanged(("gone.jpg",), ("nowhere.jpg",))]


def test_links_out_of_the_folder_are_told_as_themselves(played: Played, tmp_path: Path) -> None:
    outside = write(tmp_path / "away.jpg", 20)
    played.settling = Settling(str(played.folder), scan(played.folder), os.path.realpath(played.folder))
    (played.folder / "link.jpg").symlink_to(outside)
    played.notice("link.jpg")
    assert played.changes() == [added("link.jpg")]
    assert played.settling.known["link.jpg"].inode == (played.folder / "link.jpg").lstat().st_ino
    outside.write_bytes(b"other")
    assert played.changes() == [] and played.tick(sweep_seconds=0) is None and played.changes() == []
