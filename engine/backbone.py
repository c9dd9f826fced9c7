"""The frozen layers, run by ONNX Runtime: pixels to features, many images at once."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from engine.errors import BadInput, UnsupportedModel
from engine.spec.describe import ArrayFeature, Feature, ImageFeature, Layer, Network
from engine.translate import Translation, translate
from engine.translate.graph import BATCH, Blob

Array = NDArray[Any]

AT_ONCE = 16
"""Images a run, at most."""
CLOSE = 1e-4
"""By how much the answer for many images at once may differ from those one by one, relative to the largest number."""


class Backbone:
    """Layers from the model's inputs to some of its blobs."""

    def __init__(
        self,
        network: Network,
        inputs: Sequence[Feature],
        layers: Sequence[Layer],
        outputs: Sequence[str],
        batch: bool = True,
    ) -> None:
        """Translate the layers. Raises UnsupportedLayer or UnsupportedModel; nothing is run yet."""
        self._network, self._inputs, self._layers, self._outputs = network, tuple(inputs), tuple(layers), tuple(outputs)
        self._one = translate(network, inputs, layers, outputs, batch=False)
        self._batch = batch

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of one image's features."""
        blob = self._one.outputs[self._outputs[0]]
        return tuple(map(int, blob.shape[1:]))

    @cached_property
    def _session_one(self) -> Any:
        return _session(self._one)

    @cached_property
    def _session_many(self) -> Any:
        """For many images at once; None where the network does not allow it.

        Networks have the batch of one written into them, so this is tried on two images, and believed only if it gives
        what they give one by one.
        """
        with suppress(UnsupportedModel, onnxruntime.capi.onnxruntime_pybind11_state.Fail, RuntimeError, ValueError):
            many = translate(self._network, self._inputs, self._layers, self._outputs, batch=True)
            blob = many.outputs[self._outputs[0]]
            if blob.shape[0] != BATCH:
                return None
            session = _session(many)
            image = self._image
            rng = np.random.default_rng(0)
            probe = rng.integers(0, 256, (2, image.height, image.width, image.channels), np.uint8)
            together = _run(session, many, {image.name: probe})[self._outputs[0]]
            alone = np.concatenate([self._run_one(each)[self._outputs[0]] for each in probe])
            if together.shape == alone.shape and np.allclose(together, alone, rtol=0, atol=CLOSE * np.abs(alone).max()):
                return session, many
        return None

    @property
    def _image(self) -> ImageFeature:
        (image,) = (each for each in self._inputs if isinstance(each, ImageFeature))
        return image

    def features(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(n, height, width, channels) to (n, ...), the first of the outputs."""
        if not len(pixels):
            return np.zeros((0, *self.shape), np.float32)
        name, many = self._outputs[0], self._session_many if self._batch else None
        if many is None:
            return np.concatenate([self._run_one(each)[name] for each in pixels])
        parts = (pixels[at : at + AT_ONCE] for at in range(0, len(pixels), AT_ONCE))
        return np.concatenate([_run(*many, {self._image.name: part})[name] for part in parts])

    def _run_one(self, pixels: Array) -> dict[str, Array]:
        return _run(self._session_one, self._one, {self._image.name: pixels[None]})

    def run(self, data: Mapping[str, Array]) -> dict[str, Array]:
        """One image or array a input, as the model describes them, to one array an output, as Core ML gives them."""
        fed = {each.name: _fed(self._network, each, data[each.name]) for each in self._inputs}
        found = _run(self._session_one, self._one, fed)
        rank = max((np.ndim(data[each.name]) for each in self._inputs if isinstance(each, ArrayFeature)), default=3)
        return {name: _given_back(values, self._one.outputs[name], rank) for name, values in found.items()}


def _session(translation: Translation) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    # Threads that spin between two runs take the cores from decoding and from the head's products.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(translation.model, options, providers=["CPUExecutionProvider"])


def _run(session: Any, translation: Translation, data: Mapping[str, Array]) -> dict[str, Array]:
    fed = {translation.inputs[name]: np.ascontiguousarray(values) for name, values in data.items()}
    names = [blob.tensor for blob in translation.outputs.values()]
    return dict(zip(translation.outputs, session.run(names, fed), strict=True))


def _fed(network: Network, feature: Feature, values: Array) -> Array:
    if isinstance(feature, ImageFeature):
        return values[None]
    assert isinstance(feature, ArrayFeature)
    if network.legacy_arrays and values.ndim == 5 and values.shape[:2] == (1, 1):
        values = values[0, 0] if len(feature.shape) == 3 else values[0, 0, :, 0, 0]
    if values.shape != feature.shape:
        sizes = " x ".join(map(str, values.shape))
        raise BadInput(f"Input {feature.name!r} is {sizes}, but the model takes {' x '.join(map(str, feature.shape))}.")
    return values[None] if network.legacy_arrays else values


def _given_back(values: Array, blob: Blob, rank: int) -> Array:
    """Legacy blobs come back with as many axes as were given: 1, 3 or 5; a single number as an array of one."""
    if not blob.folded:
        return values.reshape(1) if not values.ndim else values
    if rank == 5:
        return values[None]
    inner = values[0]
    return inner.reshape(-1) if rank == 1 and inner.shape[1:] == (1, 1) else inner
