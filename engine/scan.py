"""From image files to features and predictions: each picture's content goes through the backbone once, ever."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.catalogue import Catalogue, Known
from engine.events import Event, FeaturesRead, ImageSkipped, ImagesPredicted
from engine.features import FeatureStore
from engine.folder import Stamp
from engine.model import Model
from engine.reading import Reading, readings

BLOCK = 1024
"""Known images that are predicted together."""


@dataclass(frozen=True, eq=False)
class Scanner:
    """What is needed to predict a folder's images."""

    folder: Path
    model: Model
    version: int
    store: FeatureStore
    catalogue: Catalogue

    def predict(self, images: Mapping[str, Stamp]) -> Iterator[Event]:
        """Predict all these images: known ones first, at once; then the others, batch by batch."""
        known = self.catalogue.images()
        same = {path: known[path] for path, stamp in images.items() if path in known and known[path].stamp == stamp}
        skipped = {path: each for path, each in same.items() if each.problem and each.content}
        yield from (ImageSkipped(path, each.problem) for path, each in skipped.items())
        saved = self.catalogue.predictions(self.model.file.digest)
        ready = [path for path, each in same.items() if each.content and not each.problem]
        at_once = [
            path for path in ready if (same[path].content or b"") in saved or (same[path].content or b"") in self.store
        ]
        done = len(skipped)
        for at in range(0, len(at_once), BLOCK):
            paths = at_once[at : at + BLOCK]
            yield self._known(paths, [same[path] for path in paths], saved)
            done += len(paths)
            yield FeaturesRead(done, len(images), done)
        rest = {path: images[path] for path in images if path not in skipped and path not in set(at_once)}
        yield from self.read(rest, done, len(images))

    def read(self, images: Mapping[str, Stamp], done: int, total: int) -> Iterator[Event]:
        """Read these files, run the backbone on what is new to the store, and predict them."""
        from_store = done
        files = {path: self.folder / path for path in images}
        for batch in readings(files, self.model.image, self.store):
            fresh = [each for each in batch if each.pixels is not None]
            self._run_backbone(fresh)
            self.catalogue.put_images({r.name: Known(images[r.name], r.content or None, r.problem) for r in batch})
            yield from (ImageSkipped(each.name, each.problem) for each in batch if each.problem)
            good = [each for each in batch if not each.problem]
            if good:
                yield self._predicted([(each.name, each.content, images[each.name]) for each in good])
            done, from_store = done + len(batch), from_store + len(good) - len(fresh)
            yield FeaturesRead(done, total, from_store)

    def _run_backbone(self, readings: Sequence[Reading]) -> None:
        once = {each.content: each.pixels for each in readings if each.pixels is not None}
        if once:
            self.store.append(list(once), self.model.features(np.stack(list(once.values()))))

    def _known(self, paths: list[str], known: list[Known], saved: Mapping[bytes, NDArray[np.float32]]) -> ImagesPredicted:
        contents = [each.content or b"" for each in known]
        if all(content in saved for content in contents):
            rows = np.stack([saved[content] for content in contents])
            return self._event(paths, contents, [each.stamp for each in known], rows)
        return self._predicted([(p, c, k.stamp) for p, c, k in zip(paths, contents, known, strict=True)])

    def _predicted(self, images: Sequence[tuple[str, bytes, Stamp]]) -> ImagesPredicted:
        """Predict from the features in the store, and keep the answer."""
        paths, contents, stamps = zip(*images, strict=True)
        rows = self.model.probabilities(self.store.read(self.store.find(contents)))
        self.catalogue.put_predictions(self.model.file.digest, contents, rows)
        return self._event(paths, contents, stamps, rows)

    def _event(
        self, paths: Sequence[str], contents: Sequence[bytes], stamps: Sequence[Stamp], rows: NDArray[np.float32]
    ) -> ImagesPredicted:
        modified = tuple(stamp.modified_ns for stamp in stamps)
        return ImagesPredicted(tuple(paths), tuple(contents), modified, rows, self.version)
