"""coremltools.test.pipeline.test_pipeline."""

from tests.conformance.conftest import names_of

globals().update(names_of("coremltools.test.pipeline.test_pipeline"))
