"""What a trainer learns from, what it is told, and how its result is judged."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import BadLabels, BadSetting
from engine.events import Retrained, Score
from engine.head import Head
from engine.head.dense_first import DenseFirst, dense_first, flat
from engine.head.losses import LOSSES
from engine.head.neighbors import NeighborHead
from engine.room import EPOCHS
from engine.spec.training import Training

Array = NDArray[Any]
PROBES = 64
"""Verdicts on which a trained head is run for real."""
CLOSE = 1e-3
"""By how much its logits may differ there from those that training went by, relative to the largest, or to 1."""

BUDGET = 6e9
"""Multiplications that may go into a choice by cross-validation: about a second of one core."""
QUICK = BUDGET / 4
"""The same where a choice is made again and again."""


class Aim:
    """What is to be reached: labels for some images, and what the champion says of them."""

    head: Head
    targets: Array
    """(verdicts,) label numbers; for a regressor (verdicts, outputs) the wanted outputs."""

    @property
    def old_logits(self) -> Array:
        """(verdicts, outputs): of the champion."""
        raise NotImplementedError

    @property
    def classifies(self) -> bool:
        """Whether targets are label numbers."""
        return self.targets.ndim == 1

    @property
    def images(self) -> int:
        """How many of the samples are the pictures of verdicts; behind them stand other views of these."""
        return len(self.targets)

    @cached_property
    def flips(self) -> NDArray[np.bool_]:
        """(verdicts,): those that the champion does not predict."""
        return ~self.right(self.old_logits)

    def right(self, logits: Array) -> NDArray[np.bool_]:
        """Which verdicts these logits predict; for a regressor, all that came no further from their target."""
        if self.classifies:
            return logits.argmax(axis=1) == self.targets
        apart = ((logits - self.targets) ** 2).sum(axis=1)
        return apart <= ((self.old_logits - self.targets) ** 2).sum(axis=1) + 1e-12

    @cached_property
    def wanted(self) -> Array:
        """(verdicts, outputs): the targets as probabilities of 0 and 1, or as outputs."""
        if not self.classifies:
            return self.targets
        return np.eye(self.old_logits.shape[1], dtype=np.float32)[self.targets]

    def score(self, logits: Array) -> Score:
        """How these logits do on the pictures of verdicts."""
        loss = LOSSES[self.head.loss, self.head.ends_in_softmax].value(logits.astype(np.float64), self.wanted)
        right = self.right(logits)[: self.images]
        return Score(int(right.sum()), self.images, float(loss[: self.images].mean()))

    def accuracy(self, logits: Array) -> float:
        """The share of verdicts that these logits predict."""
        return float(self.right(logits)[: self.images].mean())

    def result(self, head: Head, logits: Array) -> Retrained:
        """A new head, which gives the verdicts' images these logits, beside the old one."""
        right, flips = self.right(logits)[: self.images], self.flips[: self.images]
        kept = int((right & ~flips).sum())
        return Retrained(
            head=head,
            flips=int(flips.sum()),
            learned=int((right & flips).sum()),
            accepted=int((~flips).sum()),
            kept=kept,
            broken=int((~flips).sum()) - kept,
            before=self.score(self.old_logits),
            after=self.score(logits),
        )


@dataclass(frozen=True, eq=False)
class Known(Aim):
    """An aim whose images have been run by the champion already."""

    head: Head
    targets: Array
    logits: Array

    @property
    def old_logits(self) -> Array:
        """(verdicts, outputs): of the champion."""
        return self.logits


