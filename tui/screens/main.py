"""The main screen: the table, the picture beside it, and what every key does."""

import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Footer

from engine.events import FolderChanged, ImagesPredicted, ModelOpened, ModelReplaced, ModelRestored, ModelSaved
from engine.journal import Journal
from engine.lock import Holder
from tui.commands import Command, key_words, with_keys
from tui.filters import wanted
from tui.folding import after_all, together
from tui.keys import face
from tui.memory import give_back
from tui.messages import Crashed, Ended, Failed, Live, NotRunning, Retrain, Stop
from tui.notices import hint, looking_only, none_given, themed
from tui.order import arranged, extended, first_of
from tui.screens.help import Help
from tui.screens.leaving import Leaving
from tui.session import Session
from tui.settings import Choices
from tui.widgets.facts import Facts
from tui.widgets.lines import Counts, Notice, Title
from tui.widgets.picture import Picture
from tui.widgets.still import Beside
from tui.widgets.table import Table
from tui.widgets.training import Training
from tui.work import Work

SWAPS = {ModelSaved, ModelRestored, ModelReplaced}
"""Events after which another model is the present one."""
LISTEN_S = {False: 0.1, True: 0.5}
"""Seconds between two looks at what the engine said, by whether the link is slow."""


class Main(Leaving):
    """Holds the session; every change of it goes through `become`."""

    class Refused(Message):
        """The engine could not open the folder or the model, and says why."""

        def __init__(self, words: str) -> None:
            super().__init__()
            self.words = words

    def __init__(
        self, folder: Path, work: Work, journal: Journal, choices: Choices, holder: Holder | None = None, told: str = ""
    ) -> None:
        """`holder` is who holds the folder, where this app only looks; `told`, what there is to say before all else."""
        super().__init__(journal, work, folder, choices)
        self._swapped, self._order_name = False, choices.order
        self._commands = with_keys(choices.keys)
        verdicts, keys = journal.in_force(), key_words(self._commands)
        looking = looking_only(holder) if holder is not None else ""
        notice = looking or told or ("" if verdicts else hint(keys))
        self._holder = holder
        session = Session(folder=folder, verdicts=verdicts, keys=keys, notice=notice, onlooking=looking)
        self.set_reactive(Main.session, session)

    def compose(self) -> ComposeResult:
        """Title; table and side; counts; notice; keys."""
        yield Title(id="title").data_bind(Main.session)
        with Beside(id="middle"):
            yield Table(id="table")
            yield self.new_sheet()
            with Vertical(id="side"):
                yield Picture(self._choices.drawn, id="picture")
                yield Facts(id="facts")
                yield Training(id="training").data_bind(Main.session)
        yield Counts(id="counts").data_bind(Main.session)
        yield Notice(id="notice").data_bind(Main.session)
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Start to listen."""
        self.set_class(self._choices.drawn == "off", "-no-picture")
        self.query_one(Title).order = self._order_name
        self.set_interval(LISTEN_S[self._choices.slow_link], self._listen)
        self.app.theme_changed_signal.subscribe(self, lambda theme: self._tell(themed(theme.name)))

    def on_unmount(self) -> None:
        """End both children."""
        self._pictures.close()
        self._work.close()

    # What the engine says.

    def _listen(self) -> None:
        """Fold all that was said since the last time into one new session."""
        session, kinds = self.session, set[type]()
        for each in together(self._work.heard()):
            kinds.update(map(type, each) if isinstance(each, list) else (type(each),))
            match each:
                case list():
                    self.forget_pictures(each)
                    session = after_all(session, each)
                case Ended(stopped=stopped):
                    session = session.ended(stopped)
                case Failed(sentence=sentence, hint=hint, fatal=fatal):
                    if fatal and not session.model:
                        self.post_message(self.Refused(f"{sentence}\n{hint}"))
                    session = self.engine_failed(session, each)
                case Crashed(code=code):
                    session = self.engine_ended(session, code)
                case NotRunning():
                    session = self.engine_missing(session)
        if session is not self.session:
            before, self._swapped = self.session, self._swapped or bool(kinds & SWAPS)
            ended = Ended in kinds
            moving = bool(kinds & {ImagesPredicted, FolderChanged, ModelOpened})
            self.become(session, sort=(ended and self._swapped) or (moving and not self._touched))
            self.found(before)
            if ended and self._swapped and not session.again and not session.onlooking:
                self.explain()
                self.review()
            self._swapped &= not ended
            if ended:
                self.call_after_refresh(give_back)
        self.ask_what_waits()
        self.hear_of_others(self._folder)
        if self.session.again and not self.session.busy and self.session.waiting is None:
            self.become(replace(self.session, again=False))
            self.action_retrain()
        self.leave_when_done()

    def become(self, session: Session, sort: bool = False) -> None:
        """Show another session; the cursor stays on its image."""
        table, before = self.table, self.session
        name = before.rows.names[table.row] if table.row >= 0 else ""
        if sort or session.rows.names is not before.rows.names:
            session = self._arranged(session, sort)
        self.session = session
        position = table.cursor
        if session.rows is not before.rows or sort:
            if name in session.rows.at and (self._touched or not sort):
                position = first_of(self._order == session.rows.at[name])
            self._anchor, self._all_shown = (None, False) if sort else (self._anchor, self._all_shown)
            table.show(self.rows_of(session), position)
            self.show_picture()

    def _arranged(self, session: Session, sort: bool) -> Session:
        """Work out what is shown, anew or with what came and went."""
        mask = wanted(session, session.filter)
        if sort:
            order = arranged(session, self._order_name)
            self._order = order[mask[order]]
        else:
            self._order = extended(self._order, self.session.rows.names, session.rows, mask)
        return replace(session, shown=self._order if session.filter else None)

    def on_view_moved(self) -> None:
        """Another row, another picture; a range follows."""
        if self._anchor is not None:
            self.show_rows()
        self.show_picture()

    # What the keys do.

    def action_retrain(self) -> None:
        """Train on all verdicts."""
        if not self.may_write():
            return
        session = self.session
        verdicts, aside = session.taught()
        if not self._work.running:
            self.start_engine()
        elif session.why_not or not verdicts:
            self._tell(session.why_not or none_given(session.keys))
        elif session.busy:
            self.become(session.queued())
        else:
            choices = self._choices
            self._work.ask(Retrain(verdicts, time.time(), choices.trainer, aside, choices.augment))
            self.become(session.began())

    def action_live(self) -> None:
        """Edit in memory after every verdict, or no longer."""
        if not self.may_write():
            return
        session = self.session
        samples = "Live is for models with weights; this one keeps samples, and r takes them in at once."
        if session.why_not or session.learns_labels:
            self._tell(session.why_not or samples)
            return
        self._touched = True
        self.become(session.lived(not session.live))
        if session.live:
            self._work.ask(Live(None))
        else:
            self._ask_live()

    def verdicts_changed(self) -> None:
        """Live goes on from the new verdicts, once the screen shows them."""
        if self.session.live:
            self.call_after_refresh(self._ask_live)

    def _ask_live(self) -> None:
        if not self.session.live:
            # It was switched off while the screen was painted.
            return
        self._work.ask(Live(*self.session.taught()))

    def action_stop(self) -> None:
        """End a range; or leave the large picture; or stop what runs; or show all; or leave the contact sheet."""
        if self._anchor is not None or self._all_shown:
            self._mark(None, False)
            self._tell("")
        elif self.has_class("-large"):
            self.toggle_large()
        elif self.session.working:
            self._work.ask(Stop())
            self.become(replace(self.session, again=False))
        elif self.session.filter:
            self._filtered("", None)
        elif self.has_class("-sheet"):
            self.action_sheet()

    def action_help(self) -> None:
        """All keys."""
        self.app.push_screen(Help(self._commands))

    def action_palette(self) -> None:
        """Every command by its name."""
        self.app.action_command_palette()

    def action_theme(self) -> None:
        """Choose the colours."""
        self.app.action_change_theme()

    def action_quit(self) -> None:
        """Everything is already saved."""
        self.app.exit(return_code=0)


def bound(commands: Iterable[Command]) -> type[Main]:
    """The main screen with these commands' keys; Textual takes them from the class."""
    # On a narrow screen the last line is cut: what tells all keys comes first in it.
    keyed = sorted((command for command in commands if command.keys), key=lambda each: each.action != "help")
    bindings = [
        Binding(",".join(each.keys), each.action, each.name, show=each.footer, key_display=face(each.keys[0]))
        for each in keyed
    ]
    return type("Main", (Main,), {"BINDINGS": bindings})
