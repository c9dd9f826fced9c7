"""Passes on batches of one size against traces, of every kind of layer that a head may have."""

import numpy as np
import pytest

import engine.head
from engine.head import Head, HeadLayer
from engine.head.working import Working


def layer(kind, rng, *shape, **settings):
    weights = {"weights": rng.normal(0, 0.5, shape), "bias": rng.normal(0, 0.3, shape[0])} if shape else {}
    return HeadLayer(kind, kind, {n: w.astype(np.float32) for n, w in weights.items()}, settings, bool(shape))


def heads():
    """Heads and the shape of one sample's features."""
    rng = np.random.default_rng(5)
    relu, tanh = layer("activation.ReLU", rng), layer("activation.tanh", rng)
    two, three = layer("innerProduct", rng, 3, 7), layer("innerProduct", rng, 2, 3)
    yield "rows", (tanh, two, relu, three), (7,)
    yield "ends in ReLU", (two, relu), (7,)
    yield "pixels", (relu, two, tanh, three), (7, 1, 1)
    yield "no layers", (), (4,)
    same = {"kernel": (3, 2), "stride": (1, 1), "padding": lambda h, w: ((0, 0), (0, 0)), "groups": 1}
    yield (
        "convolution",
        (layer("convolution", rng, 5, 2, 3, 2, **same), relu, layer("flatten", rng, channel_last=True)),
        (2, 5, 4),
    )


HEADS = {name: rest for name, *rest in heads()}


@pytest.mark.parametrize("name", HEADS)
def test_a_pass_is_a_trace(name):
    layers, shape = HEADS[name]
    rng, working = np.random.default_rng(6), Working(Head(tuple(layers)), np.float32)
    for rows in (6, 4, 6):
        x = rng.normal(0, 1, (rows, *shape)).astype(np.float32)
        through, trace = working.through(rows, x.ndim), working.head.trace(x)
        found = through.forth(x).copy()
        np.testing.assert_allclose(found, trace.outputs, rtol=1e-6)
        slope = rng.normal(0, 1, found.shape).astype(np.float32)
        expected = [{name: np.zeros_like(each) for name, each in into.items()} for into in working.into]
        down = trace.backward(slope, expected, to_features=True)
        np.testing.assert_allclose(
            through.back(slope.copy(), to_features=True).reshape(x.shape), down, rtol=1e-5, atol=1e-6
        )
        for one, two in zip(working.into, expected, strict=True):
            for each in two:
                np.testing.assert_allclose(one[each], two[each], rtol=1e-5, atol=1e-6)
        working.weights *= np.float32(0.9)


def test_predictions_of_pictures_are_made_in_blocks_that_fit(monkeypatch):
    """A head of windows makes much of each image: blocks become smaller, and answers stay what they are."""
    rng = np.random.default_rng(4)
    weights = {"weights": rng.normal(0, 1, (6, 3, 2, 2)).astype(np.float32)}
    settings = {"kernel": (2, 2), "stride": (1, 1), "dilation": (1, 1), "groups": 1}
    settings["padding"] = lambda h, w: ((0, 0), (0, 0))
    head = Head((HeadLayer("windows", "convolution", weights, settings, True),))
    features = rng.normal(0, 1, (11, 3, 5, 4)).astype(np.float32)
    wanted = head.logits(features)
    seen = []
    plain = Head.trace
    monkeypatch.setattr(Head, "trace", lambda its, x: seen.append(len(x)) or plain(its, x))
    one = 3 * 5 * 4 + 6 * 4 * 3
    monkeypatch.setattr(engine.head, "LARGEST", 4 * one)
    np.testing.assert_allclose(head.logits(features), wanted, rtol=1e-6)
    assert seen == [1, 4, 4, 3]
