"""Dealing verdicts into folds: each holds about as many of every label, and near-duplicates stay together."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Numbers = NDArray[np.int64]


def dealt(targets: Numbers, groups: Numbers, folds: int) -> NDArray[np.intp]:
    """(verdicts,): the fold of each, from 0; the same for all of a group.

    `targets` (verdicts,) are label numbers; `groups` (verdicts,) numbers as `similar.groups` gives them, below 0 for a
    picture alone. Without groups, folds differ by at most one verdict, of every label and altogether. There are fewer folds
    than asked for where there are fewer groups. The same arguments give the same folds.
    """
    _, labels = np.unique(targets, return_inverse=True)
    alone = groups < 0
    _, numbers = np.unique(
        np.where(alone, groups.max(initial=-1) + 1 + np.arange(len(groups)), groups), return_inverse=True
    )
    sizes = np.bincount(numbers)
    held = np.zeros((min(folds, len(sizes)), labels.max(initial=-1) + 1), np.int64)
    fold = np.empty(len(labels), np.intp)
    _deal_groups(labels, numbers, sizes, held, fold)
    single = np.random.default_rng(0).permutation(np.flatnonzero(sizes[numbers] == 1))
    for label in range(held.shape[1]):
        mine = single[labels[single] == label]
        fold[mine] = _lowest(held[:, label], held.sum(axis=1), len(mine))
        held[:, label] += np.bincount(fold[mine], minlength=len(held))
    return fold


def _deal_groups(labels: Array, numbers: Array, sizes: Array, held: Array, fold: Array) -> None:
    """Groups of several, the largest first, each to where its labels are scarcest: into `held` and `fold`."""
    # By the squares of the folds' shares of every label, whose sum is least where they are equal.
    weights = 1 / np.bincount(labels).astype(np.float64) ** 2
    order, ends = np.argsort(numbers, kind="stable"), np.cumsum(sizes)
    for group in np.argsort(-sizes, kind="stable")[: int((sizes > 1).sum())]:
        members = order[ends[group] - sizes[group] : ends[group]]
        came = np.bincount(labels[members], minlength=held.shape[1])
        at = np.lexsort((held.sum(axis=1), held @ (came * weights)))[0]
        held[at] += came
        fold[members] = at


def _lowest(levels: Array, totals: Array, count: int) -> NDArray[np.intp]:
    """(count,) folds, one after the other the one with the lowest level, which that raises; of equals, the smallest."""
    rising = levels[:, None] + np.arange(count)
    order = np.lexsort((np.repeat(totals, count), rising.reshape(-1)))
    return order[:count] // max(count, 1)
