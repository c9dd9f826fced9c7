"""Picture files to pixels; the only place that knows Pillow.

A picture is read upright (its EXIF orientation is applied), in its first frame, with 8 bits a channel. Transparency is
drawn over black, as Core Graphics draws into an empty buffer. Colour profiles are not applied: the numbers in the file
are the numbers that the model gets.
"""

import functools
import hashlib
import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from engine.errors import UnreadableImage
from engine.files import MOVE, NO_ROOM, read
from engine.limits import MOST_PIXELS

Pixels = NDArray[np.uint8]

SUFFIXES = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff"),
        *(".heic", ".heif", ".hif", ".avif", ".jp2", ".j2k", ".jpf", ".jpx", ".pbm", ".pgm", ".ppm", ".pnm"),
    }
)
"""What the names of pictures end in, in lower case."""

FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "HEIF", "AVIF", "JPEG2000", "PPM")
"""Pillow's names of the formats that are opened; others run programs (EPS) or hold no photographs."""

_COVER = 4
"""A JPEG is decoded at no less than so many times the size that is asked for, in both directions.

At exactly the size, pixels differ from those of a full decode by 0.4 to 5 of 255 (means of photographs), and features
with them; at twice the size by 0 to 2, which moved probabilities by up to 0.002; at four times that was below 0.0001, and a
photograph of 12 million pixels still decodes at half its size or less, in a third of the time.
"""

_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"RIFF", b"\0\0\0\x0cjP  ")
"""How files of the usual formats begin."""

