"""Keras' own answers, layer by layer; these tests run where TensorFlow is installed."""

import os
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from engine import open_model
from engine.convert.keras import convert

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
pytestmark = pytest.mark.filterwarnings("ignore")
HEIGHT, WIDTH, CLASSES = 13, 10, 4
LABELS = ("ant", "bee", "cat", "dog")
WRITERS = (("keras", ".keras"), ("keras", ".h5"), ("tf_keras", ".h5"), ("tf_keras", ".keras"))


@pytest.fixture(scope="module", params=WRITERS, ids=lambda each: f"{each[0]}{each[1]}")
def writer(request):
    pytest.importorskip("tensorflow")
    module, ending = request.param
    pytest.importorskip(module)
    return import_module(module), ending


def _conv(k, x):
    layers = k.layers
    x = layers.Conv2D(6, (3, 4), padding="same", activation="relu")(x)
    x = layers.Conv2D(5, (2, 3), strides=(2, 1), padding="same", use_bias=False)(x)
    return layers.Conv2D(9, 2, dilation_rate=(2, 1), activation="tanh")(x)


def _conv_same_strided(k, x):
    x = k.layers.Conv2D(4, 4, strides=3, padding="same")(x)
    return k.layers.Conv2D(6, (3, 2), dilation_rate=(2, 3), padding="same", groups=2)(x)


def _depthwise(k, x):
    layers = k.layers
    x = layers.DepthwiseConv2D((3, 2), depth_multiplier=2, padding="same", activation="relu")(x)
    x = layers.DepthwiseConv2D(3, strides=2, use_bias=False)(x)
    return layers.SeparableConv2D(7, (2, 3), padding="same", depth_multiplier=3, activation="sigmoid")(x)


def _separable_dilated(k, x):
    x = k.layers.SeparableConv2D(4, 3, dilation_rate=2, use_bias=False)(x)
    return k.layers.DepthwiseConv2D(2, dilation_rate=(1, 2), padding="same")(x)


def _transpose(k, x):
    layers = k.layers
    x = layers.Conv2DTranspose(5, (3, 2), strides=(2, 3), padding="same", activation="relu")(x)
    x = layers.AveragePooling2D(3)(x)
    x = layers.Conv2DTranspose(4, (2, 3), strides=(3, 2))(x)
    return layers.Conv2DTranspose(3, (4, 5), strides=(2, 1), padding="same", use_bias=False)(x)


def _transpose_small_kernel(k, x):
    x = k.layers.Conv2DTranspose(5, (1, 2), strides=(2, 3), padding="same")(x)
    x = k.layers.AveragePooling2D(4)(x)
    return k.layers.Conv2DTranspose(4, (2, 1), strides=(4, 3))(x)


def _transpose_output_padding(k, x):
    x = k.layers.Conv2DTranspose(5, (3, 4), strides=(2, 3), padding="same", output_padding=(1, 2))(x)
    x = k.layers.AveragePooling2D(4)(x)
    return k.layers.Conv2DTranspose(4, (3, 3), strides=(4, 2), output_padding=(3, 1))(x)


def _transpose_dilated(k, x):
    return k.layers.Conv2DTranspose(5, (3, 2), dilation_rate=2, padding="same")(x)


def _pooling(k, x):
    layers = k.layers
    x = layers.MaxPooling2D((3, 2), strides=(2, 1), padding="same")(layers.Conv2D(5, 2)(x))
    x = layers.AveragePooling2D((2, 3), strides=1, padding="same")(x)
    x = layers.AveragePooling2D((3, 2), strides=2, padding="same")(x)
    return layers.MaxPooling2D(2)(x)


def _global(k, x):
    layers = k.layers
    x = layers.Conv2D(6, 3)(x)
    scaled = layers.Multiply()([x, layers.GlobalAveragePooling2D(keepdims=True)(x)])
    shifted = layers.Add()([scaled, layers.GlobalMaxPooling2D(keepdims=True)(x)])
    return layers.Concatenate()([layers.GlobalMaxPooling2D()(shifted), layers.GlobalAveragePooling2D()(scaled)])


def _batchnorm(k, x):
    layers = k.layers
    x = layers.BatchNormalization(epsilon=0.02)(layers.Conv2D(6, 3)(x))
    x = layers.BatchNormalization(scale=False)(x)
    x = layers.BatchNormalization(axis=2, center=False)(x)
    return layers.BatchNormalization()(layers.Flatten()(x))


