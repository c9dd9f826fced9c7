"""What is wrong with a model: one sentence, one hint, and what it stops."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Stops = Literal["prediction", "training"]

DAMAGED = "The file is damaged, or was written by a program with a defect."
PREPARE = "`catflap prepare` makes an updatable model of a frozen one."


@dataclass(frozen=True)
class Problem:
    """One rule of the format that a model breaks."""

    layer: str
    """The layer at fault; empty where it is the model as a whole."""
    sentence: str
    hint: str
    stops: Stops
    """`training` where the frozen model still predicts."""


Problems = Iterator[Problem]


def unreadable(sentence: str, layer: str = "", hint: str = DAMAGED) -> Problem:
    """A problem that leaves nothing to predict with."""
    return Problem(layer, sentence, hint, "prediction")


def untrainable(sentence: str, hint: str, layer: str = "") -> Problem:
    """A problem for training alone."""
    return Problem(layer, sentence, hint, "training")
