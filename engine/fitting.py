"""Whether a model's head fits what the frozen layers make, and its labels what the head gives."""

from collections.abc import Sequence
from math import prod

from engine.predict.values import require_labelled
from engine.spec.describe import Network
from engine.spec.split import Cut
from engine.translate import translate


def require_fitting(network: Network, cut: Cut, sizes: tuple[int, ...], labels: Sequence[str]) -> None:
    """Raise UnsupportedModel, with the layer, where the head of `network` does not fit features of `sizes`.

    NumPy runs the head; that its sizes go together, and are not beyond measure, is found by translating it.
    """
    if cut.trained:
        answer = cut.trained[-1].outputs[:1]
        made = translate(network, (), cut.trained, answer, batch=False, given={cut.features: sizes})
        sizes = tuple(map(int, made.outputs[answer[0]].shape))
    if labels:
        require_labelled(labels, prod(sizes))
