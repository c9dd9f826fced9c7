"""Every version of the model: what came of it, two of them side by side, and any of them back."""

from collections.abc import Sequence
from pathlib import Path

from engine.catalogue import Version
from engine.errors import CatflapError
from tui import history
from tui.filters import DIFFER
from tui.messages import Compare
from tui.screens.choose import Choice, Choose
from tui.screens.labelling import Labelling
from tui.screens.paged import Paged
from tui.session import Session
from tui.text import count, fit, safe, window, wrap
from tui.widgets.page import Lines, Piece
from tui.work import Work

NUMBER = 8
"""Cells for marks and the version's number."""
FEWEST = 3
"""Lines of the list, however low the terminal is."""


class History(Paged[int | str]):
    """Closes with the number of a version to restore, or with a filter to show."""

    BINDINGS = [  # noqa: RUF012 - Textual's own form
        ("escape,h,q", "close", "Close"),
        ("j,down", "move(1)", "Down"),
        ("k,up", "move(-1)", "Up"),
        ("g,home", "move(-1000000)", "First"),
        ("G,end", "move(1000000)", "Last"),
        ("r", "restore", "Restore"),
        ("space,c", "mark", "Compare"),
        ("o", "open", "Open"),
        ("enter", "enter", "Open or restore"),
    ]

    def __init__(self, main: Labelling, work: Work, folder: Path, kept: Sequence[Version]) -> None:
        """`kept` are all versions in the folder, oldest first; they are read again whenever there may be more."""
        super().__init__(main)
        self._work, self._folder = work, folder
        self._kept, self._versions = kept, history.shown(kept, self.session.version)
        """Oldest first; and with the present one, newest first."""
        self._cursor, self._top = self._place(self.session.version), 0
        self._marked: int | None = None
        self._asked: tuple[int, int] | None = None
        """The versions that were to be compared since the screen was opened."""
        self._notice = ""

    def watch_session(self, before: Session, now: Session) -> None:
        """Another version is the present one: there may be more, and a comparison that was under way was dropped."""
        if now.version != before.version:
            self._read_again()
            if self._asked is not None and not self._compared(now):
                self._work.ask(Compare(*self._asked))
        self.draw()

    def _read_again(self) -> None:
        chosen = self._selected.version
        try:
            self._kept = history.read_versions(self._folder)
        except CatflapError as error:
            self._notice = f"{error.sentence} {error.hint}"
        self._versions = history.shown(self._kept, self.session.version)
        self._cursor = self._place(chosen)

    def _place(self, version: int) -> int:
        return next((at for at, each in enumerate(self._versions) if each.version == version), 0)

    @property
    def _selected(self) -> Version:
        return self._versions[self._cursor]

    def _compared(self, session: Session) -> bool:
        """Whether what was asked for is answered."""
        found = session.comparison
        return found is not None and found.ended and (found.first, found.second) == self._asked

    @property
    def _opens(self) -> bool:
        """Whether Enter shows where two versions differ: as long as one of these two is selected."""
        found = self.session.comparison
        if found is None or not found.differing or not self._compared(self.session):
            return False
        return self._selected.version in (found.first, found.second)

    # What the keys do.

    def action_move(self, by: int) -> None:
        """Up and down."""
        self._cursor = max(0, min(self._cursor + by, len(self._versions) - 1))
        self._notice = ""
        self.draw()

    def action_mark(self) -> None:
        """Mark the selected version; where one is marked, compare the two."""
        chosen = self._selected.version
        if self._marked is None or self._marked == chosen:
            self._marked = chosen if self._marked is None else None
            more = len(self._versions) > 1
            self._notice = "" if self._marked is None or more else "There is no other version to compare it with."
        else:
            self._asked = min(self._marked, chosen), max(self._marked, chosen)
            self._marked, self._notice = None, ""
            self._work.ask(Compare(*self._asked))
        self.draw()

    def action_open(self) -> None:
        """The images on which the compared versions differ."""
        found = self.session.comparison
        if found is not None and found.differing:
            self.dismiss(DIFFER)
        else:
            self._notice = "Compare two versions first: space marks one, then the other."
            self.draw()

    def action_enter(self) -> None:
        """What the last line says."""
        if self._opens:
            self.action_open()
        else:
            self.action_restore()

    def action_restore(self) -> None:
        """Ask whether the selected version is to be the present one again."""
        chosen, present = self._selected, self.session.version
        if chosen.version == present:
            self._notice = f"Version {present} is the present one."
            self.draw()
            return
        if chosen.let_go:
            self._notice = f"Version {chosen.version} cannot be restored."
            self.draw()
            return
        now = next(each for each in self._versions if each.version == present)
        question = (
            f"Make version {chosen.version} the present model again ({_named(chosen)})? "
            f"Version {present} ({_named(now)}) is kept, and can be restored as well."
        )
        yes = Choice("y", f"restore version {chosen.version}", chosen.version)
        self.app.push_screen(Choose(question, [yes], f"version {present} stays"), self._decided)

    def _decided(self, version: int | None) -> None:
        if version is not None:
            self.dismiss(version)

    # What is shown.

    def lines(self, cells: int, rows: int) -> Lines:
        """The list, what there is to say of the selected version, what came of comparing, the keys."""
        seen = min(len(self._versions), max(FEWEST, (rows - 4) // 2))
        self._top = window(self._cursor, self._top, seen, len(self._versions))
        head, *table = history.table(self._versions, cells - NUMBER)
        listed = [self._line(at, table[at], cells) for at in range(self._top, self._top + seen)]
        below = [[(f" {line}", look)] for text, look in self._said() for line in wrap(text, cells - 2) or [""]]
        kept = count(len(self._kept), "version") if self._kept else "no version yet"
        busy = " · retraining ..." if self.session.busy else ""
        title = f" History · {safe(self.session.model)} · {kept}{busy}"
        head = fit("version", NUMBER) + head
        top: list[list[Piece]] = [[(fit(title, cells), "title")], [(fit(head, cells), "head")], *listed, []]
        room = max(0, rows - 1 - len(top))
        body = [*top, *below[:room], *([[]] * (room - len(below)))]
        return [*body[: rows - 1], [(fit(f" {self._keys()}", cells), "head")]]

    def _line(self, at: int, columns: str, cells: int) -> list[Piece]:
        version = self._versions[at]
        marks = "▸" if at == self._cursor else " "
        marks += "●" if version.version == self.session.version else " "
        marks += "+" if version.version == self._marked else " "
        words = f"{marks}{version.version:>4} {columns}"
        look = "cursor" if at == self._cursor else "marked" if version.version == self._marked else ""
        return [(fit(words, cells), look)]

    def _said(self) -> list[tuple[str, str]]:
        """Below the list, with its looks."""
        said = [(text, "") for text in history.told(self._selected, self._selected.version == self.session.version)]
        if not self._kept:
            said.append((history.ORIGINAL, ""))
        found = self.session.comparison
        if self._asked is not None and (found is None or (found.first, found.second) != self._asked):
            first = ", after what runs now" if self.session.working else ""
            said += [("", ""), ("Comparing versions {} and {}{} ...".format(*self._asked, first), "marked")]
        elif found is not None:
            lines = history.outcome(found) if found.ended else [history.waiting(found)]
            said += [("", ""), *((line, "marked") for line in lines)]
        if self._marked is not None:
            said.append((f"Version {self._marked} is marked: space on another one compares the two.", "marked"))
        return [*said, *([("", ""), (safe(self._notice), "wrong")] if self._notice else [])]

    def _keys(self) -> str:
        opens = "Enter shows these" if self._opens else "j k move"
        return f"{opens} · r restore · space compare · Esc back"


def _named(version: Version) -> str:
    return ", ".join(filter(None, (history.origin(version), history.when(version.at))))
