"""A head whose weights are changed in place: what a mini-batch optimizer works on."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.head import Head
from engine.head.passes import Pass

Array = NDArray[Any]


class Working:
    """A private copy of a head; the weights that are trained, and their gradients, lie in one flat array each."""

    def __init__(self, head: Head, kind: Any) -> None:
        """`kind` is the type of the numbers to work in; the head given is never changed."""
        size = sum(each.size for layer in head.weights for each in layer.values())
        self.weights: Array = np.empty(size, kind)
        self.gradient: Array = np.zeros(size, kind)
        self.into: list[dict[str, Array]] = []
        places: list[dict[str, Array]] = []
        at = 0
        for layer in head.weights:
            place, into = dict[str, Array](), dict[str, Array]()
            for name, each in layer.items():
                part = slice(at, at + each.size)
                place[name], into[name] = self.weights[part].reshape(each.shape), self.gradient[part].reshape(each.shape)
                at += each.size
            places.append(place)
            self.into.append(into)
        for place, layer in zip(places, head.weights, strict=True):
            for name, values in layer.items():
                place[name][...] = values
        fixed = [
            {} if layer.updatable else {name: each.astype(kind) for name, each in layer.weights.items()}
            for layer in head.before_softmax
        ]
        self.head: Head = head.with_weights([{**place, **still} for place, still in zip(places, fixed, strict=True)])
        self._like = head
        self._passes: dict[tuple[int, int], Pass] = {}

    def through(self, rows: int, axes: int) -> Pass:
        """The head before the softmax, as it is at each call, on so many samples whose features have so many axes."""
        found = self._passes.get((rows, axes))
        if found is None:
            found = self._passes[rows, axes] = Pass(self.head.before_softmax, self.into, rows, axes)
        return found

    def kept(self) -> Head:
        """The head as it is now, as a value, in the types of the one it was copied from."""
        return in_single(self.head, self._like)


def in_kind(head: Head, kind: Any) -> Head:
    """The same head with all its numbers in another type."""
    layers = [replace(each, weights={n: w.astype(kind) for n, w in each.weights.items()}) for each in head.layers]
    return replace(head, layers=tuple(layers))


def in_single(head: Head, like: Head) -> Head:
    """`like` with the trained weights of `head`, in the type of its own."""
    return like.with_weights(
        [
            {name: each.astype(old[name].dtype) for name, each in new.items()}
            for new, old in zip(head.weights, like.weights, strict=True)
        ]
    )
