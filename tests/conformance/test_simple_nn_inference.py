"""coremltools.test.neural_network.test_simple_nn_inference."""

from tests.conformance.conftest import names_of

globals().update(names_of("coremltools.test.neural_network.test_simple_nn_inference"))
