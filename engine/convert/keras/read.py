"""Read a Keras file: `.h5` and `.hdf5` of Keras 1, 2 and 3, and `.keras` of Keras 2 and 3."""

import json
import re
import zipfile
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from engine.convert.keras.calls import lay_out
from engine.convert.keras.hdf5 import LARGEST, child, has, open_file, text
from engine.convert.keras.model import KerasModel, Weights
from engine.convert.keras.tree import Tree, read_tree
from engine.convert.keras.weights import Path as Names
from engine.convert.keras.weights import from_archive, from_groups
from engine.errors import UnreadableModel

Found = dict[Names, Weights]


def read_keras(path: Path) -> KerasModel:
    """The layers of a Keras file and their weights; runs nothing that the file holds.

    Raises UnreadableModel for a file that is missing, damaged, or holds weights alone; UnsupportedModel for models of the
    user's own classes, and of several inputs or outputs.
    """
    with _readable(path):
        archive = zipfile.is_zipfile(path)
        return _archive(path) if archive else _groups(path)


@contextmanager
def _readable(path: Path) -> Generator[None, None, None]:
    """Whatever a damaged file makes the readers say, say that it is damaged."""
    try:
        yield
    except FileNotFoundError as error:
        raise UnreadableModel(f"There is no file {path.name!r}.") from error
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError) as error:
        raise _damaged(path) from error
    except (zipfile.BadZipFile, NotImplementedError, MemoryError) as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> UnreadableModel:
    return UnreadableModel(f"{path.name!r} is damaged, or no Keras file.", "Save the model again as .keras or .h5.")


def _groups(path: Path) -> KerasModel:
    with open_file(path) as file:
        settings = text(file, "model_config")
        if not settings:
            why = f"{path.name!r} holds weights, but no layers."
            raise UnreadableModel(why, "Save the whole model: model.save(...), not model.save_weights(...).")
        root = child(file, "model_weights") if has(file, "model_weights") else file
        written = text(file, "keras_version") or text(root, "keras_version") or "1"
        backend = text(file, "backend") or text(root, "backend")
        return _model(settings, written, backend, lambda tree: from_groups(tree, root))


def _archive(path: Path) -> KerasModel:
    with zipfile.ZipFile(path) as archive:
        settings = _member(archive, "config.json").decode("utf8")
        written = json.loads(_member(archive, "metadata.json"))["keras_version"]
        with open_file(BytesIO(_member(archive, "model.weights.h5"))) as file:
            return _model(settings, written, "", lambda tree: from_archive(tree, file))


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > LARGEST:
        raise UnreadableModel(f"{name!r} in the archive is larger than 2 GiB.", "A Core ML file cannot hold as much.")
    return archive.read(name)


def _model(settings: str, written: str, backend: str, weights: Callable[[Tree], Found]) -> KerasModel:
    number = re.match(r"\d+", written)
    version = min(3, int(number[0])) if number else 1
    config: Any = json.loads(settings)
    tree = read_tree(config if isinstance(config, Mapping) else {}, version)
    return KerasModel(lay_out(tree, weights(tree)), version, backend == "theano")
