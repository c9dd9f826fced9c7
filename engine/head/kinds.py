"""KINDS: the layers of the head by name."""

from collections.abc import Mapping

import numpy as np

from engine.head import layers as one
from engine.head import windows as many
from engine.head.layers import Kind

KINDS: Mapping[str, Kind] = {
    "innerProduct": Kind(one.dense, one.dense_back, one.dense_tangent, one.dense_gradient, one.dense_inner),
    "convolution": Kind(
        many.convolution,
        many.convolution_back,
        many.convolution_tangent,
        many.convolution_gradient,
        many.convolution_inner,
    ),
    "pooling": Kind(many.pooling, many.pooling_back, many.pooling_tangent),
    "flatten": Kind(one.flatten, one.flatten_back, one.flatten_tangent),
    "batchnorm": Kind(one.batchnorm, one.batchnorm_back, one.batchnorm_tangent),
    "activation.ReLU": one.activation(one.relu, one.relu_slope),
    "activation.sigmoid": one.activation(one.sigmoid, one.sigmoid_slope),
    "activation.tanh": one.activation(np.tanh, one.tanh_slope),
    "softmax": Kind(one.softmax, one.softmax_back, one.softmax_tangent),
}
