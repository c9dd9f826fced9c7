"""What a graph takes, before it is run: multiplications against torch's counter, numbers held against a count by hand."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import engine
import engine.backbone
import engine.translate.cost
from engine.errors import UnsupportedModel
from engine.spec.describe import describe
from engine.spec.schema import Model
from engine.translate import Translation, translate
from engine.translate.session import Session
from tests.conftest import small_model
from tests.engine.conftest import Fill, filled, layer

torch = pytest.importorskip("torch")
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402


def translated(fill: Fill, *shapes: Sequence[int]) -> Translation:
    model = Model()
    model.neuralNetwork.arrayInputShapeMapping = model.neuralNetwork.imageInputShapeMapping = 1
    made = model.neuralNetwork.layers.add(name="one", output=["y"])
    for at, shape in enumerate(shapes):
        model.description.input.add(name=f"x{at}").type.multiArrayType.shape.extend(shape)
        made.input.append(f"x{at}")
    fill(made)
    said = describe(model)
    assert said.network is not None
    return translate(said.network, said.inputs, said.network.layers, ["y"], batch=False)


def conv(weights: tuple[int, ...], **more: Any) -> Fill:
    fields = {"outputChannels": weights[0], "kernelChannels": weights[1], "kernelSize": weights[2:], "valid": {}}
    return filled("convolution", weights=np.ones(weights), **fields | more)


def back(weights: tuple[int, ...]) -> Fill:
    fields = {"outputChannels": weights[1], "kernelChannels": weights[0], "kernelSize": weights[2:], "valid": {}}
    return filled("convolution", weights=np.ones(weights), isDeconvolution=True, **fields)


F = torch.nn.functional
COUNTED = {
    "convolution": (conv((8, 4, 3, 2)), (1, 4, 17, 13), lambda x: F.conv2d(x, torch.ones(8, 4, 3, 2))),
    "in groups, with strides": (
        conv((8, 2, 3, 2), nGroups=2, stride=(2, 3)),
        (1, 4, 17, 13),
        lambda x: F.conv2d(x, torch.ones(8, 2, 3, 2), stride=(2, 3), groups=2),
    ),
    "the other way": (back((4, 5, 3, 2)), (1, 4, 17, 13), lambda x: F.conv_transpose2d(x, torch.ones(4, 5, 3, 2))),
    "dense": (
        filled("innerProduct", inputChannels=90, outputChannels=23, weights=np.ones((23, 90))),
        (7, 90),
        lambda x: x @ torch.ones(90, 23),
    ),
    "product of matrices": (
        filled("batchedMatmul", weightMatrixFirstDimension=90, weightMatrixSecondDimension=23, weights=np.ones((23, 90))),
        (3, 7, 90),
        lambda x: x @ torch.ones(90, 23),
    ),
}


@pytest.mark.parametrize("name", COUNTED)
def test_multiplications_are_as_torch_counts_them(name: str) -> None:
    fill, shape, by_torch = COUNTED[name]
    with FlopCounterMode(display=False) as counter:
        found = by_torch(torch.ones(shape))
    counted = counter.get_total_flops() / 2
    # Beside them, a few nodes that only pass numbers on.
    assert counted <= translated(fill, shape).work <= counted + 4 * max(found.numel(), np.prod(shape))


def test_windows_count_as_often_as_they_look() -> None:
    fill = filled("pooling", type=0, kernelSize=(5, 3), stride=(2, 1), valid={})
    outputs = 4 * 7 * 11
    assert 15 * outputs <= translated(fill, (1, 4, 17, 13)).work <= 18 * outputs


def chained(kept: bool) -> Any:
    """Nine layers of 7 x 6 numbers; all of them are kept for a last one, or each only for the next."""
    model = Model()
    model.neuralNetwork.arrayInputShapeMapping = 1
    model.description.input.add(name="x").type.multiArrayType.shape.extend((7, 6))
    network = model.neuralNetwork
    for at in range(9):
        layer(network, "tanh", f"{'x' if kept or not at else f'y{at - 1}'} -> y{at}")
    layer(network, "addBroadcastable", " ".join(f"y{at}" for at in range(9)) + " -> z" if kept else "y8 y8 -> z")
    return describe(model)


def chain(kept: bool) -> Translation:
    said = chained(kept)
    return translate(said.network, said.inputs, said.network.layers, ["z"], batch=False)


def test_numbers_are_held_until_they_are_read_for_the_last_time() -> None:
    assert chain(kept=False).held == 2 * 42
    # The input goes with the last reading of it, when all nine are there; a sum needs its two parts and itself.
    assert chain(kept=True).held == 10 * 42


@pytest.mark.parametrize(("limit", "words"), [("TOGETHER", "held at once"), ("WORK", "multiplications")])
def test_what_is_beyond_measure_is_refused_with_the_layer(limit: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.translate.cost, limit, 5 * 42)
    with pytest.raises(UnsupportedModel, match=rf"Up to layer 'tanh x -> y[45]', .*{words}"):
        chain(kept=True)


@pytest.mark.parametrize("room", [0, 1, 3, 99])
def test_batches_are_as_large_as_there_is_room(room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (11, 11, 14, 3), np.uint8)
    wanted = engine.open_model(small_model()).features(pixels)
    ran: list[int] = []
    plain = Session.run
    monkeypatch.setattr(Session, "run", lambda its, data: ran.append(len(next(iter(data.values())))) or plain(its, data))
    model = engine.open_model(small_model())
    network, cut = model.network, model.cut
    held = translate(network, model.description.inputs, cut.backbone, [cut.features], batch=True).held
    monkeypatch.setattr(engine.backbone, "cores", lambda: 2)
    monkeypatch.setattr(engine.backbone, "BATCHES", 2 * held * room)
    np.testing.assert_allclose(model.features(pixels), wanted, atol=1e-5)
    # Two images, together and one by one, tell whether batches may be believed.
    probes = [2, 1, 1] if room else []
    batches = (
        [min(room, 16)] * (11 // room) + [11 % room] * bool(11 % room) if 0 < room < 11 else [11] if room else [1] * 11
    )
    assert sorted(ran) == sorted([*probes, *batches])
