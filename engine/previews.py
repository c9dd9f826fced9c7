"""Pictures for a person to look at: the whole of one or a part of it, and what its file says of it."""

import re
from dataclasses import dataclass
from pathlib import Path

from engine.images import Decoded, Pixels, Size, colours, decode, scaled

Part = tuple[float, float, float, float]
"""Left, top, right and bottom of a part of the upright picture, as shares of its width and height."""
WHOLE: Part = (0.0, 0.0, 1.0, 1.0)

_NOTES, _TAKEN, _CHANGED = 0x8769, 0x9003, 0x0132
"""Exif 2.32: where the camera's notes are, and in them when the picture was taken; when it was last changed."""
_MOMENT = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d:\d\d)")


@dataclass(frozen=True, eq=False)
class Preview:
    """What there is to see, and what it was made from."""

    pixels: Pixels
    """(height, width, 3), RGB."""
    width: int
    """Of the whole picture in its file, upright, in pixels."""
    height: int
    taken: str
    """When it was taken, by the camera's clock: `2024-05-01 12:33`; empty where the file does not say."""


def preview(source: Path | bytes, width: int, height: int, part: Part = WHOLE) -> Preview:
    """The picture, or a part of it, as large as fits into width x height with its proportions kept.

    Small ones are enlarged. A part is read from as much of the file's detail as it can show. `source` is a path or a
    file's bytes. Raises UnreadableImage.
    """
    left, top, right, bottom = part
    across, down = right - left, bottom - top

    def scale(size: Size) -> float:
        return min(width / (size[0] * across), height / (size[1] * down))

    def needed(size: Size) -> Size:
        """Of the whole picture, so that the part is as large as it is shown."""
        return max(1, round(size[0] * scale(size))), max(1, round(size[1] * scale(size)))

    found = decode(source, needed)
    picture, whole = colours(found.picture, "RGB"), found.whole
    w = min(width, max(1, round(whole[0] * across * scale(whole))))
    h = min(height, max(1, round(whole[1] * down * scale(whole))))
    box = (left * picture.width, top * picture.height, right * picture.width, bottom * picture.height)
    return Preview(scaled(picture, w, h, box), *whole, _taken(found))


def _taken(found: Decoded) -> str:
    try:
        notes = found.opened.getexif()
        said = notes.get_ifd(_NOTES).get(_TAKEN) or notes.get(_CHANGED)
    # A picture with damaged notes is still a picture.
    except Exception:
        return ""
    moment = _MOMENT.match(str(said))
    return "{}-{}-{} {}".format(*moment.groups()) if moment else ""
