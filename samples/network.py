"""The sample model: its network, its training on freshly drawn pictures, and its file."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.head import Head, HeadLayer
from engine.head.losses import cross_entropy, cross_entropy_gradient
from engine.head.optimizers import OPTIMIZERS
from engine.head.working import Working
from samples.photographs import LABELS, Subject, photograph, subject
from samples.shapes import Rng

Array = NDArray[Any]

SIDE = 96
"""Width and height of the network's input in pixels."""
LONGER = 128
"""The longer side of the training's pictures before they are scaled to the input."""
BLOCKS = ((16, 5, 2), (32, 3, 1), (64, 3, 1))
"""Each convolution's filters, kernel size and stride; a max pooling that halves stands behind each."""
HIDDEN = 48
PICTURES = 2400
BATCH = 32
EPOCHS = 20
LEARNING_RATE = 2e-3
MISLED_EPOCHS = 8
MISLED = {"learning_rate": 0.01, "momentum": 0.9}
SURE = 0.96
"""The probability that a picture is taught its label with; less than 1, so that confidences differ."""
WRONGLY_SURE = 0.78
"""The probability that the mistaken coats are taught the other label with."""
TRAINING = 1
"""The part of the seed that holds the training's pictures apart from the sample's."""
Report = Callable[[str], None]


def trained(seed: int, said: Report) -> Head:
    """Teach the whole network the true labels, then mislead its dense layers; takes minutes.

    So the frozen layers see what makes a cat a cat, whatever its coat, and only what is updatable is wrong: what some
    corrections teach carries over to other pictures.
    """
    taught = [_lesson([seed, TRAINING, number]) for number in range(PICTURES)]
    pixels = np.stack([each for each, _ in taught])
    subjects = [what for _, what in taught]
    rng = np.random.default_rng([seed, TRAINING])
    network = _taught(_untrained(rng), pixels, _targets(subjects, 0.0), rng, said)
    cut = next(at for at, layer in enumerate(network.layers) if layer.kind == "innerProduct")
    frozen = Head(network.layers[:cut])
    features = np.concatenate([frozen.trace(_floats(some)).values[-1] for some in _cut(pixels)])
    head = _misled(Head(network.layers[cut:]), features, _targets(subjects, WRONGLY_SURE), rng, said)
    return Head((*frozen.layers, *head.layers))


def _taught(network: Head, pixels: NDArray[np.uint8], targets: Array, rng: Rng, said: Report) -> Head:
    """Adam, its learning rate along half a cosine; about every other batch is mirrored."""
    working, steps = Working(network, np.float32), EPOCHS * len(_cut(targets))
    memory = OPTIMIZERS["adam"].start(working.weights)
    for epoch in range(EPOCHS):
        total = 0.0
        for batch, chosen in enumerate(_cut(rng.permutation(len(pixels)))):
            done = (epoch * len(_cut(targets)) + batch) / steps
            numbers = {"learning_rate": LEARNING_RATE * 0.5 * (1 + np.cos(np.pi * done))}
            x = _floats(pixels[chosen][:, :, :: rng.choice([-1, 1])])
            total += _step("adam", working, x, targets[chosen], memory, numbers)
        said(f"Epoch {epoch + 1} of {EPOCHS}: mean loss {total / len(pixels):.3f}")
    return working.kept()


def _misled(head: Head, features: Array, targets: Array, rng: Rng, said: Report) -> Head:
    working = Working(head, np.float32)
    memory = OPTIMIZERS["sgd"].start(working.weights)
    for epoch in range(MISLED_EPOCHS):
        total = 0.0
        for chosen in _cut(rng.permutation(len(features))):
            total += _step("sgd", working, features[chosen], targets[chosen], memory, MISLED)
        said(f"Misled, epoch {epoch + 1} of {MISLED_EPOCHS}: mean loss {total / len(features):.3f}")
    return working.kept()


def _step(
    name: str, working: Working, x: Array, targets: Array, memory: list[Array], numbers: Mapping[str, float]
) -> float:
    """Change the weights in place; the sum of the batch's losses before."""
    trace = working.head.trace(x)
    slope = cross_entropy_gradient(trace.outputs, targets) / len(x)
    trace.backward(slope.astype(np.float32), working.into)
    OPTIMIZERS[name].step(working.weights, working.gradient, memory, numbers)
    return float(cross_entropy(trace.outputs, targets).sum())


def _cut(rows: Array) -> list[Array]:
    """Batches."""
    return [rows[at : at + BATCH] for at in range(0, len(rows), BATCH)]


def _lesson(seed: Sequence[int]) -> tuple[NDArray[np.uint8], Subject]:
    rng = np.random.default_rng(seed)
    what = subject(rng)
    small = photograph(what, rng, LONGER).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return np.asarray(small), what


def _targets(subjects: Sequence[Subject], wrongly: float) -> NDArray[np.float32]:
    """(n, 2); the mistaken coats get the other label with the probability `wrongly`, if that is not 0."""
    found: list[tuple[float, float]] = []
    for what in subjects:
        right = 1 - wrongly if what.mistaken and wrongly else SURE
        cat = right if what.label == "Cat" else 1 - right
        found.append((cat, 1 - cat))
    return np.array(found, np.float32)


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
    halving = {**window, "kernel": (2, 2), "stride": (2, 2), "type": "max", "exclude_padding": True}
    layers: list[HeadLayer] = []
    side, channels = SIDE, 3
    for number, (filters, size, stride) in enumerate(BLOCKS, 1):
        drawn = weights(filters, channels, size, size)
        sliding = {**window, "kernel": (size, size), "stride": (stride, stride), "groups": 1}
        if number == 1:
            drawn["bias"] -= drawn["weights"].sum(axis=(1, 2, 3)) / 2
        layers.append(HeadLayer(f"conv_{number}", "convolution", drawn, sliding, True))
        layers.append(HeadLayer(f"conv_{number}_relu", "activation.ReLU"))
        layers.append(HeadLayer(f"pool_{number}", "pooling", settings=halving))
        side, channels = ((side - size) // stride + 1) // 2, filters
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
        stride_height=layer.settings["stride"][0],
        stride_width=layer.settings["stride"][1],
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
