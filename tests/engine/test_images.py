import hashlib
import io
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from engine import images
from engine.errors import UnreadableImage
from engine.images import SUFFIXES, content_key, pixels
from engine.previews import preview
from engine.spec.interface import COLORS

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


def test_channels_stand_in_the_models_order() -> None:
    data = saved(waves(), "PNG")
    rgb = pixels(data, 17, 11, "RGB")
    assert rgb.shape == (11, 17, 3) and rgb.dtype == np.uint8 and rgb.flags.c_contiguous
    assert (rgb == reference(waves(), 17, 11)).all()
    bgr = pixels(data, 17, 11, "BGR")
    assert bgr.flags.c_contiguous and (bgr == rgb[:, :, ::-1]).all() and (bgr != rgb).any()


@pytest.mark.parametrize("color", ["GRAYSCALE", "GRAYSCALE_FLOAT16"])
def test_grey_is_the_luma_of_the_colours(color: str) -> None:
    grey = pixels(saved(waves(), "PNG"), 17, 11, color)
    assert grey.shape == (11, 17, 1) and grey.dtype == np.uint8
    colours = pixels(saved(waves(), "PNG"), 17, 11, "RGB").astype(float)
    # Rec. 601; both are rounded when they are scaled.
    assert np.abs(grey[:, :, 0] - colours @ [0.299, 0.587, 0.114]).max() <= 1.5


def test_every_colour_of_the_format_is_served() -> None:
    for color in COLORS.values():
        assert pixels(saved(waves(), "PNG"), 5, 4, color).shape[:2] == (4, 5)


def test_a_path_and_its_bytes_give_the_same(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    waves().save(path)
    assert (pixels(path, 17, 11, "RGB") == pixels(path.read_bytes(), 17, 11, "RGB")).all()
    assert (preview(path, 17, 11).pixels == preview(path.read_bytes(), 17, 11).pixels).all()


LOSSLESS: dict[str, Callable[[], bytes]] = {
    "png": lambda: saved(waves(), "PNG"),
    "bmp": lambda: saved(waves(), "BMP"),
    "dib": lambda: saved(waves(), "DIB"),
    "tiff": lambda: saved(waves(), "TIFF"),
    "tiff, compressed": lambda: saved(waves(), "TIFF", compression="tiff_lzw"),
    "webp": lambda: saved(waves(), "WEBP", lossless=True),
    "ppm": lambda: saved(waves(), "PPM"),
    "jpeg 2000": lambda: saved(waves(), "JPEG2000", irreversible=False),
    "rgba png": lambda: saved(waves().convert("RGBA"), "PNG"),
    "apng": lambda: saved(waves(), "PNG", save_all=True, append_images=[corners((43, 31))]),
    "tiff, two pages": lambda: saved(waves(), "TIFF", save_all=True, append_images=[corners()]),
    "webp, animated": lambda: saved(
        waves(), "WEBP", lossless=True, save_all=True, append_images=[corners((43, 31))], duration=90
    ),
}


@pytest.mark.parametrize("name", LOSSLESS)
def test_exact_formats_give_the_same_pixels(name: str) -> None:
    assert (pixels(LOSSLESS[name](), 17, 11, "RGB") == reference(waves(), 17, 11)).all()


LOSSY: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: saved(waves(), "JPEG", quality=95),
    "progressive jpeg": lambda: saved(waves(), "JPEG", quality=95, progressive=True),
    "webp": lambda: saved(waves(), "WEBP", quality=95),
    "mpo": lambda: saved(waves(), "MPO", quality=95, save_all=True, append_images=[corners()]),
    "heic": lambda: heif(waves(), quality=95),
    "avif": lambda: saved(waves(), "AVIF", quality=95),
    "cmyk tiff": lambda: saved(waves().convert("CMYK"), "TIFF"),
    "ycbcr tiff": lambda: saved(waves().convert("YCbCr"), "TIFF"),
    "adobe cmyk jpeg": lambda: saved(waves().convert("CMYK"), "JPEG", quality=95),
}


@pytest.mark.parametrize("name", LOSSY)
def test_other_formats_give_nearly_the_same_pixels(name: str) -> None:
    if name == "avif":
        pytest.importorskip("PIL._avif")
    difference = pixels(LOSSY[name](), 17, 11, "RGB").astype(int) - reference(waves(), 17, 11)
    assert np.abs(difference).mean() < 3


