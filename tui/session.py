"""Session: all that the app knows, as one frozen value; `after(event)` gives the next one. No Textual here."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.aside import Aside, shared_out
from engine.events import Event, Retrained, RoomAsked
from engine.journal import Verdict
from tui.after import FOLDS
from tui.commands import KEYS
from tui.comparison import Comparison
from tui.insight import Insight
from tui.notices import live_begins, one_more, put_off
from tui.progress import Scan, Training
from tui.rows import EXCLUDED, OPEN, Rows
from tui.text import count


@dataclass(frozen=True, eq=False)
class Session:
    """What the screen shows."""

    folder: Path = Path()
    model: str = ""
    """Name of the model file; empty until it is opened."""
    labels: tuple[str, ...] = ()
    """The model's, in its order; then those that verdicts brought, where the model learns labels."""
    learns_labels: bool = False
    version: int = 0
    why_not: str = ""
    """Why the model cannot be trained; empty if it can."""
    held_out: str = ""
    """The sub-folder whose images are never trained on; empty for none."""
    rows: Rows = field(default_factory=Rows)
    verdicts: Mapping[bytes, Verdict] = field(default_factory=dict[bytes, Verdict])
    """By picture content."""
    tally: Counter[tuple[str | None, bool]] = field(default_factory=Counter[tuple[str | None, bool]])
    """How many verdicts there are of each label, flips apart; kept up verdict by verdict, since there may be many."""
    scan: Scan | None = None
    training: Training | None = None
    live: bool = False
    """Whether what is shown is edited in memory after every verdict; nothing of it is saved."""
    preparing: str = ""
    """How far live is, where it takes a while."""
    trained: Training | None = None
    """How the last retrain ended."""
    came_of: Retrained | None = None
    """What the last retrain came to, whether it was kept or not."""
    losses: tuple[float, ...] = ()
    """Of the present or last retrain, one a batch."""
    saving: bool = False
    """Whether what was trained is being verified and saved."""
    again: bool = False
    """Whether another retrain follows, on the verdicts that are given meanwhile."""
    waiting: Retrained | None = None
    """A challenger that is right on fewer verdicts, until the person says what becomes of it."""
    room: RoomAsked | None = None
    """What new images need, until the person says how their features are kept."""
    put_off: bool = False
    """Whether the person does not want to decide that now."""
    comparison: Comparison | None = None
    """Of two versions, the last that was asked for."""
    insight: Insight = field(default_factory=Insight)
    filter: str = ""
    """What the person wants to see; empty for everything."""
    typing: str | None = None
    """The filter while it is typed."""
    shown: NDArray[np.intp] | None = None
    """The rows that the filter lets through, by number, in the order in which they are shown; None for all."""
    notice: str = ""
    """One line for the person."""
    onlooking: str = ""
    """Why nothing may be written: who holds the folder. Empty where this app does."""
    problem: str = ""
    """What went wrong with the whole engine; empty while all is well."""
    reopened: bool = False
    """Whether another engine opens the folder, which tells of all images anew."""
    keys: Mapping[str, str] = field(default_factory=lambda: KEYS)
    """What to press for a command, by its id."""

    def __post_init__(self) -> None:
        # At first, and where another process gave verdicts on the same folder meanwhile.
        if self.tally.total() != len(self.verdicts):
            object.__setattr__(self, "tally", _kinds(self.verdicts))

    def after(self, event: Event) -> "Session":
        """The session once `event` has happened."""
        return FOLDS[type(event)](self, event)

    def judged(self, verdicts: Mapping[bytes, Verdict], changed: Iterable[bytes]) -> "Session":
        """The session with these verdicts in force; `changed` are the pictures on which they differ from before."""
        pictures = set(changed)
        came = {each: verdicts[each] for each in pictures if each in verdicts}
        went = {each: self.verdicts[each] for each in pictures if each in self.verdicts}
        tally = self.tally.copy()
        tally.update(_kinds(came))
        tally.subtract(_kinds(went))
        session = replace(self, verdicts=verdicts, tally=tally, labels=self.with_new(self.labels, came))
        return replace(session, rows=self.rows.judged(dict.fromkeys(pictures, OPEN) | session.numbers(pictures)))

    def roomed(self, keeps: bool) -> "Session":
        """The person said how features are kept, or nothing yet."""
        assert self.room is not None
        if keeps:
            return replace(self, room=None, notice="")
        return replace(self, put_off=True, notice=put_off(self.unread, self.keys))

    def asked_again(self) -> "Session":
        """The person wants to decide now."""
        if self.room is None:
            return self.told("No image waits for room on the disk.")
        return replace(self, put_off=False, notice="")

    def ended(self, stopped: bool) -> "Session":
        """Nothing runs any more: it ended by itself, or the person stopped it."""
        notice = "Stopped; the model is as it was." if stopped and self.training else self.notice
        comparison = self.comparison if self.comparison is not None and self.comparison.ended else None
        return replace(self, training=None, saving=False, scan=None, comparison=comparison, notice=notice)

    def failed(self, problem: str) -> "Session":
        """A task failed as a whole."""
        return replace(self, training=None, saving=False, scan=None, again=False, problem=problem)

    def without_engine(self, notice: str = "", problem: str = "") -> "Session":
        """What the engine was asked for and has not answered is dropped; what live showed stays until it is predicted."""
        left = replace(self.ended(False), again=False, waiting=None, losses=(), live=False, preparing="", reopened=True)
        insight = self.insight
        if insight.review is None or insight.curve is None:
            insight = replace(insight, not_reviewed="The engine ended before this was worked out; open it again.")
        return replace(left, insight=insight, notice=notice, problem=problem)

    def told(self, notice: str) -> "Session":
        """With a line for the person; what went wrong before is read by now."""
        return replace(self, notice=notice, problem="")

    def began(self) -> "Session":
        """A retrain was asked for."""
        training = Training("", len(self.verdicts), 1)
        return replace(self, training=training, trained=None, came_of=None, losses=(), notice="", problem="")

    def queued(self) -> "Session":
        """Another retrain was asked for while one runs: one more follows, however often."""
        return replace(self, again=True, notice=one_more(self.keys))

    def lived(self, on: bool) -> "Session":
        """Live was switched on or off; what it changes is compared with what the saved model predicts."""
        if not on:
            return replace(self, live=False, preparing="", notice="Live is off: what the saved model predicts is shown.")
        return replace(self, live=True, rows=self.rows.before_new_model(), notice=live_begins(self.keys), problem="")

    def decided(self, notice: str) -> "Session":
        """The person said what becomes of the challenger."""
        return replace(self, waiting=None, notice=notice or self.notice)

    @property
    def busy(self) -> bool:
        """Whether a retrain runs."""
        return self.training is not None

    @property
    def settled(self) -> bool:
        """Whether no retrain runs, nor is saved, nor follows."""
        return not (self.busy or self.saving or self.again)

    @property
    def working(self) -> bool:
        """Whether something runs that Esc would stop."""
        return self.busy or self.scan is not None

    @property
    def unread(self) -> str:
        """How many images wait for a decision, in words; empty while none does."""
        return count(self.room.images, "new image") if self.room is not None else ""

    @property
    def label_counts(self) -> dict[str, int]:
        """By label, how many verdicts; copies count once."""
        counts = dict.fromkeys(self.labels, 0)
        for (label, _), number in self.tally.items():
            if label in counts:
                counts[label] += number
        return counts

    @property
    def flips(self) -> int:
        """Verdicts that differ from what was shown when they were given."""
        return sum(number for (_, flip), number in self.tally.items() if flip)

    def numbers(self, pictures: Iterable[bytes]) -> dict[bytes, int]:
        """The verdicts in force on these pictures, as label numbers."""
        number: dict[str | None, int] = {None: EXCLUDED, **{label: index for index, label in enumerate(self.labels)}}
        given = {each: self.verdicts[each].label for each in pictures if each in self.verdicts}
        return {each: number[label] for each, label in given.items() if label in number}

    def taught(self) -> tuple[dict[bytes, str], Aside]:
        """The labels to learn, by content, and the pictures that no training sees."""
        return shared_out(self.verdicts, self.held)

    @property
    def held(self) -> frozenset[bytes]:
        """The pictures in the sub-folder that is held out."""
        return frozenset(self.rows.contents[row] for row in self.rows.images.below(self.held_out).tolist()) - {b""}

    @property
    def given(self) -> int:
        """Verdicts that give a label."""
        return self.tally.total() - self.excluded

    @property
    def excluded(self) -> int:
        """Pictures that are not to be trained on."""
        return self.tally[None, False]

    def with_new(self, labels: tuple[str, ...], verdicts: Mapping[bytes, Verdict]) -> tuple[str, ...]:
        """`labels`, and behind them those of the verdicts that are not among them, where the model learns labels."""
        if not self.learns_labels:
            return labels
        return tuple(dict.fromkeys((*labels, *(each.label for each in verdicts.values() if each.label))))


def _kinds(verdicts: Mapping[bytes, Verdict]) -> Counter[tuple[str | None, bool]]:
    """How many verdicts there are of each label, flips apart."""
    return Counter((verdict.label, verdict.flip) for verdict in verdicts.values())
