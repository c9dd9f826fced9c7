"""An edit of many samples: of some of them, and then of those as well that it would break.

What an edit costs grows with the square of its samples. But flips that are alike are learned together, and what lies far
from them stays as it is by itself: so the smallest change that serves some samples serves nearly all, and those that it
does not serve are few, and join them. (The working set of chunking: Vapnik 1982, Osuna, Freund and Girosi 1997.)
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.events import Event
from engine.head.points import Point
from engine.trainers.editing import ENOUGH, edited
from engine.trainers.lesson import Aim, Known, Settings

Array = NDArray[Any]
Rows = NDArray[np.intp]
"""Numbers of samples, ascending: verdicts first, then anchors."""
MOST = 2000
"""Samples that are edited at once."""
JOINING = 500
"""That join them in a round, at most."""
ROUNDS = 5


@dataclass(frozen=True, eq=False)
class Some:
    """Where an edit stands on some samples."""

    rows: Rows
    point: Point


class Ground(Protocol):
    """All samples of an edit: those of an aim and, behind them, the anchors."""

    count: int
    old: Array
    """(count, outputs): the champion's logits."""

    def point(self, rows: Rows, last: Some | None) -> Generator[Event, None, Point]:
        """The head, linearised on these samples: where the edit of `last` stands, whose samples are among them."""
        ...

    def logits(self, some: Some) -> Array:
        """(count, outputs) of all samples."""
        ...


def gradually(aim: Aim, settings: Settings, ground: Ground, start: Some | None = None) -> Generator[Event, None, Some]:
    """Edit until every verdict is right and no anchor says anything else, or nothing helps any more.

    `start` is where another edit of the same head ended; what it works on stays among the samples.
    """
    # With too many samples it is cheaper to choose anew.
    some = None if start is not None and len(start.rows) > 2 * MOST else start
    rows, rounds = _first(aim, ground, some), 0
    while True:
        point = yield from ground.point(rows, some)
        mine = rows[rows < len(aim.targets)]
        part = aim if len(mine) == len(aim.targets) else Known(aim.head, aim.targets[mine], ground.old[mine])
        # What joins is wrong by little; for all to lead by the margin again would take as many passes as the first time.
        enough = 0.0 if rounds else ENOUGH
        some, rounds = Some(rows, (yield from edited(part, settings, ground.old[rows], point, enough))), rounds + 1
        broken = _broken(aim, ground, some)
        if not len(broken) or rounds == ROUNDS or settings.out_of_time():
            return some
        rows = np.sort(np.concatenate([rows, broken]))


def _first(aim: Aim, ground: Ground, start: Some | None) -> Rows:
    """All, or as many as are edited at once: at random, a third of them flips, accepted verdicts and anchors each."""
    count = ground.count
    if count <= MOST or not aim.classifies:
        return np.arange(count)
    if start is not None:
        return np.sort(np.concatenate([start.rows, _broken(aim, ground, start)]))
    rng, flips = np.random.default_rng(0), np.flatnonzero(aim.flips)
    accepted, anchors = np.flatnonzero(~aim.flips), np.arange(len(aim.targets), count)
    chosen = [rng.permutation(each) for each in (flips, accepted, anchors)]
    share = MOST // len(chosen)
    left = np.concatenate([each[share:] for each in chosen])
    first = np.concatenate([each[:share] for each in chosen])
    return np.sort(np.concatenate([first, left[: MOST - len(first)]]))


def _broken(aim: Aim, ground: Ground, some: Some) -> Rows:
    """Samples that were not looked at and come out wrong, the worst of them first."""
    if len(some.rows) == ground.count:
        return np.zeros(0, np.intp)
    now = ground.logits(some)
    wanted = np.concatenate([aim.targets, ground.old[len(aim.targets) :].argmax(axis=1)])
    lead = now[np.arange(len(now)), wanted]
    now[np.arange(len(now)), wanted] = -np.inf
    short = now.max(axis=1) - lead
    short[some.rows] = -1
    return np.argsort(-short, kind="stable")[: min(JOINING, int((short > 0).sum()))]
