"""What ONNX Runtime cannot run is said with the layer's name."""

import numpy as np
import pytest

import engine
from engine.errors import UnsupportedModel
from engine.spec.schema import Model
from engine.translate.session import _explained
from tests.engine.conftest import layer


def test_the_layer_that_fails_is_named() -> None:
    """An index that only the numbers tell is beyond the table: nothing but a run finds out."""
    model = Model()
    model.neuralNetwork.arrayInputShapeMapping = 1
    model.description.input.add(name="x").type.multiArrayType.shape.extend((3, 1))
    model.description.output.add(name="y").type.multiArrayType.dataType = 65568
    layer(model.neuralNetwork, "embeddingND", "x -> y", vocabSize=5, embeddingSize=2, weights=np.arange(10.0))
    opened = engine.open_model(model)
    found = opened.predict({"x": np.float32([[4], [0], [2]])})["y"]
    np.testing.assert_array_equal(found, np.arange(10.0).reshape(2, 5).T[[4, 0, 2]])
    with pytest.raises(UnsupportedModel, match=r"embeddingND x -> y"):
        opened.predict({"x": np.float32([[4], [5], [2]])})


@pytest.mark.parametrize("error", [RuntimeError("pthread_create failed"), MemoryError()])
def test_what_the_system_does_not_give_is_a_refusal(error: Exception) -> None:
    with pytest.raises(UnsupportedModel, match="ONNX Runtime cannot run"), _explained():
        raise error
