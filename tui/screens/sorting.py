"""The order of the rows, and which of them are shown."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from textual import events

from tui.columns import Keys
from tui.evaluation import unseen
from tui.filters import missed
from tui.messages import Alike, Mix, Review
from tui.notices import not_learned
from tui.order import ALIKE, ORDERS
from tui.screens.looking import Looking
from tui.session import Session
from tui.text import count
from tui.widgets.lines import Title

ENDS = ("enter", "escape")
"""Enter keeps a filter, Esc shows all."""
EDITS: Mapping[str, Callable[[str], str]] = {"backspace": lambda text: text[:-1], "ctrl+u": lambda text: ""}
"""What a key does to the filter that is typed."""
FEWEST = 10
"""Verdicts below which nothing is said about those that were not seen."""
AWAITED = {
    "queue": "Looking for a good order ...",
    "groups": "Looking for pictures that are nearly the same ...",
    "quality": "Holding every verdict against models that have not seen it ...",
}
"""What is said while the engine works for an order."""


class Sorting(Looking):
    """A screen whose table is sorted and filtered."""

    _awaited = ""
    """The order that waits for the engine; its rows move once more when that is done."""
    _explains = False
    """Whether near-duplicates are looked for to say why flips were not learned."""
    _grouped: Keys | None = None
    """The pictures among which near-duplicates were looked for."""

    def on_click(self, event: events.Click) -> None:
        """On the title: the next order, or the palette."""
        if isinstance(event.widget, Title):
            if event.widget.is_order(event.x):
                self.action_next_order()
            else:
                self.app.action_command_palette()

    def action_next_order(self) -> None:
        """The next of the orders."""
        names = [name for name in ORDERS if name != ALIKE]
        now = names.index(self._order_name) if self._order_name in names else -1
        self._ordered(names[(now + 1) % len(names)])

    def action_alike(self) -> None:
        """Groups of near-duplicates, or everything again."""
        if self._order_name == ALIKE:
            self.become(replace(self.session, filter=""))
            self._ordered(next(iter(ORDERS)))
        elif self._grouped is not self.session.rows.contents:
            # Others may have come; the engine works nothing out twice.
            self._awaited, self._grouped = "groups", self.session.rows.contents
            self._work.ask(Alike())
            self._tell(AWAITED["groups"])
        else:
            self._show_groups()

    def _show_groups(self) -> None:
        if self.session.insight.groups:
            self.become(replace(self.session, filter="near"))
            self._ordered(ALIKE)
        else:
            self._tell("No two pictures are nearly the same.")

    def action_outcome(self) -> None:
        """What the last retrain learned and broke, or everything again."""
        self._filtered("" if self.session.filter == "outcome" else "outcome", None)
        if self.session.filter and not len(self._order):
            self._tell(
                f"The last retrain changed nothing that has a verdict; {self.session.keys['what_changed']} shows all."
            )

    def _ordered(self, name: str) -> None:
        self._touched, self._order_name = True, name
        self.query_one(Title).order = name
        self._ask_for(name)
        self.become(self.session, sort=True)
        self.table.cursor = 0

    def _ask_for(self, name: str) -> None:
        """What the engine has to find out for an order; the rows are in a simpler one until then."""
        wants = self._awaited = ORDERS[name].wants
        if wants == "queue":
            self._work.ask(Mix(frozenset(self.session.verdicts)))
            self._tell(AWAITED[wants])
        elif wants == "quality":
            self._tell(self.review() or AWAITED[wants])
        else:
            self._awaited = ""
            self._tell(self._groups_found() if wants else "")

    def range_begins(self) -> int:
        """Among near-duplicates, a range is the whole group."""
        groups, at = self.session.insight.groups, self.table.cursor
        if self._order_name != ALIKE or not groups or not len(self._order):
            return at
        contents = self.session.rows.contents
        mine = groups.get(contents[int(self._order[at])])
        first = last = at
        while first > 0 and groups.get(contents[int(self._order[first - 1])]) == mine:
            first -= 1
        while last + 1 < len(self._order) and groups.get(contents[int(self._order[last + 1])]) == mine:
            last += 1
        self.table.cursor = last
        return first

    def review(self) -> str:
        """Have the verdicts held against heads that have not seen them; or why that cannot be."""
        session = self.session
        verdicts, aside = session.taught()
        if session.why_not or session.onlooking:
            return session.onlooking or session.why_not
        if len(verdicts) < FEWEST or len(set(verdicts.values())) < 2:
            return (
                f"Likely mistakes, and how right models are, are found from {FEWEST} verdicts on, of two labels at least."
            )
        self._work.ask(Review(verdicts, aside))
        if session.insight.not_reviewed:
            self.become(replace(session, insight=replace(session.insight, not_reviewed="")))
        return ""

    def explain(self) -> None:
        """Say which flips a retrain did not learn, once it is known whether others contradict them."""
        if missed(self.session).any():
            self._explains, self._grouped = True, self.session.rows.contents
            self._work.ask(Alike())

    def _explained(self) -> None:
        session, rows = self.session, self.session.rows
        apart: list[tuple[str, str]] = []
        left = {rows.contents[int(row)]: rows.names[row] for row in missed(session).nonzero()[0]}
        for content, name in left.items():
            other = session.insight.against(content, session.verdicts)
            copies = rows.showing([other] if other is not None else [])
            apart += [(name, rows.names[int(copies[0])])] if len(copies) else []
        if left:
            self._tell(f"{not_learned(len(left), apart, session.keys)} {session.notice}")

    def found(self, before: Session) -> None:
        """The engine found something out: an order that waited for it is worked out again."""
        insight = self.session.insight
        if self._explains and insight.groups is not before.insight.groups:
            self._explains = False
            self._explained()
        if self._awaited == "quality" and insight.not_reviewed:
            self._awaited = ""
            self._tell(insight.not_reviewed)
        if not self._awaited or getattr(insight, self._awaited) is getattr(before.insight, self._awaited):
            return
        awaited, self._awaited = self._awaited, ""
        if awaited == "groups":
            self._show_groups()
            return
        self.become(self.session.told(self._suspects_found() if awaited == "quality" else ""), sort=True)
        self.table.cursor = 0

    def _groups_found(self) -> str:
        insight = self.session.insight
        apart = len(insight.contradicting(self.session.verdicts))
        groups = count(len(insight.members), "group")
        contra = f", {apart} with verdicts that contradict each other (≠)" if apart else ""
        keys = self.session.keys
        return f"{groups} of near-duplicates{contra}; {keys['range']} takes a whole one, {keys['duplicates']} ends this."

    def _suspects_found(self) -> str:
        insight = self.session.insight
        return f"{count(len(insight.suspects), 'verdict')} may be a mistake. {unseen(insight.review)}"

    def action_filter(self) -> None:
        """Begin to type what is to be shown."""
        self.become(replace(self.session, typing=self.session.filter))

    def typed(self, key: str, character: str | None) -> bool:
        """Take a key for the filter; False where nobody types one, or the key is for the table all the same."""
        typing = self.session.typing
        if typing is None:
            return False
        if key in ENDS:
            self._filtered(typing if key == "enter" else "", None)
        elif key in EDITS or (character is not None and character.isprintable()):
            now = EDITS[key](typing) if key in EDITS else typing + (character or "")
            self._filtered(now, now)
        else:
            return False
        return True

    def _filtered(self, text: str, typing: str | None) -> None:
        self._touched = True
        self.become(replace(self.session, filter=text.strip(), typing=typing), sort=True)
