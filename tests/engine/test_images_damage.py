"""Files that are no pictures, or no whole ones."""

import io
import os
import struct
import tracemalloc
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine import files
from engine.errors import UnreadableImage
from engine.images import MOST_PIXELS, pixels, read
from engine.previews import preview


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


def png_that_says(width: int, height: int) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 99)), (b"IEND", b"")]
    chunks = (struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def cut(data: bytes, share: float = 0.5) -> bytes:
    return data[: int(len(data) * share)]


def odd_tiff() -> bytes:
    """A whole TIFF file of 12 grey values with 5 bits each."""
    tags = {256: 4, 257: 3, 258: 5, 259: 1, 262: 1, 273: 8, 277: 1, 278: 3, 279: 10}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<I", 18) + bytes(10) + struct.pack("<H", len(tags)) + entries + bytes(4)


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
    "a kind of tiff that nobody reads": (odd_tiff, "rare kind"),
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


def test_a_pipe_that_takes_a_files_place_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file.jpg").write_bytes(b"x")
    regular, opened = os.stat(tmp_path / "file.jpg"), os.open
    path = tmp_path / "a.jpg"
    os.mkfifo(path)

    def checked(name: Path, flags: int) -> int:
        assert flags & os.O_NONBLOCK
        return opened(name, flags)

    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", lambda *_, **__: regular)
        patch.setattr(os, "open", checked)
        with pytest.raises(UnreadableImage, match="regular"):
            read(path)


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
    monkeypatch.setattr(files, "MOST_BYTES", 10)
    with pytest.raises(UnreadableImage, match="larger"):
        read(path)
    monkeypatch.setattr(files, "MOST_BYTES", 11)
    assert read(path) == b"x" * 11


def test_no_more_memory_is_asked_for_than_the_file_needs(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"x" * 70_001)
    tracemalloc.start()
    try:
        assert len(read(path)) == 70_001
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_too_little_memory_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: object) -> None:
        raise MemoryError

    path = tmp_path / "a.png"
    waves().save(path)
    for place, name in ((os, "fstat"), (Image.Image, "convert"), (Image, "open")):
        with monkeypatch.context() as patch:
            patch.setattr(place, name, lambda *_, **__: none_left())
            with pytest.raises(UnreadableImage, match="memory"):
                pixels(path, 6, 5, "GRAYSCALE")
    assert pixels(path, 6, 5, "GRAYSCALE").shape == (5, 6, 1)
