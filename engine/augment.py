"""Augmentation: other views of a picture, with the same label; their features are kept as the picture's own are."""

import hashlib
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.decoders import Decoders
from engine.errors import BadSetting
from engine.images import Pixels
from engine.reading import Run, in_order
from engine.spec.describe import ImageFeature

SHIFT = 16
"""A picture is shifted by this part of its width or height: half of what is usual for pictures of 32 x 32 (4 pixels, He et
al. 2016, section 4.2), since photographs are framed by a person."""
FILES = 4
"""Pictures whose views go through the backbone together."""


def _shifted(down: int, right: int) -> Callable[[Pixels], Pixels]:
    """Shift by parts of a sixteenth; what comes in at an edge is the edge again."""

    def view(picture: Pixels) -> Pixels:
        height, width = (int(each) for each in picture.shape[:2])
        rows = np.clip(np.arange(height) - down * max(1, height // SHIFT), 0, height - 1)
        columns = np.clip(np.arange(width) - right * max(1, width // SHIFT), 0, width - 1)
        return picture[rows][:, columns]

    return view


VIEWS: Mapping[str, Callable[[Pixels], Pixels]] = {
    "mirror": lambda picture: picture[:, ::-1],
    "down": _shifted(1, 0),
    "up": _shifted(-1, 0),
    "right": _shifted(0, 1),
    "left": _shifted(0, -1),
}
"""By name, from pixels (height, width, channels) to others of the same shape."""
_SHIFTS = ("down", "up", "right", "left")
AUGMENTS: Mapping[str, tuple[str, ...]] = {
    "none": (), "mirror": ("mirror",), "shifts": _SHIFTS, "both": ("mirror", *_SHIFTS),
}  # fmt: skip
"""The views that are trained on beside each picture with a verdict."""


def views_of(augment: str) -> tuple[str, ...]:
    """The names of the views. Raises BadSetting for what there is not."""
    if augment not in AUGMENTS:
        raise BadSetting(f"There is no augmentation {augment!r}.", f"There are {', '.join(AUGMENTS)}.")
    return AUGMENTS[augment]


def view_key(content: bytes, view: str) -> bytes:
    """What a view's features are kept under: 16 bytes, as a content key has."""
    return hashlib.blake2b(content + view.encode(), digest_size=16, person=b"catflap view").digest()


def view_keys(contents: Sequence[bytes], views: Sequence[str]) -> tuple[list[bytes], NDArray[np.int64]]:
    """Keys of all these views of all these pictures, and (n,) the number of the picture that each is of."""
    of = np.tile(np.arange(len(contents)), len(views))
    return [view_key(content, view) for view in views for content in contents], of


def viewed(
    files: Mapping[bytes, Path],
    size: ImageFeature,
    run: Run,
    views: Sequence[str],
    decoders: Decoders,
    known: Container[bytes] = (),
) -> Iterator[dict[bytes, NDArray[np.float32]]]:
    """Features of these views of files, which are given by content: by `view_key`, some files at a time, in order.

    What is `known` is not made again. A file that cannot be read, or has other content by now, has no views.
    """
    listed = list(files.items())
    batches = (listed[at : at + FILES] for at in range(0, len(listed), FILES))
    return in_order(batches, lambda batch: _of_batch(batch, size, run, views, decoders, known), decoders)


def _of_batch(
    files: Sequence[tuple[bytes, Path]],
    size: ImageFeature,
    run: Run,
    views: Sequence[str],
    decoders: Decoders,
    known: Container[bytes],
) -> dict[bytes, NDArray[np.float32]]:
    made: dict[bytes, Pixels] = {}
    for content, file in files:
        lacking = {view_key(content, view): view for view in views}
        lacking = {key: view for key, view in lacking.items() if key not in known}
        picture = decoders.read(file, size, content.__eq__).pixels if lacking else None
        if picture is not None:
            made |= {key: VIEWS[view](picture) for key, view in lacking.items()}
    return dict(zip(made, run(np.stack(list(made.values()))), strict=True)) if made else {}
