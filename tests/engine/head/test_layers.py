"""Every kind of the head's layers: against torch, along random directions, and gradient against tangent."""

import numpy as np
import pytest

from engine.head.kinds import KINDS
from engine.head.layers import HeadLayer
from engine.head.windows import convolution, pooling


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def fixed(*pads):
    return lambda h, w: tuple(pads)


def windowed(kind, weights, kernel, stride, pads, **more):
    settings = {"kernel": kernel, "stride": stride, "padding": fixed(*pads), "beyond": lambda h, w: (0, 0), **more}
    return HeadLayer("layer", kind, weights, settings, bool(weights))


def normal(*shape):
    return rng().normal(0, 1, shape)


CASES = {
    "innerProduct on rows": (
        HeadLayer("l", "innerProduct", {"weights": normal(5, 7), "bias": normal(5)}, {}, True),
        (3, 7),
    ),
    "innerProduct on images": (
        HeadLayer("l", "innerProduct", {"weights": normal(5, 24)}, {}, True),
        (3, 2, 3, 4),
    ),
    "convolution": (
        windowed("convolution", {"weights": normal(5, 2, 3, 2), "bias": normal(5)}, (3, 2), (2, 1), ((1, 0), (0, 2)),
                 dilation=(1, 2), groups=1),
        (3, 2, 7, 6),
    ),
    "convolution in groups": (
        windowed("convolution", {"weights": normal(6, 2, 2, 3), "bias": normal(6)}, (2, 3), (1, 2), ((0, 1), (2, 1)),
                 dilation=(2, 1), groups=3),
        (4, 6, 5, 7),
    ),
    "pooling max": (
        windowed("pooling", {}, (2, 3), (2, 1), ((1, 0), (1, 1)), type="max", whole=False, exclude_padding=False),
        (3, 2, 5, 7),
    ),
    "pooling average": (
        windowed("pooling", {}, (3, 2), (1, 2), ((1, 1), (0, 1)), type="average", whole=False, exclude_padding=False),
        (3, 2, 5, 7),
    ),
    "pooling average without padding": (
        windowed("pooling", {}, (3, 2), (1, 2), ((1, 1), (0, 1)), type="average", whole=False, exclude_padding=True),
        (3, 2, 5, 7),
    ),
    "pooling global": (
        windowed("pooling", {}, (1, 1), (1, 1), ((0, 0), (0, 0)), type="average", whole=True, exclude_padding=False),
        (3, 2, 5, 7),
    ),
    "flatten": (HeadLayer("l", "flatten", {}, {"channel_last": False}), (3, 2, 5, 4)),
    "flatten channel last": (HeadLayer("l", "flatten", {}, {"channel_last": True}), (3, 2, 5, 4)),
    "batchnorm": (HeadLayer("l", "batchnorm", {"scale": normal(4), "shift": normal(4)}), (3, 4, 2, 5)),
    "activation.ReLU": (HeadLayer("l", "activation.ReLU"), (3, 4, 2)),
    "activation.sigmoid": (HeadLayer("l", "activation.sigmoid"), (3, 4, 2)),
    "activation.tanh": (HeadLayer("l", "activation.tanh"), (3, 4, 2)),
    "softmax": (HeadLayer("l", "softmax"), (3, 5, 2, 4)),
}  # fmt: skip


def gradient(layer, x, y, dy):
    """dx, and the gradient of each of the weights."""
    found = {name: np.full(each.shape, np.nan) for name, each in layer.weights.items()} if layer.updatable else {}
    KINDS[layer.kind].gradient(layer, x, dy, found)
    return KINDS[layer.kind].back(layer, x, y, dy), found


def test_every_kind_has_a_case():
    assert {layer.kind for layer, _ in CASES.values()} == set(KINDS)


def moved(layer, change, step):
    return HeadLayer(
        layer.name,
        layer.kind,
        {n: w + step * change[n] for n, w in layer.weights.items()},
        layer.settings,
        layer.updatable,
    )