def _dense(k, x):
    layers = k.layers
    x = layers.Dense(7, activation="relu")(x)
    x = layers.Reshape((-1, 14))(x)
    x = layers.Dense(6, activation="softmax")(x)
    return layers.Dense(5, use_bias=False, activation="tanh")(layers.Flatten()(x))


ACTIVATIONS = ("relu", "sigmoid", "tanh", "hard_sigmoid", "swish", "gelu", "softplus", "softsign", "selu", "elu",
               "exponential", "linear", "softmax", "mish", "relu6", "silu", "leaky_relu", "hard_silu", "hard_swish",
               "hard_tanh")  # fmt: skip


def _activations(k, x):
    found = []
    for name in ACTIVATIONS:
        if hasattr(k.activations, name):
            found.append(k.layers.Conv2D(2, 3, activation=name)(x))
            found.append(k.layers.Activation(name)(x))
    assert len(found) >= 26
    return _summed(k, k.layers.Concatenate()(_same_size(k, found)))


def _same_size(k, values):
    return [k.layers.Cropping2D(((0, v.shape[1] - 11), (0, v.shape[2] - 8)))(v) for v in values]


def _summed(k, x):
    return k.layers.AveragePooling2D((5, 4))(x)


def _activation_layers(k, x):
    layers = k.layers
    old = k.__name__ == "tf_keras"
    slope = {"alpha": 0.15} if old else {"negative_slope": 0.15}
    made = [
        layers.ReLU(), layers.ReLU(max_value=1.5), layers.ReLU(negative_slope=0.3), layers.ReLU(threshold=0.4),
        layers.ReLU(max_value=1.2, negative_slope=0.2, threshold=0.3), layers.ReLU(max_value=0.8, negative_slope=0.1),
        layers.ReLU(max_value=2.0, threshold=0.5),
        layers.LeakyReLU(), layers.LeakyReLU(**slope), layers.ELU(), layers.ELU(alpha=0.4), layers.Softmax(),
        layers.Softmax(axis=1), layers.PReLU(), layers.PReLU(shared_axes=[1, 2]), layers.PReLU(shared_axes=[1]),
        layers.PReLU(shared_axes=[1, 2, 3]), layers.Activation(layers.LeakyReLU()), layers.PReLU(shared_axes=[2, 3]),
    ]  # fmt: skip
    made += [layers.ThresholdedReLU(0.3)] if hasattr(layers, "ThresholdedReLU") and old else []
    return _summed(k, layers.Concatenate()([layer(x) for layer in made]))


def _merges(k, x):
    layers = k.layers
    a, b, c = (layers.Conv2D(5, 3, padding="same")(x) for _ in range(3))
    one = layers.Conv2D(1, 2, padding="same")(x)
    made = [layers.Add()([a, b, c]), layers.Subtract()([a, b]), layers.Multiply()([a, b, c]), layers.Average()([a, b, c]),
            layers.Maximum()([a, b, c]), layers.Minimum()([b, c]), layers.Multiply()([a, one]), layers.Add()([one, b]),
            layers.Subtract()([one, b]), layers.Average()([c, one])]  # fmt: skip
    wide = layers.Concatenate(axis=2)([a, b])
    high = layers.concatenate([layers.ReLU()(wide), wide], axis=1)
    return layers.Concatenate()([layers.Flatten()(layers.MaxPooling2D(4)(each)) for each in (*made, high)])


def _shapes(k, x):
    layers = k.layers
    x = layers.ZeroPadding2D(((1, 2), (3, 0)))(layers.Conv2D(6, 3)(x))
    x = layers.Cropping2D(((0, 1), (2, 1)))(layers.ZeroPadding2D(1)(layers.ZeroPadding2D((2, 1))(x)))
    x = layers.UpSampling2D((2, 3))(x)
    x = layers.UpSampling2D((3, 2), interpolation="bilinear")(layers.AveragePooling2D(4)(x))
    return layers.AveragePooling2D(2)(x)


def _rearranged(k, x):
    layers = k.layers
    x = layers.Permute((2, 3, 1))(layers.Conv2D(4, 2)(x))
    x = layers.Conv2D(5, (2, 1))(x)
    x = layers.Reshape((6, -1, 5))(layers.Cropping2D(((0, 2), (0, 1)))(x))
    x = layers.Permute((3, 1, 2))(x)
    x = layers.Permute((2, 1))(layers.Reshape((10, -1))(x))
    x = layers.Reshape((-1,))(x)
    return layers.Reshape((1, -1))(x)


def _permuted_flatten(k, x):
    return k.layers.Flatten()(k.layers.Permute((3, 2, 1))(k.layers.Conv2D(4, 2)(x)))


