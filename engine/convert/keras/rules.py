"""RULES: class of a Keras layer -> the function that adds its layers to a network."""

from collections.abc import Callable, Mapping

from engine.convert.keras import activation, arithmetic, convolution, normalise, pooling, shape
from engine.convert.keras.model import KerasLayer
from engine.convert.keras.net import Net, Value

Rule = Callable[[KerasLayer, list[Value], Net], Value]


def same(layer: KerasLayer, values: list[Value], net: Net) -> Value:
    """A layer that does something in training alone."""
    return values[0]


IDENTITIES = (
    "Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout", "AlphaDropout", "ActivityRegularization", "Identity",
    "RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomContrast", "RandomBrightness",
    "RandomColorJitter", "RandomGrayscale", "RandomHue", "RandomSaturation", "RandomSharpness", "RandomPosterization",
    "RandomColorDegeneration", "RandomGaussianBlur", "RandomInvert", "RandomErasing", "RandomShear", "RandomPerspective",
    "RandomElasticTransform", "RandAugment", "AugMix",
)  # fmt: skip

RULES: Mapping[str, Rule] = {
    **dict.fromkeys(IDENTITIES, same),
    "Conv2D": convolution.conv2d,
    "DepthwiseConv2D": convolution.depthwise_conv2d,
    "SeparableConv2D": convolution.separable_conv2d,
    "Conv2DTranspose": convolution.conv2d_transpose,
    "Dense": convolution.dense,
    **activation.LAYERS,
    **pooling.LAYERS,
    **normalise.LAYERS,
    **shape.LAYERS,
    "Concatenate": arithmetic.concatenate,
    **dict.fromkeys(
        (*arithmetic.MERGES, *arithmetic.WITH_NUMBER, *arithmetic.FUNCTIONS, "TrueDivide", "Gelu"), arithmetic.arithmetic
    ),
    "TFOpLambda": arithmetic.tensorflow,
}
