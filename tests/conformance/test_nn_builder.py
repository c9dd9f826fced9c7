"""coremltools.test.neural_network.test_nn_builder."""

from tests.conformance.conftest import names_of

globals().update(names_of("coremltools.test.neural_network.test_nn_builder"))
