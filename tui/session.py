"""Session: all that the app knows, as one frozen value; `after(event)` gives the next one. No Textual here."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from engine.events import (
    BatchEnded,
    EpochEnded,
    Event,
    FeaturesRead,
    FolderChanged,
    ImageSkipped,
    ImagesPredicted,
    LiveLearned,
    LiveWaits,
    LiveWorked,
    ModelOpened,
    ModelRestored,
    ModelSaved,
    Retrained,
    RoomAsked,
    SamplesCompared,
    TrainingBegan,
)
from engine.journal import Verdict
from tui.commands import KEYS
from tui.notices import live_begins, live_learned, put_off
from tui.rows import Rows
from tui.text import count, learned

LOSSES_KEPT = 200
"""Of the loss curve; a terminal is no wider."""


@dataclass(frozen=True)
class Training:
    """A retrain under way."""

    trainer: str
    samples: int
    epochs: int
    compared: int = 0
    """Samples whose inner products are done, before the first epoch."""
    epoch: int = 0
    batch: int = 0
    batches: int = 0
    loss: float = float("nan")
    accuracy: float = float("nan")
    why: str = ""


@dataclass(frozen=True)
class Scan:
    """A scan under way."""

    done: int
    total: int
    from_store: int


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
    losses: tuple[float, ...] = ()
    """Of the present or last retrain, one a batch."""
    waiting: Retrained | None = None
    """A challenger that is right on fewer verdicts, until the person says what becomes of it."""
    room: RoomAsked | None = None
    """What new images need, until the person says how their features are kept."""
    put_off: bool = False
    """Whether the person does not want to decide that now."""
    filter: str = ""
    """What the person wants to see; empty for everything."""
    typing: str | None = None
    """The filter while it is typed."""
    shown: NDArray[np.intp] | None = None
    """The rows that the filter lets through, by number, in the order in which they are shown; None for all."""
    notice: str = ""
    """One line for the person."""
    problem: str = ""
    """What went wrong with the whole engine; empty while all is well."""
    keys: Mapping[str, str] = field(default_factory=lambda: KEYS)
    """What to press for a command, by its id."""

    def __post_init__(self) -> None:
        # At first, and where another process gave verdicts on the same folder meanwhile.
        if self.tally.total() != len(self.verdicts):
            object.__setattr__(self, "tally", _kinds(self.verdicts))

    def after(self, event: Event) -> "Session":
        """The session once `event` has happened."""
        match event:
            case ModelOpened():
                return self._opened(event)
            case FolderChanged():
                return self._folder_changed(event)
            case ImagesPredicted():
                return replace(self, rows=self.rows.predicted(event, self._numbers(event.contents)))
            case ImageSkipped():
                return replace(self, rows=self.rows.skipped(event.image, event.reason))
            case FeaturesRead(done=done, total=total, from_store=known):
                return replace(self, scan=Scan(done, total, known) if done < total else None)
            case RoomAsked():
                # Of all images, not of some that came later.
                return replace(self, room=max(self.room or event, event, key=lambda asked: asked.images))
            case TrainingBegan():
                training = Training(event.trainer, event.samples, event.epochs, why=event.why)
                return replace(self, training=training, losses=(), notice="")
            case LiveWorked(done=done, total=total):
                return replace(self, preparing=f"{done:,} of {total:,}" if done < total else "")
            case LiveLearned():
                words = learned(event.flips, event.learned, event.accepted, event.broken)
                said = live_learned(words, self.keys) if event.verdicts else live_begins(self.keys)
                return replace(self, notice=said, preparing="", problem="")
            case LiveWaits(why=why):
                return replace(self, notice=f"Live: {why}", preparing="")
            case SamplesCompared(done=done, total=total):
                training = self.training or Training("", total, 0)
                return replace(self, training=replace(training, compared=done))
            case BatchEnded() | EpochEnded():
                return self._trained(event)
            case Retrained():
                return self._retrained(event)
            case ModelSaved(version=version):
                return self._replaced(version, f"{self.notice} Saved as version {version}.".strip())
            case ModelRestored(version=version):
                return self._replaced(version, f"Version {version} is back.")
            case _:
                assert_never(event)

    def judged(self, verdicts: Mapping[bytes, Verdict], changed: Iterable[bytes]) -> "Session":
        """The session with these verdicts in force; `changed` are the pictures on which they differ from before."""
        pictures = set(changed)
        came = {each: verdicts[each] for each in pictures if each in verdicts}
        went = {each: self.verdicts[each] for each in pictures if each in self.verdicts}
        tally = self.tally.copy()
        tally.update(_kinds(came))
        tally.subtract(_kinds(went))
        session = replace(self, verdicts=verdicts, tally=tally, labels=self._with_new(self.labels, came))
        return replace(session, rows=self.rows.judged(dict.fromkeys(pictures, -1) | session._numbers(pictures)))

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
        return replace(self, training=None, scan=None, notice=notice)

    def failed(self, problem: str) -> "Session":
        """A task failed as a whole."""
        return replace(self, training=None, scan=None, problem=problem)

    def told(self, notice: str) -> "Session":
        """With a line for the person; what went wrong before is read by now."""
        return replace(self, notice=notice, problem="")

    def began(self) -> "Session":
        """A retrain was asked for."""
        return replace(self, training=Training("", len(self.verdicts), 1), trained=None, losses=(), notice="", problem="")

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

    def _numbers(self, pictures: Iterable[bytes]) -> dict[bytes, int]:
        """The verdicts in force on these pictures, as label numbers."""
        number = {label: index for index, label in enumerate(self.labels)}
        given = {each: self.verdicts[each].label for each in pictures if each in self.verdicts}
        return {each: number[label] for each, label in given.items() if label in number}

    def _opened(self, event: ModelOpened) -> "Session":
        """The labels of another model may have another order; rows know labels by number."""
        session = replace(self, learns_labels=event.learns_labels)
        labels = session._with_new(event.labels, self.verdicts)
        rows = self.rows.for_labels(self.labels, labels, len(event.labels))
        return replace(session, model=event.name, labels=labels, version=event.version, why_not=event.why_not, rows=rows)

    def _with_new(self, labels: tuple[str, ...], verdicts: Mapping[bytes, Verdict]) -> tuple[str, ...]:
        """`labels`, and behind them those of the verdicts that are not among them, where the model learns labels."""
        if not self.learns_labels:
            return labels
        return tuple(dict.fromkeys((*labels, *(each.label for each in verdicts.values() if each.label))))

    def _folder_changed(self, event: FolderChanged) -> "Session":
        rows = self.rows.changed(event)
        first = not len(self.rows)
        came, went = len(event.added), len(event.removed)
        words = [
            f"{came} new" * bool(came),
            f"{went} gone" * bool(went),
            f"{len(event.changed)} changed" * bool(event.changed),
        ]
        names = (*event.added, *event.removed, *event.changed)
        what = f": {names[0]}" if len(names) == 1 else " in the folder"
        notice = "" if first else f"{', '.join(filter(None, words))}{what}."
        return replace(self, rows=rows, notice=notice or self.notice)

    def _trained(self, event: BatchEnded | EpochEnded) -> "Session":
        training = self.training or Training("", 0, 0)
        if isinstance(event, BatchEnded):
            training = replace(training, epoch=event.epoch, batch=event.batch, batches=event.batches, loss=event.loss)
            return replace(self, training=training, losses=(*self.losses, event.loss)[-LOSSES_KEPT:])
        return replace(
            self, training=replace(training, epoch=event.epoch, epochs=event.epochs, batch=0, accuracy=event.accuracy)
        )

    def _retrained(self, event: Retrained) -> "Session":
        words = learned(event.flips, event.learned, event.accepted, event.broken) + "."
        waiting = None if event.better else event
        return replace(self, training=None, trained=self.training, waiting=waiting, notice=words)

    def _replaced(self, version: int, notice: str) -> "Session":
        # What live showed is what was saved: it stays marked as changed.
        rows = self.rows if self.live else self.rows.before_new_model()
        return replace(self, version=version, rows=rows, waiting=None, notice=notice)


def _kinds(verdicts: Mapping[bytes, Verdict]) -> Counter[tuple[str | None, bool]]:
    """How many verdicts there are of each label, flips apart."""
    return Counter((verdict.label, verdict.flip) for verdict in verdicts.values())
