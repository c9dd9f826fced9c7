"""Pictures to look at: a part of one holds the file's own detail, and what the file says comes along."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.errors import UnreadableImage
from engine.previews import WHOLE, preview


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(5).integers(0, 256, (height, width, 3), np.uint8))


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def test_a_part_is_what_pillow_cuts_out() -> None:
    picture = noise(80, 60)
    seen = preview(saved(picture, "PNG"), 40, 21, (0.25, 0.4, 0.75, 0.75))
    assert seen.pixels.shape == (21, 40, 3)
    assert (seen.pixels == np.asarray(picture.crop((20, 24, 60, 45)))).all()
    assert (seen.width, seen.height) == (80, 60)


@pytest.mark.parametrize(
    ("part", "shape"),
    [
        (WHOLE, (15, 20)),
        ((0.0, 0.0, 0.5, 1.0), (18, 12)),
        ((0.5, 0.875, 1.0, 1.0), (4, 20)),
        ((0.9, 0.0, 1.0, 1.0), (18, 2)),
    ],
)
def test_a_part_keeps_its_proportions(part: tuple[float, float, float, float], shape: tuple[int, int]) -> None:
    assert preview(saved(noise(320, 240), "PNG"), 20, 18, part).pixels.shape == (*shape, 3)


def test_a_part_of_a_large_jpeg_has_its_full_detail() -> None:
    # Stripes of one pixel, which are grey at half the size: only a full decode shows them.
    stripes = np.zeros((960, 1280, 3), np.uint8)
    stripes[:, ::2] = 255
    data = saved(Image.fromarray(stripes), "JPEG", quality=95, subsampling=0)
    near = preview(data, 32, 24, (0.5, 0.5, 0.525, 0.525))
    assert near.pixels.shape == (24, 32, 3)
    assert (near.pixels[:, ::2] > 200).all() and (near.pixels[:, 1::2] < 50).all()
    far = preview(data, 32, 24)
    assert np.abs(far.pixels.astype(int) - 127).max() < 30


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_sizes_and_parts_are_those_of_the_upright_picture(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    white = Image.new("RGB", (640, 480))
    white.paste((255, 255, 255), (0, 0, 320, 240))
    seen = preview(saved(white, kind, exif=exif), 30, 30)
    assert (seen.width, seen.height) == ((480, 640) if orientation in (6, 8) else (640, 480))
    corner = {1: (0, 0), 3: (1, 1), 6: (1, 0), 8: (0, 1)}[orientation]
    for x, y in ((0, 0), (1, 0), (0, 1), (1, 1)):
        part = (x / 2 + 0.1, y / 2 + 0.1, x / 2 + 0.4, y / 2 + 0.4)
        light = preview(saved(white, kind, exif=exif), 8, 9, part).pixels.mean()
        assert (light > 240) == ((x, y) == corner)


def test_when_it_was_taken() -> None:
    exif = Image.Exif()
    exif[0x0132] = "2021:02:03 04:05:06"
    assert preview(saved(noise(8, 6), "JPEG", exif=exif), 4, 3).taken == "2021-02-03 04:05"
    exif.get_ifd(0x8769)[0x9003] = "2020:12:31 23:59:58"
    for kind in ("JPEG", "PNG", "WEBP"):
        assert preview(saved(noise(8, 6), kind, exif=exif), 4, 3).taken == "2020-12-31 23:59"


@pytest.mark.parametrize("said", ["", "yesterday", "\x1b[2J", "0000", "20:1:1"])
def test_nonsense_is_no_date(said: str) -> None:
    exif = Image.Exif()
    exif[0x0132] = said
    assert preview(saved(noise(8, 6), "JPEG", exif=exif), 4, 3).taken == ""


def test_a_part_of_what_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(saved(noise(400, 300), "JPEG")[:3000])
    with pytest.raises(UnreadableImage, match="too early"):
        preview(tmp_path / "a.jpg", 40, 30, (0.1, 0.1, 0.3, 0.3))
