"""How the order "mixed" is made: pictures wait, come into a window, and are put in their places ten at a time."""

from collections import defaultdict, deque
from collections.abc import Iterator
from enum import IntEnum
from heapq import heappop, heappush
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.review.similar import ALONE

EVERY = 10
"""Places of which the last is for the next picture at random."""
APART = 20
"""Places that lie between two pictures of one group, if there are others for them."""
AHEAD = 2
"""Pictures that come at random within the next APART places: they, and their groups, are kept for that."""
WINDOW = 32
"""Pictures of largest entropy, of those that may come next, of which one is chosen. Of 200 photographs, the first 20, 40
and 80 have 93 to 97 % of the entropy of as many least sure ones; without those at random, 96 to 100 %."""

Array = NDArray[Any]


class Reason(IntEnum):
    """Why a picture has its place."""

    UNSURE = 0
    """Of those that may come next, it is the one of largest entropy, or one of them."""
    UNLIKE = 1
    """Of the most unsure ones it is unlike what comes before it."""
    RANDOM = 2
    """It is the next in the order of content keys."""
    JUDGED = 3
    """It has a verdict, and comes behind all that have none."""


class Queue:
    """Pictures, by number, that have a place or wait for one. Of a group, one at most is in the window."""

    def __init__(self, vectors: Array, groups: Array, entropies: Array, by_key: Array, taken: Array) -> None:
        """Of n pictures; `by_key` are their numbers in the order of keys, `taken` (n,) tells which get no place."""
        self._vectors, self._entropies = vectors, entropies
        self._known: NDArray[np.bool_] = np.linalg.norm(vectors, axis=1) > 0
        self._group: list[int] = groups.tolist()
        self._taken: list[bool] = taken.tolist()
        self._by_key: Iterator[int] = iter(by_key.tolist())
        self._at_random: deque[int] = deque()
        """The next AHEAD in the order of keys."""
        order = by_key[np.argsort(-entropies[by_key], kind="stable")]
        self._by_entropy: list[int] = order.tolist()
        self._turn: list[int] = np.argsort(order).tolist()
        """Each one's place among these."""
        self._to_come = list(range(len(order)))
        """A heap of such places."""
        self._window: list[int] = []
        self._held: set[int] = set()
        """Groups that have a picture in the window, or in one of the last places."""
        self._waiting: defaultdict[int, deque[int]] = defaultdict(deque)
        """By group, its other pictures in the order of entropy."""
        self._free_at: dict[int, int] = {}
        """By group, the place from which on it may come again."""
        self._due: deque[tuple[int, int]] = deque()
        """These places, ascending, and groups; outdated ones among them."""
        self.numbers, self.reasons = list[int](), list[Reason]()
        """What has a place, in order."""

    def fill(self) -> bool:
        """Give out the next EVERY places; false if there was nobody left."""
        before = len(self.numbers)
        self._draw()
        kept = {self._group[number] for number in self._at_random} - {ALONE}
        while (missing := before + EVERY - 1 - len(self.numbers)) > 0:
            self._refill()
            if self._choose(missing, kept):
                continue
            # There are no others: those that came a moment ago may come again, then those of which one comes soon.
            if self._due:
                self._release(*self._due.popleft())
            elif kept:
                kept = set[int]()
            else:
                break
        if self._at_random:
            self._put_at_random(self._at_random.popleft())
        return len(self.numbers) > before

    def _draw(self) -> None:
        """Decide what comes at random next, and keep it out of all else."""
        while len(self._at_random) < AHEAD and (number := next(self._by_key, None)) is not None:
            if self._taken[number]:
                continue
            self._at_random.append(number)
            self._taken[number] = True
            if number in self._window:
                self._window.remove(number)
                self._next_of(self._group[number])

    def _refill(self) -> None:
        while self._due and self._due[0][0] <= len(self.numbers):
            self._release(*self._due.popleft())
        while self._to_come and len(self._window) < WINDOW:
            number = self._by_entropy[heappop(self._to_come)]
            group = self._group[number]
            if self._taken[number]:
                continue
            if group in self._held:
                self._waiting[group].append(number)
                continue
            if group != ALONE:
                self._held.add(group)
            self._window.append(number)

    def _release(self, place: int, group: int) -> None:
        """Let a group come again, if this place is not outdated."""
        if self._free_at[group] == place:
            self._next_of(group)

    def _next_of(self, group: int) -> None:
        """Let the next of a group come when it is its turn."""
        self._held.discard(group)
        waiting = self._waiting[group]
        while waiting and self._taken[waiting[0]]:
            waiting.popleft()
        if waiting:
            heappush(self._to_come, self._turn[waiting.popleft()])

    def _choose(self, count: int, kept: set[int]) -> bool:
        """Put up to `count` pictures of the window in the next places; false if all are of groups that are `kept`."""
        window = np.array(self._window, np.int64)
        free = np.array([self._group[n] not in kept for n in self._window], np.bool_)
        entropy, inside, known = self._entropies[window], self._vectors[window], self._known[window]
        alike = inside @ inside.T
        near = _fair((inside @ self._vectors[self.numbers[-APART:]].T).max(axis=1, initial=0), known)
        # What has no prediction comes behind all others, and what may not come or has a place not at all.
        worth, handicap = np.maximum(entropy, 0), np.where(free, np.minimum(entropy, 0), -np.inf)
        for _ in range(min(count, int(free.sum()))):
            at = int((worth * (1 - near) + handicap).argmax())
            least_sure = entropy[at] >= (worth + handicap).max()
            self._put(int(window[at]), Reason.UNSURE if least_sure else Reason.UNLIKE)
            handicap[at] = -np.inf
            near = _fair(np.maximum(near, alike[at]), known)
        self._window = window[~free | (handicap > -np.inf)].tolist()
        return bool(free.any())

    def _put(self, number: int, reason: Reason) -> None:
        """In the next place; the rest of its group waits."""
        self.numbers.append(number)
        self.reasons.append(reason)
        self._taken[number] = True
        group = self._group[number]
        if group != ALONE:
            self._held.add(group)
            self._free_at[group] = len(self.numbers) + APART
            self._due.append((self._free_at[group], group))

    def _put_at_random(self, number: int) -> None:
        """In the next place; one of its group that is in the window waits, too."""
        group = self._group[number]
        for each in [n for n in self._window if self._group[n] == group != ALONE]:
            self._window.remove(each)
            self._waiting[group].appendleft(each)
        self._put(number, Reason.RANDOM)


def _fair(near: Array, known: NDArray[np.bool_]) -> Array:
    """How near each is to what came before, (n,); of those without features nothing is known: they get the others' mean."""
    if not known.all():
        near[~known] = near[known].mean() if known.any() else 0
    return near
