"""What the table shows of a session: of each row that is looked at, what there is to say. No Textual here."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.journal import HELD, LABEL, Verdict
from tui.comparison import Comparison
from tui.filters import DIFFER, words
from tui.rows import OPEN
from tui.session import Session

WAITING, PREDICTED, SKIPPED, NEW, CHANGED, DIFFERS = range(6)
"""What there is to say of a row."""


class Line(NamedTuple):
    """All that a row's line on the screen depends on; labels by number, -1 for none."""

    name: str
    state: int
    predicted: int
    share: float
    """The probability of the predicted label; 0 without a prediction."""
    verdict: int
    previous: int
    flip: bool
    """Whether the verdict contradicted what was shown then."""
    why: str
    """Why the image cannot be used."""
    kind: str
    """What kind of verdict there is, HELD for all images of the folder that is held out; empty without one."""
    place: str
    """Why the row stands where it does, in a word."""
    telling: bool
    """Whether that is to be said before what else there is to say."""
    marked: bool
    """Whether the next verdict is for this row as well."""
    versions: tuple[tuple[int, str], ...] = ()
    """Of versions that are compared and differ, the number and the label that it gives."""


@dataclass(frozen=True, eq=False)
class TableRows:
    """A session, and the order in which its rows are shown. What to say is worked out row by row: few are seen."""

    session: Session = field(default_factory=Session)
    order: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, np.intp))
    """Row numbers from top to bottom."""
    why: Callable[[int], str] = lambda row: ""
    """Why a row stands where it does in this order, in a word."""
    telling: bool = False
    """Whether that is to be said before what else there is to say."""
    marked: range = range(0)
    """The positions that the next verdict is for, where it is not for the cursor's alone."""

    def __len__(self) -> int:
        return len(self.order)

    @cached_property
    def _compared(self) -> Comparison | None:
        """Two versions, as long as the filter asks where they differ."""
        session = self.session
        return session.comparison if session.filter and DIFFER in words(session.filter.casefold()) else None

    def versions(self, row: int) -> tuple[tuple[int, str], ...]:
        """What the compared versions say of a row, where they differ and that is asked for."""
        compared = self._compared
        said = compared.differing.get(self.session.rows.contents[row]) if compared is not None else None
        return () if compared is None or said is None else ((compared.first, said[0]), (compared.second, said[1]))

    def state(self, row: int) -> int:
        """The most telling of what there is to say of a row."""
        rows = self.session.rows
        if rows.names[row] in rows.problems:
            return SKIPPED
        if self.versions(row):
            return DIFFERS
        predicted, previous = rows.predicted_labels[row], rows.previous[row]
        if predicted < 0:
            return WAITING
        if previous >= 0 and previous != predicted:
            return CHANGED
        return NEW if rows.arrived[row] else PREDICTED

    def _kind(self, name: str, given: Verdict | None) -> str:
        """Of a verdict that is simply a label, and where there is none, it tells more that the image is held out."""
        held_out, kind = self.session.held_out, given.kind if given is not None else ""
        return HELD if kind in ("", LABEL) and held_out and name.startswith(f"{held_out}/") else kind

    def line(self, position: int) -> Line:
        """What there is to say at a position of the order."""
        session, row = self.session, int(self.order[position])
        rows = session.rows
        name, predicted, verdict = rows.names[row], int(rows.predicted_labels[row]), int(rows.verdict[row])
        given = session.verdicts.get(rows.contents[row]) if verdict != OPEN else None
        return Line(
            name=name,
            state=self.state(row),
            predicted=predicted,
            share=float(rows.confidence[row]) if predicted >= 0 else 0.0,
            verdict=verdict,
            previous=int(rows.previous[row]),
            flip=given is not None and given.flip,
            why=rows.problems.get(name, ""),
            kind=self._kind(name, given),
            place=self.why(row),
            telling=self.telling,
            marked=position in self.marked,
            versions=self.versions(row),
        )
