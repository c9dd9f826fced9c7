"""Layer by layer: coremltools.test.neural_network.test_numpy_nn_layers."""

from tests.conformance.conftest import tests_of

globals().update(tests_of("coremltools.test.neural_network.test_numpy_nn_layers"))
