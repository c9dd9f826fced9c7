"""Groups of what is alike: connected ones, by pairs; and those in which any two are alike.

A group is named by its lowest member, and an array of groups gives the name of each one's: group[group] is group.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Numbers = NDArray[np.int64]


def connected(part: Numbers, first: Numbers, second: Numbers) -> Numbers:
    """`part` (n,) with the parts joined that these pairs, (pairs,) each, connect."""
    while True:
        one, other = part[first], part[second]
        apart = one != other
        if not apart.any():
            return part
        first, second, one, other = first[apart], second[apart], one[apart], other[apart]
        above = np.arange(len(part))
        np.minimum.at(above, np.maximum(one, other), np.minimum(one, other))
        while not np.array_equal(above, above := above[above]):
            pass
        part = above[part]


def complete(alike: Array, least: float) -> Numbers:
    """The group of each of n, (n,), by their similarities (n, n), which are symmetric.

    Complete linkage: two groups are as alike as the two of their members that are least so. The two groups that are most
    alike become one, until no two are alike by `least` or more.
    """
    group, alike = np.arange(len(alike)), alike.copy()
    np.fill_diagonal(alike, np.inf)
    if alike.min() >= least:
        return np.zeros_like(group)
    np.fill_diagonal(alike, -np.inf)
    nearest = alike.argmax(axis=1)
    best = alike[group, nearest]
    while best[one := int(best.argmax())] >= least:
        other = int(nearest[one])
        group[group == other] = one
        alike[one] = alike[:, one] = np.minimum(alike[one], alike[other])
        alike[other] = alike[:, other] = -np.inf
        # For all others, the two became no more alike, and were not the nearest before.
        for each in np.flatnonzero((nearest == one) | (nearest == other) | (group == one)).tolist():
            nearest[each] = alike[each].argmax()
            best[each] = alike[each, nearest[each]]
    _, lowest, which = np.unique(group, return_index=True, return_inverse=True)
    return lowest[which]


def members(group: Numbers) -> Iterator[Numbers]:
    """Those of each group of two or more, ascending; any names will do."""
    order = np.argsort(group, kind="stable")
    for each in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
        if len(each) > 1:
            yield each
