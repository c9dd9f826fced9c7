"""How a model and one trained from it do on pictures that neither was trained on."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.events import Held
from engine.head import Head
from engine.head.neighbors import NeighborHead
from engine.model import Model


def held(model: Model, head: Head | NeighborHead, features: NDArray[np.float32], labels: Sequence[str]) -> Held:
    """Of (n, ...) features with a label each: how many `model` predicts, and how many it would with `head`."""
    if not labels:
        return Held()
    right: list[Any] = [
        sum(said == label for said, label in zip(model.said(features, each), labels, strict=True))
        for each in (model.head, head)
    ]
    return Held(len(labels), *right)
