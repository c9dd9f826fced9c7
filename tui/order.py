"""The orders in which the table shows its rows. No Textual here."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tui.rows import Rows

Order = NDArray[Any]
Key = Callable[[Rows], NDArray[Any] | None]


def _uncertain(rows: Rows) -> NDArray[Any]:
    """Images without a verdict first, the least confident of them on top; what has no prediction comes last."""
    confidence = np.where(np.isnan(rows.confidence), 2, rows.confidence.astype(np.float64))
    return confidence + 4 * (rows.verdict >= 0)


def _name(rows: Rows) -> None:
    """Nothing comes before the name."""


def _newest(rows: Rows) -> NDArray[Any]:
    return -rows.modified_ns


ORDERS: Mapping[str, Key] = {"uncertain first": _uncertain, "name": _name, "newest": _newest}
"""By name: what to sort by; what is equal is sorted by name."""


def arranged(rows: Rows, order: str) -> Order:
    """The rows' numbers in the order of that name."""
    by_name, key = rows.images.sorted, ORDERS[order](rows)
    return by_name if key is None else by_name[np.argsort(key[by_name], kind="stable")]


def extended(before: Order, names_before: tuple[str, ...], rows: Rows, wanted: NDArray[np.bool_]) -> Order:
    """The order before with rows that went taken out and, of rows that came, the wanted put at the end.

    Nothing else moves; `wanted` (rows,).
    """
    if rows.names[: len(names_before)] == names_before:
        came = np.arange(len(names_before), len(rows))
        return np.concatenate([before, came[wanted[came]]])
    places = rows.images.places(names_before)
    now = places[before]
    new = wanted.copy()
    new[places[places >= 0]] = False
    return np.concatenate([now[now >= 0], np.flatnonzero(new)])


def first_of(mask: NDArray[np.bool_]) -> int:
    """The first position at which it holds; 0 if there is none."""
    found = np.flatnonzero(mask)
    return int(found[0]) if len(found) else 0
