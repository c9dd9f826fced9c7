"""One folder and one model: what the terminal and the commands talk to."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from engine.catalogue import Catalogue, Version
from engine.errors import BadLabels, BadSetting
from engine.events import Event, FolderChanged, ImagesPredicted, ModelOpened, ModelRestored, ModelSaved, Retrained
from engine.features import FeatureStore
from engine.folder import Stamp, scan
from engine.head import Head
from engine.model import Model
from engine.places import find_model, home
from engine.scan import BLOCK, Scanner
from engine.spec.file import read
from engine.trainers import Lesson, Settings
from engine.versions import Versions

ANCHORS = 1000
"""Images without a verdict whose predictions a retrain keeps: half of them the nearest to the flips, half at random."""
CANDIDATES = 4000
"""Images among which the nearest are looked for."""
PROBES = 64
"""Images on which a saved model is compared with the trained one."""


class Workspace:
    """An open folder. Long calls are generators of events: to stop one is to close it, and nothing is half done."""

    def __init__(self, folder: Path, model: Path | None = None, out: Path | None = None) -> None:
        """Open `folder` with `model`, or the one used before. With `out`, new models go there, and `model` stays.

        Raises FolderError, ModelError or BadSetting.
        """
        self.folder = folder
        self.home = home(folder)
        self._catalogue = Catalogue(self.home / "catalogue.db")
        try:
            self._open_model(model, out)
        except BaseException:
            self._catalogue.close()
            raise

    def _open_model(self, given: Path | None, out: Path | None) -> None:
        source = find_model(self.folder, given, self._catalogue.setting("model"))
        if out is None and self._catalogue.setting("out") and str(source) == self._catalogue.setting("model"):
            out = Path(self._catalogue.setting("out"))
        if out is not None and out.suffix.lower() != ".mlmodel":
            raise BadSetting(f"{str(out)!r} does not end in .mlmodel.", "New models are written as one file.")
        self.target = out.absolute() if out else source
        self.model = Model(read(self.target if self.target.exists() else source))
        self.model.require_classifier()
        self._catalogue.remember("model", str(source))
        self._catalogue.remember("out", str(out.absolute()) if out else "")
        self.versions = Versions(self.home / "versions", self._catalogue, self.target)
        self.version = self.versions.present(self.model.file)
        shape = self.model.backbone.shape
        self._store = FeatureStore(self.home / "features" / self.model.backbone_key, shape)
        self.images: dict[str, Stamp] = {}
        self._original: Model | None = None
        """Version 0, once it was asked for."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give all files back."""
        self._store.close()
        self._catalogue.close()

    def opened(self) -> ModelOpened:
        """The present model, in words."""
        image, why = self.model.image, self.model.cut.why_not
        size = (image.width, image.height)
        learns = self.model.learns_labels
        return ModelOpened(self.target.name, self.model.labels, self.version, size, not why, why, learns)

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
        self._catalogue.drop_images(change.removed)
        came = {path: self.images[path] for path in (*change.added, *change.changed) if path in self.images}
        yield from self._scanner().predict(came)

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
        lesson = self._lesson(verdicts)
        result: Retrained | None = None
        for event in self.model.train(lesson, trainer, settings):
            result = event if isinstance(event, Retrained) else None
            yield event
        assert result is not None
        if result.better or force:
            yield from self.promote(result, trainer, at, lesson.features)

    def promote(
        self, result: Retrained, trainer: str, at: float, probes: NDArray[np.float32] | None = None
    ) -> Iterator[Event]:
        """Save a trained head as the new champion: written, read back, compared; then predict all images again."""
        probes = self._probes() if probes is None else probes[:PROBES]
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
        yield ModelSaved(self.target, kept.version, result.before, result.after)
        if self.model.labels != labels:
            yield self.opened()
        yield from self.predict_again()

    def restore(self, version: int, at: float) -> Iterator[Event]:
        """Make an older version the champion again, and predict all images again. Raises BadSetting."""
        labels = self.model.labels
        self.model = self.model.reopened(self.versions.restore(version, self.model.file, at))
        self.version = version
        yield ModelRestored(version)
        if self.model.labels != labels:
            yield self.opened()
        yield from self.predict_again()

    def predict_again(self) -> Iterator[Event]:
        """Predict all images from their features."""
        yield from self._scanner().predict(self.images)

    def _scanner(self) -> Scanner:
        return Scanner(self.folder, self.model, self.version, self._store, self._catalogue)

    def _features_of(self, verdicts: Mapping[bytes, str]) -> Iterator[Event]:
        """Run the backbone on images that have lost their features, as when the store was deleted or damaged."""
        self._store.sound([content for content in verdicts if content in self._store])
        known = self._catalogue.images()
        lost = [path for path in self.images if path in known and not known[path].problem]
        lost = [path for path in lost if (known[path].content or b"") not in self._store]
        for event in self._scanner().read({path: self.images[path] for path in lost}, 0, len(lost)):
            if not isinstance(event, ImagesPredicted):
                yield event

    def _lesson(self, verdicts: Mapping[bytes, str]) -> Lesson:
        known = self.model.labels
        usable = {c: label for c, label in verdicts.items() if c in self._store}
        if not self.model.learns_labels:
            usable = {content: label for content, label in usable.items() if label in known}
        if verdicts and not usable:
            raise BadLabels("None of the verdicts names a label of this model for an image that is still known.")
        features = self._store.read(self._store.find(list(usable)))
        lesson = self.model.lesson(features, list(usable.values()))
        return replace(lesson, anchors=self._anchors(set(verdicts), features, lesson.targets), origin=self._origin())

    def _origin(self) -> Head | None:
        """The untouched model's head, where it takes the same features."""
        if self._original is None:
            first = self.versions.original()
            self._original = Model(first) if first else None
        original = self._original
        if original is None or original.backbone_key != self.model.backbone_key:
            return None
        return original.head if isinstance(original.head, Head) else None

    def _anchors(
        self, judged: set[bytes], features: NDArray[np.float32], targets: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        known = self._catalogue.images()
        others = {known[path].content for path in self.images if path in known and not known[path].problem}
        rest: list[bytes] = sorted(c for c in others if c and c not in judged and c in self._store)
        rng = np.random.default_rng(0)
        drawn = [rest[int(at)] for at in rng.permutation(len(rest))[:CANDIDATES]]
        chosen = [content for content, sound in zip(drawn, self._store.sound(drawn), strict=True) if sound]
        candidates = self._store.read(self._store.find(chosen)) if chosen else features[:0]
        if len(candidates) <= ANCHORS:
            return candidates
        flips = features[self.model.head.logits(features).argmax(axis=1) != targets] if len(features) else features
        near = _nearest(candidates, flips, ANCHORS // 2)
        others_of_them = np.setdiff1d(np.arange(len(candidates)), near)[: ANCHORS - len(near)]
        return candidates[np.concatenate([near, others_of_them])]

    def _probes(self) -> NDArray[np.float32]:
        known = self._catalogue.images()
        contents = [known[path].content or b"" for path in list(self.images)[:BLOCK] if path in known]
        inside = [content for content in contents if content in self._store][:PROBES]
        return self._store.read(self._store.find(inside))


def _nearest(candidates: NDArray[np.float32], to: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    """The rows of `candidates` with the smallest distance to any row of `to`."""
    if not len(to):
        return np.arange(count)
    a, b = candidates.reshape(len(candidates), -1), to.reshape(len(to), -1)
    distance = (a * a).sum(axis=1)[:, None] - 2 * a @ b.T + (b * b).sum(axis=1)
    return np.sort(np.argsort(distance.min(axis=1), kind="stable")[:count])
