"""A folder that another Catflap holds, looked at: what that one keeps of it, and nothing written."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

from engine.catalogue import Catalogue, Known
from engine.errors import CatflapError
from engine.events import Event, ImageSkipped, ImagesPredicted, ModelReplaced
from engine.listing import Stamp, compare
from engine.model import Model
from engine.places import opened_before
from engine.spec.file import read
from engine.versions import Versions

BLOCK = 4096
"""Images that are told of together."""


class Onlooker:
    """Follows the catalogue that another process writes; `with` gives its file back."""

    def __init__(self, folder: Path) -> None:
        """Raises FolderError where nothing is kept of the folder yet."""
        self._home = opened_before(folder)
        self._catalogue = Catalogue(self._home / "catalogue.db", read_only=True)
        self._model: Model | None = None
        self._version = 0
        self._images: Mapping[str, Known] = {}
        self._stamps: dict[str, Stamp] = {}
        self._told: dict[str, bytes] = {}
        """By path: the content whose prediction by the present model was told."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._catalogue.close()

    def news(self) -> Iterator[Event]:
        """What is known now and was not at the last call; at the first, everything. Raises FolderError."""
        if not self._catalogue.changed():
            return
        yield from self._of_the_model()
        yield from self._of_the_folder()
        if self._model is not None:
            yield from self._predictions(self._model)

    def _of_the_model(self) -> Iterator[Event]:
        """What is being written over, or cannot be read just now, is looked at again with the next change."""
        source = self._catalogue.setting("model")
        target = Path(self._catalogue.setting("out") or source)
        try:
            found = read(target if target.exists() else Path(source))
            if self._model is not None and found.digest == self._model.file.digest:
                return
            model = Model(found)
            version = Versions(self._home / "versions", self._catalogue, target).present(found)
            opened = model.opened(target.name, version, self._catalogue.setting("held_out"))
        except CatflapError:
            return
        before, self._model, self._version = self._model, model, version
        self._told = {}
        if before is None or (before.labels, before.cut.why_not) != (model.labels, model.cut.why_not):
            yield opened
        if before is not None:
            yield ModelReplaced(version)

    def _of_the_folder(self) -> Iterator[Event]:
        self._images = self._catalogue.images()
        before, self._stamps = self._stamps, {path: known.stamp for path, known in self._images.items()}
        change = compare(before, self._stamps)
        if change is None:
            return
        for path in (*change.removed, *change.changed):
            self._told.pop(path, None)
        yield change
        for path in (*change.added, *change.changed):
            if self._images[path].problem:
                yield ImageSkipped(path, self._images[path].problem)

    def _predictions(self, model: Model) -> Iterator[Event]:
        """Of images whose prediction by the present model is kept and was not told."""
        kept = self._catalogue.predictions(model.file.digest)
        found = [
            (path, known.content, known.stamp.modified_ns)
            for path, known in self._images.items()
            if known.content and not known.problem and known.content in kept and self._told.get(path) != known.content
        ]
        for at in range(0, len(found), BLOCK):
            paths, contents, modified = zip(*found[at : at + BLOCK], strict=True)
            yield ImagesPredicted(paths, contents, modified, kept.of(contents), self._version)
        self._told |= {path: content for path, content, _ in found}
