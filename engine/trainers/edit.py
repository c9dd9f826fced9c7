"""`edit`: learn every flip by the smallest change that keeps the accepted verdicts and the anchors."""

from collections.abc import Generator, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.events import Event, SamplesCompared, TrainingBegan
from engine.head import Head
from engine.head.dense_first import flat
from engine.head.points import Point, SamplePoint, WeightPoint
from engine.head.steps import combined
from engine.head.working import in_kind, in_single
from engine.spec.training import Training
from engine.trainers.editing import PASSES
from engine.trainers.gradual import MOST, Rows, Some, gradually
from engine.trainers.lesson import Lesson, Settings
from engine.trainers.ways import compared

Array = NDArray[Any]
AT_ONCE = 256
"""New samples that are compared with all others in one step."""


def edit(lesson: Lesson, training: Training, settings: Settings) -> Iterator[Event]:
    """Learn every flip by the smallest change that keeps the accepted verdicts and the anchors."""
    ground = _Ground(lesson)
    yield TrainingBegan("edit", ground.count, settings.max_epochs or PASSES)
    some = yield from gradually(lesson, settings, ground)
    now = some.point.outputs[: len(lesson.features)] if len(some.rows) == ground.count else None
    yield lesson.judged(ground.head(some), now)


class _Ground:
    """The verdicts of a lesson and, behind them, its anchors."""

    def __init__(self, lesson: Lesson) -> None:
        self._lesson = lesson
        self.count = len(lesson.features) + len(lesson.anchors)
        self.old = np.concatenate([lesson.old_logits, lesson.anchor_logits])
        self._parts: list[Array] = []
        """Features of the samples that were asked for last."""

    def point(self, rows: Rows, last: Some | None) -> Generator[Event, None, Point]:
        lesson, verdicts = self._lesson, len(self._lesson.features)
        mine, others = rows[rows < verdicts], rows[rows >= verdicts] - verdicts
        everything = len(rows) == self.count
        self._parts = [lesson.features, lesson.anchors] if everything else [lesson.features[mine], lesson.anchors[others]]
        before = None if last is None else last.point
        if lesson.parts is None or self._narrow:
            head = before.whole if isinstance(before, WeightPoint) else in_kind(lesson.head, np.float32)
            return WeightPoint(head, np.concatenate(self._parts).astype(np.float32))
        outputs = np.concatenate([lesson.first_outputs[mine], lesson.anchor_first_outputs[others]])
        if last is None or not isinstance(before, SamplePoint):
            products = yield from compared(*self._parts)
            return SamplePoint.start(lesson.parts, outputs, products + np.float32(lesson.parts.bias is not None))
        known = np.isin(rows, last.rows, assume_unique=True)
        products = yield from self._extended(before.gram, known, np.float32(lesson.parts.bias is not None))
        return before.among(outputs, products, known)

    @property
    def _narrow(self) -> bool:
        """Whether there are fewer features than samples, by far."""
        return min(self.count, MOST) > 2 * flat(self._lesson.features).shape[1]

    def _extended(self, gram: Array, known: NDArray[np.bool_], one: np.float32) -> Generator[Event, None, Array]:
        """(n, n) inner products, and `one`; those between the `known` are there already."""
        features = np.concatenate([flat(part) for part in self._parts])
        found, old, new = np.empty((len(known),) * 2, gram.dtype), np.flatnonzero(known), np.flatnonzero(~known)
        found[np.ix_(old, old)] = gram
        for at in range(0, len(new), AT_ONCE):
            some = new[at : at + AT_ONCE]
            found[some] = features[some] @ features.T + one
            yield SamplesCompared(min(len(known), len(old) + at + AT_ONCE), len(known))
        found[:, new] = found[new].T
        return found

    def logits(self, some: Some) -> Array:
        lesson, head = self._lesson, self.head(some)
        return np.concatenate([head.logits(each) for each in (lesson.features, lesson.anchors) if len(each)])

    def head(self, some: Some) -> Head:
        """With its weights formed."""
        point = some.point
        if isinstance(point, SamplePoint):
            change, bias = combined(point.coefficients, *self._parts)
            return point.parts.moved(change, bias, in_single(point.tail, point.parts.tail))
        return in_single(point.whole, self._lesson.head)
