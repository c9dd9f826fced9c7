"""Where a folder's things are kept: they are found again whatever becomes of the folder, and moved whole or not at all."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.elsewhere import settle
from engine.errors import BadSetting, FolderError
from engine.journal import Journal
from engine.places import MARK, home, pointer
from engine.synced import service
from engine.workspace import Workspace
from tests.hostile.damage import verdict


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("engine.places.user_state_path", lambda name: tmp_path / "state" / name)
    return tmp_path / "state"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    return folder


def give(kept: Path, *numbers: int) -> None:
    with Journal(kept / "journal.db") as journal:
        journal.append([verdict(number) for number in numbers], 1.0)


def given(folder: Path) -> list[int]:
    with Journal(home(folder) / "journal.db", read_only=True) as journal:
        return [int.from_bytes(one.image, "big") for entry in journal.entries() for one in entry.verdicts]


def fill(kept: Path) -> dict[str, bytes]:
    (kept / "versions").mkdir(exist_ok=True)
    (kept / "versions" / "0000.mlmodel").write_bytes(os.urandom(1_100_000))
    (kept / "features" / "abc").mkdir(parents=True, exist_ok=True)
    (kept / "features" / "abc" / "rows").write_bytes(b"x" * 1000)
    return contents(kept)


def contents(kept: Path) -> dict[str, bytes]:
    files = [each for each in kept.rglob("*") if each.is_file() and each.name != MARK]
    return {str(each.relative_to(kept)): each.read_bytes() for each in files}


def test_there_and_on_and_back(photos: Path, tmp_path: Path) -> None:
    give(settle(photos), 1, 2, 3)
    before = fill(photos / ".catflap")
    first = settle(photos, str(tmp_path / "disk"))
    assert first.parent == tmp_path / "disk" and first.name.startswith("photos-")
    assert contents(first) == before and contents(photos / ".catflap") == {}
    assert home(photos) == settle(photos) == settle(photos, str(tmp_path / "disk")) == first
    give(first, 4)
    second = settle(photos, str(tmp_path / "other" / "disk"))
    assert not first.exists() and given(photos) == [1, 2, 3, 4]
    give(second, 5)
    assert settle(photos, "beside") == photos / ".catflap" == settle(photos, "beside") == home(photos)
    assert given(photos) == [1, 2, 3, 4, 5] and not second.exists()
    assert not list(pointer("x").parent.iterdir())
    assert {name for name in contents(home(photos)) if "journal" not in name} == {
        name for name in before if "journal" not in name
    }


def test_a_folder_that_is_renamed_takes_it_along(photos: Path, tmp_path: Path) -> None:
    give(settle(photos, str(tmp_path / "disk")), 7)
    renamed = photos.rename(tmp_path / "renamed")
    assert given(renamed) == [7]


def test_a_copy_on_another_computer_leads_nowhere(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = settle(photos, str(tmp_path / "disk"))
    give(there, 7)
    assert str(tmp_path).encode() not in (photos / ".catflap" / MARK).read_bytes()
    monkeypatch.setattr("engine.places.user_state_path", lambda name: tmp_path / "another computer" / name)
    here = settle(photos)
    assert here.is_relative_to(tmp_path / "another computer") and given(photos) == []
    give(here, 8)
    assert given(photos) == [8]
    assert settle(photos, "beside") == photos / ".catflap" and given(photos) == [8]


@pytest.mark.parametrize("mark", ["../../../somewhere", "/etc", "", "0123456789ABCDEF", "x" * 16, "0" * 5000])
def test_a_mark_of_somebody_else_leads_nowhere(photos: Path, mark: str) -> None:
    (photos / ".catflap").mkdir()
    (photos / ".catflap" / MARK).write_text(mark)
    assert home(photos) == photos / ".catflap"
    (photos / ".catflap" / MARK).unlink()
    os.mkfifo(photos / ".catflap" / MARK)
    assert home(photos) == photos / ".catflap"


def test_a_drive_that_is_not_there(photos: Path, tmp_path: Path) -> None:
    give(settle(photos, str(tmp_path / "disk")), 7)
    shutil.move(tmp_path / "disk", tmp_path / "away")
    for look in (home, settle):
        with pytest.raises(FolderError, match=r"lies in .*disk.* which is not there") as caught:
            look(photos)
        assert "--keep-in beside" in caught.value.hint
    (tmp_path / "disk").mkdir()
    with pytest.raises(FolderError, match="not there"):
        home(photos)
    shutil.rmtree(tmp_path / "disk")
    shutil.move(tmp_path / "away", tmp_path / "disk")
    assert given(photos) == [7]
    shutil.move(tmp_path / "disk", tmp_path / "away")
    assert settle(photos, "beside") == photos / ".catflap"
    assert list((tmp_path / "away").iterdir())


def test_what_lies_in_the_folder_already_is_kept(photos: Path, tmp_path: Path) -> None:
    give(settle(photos, str(tmp_path / "disk")), 7)
    give(photos / ".catflap", 1)
    assert given(photos) == [7]
    settle(photos, "beside")
    assert given(photos) == [7]
    with Journal(photos / ".catflap" / "before" / "journal.db", read_only=True) as older:
        assert older.in_force() == {verdict(1).image: verdict(1)}


def test_where_it_cannot_be(photos: Path, tmp_path: Path) -> None:
    give(settle(photos), 7)
    with pytest.raises(BadSetting, match="lies inside"):
        settle(photos, str(photos / "sub"))
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FolderError, match="could not be moved: Not a directory"):
        settle(photos, str(tmp_path / "file"))
    assert given(photos) == [7]


def test_the_usual_place_is_for_new_folders(photos: Path, tmp_path: Path) -> None:
    give(settle(photos, usual="beside"), 1)
    assert settle(photos, usual=str(tmp_path / "disk")) == photos / ".catflap"
    new = tmp_path / "new"
    new.mkdir()
    assert settle(new, usual=str(tmp_path / "disk")).parent == tmp_path / "disk"
    assert settle(new) == home(new) != settle(photos)


class Ended(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("back", [False, True])
def test_an_end_at_any_moment(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, back: bool) -> None:
    kept = settle(photos, str(tmp_path / "disk")) if back else settle(photos)
    give(kept, 1, 2, 3)
    before = fill(kept)
    ends, left = 0, [0]

    def counted(really: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **options: object) -> object:
            left[0] -= 1
            if left[0] < 0:
                raise Ended
            return really(*args, **options)

        return call

    counters = {name: counted(getattr(Path, name)) for name in ("rename", "replace", "unlink")}
    for nth in range(100):
        left[0] = nth
        with monkeypatch.context() as patch:
            # To flush a real disk hundreds of times takes long.
            patch.setattr(os, "fsync", counted(lambda file: None))
            for name, counter in counters.items():
                patch.setattr(Path, name, counter)
            try:
                settle(photos, "beside" if back else str(tmp_path / "disk"))
                break
            except Ended:
                ends += 1
        found = contents(home(photos))
        assert {name: found.get(name) for name in before} == before, nth
    assert ends > 8
    assert given(photos) == [1, 2, 3]


def test_verdicts_stay_when_a_folder_becomes_read_only_and_when_it_no_longer_is(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.places.user_state_path", lambda name: open_folder / "state" / name)
    really = os.access
    monkeypatch.setattr("os.access", lambda path, mode, **_: really(path, mode, effective_ids=True))
    photos = open_folder / "photos"
    photos.mkdir()
    give(settle(photos), 1, 2)
    for each in (photos / ".catflap", photos):
        each.chmod(0o500)
    # Who only looks reads them where they are; who writes has them copied.
    assert home(photos) == photos / ".catflap" and given(photos) == [1, 2]
    kept = settle(photos)
    assert kept.is_relative_to(open_folder / "state") and settle(photos) == home(photos) == kept
    give(kept, 3)
    assert given(photos) == [1, 2, 3]
    for each in (photos, photos / ".catflap"):
        each.chmod(0o700)
    assert given(photos) == [1, 2, 3] and settle(photos) == kept
    assert settle(photos, "beside") == photos / ".catflap" and given(photos) == [1, 2, 3]


def test_a_workspace_and_commands_find_it(pictures: Path, model_path: Path, tmp_path: Path) -> None:
    there = settle(pictures, str(tmp_path / "disk"))
    with Workspace(pictures, model_path) as workspace:
        list(workspace.scan())
        assert workspace.home == there
    assert (there / "catalogue.db").exists() and (there / "features").is_dir()
    assert [each.name for each in (pictures / ".catflap").iterdir()] == [MARK]


@pytest.mark.parametrize(
    ("folder", "mark", "name"),
    [
        ("Library/Mobile Documents/com~apple~CloudDocs/Photos", "", "iCloud Drive"),
        ("Library/CloudStorage/Dropbox/Photos", "", "Dropbox"),
        ("Library/CloudStorage/OneDrive-Personal", "", "OneDrive"),
        ("Library/CloudStorage/GoogleDrive-ada@x/My Drive/a", "", "Google Drive"),
        ("Library/CloudStorage/Box-Box/a", "", "Box"),
        ("Library/CloudStorage/Other/a", "", "a service of this Mac"),
        ("Dropbox (Home)/a", "", "Dropbox"),
        ("OneDrive - Firm/a", "", "OneDrive"),
        ("Nextcloud/a/b", "", "Nextcloud"),
        ("Documents/a", "Library/Mobile Documents/com~apple~CloudDocs/Documents", "iCloud Drive"),
        ("shared/a/b", "shared/.stfolder", "Syncthing"),
        ("cloud/a", "cloud/.sync_0123abcd.db", "Nextcloud"),
        ("cloud/a", "cloud/.dropbox.cache", "Dropbox"),
        ("drive/a", "drive/.tmp.drivedownload", "Google Drive"),
        ("Documents/a", "", ""),
        ("Pictures/Dropbox/a", "", ""),
        ("Boxes/a", "", ""),
        ("a", "b/.stfolder", ""),
    ],
)
def test_services_that_copy_a_folder(tmp_path: Path, folder: str, mark: str, name: str) -> None:
    (tmp_path / folder).mkdir(parents=True)
    if mark:
        (tmp_path / mark).mkdir(parents=True)
    assert service(tmp_path / folder, tmp_path) == name
