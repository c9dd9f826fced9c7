"""The orders in which the table shows its rows. No Textual here."""

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tui.filters import changed, outcome
from tui.rows import OPEN, Rows
from tui.session import Session
from tui.text import percent

Order = NDArray[Any]
ALIKE = "alike"
LAST = 1e6
"""Behind everything."""
BANDS = ((0.9, "toss-up"), (0.6, "unsure"), (0.2, "likely"), (-1.0, "sure"))
"""From which entropy on a prediction is called what: no word is longer than the narrowest column."""


class Ordering(NamedTuple):
    """A way to put rows in order."""

    key: Callable[[Session], NDArray[Any] | None]
    """What to sort by, the smallest first; what is equal is sorted by name, and nothing but that where it is None."""
    why: Callable[[Session, int], str]
    """Why a row stands where it does, in a word."""
    wants: str = ""
    """What the engine is to be asked for first: the field of `Insight`."""
    telling: bool = False
    """Whether that is to be said before what else there is to say."""


def _uncertain(session: Session) -> NDArray[Any]:
    """Images without a verdict first, those of the largest entropy on top; what has no prediction comes last."""
    rows = session.rows
    sure = np.where(np.isnan(rows.entropy), 2, 1 - rows.entropy.astype(np.float64))
    return sure + 4 * (rows.verdict != OPEN)


def _how_sure(session: Session, row: int) -> str:
    entropy = float(session.rows.entropy[row])
    if session.rows.verdict[row] != OPEN or entropy != entropy:
        return ""
    return next(word for least, word in BANDS if entropy >= least)


def _errors(session: Session) -> NDArray[Any]:
    """Verdicts that are likely mistakes first, then those that a head which has not seen them finds least probable."""
    quality, suspects = session.insight.quality, session.insight.suspects
    return _by_content(session, {content: number - (content in suspects) for content, number in quality.items()})


def _quality(session: Session, row: int) -> str:
    content = session.rows.contents[row]
    quality = session.insight.quality.get(content)
    if quality is None:
        return ""
    return f"suspect {percent(quality)}" if content in session.insight.suspects else f"agreed {percent(quality)}"


def _changed(session: Session) -> NDArray[Any]:
    """What the last retrain broke first, then what it learned, then what else it changed."""
    learned, broke = outcome(session)
    return np.select([broke, learned, changed(session)], [0.0, 1.0, 2.0], LAST)


def _mixed(session: Session) -> NDArray[Any]:
    queue = session.insight.queue
    if queue is None:
        return _uncertain(session)
    ranks = _by_content(session, {content: place for content, (place, _) in queue.items()})
    return ranks + 2 * LAST * (session.rows.verdict != OPEN)


def _alike(session: Session) -> NDArray[Any]:
    """Groups one after the other, those whose verdicts contradict each other first."""
    groups, apart = session.insight.groups or {}, session.insight.contradicting(session.verdicts)
    return _by_content(session, {content: group - LAST * (group in apart) for content, group in groups.items()})


def _by_content(session: Session, keys: Mapping[bytes, float]) -> NDArray[Any]:
    """(rows,): what to sort each row by; what has no key comes last."""
    contents = session.rows.contents
    found = (keys.get(contents[row], LAST) for row in range(len(contents)))
    return np.fromiter(found, np.float64, len(contents))


def _group(session: Session, row: int) -> str:
    group = (session.insight.groups or {}).get(session.rows.contents[row])
    if group is None:
        return ""
    apart = session.insight.contradicts(group, session.verdicts)
    return f"{'≠ ' * apart}group {group + 1}"


def _place(session: Session, row: int) -> str:
    return session.insight.place(session.rows.contents[row])


def _at_random(session: Session) -> NDArray[Any]:
    """By content keys, which are hashes; what has a verdict, is held out or was not read yet comes last."""
    rows, keys = session.rows, session.rows.contents.halves.view(">u8")
    places = np.empty(len(keys))
    places[np.lexsort((keys[:, 1], keys[:, 0]))] = np.arange(len(keys))
    places[rows.images.below(session.held_out)] += LAST
    return places + 2 * LAST * (rows.verdict != OPEN)


def _random(session: Session, row: int) -> str:
    return "random" if session.rows.verdict[row] == OPEN else ""


def _nothing(session: Session, row: int) -> str:
    """What the row says by itself is enough."""
    return ""


def _by_name(session: Session) -> None:
    """Nothing comes before the name."""


def _newest(session: Session) -> NDArray[Any]:
    return -session.rows.modified_ns


def _date(session: Session, row: int) -> str:
    modified = int(session.rows.modified_ns[row])
    return time.strftime("%Y-%m-%d", time.localtime(modified / 1e9)) if modified else ""


ORDERS: Mapping[str, Ordering] = {
    "uncertain first": Ordering(_uncertain, _how_sure),
    "mixed": Ordering(_mixed, _place, "queue"),
    "likely mistakes": Ordering(_errors, _quality, "quality", True),
    "changed": Ordering(_changed, _nothing),
    "name": Ordering(_by_name, _nothing),
    "newest": Ordering(_newest, _date),
    "audit": Ordering(_at_random, _random),
    ALIKE: Ordering(_alike, _group, "groups", True),
}
"""By name; one key goes through all but the last, which has its own."""


def arranged(session: Session, order: str) -> Order:
    """The rows' numbers in the order of that name."""
    by_name, key = session.rows.images.sorted, ORDERS[order].key(session)
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
