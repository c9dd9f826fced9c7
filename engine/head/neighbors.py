"""A head that votes: the labels of the nearest stored samples."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from engine.spec.neighbors import Neighbors

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class NeighborHead:
    """Stored samples and how they vote."""

    samples: Array
    labels: NDArray[np.int64]
    """(samples,): numbers into `names`."""
    names: tuple[str, ...] | tuple[int, ...]
    k: int
    weighting: str
    default: str | int | None = None

    @classmethod
    def of(cls, neighbors: "Neighbors") -> "NeighborHead":
        """From what the file says."""
        names = tuple(dict.fromkeys(neighbors.labels))
        numbers = {name: at for at, name in enumerate(names)}
        if not names and neighbors.default_label is not None:
            names = (neighbors.default_label,)
        labels = np.array([numbers[each] for each in neighbors.labels], np.int64)
        return cls(
            neighbors.samples, labels, names, int(neighbors.neighbors.default), neighbors.weighting,
            neighbors.default_label,
        )  # fmt: skip

    def probabilities(self, features: Array) -> NDArray[np.float32]:
        """(n, dimensions) to (n, names)."""
        found = np.zeros((len(features), len(self.names)), np.float32)
        if not len(self.samples):
            found[:, 0] = 1
            return found
        for row, query in zip(found, features.reshape(len(features), -1), strict=True):
            apart = np.sqrt(((self.samples - query) ** 2).sum(axis=1))
            near = np.argsort(apart, kind="stable")[: self.k]
            weights = np.ones(len(near))
            if self.weighting == "inverse_distance":
                exact = apart[near] == 0
                weights = exact.astype(float) if exact.any() else 1 / apart[near]
            np.add.at(row, self.labels[near], weights / weights.sum())
        return found

    def logits(self, features: Array) -> NDArray[np.float32]:
        """The shares."""
        return self.probabilities(features)

    @property
    def sample_labels(self) -> list[str] | list[int]:
        """One a sample."""
        return [self.names[int(at)] for at in self.labels]  # type: ignore[return-value]

    def learned(self, features: Array, labels: Sequence[str]) -> "NeighborHead":
        """With these samples as well; one that is stored already gets the new label."""
        numeric = any(isinstance(name, int) for name in self.names)
        given = [int(label) if numeric else label for label in labels]
        names = tuple(dict.fromkeys([*(self.names if len(self.samples) else ()), *given]))
        samples, numbers = list(self.samples), list(self.labels)
        known = {row.tobytes(): at for at, row in enumerate(np.ascontiguousarray(self.samples, np.float32))}
        for row, label in zip(np.ascontiguousarray(features, np.float32).reshape(len(features), -1), given, strict=True):
            at = known.setdefault(row.tobytes(), len(samples))
            if at == len(samples):
                samples.append(row)
                numbers.append(np.int64(0))
            numbers[at] = np.int64(names.index(label))
        return replace(self, samples=np.stack(samples), labels=np.array(numbers, np.int64), names=names)
