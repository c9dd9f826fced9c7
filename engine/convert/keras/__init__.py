"""Keras files (.h5, .keras; Keras 1, 2 and 3) to Core ML, without TensorFlow or Keras."""

from engine.convert.keras.convert import convert
from engine.convert.keras.model import KerasLayer, KerasModel
from engine.convert.keras.read import read_keras

__all__ = ["KerasLayer", "KerasModel", "convert", "read_keras"]
