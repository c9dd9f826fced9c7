"""A head that keeps samples: the labels of the nearest ones vote."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import BadLabels

if TYPE_CHECKING:
    from engine.spec.neighbors import Neighbors

Array = NDArray[Any]
Names = tuple[str, ...] | tuple[int, ...]

AT_ONCE = 2**25
"""Distances that are worked out together: 128 MiB of float32."""
MORE = 16
"""Candidates beyond k that are measured again exactly: the quick distances cancel where samples are alike."""


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
        names: Any = tuple(dict.fromkeys(neighbors.labels))
        number = {name: at for at, name in enumerate(names)}
        labels = np.array([number[each] for each in neighbors.labels], np.int64)
        if not names and neighbors.default_label is not None:
            names = (neighbors.default_label,)
        return cls(neighbors.samples, labels, names, int(neighbors.neighbors.default), neighbors.weighting)

    @property
    def sample_labels(self) -> list[Any]:
        """One a sample."""
        return [self.names[int(at)] for at in self.labels]

    def probabilities(self, features: Array) -> NDArray[np.float32]:
        """(n, ...) to (n, names): each label's share of the votes of the k nearest samples, or of all if there are fewer.

        Votes count alike, or by 1 / Euclidean distance, where samples at no distance outvote all others: scikit-learn's
        conventions, since the format leaves them open. Of labels with equal votes, the one with the nearest sample has a
        hair more. Without samples, the default label has everything.
        """
        queries = np.ascontiguousarray(features, np.float32).reshape(len(features), -1)
        shares = np.zeros((len(queries), len(self.names)), np.float32)
        if not len(self.samples):
            shares[:, :1] = 1
            return shares
        for part in self._blocks(len(queries)):
            self._vote(queries[part], shares[part])
        return shares

    def _blocks(self, queries: int) -> Iterator[slice]:
        """So many queries at a time that their distances to all samples fit into memory."""
        step = max(1, AT_ONCE // len(self.samples))
        return (slice(at, at + step) for at in range(0, queries, step))

    def logits(self, features: Array) -> NDArray[np.float32]:
        """The shares, for whoever asks which label is the likeliest."""
        return self.probabilities(features)

    @cached_property
    def _centred(self) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """A centre, the samples as seen from there, and the squares of their lengths.

        Far from zero, products of whole vectors leave float32 no room for what lies between them; where the samples lie
        around zero already, that is the centre, and no second copy is made.
        """
        centre = self.samples.mean(axis=0)
        spread = float(np.var(self.samples[:: 1 + len(self.samples) // 1000], axis=0).sum())
        near = float(centre @ centre) <= spread
        seen = self.samples if near else self.samples - centre
        return np.zeros_like(centre) if near else centre, seen, np.einsum("nd,nd->n", seen, seen)

    def _vote(self, queries: NDArray[np.float32], shares: NDArray[np.float32]) -> None:
        near, apart = self._nearest(queries)
        # The fade is less than float32 shows: only where votes are equal does it decide.
        fade: NDArray[np.float64] = np.linspace(1 + 1e-6, 1, near.shape[1])
        weights = _weights(apart, self.weighting) * fade
        rows = np.repeat(np.arange(len(queries)), near.shape[1])
        votes = np.zeros(shares.shape)
        np.add.at(votes, (rows, self.labels[near].reshape(-1)), weights.reshape(-1))
        shares[:] = votes / votes.sum(axis=1, keepdims=True)

    def _nearest(self, queries: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """(n, k) places of the nearest samples, nearest first, and their squared distances.

        By `|s|^2 - 2 s q`, one matrix product, and then exactly for the few that come out smallest.
        """
        k = min(self.k, len(self.samples))
        few = min(k + MORE, len(self.samples))
        centre, seen, squares = self._centred
        quick = squares - 2 * ((queries - centre) @ seen.T)
        found = np.argpartition(quick, few - 1, axis=1)[:, :few] if few < len(self.samples) else np.argsort(quick, axis=1)
        found = np.sort(found, axis=1)
        exact: Array = np.stack(
            [
                ((self.samples[places].astype(np.float64) - query) ** 2).sum(axis=1)
                for places, query in zip(found, queries, strict=True)
            ]
        )
        order = np.argsort(exact, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(found, order, 1), np.take_along_axis(exact, order, 1)

    def learned(self, features: Array, labels: Sequence[str]) -> "NeighborHead":
        """With more samples, (n, ...) and a label each; a sample that is stored already gets the new label, once.

        Labels that are new are new names behind the old ones. Raises BadLabels where the model's labels are numbers and
        one of these is none.
        """
        rows = np.ascontiguousarray(features, np.float32).reshape(len(features), -1)
        given = [self._as_name(label) for label in labels]
        old = self.names if len(self.samples) else ()
        names: Any = tuple(dict.fromkeys((*old, *given)))
        number: Mapping[Any, int] = {name: at for at, name in enumerate(names)}
        numbers, new = list(self.labels), list[Array]()
        added: dict[bytes, int] = {}
        for row, label, stored in zip(rows, given, self._stored(rows), strict=True):
            at = int(stored) if stored >= 0 else added.setdefault(row.tobytes(), len(numbers))
            if at == len(numbers):
                new.append(row)
                numbers.append(np.int64(0))
            numbers[at] = np.int64(number[label])
        samples = np.concatenate([self.samples, np.stack(new)]) if new else self.samples
        return replace(self, samples=samples, labels=np.array(numbers, np.int64), names=names)

    def _stored(self, rows: Array) -> NDArray[np.int64]:
        """(n,): the place of the sample that is this very vector; -1 where there is none."""
        found = np.full(len(rows), -1, np.int64)
        if len(self.samples):
            for part in self._blocks(len(rows)):
                near, apart = self._nearest(rows[part])
                found[part] = np.where(apart[:, 0] == 0, near[:, 0], -1)
        return found

    def _as_name(self, label: str) -> str | int:
        if not any(isinstance(name, int) for name in self.names):
            return label
        try:
            return int(label)
        except ValueError as error:
            raise BadLabels(f"The label {label!r} is no whole number, as the model's labels are.") from error


def _weights(squares: NDArray[np.float64], weighting: str) -> NDArray[np.float64]:
    """1, or 1 / distance; where some are at no distance, these count alone."""
    if weighting == "uniform":
        return np.ones_like(squares)
    exact = (squares == 0).astype(np.float64)
    some = exact.any(axis=1, keepdims=True)
    return np.where(some, exact, 1 / np.sqrt(np.where(some, 1.0, squares)))
