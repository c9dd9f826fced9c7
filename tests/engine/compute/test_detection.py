"""NonMaximumSuppression against ONNX Runtime and the format's rules for what is left empty."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from engine.compute.detection import suppress
from engine.errors import UnsupportedModel
from engine.spec.describe import Layer, layers_of
from engine.spec.schema import Model

BATCH, COUNT, CLASSES = 2, 40, 3


def make(overlap: float, least: float, most: int, by_class: bool = False) -> Layer:
    model = Model()
    its = model.neuralNetwork.layers.add(name="pick").NonMaximumSuppression
    its.iouThreshold, its.scoreThreshold, its.maxBoxes, its.perClassSuppression = overlap, least, most, by_class
    its.SetInParent()
    return layers_of(model.neuralNetwork)[0]


def given(seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    boxes = np.concatenate([random.uniform(0, 10, (BATCH, COUNT, 2)), random.uniform(1, 6, (BATCH, COUNT, 2))], axis=2)
    return boxes.astype(np.float32), random.uniform(0, 1, (BATCH, COUNT, CLASSES)).astype(np.float32)


def in_onnx(
    boxes: np.ndarray, scores: np.ndarray, overlap: float, least: float, most: int, by_class: bool
) -> list[list[int]]:
    """ONNX Runtime's choice for each of the batch, best first."""
    onnx = pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    best = scores.max(axis=2, keepdims=True)
    shown = np.where(scores == best, best, -1) if by_class else best
    inputs = {
        "boxes": boxes,
        "scores": shown.transpose(0, 2, 1).astype(np.float32),
        "most": np.array([COUNT]),
        "overlap": np.array([overlap], np.float32),
        "least": np.array([least], np.float32),
    }
    helper = onnx.helper
    node = helper.make_node("NonMaxSuppression", list(inputs), ["out"], center_point_box=1)
    types = {name: helper.np_dtype_to_tensor_dtype(each.dtype) for name, each in inputs.items()}
    infos = [helper.make_tensor_value_info(name, kind, None) for name, kind in types.items()]
    graph = helper.make_graph([node], "one", infos, [helper.make_tensor_value_info("out", onnx.TensorProto.INT64, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)
    rows = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, inputs)[0]
    found = [[int(box) for which, _, box in rows if which == each] for each in range(len(boxes))]
    return [sorted(each, key=lambda box, n=n: -best[n, box, 0])[:most] for n, each in enumerate(found)]


@pytest.mark.parametrize("by_class", [False, True])
@pytest.mark.parametrize("most", [7, 50])
@pytest.mark.parametrize(("overlap", "least"), [(0.0, 0.0), (0.3, 0.7), (0.6, 0.9), (1.0, 0.5)])
@pytest.mark.parametrize("at_run_time", [False, True])
def test_the_survivors_are_onnxs(by_class: bool, most: int, overlap: float, least: float, at_run_time: bool) -> None:
    boxes, scores = given()
    limits = [np.array([each], np.float32) for each in (overlap, least, most)] if at_run_time else []
    layer = make(0.5, 0.99, 1, by_class) if at_run_time else make(overlap, least, most, by_class)
    kept_boxes, kept_scores, indices, counts = suppress(layer, boxes, scores, *limits)
    assert kept_boxes.shape == (BATCH, most, 4) and kept_scores.shape == (BATCH, most, CLASSES)
    assert indices.shape == (BATCH, most) and counts.shape == (BATCH,)
    for each, wanted in enumerate(in_onnx(boxes, scores, overlap, least, most, by_class)):
        count = len(wanted)
        assert counts[each] == count
        assert_array_equal(indices[each], wanted + [-1] * (most - count))
        assert_array_equal(kept_boxes[each, :count], boxes[each, wanted])
        assert_array_equal(kept_scores[each, :count], scores[each, wanted])
        assert not kept_boxes[each, count:].any() and not kept_scores[each, count:].any()


def test_only_the_first_inputs_may_be_given() -> None:
    boxes, scores = given()
    wanted = suppress(make(0.2, 0.6, 9), boxes, scores)
    for got, expected in zip(suppress(make(0.9, 0.6, 9), boxes, scores, np.array([0.2], np.float32)), wanted, strict=True):
        assert_array_equal(got, expected)


def test_where_every_score_is_too_low_the_best_box_is_left() -> None:
    boxes, scores = given()
    kept_boxes, _, indices, counts = suppress(make(0.5, 2, 5), boxes, scores)
    best = scores.max(axis=2).argmax(axis=1)
    assert_array_equal(counts, [1, 1])
    assert_array_equal(indices, [[each, -1, -1, -1, -1] for each in best])
    assert_array_equal(kept_boxes[[0, 1], 0], boxes[[0, 1], best])


def test_a_score_at_the_threshold_is_not_below_it() -> None:
    boxes = np.array([[[0, 0, 2, 2], [9, 9, 2, 2], [20, 20, 2, 2]]], np.float32)
    scores = np.array([[[0.5], [0.75], [0.25]]], np.float32)
    _, _, indices, counts = suppress(make(0.5, 0.5, 3), boxes, scores)
    assert_array_equal(indices, [[1, 0, -1]])
    assert_array_equal(counts, [2])


def test_equal_scores_go_in_order_and_boxes_without_size_hide_none() -> None:
    boxes = np.array([[[0, 0, 0, 0], [0, 0, 0, 0], [1, 1, 4, 2], [1, 1, 4, 2]]], np.float32)
    _, _, indices, _ = suppress(make(0.5, 0, 4), boxes, np.ones((1, 4, 1), np.float32))
    assert_array_equal(indices, [[0, 1, 2, -1]])


def test_all_outputs_are_float32() -> None:
    assert {each.dtype for each in suppress(make(0.5, 0, 4), *given())} == {np.dtype(np.float32)}


def test_what_does_not_fit_is_named() -> None:
    boxes, scores = given()
    for wrong in (boxes[..., :3], boxes[:, 1:], boxes[0]):
        with pytest.raises(UnsupportedModel, match=r"'pick'"):
            suppress(make(0.5, 0, 4), wrong, scores)
    for most in (0, 1 << 40):
        with pytest.raises(UnsupportedModel, match=r"'pick' is asked for at most"):
            suppress(make(0.5, 0, most), boxes, scores)
    with pytest.raises(UnsupportedModel, match=r"'pick' is asked for at most nan"):
        suppress(make(0.5, 0, 4), boxes, scores, *[np.array([each], np.float32) for each in (0.5, 0, np.nan)])