def _identities(k, x):
    layers = k.layers
    x = layers.RandomFlip()(x)
    x = layers.GaussianNoise(0.5)(layers.Conv2D(6, 3, activity_regularizer="l2")(x))
    x = layers.SpatialDropout2D(0.5)(layers.GaussianDropout(0.5)(x))
    return layers.Dropout(0.9)(layers.ActivityRegularization(0.1)(layers.AlphaDropout(0.2)(x)))


def _rescaled(k, x):
    layers = k.layers
    x = layers.Rescaling(2.0, offset=-1.0)(layers.Dropout(0.5)(layers.Rescaling(0.5, offset=0.25)(x)))
    x = layers.Normalization(mean=[0.1, 0.2, 0.4], variance=[0.5, 0.6, 0.9])(x)
    x = layers.Conv2D(5, 3)(layers.Rescaling(0.75)(x))
    return layers.Normalization(axis=None, mean=0.3, variance=2.0)(x)


def _adapted(k, x):
    normal = k.layers.Normalization()
    normal.adapt(np.random.default_rng(3).uniform(0, 255, (2, HEIGHT, WIDTH, 3)).astype(np.float32))
    return k.layers.Conv2D(5, 3)(normal(x))


def _nested(k, x):
    layers = k.layers
    given = k.Input((HEIGHT, WIDTH, 3))
    inner = k.Sequential([k.Input((11, 8, 6)), layers.Conv2D(5, 2), layers.BatchNormalization(), layers.Dropout(0.3)])
    body = k.Model(given, inner(layers.Conv2D(6, 3, activation="relu")(given)))
    frozen = k.Sequential([layers.Conv2D(4, 3), layers.BatchNormalization(), layers.Conv2D(4, 1)])
    frozen.trainable = False
    return layers.MaxPooling2D(2)(frozen(body(x)))


def _shared(k, x):
    layers = k.layers
    conv = layers.Conv2D(3, 3, padding="same")
    given = k.Input((HEIGHT, WIDTH, 3))
    tower = k.Model(given, layers.BatchNormalization()(layers.Conv2D(5, 2, activation="tanh")(given)))
    once = conv(x)
    return layers.Subtract()([tower(once), tower(conv(layers.ReLU()(once)))])


def _operators(k, x):
    y = k.layers.Conv2D(3, 3, padding="same")(x)
    y = (y + 0.5) * y - x * 0.25
    y = (2.0 - y) / 3.0
    y = 0.5 + y * y
    return k.layers.ReLU(6.0)(y + 3.0) * (1.0 / 6.0)


def _grid_of_names(k, x):
    """More than ten of a class, in an order that is not the alphabet's."""
    for size in range(12):
        x = k.layers.Conv2D(3 + size % 3, 1, name=f"z{11 - size}")(x)
    return x


ZOO = {each.__name__[1:]: each for each in (
    _conv, _conv_same_strided, _depthwise, _separable_dilated, _transpose, _transpose_small_kernel,
    _transpose_output_padding, _transpose_dilated, _pooling, _global, _batchnorm, _dense, _activations, _activation_layers,
    _merges, _shapes, _rearranged, _permuted_flatten, _identities, _rescaled, _adapted, _nested, _shared, _operators,
    _grid_of_names,
)}  # fmt: skip


def randomise(model, seed=5):
    """Weights such that every one of them counts."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        name, shape = weight.name, tuple(weight.shape)
        if "seed" in name or "count" in name or len(shape) == 0:
            continue
        if "variance" in name:
            weight.assign(rng.uniform(0.5, 2, shape))
        elif "kernel" not in name:
            weight.assign(rng.uniform(-0.7, 0.9, shape) + (1.0 if "gamma" in name else 0.0))
        else:
            fan = max(1, int(np.prod(shape[:-1])))
            weight.assign(rng.normal(0, 1.3 / fan**0.5, shape))


def picture(height=HEIGHT, width=WIDTH, channels=3, seed=1):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels)).astype(np.uint8)


def both(keras_model, path, *, scale=1 / 128, bias=(-1.0, -0.9, -0.8), labels=LABELS, image=None, given=None, **options):
    """Keras' numbers before the softmax, and ours, for one picture."""
    keras_model.save(path)
    image = picture() if image is None else image
    offsets = np.array(bias[: image.shape[-1]])
    given = (image * scale + offsets).astype(np.float32) if given is None else given
    wanted = np.asarray(keras_model(given[None], training=False))[0]
    model = convert(Path(path), labels, scale, bias, **options)
    network = model.neuralNetworkClassifier
    assert network.layers[-1].WhichOneof("layer") == "softmax"
    logits = network.layers[-1].input[0]
    model.description.output.add(name=logits).type.multiArrayType.dataType = 65568
    answer = open_model(model).predict({"image": image[..., 0] if image.shape[-1] == 1 else image})
    numbers = np.ravel(answer[logits])
    exponents = np.exp(numbers - numbers.max())
    found = np.array([answer["labelProbability"][label] for label in labels])
    np.testing.assert_allclose(found, exponents / exponents.sum(), atol=1e-5)
    return wanted, numbers


