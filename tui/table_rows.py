"""What the table shows of a session: columns by row, made once for each session. No Textual here."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tui.session import Session

WAITING, PREDICTED, SKIPPED, NEW, CHANGED = range(5)
"""What there is to say of a row, the more telling the higher."""


@dataclass(frozen=True, eq=False)
class TableRows:
    """Columns of equal length, and the order in which they are shown."""

    session: Session = field(default_factory=Session)
    order: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, np.intp))
    """Row numbers from top to bottom."""
    predicted: NDArray[np.int16] = field(default_factory=lambda: np.zeros(0, np.int16))
    confidence: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    verdict: NDArray[np.int16] = field(default_factory=lambda: np.zeros(0, np.int16))
    state: NDArray[Any] = field(default_factory=lambda: np.zeros(0, np.int8))

    def __len__(self) -> int:
        return len(self.order)


def table_rows(session: Session, order: NDArray[np.intp]) -> TableRows:
    """Work out the columns of all rows."""
    rows = session.rows
    predicted = rows.predicted_labels
    state = np.where(predicted >= 0, PREDICTED, WAITING).astype(np.int8)
    state[rows.arrived & (predicted >= 0)] = NEW
    state[(rows.previous >= 0) & (predicted >= 0) & (rows.previous != predicted)] = CHANGED
    skipped = [rows.at[name] for name in rows.problems if name in rows.at]
    state[np.array(skipped, np.intp)] = SKIPPED
    return TableRows(session, order, predicted, rows.confidence, rows.verdict, state)
