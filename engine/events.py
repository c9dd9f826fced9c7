"""What long calls say while they run: facts, in the past tense.

Paths of images are relative to the folder, with `/` between parts, as `os.fsdecode` gives them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.findings import (
    AlikeFound,
    ComparisonWorked,
    CurveMeasured,
    ImagesCompared,
    QueueMixed,
    VerdictsCrossed,
    VerdictsNotReviewed,
    VerdictsReviewed,
    VersionsCompared,
    VersionsNotCompared,
)

if TYPE_CHECKING:
    # The app paints its first frame before it loads NumPy.
    import numpy as np
    from numpy.typing import NDArray

    from engine.head import Head
    from engine.head.neighbors import NeighborHead


@dataclass(frozen=True)
class ModelOpened:
    """A model is ready to predict."""

    name: str
    labels: tuple[str, ...]
    version: int
    """The number in the folder's history; 0 is the untouched original."""
    size: tuple[int, int]
    """Width and height of the image that the model takes."""
    trainable: bool
    why_not: str = ""
    """Why the model cannot be trained; empty if it can."""
    learns_labels: bool = False
    """Whether a verdict may name a label that the model does not have yet."""
    held_out: str = ""
    """The sub-folder whose images are never trained on; empty for none."""


@dataclass(frozen=True)
class FolderChanged:
    """Images came, were replaced, or went."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


NO_ANSWER = "The model gives no answer: what it makes of this image is no finite number."
"""What is said of an image whose row of probabilities is not a number."""


@dataclass(frozen=True, eq=False)
class ImagesPredicted:
    """Predictions of one version of the model, a row an image; `path[i]`, `content[i]` and row i belong together."""

    paths: tuple[str, ...]
    contents: tuple[bytes, ...]
    """Content keys: the same for copies of one picture."""
    modified_ns: tuple[int, ...]
    probabilities: NDArray[np.float32]
    """(images, labels); a row of no numbers where the model gives no answer."""
    version: int


@dataclass(frozen=True)
class ImageSkipped:
    """One picture cannot be used."""

    image: str
    reason: str


@dataclass(frozen=True)
class FeaturesRead:
    """How far a scan is."""

    done: int
    total: int
    from_store: int
    """How many of `done` needed no run of the backbone."""
    thing: str = "image"
    """`view` where these are other views of images with a verdict."""


@dataclass(frozen=True)
class CatalogueRecovered:
    """What the engine keeps of the folder was damaged, and was made again."""

    words: str


@dataclass(frozen=True)
class RoomAsked:
    """The scan waits: nobody has said yet how the features of so many new images are to be kept."""

    images: int
    full_bytes: int
    """Room that they take as float32."""
    half_bytes: int
    """As float16."""
    free_bytes: int
    """What the disk has left."""


@dataclass(frozen=True)
class TrainingBegan:
    """A trainer starts."""

    trainer: str
    samples: int
    epochs: int
    """At most so many will run."""
    why: str = ""
    """Why this trainer, where it was not asked for by name."""
    ridge: float | None = None
    """Chosen by cross-validation; None for the usual one, as in `margin`."""
    margin: float | None = None


@dataclass(frozen=True)
class SamplesCompared:
    """How far the inner products of the samples' features are, with which some trainings begin."""

    done: int
    total: int


@dataclass(frozen=True)
class LiveWorked:
    """A step of a live edit is done; `done` of `total` images were looked at, 0 of 1 where none had to be."""

    done: int
    total: int


@dataclass(frozen=True)
class LiveLearned:
    """The head was edited in memory; predictions of all images follow, nothing is saved."""

    verdicts: int
    flips: int
    """Verdicts that the saved model does not predict."""
    learned: int
    accepted: int
    broken: int


@dataclass(frozen=True)
class LiveWaits:
    """There is nothing that can be learned live yet; the predictions are the saved model's."""

    why: str


@dataclass(frozen=True)
class BatchEnded:
    """One step of the optimizer is done."""

    epoch: int
    batch: int
    batches: int
    loss: float


@dataclass(frozen=True)
class EpochEnded:
    """One pass over the samples is done; `accuracy` is the share of verdicts that are predicted."""

    epoch: int
    epochs: int
    loss: float
    accuracy: float


@dataclass(frozen=True)
class Score:
    """How a head does on the verdicts."""

    correct: int
    of: int
    loss: float
    """Mean cross entropy (classifiers) or mean squared error (regressors)."""


@dataclass(frozen=True)
class Held:
    """Of the pictures that are held out, how many the old model and the new one predict; neither was trained on them."""

    of: int = 0
    before: int = 0
    after: int = 0


@dataclass(frozen=True, eq=False)
class Retrained:
    """Training is done; nothing is saved yet."""

    head: Head | NeighborHead
    flips: int
    """Verdicts that the old head did not predict."""
    learned: int
    """Of those, how many the new head predicts."""
    accepted: int
    """Verdicts that the old head did predict."""
    kept: int
    broken: int
    before: Score
    after: Score
    held: Held = Held()
    augment: str = "none"
    """One of `engine.augment.AUGMENTS`: the views that it was trained on as well."""
    offered: bool = False
    """Whether the training was stopped before its end: the person decides what becomes of it."""

    @property
    def better(self) -> bool:
        """Right on at least as many verdicts as before."""
        return self.after.correct >= self.before.correct


@dataclass(frozen=True)
class ModelSaved:
    """The new model was written, read back, and predicts what the trained head predicts."""

    path: Path
    version: int
    before: Score
    after: Score
    held: Held = Held()


@dataclass(frozen=True)
class ModelRestored:
    """An older version is the present model again."""

    version: int


@dataclass(frozen=True)
class ModelReplaced:
    """Another program wrote a model over the present one; it is the present one now."""

    version: int


@dataclass(frozen=True)
class ModelRefused:
    """Another program wrote a file over the present model that cannot take its place; the old one stays in use."""

    why: str


Event = (
    ModelOpened
    | FolderChanged
    | ImagesPredicted
    | ImageSkipped
    | FeaturesRead
    | CatalogueRecovered
    | RoomAsked
    | TrainingBegan
    | SamplesCompared
    | ImagesCompared
    | AlikeFound
    | QueueMixed
    | VerdictsCrossed
    | VerdictsReviewed
    | VerdictsNotReviewed
    | CurveMeasured
    | LiveWorked
    | LiveLearned
    | LiveWaits
    | BatchEnded
    | EpochEnded
    | Retrained
    | ModelSaved
    | ModelRestored
    | ModelReplaced
    | ModelRefused
    | ComparisonWorked
    | VersionsCompared
    | VersionsNotCompared
)
