"""The lines around the table: what is open, what is counted, what just happened."""

from rich.segment import Segment
from textual.reactive import reactive
from textual.strip import Strip

from tui.session import Session
from tui.text import count, fit, safe
from tui.widgets.still import Still


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
        model = f"{safe(session.model)} version {session.version}" if session.model else "opening the model ..."
        live = f" · LIVE {session.preparing}".rstrip() if session.live else ""
        return f" Catflap · {model}{live} · {safe(session.folder.name)} · {self.order}"

    def watch_order(self) -> None:
        """The order is part of the title."""
        self.watch_session(self.session)


class Counts(Line):
    """Images, verdicts, flips."""

    def words(self, session: Session) -> str:
        """`120 images · 20 verdicts: 9 Cat, 11 Dog · 5 flips`."""
        images = count(len(session.rows), "image")
        if session.scan is not None:
            images = f"reading {session.scan.done:,} of {images}"
        by_label = ", ".join(f"{number} {safe(label)}" for label, number in session.label_counts.items() if number)
        parts = [images, count(len(session.verdicts), "verdict") + (f": {by_label}" if by_label else "")]
        parts.append(count(session.flips, "flip"))
        if session.rows.problems:
            parts.append(f"{len(session.rows.problems):,} skipped")
        return " " + " · ".join(parts)


class Notice(Line):
    """What just happened, or what is wrong."""

    def words(self, session: Session) -> str:
        """The problem, if there is one; else the last notice."""
        return " " + safe(session.problem or session.notice)

    def watch_session(self, session: Session) -> None:
        """A problem looks like one."""
        self.set_class(bool(session.problem), "-problem")
        super().watch_session(session)
