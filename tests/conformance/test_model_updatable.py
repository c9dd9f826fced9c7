"""coremltools.test.pipeline.test_model_updatable."""

from tests.conformance.conftest import names_of

globals().update(names_of("coremltools.test.pipeline.test_model_updatable"))