_UPRIGHT: Mapping[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a picture upright, by its orientation (Exif 2.32, tag 0x0112)."""
_ON_ITS_SIDE = (5, 6, 7, 8)
_ORIENTATION = 0x0112
_BITS_PER_SAMPLE = 258
_PHOTOMETRIC = 262
_WHITE_IS_ZERO = 0

Size = tuple[int, int]


def limit(max_pixels: int) -> None:
    """This process decodes no larger pictures from now on."""
    # Pillow refuses, wherever a format says its size, what has more than twice this many.
    Image.MAX_IMAGE_PIXELS = max_pixels // 2


limit(MOST_PIXELS)


def content_key(data: bytes) -> bytes:
    """16 bytes that tell one file's content from another's (BLAKE2b)."""
    return hashlib.blake2b(data, digest_size=16).digest()


def pixels(source: Path | bytes, width: int, height: int, color: str) -> Pixels:
    """(height, width, channels), the channels in the order of `color`: RGB, BGR, GRAYSCALE or GRAYSCALE_FLOAT16.

    Both kinds of grey are one channel of 0 to 255 (Rec. 601 luma); a model of half floats takes the same numbers as
    floats. The picture is stretched to the size, its proportions ignored, as Core ML's scaleFill does, with a triangle
    filter that is widened to the scale (Pillow's BILINEAR), so that a small picture of a large one does not alias.
    `source` is a path or a file's bytes. Raises UnreadableImage.
    """
    mode, step = _ORDERS[color]
    picture = colours(decode(source, lambda _: (width, height)).picture, mode)
    return np.ascontiguousarray(scaled(picture, width, height)[:, :, ::step])


_ORDERS: Mapping[str, tuple[str, int]] = {
    "RGB": ("RGB", 1),
    "BGR": ("RGB", -1),
    "GRAYSCALE": ("L", 1),
    "GRAYSCALE_FLOAT16": ("L", 1),
}
"""Pillow's mode and the step through its channels, by the model's order."""


def scaled(picture: Image.Image, width: int, height: int, box: tuple[float, float, float, float] | None = None) -> Pixels:
    """(height, width, channels): the picture, or what lies in a box of it (left, top, right, bottom), at that size.

    Raises UnreadableImage where there is no memory for it.
    """
    try:
        resized = picture.resize((width, height), Image.Resampling.BILINEAR, box)
        return np.array(resized, np.uint8).reshape(height, width, -1)
    except MemoryError as error:
        raise UnreadableImage(NO_ROOM, MOVE) from error


class Decoded(NamedTuple):
    """A picture that was read: upright, in any mode; of a JPEG, perhaps smaller than in the file."""

    picture: Image.Image
    whole: Size
    """Width and height as in the file, upright."""
    opened: Image.Image
    """As Pillow opened it, with the file's notes."""


def decode(source: Path | bytes, target: Callable[[Size], Size]) -> Decoded:
    """The first frame; of a JPEG at an eighth, quarter or half where that covers `target` of its size well.

    `source` is a path or a file's bytes. Raises UnreadableImage.
    """
    data = read(source) if isinstance(source, Path) else source
    if not data:
        raise UnreadableImage("The file is empty.", MOVE)
    formats = _formats(data)
    try:
        opened = Image.open(BytesIO(data), formats=formats)
        # Only of a JPEG is the size known to be that of the upright picture, by its notes, before it is loaded.
        whole = _reduce(opened, target) if opened.format in ("JPEG", "MPO") else None
        opened.load()
        # Some of Pillow's readers turn the picture while they load it; from then on its orientation is 1.
        turn = _UPRIGHT.get(_orientation(opened))
        flat = _DEEP[opened.mode](opened) if opened.mode in _DEEP else opened
        picture = flat.transpose(turn) if turn is not None else flat
        return Decoded(picture, whole or picture.size, opened)
    # What a decoder raises on damaged bytes is part of no contract: ValueError, IndexError, struct.error and more.
    except Exception as error:
        raise UnreadableImage(_sentence(error, data), MOVE) from error


def _formats(data: bytes) -> list[str]:
    """What this file may be, of what is installed."""
    # Pillow warns of what it repairs, and of large pictures, which are refused here by their size. A filter is the
    # whole process's, and other threads decode at the same time: so it is set once and stays.
    if _QUIET not in warnings.filters:
        warnings.filterwarnings("ignore", module=_PILLOW)
    load_readers()
    if data[4:8] == b"ftyp":
        _register_heif()
    return [each for each in FORMATS if each in Image.OPEN]


@functools.cache
def load_readers() -> None:
    """Pillow's readers of FORMATS; all that it has would take three times as long, and load more than is ever used."""
    for name in _READERS:
        import_module(f"PIL.{name}ImagePlugin")


_READERS = ("Avif", "Bmp", "Gif", "Jpeg", "Jpeg2K", "Mpo", "Png", "Ppm", "Tiff", "WebP")
_PILLOW = r"(PIL|pillow_heif)\b"
with warnings.catch_warnings():
    warnings.filterwarnings("ignore", module=_PILLOW)
    _QUIET = warnings.filters[0]


@functools.cache
def _register_heif() -> None:
    """Not at start: the library takes a while to load, and most folders hold none of these pictures."""
    try:
        import pillow_heif
    except ImportError as error:
        raise UnreadableImage("HEIC pictures need the package pillow-heif.", "Install it again.") from error
    pillow_heif.register_heif_opener()  # pyright: ignore[reportUnknownMemberType]


def _reduce(opened: Image.Image, target: Callable[[Size], Size]) -> Size:
    """Let it be decoded smaller; its size as in the file, upright."""
    on_its_side = _orientation(opened) in _ON_ITS_SIDE
    whole = (opened.height, opened.width) if on_its_side else opened.size
    across, down = target(whole)
    width, height = (down, across) if on_its_side else (across, down)
    opened.draft(None, (width * _COVER, height * _COVER))
    return whole


def _orientation(opened: Image.Image) -> int:
    try:
        return opened.getexif().get(_ORIENTATION, 1)
    # A picture with damaged notes is still a picture.
    except Exception:
        return 1


def _sentence(error: Exception, data: bytes) -> str:
    """A few words for a row of a table."""
    if isinstance(error, MemoryError):
        return NO_ROOM
    if isinstance(error, Image.DecompressionBombError):
        most = (Image.MAX_IMAGE_PIXELS or 0) * 2
        return f"More than {f'{most / 1e6:g} million' if most >= 1e6 else f'{most:,}'} pixels."
    if "truncated" in str(error) or isinstance(error, EOFError):
        return "The picture ends too early."
    if isinstance(error, UnidentifiedImageError):
        begins_well = data.startswith(_SIGNATURES) or data[4:8] == b"ftyp"
        return "The picture is damaged, or of a rare kind." if begins_well else "Not an image that can be read."
    return "The picture is damaged."


def _shallow(picture: Image.Image) -> Image.Image:
    """16 bits lose the lower 8, as they do in Pillow's own readers of deep colours.

    Of TIFF files whose 0 is white, Pillow inverts those of 8 bits but not those of 16.
    """
    tags: Mapping[int, Any] = picture.tag_v2 if isinstance(picture, TiffImageFile) else {}
    bits = int(tags.get(_BITS_PER_SAMPLE, (16,))[0])
    values: NDArray[np.uint16] = np.asarray(picture).astype(np.uint16)
    grey = (values >> (bits - 8)).astype(np.uint8)
    return Image.fromarray(255 - grey if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO else grey)


def _measured(picture: Image.Image) -> Image.Image:
    """Floats are taken as 0 to 1, long integers as 0 to 65535.

    Numbers beyond name no brightness: the smallest becomes black, the largest white. What is no number is black.
    """
    values = np.nan_to_num(np.asarray(picture, np.float32), posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    top = 1.0 if picture.mode == "F" else 65535.0
    if low < 0 or high > top:
        values, top = values - low, max(high - low, 1e-30)
    return Image.fromarray(np.rint(values * (255 / top)).astype(np.uint8))


_DEEP: Mapping[str, Callable[[Image.Image], Image.Image]] = {
    "I;16": _shallow,
    "I;16L": _shallow,
    "I;16B": _shallow,
    "I;16N": _shallow,
    "I": _measured,
    "F": _measured,
}
"""To 8 bits from Pillow's modes of more than that, all grey; it reads deeper colours as 8 bits by itself."""


def colours(picture: Image.Image, mode: str) -> Image.Image:
    """The picture in RGB or L, whatever it came in. Raises UnreadableImage."""
    try:
        if picture.has_transparency_data:
            black = Image.new("RGBA", picture.size, (0, 0, 0, 255))
            picture = Image.alpha_composite(black, picture.convert("RGBA"))
        return picture.convert(mode)
    except MemoryError as error:
        raise UnreadableImage(NO_ROOM, MOVE) from error
    except (ValueError, OSError) as error:
        raise UnreadableImage(f"Colours of the kind {picture.mode} cannot be read.", MOVE) from error


def as_picture(values: NDArray[np.float32], color: str) -> Image.Image:
    """(channels, height, width) as an image: colours opaque; clipped to 0 to 255, rounded, but for floating-point grey."""
    if color == "GRAYSCALE_FLOAT16":
        return Image.fromarray(np.ascontiguousarray(values[0], np.float32))
    found = np.rint(np.clip(np.nan_to_num(values), 0, 255)).astype(np.uint8)
    if color == "GRAYSCALE":
        return Image.fromarray(found[0])
    found = found[::-1] if color == "BGR" else found
    opaque = np.full((1, *found.shape[1:]), 255, np.uint8)
    return Image.fromarray(np.ascontiguousarray(np.concatenate([found, opaque]).transpose(1, 2, 0)))
