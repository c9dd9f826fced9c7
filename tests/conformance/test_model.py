"""coremltools.test.neural_network.test_model."""

from tests.conformance.conftest import names_of

globals().update(names_of("coremltools.test.neural_network.test_model"))
