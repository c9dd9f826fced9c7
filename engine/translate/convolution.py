"""Convolution and its transpose."""

from engine.spec.describe import Layer
from engine.spec.weights import array
from engine.translate.graph import Graph
from engine.translate.windows import padding, pair, sizes


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
    result = graph.node(
        "Conv",
        blob.tensor,
        weights,
        *_bias(layer, graph),
        kernel_shape=kernel,
        strides=stride,
        dilations=dilation,
        group=its.nGroups or 1,
        pads=padding(its, sizes(blob), reach, stride),
    )
    graph.give(layer, graph.blob(result, blob))


def _bias(layer: Layer, graph: Graph) -> list[str]:
    its = layer.parameters
    if not its.hasBias:
        return []
    return [graph.constant(array(its.bias, (its.outputChannels,), f"Layer {layer.name!r}"))]


def _deconvolution(layer: Layer, graph: Graph) -> None:
    """Transposed convolution: VALID amounts crop the full result, SAME gives size * stride; `outputShape` overrides.

    Where the size asked for differs, rows and columns are added or taken at the bottom and right, as torch does.
    """
    its = layer.parameters
    blob = graph.take(layer)
    kernel, stride, dilation = pair(its.kernelSize, 3), pair(its.stride, 1), pair(its.dilationFactor, 1)
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    full = [(n - 1) * s + k for n, s, k in zip(sizes(blob), stride, reach, strict=True)]
    if its.HasField("same"):
        totals = [max(0, f - n * s) for f, n, s in zip(full, sizes(blob), stride, strict=True)]
        first_heavy = its.same.asymmetryMode == 1
        starts = [total - total // 2 if first_heavy else total // 2 for total in totals]
        ends = [total - start for total, start in zip(totals, starts, strict=True)]
    else:
        top, left, bottom, right = padding(its, sizes(blob), (1, 1), (1, 1))
        starts, ends = [top, left], [bottom, right]
    more = [0, 0]
    if len(its.outputShape) == 2:
        more = [want - (f - a - b) for want, f, a, b in zip(its.outputShape, full, starts, ends, strict=True)]
    ends = [end + max(0, -extra) for end, extra in zip(ends, more, strict=True)]
    shape = (its.kernelChannels, its.outputChannels // (its.nGroups or 1), *kernel)
    result = graph.node(
        "ConvTranspose",
        blob.tensor,
        graph.constant(array(its.weights, shape, f"Layer {layer.name!r}")),
        *_bias(layer, graph),
        kernel_shape=kernel,
        strides=stride,
        dilations=dilation,
        group=its.nGroups or 1,
        pads=[*starts, *ends],
        output_padding=[max(0, extra) for extra in more],
    )
    graph.give(layer, graph.blob(result, blob))
