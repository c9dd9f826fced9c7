"""coremltools.test.neural_network.test_neural_networks."""

from tests.conformance.conftest import names_of

globals().update(names_of("coremltools.test.neural_network.test_neural_networks"))