def test_heic_is_read_without_being_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    data = heif(waves(), quality=95)
    monkeypatch.delitem(Image.OPEN, "HEIF")
    images._register_heif.cache_clear()
    assert np.abs(pixels(data, 17, 11, "RGB").astype(int) - reference(waves(), 17, 11)).mean() < 3


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "RGBA", "P"])
def test_grey_is_the_grey_of_the_colours_however_they_are_kept(mode: str) -> None:
    picture = waves().convert(mode)
    grey = pixels(saved(picture, "TIFF"), 17, 11, "GRAYSCALE")
    assert np.abs(grey - reference(picture.convert("RGB"), 17, 11, "L").astype(int)).max() <= 1


def test_a_gif_gives_its_first_frame() -> None:
    first, second = Image.new("RGB", (13, 9), (200, 40, 60)), Image.new("RGB", (13, 9), (10, 90, 220))
    data = saved(first, "GIF", save_all=True, append_images=[second], duration=90)
    assert (pixels(data, 5, 4, "RGB") == (200, 40, 60)).all()


@pytest.mark.parametrize("kind", ["RGB", "P", "L", "1"])
def test_transparent_parts_are_black(kind: str) -> None:
    left = Image.new("L", (12, 8), 255)
    left.paste(0, (6, 0, 12, 8))
    picture = Image.new("RGB", (12, 8), "white").convert(kind)
    if kind == "RGB":
        picture.putalpha(left)
        data = saved(picture, "PNG")
    else:
        picture = left.convert(kind)
        # The index of white, or white itself, becomes the transparent one.
        data = saved(picture, "PNG", transparency=picture.getpixel((0, 0)))
    seen = pixels(data, 12, 8, "RGB")
    assert (seen[:, :5] == (255 if kind == "RGB" else 0)).all()
    assert (seen[:, 7:] == 0).all()
    assert (preview(data, 12, 8).pixels == seen).all()


def test_a_veil_darkens_and_grey_alpha_counts() -> None:
    veil = Image.merge("LA", (Image.new("L", (9, 7), 200), Image.new("L", (9, 7), 128)))
    assert (pixels(saved(veil, "PNG"), 4, 3, "RGB") == 100).all()
    assert (pixels(saved(veil, "PNG"), 4, 3, "GRAYSCALE") == 100).all()
    several = Image.new("P", (9, 7), 1)
    several.putpalette([0, 0, 0, 240, 120, 60])
    assert (pixels(saved(several, "PNG", transparency=bytes([0, 128])), 4, 3, "RGB") == (120, 60, 30)).all()


def deep(picture_mode: str, top: float) -> Image.Image:
    ramp = np.linspace(0, top, 35).reshape(5, 7)
    kinds = {"I;16": np.uint16, "I": np.int32, "F": np.float32}
    return Image.fromarray(ramp.astype(kinds[picture_mode]))


DEEP: dict[str, Callable[[], bytes]] = {
    "png, 16 bits": lambda: saved(deep("I;16", 65535), "PNG"),
    "tiff, 16 bits": lambda: saved(deep("I;16", 65535), "TIFF"),
    "tiff, 32 bits, of which 16 are used": lambda: saved(deep("I", 65535), "TIFF"),
    "tiff, 32 bits": lambda: saved(deep("I", 2**31 - 1), "TIFF"),
    "tiff, floats to 1": lambda: saved(deep("F", 1), "TIFF"),
    "tiff, floats to 4095": lambda: saved(deep("F", 4095), "TIFF"),
    "tiff, 16 bits, high byte first": lambda: saved(
        Image.frombytes("I;16B", (7, 5), np.linspace(0, 65535, 35).astype(">u2").tobytes()), "TIFF"
    ),
    "pgm, 16 bits": lambda: b"P5 7 5 65535\n" + np.linspace(0, 65535, 35).astype(">u2").tobytes(),
    "tiff, 12 bits": lambda: grey_tiff(np.linspace(0, 4095, 35).astype(int).tolist(), 7, 12),
    "tiff, 8 bits, white is 0": lambda: grey_tiff(np.linspace(255, 0, 35).astype(int).tolist(), 7, 8, 0),
    "tiff, 16 bits, white is 0": lambda: grey_tiff(np.linspace(65535, 0, 35).astype(int).tolist(), 7, 16, 0),
}


