"""One folder and one model: what the terminal and the commands talk to."""

from collections.abc import Collection, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from engine.catalogue import Version
from engine.errors import CannotTrain
from engine.events import (
    Event,
    FolderChanged,
    ImagesPredicted,
    LiveLearned,
    LiveWaits,
    LiveWorked,
    ModelRestored,
    ModelSaved,
    Retrained,
    TrainingBegan,
)
from engine.folder import Stamp, scan
from engine.head import Head
from engine.keeping import Keeping
from engine.living import Living
from engine.model import Model
from engine.place import Place
from engine.scan import block_of
from engine.spec.file import read
from engine.teaching import Teaching
from engine.trainers import Settings

PROBES = 64
"""Images on which a saved model is compared with the trained one."""


class Workspace(Place):
    """An open folder. Long calls are generators of events: to stop one is to close it, and nothing is half done."""

    _original: Model | None = None
    """Version 0, once it was asked for."""
    _shown_before: list[tuple[str, bytes, int]] | None = None
    """Until other images may have features."""
    _living: Living | None = None
    """What live has prepared."""
    _lived: Mapping[bytes, str] | None = None
    """The verdicts that live learned last; None while it is off."""

    def keep(self, keeping: Keeping) -> Iterator[Event]:
        """Take the answer to `RoomAsked`, and go on with the scan.

        Raises FolderError where the store cannot be kept so: then all is as it was.
        """
        before = self._store
        self._open_store(keeping)
        before.close()
        self._shown_before, self._living = None, None
        yield from self.predict_again()
        if self._lived is not None:
            yield from self.live(self._lived)

    def scan(self) -> Iterator[Event]:
        """List the folder, now, and predict everything in it; known images at once."""
        return self.follow(self._differences(scan(self.folder)))

    def _differences(self, now: dict[str, Stamp]) -> FolderChanged:
        before, self.images = self.images, now
        gone = tuple(path for path in before if path not in now)
        forgotten = [path for path in self._catalogue.images() if path not in now]
        self._catalogue.drop_images(forgotten)
        changed = tuple(path for path in now if path in before and before[path] != now[path])
        return FolderChanged(tuple(path for path in now if path not in before), changed, gone)

    def follow(self, change: FolderChanged) -> Iterator[Event]:
        """Tell of a change of the folder, and predict what came."""
        yield change
        self._shown_before = None
        self._catalogue.drop_images(change.removed)
        came = {path: self.images[path] for path in (*change.added, *change.changed) if path in self.images}
        yield from self._scanned(self._scanner().predict(came))
        if self._lived is not None:
            yield from self.live(self._lived)

    def noticed(self, change: FolderChanged, stamps: Mapping[str, Stamp]) -> Iterator[Event]:
        """`follow` a change that a watch reports; `stamps` are of all the folder's images."""
        self.images = dict(stamps)
        return self.follow(change)

    def retrain(
        self, verdicts: Mapping[bytes, str], trainer: str, settings: Settings, at: float, force: bool = False
    ) -> Iterator[Event]:
        """Train on the verdicts (content key -> label), and promote the challenger if it is right on as many.

        The last events are `Retrained`, then, if promoted, `ModelSaved` and predictions of all images. `at` is the time
        in Unix seconds. Raises CannotTrain, BadLabels or BadSetting.
        """
        self.model.require_trainable()
        yield from self._features_of(verdicts)
        result: Retrained | None = None
        for event in self._trained(verdicts, trainer, settings):
            result = event if isinstance(event, Retrained) else None
            yield event
        assert result is not None
        if result.better or force:
            yield from self.promote(result, trainer, at)

    def _trained(self, verdicts: Mapping[bytes, str], trainer: str, settings: Settings) -> Iterator[Event]:
        """What live shows, if it is on; what is trained now otherwise."""
        if self._living is None or trainer != "auto":
            yield from self.model.train(self._teaching().lesson(verdicts), trainer, settings)
            return
        for event in self._living.learn(self._teaching(), verdicts):
            if isinstance(event, LiveWaits):
                raise CannotTrain(event.why)
            if not isinstance(event, LiveLearned):
                yield event
        result = self._living.result()
        assert result is not None
        yield TrainingBegan("live", len(verdicts), 1, "what live showed")
        yield result

    def live(self, verdicts: Mapping[bytes, str]) -> Iterator[Event]:
        """Edit the head in memory for these verdicts (content -> label), and predict all images with it.

        Nothing is saved; `retrain` keeps it. Raises CannotTrain.
        """
        self.model.require_trainable()
        self._lived = dict(verdicts)
        begins = self._living is None
        if begins:
            self._living = Living(self.model, whole=self.keeping.limit_bytes is None)
            size = block_of(self._store)
            for at in range(0, len(self._shown), size):
                self._store.sound([content for _, content, _ in self._shown[at : at + size]])
                yield LiveWorked(at, len(self._shown))
            # The damaged ones have lost their features.
            self._shown_before = None
        if begins or self.keeping.limit_bytes is not None:
            yield from self._features_of(verdicts)
        assert self._living is not None
        yield from self._living.learn(self._teaching(), verdicts)
        yield from self._as_live()

    def end_live(self) -> Iterator[Event]:
        """Forget what was not kept, and show what the present model predicts."""
        self._living, self._lived = None, None
        yield from self.predict_again()

    def _as_live(self) -> Iterator[Event]:
        """What live predicts, of all images at once."""
        assert self._living is not None
        if self._shown:
            paths, contents, modified = zip(*self._shown, strict=True)
            rows = self._living.probabilities(self._store, contents)
            yield ImagesPredicted(paths, contents, modified, rows, self.version)

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

    def _teaching(self) -> Teaching:
        contents = sorted({content for _, content, _ in self._shown})
        return Teaching(self.model, contents, self._store, self._origin())

    def _origin(self) -> Head | None:
        """The untouched model's head, where it takes the same features."""
        if self._original is None:
            first = self.versions.original()
            self._original = Model(first) if first else None
        original = self._original
        if original is None or original.backbone_key != self.model.backbone_key:
            return None
        return original.head if isinstance(original.head, Head) else None

    def promote(self, result: Retrained, trainer: str, at: float) -> Iterator[Event]:
        """Save a trained head as the new champion: written, read back, compared; then predict all images again."""
        probes = self._probes()
        said = Version(
            0, "", "", at, "retrained", trainer,
            result.flips, result.learned, result.accepted, result.broken, result.before.correct, result.after.correct,
        )  # fmt: skip
        kept = self.versions.promote(
            self.model.file,
            self.model.bytes_with(result.head),
            said,
            lambda saved: self.model.reopened(saved).require_same(result.head, probes),
        )
        labels = self.model.labels
        self.model, self.version = self.model.reopened(read(self.target)), kept.version
        if self._living is not None:
            self._living = self._living.on(self.model)
        yield ModelSaved(self.target, kept.version, result.before, result.after)
        if self.model.labels != labels:
            yield self.opened()
        yield from self.predict_again()

    def restore(self, version: int, at: float) -> Iterator[Event]:
        """Make an older version the champion again, and predict all images again. Raises BadSetting."""
        labels = self.model.labels
        self.model = self.model.reopened(self.versions.restore(version, self.model.file, at))
        self.version, self._living, self._lived = version, None, None
        yield ModelRestored(version)
        if self.model.labels != labels:
            yield self.opened()
        yield from self.predict_again()

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

    def _probes(self) -> NDArray[np.float32]:
        some = [content for _, content, _ in self._shown[:PROBES]]
        inside = [content for content, sound in zip(some, self._store.sound(some), strict=True) if sound]
        return self._store.read(self._store.find(inside))
