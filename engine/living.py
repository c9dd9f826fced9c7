"""What live shows: the champion edited in memory by the quick way where there is one, else trained as `auto` does."""

from collections.abc import Generator, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.errors import BadLabels, CannotTrain
from engine.events import Event, LiveLearned, LiveWaits, LiveWorked, Retrained
from engine.features import FeatureStore
from engine.head import Head
from engine.head.dense_first import DenseFirst, dense_first
from engine.live import Live, samples_allowed
from engine.model import Model
from engine.teaching import ANCHORS, Teaching
from engine.trainers.auto import knows_nothing, untrained
from engine.trainers.diverging import quiet, require_finite
from engine.trainers.lesson import QUICK, Known, Settings

BLOCK = 1024
"""Images that are predicted together."""


class Living:
    """The edits of one champion, one after each verdict."""

    def __init__(self, model: Model, quick: Live | None = None, whole: bool = True) -> None:
        """`whole` tells whether the store keeps what it has: the quick way looks at all features again and again.

        Raises CannotTrain for a model that keeps samples.
        """
        if model.learns_labels:
            raise CannotTrain("Live is for weights, and this model keeps samples.", "r takes verdicts in as quickly.")
        self._model, self._quick, self._whole = model, quick, whole
        self._trained: Retrained | None = None
        """What `auto` came to, where the quick way is not taken."""

    def on(self, champion: Model) -> "Living":
        """The same on what was learned here, once that is the champion."""
        parts = _parts(champion)
        quick = None if self._quick is None or self._trained is not None or parts is None else self._quick
        if quick is not None and parts is not None:
            quick.begin_again(parts)
        return Living(champion, quick, self._whole)

    def learn(self, teaching: Teaching, verdicts: Mapping[bytes, str]) -> Iterator[Event]:
        """Edit for these verdicts, content -> label; the last event is LiveLearned, or LiveWaits where that cannot be."""
        try:
            yield from quiet(self._learned(teaching, teaching.usable(verdicts)))
        except BadLabels as error:
            self._forget()
            yield LiveWaits(f"{error.sentence} {error.hint}")

    def _learned(self, teaching: Teaching, usable: Mapping[bytes, str]) -> Iterator[Event]:
        self._trained = None
        if not usable:
            self._forget()
            yield LiveLearned(0, 0, 0, 0, 0)
            return
        targets = self._model.targets(list(usable.values())).values
        quick = yield from self._prepared(teaching, list(usable), targets)
        if quick is not None:
            yield from quick.learn({content: int(n) for content, n in zip(usable, targets, strict=True)})
            result = quick.learned
        else:
            for event in self._model.train(teaching.lesson(usable), settings=Settings(budget=QUICK)):
                self._trained = event if isinstance(event, Retrained) else None
                yield LiveWorked(0, 1)
            result = self._trained
        assert result is not None
        try:
            require_finite(result.after.loss)
        except CannotTrain:
            self._forget()
            raise
        yield LiveLearned(len(usable), result.flips, result.learned, result.accepted, result.broken)

    def _prepared(
        self, teaching: Teaching, judged: list[bytes], targets: NDArray[np.int64]
    ) -> Generator[Event, None, Live | None]:
        """The quick way, all images covered, all samples taken; None where `auto` would not edit, or it is too much."""
        parts = _parts(self._model)
        origin = teaching.origin or self._model.head
        few = teaching.store.read(teaching.store.find(judged[:1]))
        if (
            not self._whole
            or parts is None
            or not self._model.classifies
            or (isinstance(origin, Head) and untrained(origin, few))
        ):
            return None
        quick = self._quick = self._quick or Live(parts, teaching.store)
        yield from quick.cover(teaching.contents)
        yield from quick.cover(judged)
        allowed = samples_allowed(quick.images)
        if len({*quick.samples, *judged}) > allowed:
            return None
        if not quick.samples:
            yield from quick.sample(self._anchors(quick, teaching.kept(()), min(ANCHORS, allowed // 2)))
        yield from quick.sample(judged)
        aim = Known(parts.head, targets, quick.champion(judged))
        return None if knows_nothing(aim) else quick

    def _anchors(self, quick: Live, contents: Sequence[bytes], count: int) -> list[bytes]:
        """Half of them the most uncertain, which a person judges first; the others at random."""
        if len(contents) <= count:
            return list(contents)
        logits = np.sort(quick.champion(contents), axis=1)
        uncertain = np.argsort(logits[:, -1] - logits[:, -2], kind="stable")[: count // 2]
        rest = np.random.default_rng(0).permutation(np.setdiff1d(np.arange(len(contents)), uncertain))
        return [contents[int(at)] for at in (*uncertain, *rest[: count - len(uncertain)])]

    def _forget(self) -> None:
        self._trained = None
        if self._quick is not None:
            self._quick.forget()

    def probabilities(self, store: FeatureStore, contents: Sequence[bytes]) -> NDArray[np.float32]:
        """(n, labels), of images whose features are in the store."""
        if self._quick is not None and self._trained is None:
            return self._quick.probabilities(contents)
        head = self._model.head if self._trained is None else self._trained.head
        found = np.empty((len(contents), len(self._model.labels)), np.float32)
        for at, features in store.blocks(store.find(contents), BLOCK):
            found[at] = head.probabilities(features).reshape(len(features), -1)
        return found

    def result(self) -> Retrained | None:
        """What was learned last, with its weights; None where nothing was."""
        if self._trained is not None or self._quick is None:
            return self._trained
        return self._quick.result()


def _parts(model: Model) -> DenseFirst | None:
    if not isinstance(model.head, Head):
        return None
    return dense_first(model.head, np.zeros((1, *model.backbone.shape), np.float32))
