"""The orders in which the table shows its rows. No Textual here."""

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tui.rows import OPEN, Rows
from tui.session import Session
from tui.text import percent

Order = NDArray[Any]
ALIKE = "alike"
LAST = 1e6
"""Behind everything."""
BANDS = ((0.9, "a toss-up"), (0.6, "unsure"), (0.2, "fairly sure"), (-1.0, "sure"))
"""From which entropy on a prediction is called what."""


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
    insight, rows = session.insight, session.rows
    key = np.full(len(rows), LAST)
    for row in np.flatnonzero(rows.verdict >= 0).tolist():
        content = rows.contents[row]
        if content in insight.quality:
            key[row] = insight.quality[content] - (content in insight.suspects)
    return key


def _quality(session: Session, row: int) -> str:
    content = session.rows.contents[row]
    quality = session.insight.quality.get(content)
    if quality is None:
        return ""
    return f"suspect {percent(quality)}" if content in session.insight.suspects else f"agreed {percent(quality)}"


def _changed(session: Session) -> NDArray[Any]:
    """What the last retrain broke first, then what it learned, then what else it changed."""
    rows = session.rows
    changed = (rows.previous >= 0) & (rows.predicted_labels >= 0) & (rows.previous != rows.predicted_labels)
    broke = changed & (rows.verdict >= 0) & (rows.verdict == rows.previous)
    learned = changed & (rows.verdict >= 0) & (rows.verdict == rows.predicted_labels)
    return np.select([broke, learned, changed], [0.0, 1.0, 2.0], LAST)


def _mixed(session: Session) -> NDArray[Any]:
    queue, rows = session.insight.queue, session.rows
    if queue is None:
        return _uncertain(session)
    places = (queue.get(rows.contents[row]) for row in range(len(rows)))
    rank = np.fromiter((LAST if place is None else place[0] for place in places), np.float64, len(rows))
    return rank + 2 * LAST * (rows.verdict != OPEN)


def _alike(session: Session) -> NDArray[Any]:
    """Groups one after the other, those whose verdicts contradict each other first."""
    insight, rows = session.insight, session.rows
    groups, apart = insight.groups or {}, insight.contradicting(session.verdicts)
    found = (groups.get(rows.contents[row]) for row in range(len(rows)))
    places = (LAST if group is None else group - LAST * (group in apart) for group in found)
    return np.fromiter(places, np.float64, len(rows))


def _group(session: Session, row: int) -> str:
    group = (session.insight.groups or {}).get(session.rows.contents[row])
    if group is None:
        return ""
    apart = session.insight.contradicts(group, session.verdicts)
    return f"group {group + 1}" + (" ≠" if apart else "")


def _place(session: Session, row: int) -> str:
    return session.insight.place(session.rows.contents[row])


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
