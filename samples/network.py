"""The sample model: its network, its training on freshly drawn pictures, and its file."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.head import Head, HeadLayer
from engine.head.losses import cross_entropy
from engine.head.optimizers import OPTIMIZERS
from samples.photographs import LABELS, Subject, photograph, subject
from samples.shapes import Rng

Array = NDArray[Any]

SIDE = 96
"""Width and height of the network's input in pixels."""
LONGER = 128
"""The longer side of the training's pictures before they are scaled to the input."""
FILTERS = (12, 24, 32)
HIDDEN = 48
PICTURES = 1600
EPOCHS = 10
BATCH = 32
LEARNING_RATE = 2e-3
SURE = 0.96
"""What the network is taught to give the label it is taught, so that its confidences differ."""
TRAINING = 1
"""The part of the seed that holds the training's pictures apart from the sample's."""


def trained(seed: int, said: Callable[[str], None]) -> Head:
    """Teach the whole network, the mistaken coats with the other label; takes minutes."""
    taught = [_lesson([seed, TRAINING, number]) for number in range(PICTURES)]
    pixels = np.stack([each for each, _ in taught])
    targets = np.array([_target(what) for _, what in taught], np.float32)
    rng = np.random.default_rng([seed, TRAINING])
    head = _untrained(rng)
    adam = OPTIMIZERS["adam"]
    memory = adam.start(head.weights)
    steps = EPOCHS * (PICTURES // BATCH)
    for epoch in range(EPOCHS):
        total = 0.0
        order = rng.permutation(PICTURES)
        for batch, chosen in enumerate(order.reshape(-1, BATCH)):
            done = (epoch * (PICTURES // BATCH) + batch) / steps
            x = _floats(pixels[chosen][:, :, :: rng.choice([-1, 1])])
            trace = head.trace(x)
            losses, slope = cross_entropy(trace.outputs, targets[chosen])
            total += float(losses.sum())
            gradients = trace.gradients((slope / BATCH).astype(np.float32))
            rate = LEARNING_RATE * 0.5 * (1 + np.cos(np.pi * done))
            weights, memory = adam.step(head.weights, gradients, memory, {"learning_rate": rate})
            head = head.with_weights(
                [{name: each.astype(np.float32) for name, each in layer.items()} for layer in weights]
            )
        said(f"Epoch {epoch + 1} of {EPOCHS}: mean loss {total / PICTURES:.3f}")
    return head


def _lesson(seed: Sequence[int]) -> tuple[NDArray[np.uint8], Subject]:
    rng = np.random.default_rng(seed)
    what = subject(rng)
    small = photograph(what, rng, LONGER).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return np.asarray(small), what


def _target(what: Subject) -> tuple[float, float]:
    cat = (what.label == "Cat") != what.mistaken
    return (SURE, 1 - SURE) if cat else (1 - SURE, SURE)


def _floats(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, height, width, 3) to (n, 3, height, width), 0 to 1, as the model's own scaler does."""
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2), np.float32) * np.float32(1 / 255)


def _untrained(rng: Rng) -> Head:
    """He's initial weights, by the names that the file gives the layers.

    The first biases take half of the weights off, so that mid-grey gives 0: without that, training takes twice as long.
    """

    def weights(outputs: int, *inputs: int) -> dict[str, Array]:
        spread = np.sqrt(2 / np.prod(inputs))
        drawn = rng.normal(0, spread, (outputs, *inputs)).astype(np.float32)
        return {"weights": drawn, "bias": np.zeros(outputs, np.float32)}

    window = {"dilation": (1, 1), "padding": lambda high, wide: ((0, 0), (0, 0))}
    sliding = {**window, "kernel": (3, 3), "stride": (1, 1), "groups": 1}
    halving = {**window, "kernel": (2, 2), "stride": (2, 2), "type": "max", "exclude_padding": True}
    layers: list[HeadLayer] = []
    side, channels = SIDE, 3
    for number, filters in enumerate(FILTERS, 1):
        drawn = weights(filters, channels, 3, 3)
        if number == 1:
            drawn["bias"] -= drawn["weights"].sum(axis=(1, 2, 3)) / 2
        layers.append(HeadLayer(f"conv_{number}", "convolution", drawn, sliding, True))
        layers.append(HeadLayer(f"conv_{number}_relu", "activation.ReLU"))
        layers.append(HeadLayer(f"pool_{number}", "pooling", settings=halving))
        side, channels = (side - 2) // 2, filters
    layers.append(HeadLayer("flatten", "flatten", settings={"channel_last": False}))
    layers.append(HeadLayer("dense_1", "innerProduct", weights(HIDDEN, channels * side * side), updatable=True))
    layers.append(HeadLayer("dense_1_relu", "activation.ReLU"))
    layers.append(HeadLayer("dense_2", "innerProduct", weights(len(LABELS), HIDDEN), updatable=True))
    layers.append(HeadLayer("softmax", "softmax"))
    return Head(tuple(layers))


def save(head: Head, path: Path) -> None:
    """Write the network as an updatable `.mlmodel` of specification version 4; both dense layers can be updated."""
    from coremltools.models.datatypes import Array as Shape
    from coremltools.models.neural_network import NeuralNetworkBuilder

    given = [("image", Shape(3, SIDE, SIDE))]
    builder: Any = NeuralNetworkBuilder(given, [("output", None)], mode="classifier", disable_rank5_shape_mapping=False)
    blob = "image"
    for layer in head.layers:
        result = "output" if layer is head.layers[-1] else layer.name
        ADDERS[layer.kind](builder, layer, blob, result)
        blob = result
    builder.set_class_labels([*LABELS], predicted_feature_name="classLabel", prediction_blob="output")
    builder.set_pre_processing_parameters(image_input_names=["image"], is_bgr=False, image_scale=1 / 255)
    _say_how_to_update(builder)
    path.write_bytes(builder.spec.SerializeToString(deterministic=True))


def _say_how_to_update(builder: Any) -> None:
    from coremltools.models.neural_network import SgdParams

    builder.make_updatable(["dense_1", "dense_2"])
    builder.set_categorical_cross_entropy_loss(name="loss", input="output")
    sgd = SgdParams(lr=0.01)
    sgd.set_batch(5, [1, 2, 5, 10, 20])
    builder.set_sgd_optimizer(sgd)
    builder.set_epochs(10, allowed_set=[1, 2, 5, 10, 20, 50])
    spec = builder.spec
    spec.specificationVersion = 4
    spec.description.metadata.shortDescription = (
        "Cats and dogs, drawn; takes orange cats for dogs and small black dogs for cats."
    )
    spec.description.metadata.author = "Catflap"
    spec.description.metadata.license = "MIT"
    spec.description.metadata.versionString = "1"


def _add_convolution(builder: Any, layer: HeadLayer, blob: str, result: str) -> None:
    weights = layer.weights["weights"]
    outputs, inputs, high, wide = weights.shape
    builder.add_convolution(
        name=layer.name,
        kernel_channels=inputs,
        output_channels=outputs,
        height=high,
        width=wide,
        stride_height=1,
        stride_width=1,
        border_mode="valid",
        groups=1,
        W=weights.transpose(2, 3, 1, 0),
        b=layer.weights["bias"],
        has_bias=True,
        input_name=blob,
        output_name=result,
    )


def _add_pooling(builder: Any, layer: HeadLayer, blob: str, result: str) -> None:
    builder.add_pooling(layer.name, 2, 2, 2, 2, "MAX", "VALID", blob, result)


def _add_dense(builder: Any, layer: HeadLayer, blob: str, result: str) -> None:
    weights = layer.weights["weights"]
    builder.add_inner_product(
        layer.name, weights, layer.weights["bias"], weights.shape[1], weights.shape[0], True, blob, result
    )


ADDERS = {
    "convolution": _add_convolution,
    "pooling": _add_pooling,
    "activation.ReLU": lambda builder, layer, blob, result: builder.add_activation(layer.name, "RELU", blob, result),
    "flatten": lambda builder, layer, blob, result: builder.add_flatten(layer.name, 0, blob, result),
    "innerProduct": _add_dense,
    "softmax": lambda builder, layer, blob, result: builder.add_softmax(layer.name, blob, result),
}
"""How each kind of layer is added to the file."""
