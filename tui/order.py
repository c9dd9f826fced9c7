"""The orders in which the table shows its rows. No Textual here."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tui.rows import Rows

Order = NDArray[np.intp]
Key = Callable[[Rows], tuple[NDArray[Any], ...]]


def _uncertain(rows: Rows) -> tuple[NDArray[Any], ...]:
    """Images without a verdict first, the least confident of them on top; what has no prediction comes last."""
    confidence = np.where(np.isnan(rows.confidence), 2.0, rows.confidence)
    return np.array(rows.names, dtype=object), confidence, rows.verdict >= 0


def _name(rows: Rows) -> tuple[NDArray[Any], ...]:
    return (np.array(rows.names, dtype=object),)


def _newest(rows: Rows) -> tuple[NDArray[Any], ...]:
    return np.array(rows.names, dtype=object), -rows.modified_ns


ORDERS: Mapping[str, Key] = {"uncertain first": _uncertain, "name": _name, "newest": _newest}
"""By name: the columns to sort by, the most important one last."""


def arranged(rows: Rows, order: str) -> Order:
    """The rows' numbers in the order of that name."""
    if not len(rows):
        return np.zeros(0, np.intp)
    keys = ORDERS[order](rows)
    result = np.arange(len(rows))
    for key in keys:
        result = result[np.argsort(key[result], kind="stable")]
    return result


def extended(before: Order, names_before: tuple[str, ...], rows: Rows) -> Order:
    """The order before with rows that went taken out and rows that came put at the end: nothing else moves."""
    kept = [rows.at[names_before[row]] for row in before if names_before[row] in rows.at]
    came = np.setdiff1d(np.arange(len(rows)), np.array(kept, np.intp))
    return np.concatenate([np.array(kept, np.intp), came])
