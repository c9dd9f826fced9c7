"""Read HDF5 safely: nothing outside the file, nothing larger than a model can be."""

from collections.abc import Sequence
from typing import Any, cast

import h5py  # pyright: ignore[reportMissingTypeStubs]
import numpy as np
from numpy.typing import NDArray

from engine.errors import UnreadableModel

LARGEST = 2**31
"""Bytes: what a protobuf message, and so a Core ML file, can hold."""
H5: Any = h5py


def open_file(source: Any) -> Any:
    """An HDF5 file from a path or from a file object; raises OSError where it is none."""
    return H5.File(source, "r")


def child(group: Any, *names: str) -> Any:
    """What lies in `group` under the names, one inside the other; raises UnreadableModel if it is not in this file.

    A link may name any other file of the machine, so none but plain ones are followed.
    """
    for name in (part for each in names for part in each.split("/") if part):
        link = group.get(name, getlink=True) if isinstance(group, H5.Group) and name in group else None
        if not isinstance(link, H5.HardLink):
            raise UnreadableModel(f"{group.name!r} holds no {name!r} of its own.", "The file is damaged.")
        group = group[name]
    return group


def has(group: Any, name: str) -> bool:
    """Whether the group holds something of this name itself."""
    return isinstance(group, H5.Group) and name in group


def numbers(dataset: Any) -> NDArray[Any]:
    """The numbers of a dataset; raises UnreadableModel if it is none, or lies outside the file, or is too large."""
    if not isinstance(dataset, H5.Dataset) or dataset.external or dataset.is_virtual or dataset.nbytes > LARGEST:
        raise UnreadableModel(f"{dataset.name!r} is not an array of weights.", "The file is damaged.")
    if dataset.dtype.kind not in "fiu":
        raise UnreadableModel(f"{dataset.name!r} holds {dataset.dtype}, not numbers.", "The file is damaged.")
    return np.asarray(dataset[()])


def text(group: Any, name: str) -> str:
    """An attribute that is text; empty where there is none."""
    value = group.attrs.get(name, "")
    return value.decode("utf8") if isinstance(value, bytes) else str(value)


def texts(group: Any, name: str) -> list[str]:
    """An attribute that lists texts; a long one is kept in pieces: `name0`, `name1`, ..."""
    pieces: list[Any] = [group.attrs[name]] if name in group.attrs else []
    if not pieces:
        while f"{name}{len(pieces)}" in group.attrs:
            pieces.append(group.attrs[f"{name}{len(pieces)}"])
    listed = (each for piece in pieces for each in cast(Sequence[Any], piece))
    return [each.decode("utf8") if isinstance(each, bytes) else str(each) for each in listed]
