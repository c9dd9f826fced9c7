"""Pictures that were made to do harm, or have come to it: files by name, each with what may be said of it."""

import io
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from PIL import Image

Make = Callable[[], bytes]
READ = ""
"""Said of a picture that is read."""


def waves(size: tuple[int, int] = (43, 31)) -> Image.Image:
    """A smooth picture, in which each channel differs."""
    x, y = np.meshgrid(np.arange(size[0]) / size[0], np.arange(size[1]) / size[1])
    channels = [127 + 120 * np.sin(5 * x), 255 * y, 255 * x * (1 - y)]
    return Image.fromarray(np.stack(channels, -1).astype(np.uint8))


def saved(kind: str, picture: Image.Image | None = None, **options: object) -> bytes:
    """A file of that kind."""
    if kind == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
    buffer = io.BytesIO()
    (picture or waves()).save(buffer, kind, **options)
    return buffer.getvalue()


KINDS: Mapping[str, dict[str, Any]] = {
    "JPEG": {}, "PNG": {}, "GIF": {}, "BMP": {}, "WEBP": {}, "TIFF": {"compression": "tiff_lzw"}, "PPM": {},
    "HEIF": {}, "AVIF": {}, "JPEG2000": {},
}  # fmt: skip
"""Formats that are read, with how they are written."""


def chunk(name: bytes, data: bytes) -> bytes:
    """One chunk of a PNG file (PNG, third edition, 5.3)."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, rows: bytes, before: bytes = b"", deep: int = 8, colour: int = 0) -> bytes:
    """A PNG file of rows that are compressed already; `before` are chunks before them."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, deep, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + before + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def zeros(count: int) -> bytes:
    """So many zeros, a thousand times smaller."""
    packer = zlib.compressobj(9)
    parts = [packer.compress(bytes(min(1 << 20, count - at))) for at in range(0, count, 1 << 20)]
    return b"".join(parts) + packer.flush()


def small(before: bytes = b"") -> bytes:
    """A PNG file of 5 x 4 grey pixels, with chunks before them."""
    return png(5, 4, zlib.compress(bytes(4 * 6)), before)


def scans(count: int, side: int = 2000) -> bytes:
    """A progressive JPEG whose last scan comes so often again: each goes through all blocks of the picture."""
    whole = saved("JPEG", Image.new("RGB", (side, side), (200, 90, 30)), progressive=True)
    last = whole.rindex(b"\xff\xda")
    return whole[:last] + whole[last:-2] * count + b"\xff\xd9"


def entry(tag: int, kind: int, count: int, value: int) -> bytes:
    """One entry of a TIFF directory, little-endian (TIFF 6.0, section 2)."""
    return struct.pack("<HHII", tag, kind, count, value)


def tiff(entries: list[bytes], following: int = 0) -> bytes:
    """A TIFF file of 4 x 3 grey pixels, which begin at 8; its directory, at 20, is followed by that at `following`."""
    tags = {256: 4, 257: 3, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 3, 279: 12}
    usual = [entry(tag, 4, 1, value) for tag, value in tags.items()]
    listed = sorted([*usual, *entries], key=lambda each: struct.unpack_from("<H", each)[0])
    head = b"II*\0" + struct.pack("<I", 20) + bytes(range(0, 240, 20))
    return head + struct.pack("<H", len(listed)) + b"".join(listed) + struct.pack("<I", following)


def many_directories(count: int) -> bytes:
    """A TIFF file of as many directories, each after the other."""
    first = tiff([])
    size = len(first) - 20
    chain = [first[20:-4] + struct.pack("<I", 20 + (at + 1) * size if at + 1 < count else 0) for at in range(count)]
    return first[:20] + b"".join(chain)


def exif(notes: bytes) -> bytes:
    """A JPEG file with these notes; beyond 64 kB, in as many segments as it takes."""
    segments = []
    for at in range(0, len(notes), 65_000):
        part = b"Exif\0\0" + notes[at : at + 65_000]
        segments.append(b"\xff\xe1" + struct.pack(">H", len(part) + 2) + part)
    whole = saved("JPEG")
    return whole[:2] + b"".join(segments) + whole[2:]


def notes(*entries: bytes) -> bytes:
    """Exif notes of one directory, which follows itself."""
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + b"".join(entries) + struct.pack("<I", 8)


def frames(kind: str, count: int) -> bytes:
    """An animation of so many frames, each another one."""
    each = [Image.fromarray(np.full((5, 7), at % 251, np.uint8)) for at in range(count)]
    return saved(kind, each[0], save_all=True, append_images=each[1:])


def gif_frames(count: int) -> bytes:
    """A GIF file whose second frame comes so often."""
    whole = frames("GIF", 2)
    second = whole.rindex(b"\x21\xf9")
    return whole[:second] + whole[second:-1] * count + b";"


def gif_that_says(width: int, height: int) -> bytes:
    """A GIF file of one frame that says to be so large."""
    whole = bytearray(saved("GIF", waves((5, 4)).convert("P")))
    size = struct.pack("<HH", width, height)
    whole[6:10] = size
    at = whole.index(b"\x2c\0\0\0\0")
    whole[at + 5 : at + 9] = size
    return bytes(whole)


def bmp_that_says(width: int, height: int) -> bytes:
    """A BMP file whose head says another size than there is."""
    whole = bytearray(saved("BMP"))
    whole[18:26] = struct.pack("<ii", width, height)
    return bytes(whole)