def close(wanted, found, limit=1e-4):
    assert np.abs(wanted - wanted.mean()).max() > 1e-3, "all alike: nothing is tested"
    np.testing.assert_allclose(found, wanted, atol=limit * np.abs(wanted).max())


@pytest.mark.parametrize("name", ZOO)
def test_zoo(name, writer, tmp_path):
    k, ending = writer
    k.utils.set_random_seed(7)
    given = k.Input((HEIGHT, WIDTH, 3))
    x = ZOO[name](k, given)
    x = k.layers.Flatten()(x) if len(x.shape) > 2 else x
    model = k.Model(given, k.layers.Dense(CLASSES)(x))
    if name != "adapted":
        randomise(model)
    close(*both(model, tmp_path / f"model{ending}"))


def _ending(k, ending):
    given = k.Input((HEIGHT, WIDTH, 3))
    x = k.layers.Flatten()(k.layers.Conv2D(3, 4, strides=3)(given))
    model = k.Model(given, ending(k, x))
    randomise(model)
    return model


def _probabilities(model, path, labels, **options):
    """Keras' outputs and our probabilities for one picture."""
    model.save(path)
    wanted = np.asarray(model((picture() / 128 - 1).astype(np.float32)[None], training=False))[0]
    converted = convert(Path(path), labels, 1 / 128, (-1.0, -1.0, -1.0), **options)
    answer = open_model(converted).predict({"image": picture()})
    kind = converted.neuralNetworkClassifier.layers[-1].WhichOneof("layer")
    return np.ravel(wanted), np.array([answer["labelProbability"][label] for label in labels]), kind


