"""A pipeline's backbone: all its models but the last, and of the last one what lies before its head."""

from collections.abc import Sequence
from functools import cached_property
from math import prod
from threading import Lock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.backbone import Backbone
from engine.errors import UnsupportedModel
from engine.predict.pipeline import Pipeline
from engine.spec.describe import Description, Layer
from engine.spec.interface import ArrayFeature, ImageFeature, words_of
from engine.spec.split import needed

Array = NDArray[Any]


class Features(Protocol):
    """What turns images into features."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of one image's features."""
        ...

    def features(self, pixels: NDArray[Any]) -> NDArray[np.float32]:
        """(n, height, width, channels), or (n, ...) of the array that the model takes, to (n, ...)."""
        ...


class Identity:
    """The features of a model that takes them as they are."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape

    def features(self, pixels: NDArray[Any]) -> NDArray[np.float32]:
        """(n, ...) to the same, one row an item."""
        return np.asarray(pixels, np.float32).reshape(len(pixels), *self.shape)


class Stages:
    """The first models of a pipeline, then the last one's backbone."""

    def __init__(self, description: Description, pipeline: Pipeline, last: Features) -> None:
        """`pipeline` answers for `description`. Raises UnsupportedModel where the last model takes more than one input."""
        self._said, self._pipeline, self._last = description, pipeline, last
        self._before = len(pipeline.stages) - 1
        self._one_at_a_time = Lock()
        inputs = pipeline.stages[-1][1].inputs
        if len(inputs) != 1:
            raise UnsupportedModel("The pipeline's last model takes more than one input, and cannot be trained here.")
        self._passed, self._taken = inputs[0].name, inputs[0]

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of one image's features."""
        return self._last.shape

    def features(self, pixels: NDArray[Any]) -> NDArray[np.float32]:
        """(n, height, width, channels), or (n, ...) of the array that the model takes, to (n, ...)."""
        if not len(pixels):
            return np.zeros((0, *self.shape), np.float32)
        given = self._together(pixels) if self._before else pixels
        if isinstance(self._taken, ArrayFeature) and self._taken.shape:
            if given[0].size != prod(self._taken.shape):
                made, taken = words_of(given.shape[1:]), words_of(self._taken.shape)
                why = f"The pipeline's last model takes {self._taken.name!r} as {taken}, but is given {made}."
                raise UnsupportedModel(why, "The file is damaged, or was written by a program with a defect.")
            given = given.reshape(len(given), *self._taken.shape)
        return self._last.features(given)

    def _together(self, pixels: Array) -> Array:
        """In batches where one network makes what the last model takes; one by one otherwise."""
        network = self._only_network
        if network is not None:
            return network.features(pixels)
        feature = self._said.inputs[0]
        flipped = isinstance(feature, ImageFeature) and feature.color == "BGR"
        rows = (each[..., ::-1] if flipped else each for each in pixels)
        with self._one_at_a_time:
            return np.stack([self._pipeline.passed_on({feature.name: row}, self._before)[self._passed] for row in rows])

    @cached_property
    def _only_network(self) -> Backbone | None:
        _, first, _ = self._pipeline.stages[0]
        plain = self._before == 1 and first.network is not None and len(first.inputs) == 1
        blob = next((each for each in first.outputs if each.name == self._passed and isinstance(each, ArrayFeature)), None)
        if not plain or blob is None or first.network is None or self._passed in first.answers:
            return None
        return Backbone(first.network, first.inputs, needed(first.network, self._passed), (self._passed,))


def bytes_of(layers: Sequence[Layer]) -> list[bytes]:
    """All that layers say, for a key."""
    parts: list[bytes] = []
    for layer in layers:
        parts += [repr((layer.kind, layer.inputs, layer.outputs)).encode()]
        parts += [layer.parameters.SerializeToString(deterministic=True)]
    return parts
