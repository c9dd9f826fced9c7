"""Random layers: their shapes, their moments, and that a seed repeats them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from engine.compute import chance
from engine.errors import UnsupportedModel
from engine.spec.describe import Layer, layers_of
from engine.spec.schema import Model

SHAPE = (20, 30, 50)
NORMAL = {"mean": 3.0, "stdDev": 0.5}
UNIFORM = {"minVal": -2.0, "maxVal": 4.0}
BERNOULLI = {"prob": 0.3}
KINDS = {
    "randomNormal": (chance.normal_like, chance.normal_static, chance.normal_dynamic, NORMAL),
    "randomUniform": (chance.uniform_like, chance.uniform_static, chance.uniform_dynamic, UNIFORM),
    "randomBernoulli": (chance.bernoulli_like, chance.bernoulli_static, chance.bernoulli_dynamic, BERNOULLI),
}


def make(kind: str, **parameters: object) -> Layer:
    model = Model()
    layer = model.neuralNetwork.layers.add(name="dice")
    its = getattr(layer, kind)
    its.SetInParent()
    for name, value in parameters.items():
        if name == "outputShape":
            its.outputShape.extend(value)
        else:
            setattr(its, name, value)
    return layers_of(model.neuralNetwork)[0]


def drawn(kind: str, seed: int) -> list[np.ndarray]:
    """The three ways to say the shape."""
    like, static, dynamic, its = KINDS[kind]
    return [
        like(make(f"{kind}Like", seed=seed, **its), np.zeros(SHAPE, np.float32)),
        static(make(f"{kind}Static", seed=seed, outputShape=SHAPE, **its)),
        dynamic(make(f"{kind}Dynamic", seed=seed, **its), np.array(SHAPE, np.float32)),
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_repeats_however_the_shape_is_said(kind: str) -> None:
    first, *others = drawn(kind, 42)
    assert first.shape == SHAPE and first.dtype == np.float32
    for other in (*others, *drawn(kind, 42)):
        assert_array_equal(first, other)
    assert (drawn(kind, 43)[0] != first).any()


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_seed_it_differs_each_time(kind: str) -> None:
    first, second, third = drawn(kind, -1)
    assert (first != second).any() and (second != third).any()


def moments(values: np.ndarray) -> list[float]:
    centred = values.astype(np.float64) - values.mean(dtype=np.float64)
    return [values.mean(dtype=np.float64), *(float((centred**each).mean()) for each in (2, 3, 4))]


def test_normal_numbers_have_a_normal_distributions_moments() -> None:
    assert_allclose(moments(drawn("randomNormal", 1)[0]), [3, 0.25, 0, 3 * 0.25**2], atol=0.02)


def test_uniform_numbers_fill_their_range() -> None:
    values = drawn("randomUniform", 1)[0]
    assert_allclose(moments(values), [1, 3, 0, 6**4 / 80], rtol=0.02, atol=0.1)
    assert -2 <= values.min() < -1.99 and 3.99 < values.max() <= 4


def test_bernoulli_numbers_are_1_as_often_as_asked() -> None:
    values = drawn("randomBernoulli", 1)[0]
    assert set(np.unique(values)) == {0, 1}
    assert_allclose(values.mean(), 0.3, atol=0.01)


CHANCES = np.array([[[0.1, 0.2, 0.3, 0.4], [0.0, 0.7, 0.3, 0.0], [0.25, 0.25, 0.0, 0.5]]], np.float32)
SAMPLES = 40_000


def shares(indices: np.ndarray) -> np.ndarray:
    """How often each class was drawn, row by row."""
    assert indices.shape == (*CHANCES.shape[:-1], SAMPLES) and indices.dtype == np.float32
    return np.stack([np.bincount(row.astype(int), minlength=4) / SAMPLES for row in indices.reshape(3, SAMPLES)])


def categorical(blob: np.ndarray, **parameters: object) -> np.ndarray:
    return chance.categorical(make("categoricalDistribution", **{"numSamples": SAMPLES, "seed": 5, **parameters}), blob)


def test_classes_are_drawn_by_their_probabilities() -> None:
    found = shares(categorical(CHANCES))
    assert_allclose(found, CHANCES[0], atol=0.01)
    assert not found[CHANCES[0] == 0].any()


def test_logits_need_not_be_normalised() -> None:
    logits = np.random.default_rng(2).uniform(-3, 3, CHANCES.shape).astype(np.float32)
    wanted = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    assert_allclose(shares(categorical(logits + 2000, isLogits=True)), wanted[0], atol=0.01)


@pytest.mark.parametrize("logits", [False, True])
def test_a_high_temperature_levels_the_chances(logits: bool) -> None:
    blob = CHANCES + np.float32(0.1)
    wanted = np.sqrt(blob) / np.sqrt(blob).sum(-1, keepdims=True)
    found = shares(categorical(np.log(blob) if logits else blob, isLogits=logits, temperature=2))
    assert_allclose(found, wanted[0], atol=0.01)


def test_eps_is_added_to_every_probability() -> None:
    wanted = (CHANCES + 1) / (CHANCES + 1).sum(-1, keepdims=True)
    assert_allclose(shares(categorical(CHANCES, eps=1)), wanted[0], atol=0.01)


def test_samples_repeat_with_their_seed_alone() -> None:
    assert_array_equal(categorical(CHANCES), categorical(CHANCES))
    assert (categorical(CHANCES) != categorical(CHANCES, seed=6)).any()
    assert (categorical(CHANCES, seed=-1) != categorical(CHANCES, seed=-1)).any()
    first, second = categorical(np.repeat(CHANCES[:, :1], 2, axis=1))[0]
    assert (first != second).any()


def test_one_class_needs_no_axis_before_it() -> None:
    assert_array_equal(categorical(np.ones(1, np.float32), numSamples=6), np.zeros(6))


def test_too_much_or_less_than_nothing_is_refused() -> None:
    with pytest.raises(UnsupportedModel, match=r"'dice'.*\(1048576, 1048576\)"):
        chance.normal_static(make("randomNormalStatic", outputShape=[1 << 20, 1 << 20]))
    with pytest.raises(UnsupportedModel, match=r"'dice'.*\(2, -3\)"):
        chance.uniform_dynamic(make("randomUniformDynamic"), np.array([2, -3], np.float32))
    with pytest.raises(UnsupportedModel, match=r"'dice'.*\(3, -1\)"):
        categorical(CHANCES, numSamples=-1)
