"""Layer by layer: coremltools.test.neural_network.test_numpy_nn_layers."""

from tests.conformance.conftest import names_of

globals().update(names_of("coremltools.test.neural_network.test_numpy_nn_layers"))
