"""The frozen layers, run by ONNX Runtime: pixels to features, many images at once."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any

import numpy as np
import onnxruntime  # pyright: ignore[reportMissingTypeStubs]
from numpy.typing import NDArray

from engine.errors import BadInput, ModelError, UnsupportedModel
from engine.spec.describe import ArrayFeature, Feature, ImageFeature, Layer, Network
from engine.translate import Translation, translate
from engine.translate.graph import BATCH, Blob
from engine.translate.image import pixel_type

Array = NDArray[Any]

AT_ONCE = 16
"""Images a run, at most."""
CLOSE = 1e-4
"""By how much the answer for many images at once may differ from those one by one, relative to the largest number."""


_runtime: Any = onnxruntime
_errors: Any = _runtime.capi.onnxruntime_pybind11_state
REFUSALS: tuple[type[Exception], ...] = (
    _errors.Fail,
    _errors.InvalidArgument,
    _errors.InvalidGraph,
    _errors.NotImplemented,
    _errors.RuntimeException,
)
"""What ONNX Runtime raises where it cannot build or run a graph."""


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

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """The sizes of one image's features: the first of the outputs, without the batch if that comes first."""
        sizes = tuple(map(int, self._one.outputs[self._outputs[0]].shape))
        return sizes[1:] if sizes[:1] == (1,) else sizes

    @cached_property
    def _alone(self) -> Any:
        return _session(self._one)

    @cached_property
    def _many(self) -> tuple[Any, Translation] | None:
        """For many images at once; None where the network does not allow it.

        Networks have the batch of one written into them, so this is tried on two images, and believed only if it gives
        what they give one by one.
        """
        if not self._batch:
            return None
        with suppress(ModelError):
            many = translate(self._network, self._inputs, self._layers, self._outputs, batch=True)
            if many.outputs[self._outputs[0]].shape != (BATCH, *self.shape):
                return None
            session, image = _session(many), self._image
            sizes = (2, image.height, image.width, image.channels)
            probe = np.random.default_rng(0).integers(0, 256, sizes, np.uint8)
            together = self._features(session, many, probe)
            alone = _session(self._one)
            apart = np.concatenate([self._features(alone, self._one, each[None]) for each in probe])
            if np.allclose(together, apart, rtol=0, atol=CLOSE * np.abs(apart).max()):
                return session, many
        return None

    @property
    def _image(self) -> ImageFeature:
        match self._inputs:
            case (ImageFeature() as image,):
                return image
            case _:
                raise UnsupportedModel("Features are made of images, but the model does not take exactly one image.")

    def features(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(n, height, width, channels) to (n, ...), the first of the outputs.

        Raises BadInput where the pixels are not as the model takes them.
        """
        image = self._image
        if pixels.shape[1:] != (image.height, image.width, image.channels):
            raise BadInput(
                f"The pixels are {_sizes(pixels.shape[1:])}, but the model takes "
                f"{_sizes((image.height, image.width, image.channels))}."
            )
        if not len(pixels):
            return np.zeros((0, *self.shape), np.float32)
        session, translation = self._many or (self._alone, self._one)
        step = AT_ONCE if self._many else 1
        parts = (pixels[at : at + step] for at in range(0, len(pixels), step))
        return np.concatenate([self._features(session, translation, part) for part in parts])

    def _features(self, session: Any, translation: Translation, pixels: Array) -> Array:
        fed = {self._image.name: pixels.astype(pixel_type(self._image), copy=False)}
        found = _run(session, translation, fed)[self._outputs[0]]
        return found.reshape(len(pixels), *self.shape)

    def run(self, data: Mapping[str, Array]) -> dict[str, Array]:
        """One image or array an input, as the model describes them, to one array an output, as Core ML gives them.

        Raises BadInput where an image or an array is not as the model takes it.
        """
        fed = {each.name: _fed(self._network, each, data[each.name]) for each in self._inputs}
        found = _run(self._alone, self._one, fed)
        rank = max((np.ndim(data[each.name]) for each in self._inputs if isinstance(each, ArrayFeature)), default=3)
        return {name: _given_back(values, self._one.outputs[name], rank) for name, values in found.items()}


def _session(translation: Translation) -> Any:
    options = _runtime.SessionOptions()
    options.log_severity_level = 4
    # Threads that spin between two runs take the cores from decoding and from the head's products.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    with _explained():
        return _runtime.InferenceSession(translation.model, options, providers=["CPUExecutionProvider"])


def _run(session: Any, translation: Translation, data: Mapping[str, Array]) -> dict[str, Array]:
    fed = {translation.inputs[name]: np.ascontiguousarray(values) for name, values in data.items()}
    names = [blob.tensor for blob in translation.outputs.values()]
    with _explained():
        return dict(zip(translation.outputs, session.run(names, fed), strict=True))


@contextmanager
def _explained() -> Generator[None, None, None]:
    try:
        yield
    except REFUSALS as error:
        raise UnsupportedModel(f"ONNX Runtime cannot run the model's layers: {error}") from error


def _fed(network: Network, feature: Feature, values: Array) -> Array:
    if isinstance(feature, ImageFeature):
        return _pixels(feature, values)
    assert isinstance(feature, ArrayFeature)
    if network.legacy_arrays and values.ndim == 5 and values.shape[:2] == (1, 1):
        values = values[0, 0] if len(feature.shape) == 3 else values[0, 0, :, 0, 0]
    if values.shape != feature.shape:
        raise BadInput(f"Input {feature.name!r} is {_sizes(values.shape)}, but the model takes {_sizes(feature.shape)}.")
    values = values.astype(np.float32, copy=False)
    return values[None] if network.legacy_arrays else values


def _pixels(feature: ImageFeature, values: Array) -> Array:
    if values.shape != (feature.height, feature.width, feature.channels):
        wanted = _sizes((feature.height, feature.width, feature.channels))
        raise BadInput(f"Input {feature.name!r} is {_sizes(values.shape)}, but the model takes {wanted}.")
    kind = pixel_type(feature)
    if kind is np.uint8 and values.dtype != np.uint8:
        raise BadInput(f"Input {feature.name!r} is of {values.dtype}, but pixels are bytes.", "Give it as uint8.")
    return values[None].astype(kind, copy=False)


def _sizes(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape)) or "a single number"


def _given_back(values: Array, blob: Blob, rank: int) -> Array:
    """Legacy blobs come back with as many axes as were given: 1, 3 or 5; a single number as an array of one."""
    if not blob.folded:
        return values.reshape(1) if not values.ndim else values
    if rank == 5:
        return values[None]
    inner = values[0]
    return inner.reshape(-1) if rank == 1 and inner.shape[1:] == (1, 1) else inner
