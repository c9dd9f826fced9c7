"""The format's `WeightParams` to arrays."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import UnreadableModel
from engine.room import MOST_WEIGHTS


def array(weights: Any, shape: tuple[int, ...], what: str) -> NDArray[np.float32]:
    """The numbers of one `WeightParams`, row-major, as float32 of `shape`.

    `what` names them in errors. Raises UnreadableModel where they are missing or not as many as `shape` says.
    """
    size = math.prod(shape)
    if size > MOST_WEIGHTS:
        raise UnreadableModel(f"{what} would hold more numbers than any file does.")
    with np.errstate(all="ignore"):
        flat = _floats(weights, size, shape[0] if shape else 1, what)
    if flat.size != size:
        raise UnreadableModel(
            f"{what} holds {flat.size} numbers, but its shape {shape} needs {size}.",
            "The file is damaged, or was written by a program with a defect.",
        )
    return flat.reshape(shape)


def is_plain(weights: Any) -> bool:
    """Whether the numbers are stored as float32, as training needs them."""
    return len(weights.floatValue) > 0 and not weights.HasField("quantization")


def _floats(weights: Any, size: int, rows: int, what: str) -> NDArray[np.float32]:
    if len(weights.floatValue):
        return np.array(weights.floatValue, np.float32)
    if weights.float16Value:
        return np.frombuffer(weights.float16Value, "<f2").astype(np.float32)
    if weights.int8RawValue:
        levels = np.frombuffer(weights.int8RawValue, np.int8).astype(np.float32)
        return _linear(levels, weights.quantization.linearQuantization, rows, what)
    if weights.rawValue:
        return _dequantized(weights, size, rows, what)
    return np.zeros(0, np.float32)


def _dequantized(weights: Any, size: int, rows: int, what: str) -> NDArray[np.float32]:
    quantization = weights.quantization
    bits = quantization.numberOfBits
    if not 1 <= bits <= 8:
        raise UnreadableModel(f"{what} is quantised to {bits} bits, but the format allows 1 to 8.")
    levels = unpack(weights.rawValue, bits, size)
    if quantization.WhichOneof("QuantizationType") == "lookupTableQuantization":
        table = np.array(quantization.lookupTableQuantization.floatValue, np.float32)
        if table.size < 2**bits:
            raise UnreadableModel(f"{what} has a lookup table of {table.size} numbers; {bits} bits need {2**bits}.")
        return table[levels]
    return _linear(levels.astype(np.float32), quantization.linearQuantization, rows, what)


def unpack(raw: bytes, bits: int, size: int) -> NDArray[np.uint8]:
    """`size` unsigned numbers of `bits` bits each, most significant bit first, running over byte borders."""
    flags = np.unpackbits(np.frombuffer(raw, np.uint8))[: size * bits]
    flags = flags[: flags.size // bits * bits].reshape(-1, bits)
    return np.packbits(flags, axis=1).reshape(-1) >> np.uint8(8 - bits)


def _linear(levels: NDArray[np.float32], quantization: Any, rows: int, what: str) -> NDArray[np.float32]:
    """`level * scale + bias`, scale and bias one for all or one a row."""
    scale = np.array(quantization.scale, np.float32)
    bias = np.array(quantization.bias, np.float32) if len(quantization.bias) else np.zeros(1, np.float32)
    if scale.size not in (1, rows) or bias.size not in (1, rows) or levels.size % rows:
        raise UnreadableModel(f"{what} has {scale.size} scales and {bias.size} biases for {rows} rows.")
    return (levels.reshape(rows, -1) * scale[:, None] + bias[:, None]).reshape(-1)
