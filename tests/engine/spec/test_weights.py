"""All ways in which the format stores numbers, against coremltools' own quantisation."""

import numpy as np
import pytest

from engine.errors import UnreadableModel
from engine.spec.schema import Model
from engine.spec.weights import array, unpack


def empty():
    return Model().neuralNetwork.layers.add().innerProduct.weights


def test_floats():
    weights = empty()
    weights.floatValue.extend([1, 2, 3, 4, 5, 6])
    assert array(weights, (2, 3), "w").tolist() == [[1, 2, 3], [4, 5, 6]]


def test_halves():
    weights = empty()
    weights.float16Value = np.array([[0.5, -2, 3]], "<f2").tobytes()
    assert array(weights, (1, 3), "w").tolist() == [[0.5, -2, 3]]


@pytest.mark.parametrize("bits", range(1, 9))
def test_packed_numbers_are_read_bit_by_bit(bits):
    numbers = np.random.default_rng(bits).integers(0, 2**bits, 13)
    text = "".join(format(n, f"0{bits}b") for n in numbers)
    text += "0" * (-len(text) % 8)
    raw = bytes(int(text[at : at + 8], 2) for at in range(0, len(text), 8))
    assert unpack(raw, bits, 13).tolist() == numbers.tolist()


@pytest.mark.parametrize("bits", [3, 5, 8])
def test_linear_quantisation_by_row(bits):
    numbers = np.random.default_rng(bits).integers(0, 2**bits, (3, 5))
    weights = empty()
    text = "".join(format(n, f"0{bits}b") for n in numbers.reshape(-1))
    text += "0" * (-len(text) % 8)
    weights.rawValue = bytes(int(text[at : at + 8], 2) for at in range(0, len(text), 8))
    weights.quantization.numberOfBits = bits
    weights.quantization.linearQuantization.scale.extend([0.5, 2, 4])
    weights.quantization.linearQuantization.bias.extend([1, 0, -3])
    expected = numbers * np.array([[0.5], [2], [4]]) + np.array([[1], [0], [-3]])
    assert array(weights, (3, 5), "w").tolist() == expected.tolist()


def test_a_lookup_table():
    weights = empty()
    weights.rawValue = bytes([0b00011011, 0b11000000])
    weights.quantization.numberOfBits = 2
    weights.quantization.lookupTableQuantization.floatValue.extend([7, 8, 9, 10])
    assert array(weights, (1, 5), "w").tolist() == [[7, 8, 9, 10, 10]]


def test_int8():
    weights = empty()
    weights.int8RawValue = np.array([-128, 0, 127, 5], np.int8).tobytes()
    weights.quantization.numberOfBits = 8
    weights.quantization.linearQuantization.scale.append(0.5)
    assert array(weights, (2, 2), "w").tolist() == [[-64, 0], [63.5, 2.5]]


def test_too_few_numbers_are_refused_by_name():
    weights = empty()
    weights.floatValue.extend([1, 2, 3])
    with pytest.raises(UnreadableModel, match="'dense' holds 3 numbers"):
        array(weights, (2, 2), "'dense'")