@pytest.mark.parametrize("name", CASES)
def test_gradient_is_the_slope_along_a_random_direction(name):
    layer, shape = CASES[name]
    kind, r = KINDS[layer.kind], np.random.default_rng(11)
    x, dx = r.normal(0, 1, shape), r.normal(0, 1, shape)
    change = {n: r.normal(0, 1, w.shape) for n, w in layer.weights.items()} if layer.updatable else {}
    y = kind.forward(layer, x)
    dy = r.normal(0, 1, y.shape)

    def at(step):
        here = moved(layer, change, step) if change else layer
        return (kind.forward(here, x + step * dx) * dy).sum()

    slope = (at(1e-6) - at(-1e-6)) / 2e-6
    back, d_weights = gradient(layer, x, y, dy)
    assert back.shape == x.shape
    said = (back * dx).sum() + sum((d_weights[n] * change[n]).sum() for n in change)
    assert slope == pytest.approx(said, rel=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_tangent_is_the_transpose_of_the_gradient(name):
    layer, shape = CASES[name]
    kind, r = KINDS[layer.kind], np.random.default_rng(12)
    x, dx = r.normal(0, 1, shape), r.normal(0, 1, shape)
    change = {n: r.normal(0, 1, w.shape) for n, w in layer.weights.items()} if layer.updatable else {}
    y = kind.forward(layer, x)
    dy = r.normal(0, 1, y.shape)
    back, d_weights = gradient(layer, x, y, dy)
    forth = kind.tangent(layer, x, y, dx, change)
    assert forth.shape == y.shape
    assert (forth * dy).sum() == pytest.approx(
        (back * dx).sum() + sum((d_weights[n] * change[n]).sum() for n in change), rel=1e-10
    )


def torch_forward(torch, layer, x):
    F = torch.nn.functional  # noqa: N806
    s, w = layer.settings, {n: torch.tensor(v) for n, v in layer.weights.items()}

    def padded(value):
        (top, bottom), (left, right) = s["padding"](*x.shape[2:])
        return F.pad(x, (left, right, top, bottom), value=value)

    def pooled():
        if s["whole"]:
            return x.mean(dim=(2, 3), keepdim=True)
        if s["type"] == "max":
            return F.max_pool2d(padded(-torch.inf), s["kernel"], s["stride"])
        mean = F.avg_pool2d(padded(0.0), s["kernel"], s["stride"])
        if not s["exclude_padding"]:
            return mean
        (top, bottom), (left, right) = s["padding"](*x.shape[2:])
        inside = F.pad(torch.ones_like(x), (left, right, top, bottom))
        return mean / F.avg_pool2d(inside, s["kernel"], s["stride"])

    return {
        "innerProduct": lambda: F.linear(x.flatten(1), w["weights"], w.get("bias")).reshape(
            len(x), -1, *[1] * (x.ndim - 2)
        ),
        "convolution": lambda: F.conv2d(padded(0.0), w["weights"], w["bias"], s["stride"], 0, s["dilation"], s["groups"]),
        "pooling": pooled,
        "flatten": lambda: (x.permute(0, 2, 3, 1) if s["channel_last"] else x).reshape(len(x), -1, 1, 1),
        "batchnorm": lambda: F.batch_norm(
            x, torch.zeros(4).double(), torch.ones(4).double(), w["scale"], w["shift"], eps=0.0
        ),
        "activation.ReLU": lambda: F.relu(x),
        "activation.sigmoid": lambda: torch.sigmoid(x),
        "activation.tanh": lambda: torch.tanh(x),
        "softmax": lambda: torch.softmax(x, 1),
    }[layer.kind]()


@pytest.mark.parametrize("name", CASES)
def test_torch_gives_the_same_values_and_gradients(name):
    torch = pytest.importorskip("torch")
    layer, shape = CASES[name]
    x = np.random.default_rng(13).normal(0, 1, shape)
    there = torch.tensor(x, requires_grad=True)
    expected = torch_forward(torch, layer, there)
    y = KINDS[layer.kind].forward(layer, x)
    assert y.shape == tuple(expected.shape)
    np.testing.assert_allclose(y, expected.detach().numpy(), rtol=1e-10, atol=1e-12)
    dy = np.random.default_rng(14).normal(0, 1, y.shape)
    expected.backward(torch.tensor(dy))
    dx, _ = gradient(layer, x, y, dy)
    np.testing.assert_allclose(dx, there.grad.numpy(), rtol=1e-10, atol=1e-12)


def test_windows_beyond_the_padding_are_not_counted():
    # Caffe's last, incomplete window: 5 pixels, kernel 2, stride 2, no padding: the third window holds one pixel.
    layer = windowed("pooling", {}, (2, 2), (2, 2), ((0, 1), (0, 1)), type="average", whole=False, exclude_padding=False)
    layer.settings["beyond"] = lambda h, w: (1, 1)
    x = np.arange(25.0).reshape(1, 1, 5, 5)
    assert pooling(layer, x)[0, 0, 2, 2] == 24
    assert pooling(layer, x)[0, 0, 2, 0] == pytest.approx(20.5)


def test_a_convolution_does_not_change_what_it_is_given():
    layer, shape = CASES["convolution"]
    x = normal(*shape)
    before = x.copy()
    convolution(layer, x)
    assert (x == before).all()


@pytest.mark.parametrize("name", CASES)
def test_inner_products_are_those_of_each_samples_gradient(name):
    layer, shape = CASES[name]
    r = np.random.default_rng(15)
    x = r.normal(0, 1, shape)
    y = KINDS[layer.kind].forward(layer, x)
    dys = r.normal(0, 1, (len(x), 2, *y.shape[1:]))
    rows = []
    for sample in range(len(x)):
        for slope in range(2):
            one = slice(sample, sample + 1)
            _, found = gradient(layer, x[one], y[one], dys[one, slope])
            rows.append(np.concatenate([np.zeros(1), *(each.reshape(-1) for each in found.values())]))
    expected = np.array(rows) @ np.array(rows).T
    np.testing.assert_allclose(KINDS[layer.kind].inner(layer, x, dys), expected, rtol=1e-9, atol=1e-9)
