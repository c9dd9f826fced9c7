"""NonMaximumSuppression: of boxes that overlap, the one with the highest score."""

import numpy as np

from engine.errors import UnsupportedModel
from engine.spec.describe import Array, Layer

MOST = 1_000_000
"""Boxes that an output has room for at most, so that a damaged file cannot ask for more memory than there is."""


def suppress(layer: Layer, boxes: Array, scores: Array, *limits: Array) -> tuple[Array, Array, Array, Array]:
    """The surviving boxes, best first: boxes (B, most, 4), scores (B, most, C), indices (B, most) and how many (B,).

    `boxes` is (B, N, 4): x and y of the centre, width, height; `scores` (B, N, C). Inputs 3 to 5, one number each, stand
    in for the layer's IoU threshold, score threshold and most boxes. Empty places hold 0, empty indices -1. Where no score
    reaches the threshold, the best box survives.
    """
    if boxes.ndim != 3 or scores.ndim != 3 or boxes.shape[2] != 4 or boxes.shape[:2] != scores.shape[:2]:
        why = f"Layer {layer.name!r} is given boxes of shape {boxes.shape} and scores of shape {scores.shape}."
        raise UnsupportedModel(why, "It needs (batch, boxes, 4) and (batch, boxes, classes).")
    its = layer.parameters
    given = [float(each.reshape(-1)[0]) for each in limits]
    overlap, least, most = (*given, *(its.iouThreshold, its.scoreThreshold, its.maxBoxes)[len(given) :])
    if not 1 <= most <= MOST:
        raise UnsupportedModel(f"Layer {layer.name!r} is asked for at most {most:g} boxes; it can give 1 to {MOST}.")
    return _kept(boxes, scores, int(most), least, overlap, its.perClassSuppression)


def _kept(
    boxes: Array, scores: Array, most: int, least: float, overlap: float, by_class: bool
) -> tuple[Array, Array, Array, Array]:
    batch = len(boxes)
    kept_boxes = np.zeros((batch, most, 4), np.float32)
    kept_scores = np.zeros((batch, most, scores.shape[2]), np.float32)
    indices = np.full((batch, most), -1, np.float32)
    counts = np.zeros(batch, np.float32)
    for each in range(batch):
        found = _survivors(boxes[each], scores[each], most, least, overlap, by_class)
        count = len(found)
        kept_boxes[each, :count] = boxes[each, found]
        kept_scores[each, :count] = scores[each, found]
        indices[each, :count] = found
        counts[each] = count
    return kept_boxes, kept_scores, indices, counts


def _survivors(boxes: Array, scores: Array, most: int, least: float, overlap: float, by_class: bool) -> list[int]:
    """Indices of the boxes that stay, best first; among equals the first."""
    best = scores.max(axis=1)
    order = np.argsort(-best, kind="stable")
    alive = best >= least
    if not alive.any():
        return [int(order[0])]
    classes = scores.argmax(axis=1)
    found: list[int] = []
    for index in order:
        if len(found) == most:
            break
        if alive[index]:
            found.append(int(index))
            rivals = _overlaps(boxes[index], boxes) > overlap
            alive &= ~(rivals & (classes == classes[index])) if by_class else ~rivals
            alive[index] = False
    return found


def _overlaps(box: Array, boxes: Array) -> Array:
    """Intersection over union of one box (4,) with each of (N, 4); 0 where both are empty."""
    low, high = boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2
    sides = np.minimum(high, box[:2] + box[2:] / 2) - np.maximum(low, box[:2] - box[2:] / 2)
    shared = sides.clip(0).prod(axis=1)
    union = boxes[:, 2:].prod(axis=1) + box[2:].prod() - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
