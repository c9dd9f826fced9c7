"""Tensors of a PyTorch checkpoint in the format before torch 1.6, read without torch, and without running what it says.

Such a file is a magic number, a protocol number, facts of the system that wrote it, the object, and the keys of its
storages, each pickled, and then the storages: the count of numbers as an int64 and the numbers, all little-endian. A pickle
names what it calls; only what tensors in dictionaries need is answered here, and by stand-ins that do nothing.
"""

import io
import pickle
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
DTYPES: Mapping[str, str] = {"FloatStorage": "<f4", "HalfStorage": "<f2", "DoubleStorage": "<f8", "LongStorage": "<i8"}
COUNT = np.dtype("<i8")


@dataclass(frozen=True)
class View:
    """Where a tensor's numbers lie: in which storage, from which number on, and in what shape."""

    storage: str
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


def _view(storage: str, offset: int, shape: tuple[int, ...], stride: tuple[int, ...], *_: object) -> View:
    return View(storage, offset, shape, stride)


ALLOWED: Mapping[tuple[str, str], object] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _view,
    **{("torch", name): dtype for name, dtype in DTYPES.items()},
}
"""All that a pickle may name, and what it gets."""


class _Restricted(pickle.Unpickler):
    """An unpickler that hands out nothing but `ALLOWED`."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.storages: dict[str, tuple[str, int]] = {}
        """By key: the type of the numbers, and how many there are."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        if (module_name, global_name) not in ALLOWED:
            raise ValueError(f"The checkpoint names {module_name}.{global_name}, which no table of tensors needs.")
        return ALLOWED[module_name, global_name]

    def persistent_load(self, pid: Any, /) -> str:
        kind, dtype, key, _, count, shared = pid
        if kind != "storage" or shared is not None:
            raise ValueError(f"The checkpoint refers to {kind!r}, not to a storage of its own.")
        self.storages[key] = (dtype, count)
        return key


def tensors(data: bytes) -> dict[str, NDArray[Any]]:
    """The tensors of a checkpoint's dictionary, by name. Raises ValueError for anything else than such a dictionary."""
    file = io.BytesIO(data)
    if _Restricted(file).load() != MAGIC or _Restricted(file).load() != PROTOCOL:
        raise ValueError("This is no PyTorch checkpoint of the format before torch 1.6.")
    _Restricted(file).load()
    unpickler = _Restricted(file)
    found = unpickler.load()
    if not isinstance(found, dict) or not all(isinstance(each, View) for each in found.values()):
        raise ValueError("The checkpoint does not hold a dictionary of tensors.")
    keys = _Restricted(file).load()
    storages = {key: _storage(file.read, *unpickler.storages[key]) for key in keys}
    return {name: _array(storages[view.storage], view) for name, view in found.items()}


def _storage(read: Callable[[int], bytes], dtype: str, count: int) -> NDArray[Any]:
    (said,) = np.frombuffer(read(COUNT.itemsize), COUNT)
    values = np.frombuffer(read(count * np.dtype(dtype).itemsize), dtype)
    if said != count or len(values) != count:
        raise ValueError(f"A storage of {count} numbers holds {min(said, len(values))}.")
    return values


def _array(storage: NDArray[Any], view: View) -> NDArray[Any]:
    """The numbers of a tensor, which may lie in any order of its axes."""
    if len(view.shape) != len(view.stride) or min(view.offset, *view.shape, *view.stride, 0) < 0:
        raise ValueError("A tensor's shape and strides do not fit each other.")
    last = view.offset + sum((size - 1) * step for size, step in zip(view.shape, view.stride, strict=True))
    if last >= len(storage):
        raise ValueError(f"A tensor reaches number {last} of a storage of {len(storage)}.")
    steps = [step * storage.itemsize for step in view.stride]
    return np.lib.stride_tricks.as_strided(storage[view.offset :], view.shape, steps, writeable=False)
