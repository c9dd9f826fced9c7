"""From image files to features and predictions: each picture's content goes through the backbone once, ever."""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.catalogue import Catalogue, Known, Predictions
from engine.cores import on_one_core
from engine.decoders import Decoders
from engine.events import Event, FeaturesRead, ImageSkipped, ImagesPredicted, RoomAsked
from engine.features import FeatureStore
from engine.folder import Stamp
from engine.in_work import ENDED_TWICE, InWork
from engine.limits import USUAL, Limits
from engine.model import Model
from engine.reading import readings

BLOCK_BYTES, LARGEST_BLOCK = 32 << 20, 4096
"""Known images that are predicted together: so many bytes of features, but no more images."""


@dataclass(frozen=True, eq=False)
class Scanner:
    """What is needed to predict a folder's images."""

    folder: Path
    model: Model
    version: int
    store: FeatureStore
    catalogue: Catalogue
    in_work: InWork
    limits: Limits = USUAL
    room_asked: Callable[[int], RoomAsked | None] = lambda images: None
    """What is to be asked before so many new images are read."""

    def predict(self, images: Mapping[str, Stamp]) -> Iterator[Event]:
        """Predict all these images: known ones first, at once; then the others, batch by batch."""
        known = self.catalogue.images()
        same = {path: known[path] for path, stamp in images.items() if path in known and known[path].stamp == stamp}
        rest, done = dict(images), 0
        for path, each in same.items():
            if each.problem and (each.content or each.problem == ENDED_TWICE):
                yield ImageSkipped(path, each.problem)
                del rest[path]
                done += 1
        saved = self.catalogue.predictions(self.model.file.digest)
        ready = [path for path, each in same.items() if each.content and not each.problem]
        size = block_of(self.store)
        for at in range(0, len(ready), size):
            paths = self._at_once(ready[at : at + size], same, saved)
            if paths:
                yield self._known(paths, [same[path] for path in paths], saved)
                done += len(paths)
                yield FeaturesRead(done, len(images), done)
            for path in paths:
                del rest[path]
        asked = self.room_asked(len(rest))
        if asked is not None:
            yield asked
        else:
            yield from self.read(rest, done, len(images))

    def _at_once(self, paths: list[str], known: Mapping[str, Known], saved: Container[bytes]) -> list[str]:
        """Of these, the images whose predictions are kept, or whose features are, undamaged."""
        contents = [known[path].content or b"" for path in paths]
        if all(content in saved for content in contents):
            return paths
        sound = self.store.sound(contents)
        return [p for p, c, good in zip(paths, contents, sound, strict=True) if good or c in saved]

    def read(self, images: Mapping[str, Stamp], done: int, total: int) -> Iterator[Event]:
        """Read these files, run the backbone on what is new to the store, and predict them."""
        from_store, gone = done, dict[str, Stamp]()
        files = {path: self.folder / path for path in images}
        image, run = self.model.image, self.model.features
        for batch in self.in_work.read(files, lambda some: readings(some, image, run, Decoders(self.limits), self.store)):
            fresh = {each.content: each.features for each in batch if each.features is not None}
            if fresh:
                self.store.append(list(fresh), np.stack(list(fresh.values())))
            self.catalogue.put_images({r.name: Known(images[r.name], r.content or None, r.problem) for r in batch})
            yield from (ImageSkipped(each.name, each.problem) for each in batch if each.problem)
            good = [each for each in batch if not each.problem and (each.content in fresh or each.content in self.store)]
            if good:
                # The other cores read on.
                with on_one_core():
                    predicted = self._predicted([(each.name, each.content, images[each.name]) for each in good], fresh)
                yield predicted
            # A store with a limit may have given up since what it had when the file was read.
            gone |= {each.name: images[each.name] for each in batch if not each.problem and each not in good}
            done, from_store = done + len(good), from_store + sum(each.features is None for each in good)
            done += sum(bool(each.problem) for each in batch)
            yield FeaturesRead(done, total, from_store)
        if gone:
            yield from self.read(gone, done, total)

    def _known(self, paths: list[str], known: list[Known], saved: Predictions) -> ImagesPredicted:
        """From predictions that are kept, and, for the others, from features."""
        contents = [each.content or b"" for each in known]
        fresh = [content for content in contents if content not in saved]
        if len(fresh) in (0, len(contents)):
            rows = self._from_features(contents) if fresh else saved.of(contents)
        else:
            found = dict(zip(fresh, self._from_features(fresh), strict=True))
            rows = np.stack([found[c] if c in found else saved.rows[saved.row_of[c]] for c in contents])
        return self._event(paths, contents, [each.stamp for each in known], rows)

    def _from_features(self, contents: Sequence[bytes]) -> NDArray[np.float32]:
        """(len(contents), outputs), from features in the store; the answer is kept."""
        blocks = self.store.blocks(self.store.find(contents), block_of(self.store))
        rows = np.concatenate([self.model.probabilities(features) for _, features in blocks])
        self.catalogue.put_predictions(self.model.file.digest, contents, rows)
        return rows

    def _predicted(
        self, images: Sequence[tuple[str, bytes, Stamp]], fresh: Mapping[bytes, NDArray[np.float32]]
    ) -> ImagesPredicted:
        """Predict from features, fresh ones or those in the store, and keep the answer."""
        paths, contents, stamps = zip(*images, strict=True)
        held = [content for content in contents if content not in fresh]
        found = {**fresh, **dict(zip(held, self.store.read(self.store.find(held)), strict=True))}
        rows = self.model.probabilities(self.store.as_kept(np.stack([found[content] for content in contents])))
        self.catalogue.put_predictions(self.model.file.digest, contents, rows)
        return self._event(paths, contents, stamps, rows)

    def _event(
        self, paths: Sequence[str], contents: Sequence[bytes], stamps: Sequence[Stamp], rows: NDArray[np.float32]
    ) -> ImagesPredicted:
        modified = tuple(stamp.modified_ns for stamp in stamps)
        return ImagesPredicted(tuple(paths), tuple(contents), modified, rows, self.version)


def block_of(store: FeatureStore) -> int:
    """Images that are predicted together."""
    return int(np.clip(BLOCK_BYTES // max(1, store.row_bytes), 1, LARGEST_BLOCK))
