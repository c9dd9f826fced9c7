import hashlib
import io
import os
import struct
import warnings
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from engine import images
from engine.errors import UnreadableImage
from engine.images import MOST_PIXELS, SUFFIXES, content_key, pixels, preview, read
from engine.spec.describe import COLORS

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
    assert (preview(path, 17, 11) == preview(path.read_bytes(), 17, 11)).all()


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


def test_cmyk_grey_is_the_grey_of_its_colours() -> None:
    grey = pixels(saved(waves().convert("CMYK"), "TIFF"), 17, 11, "GRAYSCALE")
    assert np.abs(grey - reference(waves(), 17, 11, "L").astype(int)).max() <= 1


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
    assert (preview(data, 12, 8) == seen).all()


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
    "pgm, 16 bits": lambda: b"P5 7 5 65535\n" + np.linspace(0, 65535, 35).astype(">u2").tobytes(),
    "tiff, 12 bits": lambda: twelve_bits(np.linspace(0, 4095, 35).astype(int).tolist(), 7),
}


def twelve_bits(values: list[int], width: int) -> bytes:
    """A TIFF file, written from the format's text: one strip, rows padded to whole bytes."""
    strip = b""
    for start in range(0, len(values), width):
        bits = "".join(f"{value:012b}" for value in values[start : start + width])
        bits = bits.ljust(-(-len(bits) // 8) * 8, "0")
        strip += int(bits, 2).to_bytes(len(bits) // 8, "big")
    tags = {256: width, 257: len(values) // width, 258: 12, 259: 1, 262: 1, 273: 8, 277: 1, 278: 99, 279: len(strip)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    strip += b"\0" * (len(strip) % 2)
    head = b"II*\0" + struct.pack("<I", 8 + len(strip))
    return head + strip + struct.pack("<H", len(tags)) + entries + b"\0\0\0\0"


@pytest.mark.parametrize("name", DEEP)
def test_deep_grey_is_scaled_not_clipped(name: str) -> None:
    seen = pixels(DEEP[name](), 7, 5, "GRAYSCALE")[:, :, 0].astype(float)
    assert np.abs(seen - np.linspace(0, 255, 35).reshape(5, 7)).max() <= 1.01
    assert (pixels(DEEP[name](), 7, 5, "BGR") == seen[:, :, None]).all()


def test_floats_that_are_no_numbers_are_black() -> None:
    picture = Image.fromarray(np.array([[np.nan, 1.0, 0.5], [np.inf, -np.inf, 0.0]], np.float32))
    assert pixels(saved(picture, "TIFF"), 3, 2, "GRAYSCALE")[:, :, 0].tolist() == [[0, 255, 128], [0, 0, 0]]


def test_colours_by_lightness() -> None:
    white = Image.merge("LAB", [Image.new("L", (5, 4), level) for level in (255, 128, 128)])
    assert (pixels(saved(white, "TIFF"), 3, 2, "RGB") >= 254).all()


def test_one_bit_pictures() -> None:
    picture = Image.new("1", (6, 4))
    picture.paste(1, (3, 0, 6, 4))
    assert (
        pixels(saved(picture, "TIFF", compression="group4"), 6, 4, "GRAYSCALE")[2, :, 0].tolist() == [0] * 3 + [255] * 3
    )


ORIENTED = {"JPEG": 40, "PNG": 0, "TIFF": 0, "WEBP": 40, "MPO": 40}
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
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(stored(orientation, size), kind, exif=exif)
    difference = pixels(data, 15, 10, "RGB").astype(int) - reference(corners(size), 15, 10)
    assert np.abs(difference[2:8:5, 3:12:8]).max() <= ORIENTED[kind]
    shown = preview(data, 24, 90)
    assert shown.shape == (16, 24, 3)
    assert np.abs(shown.astype(int) - reference(corners(size), 24, 16))[4:12:7, 4:20:15].max() <= ORIENTED[kind]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_heic_stands_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = heif(stored(orientation, (60, 40)), exif=exif.tobytes(), quality=90)
    difference = pixels(data, 15, 10, "RGB").astype(int) - reference(corners((60, 40)), 15, 10)
    assert np.abs(difference[2:8:5, 3:12:8]).max() <= 40


def test_damaged_notes_do_no_harm() -> None:
    whole = saved(waves(), "JPEG", quality=95)
    notes = b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\x99" * 40
    data = whole[:2] + b"\xff\xe1" + struct.pack(">H", len(notes) + 2) + notes + whole[2:]
    assert (pixels(data, 17, 11, "RGB") == pixels(whole, 17, 11, "RGB")).all()


def test_large_jpegs_are_decoded_at_a_reduced_size(monkeypatch: pytest.MonkeyPatch) -> None:
    data = saved(waves((1600, 1200)), "JPEG", quality=90)
    sizes: list[tuple[int, int]] = []
    colours = images._colours
    monkeypatch.setattr(images, "_colours", lambda picture, mode: sizes.append(picture.size) or colours(picture, mode))
    scaled = pixels(data, 90, 50, "RGB")
    preview(data, 90, 50)
    assert sizes == [(200, 150), (200, 150)]
    assert np.abs(scaled.astype(int) - reference(waves((1600, 1200)), 90, 50)).mean() < 2
    exif = Image.Exif()
    exif[0x0112] = 6
    sizes.clear()
    # It is stored on its side: what must cover the 50 columns are 1200 stored rows.
    pixels(saved(waves((1600, 1200)), "JPEG", exif=exif), 50, 300, "RGB")
    assert sizes == [(600, 800)]


def test_a_small_picture_of_a_large_one_does_not_alias() -> None:
    lines = np.zeros((400, 640), np.uint8)
    lines[:, ::2] = 255
    seen = pixels(saved(Image.fromarray(lines), "PNG"), 16, 10, "GRAYSCALE")
    assert np.abs(seen.astype(int) - 127).max() < 8


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
    seen = preview(saved(waves(size), "PNG"), *box)
    assert seen.shape == (*shape, 3) and seen.dtype == np.uint8


def png_that_says(width: int, height: int) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 99)), (b"IEND", b"")]
    chunks = (struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def cut(data: bytes, share: float = 0.5) -> bytes:
    return data[: int(len(data) * share)]


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "is empty"),
    "zeros": (lambda: b"\0" * 5000, "Not an image"),
    "text": (lambda: b"<html>404</html>", "Not an image"),
    "one byte": (lambda: b"\xff", "Not an image"),
    "half a jpeg": (lambda: cut(saved(waves(), "JPEG")), "too early|damaged"),
    "half a png": (lambda: cut(saved(waves(), "PNG")), "too early|damaged"),
    "half a webp": (lambda: cut(saved(waves(), "WEBP")), "too early|damaged"),
    "half a tiff": (lambda: cut(saved(waves(), "TIFF")), "too early|damaged"),
    "half a bmp": (lambda: cut(saved(waves(), "BMP")), "too early|damaged"),
    "half a gif": (lambda: cut(saved(waves(), "GIF")), "too early|damaged"),
    "half a heic": (lambda: cut(heif(waves())), "too early|damaged"),
    "half an avif": (lambda: cut(saved(waves(), "AVIF")), "too early|damaged"),
    "half a jpeg 2000": (lambda: cut(saved(waves(), "JPEG2000")), "too early|damaged"),
    "a jpeg's head": (lambda: saved(waves(), "JPEG")[:200], "too early|damaged"),
    "a png's head": (lambda: saved(waves(), "PNG")[:20], "too early|damaged"),
    "a bomb": (lambda: png_that_says(60_000, 60_000), "million pixels"),
    "just too large": (lambda: png_that_says(20_000, MOST_PIXELS // 20_000 + 1), "million pixels"),
    "a program": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", "Not an image"),
    "large, and not all there": (lambda: png_that_says(20_000, MOST_PIXELS // 20_000), "too early|damaged"),
}


@pytest.mark.parametrize("use", [pixels, preview])
@pytest.mark.parametrize("name", BAD)
def test_a_bad_picture_is_named_as_what_it_is(name: str, use: Callable[..., np.ndarray]) -> None:
    make, sentence = BAD[name]
    if name == "half an avif":
        pytest.importorskip("PIL._avif")
    with pytest.raises(UnreadableImage, match=sentence) as caught:
        use(make(), 8, 6, "RGB") if use is pixels else use(make(), 8, 6)
    assert len(caught.value.sentence) < 60 and caught.value.hint


def test_nothing_but_unreadable_image_is_ever_raised() -> None:
    rng = np.random.default_rng(5)
    small = waves((19, 13))
    kinds = [("JPEG", {}), ("PNG", {}), ("GIF", {}), ("TIFF", {"compression": "tiff_lzw"}), ("WEBP", {}), ("BMP", {})]
    files = [saved(small, kind, **options) for kind, options in kinds] + [heif(small)]
    refused = 0
    for _ in range(60):
        for whole in files:
            data = bytearray(whole)
            for place in rng.integers(0, len(data), 4):
                data[place] = rng.integers(256)
            try:
                assert pixels(bytes(data), 6, 5, "RGB").shape == (5, 6, 3)
            except UnreadableImage:
                refused += 1
    assert refused > 20


def test_no_warning_is_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    # Pillow warns of a picture above this many pixels, and of damaged entries in a TIFF file.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 900)
    data = saved(waves(), "TIFF")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert pixels(data, 17, 11, "RGB").shape == (11, 17, 3)
    assert not caught


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "empty", "loop", "below a file", "null", "device"])
def test_what_is_no_file_is_said_to_be_none(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    made: dict[str, Callable[[], object]] = {
        "folder": path.mkdir,
        "pipe": lambda: os.mkfifo(path),
        "empty": path.touch,
        "loop": lambda: path.symlink_to(path),
        "below a file": (tmp_path / "file").touch,
    }
    made.get(kind, lambda: None)()
    other = {"below a file": tmp_path / "file" / "a.jpg", "null": Path("a\0.jpg"), "device": Path("/dev/zero")}
    path = other.get(kind, path)
    said = {"folder": "A folder", "empty": "is empty", "missing": "gone", "below a file": "gone", "loop": "nowhere"}
    others = {"pipe": "regular", "device": "regular", "null": "name"}
    for use in (read, lambda each: pixels(each, 3, 2, "RGB"), lambda each: preview(each, 3, 2)):
        with pytest.raises(UnreadableImage, match={**said, **others}[kind]):
            use(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="everything may be read by root")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"x")
    path.chmod(0)
    with pytest.raises(UnreadableImage, match="may not be read"):
        read(path)


def test_a_refusal_of_the_system_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"x")
    for error, sentence in ((PermissionError(13, "no"), "may not be read"), (OSError(5, "no"), "Input/output error")):
        monkeypatch.setattr(os, "open", lambda *_, error=error: (_ for _ in ()).throw(error))
        with pytest.raises(UnreadableImage, match=sentence):
            read(path)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"x" * 11)
    monkeypatch.setattr(images, "MOST_BYTES", 10)
    with pytest.raises(UnreadableImage, match="larger"):
        read(path)
    monkeypatch.setattr(images, "MOST_BYTES", 11)
    assert read(path) == b"x" * 11


def test_the_content_key_is_of_the_bytes_alone() -> None:
    assert content_key(b"abc") == hashlib.blake2b(b"abc", digest_size=16).digest()
    assert len(content_key(b"")) == 16 and content_key(b"a") != content_key(b"b")


def test_several_threads_read_at_once() -> None:
    files = [LOSSLESS["png"](), LOSSLESS["webp"](), LOSSY["heic"](), BAD["half a png"][0]()] * 6

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
