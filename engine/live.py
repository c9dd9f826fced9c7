"""Live: after every verdict the head is edited in memory, and what it then says of all images is known at once.

With X the features of all images (N x D) and S those of the samples, verdicts and anchors, the edited head's first layer
is that of the champion plus coefficients C of the samples, so that its outputs for all images are

    Z = Z0 + (X S' + 1) C

Z0 and the products S X' are kept. A verdict on an image that is a sample already costs no look at the features; on any
other, one column of products. The anchors are therefore the images that a person is likely to judge next, the uncertain
ones, and others at random.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.events import Event, LiveWorked, Retrained
from engine.features import FeatureStore
from engine.head import Head
from engine.head.dense_first import DenseFirst, flat
from engine.head.points import SamplePoint
from engine.head.steps import combined
from engine.head.working import in_single
from engine.trainers.editing import settled
from engine.trainers.gradual import MOST, Rows, Some, gradually
from engine.trainers.lesson import Known, Settings

Array = NDArray[Any]
Work = Generator[LiveWorked, None, None]
ROOM_BYTES = 512 << 20
"""For the products of all images with the samples."""
LEAST_SAMPLES = 256
AGAIN = 1.1
"""Verdicts, relative to those of an edit that could not learn all, at which it is begun anew."""
BLOCK = 256
"""Images whose features are looked at together."""


def samples_allowed(images: int) -> int:
    """How many samples may have a column of products with so many images."""
    return max(LEAST_SAMPLES, ROOM_BYTES // (4 * max(1, images)))


@dataclass(frozen=True, eq=False)
class _Edited:
    """Where the last edit ended."""

    verdicts: Mapping[bytes, int]
    missed: Mapping[bytes, int]
    """Those that were not learned."""
    begun: int
    """How many verdicts there were when it was begun at the champion."""
    point: SamplePoint
    columns: NDArray[np.intp]
    """The samples of the point, in its order."""
    result: Retrained
    """Without its head, whose weights are not formed yet."""


class Live:
    """A champion that begins with a dense layer, and images by content."""

    def __init__(self, parts: DenseFirst, store: FeatureStore) -> None:
        self._parts, self._store = parts, store
        self._row_of: dict[bytes, int] = {}
        self._column_of: dict[bytes, int] = {}
        self._before = np.zeros((0, len(parts.weights)), np.float32)
        self._products = np.zeros((0, 0), np.float32)
        """(samples or more, images): as many rows are there as may soon be needed."""
        self._samples = np.zeros((0, parts.weights.shape[1]), np.float32)
        """(samples or more, width)"""
        self._last: _Edited | None = None

    def begin_again(self, parts: DenseFirst) -> None:
        """Take what was learned here as the champion, now that it is saved; the products stay."""
        self._before = self._first_outputs()
        self._parts, self._last = parts, None

    @property
    def images(self) -> int:
        """How many are covered."""
        return len(self._row_of)

    @property
    def samples(self) -> Sequence[bytes]:
        """The images that have a column of products."""
        return list(self._column_of)

    def cover(self, contents: Sequence[bytes]) -> Work:
        """Take these images in, whose features are in the store."""
        new = [content for content in dict.fromkeys(contents) if content not in self._row_of]
        if not new:
            return
        first, samples = list[Array](), self._samples[: len(self._column_of)]
        products = np.zeros((len(self._products), len(new)), np.float32)
        for at, features in self._store.blocks(self._store.find(new), BLOCK):
            rows = flat(features)
            first.append(self._parts.outputs(rows))
            products[: len(samples), at] = samples @ rows.T + self._one
            yield LiveWorked(at.stop, len(new))
        self._before = np.concatenate([self._before, *first])
        self._products = np.concatenate([self._products, products], axis=1)
        self._row_of |= {content: len(self._row_of) + n for n, content in enumerate(new)}

    def sample(self, contents: Sequence[bytes]) -> Work:
        """Give these images, which are covered, their products with all others."""
        new = [content for content in dict.fromkeys(contents) if content not in self._column_of]
        if not new:
            return
        more, order, have = flat(self._store.read(self._store.find(new))), list(self._row_of), len(self._column_of)
        self._products, self._samples = (roomy(each, have, len(new)) for each in (self._products, self._samples))
        self._samples[have : have + len(new)] = more
        for at, features in self._store.blocks(self._store.find(order), BLOCK):
            self._products[have : have + len(new), at] = more @ flat(features).T + self._one
            yield LiveWorked(at.stop, len(order))
        self._column_of |= {content: have + n for n, content in enumerate(new)}

    def learn(self, verdicts: Mapping[bytes, int]) -> Work:
        """Edit the champion for these verdicts, content -> label number; all are samples, as `sample` makes them."""
        if self._last is not None and self._last.verdicts == verdicts:
            return
        last, tried = self._going_on(verdicts)
        judged = np.array([self._column_of[content] for content in tried], np.intp)
        columns = np.concatenate([judged, np.setdiff1d(np.arange(len(self._column_of)), judged)])
        place = np.argsort(columns)
        ground = _Ground(self._parts, self._before, self._products, self._rows(list(self._column_of))[columns], columns)
        aim = Known(self._parts.head, np.array(list(tried.values()), np.int64), ground.old[: len(tried)])
        some = yield from _edited(aim, ground, None if last is None else Some(place[last.columns], last.point))
        whole = [place[self._column_of[content]] for content in verdicts]
        targets, now = np.array(list(verdicts.values()), np.int64), ground.logits(some)[whole]
        aim = Known(self._parts.head, targets, ground.old[whole])
        missed = {c: n for (c, n), right in zip(verdicts.items(), aim.right(now), strict=True) if not right}
        begun = len(verdicts) if last is None else last.begun
        assert isinstance(some.point, SamplePoint)
        self._last = _Edited(dict(verdicts), missed, begun, some.point, columns[some.rows], aim.result(Head(()), now))

    def _going_on(self, verdicts: Mapping[bytes, int]) -> tuple[_Edited | None, Mapping[bytes, int]]:
        """The edit to go on from, and the verdicts that are to be learned.

        Where some could not be learned, all is begun anew: otherwise coefficients that pull against each other would grow
        from verdict to verdict. With many samples that takes long; these are left alone till there are a tenth more.
        """
        last = self._last
        if last is None or (last.missed and (len(self._column_of) <= MOST or len(verdicts) > AGAIN * last.begun)):
            return None, verdicts
        tried = {content: n for content, n in verdicts.items() if last.missed.get(content) != n}
        return (last, tried) if tried else (None, verdicts)

    def forget(self) -> None:
        """Be the champion again: there is no verdict."""
        self._last = None

    @property
    def learned(self) -> Retrained | None:
        """What the last edit came to; its head has no weights."""
        return None if self._last is None else self._last.result

    def champion(self, contents: Sequence[bytes]) -> Array:
        """(n, labels): logits of images that are covered, by the head before the edit."""
        return self._parts.logits(self._before[self._rows(contents)])

    def probabilities(self, contents: Sequence[bytes]) -> NDArray[np.float32]:
        """(n, labels): of images that are covered, by the head as it is edited."""
        tail = self._parts.tail if self._last is None else self._last.point.tail
        return tail.probabilities(self._parts.shaped(self._first_outputs()[self._rows(contents)]))

    def _rows(self, contents: Sequence[bytes]) -> NDArray[np.intp]:
        return np.array([self._row_of[content] for content in contents], np.intp)

    def _first_outputs(self) -> Array:
        """(images, outputs) of the first layer as it is edited."""
        if self._last is None:
            return self._before
        # Units that no sample uses, as many behind a ReLU, stay as they were.
        used = np.flatnonzero(self._last.point.coefficients.any(axis=0))
        coefficients = np.zeros((len(self._column_of), len(used)), np.float32)
        coefficients[self._last.columns] = self._last.point.coefficients[:, used]
        moved = self._before.copy()
        moved[:, used] += self._products[: len(coefficients)].T @ coefficients
        return moved

    def result(self) -> Retrained | None:
        """What the last edit came to, with its weights formed."""
        last = self._last
        if last is None:
            return None
        change, bias = combined(last.point.coefficients, self._samples[last.columns])
        tail = in_single(last.point.tail, self._parts.tail)
        return replace(last.result, head=self._parts.moved(change, bias, tail))

    @property
    def _one(self) -> np.float32:
        return np.float32(self._parts.bias is not None)


def _edited(aim: Known, ground: "_Ground", last: Some | None) -> Generator[LiveWorked, None, Some]:
    """From where the last edit ended, whose samples may be in another order, or from the champion; as far as needed."""
    start = None
    if last is not None:
        turned = np.argsort(last.rows)
        assert isinstance(last.point, SamplePoint)
        start = Some(last.rows[turned], replace(last.point, coefficients=last.point.coefficients[turned]))
        if settled(aim, ground.logits(start)[: len(aim.targets)]):
            return start
    work = gradually(aim, Settings(), ground, start)
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value
        yield LiveWorked(0, 1)


class _Ground:
    """The samples of one edit: the verdicts and, behind them, all others."""

    def __init__(self, parts: DenseFirst, before: Array, products: Array, rows: Rows, columns: Rows) -> None:
        """Of the champion's first layer `before` (images, outputs); `products` (samples or more, images).

        `rows` and `columns` (count,) are each one's number among the images, and among the samples.
        """
        self._parts, self._before, self._products, self._rows, self._columns = parts, before, products, rows, columns
        self.count = len(rows)
        self.old = parts.logits(before[rows])

    def point(self, rows: Rows, last: Some | None) -> Generator[Event, None, SamplePoint]:
        yield from ()
        gram = self._products[np.ix_(self._columns[rows], self._rows[rows])]
        before = self._before[self._rows[rows]]
        if last is None:
            return SamplePoint.start(self._parts, before, gram)
        assert isinstance(last.point, SamplePoint)
        return last.point.among(before, gram, np.isin(rows, last.rows, assume_unique=True))

    def logits(self, some: Some) -> Array:
        point = some.point
        assert isinstance(point, SamplePoint)
        used = np.flatnonzero(point.coefficients.any(axis=0))
        found = self._before[self._rows]
        found[:, used] += self._products[np.ix_(self._columns[some.rows], self._rows)].T @ point.coefficients[:, used]
        return point.tail.logits(self._parts.shaped(found))


def roomy(rows: Array, used: int, more: int) -> Array:
    """The rows that are used, and room for so many more; for a quarter more than that when there was none."""
    if used + more <= len(rows):
        return rows
    found = np.zeros((used + more + (used + more) // 4, rows.shape[1]), rows.dtype)
    found[:used] = rows[:used]
    return found