ENDINGS = {
    "dense": lambda k, x: k.layers.Dense(CLASSES, activation="softmax")(x),
    "activation": lambda k, x: k.layers.Activation("softmax")(k.layers.Dense(CLASSES)(x)),
    "layer": lambda k, x: k.layers.Softmax()(k.layers.Dense(CLASSES)(x)),
    "reshaped": lambda k, x: k.layers.Reshape((CLASSES,))(
        k.layers.Activation("softmax")(k.layers.Reshape((1, 1, CLASSES))(k.layers.Dense(CLASSES)(x)))
    ),
    "picture": lambda k, x: k.layers.Softmax()(k.layers.Conv2D(CLASSES, 1)(k.layers.Reshape((1, 1, -1))(x))),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_a_softmax_at_the_end_is_the_only_one(name, writer, tmp_path):
    k, ending = writer
    wanted, found, kind = _probabilities(_ending(k, ENDINGS[name]), tmp_path / f"m{ending}", LABELS)
    assert kind == "softmax"
    np.testing.assert_allclose(found, wanted, atol=1e-5)


SINGLE = {
    "dense": lambda k, x: k.layers.Dense(1, activation="sigmoid")(x),
    "no bias": lambda k, x: k.layers.Activation("sigmoid")(k.layers.Dense(1, use_bias=False)(x)),
    "pooled": lambda k, x: k.layers.Activation("sigmoid")(
        k.layers.GlobalAveragePooling2D()(k.layers.Conv2D(1, 1)(k.layers.Reshape((1, 2, -1))(k.layers.Dense(6)(x))))
    ),
}


@pytest.mark.parametrize("name", SINGLE)
def test_one_sigmoid_is_the_second_label(name, writer, tmp_path):
    k, ending = writer
    wanted, found, kind = _probabilities(_ending(k, SINGLE[name]), tmp_path / f"m{ending}", LABELS[:2])
    assert kind == "softmax" and 0.02 < wanted[0] < 0.98
    np.testing.assert_allclose(found, [1 - wanted[0], wanted[0]], atol=1e-5)


def test_several_sigmoids_stay(writer, tmp_path):
    k, ending = writer
    model = _ending(k, lambda k, x: k.layers.Dense(CLASSES, activation="sigmoid")(x))
    wanted, found, kind = _probabilities(model, tmp_path / f"m{ending}", LABELS)
    assert kind == "activation"
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_bgr_and_grey(writer, tmp_path):
    k, ending = writer
    for channels, options in ((3, {"bgr": True}), (1, {})):
        given = k.Input((HEIGHT, WIDTH, channels))
        x = k.layers.ZeroPadding2D(1)(k.layers.Rescaling(0.5, offset=0.3)(given))
        model = k.Model(given, k.layers.Dense(CLASSES)(k.layers.Flatten()(k.layers.Conv2D(3, 3)(x))))
        randomise(model)
        image, bias = picture(channels=channels), (-0.7, -0.8, -0.9)
        turned = (image * 0.01 + np.array(bias[:channels])).astype(np.float32)[..., ::-1]
        close(*both(model, tmp_path / f"m{ending}", scale=0.01, bias=bias, image=image, given=turned, **options))


def test_a_size_that_is_left_open(writer, tmp_path):
    k, ending = writer
    given = k.Input((None, None, 3))
    model = k.Model(given, k.layers.Dense(CLASSES)(k.layers.GlobalMaxPooling2D()(k.layers.Conv2D(5, 3)(given))))
    randomise(model)
    close(*both(model, tmp_path / f"m{ending}", size=(HEIGHT, WIDTH)))


def test_a_resizing_says_the_size_that_is_open(writer, tmp_path):
    k, ending = writer
    given = k.Input((None, None, 3))
    x = k.layers.Resizing(HEIGHT, WIDTH)(k.layers.Rescaling(0.5)(given))
    x = k.layers.Resizing(2 * HEIGHT, 3 * WIDTH)(x)
    model = k.Model(given, k.layers.Dense(CLASSES)(k.layers.GlobalMaxPooling2D()(k.layers.Conv2D(5, 3)(x))))
    randomise(model)
    close(*both(model, tmp_path / f"m{ending}"))


def test_sequential_without_an_input_layer(writer, tmp_path):
    k, ending = writer
    first = {"input_shape": (HEIGHT, WIDTH, 3)}
    model = k.Sequential([k.layers.Conv2D(5, 3, **first), k.layers.Flatten(), k.layers.Dense(CLASSES)])
    randomise(model)
    close(*both(model, tmp_path / f"m{ending}"))


def test_sequential_on_a_model_without_its_head(writer, tmp_path):
    k, ending = writer
    given = k.Input((HEIGHT, WIDTH, 3))
    features = k.layers.ReLU(name="cut")(k.layers.BatchNormalization()(k.layers.Conv2D(5, 3)(given)))
    whole = k.Model(given, k.layers.Dense(9)(k.layers.Flatten()(features)))
    base = k.Model(whole.input, whole.get_layer("cut").output)
    base.trainable = False
    model = k.Sequential([base, k.layers.GlobalAveragePooling2D(), k.layers.Dropout(0.2), k.layers.Dense(CLASSES)])
    randomise(model)
    close(*both(model, tmp_path / f"m{ending}"))


NETWORKS = {
    "MobileNet": (96, {}), "MobileNetV2": (96, {}), "MobileNetV3Small": (96, {}), "ResNet50": (64, {}), "VGG16": (32, {}),
    "InceptionV3": (96, {}), "Xception": (96, {}), "DenseNet121": (64, {}), "EfficientNetB0": (96, {}),
    "EfficientNetV2B0": (96, {}), "ResNet50V2": (64, {}), "NASNetMobile": (64, {}),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_applications(name, writer, tmp_path):
    k, ending = writer
    size, options = NETWORKS[name]
    k.utils.set_random_seed(11)
    made = getattr(k.applications, name)(
        weights=None, input_shape=(size, size, 3), include_top=False, pooling="avg", **options
    )
    model = k.Model(made.input, k.layers.Dense(CLASSES, kernel_initializer="random_normal")(made.output))
    rng = np.random.default_rng(4)
    for weight in model.weights:
        if "moving_mean" in weight.name or "beta" in weight.name or "bias" in weight.name:
            weight.assign(rng.normal(0, 0.1, tuple(weight.shape)))
        elif "moving_variance" in weight.name:
            weight.assign(rng.uniform(0.5, 1.5, tuple(weight.shape)))
    dense = model.layers[-1]
    image = picture(size, size)
    features = np.asarray(made((image / 128 - 1).astype(np.float32)[None], training=False))
    dense.kernel.assign(rng.normal(0, 1, tuple(dense.kernel.shape)) / np.linalg.norm(features - features.mean()))
    close(*both(model, tmp_path / f"m{ending}", image=image, bias=(-1.0, -1.0, -1.0)))
