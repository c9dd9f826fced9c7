"""Convolution and its transpose."""

from typing import Any

from engine.errors import UnsupportedModel
from engine.spec.describe import Layer
from engine.spec.weights import array
from engine.translate.graph import Blob, Graph
from engine.translate.windows import borders, padding, pair, sizes


def convolution(layer: Layer, graph: Graph) -> None:
    """Cross-correlation with zero padding; a second input takes the place of the weights."""
    its = layer.parameters
    if its.isDeconvolution:
        _deconvolution(layer, graph)
        return
    blob = graph.take(layer)
    kernel, stride, dilation = pair(its.kernelSize, 3), pair(its.stride, 1), pair(its.dilationFactor, 1)
    reach = ((kernel[0] - 1) * dilation[0] + 1, (kernel[1] - 1) * dilation[1] + 1)
    if len(layer.inputs) > 1:
        weights = graph.take(layer, 1).tensor
    else:
        shape = (its.outputChannels, its.kernelChannels, *kernel)
        weights = graph.constant(array(its.weights, shape, f"Layer {layer.name!r}"))
        _require_channels(layer, blob, its.kernelChannels * (its.nGroups or 1))
    result = graph.node(
        "Conv",
        graph.pictures(blob),
        weights,
        *_bias(layer, graph),
        kernel_shape=kernel,
        strides=stride,
        dilations=dilation,
        group=its.nGroups or 1,
        pads=padding(its, sizes(blob), reach, stride),
    )
    graph.give(layer, graph.from_pictures(result, blob))


def _require_channels(layer: Layer, blob: Blob, channels: int) -> None:
    given = blob.shape[-3] if len(blob.shape) > 2 else 0
    if given != channels:
        raise UnsupportedModel(f"Layer {layer.name!r} convolves {channels} channels, but is given {given}.")


def _bias(layer: Layer, graph: Graph) -> list[str]:
    its = layer.parameters
    if not its.hasBias:
        return []
    return [graph.constant(array(its.bias, (its.outputChannels,), f"Layer {layer.name!r}"))]


def _deconvolution(layer: Layer, graph: Graph) -> None:
    """Transposed convolution, cropped as `_cropping` says; weights are (channels in, channels out / groups, kH, kW)."""
    its = layer.parameters
    blob = graph.take(layer)
    kernel, stride, dilation = pair(its.kernelSize, 3), pair(its.stride, 1), pair(its.dilationFactor, 1)
    reach = ((kernel[0] - 1) * dilation[0] + 1, (kernel[1] - 1) * dilation[1] + 1)
    crops = [_cropping(its, axis, sizes(blob)[axis], reach[axis], stride[axis]) for axis in (0, 1)]
    shape = (its.kernelChannels, its.outputChannels // (its.nGroups or 1), *kernel)
    _require_channels(layer, blob, its.kernelChannels)
    result = graph.node(
        "ConvTranspose",
        graph.pictures(blob),
        graph.constant(array(its.weights, shape, f"Layer {layer.name!r}")),
        *_bias(layer, graph),
        kernel_shape=kernel,
        strides=stride,
        dilations=dilation,
        group=its.nGroups or 1,
        pads=[max(0, crop[side]) for side in (0, 1) for crop in crops],
        output_padding=[max(0, -end) for _, end in crops],
    )
    graph.give(layer, graph.from_pictures(result, blob))


def _cropping(its: Any, axis: int, size: int, reach: int, stride: int) -> tuple[int, int]:
    """What to take off the full result, `(size - 1) * stride + reach`, at its start and end; an end below 0 is added.

    VALID says it. SAME leaves `size * stride`, the odd pixel off the end, or off the start. `outputShape` overrides the
    size: what differs is taken or added at the end, as torch does with its output padding.
    """
    full = (size - 1) * stride + reach
    if its.HasField("same"):
        total = full - size * stride
        half = max(0, total) // 2
        start = max(0, total) - half if its.same.asymmetryMode == 1 else half
        end = total - start
    else:
        top, left, bottom, right = borders(its.valid.paddingAmounts)
        start, end = (top, bottom) if axis == 0 else (left, right)
    if len(its.outputShape) == 2:
        end = full - start - int(its.outputShape[axis])
    return start, end
