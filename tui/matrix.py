"""The confusion matrix: verdicts against what the present model says, each picture's content once. No Textual here."""

import shlex
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tui.session import Session

FEW = 0.1
"""Of the label with the most verdicts: a label with less than this share of them has few."""


@dataclass(frozen=True, eq=False)
class Matrix:
    """Counts of pictures with a verdict and a prediction."""

    labels: tuple[str, ...]
    counts: NDArray[Any]
    """(labels, labels): a row for each verdict, a column for each prediction."""

    @property
    def given(self) -> NDArray[Any]:
        """(labels,): verdicts of each label."""
        return self.counts.sum(axis=1)

    @property
    def recall(self) -> NDArray[np.float64]:
        """(labels,): of the verdicts of each label, the share that is predicted; not a number where there is none."""
        return _share(self.counts.diagonal(), self.given)

    @property
    def precision(self) -> NDArray[np.float64]:
        """(labels,): of the predictions of each label, the share that is right; not a number where there is none."""
        return _share(self.counts.diagonal(), self.counts.sum(axis=0))

    @property
    def few(self) -> NDArray[np.bool_]:
        """(labels,): which labels have few verdicts beside the others."""
        return self.given < FEW * self.given.max(initial=0)

    def mistakes(self) -> list[tuple[int, int]]:
        """The cells, row and column, with something wrong in them; the largest first."""
        wrong = self.counts - np.diag(self.counts.diagonal())
        order = np.argsort(-wrong, axis=None, kind="stable")[: np.count_nonzero(wrong)]
        return [divmod(int(at), len(self.labels)) for at in order]


def matrix(session: Session) -> Matrix:
    """Of the images in the table."""
    rows, size = session.rows, len(session.labels)
    judged = np.flatnonzero((rows.verdict >= 0) & (rows.predicted_labels >= 0))
    _, first = np.unique(rows.contents.halves[judged], axis=0, return_index=True)
    chosen = judged[first]
    cell = rows.verdict[chosen].astype(np.intp) * size + rows.predicted_labels[chosen]
    return Matrix(session.labels, np.bincount(cell, minlength=size * size).reshape(size, size))


def cell_filter(verdict: str, predicted: str) -> str:
    """What shows the images of a cell."""
    return f"you:{quoted(verdict)} says:{quoted(predicted)}"


def quoted(label: str) -> str:
    """A label as one word of a filter; `tui/filters.py` reads words as a shell does."""
    plain = set('"\\$`').isdisjoint(label)
    return label if shlex.quote(label) == label else f'"{label}"' if plain else shlex.quote(label)


def _share(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
