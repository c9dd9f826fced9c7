"""The frozen layers, run: pixels to features, many images at once; or all of a model's inputs to some of its blobs."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property, partial
from math import prod
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.cores import cores
from engine.errors import BadInput, ModelError, UnsupportedModel
from engine.interpreter import Interpreter
from engine.room import BATCHES, LARGEST, too_large
from engine.spec.describe import Layer, Network
from engine.spec.interface import ArrayFeature, Feature, ImageFeature, Shape, size_of, words_of
from engine.translate import translate
from engine.translate.graph import BATCH
from engine.translate.image import pixel_type
from engine.translate.session import Session

Array = NDArray[Any]

AT_ONCE = 16
"""Images a run, at most; fewer where all runs together would hold more than `BATCHES` numbers."""
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
        """Plan how the layers run. Raises UnsupportedLayer; nothing is run yet."""
        self._network, self._inputs, self._layers, self._outputs = network, tuple(inputs), tuple(layers), tuple(outputs)
        for each in self._inputs:
            _require_usable(network, each)
        images = [each for each in self._inputs if isinstance(each, ImageFeature)]
        self._alone = Interpreter(network, images, layers, outputs)
        self._batch = batch and self._alone.compiled_whole
        self._at_once = AT_ONCE
        self._one_at_a_time = Lock()

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of one image's features: the first of the outputs, without the batch if that comes first.

        Raises UnsupportedModel where the layers do not fit each other.
        """
        return self._shape

    @cached_property
    def _shape(self) -> tuple[int, ...]:
        if self._alone.compiled_whole:
            made = translate(self._network, self._inputs, self._layers, self._outputs, batch=False)
            sizes = tuple(map(int, made.outputs[self._outputs[0]].shape))
        else:
            sizes = self.shapes()[self._outputs[0]]
            sizes = sizes[1:] if self._network.legacy_images and len(sizes) == 5 and sizes[0] == 1 else sizes
        return sizes[1:] if sizes[:1] == (1,) else sizes

    def shapes(self) -> dict[str, Shape]:
        """The sizes of all outputs, as Core ML sees them, found by running blank inputs. Raises UnsupportedModel."""
        blanks = {each.name: np.zeros(size_of(each), np.uint8) for each in self._inputs}
        return {name: values.shape for name, values in self._values(blanks).items()}

    @cached_property
    def _many(self) -> Session | None:
        """For many images at once; None where the network does not allow it.

        Networks have the batch of one written into them, so this is tried on two images, and believed only if it gives
        what they give one by one.
        """
        if not self._batch:
            return None
        with suppress(ModelError):
            many = translate(self._network, self._inputs, self._layers, self._outputs, batch=True)
            self._at_once = min(AT_ONCE, BATCHES // (many.held * cores()))
            if many.outputs[self._outputs[0]].shape != (BATCH, *self.shape) or not self._at_once:
                return None
            # One thread a run: several batches run at the same time, each on a core of its own.
            session, image = Session(many, threads=1), self._image
            sizes = (2, image.height, image.width, image.channels)
            probe = np.random.default_rng(0).integers(0, 256, sizes, np.uint8)
            together = self._together(session, probe)
            apart = np.concatenate([self._one_by_one(each[None]) for each in probe])
            finite = np.isfinite(apart)
            largest = np.abs(apart[finite]).max(initial=0)
            if np.allclose(together, apart, rtol=0, atol=CLOSE * largest, equal_nan=True):
                return session
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

        A model that takes an array is given (n, ...) of these. Raises BadInput where they are not as the model takes them.
        """
        if len(self._inputs) == 1 and isinstance(self._inputs[0], ArrayFeature):
            name = self._inputs[0].name
            found = [self._shaped(self._values({name: each})) for each in pixels]
            return np.stack(found) if found else np.zeros((0, *self.shape), np.float32)
        image = self._image
        wanted = (image.height, image.width, image.channels)
        if pixels.shape[1:] != wanted:
            raise BadInput(f"The pixels are {words_of(pixels.shape[1:])}, but the model takes {words_of(wanted)}.")
        if not len(pixels):
            return np.zeros((0, *self.shape), np.float32)
        with self._one_at_a_time:
            many = self._many
            if many is None:
                return np.concatenate([self._one_by_one(each[None]) for each in pixels])
        parts = [pixels[at : at + self._at_once] for at in range(0, len(pixels), self._at_once)]
        if len(parts) == 1:
            return self._together(many, parts[0])
        with ThreadPoolExecutor(cores()) as pool:
            return np.concatenate(list(pool.map(partial(self._together, many), parts)))

    def _together(self, session: Session, pixels: Array) -> Array:
        found = session.run({self._image.name: pixels.astype(pixel_type(self._image), copy=False)})
        return found[self._outputs[0]].reshape(len(pixels), *self.shape)

    def _one_by_one(self, pixels: Array) -> Array:
        image = {self._image.name: pixels.astype(pixel_type(self._image), copy=False)}
        return self._shaped(self._alone.run(image, {}))[None]

    def _shaped(self, found: Mapping[str, Array]) -> Array:
        """The features of one image. Raises UnsupportedModel where their sizes depend on what the image shows."""
        values = found[self._outputs[0]]
        if values.size != prod(self.shape):
            sizes = f"{words_of(values.shape)} here, and as {words_of(self.shape)} of a blank"
            why = f"The layers make {self._outputs[0]!r} as {sizes}."
            raise UnsupportedModel(why, "Features are as many for every image.")
        return values.reshape(self.shape)

    def run(self, data: Mapping[str, Array]) -> dict[str, Array]:
        """One image or array an input, as the model describes them, to one array an output, as Core ML gives them.

        Inputs that the model calls optional may be left out. Raises BadInput where an image or an array is not as the
        model takes it.
        """
        arrays = [each.name for each in self._inputs if isinstance(each, ArrayFeature) and each.name in data]
        rank = max((np.ndim(data[name]) for name in arrays), default=3)
        return {name: self._given_back(values, rank) for name, values in self._values(data).items()}

    def _values(self, data: Mapping[str, Array]) -> dict[str, Array]:
        pixels: dict[str, Array] = {}
        arrays: dict[str, Array] = {}
        for each in self._inputs:
            if isinstance(each, ImageFeature):
                # An optional image that is not given is black.
                blank = np.zeros(size_of(each), np.uint8)
                pixels[each.name] = _pixels(each, data.get(each.name, blank))
            elif isinstance(each, ArrayFeature):
                arrays[each.name] = _array(self._network, each, data.get(each.name))
        return self._alone.run(pixels, arrays)

    def _given_back(self, values: Array, rank: int) -> Array:
        """Legacy blobs come back with as many axes as were given: 1, 3 or 5; a single number as an array of one."""
        legacy = self._network.legacy_arrays and self._network.legacy_images
        if not legacy or values.ndim != 5 or rank == 5 or values.shape[:2] != (1, 1):
            return values.reshape(1) if not values.ndim else values
        inner = values[0, 0]
        return inner.reshape(-1) if rank == 1 and inner.shape[1:] == (1, 1) else inner


def _require_usable(network: Network, feature: Feature) -> None:
    if not isinstance(feature, ImageFeature | ArrayFeature):
        raise UnsupportedModel(f"Input {feature.name!r} is a {feature.kind}; networks take images and arrays.")
    if too_large(size_of(feature)):
        sizes = words_of(size_of(feature))
        raise UnsupportedModel(f"Input {feature.name!r} is {sizes} numbers large.", f"{LARGEST:,} are the most.")
    if isinstance(feature, ArrayFeature) and network.legacy_arrays and len(feature.shape) not in (0, 1, 3, 5):
        raise UnsupportedModel(f"Input {feature.name!r} has {len(feature.shape)} axes, where this network allows 1 or 3.")


def _array(network: Network, feature: ArrayFeature, values: Array | None) -> Array:
    """In the rank that the layers see: legacy arrays [C] and [C, H, W] become (1, 1, C, 1, 1) and (1, 1, C, H, W)."""
    values = np.full(feature.shape, feature.default) if values is None else values
    legacy = network.legacy_arrays
    inner = values
    if legacy and values.ndim == 5 and len(feature.shape) != 5:
        # Sequence and batch are free.
        inner = values[0, 0] if len(feature.shape) == 3 else values[0, 0, :, 0, 0]
    if not feature.admits(inner.shape):
        hint = f"Other sizes that it takes: {feature.sizes}." if str(feature.sizes) else ""
        wanted = words_of(feature.shape)
        raise BadInput(f"Input {feature.name!r} is {words_of(values.shape)}, but the model takes {wanted}.", hint)
    values = np.ascontiguousarray(values, np.float32)
    if not legacy or values.ndim == 5:
        return values
    return values.reshape(1, 1, *values.shape, *[1] * (3 - values.ndim))


def _pixels(feature: ImageFeature, values: Array) -> Array:
    if not feature.admits(values.shape):
        wanted = words_of((feature.height, feature.width, feature.channels))
        hint = f"Other sizes, height x width, that it takes: {feature.sizes}." if str(feature.sizes) else ""
        raise BadInput(f"Input {feature.name!r} is {words_of(values.shape)}, but the model takes {wanted}.", hint)
    kind = pixel_type(feature)
    if kind is np.uint8 and values.dtype != np.uint8:
        raise BadInput(f"Input {feature.name!r} is of {values.dtype}, but pixels are bytes.", "Give it as uint8.")
    return values[None].astype(kind, copy=False)
