"""What a picture may take: pixels, time and memory; and which files count as the folder's."""

import os
import re
from dataclasses import dataclass

from engine.errors import BadSetting

MOST_PIXELS = 200_000_000
"""Larger pictures are refused before they are decoded: a few kilobytes can unpack to all the memory there is."""
MOST_SECONDS = 30
"""A picture of MOST_PIXELS takes a few seconds; what takes longer than this was made to."""

_FIXED_BYTES = 2 << 30
"""The program, the largest file, and what decoders map and hardly touch."""
_BYTES_A_PIXEL = 20
"""A picture with transparency is there up to four times, with four bytes a pixel; deep ones take less."""
_UNITS = {"": 1, "K": 1_000, "M": 1_000_000, "G": 1_000_000_000}


@dataclass(frozen=True)
class Limits:
    """What the processes that read pictures are held to."""

    max_pixels: int = MOST_PIXELS
    seconds: int = MOST_SECONDS
    inside: tuple[str, ...] = ()
    """Folders, without links in their paths: what lies elsewhere is not read, wherever a link leads; none where all is."""

    @property
    def most_bytes(self) -> int:
        """Address space that decoding may take; half of the machine's memory, if that is less."""
        wanted = _FIXED_BYTES + _BYTES_A_PIXEL * self.max_pixels
        there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
        return max(_FIXED_BYTES, min(wanted, there))


USUAL = Limits()


def pixels_of(number: str) -> int:
    """A number of pixels such as `200MP`. Raises BadSetting for what is none."""
    found = re.fullmatch(r"([0-9]{1,12}(?:\.[0-9]+)?)\s*([KMG]?)P?", number.strip().upper())
    pixels = int(float(found[1]) * _UNITS[found[2]]) if found else 0
    if not pixels:
        raise BadSetting(f"{number!r} is no number of pixels.", "Give one such as 50MP or 200MP.")
    return pixels
