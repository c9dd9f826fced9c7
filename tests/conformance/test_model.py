"""coremltools.test.neural_network.test_model."""

from tests.conformance.conftest import names_of

globals().update(names_of("coremltools.test.neural_network.test_model"))

# ML programs are looked at, not run.
del MLModelTest.test_rename_feature_mlprogram  # noqa: F821
del MLModelTest.test_rename_feature_classifier_mlprogram  # noqa: F821
