"""The folder's images as columns: one row an image, in the order in which they came. No Textual here.

Rows are values: each change gives other rows and shares the columns that stay.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.events import FolderChanged, ImagesPredicted

Floats = NDArray[np.float32]
Numbers = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Rows:
    """Columns of equal length."""

    names: tuple[str, ...] = ()
    """Paths relative to the folder."""
    contents: tuple[bytes, ...] = ()
    """Content keys; empty where the image was not read yet, or cannot be used."""
    probabilities: Floats = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    """(rows, labels); not a number where there is no prediction."""
    modified_ns: Numbers = field(default_factory=lambda: np.zeros(0, np.int64))
    previous: Numbers = field(default_factory=lambda: np.zeros(0, np.int16))
    """The label predicted by the model before this one; -1 where there was none."""
    verdict: Numbers = field(default_factory=lambda: np.zeros(0, np.int16))
    """The label that the person gave; -1 where there is none."""
    arrived: Numbers = field(default_factory=lambda: np.zeros(0, np.bool_))
    """Whether the image came while the app was open."""
    problems: Mapping[str, str] = field(default_factory=dict[str, str])
    """By name, why an image cannot be used."""
    at: Mapping[str, int] = field(default_factory=dict[str, int])
    """The row of each name."""

    def __len__(self) -> int:
        return len(self.names)

    @property
    def predicted_labels(self) -> NDArray[np.int16]:
        """(rows,) number of the predicted label; -1 where there is none."""
        if not len(self) or not self.probabilities.shape[1]:
            return np.full(len(self), -1, np.int16)
        known = ~np.isnan(self.probabilities[:, 0])
        return np.where(known, self.probabilities.argmax(axis=1), -1).astype(np.int16)

    @property
    def confidence(self) -> Floats:
        """(rows,) probability of the predicted label; not a number where there is none."""
        if not len(self) or not self.probabilities.shape[1]:
            return np.full(len(self), np.nan, np.float32)
        return self.probabilities.max(axis=1)

    def for_labels(self, before: Sequence[str], now: Sequence[str], predicted: int) -> "Rows":
        """Without predictions, for a model of other labels, of which it predicts the first so many."""
        number = {label: at for at, label in enumerate(now)}
        # The last place is that of -1, no label.
        other = np.array([*(number.get(label, -1) for label in before), -1], np.int16)
        return replace(
            self,
            probabilities=np.full((len(self), predicted), np.nan, np.float32),
            previous=other[self.previous],
            verdict=other[self.verdict],
        )

    def changed(self, event: FolderChanged) -> "Rows":
        """Without the images that went, with those that came; replaced ones lose their prediction."""
        rows = self._without(event.removed) if event.removed else self
        rows = rows._with([name for name in event.added if name not in rows.at], arrived=bool(len(self)))
        return rows._unread([name for name in event.changed if name in rows.at]) if event.changed else rows

    def predicted(self, event: ImagesPredicted, verdicts: Mapping[bytes, int]) -> "Rows":
        """With these predictions, and the verdicts on what they show: content -> label number."""
        known = [index for index, name in enumerate(event.paths) if name in self.at]
        where = np.array([self.at[event.paths[index]] for index in known], np.intp)
        probabilities, modified = self.probabilities.copy(), self.modified_ns.copy()
        probabilities[where] = event.probabilities[known]
        modified[where] = np.array(event.modified_ns, np.int64)[known]
        contents, verdict = list(self.contents), self.verdict.copy()
        for row, index in zip(where, known, strict=True):
            contents[row] = event.contents[index]
            verdict[row] = verdicts.get(event.contents[index], -1)
        problems = {name: why for name, why in self.problems.items() if name not in set(event.paths)}
        return replace(
            self,
            probabilities=probabilities,
            modified_ns=modified,
            contents=tuple(contents),
            verdict=verdict,
            problems=problems,
        )

    def judged(self, verdicts: Mapping[bytes, int]) -> "Rows":
        """With these verdicts on pictures, by content; -1 takes one back. All copies of a picture show it."""
        verdict = self.verdict.copy()
        for row, content in enumerate(self.contents):
            if content in verdicts:
                verdict[row] = verdicts[content]
        return replace(self, verdict=verdict)

    def skipped(self, name: str, reason: str) -> "Rows":
        """With an image that cannot be used."""
        return replace(self, problems={**self.problems, name: reason}) if name in self.at else self

    def before_new_model(self) -> "Rows":
        """With the present predictions as those of the model before."""
        return replace(self, previous=self.predicted_labels)

    def _with(self, names: Sequence[str], arrived: bool) -> "Rows":
        if not names:
            return self
        more, labels = len(names), self.probabilities.shape[1]
        return replace(
            self,
            names=(*self.names, *names),
            contents=(*self.contents, *[b""] * more),
            probabilities=np.concatenate([self.probabilities, np.full((more, labels), np.nan, np.float32)]),
            modified_ns=np.concatenate([self.modified_ns, np.zeros(more, np.int64)]),
            previous=np.concatenate([self.previous, np.full(more, -1, np.int16)]),
            verdict=np.concatenate([self.verdict, np.full(more, -1, np.int16)]),
            arrived=np.concatenate([self.arrived, np.full(more, arrived)]),
            at={**self.at, **{name: len(self) + index for index, name in enumerate(names)}},
        )

    def _without(self, names: Sequence[str]) -> "Rows":
        gone = set(names)
        stay = np.array([row for row, name in enumerate(self.names) if name not in gone], np.intp)
        kept = tuple(name for name in self.names if name not in gone)
        return replace(
            self,
            names=kept,
            contents=tuple(c for c, name in zip(self.contents, self.names, strict=True) if name not in gone),
            probabilities=self.probabilities[stay],
            modified_ns=self.modified_ns[stay],
            previous=self.previous[stay],
            verdict=self.verdict[stay],
            arrived=self.arrived[stay],
            problems={name: why for name, why in self.problems.items() if name not in gone},
            at={name: row for row, name in enumerate(kept)},
        )

    def _unread(self, names: Sequence[str]) -> "Rows":
        where = np.array([self.at[name] for name in names], np.intp)
        probabilities, contents, verdict = self.probabilities.copy(), list(self.contents), self.verdict.copy()
        probabilities[where] = np.nan
        verdict[where] = -1
        for row in where:
            contents[row] = b""
        problems = {name: why for name, why in self.problems.items() if name not in set(names)}
        return replace(self, probabilities=probabilities, contents=tuple(contents), verdict=verdict, problems=problems)
