"""Kinds of layers on legacy blobs (n, C, H, W), together and one by one, or on exact ones, against torch or a loop."""

import math

import numpy as np
import onnxruntime
import pytest

from engine.spec.describe import ArrayFeature, Layer, Network
from engine.spec.schema import Model
from engine.translate import RULES, translate

torch = pytest.importorskip("torch")
F = torch.nn.functional


def message(kind, **fields):
    """The format's message of one layer kind; a dict goes one message down, a tuple fills a list, an array weights."""
    layer = Model().neuralNetwork.layers.add()
    return fill(getattr(layer, kind), fields)


def fill(it, fields):
    it.SetInParent()
    for name, value in fields.items():
        if isinstance(value, dict):
            fill(getattr(it, name), value)
        elif isinstance(value, np.ndarray):
            getattr(it, name).floatValue.extend(value.astype(np.float32).reshape(-1).tolist())
        elif isinstance(value, tuple):
            getattr(it, name).extend(value)
        elif isinstance(value, list):
            for each in value:
                fill(getattr(it, name).add(), each)
        else:
            setattr(it, name, value)
    return it


def run(kind, parameters, blobs, outputs=1, exact=False, batch=True):
    """Run one layer on blobs: all of them with a batch axis, or exact ones as they are."""
    names, results = [f"x{n}" for n in range(len(blobs))], tuple(f"y{n}" for n in range(outputs))
    layer = Layer("layer", kind, tuple(names), results, False, parameters)
    network = Network((layer,), {}, not exact, not exact, (), "", None)
    if exact:
        inputs = [ArrayFeature(n, b.shape, "float32") for n, b in zip(names, blobs, strict=True)]
        made = translate(network, inputs, [layer], results, batch=False)
    else:
        given = {n: b.shape[1:] for n, b in zip(names, blobs, strict=True)}
        made = translate(network, [], [layer], results, batch=batch, given=given)
    session = onnxruntime.InferenceSession(made.model, providers=["CPUExecutionProvider"])
    fed = {made.inputs[n]: b.astype(np.float32) for n, b in zip(names, blobs, strict=True)}
    found = session.run([made.outputs[name].tensor for name in results], fed)
    for value, name in zip(found, results, strict=True):
        sizes = made.outputs[name].shape
        assert all(isinstance(want, str) or want == got for want, got in zip(sizes, value.shape, strict=True))
    return found[0] if outputs == 1 else found


def normal(*shape, seed=1):
    return np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)


def by_torch(function):
    return lambda *x: function(*(torch.tensor(each) for each in x)).numpy()


X = normal(3, 4, 7, 6, seed=2)
W, B = normal(8, 4, 3, 2), normal(8, seed=3)
GROUPED = normal(8, 2, 3, 2)
BACK = normal(4, 5, 3, 2)
DENSE = normal(5, 4 * 7 * 6)


def amounts(top, bottom, left, right):
    return {"borderAmounts": [
        {"startEdgeSize": top, "endEdgeSize": bottom}, {"startEdgeSize": left, "endEdgeSize": right}
    ]}  # fmt: skip


def conv(weights=W, **more):
    return dict(
        outputChannels=weights.shape[0], kernelChannels=weights.shape[1], kernelSize=(3, 2), hasBias=True,
        weights=weights, bias=B[: weights.shape[0]],
    ) | more  # fmt: skip


