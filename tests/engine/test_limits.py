"""What pictures may take, and which files count as the folder's: said, remembered, and held to."""

import os
import socket
from pathlib import Path

import pytest
from PIL import Image

from engine import files
from engine.errors import BadSetting, UnreadableImage
from engine.events import ImageSkipped, ImagesPredicted
from engine.files import read
from engine.limits import Limits, pixels_of
from engine.workspace import Workspace

OUT = "A link out of the folder; --follow-links reads it."


@pytest.mark.parametrize(
    ("said", "pixels"),
    [("200MP", 200_000_000), ("1.5 mp", 1_500_000), ("90k", 90_000), ("1GP", 10**9), ("7", 7), ("12P", 12)],
)
def test_a_number_of_pixels(said: str, pixels: int) -> None:
    assert pixels_of(said) == pixels


@pytest.mark.parametrize("said", ["", "0", "0MP", "-5MP", "much", "5MB", "1e9", "0.0001K", "nan"])
def test_what_is_no_number_of_pixels(said: str) -> None:
    with pytest.raises(BadSetting, match="50MP"):
        pixels_of(said)


def test_more_pixels_may_take_more_memory() -> None:
    one, two = (Limits(most).most_bytes for most in (1_000_000, 5_000_000))
    assert two - one == 20 * 4_000_000


def skipped(workspace: Workspace) -> dict[str, str]:
    return {event.image: event.reason for event in workspace.scan() if isinstance(event, ImageSkipped)}


def test_what_was_too_large_is_tried_again_when_the_limit_is_another(pictures: Path, model_path: Path) -> None:
    Image.new("RGB", (60, 50)).save(pictures / "large.png")
    (pictures / "no.png").write_bytes(b"text")
    damaged = {"no.png": "Not an image that can be read."}
    too_large = damaged | {"large.png": "More than 2,800 pixels."}
    for most, expected in ((2800, too_large), (2800, too_large), (3000, damaged), (2800, damaged)):
        with Workspace(pictures, model_path, limits=Limits(most)) as workspace:
            # What was read with a higher limit is known.
            assert skipped(workspace) == expected


def test_links_out_of_the_folder_are_read_if_that_is_said(pictures: Path, model_path: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.png"
    Image.new("RGB", (6, 5), (9, 99, 200)).save(outside)
    inside = sorted(pictures.glob("*.png"))[0]
    (pictures / "out.png").symlink_to(outside)
    (pictures / "in.png").symlink_to(inside.name)
    for said, expected in ((None, {"out.png": OUT}), (True, {}), (None, {}), (False, {"out.png": OUT})):
        with Workspace(pictures, model_path, follow_links=said) as workspace:
            predicted = [event.paths for event in workspace.scan() if isinstance(event, ImagesPredicted)]
            assert any("in.png" in each for each in predicted)
            assert skipped(Workspace(pictures, model_path)) == expected


def test_every_odd_thing_is_a_row_that_says_why(pictures: Path, model_path: Path, tmp_path: Path) -> None:
    os.mkfifo(pictures / "pipe.png")
    (pictures / "device.png").symlink_to("/dev/zero")
    (pictures / "nowhere.png").symlink_to("gone.png")
    (pictures / "round.png").symlink_to("round.png")
    (pictures / "empty.png").touch()
    (pictures / "folder.png").mkdir()
    here = os.getcwd()
    os.chdir(pictures)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket.png")
        os.chdir(here)
    expected = {
        "pipe.png": "Not a regular file.",
        "socket.png": "Not a regular file.",
        "nowhere.png": "A link that leads nowhere.",
        "round.png": "A link that leads nowhere.",
        "empty.png": "The file is empty.",
    }
    for follow, device in ((False, OUT), (True, "Not a regular file.")):
        with Workspace(pictures, model_path, follow_links=follow) as workspace:
            assert skipped(workspace) == {**expected, "device.png": device}
    (pictures / "gone.png").write_bytes(sorted(pictures.glob("*/*.png"))[0].read_bytes())
    with Workspace(pictures, model_path) as workspace:
        assert "nowhere.png" not in skipped(workspace)


def test_a_link_that_takes_a_files_place_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, away = tmp_path / "photos" / "more", tmp_path / "away"
    folder.mkdir(parents=True)
    away.mkdir()
    for each in (folder, away):
        (each / "a.jpg").write_bytes(each.name.encode())
    inside = (os.path.realpath(tmp_path / "photos"),)
    assert read(folder / "a.jpg", inside) == b"more"
    opened, swaps = os.open, {}

    def swap(path: str, flags: int) -> int:
        swaps["now"]()
        return opened(path, flags)

    def file() -> None:
        (folder / "a.jpg").unlink()
        (folder / "a.jpg").symlink_to(away / "a.jpg")

    def whole_folder() -> None:
        (tmp_path / "photos" / "more").rename(tmp_path / "photos" / "before")
        (tmp_path / "photos" / "more").symlink_to(away)

    monkeypatch.setattr(files.os, "open", swap)
    for swaps["now"], sentence in ((file, "nowhere"), (whole_folder, "took its place")):
        with pytest.raises(UnreadableImage, match=sentence):
            read(folder / "a.jpg", inside)
        if (folder / "a.jpg").is_symlink():
            (folder / "a.jpg").unlink()
            (folder / "a.jpg").write_bytes(b"more")


def test_a_folder_that_a_mac_protects_has_a_hint_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    monkeypatch.setattr(files.os, "open", lambda *_: (_ for _ in ()).throw(PermissionError(1, "no")))
    with pytest.raises(UnreadableImage, match="System Settings") as caught:
        read(tmp_path / "a.jpg")
    assert caught.value.sentence == "The system does not let this program read the file."
