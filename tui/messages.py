"""What the app and the engine's process say to each other. No Textual here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

from engine.aside import NOTHING, Aside
from engine.events import Event
from engine.keeping import ASK_ABOVE_BYTES, Keeping
from engine.limits import USUAL, Limits

if TYPE_CHECKING:
    # Only the child loads it.
    from engine.workspace import Workspace


CURVE_S = 20.0
"""Seconds after which a learning curve is of as many parts as there are."""


@dataclass(frozen=True)
class Opening:
    """What the child opens."""

    folder: Path
    model: Path | None = None
    out: Path | None = None
    keeping: Keeping = field(default_factory=Keeping)
    ask_above_bytes: int = ASK_ABOVE_BYTES
    usual: Keeping = field(default_factory=Keeping)
    """Where nobody ever said how this folder's features are kept."""
    held_out: str = ""
    keep_in: str = ""
    """Where what is kept of the folder is moved to first, by whoever holds it; see `engine.elsewhere`."""
    limits: Limits = USUAL
    follow_links: bool | None = None
    """Whether links that lead out of the folder are; None as before."""
    onlooking: bool = False
    """Another Catflap holds the folder: nothing is written."""

    def again(self) -> Opening:
        """The same once more: what was said of keeping is remembered by now, and may have been said anew since."""
        return replace(self, keeping=Keeping(), held_out="")

    def workspace(self) -> Workspace:
        """What is asked for, open. Raises FolderError, ModelError or BadSetting."""
        from engine.workspace import Workspace

        asked = self.keeping, self.ask_above_bytes, self.usual, self.held_out, self.limits, self.follow_links
        return Workspace(self.folder, self.model, self.out, *asked)


class Request(Protocol):
    """What the app asks for, and how the child does it."""

    kind: ClassVar[str]
    """A key of RANKS."""

    def begin(self, workspace: Workspace, stopping: Callable[[], bool]) -> Iterator[Event]:
        """The task. `stopping` tells whether the person wants it to come to an end; not all tasks can."""
        ...


RANKS: Mapping[str, int] = {
    "retrain": 0, "model": 0, "live": 1, "scan": 2, "alike": 3, "mix": 3, "compare": 3, "review": 4,
    "curve": 5,
}  # fmt: skip
"""By kind: what has a lower rank goes first, and what has a higher one goes on afterwards."""
OVERTAKEN: Mapping[str, tuple[str, ...]] = {
    "retrain": ("live",), "model": ("live",), "live": ("live",), "scan": (), "review": ("review",),
    "compare": ("compare",), "alike": ("alike",), "mix": ("mix",), "curve": ("curve",),
}  # fmt: skip
"""By kind: those whose place it takes. An edit under way is of verdicts, or of a model, that are not the last any more."""


@dataclass(frozen=True)
class Retrain:
    """Train on these verdicts: content key -> label; `at` in Unix seconds."""

    verdicts: Mapping[bytes, str]
    at: float
    trainer: str = "auto"
    aside: Aside = NOTHING
    augment: str = "none"
    kind: ClassVar[str] = "retrain"

    def begin(self, workspace: Workspace, stopping: Callable[[], bool]) -> Iterator[Event]:
        """A training that is stopped is not promoted by itself: what came of it is offered."""
        # Only in the child: the app paints without the trainers.
        from engine.trainers import Settings

        settings = Settings(augment=self.augment, out_of_time=stopping)
        return workspace.retrain(self.verdicts, self.trainer, settings, self.at, aside=self.aside, offered=stopping)


@dataclass(frozen=True)
class Keep:
    """Promote the challenger that waits for a decision."""

    at: float
    kind: ClassVar[str] = "model"

    def begin(self, workspace: Workspace, stopping: Callable[[], bool]) -> Iterator[Event]:
        """Nothing, where there is none."""
        return workspace.keep_challenger(self.at)


