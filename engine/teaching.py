"""What a retrain learns from: the verdicts' features, and images without one whose predictions are to stay."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.augment import view_keys, views_of
from engine.errors import BadLabels
from engine.features import FeatureStore
from engine.head import Head
from engine.model import Model
from engine.trainers import Lesson

ANCHORS = 1000
"""Images without a verdict whose predictions a retrain keeps: half of them the nearest to the flips, half at random."""
CANDIDATES = 4000
"""Images among which the nearest are looked for."""


@dataclass(frozen=True, eq=False)
class Teaching:
    """A champion, and pictures whose features are kept."""

    model: Model
    contents: Sequence[bytes]
    """The pictures in the folder that can be used and whose features are in the store, each once."""
    store: FeatureStore
    origin: Head | None
    """The untouched model's head, where it takes the same features."""
    aside: frozenset[bytes] = frozenset()
    """Pictures whose predictions are not kept: they are held out, or nothing that the model should know."""

    def kept(self, judged: Container[bytes]) -> list[bytes]:
        """The pictures that may be anchors: without a verdict, and not set aside."""
        return [content for content in self.contents if content not in judged and content not in self.aside]

    def usable(self, verdicts: Mapping[bytes, str]) -> dict[bytes, str]:
        """The verdicts, content -> label, that name a label of the model and an image whose features are kept.

        Raises BadLabels where none of them does.
        """
        known = self.model.labels
        found = {c: label for c, label in verdicts.items() if c in self.store}
        if not self.model.learns_labels:
            found = {content: label for content, label in found.items() if label in known}
        if verdicts and not found:
            raise BadLabels("None of the verdicts names a label of this model for an image that is still known.")
        return found

    def lesson(self, verdicts: Mapping[bytes, str], augment: str = "none") -> Lesson:
        """The verdicts and anchors; beside the verdicts' pictures those views that are kept. Raises BadLabels."""
        usable = self.usable(verdicts)
        features = self.store.read(self.store.find(list(usable)))
        lesson = self.model.lesson(features, list(usable.values()))
        lesson = replace(lesson, anchors=self._anchors(set(verdicts), features, lesson.targets), origin=self.origin)
        keys, of = view_keys(list(usable), views_of(augment))
        kept = self.store.sound(keys)
        return lesson.with_views(self.store.read(self.store.find(keys)[kept]), of[kept])

    def _anchors(
        self, judged: set[bytes], features: NDArray[np.float32], targets: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        rest = self.kept(judged)
        rng = np.random.default_rng(0)
        drawn = [rest[int(at)] for at in rng.permutation(len(rest))[:CANDIDATES]]
        chosen = [content for content, sound in zip(drawn, self.store.sound(drawn), strict=True) if sound]
        candidates = self.store.read(self.store.find(chosen)) if chosen else features[:0]
        if len(candidates) <= ANCHORS:
            return candidates
        flips = features[self.model.head.logits(features).argmax(axis=1) != targets] if len(features) else features
        near = _nearest(candidates, flips, ANCHORS // 2)
        others_of_them = np.setdiff1d(np.arange(len(candidates)), near)[: ANCHORS - len(near)]
        return candidates[np.concatenate([near, others_of_them])]


def _nearest(candidates: NDArray[np.float32], to: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    """The rows of `candidates` with the smallest distance to any row of `to`."""
    if not len(to):
        return np.arange(count)
    a, b = candidates.reshape(len(candidates), -1), to.reshape(len(to), -1)
    # No array of squares, which would be as large as the features.
    distance = np.einsum("ij,ij->i", a, a)[:, None] - 2 * (a @ b.T) + np.einsum("ij,ij->i", b, b)
    return np.sort(np.argsort(distance.min(axis=1), kind="stable")[:count])
