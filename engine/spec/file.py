"""Model files: read `.mlmodel` and `.mlpackage`, write whole or not at all."""

import hashlib
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from engine.errors import FolderError, UnreadableModel
from engine.spec.describe import DEEPEST, Description, describe, no_link
from engine.spec.regular import manifest, no_package, read_regular, readable
from engine.spec.schema import Model
from engine.whole_file import sync_folder


@dataclass(frozen=True, eq=False)
class ModelFile:
    """The bytes of one model and what they say."""

    data: bytes
    name: str
    """The file's name, for people."""
    folder: Path | None = None
    """Where linked models lie; None where the bytes did not come from a file."""

    @cached_property
    def message(self) -> Any:
        """The protobuf `Model`. Raises UnreadableModel if the bytes are none."""
        model = Model()
        try:
            model.ParseFromString(self.data)
        except Exception as error:  # protobuf's implementations raise different kinds
            raise _not_a_model(self.name) from error
        if not self.data or model.WhichOneof("Type") is None:
            raise _not_a_model(self.name)
        return model

    @cached_property
    def description(self) -> Description:
        """What the model says of itself."""
        return describe(self.message, Links(self.folder).find if self.folder else no_link)

    @cached_property
    def digest(self) -> str:
        """A name for exactly these bytes."""
        return hashlib.blake2b(self.data, digest_size=16).hexdigest()


PLACES = 64
"""Of a link's search path."""


class Links:
    """Models that others are linked to, each read once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._found: dict[Path, Description | None] = {}

    def find(self, message: Any) -> Description:
        """The model that a `LinkedModelFile` leads to: beside the model that names it, or in a folder below.

        Raises UnreadableModel where there is none, it lies outside, or a link leads back to itself.
        """
        name = message.linkedModelFileName.defaultValue
        for place in (message.linkedModelSearchPath.defaultValue or ".").split(":", PLACES)[:PLACES]:
            with readable(name):
                path = next(filter(Path.exists, self._candidates(name, place)), None)
            if path is not None:
                return self._read(path)
        hint = f"It is looked for beside the model, as {Path(name).stem}.mlmodel or .mlpackage."
        raise UnreadableModel(f"The model is linked to {name!r}, which is not there.", hint)

    def _candidates(self, name: str, place: str) -> list[Path]:
        """The search path's special places are those of an app; compiled models have their source beside them."""
        if place.startswith("$"):
            return []
        given = self._folder / place / name
        paths = [given, given.with_suffix(".mlmodel"), given.with_suffix(".mlpackage")]
        for path in paths:
            if not path.resolve().is_relative_to(self._folder):
                raise UnreadableModel(
                    f"The model is linked to {name!r}, outside its own folder.", "Put it beside the model."
                )
        return [path for path in paths if path.suffix in (".mlmodel", ".mlpackage")]

    def _read(self, path: Path) -> Description:
        if path in self._found:
            known = self._found[path]
            if known is None:
                raise UnreadableModel(f"The link to {path.name!r} leads back to itself.")
            return known
        if sum(each is None for each in self._found.values()) > DEEPEST:
            raise UnreadableModel(f"The link to {path.name!r} is one of more than {DEEPEST}, each to the next.")
        self._found[path] = None
        found = describe(read(path).message, self.find)
        self._found[path] = found
        return found


def _not_a_model(name: str) -> UnreadableModel:
    return UnreadableModel(f"{name!r} is not a Core ML model.", "Give a .mlmodel file or a .mlpackage folder.")


def read(path: Path) -> ModelFile:
    """Read a model. Raises UnreadableModel if there is none at `path`, or it is damaged, or no file at all."""
    return ModelFile(read_regular(payload(path)), path.name, path.absolute().parent)


def payload(path: Path) -> Path:
    """The file that holds the model's bytes: `path` itself, or the specification inside a package."""
    with readable(path.name):
        if not path.exists():
            raise UnreadableModel(f"There is no model at {str(path)!r}.", "Check the path.")
        if not path.is_dir():
            return path
        said = manifest(path)
        try:
            items, root = said["itemInfoEntries"], said["rootModelIdentifier"]
            named = path / "Data" / items[root]["path"]
        except (LookupError, TypeError) as error:
            raise no_package(path) from error
        inner = named.resolve()
        if not inner.is_relative_to(path.resolve()):
            raise UnreadableModel(f"The manifest of {path.name!r} points outside the package.")
        return inner


def write(path: Path, data: bytes, check: Callable[[ModelFile], None] = lambda model: None) -> None:
    """Replace what is at `path`, whole or not at all; a package keeps everything but its model.

    What was written is read back and given to `check` before it takes the old file's place. Raises FolderError, with
    nothing changed, where the disk is full or the place cannot be written to; and what `check` raises.
    """
    target = payload(path) if path.is_dir() else path
    draft = ""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        check(ModelFile(Path(draft).read_bytes(), path.name, path.absolute().parent))
        os.chmod(draft, target.stat().st_mode & 0o777 if target.exists() else 0o644)
        os.replace(draft, target)
        sync_folder(target.parent)
    except OSError as error:
        raise FolderError(f"{str(path)!r} could not be written: {error.strerror}.", "The old file is as it was.") from error
    finally:
        if draft and os.path.exists(draft):
            os.unlink(draft)