@dataclass(frozen=True)
class Restore:
    """Make an older version the present model again."""

    version: int
    at: float
    kind: ClassVar[str] = "model"

    def begin(self, workspace: Workspace, stopping: Callable[[], bool]) -> Iterator[Event]:
        """Predictions of all images follow."""
        return workspace.restore(self.version, self.at)


@dataclass(frozen=True)
class Compare:
    """Tell what two versions say of all images."""

    first: int
    second: int
    kind: ClassVar[str] = "compare"

    def begin(self, workspace: Workspace, stopping: Callable[[], bool]) -> Iterator[Event]:
        """In steps, between which everything else goes on."""
        return workspace.compare(self.first, self.second)


@dataclass(frozen=True)
class Live:
    """Edit in memory for these verdicts, content key -> label, and show what comes of it; None ends that."""

    verdicts: Mapping[bytes, str] | None
    aside: Aside = NOTHING
    kind: ClassVar[str] = "live"

    def begin(self, workspace: Workspace, stopping: Callable[[], bool]) -> Iterator[Event]:
        """Predictions of all images follow."""
        return workspace.end_live() if self.verdicts is None else workspace.live(self.verdicts, self.aside)


@dataclass(frozen=True)
class Room:
    """The answer to `RoomAsked`: how features are to be kept."""

    keeping: Keeping
    kind: ClassVar[str] = "scan"

    def begin(self, workspace: Workspace, stopping: Callable[[], bool]) -> Iterator[Event]:
        """The scan goes on."""
        return workspace.keep(self.keeping)


@dataclass(frozen=True)
class Alike:
    """Find groups of near-duplicates."""

    kind: ClassVar[str] = "alike"

    def begin(self, workspace: Workspace, stopping: Callable[[], bool]) -> Iterator[Event]:
        """Labelling goes on meanwhile."""
        return workspace.alike()


@dataclass(frozen=True)
class Mix:
    """Order the pictures as a person best judges them; `judged` have a verdict."""

    judged: frozenset[bytes]
    kind: ClassVar[str] = "mix"

    def begin(self, workspace: Workspace, stopping: Callable[[], bool]) -> Iterator[Event]:
        """Labelling goes on meanwhile."""
        return workspace.mix(self.judged)


@dataclass(frozen=True)
class Review:
    """Cross-validate these verdicts: content key -> label."""

    verdicts: Mapping[bytes, str]
    aside: Aside = NOTHING
    kind: ClassVar[str] = "review"

    def begin(self, workspace: Workspace, stopping: Callable[[], bool]) -> Iterator[Event]:
        """Labelling goes on meanwhile."""
        return workspace.review(self.verdicts, self.aside)


@dataclass(frozen=True)
class Curve:
    """Tell how much more verdicts teach: content key -> label."""

    verdicts: Mapping[bytes, str]
    aside: Aside = NOTHING
    kind: ClassVar[str] = "curve"

    def begin(self, workspace: Workspace, stopping: Callable[[], bool]) -> Iterator[Event]:
        """In CURVE_S, or in what one part of it takes; labelling goes on meanwhile."""
        end = time.monotonic() + CURVE_S
        yield from workspace.curve(self.verdicts, self.aside, lambda: time.monotonic() >= end)


@dataclass(frozen=True)
class Stop:
    """Stop what is running."""


@dataclass(frozen=True)
class Ended:
    """The child has nothing left to do, or was stopped."""

    stopped: bool = False


@dataclass(frozen=True)
class Failed:
    """A task of the child failed as a whole."""

    sentence: str
    hint: str
    fatal: bool = False
    """The child could not open the folder or model, and has ended."""


@dataclass(frozen=True)
class Crashed:
    """The child is gone without a word."""

    code: int | None
    """Its exit code, or minus the signal that ended it; None where it had to be ended, since it did not answer any more."""


@dataclass(frozen=True)
class NotRunning:
    """Something was asked for while there is no child."""


Said = Event | Ended | Failed | Crashed | NotRunning
