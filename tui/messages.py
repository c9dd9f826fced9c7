"""What the app and the engine's process say to each other. No Textual here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from engine.events import Event
from engine.keeping import ASK_ABOVE_BYTES, Keeping

if TYPE_CHECKING:
    from engine.workspace import Workspace


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

    def workspace(self) -> "Workspace":
        """What is asked for, open. Raises FolderError, ModelError or BadSetting."""
        from engine.workspace import Workspace

        return Workspace(self.folder, self.model, self.out, self.keeping, self.ask_above_bytes, self.usual)


@dataclass(frozen=True)
class Retrain:
    """Train on these verdicts: content key -> label; `at` in Unix seconds."""

    verdicts: Mapping[bytes, str]
    at: float
    trainer: str = "auto"


@dataclass(frozen=True)
class Keep:
    """Promote the challenger that waits, although it is right on fewer verdicts."""

    at: float


@dataclass(frozen=True)
class Live:
    """Edit in memory for these verdicts, content key -> label, and show what comes of it; None ends that."""

    verdicts: Mapping[bytes, str] | None


@dataclass(frozen=True)
class Room:
    """The answer to `RoomAsked`: how features are to be kept."""

    keeping: Keeping


@dataclass(frozen=True)
class Stop:
    """Stop what is running."""


Request = Retrain | Keep | Live | Room | Stop


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

    why: str


Said = Event | Ended | Failed | Crashed