def same_conv(x, top_left):
    """SAME with stride (2, 3): totals max(0, (ceil(n/s) - 1) s + k - n), the odd pixel on one side."""
    pads = []
    for n, k, s in ((6, 2, 3), (7, 3, 2)):
        total = max(0, (math.ceil(n / s) - 1) * s + k - n)
        pads += [total - total // 2, total // 2] if top_left else [total // 2, total - total // 2]
    return F.conv2d(F.pad(x, pads), torch.tensor(W), torch.tensor(B), (2, 3))


def pooled(x, kernel, stride, pads, how):
    """(n, C, H, W) by a loop over windows; `how` gets a window's numbers and how many of them are real."""
    n, c, h, w = x.shape
    (top, bottom), (left, right) = pads
    out = np.zeros((n, c, (h + top + bottom - kernel[0]) // stride[0] + 1, (w + left + right - kernel[1]) // stride[1] + 1))
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            rows = [r for r in range(i * stride[0] - top, i * stride[0] - top + kernel[0]) if 0 <= r < h]
            columns = [s for s in range(j * stride[1] - left, j * stride[1] - left + kernel[1]) if 0 <= s < w]
            window = x[:, :, rows][:, :, :, columns].reshape(n, c, -1)
            out[:, :, i, j] = how(window)
    return out


def channel_last_reshape(x, c, h, w):
    return x.transpose(0, 2, 3, 1).reshape(len(x), h, w, c).transpose(0, 3, 1, 2)


def instance(x, gamma, beta, eps):
    mean, var = x.mean(axis=(2, 3), keepdims=True), x.var(axis=(2, 3), keepdims=True)
    return gamma[:, None, None] * (x - mean) / np.sqrt(var + eps) + beta[:, None, None]


NORM = dict(channels=4, gamma=normal(4), beta=normal(4, seed=5), mean=normal(4, seed=6), variance=normal(4, seed=7) ** 2)
STATIC = dict(
    beginIds=(0, 1, -4), endIds=(0, 6, 0), strides=(1, 2, -1), beginMasks=(True, False, False),
    endMasks=(True, False, True), squeezeMasks=(False, False, False),
)  # fmt: skip
LEGACY = [
    ("convolution", conv(valid={"paddingAmounts": amounts(1, 0, 0, 2)}, stride=(2, 1), dilationFactor=(1, 2)), [X],
     by_torch(lambda x: F.conv2d(F.pad(x, (0, 2, 1, 0)), torch.tensor(W), torch.tensor(B), (2, 1), 0, (1, 2)))),
    ("convolution", conv(GROUPED, nGroups=2, valid={}), [X],
     by_torch(lambda x: F.conv2d(x, torch.tensor(GROUPED), torch.tensor(B), groups=2))),
    ("convolution", conv(same={"asymmetryMode": 0}, stride=(2, 3)), [X], by_torch(lambda x: same_conv(x, False))),
    ("convolution", conv(same={"asymmetryMode": 1}, stride=(2, 3)), [X], by_torch(lambda x: same_conv(x, True))),
    ("convolution", dict(outputChannels=5, kernelChannels=4, kernelSize=(3, 2), isDeconvolution=True, weights=BACK,
                         stride=(2, 3), valid={"paddingAmounts": amounts(1, 1, 0, 0)}), [X],
     by_torch(lambda x: F.conv_transpose2d(x, torch.tensor(BACK), None, (2, 3), (1, 0)))),
    ("convolution", dict(outputChannels=5, kernelChannels=4, kernelSize=(3, 2), isDeconvolution=True, weights=BACK,
                         stride=(2, 3), valid={"paddingAmounts": amounts(1, 1, 0, 0)}, outputShape=(14, 19)), [X],
     by_torch(lambda x: F.conv_transpose2d(x, torch.tensor(BACK), None, (2, 3), (1, 0), (1, 2)))),
    ("pooling", dict(type=0, kernelSize=(3, 2), stride=(2, 1), valid={"paddingAmounts": amounts(1, 0, 1, 1)}), [X],
     lambda x: pooled(x, (3, 2), (2, 1), ((1, 0), (1, 1)), lambda w: w.max(axis=-1))),
    ("pooling", dict(type=1, kernelSize=(3, 2), stride=(2, 1), valid={"paddingAmounts": amounts(1, 0, 1, 1)}), [X],
     lambda x: pooled(x, (3, 2), (2, 1), ((1, 0), (1, 1)), lambda w: w.sum(axis=-1) / 6)),
    ("pooling", dict(type=1, kernelSize=(3, 2), stride=(2, 1), valid={"paddingAmounts": amounts(1, 0, 1, 1)},
                     avgPoolExcludePadding=True), [X],
     lambda x: pooled(x, (3, 2), (2, 1), ((1, 0), (1, 1)), lambda w: w.mean(axis=-1))),
    ("pooling", dict(type=2, kernelSize=(3, 2), stride=(2, 1), valid={}), [X],
     lambda x: pooled(x, (3, 2), (2, 1), ((0, 0), (0, 0)), lambda w: np.sqrt((w**2).sum(axis=-1)))),
    ("pooling", dict(type=0, kernelSize=(2, 3), stride=(2, 3), includeLastPixel={"paddingAmounts": (0, 1)}), [X],
     by_torch(lambda x: F.max_pool2d(x, (2, 3), (2, 3), (0, 1), ceil_mode=True))),
    ("pooling", dict(type=1, kernelSize=(2, 3), stride=(2, 3), includeLastPixel={"paddingAmounts": (1, 1)}), [X],
     by_torch(lambda x: F.avg_pool2d(x, (2, 3), (2, 3), (1, 1), ceil_mode=True))),
    ("pooling", dict(type=0, kernelSize=(3, 2), stride=(2, 3), same={"asymmetryMode": 0}), [X],
     lambda x: pooled(x, (3, 2), (2, 3), ((1, 1), (0, 0)), lambda w: w.max(axis=-1))),
    ("pooling", dict(type=0, globalPooling=True), [X], lambda x: x.max(axis=(2, 3), keepdims=True)),
    ("pooling", dict(type=1, globalPooling=True), [X], lambda x: x.mean(axis=(2, 3), keepdims=True)),
    ("pooling", dict(type=2, globalPooling=True), [X], lambda x: np.sqrt((x**2).sum(axis=(2, 3), keepdims=True))),
    ("activation", dict(linear=dict(alpha=2, beta=-1)), [X], lambda x: 2 * x - 1),
    ("activation", dict(PReLU=dict(alpha=normal(4))), [X], by_torch(lambda x: F.prelu(x, torch.tensor(normal(4))))),
    ("activation", dict(parametricSoftplus=dict(alpha=normal(4), beta=normal(4, seed=8))), [X],
     lambda x: normal(4)[:, None, None] * np.log1p(np.exp(normal(4, seed=8)[:, None, None] * x))),
    ("innerProduct", dict(outputChannels=5, inputChannels=168, hasBias=True, weights=DENSE, bias=B[:5]), [X],
     lambda x: (x.reshape(3, -1) @ DENSE.T + B[:5])[:, :, None, None]),
    ("batchnorm", NORM | dict(epsilon=0.1), [X],
     by_torch(lambda x: F.batch_norm(x, *(torch.tensor(NORM[n]) for n in ("mean", "variance", "gamma", "beta")), eps=0.1))),
    ("batchnorm", NORM | dict(computeMeanVar=True, instanceNormalization=True), [X],
     lambda x: instance(x, NORM["gamma"], NORM["beta"], 1e-5)),
    ("mvn", dict(acrossChannels=True, normalizeVariance=True, epsilon=0.2), [X],
     lambda x: (x - x.mean(axis=(1, 2, 3), keepdims=True)) / np.sqrt(x.var(axis=(1, 2, 3), keepdims=True) + 0.2)),
    ("mvn", dict(), [X], lambda x: x - x.mean(axis=(2, 3), keepdims=True)),
    ("l2normalize", dict(epsilon=0.3), [X], lambda x: x / np.sqrt((x**2).sum(axis=(1, 2, 3), keepdims=True) + 0.3)),
    ("lrn", dict(alpha=0.3, beta=0.7, localSize=2), [X],
     by_torch(lambda x: torch.nn.LocalResponseNorm(2, 0.3, 0.7, 1.0)(x))),
    ("softmax", dict(), [X], by_torch(lambda x: F.softmax(x, 1))),
    ("flatten", dict(mode=0), [X], lambda x: x.reshape(3, -1, 1, 1)),
    ("flatten", dict(mode=1), [X], lambda x: x.transpose(0, 2, 3, 1).reshape(3, -1, 1, 1)),
    ("reshape", dict(targetShape=(7, 8, 3), mode=0), [X], lambda x: x.reshape(3, 7, 8, 3)),
    ("reshape", dict(targetShape=(1, 7, 8, 3), mode=1), [X], lambda x: channel_last_reshape(x, 7, 8, 3)),
    ("copy", dict(), [X], lambda x: x),
    ("permute", dict(axis=(0, 3, 1, 2)), [X], lambda x: x.transpose(0, 3, 1, 2)),
    ("slice", dict(startIndex=1, endIndex=-1, stride=2, axis=1), [X], lambda x: x[:, :, 1:-1:2]),
    ("slice", dict(startIndex=-3, endIndex=4, axis=0), [X], lambda x: x[:, -3:4]),
    ("split", dict(nOutputs=2), [X], lambda x: [x[:, :2], x[:, 2:]]),
    ("concat", dict(), [X, normal(3, 2, 7, 6)], lambda a, b: np.concatenate([a, b], axis=1)),
    ("padding", dict(constant=dict(value=1.5), paddingAmounts=amounts(1, 2, 0, 3)), [X],
     lambda x: np.pad(x, ((0, 0), (0, 0), (1, 2), (0, 3)), constant_values=1.5)),
    ("padding", dict(reflection={}, paddingAmounts=amounts(1, 2, 0, 3)), [X],
     lambda x: np.pad(x, ((0, 0), (0, 0), (1, 2), (0, 3)), mode="reflect")),
    ("padding", dict(replication={}, paddingAmounts=amounts(1, 2, 0, 3)), [X],
     lambda x: np.pad(x, ((0, 0), (0, 0), (1, 2), (0, 3)), mode="edge")),
    ("crop", dict(cropAmounts=amounts(1, 2, 0, 3)), [X], lambda x: x[:, :, 1:5, :3]),
    ("crop", dict(offset=(1, 2)), [X, normal(3, 4, 5, 3)], lambda x, y: x[:, :, 1:6, 2:5]),
    ("upsample", dict(scalingFactor=(2, 3), mode=0), [X], lambda x: x.repeat(2, axis=2).repeat(3, axis=3)),
    ("loadConstant", dict(shape=(4, 1, 6), data=normal(4, 1, 6)), [], lambda: normal(4, 1, 6)[None]),
    ("add", dict(), [X, normal(3, 4, 7, 6), normal(3, 4, 1, 1)], lambda a, b, c: a + b + c),
    ("add", dict(alpha=1.5), [X], lambda x: x + 1.5),
    ("multiply", dict(), [X, normal(3, 1, 7, 6)], lambda a, b: a * b),
    ("multiply", dict(alpha=1.5), [X], lambda x: x * 1.5),
    ("average", dict(), [X, normal(3, 4, 7, 6), normal(3, 4, 7, 6, seed=4)], lambda a, b, c: (a + b + c) / 3),
    ("max", dict(), [X, normal(3, 4, 7, 6)], np.maximum),
    ("min", dict(), [X, normal(3, 4, 7, 6)], np.minimum),
    ("dot", dict(), [normal(3, 5, 1, 1), normal(3, 5, 1, 1, seed=4)], lambda a, b: (a * b).sum(axis=1, keepdims=True)),
    ("dot", dict(cosineSimilarity=True), [normal(3, 5, 1, 1), normal(3, 5, 1, 1, seed=4)],
     by_torch(lambda a, b: F.cosine_similarity(a, b, 1)[:, None])),
    ("scale", dict(shapeScale=(4,), scale=normal(4), hasBias=True, shapeBias=(1, 7, 6), bias=normal(1, 7, 6)), [X],
     lambda x: x * normal(4)[:, None, None] + normal(1, 7, 6)),
    ("bias", dict(shape=(4, 7, 6), bias=normal(4, 7, 6)), [X], lambda x: x + normal(4, 7, 6)),
    ("clip", dict(minVal=-0.3, maxVal=0.8), [X], lambda x: np.clip(x, -0.3, 0.8)),
    ("unary", dict(type=0, scale=2, shift=9), [X], lambda x: np.sqrt(2 * x + 9)),
    ("reduce", dict(mode=3, axis=3, epsilon=0.1), [np.abs(X)], lambda x: np.log(x + 0.1).sum(axis=2, keepdims=True)),
]  # fmt: skip

Y = normal(5, 7, 6)
EXACT = [
    ("softmaxND", dict(axis=-2), [Y], by_torch(lambda x: F.softmax(x, -2))),
    ("softmax", dict(), [normal(1, 5)], by_torch(lambda x: F.softmax(x, 1))),
    ("innerProduct", dict(outputChannels=4, inputChannels=6, weights=normal(4, 6)), [Y], lambda x: x @ normal(4, 6).T),
    ("innerProduct", dict(outputChannels=4, inputChannels=6, weights=normal(4, 6)), [normal(2, 6)],
     lambda x: x @ normal(4, 6).T),
    ("innerProduct", dict(outputChannels=4, inputChannels=6, weights=normal(4, 6)), [normal(6)],
     lambda x: x @ normal(4, 6).T),
    ("batchedMatmul", dict(weightMatrixFirstDimension=6, weightMatrixSecondDimension=3, hasBias=True,
                           weights=normal(3, 6), bias=normal(3)), [Y], lambda x: x @ normal(3, 6).T + normal(3)),
    ("batchedMatmul", dict(transposeA=True), [Y, normal(5, 7, 2)], lambda a, b: a.transpose(0, 2, 1) @ b),
    ("batchedMatmul", dict(transposeB=True), [Y, normal(5, 2, 6)], lambda a, b: a @ b.transpose(0, 2, 1)),
    ("reshapeStatic", dict(targetShape=(6, -1)), [Y], lambda x: x.reshape(6, -1)),
    ("rankPreservingReshape", dict(targetShape=(0, 6, -1)), [Y], lambda x: x.reshape(5, 6, 7)),
    ("transpose", dict(axes=(2, 0, 1)), [Y], lambda x: x.transpose(2, 0, 1)),
    ("expandDims", dict(axes=(0, 2)), [Y], lambda x: x[None, :, None]),
    ("squeeze", dict(axes=(0, 2)), [normal(1, 3, 1, 4)], lambda x: x[0, :, 0]),
    ("squeeze", dict(squeezeAll=True), [normal(1, 3, 1, 4)], np.squeeze),
    ("squeeze", dict(squeezeAll=True), [normal(1, 1)], lambda x: x.reshape(1)),
    ("sliceStatic", STATIC, [Y], lambda x: x[:, 1:6:2, -4::-1]),
    ("sliceStatic", STATIC | dict(beginIds=(-1, 1, -4), squeezeMasks=(True, False, False)), [Y],
     lambda x: x[-1, 1:6:2, -4::-1]),
    ("splitND", dict(axis=1, splitSizes=(3, 4)), [Y], lambda x: [x[:, :3], x[:, 3:]]),
    ("splitND", dict(axis=-1, numSplits=2), [Y], lambda x: [x[..., :3], x[..., 3:]]),
    ("concatND", dict(axis=-2), [Y, normal(5, 2, 6)], lambda a, b: np.concatenate([a, b], axis=1)),
    ("concatND", dict(axis=1, interleave=True), [Y, normal(5, 7, 6, seed=9)],
     lambda a, b: np.stack([a, b], axis=2).reshape(5, 14, 6)),
    ("constantPad", dict(value=2, padAmounts=(1, 0, 0, 2, 3, 1)), [Y],
     lambda x: np.pad(x, ((1, 0), (0, 2), (3, 1)), constant_values=2)),
    ("constantPad", dict(value=2, padAmounts=(9, 0, 0, 0, 0, 8), padToGivenOutputSizeMode=True), [Y],
     lambda x: np.pad(x, ((4, 0), (0, 0), (0, 2)), constant_values=2)),
    ("loadConstantND", dict(shape=(2, 3), data=normal(2, 3)), [], lambda: normal(2, 3)),
    ("clampedReLU", dict(alpha=0.2, beta=0.9), [Y], lambda x: np.minimum(np.where(x >= 0, x, 0.2 * x), 0.9)),
    ("erf", dict(), [Y], by_torch(torch.erf)),
    ("gelu", dict(mode=0), [Y], by_torch(F.gelu)),
    ("gelu", dict(mode=1), [Y], by_torch(lambda x: F.gelu(x, approximate="tanh"))),
    ("gelu", dict(mode=2), [Y], by_torch(lambda x: x * torch.sigmoid(1.702 * x))),
    ("addBroadcastable", dict(), [Y, normal(7, 1)], np.add),
    ("powBroadcastable", dict(), [np.abs(Y), normal(7, 1)], np.power),
    ("reduceMean", dict(axes=(0, -1), keepDims=True), [Y], lambda x: x.mean(axis=(0, 2), keepdims=True)),
    ("reduceMax", dict(reduceAll=True), [Y], lambda x: x.max().reshape(1)),
]  # fmt: skip


def ids(cases):
    return [f"{number}-{case[0]}" for number, case in enumerate(cases)]


def test_every_kind_here_is_one_that_is_translated():
    assert {kind for kind, *_ in LEGACY + EXACT} <= set(RULES)


def agree(found, expected):
    for got, want in zip(*((each if isinstance(each, list) else [each]) for each in (found, expected)), strict=True):
        assert got.shape == np.shape(want)
        np.testing.assert_allclose(got, want, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("case", LEGACY, ids=ids(LEGACY))
def test_legacy_blobs(case):
    kind, fields, blobs, expected = case
    want = expected(*blobs)
    outputs = len(want) if isinstance(want, list) else 1
    agree(run(kind, message(kind, **fields), blobs, outputs), want)


@pytest.mark.parametrize("case", LEGACY, ids=ids(LEGACY))
def test_a_batch_is_its_images_one_by_one(case):
    kind, fields, blobs, _ = case
    if not blobs:
        return
    parameters = message(kind, **fields)
    outputs = fields.get("nOutputs", 1)
    together = run(kind, parameters, blobs, outputs)
    alone = [run(kind, parameters, [blob[n : n + 1] for blob in blobs], outputs, batch=False) for n in range(3)]
    joined = [np.concatenate(parts) for parts in zip(*alone, strict=True)] if outputs > 1 else np.concatenate(alone)
    agree(together, joined)


@pytest.mark.parametrize("case", EXACT, ids=ids(EXACT))
def test_exact_blobs(case):
    kind, fields, blobs, expected = case
    want = expected(*blobs)
    outputs = len(want) if isinstance(want, list) else 1
    agree(run(kind, message(kind, **fields), blobs, outputs, exact=True), want)
