"""Layers that ONNX has no equal for, or whose sizes depend on the numbers: FUNCTIONS, kind -> a NumPy function.

A function takes the layer and its input arrays, float32 in the rank that Core ML sees, and gives one array, or one
an output.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.compute import chance, detection, index, order, recurrent, sampling, sizes

__all__ = ["FUNCTIONS", "Function"]

Array = NDArray[np.float32]
Function = Callable[..., Any]
"""`function(layer, *arrays)`: one array, or a sequence of one array an output."""

FUNCTIONS: Mapping[str, Function] = {
    "gather": index.gather,
    "gatherND": index.gather_nd,
    "gatherAlongAxis": index.gather_along_axis,
    "scatter": index.scatter,
    "scatterND": index.scatter_nd,
    "scatterAlongAxis": index.scatter_along_axis,
    "whereNonZero": index.where_non_zero,
    "oneHot": index.one_hot,
    "reverseSeq": index.reverse_seq,
    "topK": order.top_k,
    "argSort": order.arg_sort,
    "cumSum": order.cum_sum,
    "matrixBandPart": order.matrix_band_part,
    "lowerTriangular": order.lower_triangular,
    "upperTriangular": order.upper_triangular,
    "slidingWindows": order.sliding_windows,
    "getShape": sizes.get_shape,
    "rangeStatic": sizes.range_static,
    "rangeDynamic": sizes.range_dynamic,
    "fillDynamic": sizes.fill_dynamic,
    "broadcastToDynamic": sizes.broadcast_to_dynamic,
    "reshapeDynamic": sizes.reshape_dynamic,
    "tile": sizes.tile,
    "sliceBySize": sizes.slice_by_size,
    "sliceDynamic": sizes.slice_dynamic,
    "simpleRecurrent": recurrent.simple_recurrent,
    "gru": recurrent.gru,
    "uniDirectionalLSTM": recurrent.lstm,
    "biDirectionalLSTM": recurrent.bidirectional_lstm,
    "resizeBilinear": sampling.resize_bilinear,
    "cropResize": sampling.crop_resize,
    "NonMaximumSuppression": detection.suppress,
    "randomNormalLike": chance.normal_like,
    "randomNormalStatic": chance.normal_static,
    "randomNormalDynamic": chance.normal_dynamic,
    "randomUniformLike": chance.uniform_like,
    "randomUniformStatic": chance.uniform_static,
    "randomUniformDynamic": chance.uniform_dynamic,
    "randomBernoulliLike": chance.bernoulli_like,
    "randomBernoulliStatic": chance.bernoulli_static,
    "randomBernoulliDynamic": chance.bernoulli_dynamic,
    "categoricalDistribution": chance.categorical,
}
