"""The folder's images as columns: one row an image, in the order in which they came. No Textual here.

Rows are values: each change gives other rows and shares what stays. What a batch of predictions copies is small, a few
numbers a row; names are not copied, and probabilities by the block (`tui/columns.py`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.events import NO_ANSWER, FolderChanged, ImagesPredicted
from tui.columns import Floats, Keys, Names, Places, Shares, unknown

Numbers = NDArray[Any]
OPEN, EXCLUDED = -1, -2
"""In the place of a verdict's label number: there is none yet; the image is not to be trained on."""


def _none() -> Numbers:
    return np.zeros(0, np.int16)


@dataclass(frozen=True, eq=False)
class Rows:
    """Columns of equal length."""

    images: Names = field(default_factory=Names)
    """Paths relative to the folder."""
    contents: Keys = field(default_factory=Keys)
    """Content keys; empty where the image was not read yet, or cannot be used."""
    probabilities: Shares = field(default_factory=Shares)
    """(rows, labels); not a number where there is no prediction."""
    predicted_labels: Numbers = field(default_factory=_none)
    """The most probable label; -1 where there is no prediction."""
    confidence: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    """Its probability; not a number where there is no prediction."""
    entropy: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    """Of its probabilities, from 0 to 1, where all labels are as likely; not a number where there is no prediction."""
    modified_ns: Numbers = field(default_factory=lambda: np.zeros(0, np.int64))
    previous: Numbers = field(default_factory=_none)
    """The label predicted by the model before this one; -1 where there was none."""
    verdict: Numbers = field(default_factory=_none)
    """The label that the person gave; OPEN or EXCLUDED where there is none."""
    arrived: Numbers = field(default_factory=lambda: np.zeros(0, np.bool_))
    """Whether the image came while the app was open."""
    problems: Mapping[str, str] = field(default_factory=dict[str, str])
    """By name, why an image cannot be used."""

    def __len__(self) -> int:
        return len(self.images)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the images, by row; the same object as long as no image comes or goes."""
        return self.images.all

    @property
    def at(self) -> Names:
        """The row of each name."""
        return self.images

    def showing(self, contents: Collection[bytes]) -> Places:
        """The rows of these pictures, all copies, from the first to the last."""
        return self.contents.find(contents)

    def for_labels(self, before: Sequence[str], now: Sequence[str], predicted: int) -> "Rows":
        """Without predictions, for a model of other labels, of which it predicts the first so many."""
        number = {label: at for at, label in enumerate(now)}
        # The last places are those of -2 and -1, which stand for no label.
        other = np.array([*(number.get(label, OPEN) for label in before), EXCLUDED, OPEN], np.int16)
        return replace(
            self,
            probabilities=unknown(len(self), predicted),
            predicted_labels=np.full(len(self), -1, np.int16),
            confidence=np.full(len(self), np.nan, np.float32),
            entropy=np.full(len(self), np.nan, np.float32),
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
        places = self.images.places(event.paths)
        known = np.flatnonzero(places >= 0)
        where, values = places[known], event.probabilities[known]
        contents = [event.contents[index] for index in known.tolist()]
        labels, confidence = _most_probable(values)
        return replace(
            self,
            contents=self.contents.put(where, contents),
            probabilities=self.probabilities.put(where, values),
            predicted_labels=_put(self.predicted_labels, where, labels),
            confidence=_put(self.confidence, where, confidence),
            entropy=_put(self.entropy, where, _entropy(values)),
            modified_ns=_put(self.modified_ns, where, np.array(event.modified_ns, np.int64)[known]),
            verdict=_put(self.verdict, where, [verdicts.get(content, OPEN) for content in contents]),
            problems=self._answered(event),
        )

    def judged(self, verdicts: Mapping[bytes, int]) -> "Rows":
        """With these verdicts on pictures, by content; OPEN takes one back. All copies of a picture show it."""
        where = self.showing(verdicts)
        given = [verdicts[self.contents[row]] for row in where.tolist()]
        return replace(self, verdict=_put(self.verdict, where, given))

    def skipped(self, name: str, reason: str) -> "Rows":
        """With an image that cannot be used."""
        return replace(self, problems={**self.problems, name: reason}) if name in self.at else self

    def before_new_model(self) -> "Rows":
        """With the present predictions as those of the model before."""
        return replace(self, previous=self.predicted_labels)

    def _with(self, names: Sequence[str], arrived: bool) -> "Rows":
        if not names:
            return self
        more = len(names)
        return replace(
            self,
            images=self.images.plus(names),
            contents=self.contents.plus(more),
            probabilities=self.probabilities.plus(more),
            predicted_labels=_longer(self.predicted_labels, more, -1),
            confidence=_longer(self.confidence, more, np.nan),
            entropy=_longer(self.entropy, more, np.nan),
            modified_ns=_longer(self.modified_ns, more, 0),
            previous=_longer(self.previous, more, -1),
            verdict=_longer(self.verdict, more, OPEN),
            arrived=_longer(self.arrived, more, arrived),
        )

    def _without(self, names: Sequence[str]) -> "Rows":
        places = self.images.places(names)
        stays = np.ones(len(self), np.bool_)
        stays[places[places >= 0]] = False
        stay = np.flatnonzero(stays)
        return Rows(
            images=self.images.only(stay),
            contents=self.contents.only(stay),
            probabilities=self.probabilities.only(stay),
            predicted_labels=self.predicted_labels[stay],
            confidence=self.confidence[stay],
            entropy=self.entropy[stay],
            modified_ns=self.modified_ns[stay],
            previous=self.previous[stay],
            verdict=self.verdict[stay],
            arrived=self.arrived[stay],
            problems=self._problems_but(names),
        )

    def _unread(self, names: Sequence[str]) -> "Rows":
        where = self.images.places(names)
        nothing = np.full((len(where), self.probabilities.labels), np.nan, np.float32)
        return replace(
            self,
            contents=self.contents.put(where, [b""] * len(where)),
            probabilities=self.probabilities.put(where, nothing),
            predicted_labels=_put(self.predicted_labels, where, -1),
            confidence=_put(self.confidence, where, np.nan),
            entropy=_put(self.entropy, where, np.nan),
            verdict=_put(self.verdict, where, OPEN),
            problems=self._problems_but(names),
        )

    def _answered(self, event: ImagesPredicted) -> Mapping[str, str]:
        """The problems without those of these images, but that the model gives no answer for some."""
        problems, rows = self._problems_but(event.paths), event.probabilities
        silent = np.flatnonzero(np.isnan(rows).any(axis=1)).tolist() if rows.shape[1] else []
        return (
            {**problems, **{event.paths[at]: NO_ANSWER for at in silent if event.paths[at] in self.at}}
            if silent
            else problems
        )

    def _problems_but(self, names: Collection[str]) -> Mapping[str, str]:
        """The problems without those of these images: the same object if they have none."""
        solved = {name for name in names if name in self.problems}
        if not solved:
            return self.problems
        return {name: why for name, why in self.problems.items() if name not in solved}


def _most_probable(probabilities: Floats) -> tuple[Numbers, Floats]:
    """The label of each row, and its probability."""
    if not probabilities.shape[1]:
        return np.full(len(probabilities), -1, np.int16), np.full(len(probabilities), np.nan, np.float32)
    highest: Floats = probabilities.max(axis=1)
    labels_of: Numbers = np.where(np.isnan(highest), -1, probabilities.argmax(axis=1)).astype(np.int16)
    return labels_of, highest


def _entropy(probabilities: Floats) -> Floats:
    """(n,): Shannon's entropy of each row, with the number of labels as the logarithms' base."""
    if probabilities.shape[1] < 2:
        return np.full(len(probabilities), np.nan, np.float32)
    # Nothing is never taken the logarithm of.
    found: Floats = -(probabilities * np.log(np.maximum(probabilities, 1e-30))).sum(axis=1)
    return (found / np.float32(np.log(probabilities.shape[1]))).astype(np.float32)


def _put(column: NDArray[Any], where: Places, values: Any) -> NDArray[Any]:
    changed = column.copy()
    changed[where] = values
    return changed


def _longer(column: NDArray[Any], rows: int, value: float) -> NDArray[Any]:
    return np.concatenate([column, np.full(rows, value, column.dtype)])
