"""Orientation, proportions and reduced decoding."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageDraw

from engine import images, previews
from engine.images import pixels
from engine.previews import preview

CORNERS = {"red": (0, 0), "lime": (1, 0), "blue": (0, 1), "yellow": (1, 1)}
"""Colours by corner (right, below) of the picture as it should be seen."""


def corners(size: tuple[int, int] = (30, 20)) -> Image.Image:
    """Four areas of one colour each, so that every orientation looks different."""
    picture = Image.new("RGB", size, "gray")
    draw = ImageDraw.Draw(picture)
    w, h = size[0] // 2, size[1] // 2
    for colour, (x, y) in CORNERS.items():
        draw.rectangle((x * w, y * h, x * w + w - 1, y * h + h - 1), fill=colour)
    return picture


def waves(size: tuple[int, int] = (43, 31)) -> Image.Image:
    """A smooth picture, in which each channel differs."""
    x, y = np.meshgrid(np.arange(size[0]) / size[0], np.arange(size[1]) / size[1])
    channels = [127 + 120 * np.sin(5 * x), 255 * y, 255 * x * (1 - y)]
    return Image.fromarray(np.stack(channels, -1).astype(np.uint8))


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def heif(picture: Image.Image, **options: object) -> bytes:
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.register_heif_opener()
    return saved(picture, "HEIF", **options)


def reference(picture: Image.Image, width: int, height: int, mode: str = "RGB") -> np.ndarray:
    scaled = picture.convert(mode).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(scaled).reshape(height, width, -1)


ORIENTED = {"JPEG": 40, "PNG": 0, "TIFF": 0, "WEBP": 40, "MPO": 40, "AVIF": 40}
"""Formats that carry an orientation, and how far their colours may be off."""


def stored(orientation: int, size: tuple[int, int]) -> Image.Image:
    """The picture as a camera stores it, by the table of Exif 2.32: where the 0th row and column are seen."""
    seen = np.asarray(corners(size))
    rows = {
        1: seen,
        2: seen[:, ::-1],
        3: seen[::-1, ::-1],
        4: seen[::-1],
        5: seen.transpose(1, 0, 2),
        6: seen.transpose(1, 0, 2)[::-1],
        7: seen.transpose(1, 0, 2)[::-1, ::-1],
        8: seen.transpose(1, 0, 2)[:, ::-1],
    }
    return Image.fromarray(np.ascontiguousarray(rows[orientation]))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ORIENTED)
@pytest.mark.parametrize("size", [(30, 20), (600, 400)])
def test_pictures_stand_upright(kind: str, orientation: int, size: tuple[int, int]) -> None:
    if kind == "AVIF":
        pytest.importorskip("PIL._avif")
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(stored(orientation, size), kind, exif=exif)
    difference = pixels(data, 15, 10, "RGB").astype(int) - reference(corners(size), 15, 10)
    assert np.abs(difference[2:8:5, 3:12:8]).max() <= ORIENTED[kind]
    shown = preview(data, 24, 90).pixels
    assert shown.shape == (16, 24, 3)
    assert np.abs(shown.astype(int) - reference(corners(size), 24, 16))[4:12:7, 4:20:15].max() <= ORIENTED[kind]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_heic_stands_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = heif(stored(orientation, (60, 40)), exif=exif.tobytes(), quality=90)
    difference = pixels(data, 15, 10, "RGB").astype(int) - reference(corners((60, 40)), 15, 10)
    assert np.abs(difference[2:8:5, 3:12:8]).max() <= 40


@pytest.mark.parametrize("notes", [b"MM\0*\0\0\0\x08\xff\xff" + b"\x99" * 40, b"nothing that is a TIFF file"])
def test_damaged_notes_do_no_harm(notes: bytes) -> None:
    notes = b"Exif\0\0" + notes
    whole = saved(waves(), "JPEG", quality=95)
    data = whole[:2] + b"\xff\xe1" + struct.pack(">H", len(notes) + 2) + notes + whole[2:]
    assert (pixels(data, 17, 11, "RGB") == pixels(whole, 17, 11, "RGB")).all()
    for kind in ("PNG", "WEBP"):
        data = saved(waves(), kind, exif=notes, lossless=True)
        assert (pixels(data, 17, 11, "RGB") == reference(waves(), 17, 11)).all()


def test_large_jpegs_are_decoded_at_a_reduced_size(monkeypatch: pytest.MonkeyPatch) -> None:
    data = saved(waves((1600, 1200)), "JPEG", quality=90)
    sizes: list[tuple[int, int]] = []
    colours = images.colours
    for home in (images, previews):
        monkeypatch.setattr(home, "colours", lambda picture, mode: sizes.append(picture.size) or colours(picture, mode))
    scaled = pixels(data, 90, 50, "RGB")
    preview(data, 90, 50)
    assert sizes == [(400, 300), (400, 300)]
    assert np.abs(scaled.astype(int) - reference(waves((1600, 1200)), 90, 50)).mean() < 2
    exif = Image.Exif()
    exif[0x0112] = 6
    sizes.clear()
    # It is stored on its side: what must cover the 140 columns, four times, are 1200 stored rows.
    pixels(saved(waves((1600, 1200)), "JPEG", exif=exif), 140, 50, "RGB")
    assert sizes == [(600, 800)]


@pytest.mark.parametrize(
    ("size", "box", "shape"),
    [
        ((60, 20), (30, 30), (10, 30)),
        ((20, 60), (30, 30), (30, 10)),
        ((8, 6), (80, 90), (60, 80)),
        ((2000, 3), (40, 20), (1, 40)),
        ((3, 2000), (40, 20), (20, 1)),
    ],
)
def test_a_preview_fits_and_keeps_its_proportions(
    size: tuple[int, int], box: tuple[int, int], shape: tuple[int, int]
) -> None:
    seen = preview(saved(waves(size), "PNG"), *box).pixels
    assert seen.shape == (*shape, 3) and seen.dtype == np.uint8
