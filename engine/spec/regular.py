"""Read a file that is one: nothing that waits for a writer, has no end, or is larger than a model can be."""

import json
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.errors import UnreadableModel

LARGEST = 2**31 - 1
"""Bytes: what a protobuf message can hold. (https://protobuf.dev/programming-guides/proto-limits/)"""
LARGEST_MANIFEST = 2**20
"""Bytes of a package's Manifest.json, which names two or three files."""


def read_regular(path: Path, most: int = LARGEST) -> bytes:
    """All of a file. Raises UnreadableModel for anything else that has a name, and for more than `most` bytes."""
    with readable(path.name):
        # A device may do things when it is opened, so it is asked for first; what is open is asked again.
        _require_regular(path, os.stat(path), most)
        with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
            status = os.fstat(file.fileno())
            _require_regular(path, status, most)
            return file.read(status.st_size)


def manifest(package: Path) -> Any:
    """The contents of a package's Manifest.json, which lies inside it. Raises UnreadableModel."""
    inner = package / "Manifest.json"
    with readable(package.name):
        if not inner.resolve().is_relative_to(package.resolve()):
            raise UnreadableModel(f"The manifest of {package.name!r} lies outside the package.")
    try:
        return json.loads(read_regular(inner, LARGEST_MANIFEST))
    except (ValueError, RecursionError) as error:
        raise no_package(package) from error


def no_package(path: Path) -> UnreadableModel:
    """What to say of a folder that is no model package."""
    return UnreadableModel(f"{path.name!r} is not a model package.", "Its Manifest.json names no model.")


@contextmanager
def readable(name: str) -> Generator[None, None, None]:
    """Say of a path that cannot be followed, or of a file that cannot be read, whose it is."""
    try:
        yield
    except OSError as error:
        raise UnreadableModel(f"The model {name!r} cannot be read: {error.strerror}.") from error
    except (ValueError, RuntimeError) as error:  # a path with a zero byte, and links in a circle
        raise UnreadableModel(f"The model {name!r} cannot be read: {error}.") from error


def _require_regular(path: Path, status: os.stat_result, most: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableModel(
            f"{path.name!r} is no file, but something else.", "Give a .mlmodel file or a .mlpackage folder."
        )
    if status.st_size > most:
        raise UnreadableModel(f"{path.name!r} holds {status.st_size:,} bytes; {most:,} are the most that it may.")
