"""The sizes of what goes through a network."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.interpreter import Interpreter
from engine.spec.describe import Description, Network
from engine.spec.interface import ArrayFeature, ImageFeature, Shape
from engine.translate.image import pixel_type


def shapes_of(said: Description, blobs: Sequence[str]) -> dict[str, Shape]:
    """The shapes, as Core ML sees them, of some blobs of a network, found by running it on a blank input.

    Raises ModelError where it cannot run.
    """
    network = said.network
    assert network is not None
    images = [each for each in said.inputs if isinstance(each, ImageFeature)]
    pixels = {each.name: np.zeros((1, each.height, each.width, each.channels), pixel_type(each)) for each in images}
    arrays = {each.name: _blank(network, each) for each in said.inputs if isinstance(each, ArrayFeature)}
    found = Interpreter(network, images, network.layers, tuple(blobs)).run(pixels, arrays)
    return {name: tuple(map(int, values.shape)) for name, values in found.items()}


def _blank(network: Network, feature: ArrayFeature) -> Any:
    shape = feature.shape
    if network.legacy_arrays and len(shape) < 5:
        shape = (1, 1, *shape, *[1] * (3 - len(shape)))
    return np.zeros(shape, np.float32)
