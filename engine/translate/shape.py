"""Layers that give the same numbers another shape."""

from engine.spec.describe import Layer
from engine.translate.graph import Graph


def flatten(layer: Layer, graph: Graph) -> None:
    """(.., C, H, W) to (.., C H W, 1, 1); channel last turns it to (H, W, C) first."""
    blob = graph.take(layer)
    tensor = blob.tensor
    if layer.parameters.mode == 1:
        lead = list(range(len(blob.shape) - 3))
        at = len(lead)
        tensor = graph.node("Transpose", tensor, perm=[*lead, at + 1, at + 2, at])
    lead_sizes = [0] * (len(blob.shape) - 3)
    flat = graph.reshape(tensor, (*lead_sizes, -1, 1, 1))
    graph.give(layer, graph.blob(flat, blob))
