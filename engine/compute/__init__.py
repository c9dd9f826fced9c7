"""Layers that ONNX has no equal for, or whose sizes depend on the numbers: FUNCTIONS, kind -> a NumPy function.

A function takes the layer and its input arrays, float32 in the rank that Core ML sees, and gives one array, or one an output.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FUNCTIONS", "Function"]

Array = NDArray[np.float32]
Function = Callable[..., Any]
"""`function(layer, *arrays)`: one array, or a sequence of one array an output."""

FUNCTIONS: Mapping[str, Function] = {}