def grey_tiff(values: list[int], width: int, depth: int, photometric: int = 1) -> bytes:
    """A TIFF file, written from the format's text: one strip, rows in whole bytes, 16 bits low byte first."""
    strip = b""
    if depth == 16:
        values = [(value & 255) << 8 | value >> 8 for value in values]
    for start in range(0, len(values), width):
        bits = "".join(f"{value:0{depth}b}" for value in values[start : start + width])
        bits = bits.ljust(-(-len(bits) // 8) * 8, "0")
        strip += int(bits, 2).to_bytes(len(bits) // 8, "big")
    tags = {256: width, 257: len(values) // width, 258: depth, 259: 1, 262: photometric}
    tags |= {273: 8, 277: 1, 278: 99, 279: len(strip)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    strip += b"\0" * (len(strip) % 2)
    head = b"II*\0" + struct.pack("<I", 8 + len(strip))
    return head + strip + struct.pack("<H", len(tags)) + entries + b"\0\0\0\0"


@pytest.mark.parametrize("name", DEEP)
def test_deep_grey_is_scaled_not_clipped(name: str) -> None:
    seen = pixels(DEEP[name](), 7, 5, "GRAYSCALE")[:, :, 0].astype(float)
    assert np.abs(seen - np.linspace(0, 255, 35).reshape(5, 7)).max() <= 1.01
    assert (pixels(DEEP[name](), 7, 5, "BGR") == seen[:, :, None]).all()


@pytest.mark.parametrize(("mode", "half"), [("I;16", 32767), ("I", 32767), ("F", 0.5)])
def test_dark_deep_grey_stays_dark(mode: str, half: float) -> None:
    seen = pixels(saved(deep(mode, half), "TIFF"), 7, 5, "GRAYSCALE")[:, :, 0].astype(float)
    assert np.abs(seen - np.linspace(0, 127.5, 35).reshape(5, 7)).max() <= 1.01


def test_floats_that_are_no_numbers_are_black() -> None:
    picture = Image.fromarray(np.array([[np.nan, 1.0, 0.5], [np.inf, -np.inf, 0.0]], np.float32))
    assert pixels(saved(picture, "TIFF"), 3, 2, "GRAYSCALE")[:, :, 0].tolist() == [[0, 255, 128], [0, 0, 0]]


def test_colours_by_lightness() -> None:
    white = Image.merge("LAB", [Image.new("L", (5, 4), level) for level in (255, 128, 128)])
    assert (pixels(saved(white, "TIFF"), 3, 2, "RGB") >= 254).all()


def test_one_bit_pictures() -> None:
    picture = Image.new("1", (6, 4))
    picture.paste(1, (3, 0, 6, 4))
    assert pixels(saved(picture, "TIFF", compression="group4"), 6, 4, "GRAYSCALE")[2, :, 0].tolist() == [0] * 3 + [255] * 3


def test_a_small_picture_of_a_large_one_does_not_alias() -> None:
    lines = np.zeros((400, 640), np.uint8)
    lines[:, ::2] = 255
    seen = pixels(saved(Image.fromarray(lines), "PNG"), 16, 10, "GRAYSCALE")
    assert np.abs(seen.astype(int) - 127).max() < 8


def test_the_content_key_is_of_the_bytes_alone() -> None:
    assert content_key(b"abc") == hashlib.blake2b(b"abc", digest_size=16).digest()
    assert len(content_key(b"")) == 16 and content_key(b"a") != content_key(b"b")


def test_several_threads_read_at_once() -> None:
    files = [LOSSLESS["png"](), LOSSLESS["webp"](), LOSSY["heic"](), LOSSLESS["png"]()[:99]] * 6

    def shape(data: bytes) -> tuple[int, ...] | None:
        try:
            return pixels(data, 17, 11, "RGB").shape
        except UnreadableImage:
            return None

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(shape, files)) == [(11, 17, 3), (11, 17, 3), (11, 17, 3), None] * 6


def test_suffixes_are_lower_case_and_cover_the_formats_of_cameras() -> None:
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in SUFFIXES)
    assert {".jpg", ".jpeg", ".jpe", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".heic", ".heif"} <= SUFFIXES
