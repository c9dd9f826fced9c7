"""A head that keeps samples: the labels of the nearest ones vote."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import BadLabels, CannotTrain

if TYPE_CHECKING:
    from engine.spec.neighbors import Neighbors

Array = NDArray[Any]
Names = tuple[str, ...] | tuple[int, ...]

LOOK = "Look at the model's frozen layers."
AT_ONCE = 2**24
"""Numbers that are worked out together: 64 MiB of float32 an array."""
ALIKE = 1e-5
"""Of a vector's length: nearer than this, two of them are one picture. Runtimes differ by about as much."""


@dataclass(frozen=True, eq=False)
class NeighborHead:
    """Stored samples and how they vote."""

    samples: NDArray[np.float32]
    """(samples, dimensions)"""
    labels: NDArray[np.int64]
    """(samples,): numbers into `names`."""
    names: Names
    """The labels in the order in which they first came; of a model without samples, its default label alone."""
    k: int
    weighting: str
    """`uniform` or `inverse_distance`"""

    @classmethod
    def of(cls, neighbors: "Neighbors") -> "NeighborHead":
        """From what the file says."""
        names, labels = _numbered(neighbors.labels)
        if not names and neighbors.default_label is not None:
            names: Any = (neighbors.default_label,)
        return cls(neighbors.samples, labels, names, int(neighbors.neighbors.default), neighbors.weighting)

    @property
    def sample_labels(self) -> list[Any]:
        """One a sample."""
        return [self.names[int(at)] for at in self.labels]

    def probabilities(self, features: Array) -> NDArray[np.float32]:
        """(n, ...) to (n, names): each label's share of the votes of the k nearest samples, or of all if there are fewer.

        Votes count alike, or by 1 / Euclidean distance, where samples at no distance outvote all others: scikit-learn's
        conventions, since the format leaves them open. Of labels with equal votes, the one with the nearest sample gets
        the last bit more; of samples equally near, the one stored first counts as nearer. Without samples, the default
        label has everything.
        """
        queries = self._rows(features)
        shares = np.zeros((len(queries), len(self.names)), np.float32)
        if not len(self.samples):
            shares[:, :1] = 1
            return shares
        for part in _blocks(len(queries), len(self.samples)):
            shares[part] = self._shares(queries[part])
        return shares

    def logits(self, features: Array) -> NDArray[np.float32]:
        """The shares, for whoever asks which label is the likeliest."""
        return self.probabilities(features)

    def learned(self, features: Array, labels: Sequence[str]) -> "NeighborHead":
        """With more samples, (n, ...) and a label each; a vector that is stored already gets the new label instead.

        Of rows that are alike, the first is kept with the last one's label. A label whose last sample got another one is
        gone, as it will be from the file. Raises BadLabels where the model's labels are numbers and one of these is none,
        CannotTrain where features are not finite.
        """
        rows = self._rows(features)
        if not np.isfinite(rows).all():
            raise CannotTrain("The images' features hold numbers that are not finite.", LOOK)
        if not len(rows):
            return self
        given = [*self.sample_labels, *map(self._as_name, labels)]
        whole = replace(self, samples=np.concatenate([self.samples, rows]))
        kept = np.ones(len(whole.samples), np.bool_)
        for at, alike in enumerate(whole._alike(rows), len(self.samples)):
            before = [int(place) for place in alike if place < at and kept[place]]
            kept[at] = not before
            for place in before:
                given[place] = given[at]
        names, numbers = _numbered([label for label, stays in zip(given, kept, strict=True) if stays])
        return replace(whole, samples=whole.samples if kept.all() else whole.samples[kept], labels=numbers, names=names)

    def without(self, features: Array) -> "NeighborHead":
        """Without the samples that are these vectors, (n, ...), but for rounding; `names` stay as they are."""
        if not len(self.samples):
            return self
        kept = np.ones(len(self.samples), np.bool_)
        for alike in self._alike(self._rows(features)):
            kept[alike] = False
        return replace(self, samples=self.samples[kept], labels=self.labels[kept])

    def _rows(self, features: Array) -> NDArray[np.float32]:
        return np.ascontiguousarray(features, np.float32).reshape(len(features), self.samples.shape[1])

    def _as_name(self, label: str) -> str | int:
        if not any(isinstance(name, int) for name in self.names):
            return label
        try:
            return int(np.int64(int(label)))
        except (ValueError, OverflowError) as error:
            raise BadLabels(f"The label {label!r} is no whole number, as the model's labels are.") from error

    def _shares(self, queries: NDArray[np.float32]) -> NDArray[np.float32]:
        near, apart = self._nearest(queries)
        weights: Array = np.ones(near.shape)
        if self.weighting == "inverse_distance":
            exact = apart == 0
            with np.errstate(divide="ignore"):
                weights = np.where(exact.any(axis=1, keepdims=True), exact, 1 / np.sqrt(apart))
        voted, rows = self.labels[near], np.arange(len(queries))
        votes = np.zeros((len(queries), len(self.names)))
        np.add.at(votes, (rows[:, None], voted), weights)
        shares = (votes / votes.sum(axis=1, keepdims=True)).astype(np.float32)
        most = shares == shares.max(axis=1, keepdims=True)
        first = voted[rows, np.take_along_axis(most, voted, 1).argmax(axis=1)]
        ties = most.sum(axis=1) > 1
        shares[rows[ties], first[ties]] = np.nextafter(shares[rows[ties], first[ties]], np.float32(2))
        return shares

    def _nearest(self, queries: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """(n, k) places of the nearest samples, nearest first, and their squared distances."""
        k = min(self.k, len(self.samples))
        low, high = self._bounds(queries)
        reach = np.partition(high, k - 1, axis=1)[:, k - 1 : k]
        places = np.empty((len(queries), k), np.int64)
        apart = np.empty((len(queries), k))
        for row, (found, distances) in enumerate(self._measured(queries, low, reach)):
            order = np.argsort(distances, kind="stable")[:k]
            places[row], apart[row] = found[order], distances[order]
        return places, apart

    def _alike(self, rows: NDArray[np.float32]) -> Iterator[NDArray[np.int64]]:
        """For each row, the places of the samples that are the same vector, but for rounding."""
        for part in _blocks(len(rows), len(self.samples)):
            reach = ALIKE**2 * (rows[part].astype(np.float64) ** 2).sum(axis=1)
            low, _ = self._bounds(rows[part])
            with np.errstate(over="ignore"):
                halves = (reach[:, None] / 2).astype(np.float32)
            measured = self._measured(rows[part], low, halves)
            for limit, (found, distances) in zip(reach, measured, strict=True):
                yield found[distances <= limit]

    def _measured(self, queries: Array, low: Array, reach: Array) -> Iterator[tuple[NDArray[np.int64], Array]]:
        """For each query, the places of all samples that may lie within `reach`, and their exact squared distances."""
        # `low` is no number where float32 overflows, which rules no sample out.
        for query, maybe in zip(queries, ~(low > reach), strict=True):
            places = np.flatnonzero(maybe)
            apart = np.empty(len(places))
            for part in _blocks(len(places), max(1, self.samples.shape[1])):
                apart[part] = ((self.samples[places[part]].astype(np.float64) - query) ** 2).sum(axis=1)
            yield places, apart

    def _bounds(self, queries: NDArray[np.float32]) -> tuple[Array, Array]:
        """(n, samples) twice: half the squared distance is no less than the one, and no more than the other.

        By `|s|^2 / 2 - s q + |q|^2 / 2`, one matrix product. A sum of D products in float32 is off by at most D/2 eps
        times the sum of their sizes (Higham 2002, section 3.1), which two lengths bound; the 8 is for the single steps.
        """
        centre, seen, halves = self._centred
        size = seen.shape[1]
        with np.errstate(over="ignore", invalid="ignore"):
            moved = queries - centre
            lengths = np.einsum("nd,nd->n", moved, moved)[:, None] / 2 + halves
            near = lengths - moved @ seen.T
            lengths *= (size + 8) * float(np.finfo(np.float32).eps)
            lengths += size * float(np.finfo(np.float32).tiny)
            return near - lengths, near + lengths

    @cached_property
    def _centred(self) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """A centre, the samples as seen from there, and half the squares of their lengths.

        Far from zero, products of whole vectors leave float32 no room for what lies between them; where the samples lie
        around zero already, that is the centre, and no second copy is made.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            centre = self.samples.mean(axis=0)
            spread = float(np.var(self.samples[:: 1 + len(self.samples) // 1000], axis=0).sum())
            near = float(centre @ centre) <= spread
            seen = self.samples if near else self.samples - centre
            return np.zeros_like(centre) if near else centre, seen, np.einsum("nd,nd->n", seen, seen) / 2


def _numbered(labels: Sequence[Any]) -> tuple[tuple[Any, ...], NDArray[np.int64]]:
    """The distinct labels in the order in which they first come, and each label's number among them."""
    names = tuple(dict.fromkeys(labels))
    number = {name: at for at, name in enumerate(names)}
    return names, np.array([number[label] for label in labels], np.int64)


def _blocks(count: int, each: int) -> Iterator[slice]:
    """Slices of 0 to `count`: so many at a time that `each` numbers for every one fit into memory."""
    step = max(1, AT_ONCE // each)
    return (slice(at, at + step) for at in range(0, count, step))
