"""A folder that another Catflap holds, looked at: what that one keeps of it, and nothing written."""

from collections.abc import Iterator
from pathlib import Path
from typing import Self

from engine.catalogue import Catalogue, Known
from engine.errors import CatflapError
from engine.events import Event, FolderChanged, ImageSkipped, ImagesPredicted, ModelOpened, ModelReplaced
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
        self._images: dict[str, Known] = {}
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
            opened = self._opened(model, target)
        except CatflapError:
            return
        before, self._model = self._model, model
        self._told = {}
        if before is None or (before.labels, before.cut.why_not) != (model.labels, model.cut.why_not):
            yield opened
        if before is not None:
            yield ModelReplaced(opened.version)

    def _opened(self, model: Model, target: Path) -> ModelOpened:
        image, why = model.image, model.cut.why_not
        version = Versions(self._home / "versions", self._catalogue, target).present(model.file)
        held_out = self._catalogue.setting("held_out")
        size = (image.width, image.height)
        return ModelOpened(target.name, model.labels, version, size, not why, why, model.learns_labels, held_out)

    def _of_the_folder(self) -> Iterator[Event]:
        before, now = self._images, dict(self._catalogue.images())
        self._images = now
        gone = tuple(path for path in before if path not in now)
        changed = tuple(path for path in now if path in before and before[path].stamp != now[path].stamp)
        added = tuple(path for path in now if path not in before)
        for path in (*gone, *changed):
            self._told.pop(path, None)
        if added or changed or gone:
            yield FolderChanged(added, changed, gone)
        for path in (*added, *changed):
            if now[path].problem:
                yield ImageSkipped(path, now[path].problem)

    def _predictions(self, model: Model) -> Iterator[Event]:
        """Of images whose prediction by the present model is kept and was not told."""
        kept = self._catalogue.predictions(model.file.digest)
        found = [
            (path, known.content, known.stamp.modified_ns)
            for path, known in self._images.items()
            if known.content and not known.problem and known.content in kept and self._told.get(path) != known.content
        ]
        version = Versions(self._home / "versions", self._catalogue, Path(model.file.name)).present(model.file)
        for at in range(0, len(found), BLOCK):
            paths, contents, modified = zip(*found[at : at + BLOCK], strict=True)
            yield ImagesPredicted(paths, contents, modified, kept.of(contents), version)
        self._told |= {path: content for path, content, _ in found}
