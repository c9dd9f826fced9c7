"""coremltools.test.pipeline.test_pipeline."""

from tests.conformance.conftest import names_of

globals().update(names_of("coremltools.test.pipeline.test_pipeline"))

# ML programs are looked at, not run.
for name in (
    "second_model_needs_pipeline_input",
    "pipeline_outputs_from_multiple_models",
    "pipeline_input_goes_to_multiple_models",
):
    delattr(TestMakePipeline, f"test_{name}")  # noqa: F821
