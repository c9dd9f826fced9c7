"""resizeBilinear and cropResize against torch, ONNX Runtime and the places that the format's description names."""

from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from engine.compute.sampling import crop_resize, resize_bilinear
from engine.errors import UnsupportedModel
from engine.spec.describe import Layer, layers_of
from engine.spec.schema import Model

STRICT, ALIGN, UPSAMPLE, ROI_ALIGN = range(4)
BATCH, CHANNELS, HEIGHT, WIDTH = 3, 2, 7, 9
PICTURES = np.random.default_rng(5).normal(size=(1, BATCH, CHANNELS, HEIGHT, WIDTH)).astype(np.float32)
BOXES = np.array([[1, 2, 5, 6], [0.5, 1.25, 3.75, 7.5], [0, 0, 6, 8], [4, 7, 1.5, 2]], np.float32)
"""Top, left, bottom, right; the last upside down and mirrored."""
close = partial(assert_allclose, rtol=1e-5, atol=1e-6)


def make(kind: str, mode: int, *target: int, box_mode: int = 0, scale: float = 1.0, normalized: bool = False) -> Layer:
    model = Model()
    layer = model.neuralNetwork.layers.add(name="zoom")
    its = getattr(layer, kind)
    its.targetSize.extend(target)
    its.mode.samplingMethod = mode
    if kind == "cropResize":
        its.boxIndicesMode.boxMode = box_mode
        its.spatialScale = scale
        its.normalizedCoordinates = normalized
    its.SetInParent()
    return layers_of(model.neuralNetwork)[0]


crop = partial(make, "cropResize")
resize = partial(make, "resizeBilinear")


def as_boxes(rows: np.ndarray) -> np.ndarray:
    return rows.astype(np.float32)[:, None, :, None, None]


def in_onnx(kind: str, inputs: dict[str, np.ndarray], names: list[str], **settings: object) -> np.ndarray:
    onnx = pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    helper = onnx.helper
    types = {name: helper.np_dtype_to_tensor_dtype(each.dtype) for name, each in inputs.items()}
    graph = helper.make_graph(
        [helper.make_node(kind, names, ["out"], **settings)],
        "one",
        [helper.make_tensor_value_info(name, types[name], None) for name in inputs],
        [helper.make_tensor_value_info("out", onnx.TensorProto.FLOAT, None)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)
    session = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, inputs)[0]


@pytest.mark.parametrize(("height", "width"), [(11, 4), (5, 14), (7, 9)])
@pytest.mark.parametrize("mode", [STRICT, ALIGN])
def test_the_aligned_modes_are_torchs_align_corners(mode: int, height: int, width: int) -> None:
    torch = pytest.importorskip("torch")
    wanted = torch.nn.functional.interpolate(
        torch.from_numpy(PICTURES[0]), (height, width), mode="bilinear", align_corners=True
    )
    close(resize_bilinear(resize(mode, height, width), PICTURES)[0], wanted.numpy())


@pytest.mark.parametrize(("height", "width"), [(11, 4), (5, 14)])
def test_upsampling_is_onnxs_asymmetric_resize(height: int, width: int) -> None:
    inputs = {"x": PICTURES[0], "sizes": np.array([BATCH, CHANNELS, height, width])}
    mode = {"mode": "linear", "coordinate_transformation_mode": "asymmetric"}
    wanted = in_onnx("Resize", inputs, ["x", "", "", "sizes"], **mode)
    close(resize_bilinear(resize(UPSAMPLE, height, width), PICTURES)[0], wanted)