def jpeg_that_says(width: int, height: int) -> bytes:
    """A JPEG file whose frame says to be so large."""
    whole = bytearray(saved("JPEG"))
    at = whole.index(b"\xff\xc0")
    whole[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(whole)


def webp_that_says(width: int, height: int) -> bytes:
    """A WebP file with notes, whose canvas says to be so large (WebP container, extended file format)."""
    whole = bytearray(saved("WEBP", exif=b"Exif\0\0" + notes()))
    whole[24:30] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(whole)


SIZE, END, BROKEN, NONE = "million pixels", "too early", "damaged", "Not an image"
HARMFUL: Mapping[str, tuple[Make, tuple[str, ...]]] = {
    "bomb.png": (lambda: png(40_000, 40_000, zeros(40_001 * 4_000)), (SIZE,)),
    "largest.png": (lambda: png(14_000, 14_000, zeros(14_001 * 14_000)), (READ,)),
    "largest_clear.png": (lambda: png(14_000, 14_000, zeros(56_001 * 14_000), colour=6), (READ, "memory")),
    "largest_deep.png": (lambda: png(14_000, 14_000, zeros(28_001 * 14_000), deep=16), (READ, "memory")),
    "bomb.gif": (lambda: gif_that_says(65_500, 65_500), (SIZE,)),
    "long.gif": (lambda: gif_that_says(14_000, 14_000), (READ, END, BROKEN)),
    "bomb.jpg": (lambda: jpeg_that_says(65_500, 65_500), (SIZE,)),
    "bomb.webp": (lambda: webp_that_says(1 << 24, 1 << 24), (SIZE, BROKEN)),
    "bomb.tif": (lambda: tiff([]).replace(entry(256, 4, 1, 4), entry(256, 4, 1, 1 << 20)).replace(
        entry(257, 4, 1, 3), entry(257, 4, 1, 1 << 20)), (SIZE,)),
    "wide.bmp": (lambda: bmp_that_says(2**31 - 1, 1), (SIZE, BROKEN, END)),
    "high.bmp": (lambda: bmp_that_says(1, -(2**31)), (SIZE, BROKEN, END)),
    "none.bmp": (lambda: bmp_that_says(0, 0), (BROKEN, END)),
    "icon.png": (lambda: b"\0\0\1\0\1\0\x10\x10\0\0\1\0\x20\0" + bytes(99), (NONE,)),
    "bomb.heic": (lambda: saved("HEIF", Image.new("RGB", (64, 48))).replace(
        struct.pack(">II", 64, 48), struct.pack(">II", 1 << 16, 1 << 16)), (READ, SIZE, BROKEN)),
    "frames.gif": (lambda: gif_frames(10_000), (READ,)),
    "frames.png": (lambda: frames("PNG", 10_000), (READ,)),
    "notes.jpg": (lambda: exif(notes(entry(0x0112, 3, 1, 1)) + bytes(20 << 20)), (READ,)),
    "many_notes.jpg": (lambda: exif(notes(*(entry(at, 4, 1, at) for at in range(5_000)))), (READ,)),
    "round_notes.jpg": (lambda: exif(notes(entry(0x8769, 4, 1, 8), entry(0x8825, 4, 1, 8))), (READ,)),
    "endless_note.jpg": (lambda: exif(notes(entry(0x010E, 2, 2**32 - 1, 8))), (READ,)),
    "profile.png": (lambda: small(chunk(b"iCCP", b"x\0\0" + zeros(1 << 28))), (READ, BROKEN, END)),
    "text.png": (lambda: small(chunk(b"zTXt", b"x\0\0" + zeros(1 << 28))), (READ, BROKEN, END)),
    "texts.png": (lambda: small(chunk(b"zTXt", b"x\0\0" + zeros(1 << 20)) * 200), (READ, BROKEN, END)),
    "long_text.png": (lambda: small(chunk(b"iTXt", b"x\0\0\0\0\0" + b"A" * (30 << 20))), (READ, BROKEN, END)),
    "chunks.png": (lambda: small(chunk(b"vpAg", b"") * 300_000), (READ,)),
    "directories.tif": (lambda: many_directories(5_000), (READ,)),
    "round.tif": (lambda: tiff([], 20), (READ,)),
    "scans.jpg": (lambda: scans(8_000, 4_000), ("seconds",)),
    "jpeg.png": (lambda: saved("JPEG"), (READ,)),
    "gif.heic": (lambda: saved("GIF"), (READ,)),
    "page.jpg": (lambda: b"<html>404</html>", (NONE,)),
    "program.tif": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", (NONE,)),
    "zeros.jpg": (lambda: bytes(5_000), (NONE,)),
    "empty.jpg": (bytes, ("empty",)),
}  # fmt: skip
"""By name: what makes the file, and what may be said of it, in part; READ where it may be read."""


SLOW = ("largest.png", "largest_clear.png", "largest_deep.png", "scans.jpg")
"""Those that take seconds each."""


def cut() -> Iterator[tuple[str, bytes]]:
    """Pictures of every kind that end at every tenth."""
    for kind, options in KINDS.items():
        whole = saved(kind, **options)
        yield from ((f"{kind}_{at}.{kind.lower()}", whole[: len(whole) * at // 10]) for at in range(1, 10))
