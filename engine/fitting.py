"""Whether a model's head fits what the frozen layers make, and its labels what the head gives."""

from collections.abc import Sequence
from math import prod

import numpy as np

from engine.errors import fitting
from engine.head import Head
from engine.head.kinds import KINDS
from engine.predict.values import require_labelled
from engine.spec.describe import Network
from engine.spec.split import Cut
from engine.translate import translate


def require_fitting(network: Network, cut: Cut, sizes: tuple[int, ...], labels: Sequence[str]) -> None:
    """Raise UnsupportedModel, with the layer, where the head of `network` does not fit features of `sizes`.

    NumPy runs the head: that its sizes are not beyond measure is found by translating it, and that they go together by
    running it on a blank.
    """
    outputs = prod(sizes)
    if cut.trained:
        translate(network, (), cut.trained, cut.trained[-1].outputs[:1], batch=False, given={cut.features: sizes})
        blank = np.zeros((1, *sizes), np.float32)
        for layer in cut.head.layers if isinstance(cut.head, Head) else ():
            with fitting(layer.name, layer.kind), np.errstate(all="ignore"):
                blank = KINDS[layer.kind].forward(layer, blank)
        outputs = blank.size
    if labels:
        require_labelled(labels, outputs)