@pytest.mark.parametrize(
    ("mode", "points", "places"),
    [
        (STRICT, 5, [0, 0.25, 0.5, 0.75, 1]),
        (STRICT, 1, [0]),
        (ALIGN, 6, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (ALIGN, 1, [0.5]),
        (UPSAMPLE, 5, [0, 0.4, 0.8, 1, 1]),
        (UPSAMPLE, 1, [0]),
        (ROI_ALIGN, 5, [0.1, 0.3, 0.5, 0.7, 0.9]),
        (ROI_ALIGN, 1, [0.5]),
    ],
)
def test_two_pixels_are_sampled_at_the_places_that_the_format_names(mode: int, points: int, places: list[float]) -> None:
    pixels = np.array([0, 1], np.float32)
    close(resize_bilinear(resize(mode, 1, points), pixels.reshape(1, 1, 2)).ravel(), places)
    close(resize_bilinear(resize(mode, points, 1), pixels.reshape(1, 2, 1)).ravel(), places)


@pytest.mark.parametrize("mode", range(4))
def test_one_pixel_is_everywhere(mode: int) -> None:
    pixel = np.full((1, CHANNELS, 1, 1), 3, np.float32)
    assert_array_equal(resize_bilinear(resize(mode, 4, 5), pixel), np.full((1, CHANNELS, 4, 5), 3))


@pytest.mark.parametrize("shape", [(CHANNELS, HEIGHT, WIDTH), (3, 1, CHANNELS, HEIGHT, WIDTH)])
def test_any_rank_from_3_on_is_resized_and_stays_float32(shape: tuple[int, ...]) -> None:
    blob = PICTURES.reshape(-1)[: np.prod(shape)].reshape(shape)
    found = resize_bilinear(resize(STRICT, 4, 5), blob)
    assert found.shape == (*shape[:-2], 4, 5) and found.dtype == np.float32
    each = [resize_bilinear(resize(STRICT, 4, 5), plane[None]) for plane in blob.reshape(-1, HEIGHT, WIDTH)]
    assert_array_equal(found.reshape(-1, 4, 5), np.concatenate(each))


def test_without_a_target_size_it_is_one_pixel() -> None:
    assert_array_equal(resize_bilinear(resize(STRICT), PICTURES), PICTURES[..., :1, :1])


@pytest.mark.parametrize("mode", [STRICT, ALIGN])
def test_a_crop_samples_from_corner_to_corner(mode: int) -> None:
    torch = pytest.importorskip("torch")
    found = crop_resize(crop(mode, 5, 4), PICTURES, as_boxes(BOXES))
    assert found.shape == (len(BOXES), BATCH, CHANNELS, 5, 4) and found.dtype == np.float32
    for patch, (top, left, bottom, right) in zip(found, BOXES, strict=True):
        rows = np.linspace(top, bottom, 5) / (HEIGHT - 1) * 2 - 1
        columns = np.linspace(left, right, 4) / (WIDTH - 1) * 2 - 1
        grid = np.stack(np.meshgrid(columns, rows), axis=-1).astype(np.float32)
        grids = torch.from_numpy(np.stack([grid] * BATCH))
        wanted = torch.nn.functional.grid_sample(torch.from_numpy(PICTURES[0]), grids, align_corners=True)
        close(patch, wanted.numpy(), atol=1e-5)


def test_aligning_one_point_takes_the_middle_of_the_box() -> None:
    found = crop_resize(crop(ALIGN, 1, 1), PICTURES, as_boxes(BOXES[:1]))
    assert_array_equal(found[0, ..., 0, 0], PICTURES[0, ..., 3, 4])
    strict = crop_resize(crop(STRICT, 1, 1), PICTURES, as_boxes(BOXES[:1]))
    assert_array_equal(strict[0, ..., 0, 0], PICTURES[0, ..., 1, 2])


def test_upsampling_a_box_of_whole_pixels_is_upsampling_what_is_cut_out() -> None:
    found = crop_resize(crop(UPSAMPLE, 3, 5), PICTURES, as_boxes(np.array([[1, 2, 6, 8]])))
    close(found[0], resize_bilinear(resize(UPSAMPLE, 3, 5), PICTURES[0, ..., 1:, 2:]))


def test_roi_align_is_onnxs_with_one_sample_a_bin() -> None:
    boxes = BOXES[:3].copy()
    boxes = np.concatenate([boxes, [[2.2, 3.1, 2.7, 3.4]]]).astype(np.float32)
    which = np.array([2, 0, 1, 2])
    scaled = {"output_height": 5, "output_width": 4, "sampling_ratio": 1, "spatial_scale": 0.5, "mode": "avg"}
    inputs = {"x": PICTURES[0], "rois": 2 * boxes[:, [1, 0, 3, 2]], "batch": which}
    wanted = in_onnx(
        "RoiAlign", inputs, ["x", "rois", "batch"], **scaled, coordinate_transformation_mode="output_half_pixel"
    )
    rows = as_boxes(np.concatenate([which[:, None], 2 * boxes], axis=1))
    found = crop_resize(crop(ROI_ALIGN, 5, 4, scale=0.5), PICTURES, rows)
    assert found.shape == (len(boxes), 1, CHANNELS, 5, 4)
    close(found[:, 0], wanted, atol=1e-5)


SIZE = BOXES[:, 2:] - BOXES[:, :2]
CENTRES = np.concatenate([BOXES[:, :2] + SIZE / 2, SIZE], axis=1)


@pytest.mark.parametrize(
    ("box_mode", "rows"),
    [(1, BOXES[:, [1, 0, 3, 2]]), (2, CENTRES), (3, CENTRES[:, [1, 0, 3, 2]])],
    ids=["corners, width first", "centre and size, height first", "centre and size, width first"],
)
@pytest.mark.parametrize("normalized", [False, True])
def test_a_box_may_be_said_in_other_ways(box_mode: int, rows: np.ndarray, normalized: bool) -> None:
    wanted = crop_resize(crop(STRICT, 5, 4), PICTURES, as_boxes(BOXES))
    if normalized:
        last = np.array([HEIGHT - 1, WIDTH - 1])
        rows = rows / np.tile(last[::-1] if box_mode % 2 else last, 2)
    layer = crop(STRICT, 5, 4, box_mode=box_mode, normalized=normalized)
    close(crop_resize(layer, PICTURES, as_boxes(rows)), wanted, atol=1e-5)


def test_a_scale_of_0_says_nothing() -> None:
    wanted = crop_resize(crop(STRICT, 5, 4), PICTURES, as_boxes(BOXES))
    assert_array_equal(crop_resize(crop(STRICT, 5, 4, scale=0), PICTURES, as_boxes(BOXES)), wanted)


def test_beyond_the_edge_the_edge_goes_on() -> None:
    found = crop_resize(crop(STRICT, 2, 3), PICTURES, as_boxes(np.array([[-9, -9, 99, 99]])))
    assert_array_equal(found[0], PICTURES[0][..., [[0], [6]], [0, 8, 8]])


def test_what_does_not_fit_is_named() -> None:
    for target in ((0, 5), (1 << 40, 5)):
        with pytest.raises(UnsupportedModel, match=rf"'zoom' has the target size {target[0]} x 5"):
            resize_bilinear(resize(STRICT, *target), PICTURES)
    with pytest.raises(UnsupportedModel, match=r"'zoom'.*\(7, 9\)"):
        resize_bilinear(resize(STRICT, 4, 5), PICTURES[0, 0, 0])
    with pytest.raises(UnsupportedModel, match=r"'zoom'.*\(3, 2, 7, 9\).*\(4, 1, 4, 1, 1\)"):
        crop_resize(crop(STRICT, 4, 5), PICTURES[0], as_boxes(BOXES))
    with pytest.raises(UnsupportedModel, match=r"'zoom'.*\(4, 1, 3, 1, 1\)"):
        crop_resize(crop(STRICT, 4, 5), PICTURES, as_boxes(BOXES[:, :3]))
    for which in (-1, BATCH, np.nan):
        with pytest.raises(UnsupportedModel, match=rf"'zoom' is asked to crop picture {which:g} of a batch of 3"):
            crop_resize(crop(STRICT, 4, 5), PICTURES, as_boxes(np.array([[which, 0, 0, 1, 1]])))
