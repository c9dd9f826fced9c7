"""Sound models that the fuzzer of models begins with: each a folder of files, of which one is opened."""

import json
import random
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from engine.compute import FUNCTIONS
from engine.convert.build import Layers, fill
from engine.spec.schema import Model
from engine.translate import RULES
from tests import pipelines
from tests.engine.conftest import _scribble

Files = dict[str, bytes]
"""By path inside a folder; the first one is the model that is opened, or the manifest of a package that is."""

SAMPLE = Path(__file__).resolve().parents[2] / "samples" / "CatDog.mlmodel"
INNER = "model.mlpackage/Data/com.apple.CoreML/model.mlmodel"
ROWS = [[0.5 * row + column for column in range(pipelines.NUMBERS)] for row in range(7)]


@cache
def _sample() -> bytes:
    return SAMPLE.read_bytes()


def _alone(model: Any) -> Files:
    return {"model.mlmodel": model.SerializeToString()}


def _embedded(*parts: Any, updatable: bool = True) -> Files:
    return _alone(pipelines.pipeline(pipelines.embedding(), *parts, updatable=updatable))


def _neighbors() -> Any:
    return pipelines.neighbors(ROWS, ["Cat", "Dog", "Cat", "Dog", "Bird", "Cat", "Dog"])


def _linear(kind: str) -> Any:
    model = Model(specificationVersion=4)
    pipelines.array(model.description.input.add(name="numbers"))
    its = getattr(model, kind)
    if kind == "glmClassifier":
        pipelines.answer(model, "shares")
        its.stringClassLabels.vector.extend(("Cat", "Dog"))
    else:
        model.description.output.add(name="number").type.doubleType.SetInParent()
    its.weights.add().value.extend((0.5, -1, 2, 0, 1))
    its.offset.append(0.25)
    return model


def _linked() -> Files:
    outer = pipelines.pipeline(pipelines.embedding(), pipelines.linked("inner.mlmodel", pipelines.dense()), updatable=False)
    return {**_alone(outer), "inner.mlmodel": pipelines.dense().SerializeToString()}


def _package() -> Files:
    manifest = {
        "fileFormatVersion": "1.0.0",
        "itemInfoEntries": {"it": {"path": "com.apple.CoreML/model.mlmodel", "author": "com.apple.CoreML"}},
        "rootModelIdentifier": "it",
    }
    return {"model.mlpackage/Manifest.json": json.dumps(manifest).encode(), INNER: _sample()}


