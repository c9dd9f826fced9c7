"""What the engine waits for: an answer to a question that only the person can decide."""

import time

from engine.journal import Journal
from engine.keeping import LEAST_BYTES, Keeping
from tui.messages import Keep, Room
from tui.screens.choose import Choice, Choose
from tui.screens.labelling import Labelling
from tui.text import count, lacking, size
from tui.work import Work

ROOM = 2_000_000_000
"""What the dialog offers as a limit; half of what is free, where that is less."""


class Questions(Labelling):
    """A screen that asks, one question at a time; nobody has to answer before labelling on."""

    def __init__(self, journal: Journal, work: Work) -> None:
        super().__init__(journal)
        self._work, self._asking = work, False

    def ask_what_waits(self) -> None:
        """Ask what the session waits for, unless a question is on the screen."""
        if self._asking:
            return
        if self.session.waiting is not None:
            self._ask_about_model()
        elif self.session.room is not None and not self.session.put_off:
            self._ask_about_room()

    def _ask_about_model(self) -> None:
        result = self.session.waiting
        assert result is not None
        self._asking = True
        began = "The training was stopped; what came of it" if result.offered else "The new model"
        question = (
            f"{began} is right on {result.after.correct} of {result.after.of} verdicts; "
            f"the present one on {result.before.correct}."
        )
        choices = (Choice("y", "use the new model all the same", True),)
        self.app.push_screen(Choose(question, choices, "keep the present one"), self._model_decided)

    def _model_decided(self, keep: bool | None) -> None:
        self._asking = False
        if keep and self.session.waiting is None:
            self._tell(f"What was trained went with the engine; {self.session.keys['retrain']} trains it again.")
            return
        if keep:
            self._work.ask(Keep(time.time()))
        self.become(self.session.decided("" if keep else "The present model stays."))

    def _ask_about_room(self) -> None:
        asked = self.session.room
        assert asked is not None
        self._asking = True
        short = lacking(asked.free_bytes, asked.full_bytes, asked.half_bytes)
        question = (
            f"{count(asked.images, 'image')} to read. What the frozen layers make of each is kept, so that a retrain takes "
            f"moments; the disk has {size(asked.free_bytes)} left.{short}"
        )
        room = ROOM if asked.free_bytes > ROOM else max(LEAST_BYTES, asked.free_bytes // 2)
        limit = f"keep at most {size(room)}; the others are read again at every retrain"
        choices = (
            Choice("f", f"keep all of it: {size(asked.full_bytes)}", Keeping("full", "none")),
            Choice("h", f"keep all in half precision: {size(asked.half_bytes)}", Keeping("half", "none")),
            Choice("l", limit, Keeping("full", f"{room}B")),
        )
        self.app.push_screen(Choose(question, choices, "not now: do not read them"), self._room_decided)

    def _room_decided(self, keeping: Keeping | None) -> None:
        self._asking = False
        if keeping is not None:
            self._work.ask(Room(keeping))
        self.become(self.session.roomed(keeping is not None))

    def action_room(self) -> None:
        """Ask again what was put off."""
        self.become(self.session.asked_again())
        self.ask_what_waits()
