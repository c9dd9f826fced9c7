"""Live: after every verdict the head is edited in memory, and what it then says of all images is known at once.

With X the features of all images (N x D) and S those of the samples, verdicts and anchors, the edited head's first layer
is that of the champion plus coefficients C of the samples, so that its outputs for all images are

    Z = Z0 + (X S' + 1) C

Z0 and the products X S' are kept. A verdict on an image that is a sample already costs no look at the features; on any
other, one column of products. The anchors are therefore the images that a person is likely to judge next, the uncertain
ones, and others at random.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.events import LiveWorked, Retrained
from engine.features import FeatureStore
from engine.head import Head
from engine.head.dense_first import DenseFirst, flat
from engine.head.points import SamplePoint
from engine.head.steps import combined
from engine.head.working import in_single
from engine.trainers.edit import RIDGES, edited
from engine.trainers.lesson import Known, Settings

Array = NDArray[Any]
Work = Generator[LiveWorked, None, None]
ROOM_BYTES = 512 << 20
"""For the products of all images with the samples."""
LEAST_SAMPLES = 256
FEW = 3
"""Ridges that are tried: a person waits."""
BLOCK = 256
"""Images whose features are looked at together."""


def samples_allowed(images: int) -> int:
    """How many samples may have a column of products with so many images."""
    return max(LEAST_SAMPLES, ROOM_BYTES // (4 * max(1, images)))


@dataclass(frozen=True, eq=False)
class _Edited:
    """Where the last edit ended."""

    verdicts: Mapping[bytes, int]
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
        self._samples = np.zeros((0, parts.weights.shape[1]), np.float32)
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
        first, products = list[Array](), list[Array]()
        for at, features in self._store.blocks(self._store.find(new), BLOCK):
            rows = flat(features)
            first.append(self._parts.outputs(rows))
            products.append(rows @ self._samples.T + self._one)
            yield LiveWorked(at.stop, len(new))
        self._before = np.concatenate([self._before, *first])
        self._products = np.concatenate([self._products, *products])
        self._row_of |= {content: len(self._row_of) + n for n, content in enumerate(new)}

    def sample(self, contents: Sequence[bytes]) -> Work:
        """Give these images, which are covered, a column of products each."""
        new = [content for content in dict.fromkeys(contents) if content not in self._column_of]
        if not new:
            return
        more = flat(self._store.read(self._store.find(new)))
        order = list(self._row_of)
        columns = np.empty((len(order), len(new)), np.float32)
        for at, features in self._store.blocks(self._store.find(order), BLOCK):
            columns[at] = flat(features) @ more.T + self._one
            yield LiveWorked(at.stop, len(order))
        self._samples = np.concatenate([self._samples, more])
        self._products = np.concatenate([self._products, columns], axis=1)
        self._column_of |= {content: len(self._column_of) + n for n, content in enumerate(new)}

    def learn(self, verdicts: Mapping[bytes, int]) -> Work:
        """Edit the champion for these verdicts, content -> label number; all have columns, as `sample` gives."""
        if self._last is not None and self._last.verdicts == verdicts:
            return
        judged = [self._column_of[content] for content in verdicts]
        others = np.setdiff1d(np.arange(len(self._column_of)), judged)
        columns = np.concatenate([np.array(judged, np.intp), others])
        rows = self._rows(list(self._column_of))[columns]
        start = SamplePoint.start(self._parts, self._before[rows], self._products[np.ix_(rows, columns)])
        targets = np.array(list(verdicts.values()), np.int64)
        aim = Known(self._parts.head, targets, start.outputs[: len(targets)])
        work = edited(aim, Settings(), start.outputs, self._gone_on(start, columns), RIDGES[:FEW])
        while True:
            try:
                next(work)
            except StopIteration as end:
                point: SamplePoint = end.value
                break
            yield LiveWorked(0, 1)
        result = aim.result(Head(()), point.outputs[: len(targets)])
        self._last = _Edited(dict(verdicts), point, columns, result)

    def _gone_on(self, start: SamplePoint, columns: NDArray[np.intp]) -> SamplePoint:
        """The last edit's point with the samples of this one; what could not be learned is begun anew.

        Otherwise coefficients that pull against each other would grow from verdict to verdict.
        """
        last = self._last
        if last is None or last.result.learned < last.result.flips:
            return start
        coefficients = np.zeros((len(self._column_of), start.before.shape[1]), start.coefficients.dtype)
        coefficients[last.columns] = last.point.coefficients
        return replace(start, coefficients=coefficients[columns], tail=last.point.tail)

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
        coefficients = np.zeros((self._products.shape[1], len(used)), np.float32)
        coefficients[self._last.columns] = self._last.point.coefficients[:, used]
        moved = self._before.copy()
        moved[:, used] += self._products @ coefficients
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