def _quantised() -> Files:
    """The sample with its frozen weights in four bits and a table, or in halves."""
    model = Model.FromString(_sample())
    for number, layer in enumerate(model.neuralNetworkClassifier.layers):
        if layer.isUpdatable or layer.WhichOneof("layer") not in ("convolution", "innerProduct"):
            continue
        weights = getattr(layer, layer.WhichOneof("layer")).weights
        values = np.array(weights.floatValue, np.float32)
        weights.Clear()
        if number % 2:
            weights.float16Value = values.astype("<f2").tobytes()
            continue
        weights.rawValue = bytes(-(-values.size // 2))
        weights.quantization.numberOfBits = 4
        weights.quantization.lookupTableQuantization.floatValue.extend(np.linspace(-1, 1, 16))
    return _alone(model)


def _network(*inputs: tuple[str, tuple[int, ...]]) -> tuple[Any, Layers]:
    """A network of arrays as they are, which gives `y`."""
    model = Model(specificationVersion=5)
    network = model.neuralNetwork
    network.arrayInputShapeMapping = network.imageInputShapeMapping = 1
    for name, shape in inputs:
        model.description.input.add(name=name).type.multiArrayType.shape.extend(shape)
    model.description.output.add(name="y").type.multiArrayType.dataType = 65568
    return model, Layers(network)


def _recurrent() -> Files:
    model, layers = _network(("x", (5, 1, 3, 1, 1)))
    rng = np.random.default_rng(1)
    size = {"inputVectorSize": 3, "outputVectorSize": 4}
    weights = {
        f"{gate}{what}": rng.normal(0, 1, shape)
        for gate in ("inputGate", "forgetGate", "blockInput", "outputGate")
        for what, shape in (("WeightMatrix", (4, 3)), ("RecursionMatrix", (4, 4)), ("BiasVector", (4,)))
    }
    acts = [{"sigmoid": {}}, {"tanh": {}}, {"tanh": {}}]
    params = {"sequenceOutput": True, "hasBiasVectors": True}
    lstm = model.neuralNetwork.layers.add(name="lstm", input=["x"], output=["h"]).uniDirectionalLSTM
    fill(lstm, {**size, "params": params, "weightParams": weights, "activations": acts})
    plain = {"inputVectorSize": 4, "outputVectorSize": 2, "activation": {"tanh": {}}, "sequenceOutput": True}
    matrices = {"weightMatrix": rng.normal(0, 1, (2, 4)), "recursionMatrix": rng.normal(0, 1, (2, 2))}
    layers.add("simpleRecurrent", "plain", "h", "y", **plain, **matrices)
    return _alone(model)


def _control() -> Files:
    """A loop with a condition around a branch."""
    model, layers = _network(("x", (3,)), ("go", (1,)))
    loop = layers.network.layers.add(name="loop").loop
    loop.maxLoopIterations, loop.conditionVar = 5, "go"
    Layers(loop.conditionNetwork).add("lessThan", "ask", "sum", "go", alpha=10)
    body = Layers(loop.bodyNetwork)
    branch = loop.bodyNetwork.layers.add(name="branch", input=["go"]).branch
    Layers(branch.ifBranch).add("add", "more", "x", "x+", alpha=3)
    Layers(branch.elseBranch).add("multiply", "times", "x", "x+", alpha=2)
    body.add("copy", "again", "x+", "x")
    body.add("reduceSum", "sum", "x", "sum", axes=[0], keepDims=True)
    layers.network.layers.add(name="first", input=["x"], output=["sum"]).copy.SetInParent()
    order = list(layers.network.layers)
    del layers.network.layers[:]
    layers.network.layers.extend(order[::-1])
    layers.add("copy", "end", "x", "y")
    return _alone(model)


def any_layer(rng: random.Random) -> Files:
    """A layer of any kind with any numbers, between a picture and a dense layer that learns; or of arrays, alone."""
    kind = rng.choice([*RULES, *FUNCTIONS])
    if rng.random() < 0.5:
        shapes = [
            rng.choice([(3,), (7, 6), (4, 7, 6), (1, 4, 7, 6), (2, 1, 4, 7, 6)]) for _ in range(rng.choice([1, 1, 2]))
        ]
        model, layers = _network(*((f"x{at}", shape) for at, shape in enumerate(shapes)))
        made = layers.network.layers.add(name="any", input=[f"x{at}" for at in range(len(shapes))], output=["y"])
    else:
        model = Model.FromString(_sample())
        network = model.neuralNetworkClassifier
        at = rng.randrange(len(network.layers))
        made, before = network.layers[at], rng.choice([None, *network.layers[:at]])
        if before is not None:
            made.input.append(before.output[0])
    getattr(made, kind).SetInParent()
    _scribble(getattr(made, kind), rng)
    return _alone(model)


BASES: Mapping[str, Callable[[], Files]] = {
    "sample": lambda: {"model.mlmodel": _sample()},
    "package": _package,
    "quantised": _quantised,
    "network": lambda: _alone(pipelines.embedding()),
    "dense": lambda: _alone(pipelines.dense()),
    "pipeline": lambda: _embedded(pipelines.dense()),
    "pipeline of neighbours": lambda: _embedded(_neighbors()),
    "neighbours": lambda: _alone(_neighbors()),
    "linear classifier": lambda: _alone(_linear("glmClassifier")),
    "linear regressor": lambda: _alone(_linear("glmRegressor")),
    "linked": _linked,
    "recurrent": _recurrent,
    "control flow": _control,
}
"""By name."""