@dataclass(frozen=True, eq=False)
class Lesson(Aim):
    """The present champion and what a person said of its predictions."""

    head: Head
    features: Array
    """(verdicts, ...): of the images with a verdict."""
    targets: Array
    anchors: Array
    """(anchors, ...): features of images without a verdict, whose predictions are to be kept; may be none."""
    names: tuple[str, ...] = ()
    """What the label numbers mean; only heads that learn new labels ask."""
    origin: Head | None = None
    """The untouched model's, where it is another."""
    keeps: NeighborHead | None = None
    """The head, where it keeps samples and has no weights; `head` has no layers then."""
    views: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """(n,): the last n samples are other views of verdicts' pictures: of which ones."""

    @property
    def images(self) -> int:
        """How many of the samples are the pictures of verdicts; behind them stand other views of these."""
        return len(self.targets) - len(self.views)

    @property
    def sources(self) -> NDArray[np.int64]:
        """(samples,): of which verdict each is."""
        return np.concatenate([np.arange(self.images), self.views])

    def with_views(self, features: Array, of: NDArray[np.int64]) -> "Lesson":
        """The same with other views, `features` (n, ...), of verdicts' pictures, `of` (n,), which have their labels."""
        if not len(of):
            return self
        targets = np.concatenate([self.targets, self.targets[of]])
        return replace(self, features=np.concatenate([self.features, features]), targets=targets, views=of)

    @property
    def alone(self) -> "Lesson":
        """Without other views: what is concluded from verdicts is concluded from each once."""
        nothing = self.views[:0]
        return replace(self, features=self.features[: self.images], targets=self.targets[: self.images], views=nothing)

    def of(self, verdicts: NDArray[np.bool_]) -> "Lesson":
        """The same of some verdicts, `verdicts` (images,), with their views; anchors stay. Raises BadLabels for none."""
        samples, number = verdicts[self.sources], np.cumsum(verdicts) - 1
        views = number[self.views[samples[self.images :]]]
        return replace(self, features=self.features[samples], targets=self.targets[samples], views=views)

    def __post_init__(self) -> None:
        if not len(self.features):
            raise BadLabels("There is no verdict to learn from.", "Accept or flip some predictions first.")

    @cached_property
    def parts(self) -> DenseFirst | None:
        """The champion as its first layer, where that is dense, and its tail."""
        return dense_first(self.head, self.features)

    @cached_property
    def first_outputs(self) -> Array:
        """(verdicts, outputs) of the champion's first layer, where that is dense."""
        assert self.parts is not None
        return self.parts.outputs(flat(self.features))

    @cached_property
    def anchor_first_outputs(self) -> Array:
        """(anchors, outputs) of the champion's first layer, where that is dense."""
        assert self.parts is not None
        return self.parts.outputs(flat(self.anchors)) if len(self.anchors) else self.first_outputs[:0]

    @cached_property
    def _old_logits(self) -> Array:
        return self.head.logits(self.features) if self.parts is None else self.parts.logits(self.first_outputs)

    @property
    def old_logits(self) -> Array:
        """(verdicts, outputs): of the champion."""
        return self._old_logits

    @cached_property
    def anchor_logits(self) -> Array:
        """(anchors, outputs): of the champion."""
        if not len(self.anchors):
            return self.old_logits[:0]
        return self.head.logits(self.anchors) if self.parts is None else self.parts.logits(self.anchor_first_outputs)

    def judged(self, head: Head, now: Array | None = None) -> Retrained:
        """The result of a trainer: the new head, run for real, beside the old one.

        `now` (verdicts, outputs) are its logits by another way: believed where the head gives the same on some of them.
        """
        some = head.logits(self.features[:PROBES])
        believed = now is not None and np.allclose(some, now[:PROBES], rtol=0, atol=CLOSE * max(1.0, np.abs(some).max()))
        return self.result(head, now if now is not None and believed else head.logits(self.features))


def never() -> bool:
    """A budget without an end."""
    return False


@dataclass(frozen=True)
class Settings:
    """What a person may say of a training; None leaves it to the model or the trainer."""

    epochs: int | None = None
    learning_rate: float | None = None
    batch_size: int | None = None
    momentum: float | None = None
    shuffle: bool | None = None
    seed: int | None = None
    max_epochs: int | None = None
    augment: str = "none"
    """One of `engine.augment.AUGMENTS`: what is trained on beside the pictures of verdicts."""
    ridge: float | None = None
    """Where `edit` begins, or that of `fit`, relative to the kernel's mean diagonal."""
    margin: float | None = None
    """By how much a flip's logit is to lead after an `edit`."""
    budget: float = BUDGET
    """Multiplications that `auto` may take to choose by cross-validation."""
    out_of_time: Callable[[], bool] = field(default=never, compare=False)
    """Asked after every epoch; the engine keeps no clock."""

    @property
    def given(self) -> dict[str, float]:
        """The optimizer's numbers that were given."""
        named = {name: getattr(self, name) for name in ("epochs", "learning_rate", "batch_size", "momentum")}
        return {name: value for name, value in named.items() if value is not None}


def numbers(training: Training, settings: Settings, bound: bool) -> dict[str, float]:
    """The optimizer's numbers: the model's own, but those that `settings` gives.

    `bound`: hold them to what the model allows, as Core ML does. Raises BadSetting naming what is allowed.
    """
    given = settings.given
    for name, value in given.items():
        words = name.replace("_", " ")
        allowed = training.numbers.get(name)
        if allowed is None:
            raise BadSetting(f"The model's optimizer {training.optimizer!r} has no {words}.")
        if bound and not allowed.admits(value):
            raise BadSetting(
                f"The model does not allow {value:g} for the {words}; it allows {allowed}.",
                "The trainers auto, edit, fit and sgd are not bound by this.",
            )
        if not isfinite(value) or value < 0 or (name in ("epochs", "batch_size") and value < 1):
            raise BadSetting(f"{value:g} is not a possible {words}.")
    found = {name: allowed.default for name, allowed in training.numbers.items()} | given
    if found["epochs"] > EPOCHS:
        raise BadSetting(f"{found['epochs']:g} epochs are asked for; {EPOCHS:,} are the most.", "Give --epochs.")
    return found
