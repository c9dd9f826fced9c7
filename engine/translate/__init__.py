"""Layers to ONNX, as far as ONNX has an equal; what has none is in `engine.compute`."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from engine.errors import UnsupportedLayer, UnsupportedModel, fitting
from engine.spec.describe import Feature, Layer, Network
from engine.translate.graph import BATCH, Blob, Graph, Misfit
from engine.translate.image import enter
from engine.translate.rules import RULES

__all__ = ["RULES", "Translation", "refused", "translate"]


@dataclass(frozen=True, eq=False)
class Translation:
    """An ONNX model and how its inputs and outputs are called."""

    model: bytes
    """Serialised."""
    inputs: Mapping[str, str]
    """Core ML's input or blob name -> ONNX name."""
    outputs: Mapping[str, Blob]
    """Core ML's blob name -> its value."""
    held: int = 0
    """The most numbers that are held at once for one image."""
    work: int = 0
    """Multiplications for one image, about."""


def translate(
    network: Network,
    inputs: Sequence[Feature],
    layers: Sequence[Layer],
    outputs: Sequence[str],
    *,
    batch: bool = True,
    given: Mapping[str, tuple[int, ...]] | None = None,
    blobs: Mapping[str, tuple[int, ...]] | None = None,
) -> Translation:
    """Translate `layers`, in order, to a graph from `inputs` to the blobs `outputs`.

    With `batch`, the first axis of what is made from images is free. `given` starts in the middle: blobs by name, with
    their sizes for one image, folded where the network is a legacy one. `blobs` does so too, with all sizes as Core ML has
    them, and no free one. Raises UnsupportedLayer for a kind that is not in
    RULES, UnsupportedModel where the layers do not fit each other.
    """
    graph = Graph()
    entries = _entered(graph, network, inputs, given or {}, blobs or {}, batch)
    for layer in layers:
        if layer.kind not in RULES:
            raise refused(layer)
        graph.layer = layer.name
        with fitting(layer.name, layer.kind):
            RULES[layer.kind](layer, graph)
    missing = [name for name in outputs if name not in graph.blobs]
    if missing:
        raise UnsupportedModel(f"No layer writes {missing[0]!r}, which the model gives or is cut at.")
    found: dict[str, Blob] = {}
    for name in outputs:
        with _named(f"Output {name!r}"):
            found[name] = _own_value(graph, graph.blobs[name])
    tensors = [blob.tensor for blob in found.values()]
    held, work = graph.cost(tensors)
    return Translation(graph.model(tensors), entries, found, held, work)


def _entered(
    graph: Graph,
    network: Network,
    inputs: Sequence[Feature],
    given: Mapping[str, tuple[int, ...]],
    blobs: Mapping[str, tuple[int, ...]],
    batch: bool,
) -> dict[str, str]:
    """Make the graph's inputs: Core ML's name -> ONNX name."""
    entries: dict[str, str] = {}
    for feature in inputs:
        with _named(f"Input {feature.name!r}"):
            entries[feature.name], graph.blobs[feature.name] = enter(network, feature, graph, batch)
    for name, sizes in given.items():
        entries[name] = graph.enter(name, (BATCH if batch else 1, *sizes))
        folded = network.legacy_images and network.legacy_arrays and len(sizes) == 3
        graph.blobs[name] = Blob(entries[name], graph.shape(entries[name]), folded)
    for name, sizes in blobs.items():
        entries[name] = graph.enter(name, sizes)
        fold = network.legacy_arrays and len(sizes) == 5 and sizes[0] == 1
        with _named(f"Blob {name!r}"):
            graph.blobs[name] = graph.folded(entries[name]) if fold else graph.blob(entries[name])
    return entries


@contextmanager
def _named(what: str) -> Generator[None, None, None]:
    """Say of what sizes do not fit, or are beyond measure."""
    try:
        yield
    except Misfit as error:
        raise UnsupportedModel(f"{what} does not fit: {error}.") from error


def refused(layer: Layer) -> UnsupportedLayer:
    """Why a layer that stands in no table cannot run."""
    if layer.kind == "custom":
        kind = f"custom ({layer.parameters.className})"
        return UnsupportedLayer(layer.name, kind, why="whose meaning is in a program, not in the model")
    return UnsupportedLayer(layer.name, layer.kind, why="which this version of the format does not have")


def _own_value(graph: Graph, blob: Blob) -> Blob:
    """An output of the graph must be a value of its own, not one of its inputs or another output."""
    return Blob(graph.node("Identity", blob.tensor), blob.shape, blob.folded)
