"""The lines around the table: what is open, what is counted, what just happened."""

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from textual.reactive import reactive
from textual.strip import Strip

from tui.filters import flips
from tui.progress import Scan
from tui.session import Session
from tui.text import count, fit, safe, width
from tui.widgets.still import Still

FILTER_HINT = "name LABEL you:LABEL <60% wrong flips changed new dup open judged held imported excluded -not"


class Line(Still):
    """One line of words about the session; sent again only when its words change."""

    DEFAULT_CSS = """
    Line { height: 1; width: 1fr; }
    """

    session: reactive[Session] = reactive(Session, repaint=False)

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._said = ""

    @property
    def content(self) -> str:
        """What it says."""
        return self._said

    def words(self, session: Session) -> str:
        """What the line says."""
        raise NotImplementedError

    def watch_session(self, session: Session) -> None:
        """Say it, if it is news."""
        words = self.words(session)
        if words != self._said:
            self._said = words
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The words, as far as there is room."""
        cells = self.size.width
        return Strip([Segment(fit(self._said if y == 0 else "", cells), self.visual_style.rich_style)], cells)


class Title(Line):
    """The model's name and version, the folder, the order."""

    order: reactive[str] = reactive("", repaint=False)

    def words(self, session: Session) -> str:
        """`Catflap  CatDog.mlmodel, version 2  ~/photographs  uncertain first`."""
        some = f" · / {safe(session.filter)}" if session.filter else ""
        return f"{_opened(session)}{self.order}{some}"

    def is_order(self, x: int) -> bool:
        """Whether the order stands in that cell."""
        first = width(_opened(self.session))
        return first <= x < first + width(self.order)

    def watch_order(self) -> None:
        """The order is part of the title."""
        self.watch_session(self.session)


def _opened(session: Session) -> str:
    """What is open, as the title begins."""
    model = f"{safe(session.model)} version {session.version}" if session.model else "opening the model ..."
    looks = " · LOOKING ONLY" if session.onlooking else ""
    live = f" · LIVE {session.preparing}".rstrip() if session.live else ""
    return f" Catflap · {model}{live}{looks} · {safe(session.folder.name)} · "


class Counts(Line):
    """Images, verdicts, flips."""

    def words(self, session: Session) -> str:
        """`120 images · 20 verdicts: 9 Cat, 11 Dog · 5 flips`; of a filter, what it shows."""
        images = count(len(session.rows), "image")
        if session.shown is not None:
            return _of_shown(session, session.shown, images)
        if session.scan is not None:
            images = _under_way(session.scan, images)
        by_label = ", ".join(f"{number} {safe(label)}" for label, number in session.label_counts.items() if number)
        parts = [images, count(session.given, "verdict") + (f": {by_label}" if by_label else "")]
        parts.append(count(session.flips, "flip"))
        if session.excluded:
            parts.append(f"{session.excluded:,} excluded")
        if session.rows.problems:
            parts.append(f"{len(session.rows.problems):,} skipped")
        if session.put_off:
            parts.append(f"{session.unread} not read")
        return " " + " · ".join(parts)


def _under_way(scan: Scan, images: str) -> str:
    """`reading 48 of 200 images`; of views, beside the images, which are there already."""
    if scan.thing == "image":
        return f"reading {scan.done:,} of {images}"
    return f"{images}, reading {scan.done:,} of {count(scan.total, scan.thing)}"


def _of_shown(session: Session, shown: NDArray[np.intp], images: str) -> str:
    """`12 of 120 images · 5 verdicts: 3 Cat, 2 Dog · 2 flips`"""
    given = session.rows.verdict[shown]
    number = np.bincount(given[given >= 0], minlength=len(session.labels))
    by_label = ", ".join(f"{n:,} {safe(label)}" for n, label in zip(number, session.labels, strict=False) if n)
    verdicts = count(int(number.sum()), "verdict") + (f": {by_label}" if by_label else "")
    return f" {len(shown):,} of {images} · {verdicts} · {count(int(flips(session)[shown].sum()), 'flip')}"


class Notice(Line):
    """What just happened, or what is wrong."""

    def words(self, session: Session) -> str:
        """The filter that is typed; the problem, if there is one; else the last notice."""
        if session.typing is not None:
            return f" / {safe(session.typing)}▏ {FILTER_HINT}"
        return " " + safe(session.problem or session.notice)

    def watch_session(self, session: Session) -> None:
        """A problem looks like one."""
        self.set_class(bool(session.problem), "-problem")
        super().watch_session(session)
