"""The folder's images: found, read, predicted, and their features at hand."""

from collections.abc import Collection, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from engine.aside import Aside, below, parted
from engine.augment import view_keys, viewed, views_of
from engine.decoders import Decoders
from engine.errors import CannotTrain
from engine.events import CatalogueRecovered, Event, FeaturesRead, FolderChanged, ImagesPredicted
from engine.folder import Stamp, scan
from engine.keeping import Keeping
from engine.place import Place

PROBES = 64
"""Images on which a saved model is compared with the trained one."""


class Gallery(Place):
    """An open folder whose images are predicted. Long calls are generators of events: to stop one is to close it."""

    _shown_before: list[tuple[str, bytes, int]] | None = None
    """Until other images may have features."""

    def _images_changed(self) -> Iterator[Event]:
        """What is to be said when other images are predicted."""
        yield from ()

    def _features_changed(self) -> None:
        """Features are kept in another way from now on."""

    def keep(self, keeping: Keeping) -> Iterator[Event]:
        """Take the answer to `RoomAsked`, and go on with the scan.

        Raises FolderError where the store cannot be kept so: then all is as it was.
        """
        before = self._store
        self._store = self._store_for(self.model, keeping)
        before.close()
        self._shown_before = None
        self._features_changed()
        yield from self.predict_again()
        yield from self._images_changed()

    def scan(self) -> Iterator[Event]:
        """List the folder, now, and predict everything in it; known images at once."""
        return self.follow(self._differences(scan(self.folder, self.follow_links)))

    def _differences(self, now: dict[str, Stamp]) -> FolderChanged:
        before, self.images = self.images, now
        gone = tuple(path for path in before if path not in now)
        forgotten = [path for path in self._catalogue.images() if path not in now]
        self._catalogue.drop_images(forgotten)
        changed = tuple(path for path in now if path in before and before[path] != now[path])
        return FolderChanged(tuple(path for path in now if path not in before), changed, gone)

    def follow(self, change: FolderChanged) -> Iterator[Event]:
        """Tell of a change of the folder, and predict what came; before, once, what became of a damaged catalogue."""
        if self._recovered:
            yield CatalogueRecovered(self._recovered)
            self._recovered = ""
        self._forget(change.removed)
        yield change
        yield from self._came(change)

    def _forget(self, removed: Collection[str]) -> None:
        """These images are gone."""
        self._shown_before = None
        self._catalogue.drop_images(removed)

    def _came(self, change: FolderChanged) -> Iterator[Event]:
        """Predict what came, once the change is told."""
        came = {path: self.images[path] for path in (*change.added, *change.changed) if path in self.images}
        yield from self._scanned(self._scanner().predict(came))
        yield from self._images_changed()

    def noticed(self, change: FolderChanged, stamps: Mapping[str, Stamp]) -> Iterator[Event]:
        """Take in a change that a watch reports, at once; then predict what came. `stamps` are of all the folder's images.

        The change itself is for the caller to tell: what follows may be stopped before its first step.
        """
        self.images = dict(stamps)
        self._forget(change.removed)
        return self._came(change)

    @property
    def _shown(self) -> list[tuple[str, bytes, int]]:
        """Path, content and time of change of every image that can be used and whose features are kept."""
        if self._shown_before is None:
            known = self._catalogue.images()
            found = [(path, known[path]) for path in self.images if path in known and not known[path].problem]
            self._shown_before = [
                (path, each.content, each.stamp.modified_ns)
                for path, each in found
                if each.content and each.content in self._store
            ]
        return self._shown_before

    def predict_again(self) -> Iterator[Event]:
        """Predict all images from their features."""
        yield from self._scanned(self._scanner().predict(self.images))

    def _scanned(self, events: Iterator[Event]) -> Iterator[Event]:
        """What a scanner says. Whenever it has said something, other images may have features."""
        for event in events:
            self._shown_before = None
            yield event

    def _features_of(self, verdicts: Collection[bytes]) -> Iterator[Event]:
        """Run the backbone on images that have lost their features, as when the store was deleted or damaged.

        On those with a verdict alone where there is no room for all. Raises CannotTrain if there is not even for them.
        """
        self._store.sound([content for content in verdicts if content in self._store])
        known, judged = self._catalogue.images(), set(verdicts)
        lost = [path for path in self.images if path in known and not known[path].problem]
        lost = [path for path in lost if (known[path].content or b"") not in self._store]
        limit = self.keeping.limit_bytes
        if limit is not None or self._room_asked(len(lost)) is not None:
            lost = [path for path in lost if known[path].content in judged]
            self._store.touch(list(judged))
        for event in self._scanned(self._scanner().read({path: self.images[path] for path in lost}, 0, len(lost))):
            if not isinstance(event, ImagesPredicted):
                yield event
        missing = sum((known[path].content or b"") not in self._store for path in lost)
        if limit is not None and missing:
            sentence = f"The features of {len(judged)} verdicts do not fit into the {self.keeping.limit} they may take."
            raise CannotTrain(sentence, "Open the folder with a larger --store-limit.")

    def _views_of(self, verdicts: Collection[bytes], augment: str) -> Iterator[Event]:
        """Run the backbone on other views of these pictures, as far as their features are not kept yet.

        Raises CannotTrain where there is no room for them.
        """
        views, judged = views_of(augment), set(verdicts)
        known = self._catalogue.images().items()
        files = {each.content: self.folder / path for path, each in known if each.content in judged}
        keys, _ = view_keys(list(files), views)
        lacking = len(keys) - int(self._store.sound(keys).sum())
        if not lacking:
            return
        if self._room_asked(lacking) is not None or not self._store.has_room(len(judged) + len(keys)):
            sentence = f"There is no room for the features of {lacking} other views of pictures with a verdict."
            raise CannotTrain(sentence, "Train without augmentation, or say with --features or --store-limit what to keep.")
        self._store.touch([*judged, *keys])
        done = 0
        decoders = Decoders(self.limits)
        for found in viewed(files, self.model.image, self.model.features, views, decoders, self._store):
            if found:
                self._store.append(list(found), np.stack(list(found.values())))
            done += len(found)
            yield FeaturesRead(done, lacking, 0, "view")
        if done < lacking:
            # Files that are gone, or others by now, have no views.
            yield FeaturesRead(lacking, lacking, 0, "view")

    def _apart(self, verdicts: Mapping[bytes, str], aside: Aside) -> tuple[dict[bytes, str], Aside]:
        """What to learn and what is set aside, once the sub-folder that is held out is taken into account."""
        known = self._catalogue.images().items() if self.held_out else ()
        held = below(self.held_out, ((path, each.content or b"") for path, each in known))
        learned, more = parted(verdicts, held)
        return learned, Aside({**aside.held, **more.held}, aside.untouched | more.untouched)

    def _probes(self) -> NDArray[np.float32]:
        some = [content for _, content, _ in self._shown[:PROBES]]
        inside = [content for content, sound in zip(some, self._store.sound(some), strict=True) if sound]
        return self._store.read(self._store.find(inside))
