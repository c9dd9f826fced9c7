"""Whether a model's head fits what the frozen layers make, and its labels what the head gives."""

from collections.abc import Sequence
from math import prod

import numpy as np

from engine.errors import UnsupportedModel, fitting
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
    if cut.trained:
        answer = cut.trained[-1].outputs[:1]
        made = translate(network, (), cut.trained, answer, batch=False, given={cut.features: sizes})
        blank = np.zeros((1, *sizes), np.float32)
        for layer in cut.head.layers if isinstance(cut.head, Head) else ():
            with fitting(layer.name, layer.kind), np.errstate(all="ignore"):
                blank = KINDS[layer.kind].forward(layer, blank)
        sizes = tuple(map(int, made.outputs[answer[0]].shape))
        if blank.size != prod(sizes):
            why = (
                f"The layers from {cut.features!r} on make {blank.size} numbers for training, but {prod(sizes)} otherwise."
            )
            raise UnsupportedModel(why, "The file is damaged, or was written by a program with a defect.")
    if labels:
        require_labelled(labels, prod(sizes))
