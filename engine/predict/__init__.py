"""Each kind of model that can answer: feature values in, feature values out, as coremltools' `MLModel.predict` has them.

network      neuralNetwork, neuralNetworkClassifier, neuralNetworkRegressor
neighbors    kNearestNeighborsClassifier
linear       glmRegressor, glmClassifier
pipeline     pipeline, pipelineClassifier, pipelineRegressor; linkedModel
"""

from collections.abc import Callable, Mapping

from engine.errors import UnsupportedModel
from engine.predict.linear import Linear
from engine.predict.neighbors import NeighborsPredictor
from engine.predict.network import NetworkPredictor
from engine.predict.pipeline import Pipeline, naming
from engine.predict.values import Predictor
from engine.spec.describe import NETWORKS, PIPELINES, Description

__all__ = ["PREDICTORS", "Predictor", "predictor", "require_portable"]

PREDICTORS: Mapping[str, Callable[[Description], Predictor]] = {
    **dict.fromkeys(NETWORKS, NetworkPredictor),
    "kNearestNeighborsClassifier": NeighborsPredictor,
    "glmRegressor": Linear,
    "glmClassifier": Linear,
}

CHAINS = (*PIPELINES, "linkedModel")
"""Kinds that answer through the models inside them."""

ON_A_MAC = "On a Mac, coremltools' MLModel.predict runs it."
REASONS: Mapping[str, str] = {
    "visionFeaturePrint": "whose weights are in macOS, not in the file",
    "audioFeaturePrint": "whose weights are in macOS, not in the file",
    "soundAnalysisPreprocessing": "whose weights are in macOS, not in the file",
    "textClassifier": "whose weights only macOS can read",
    "wordTagger": "whose weights only macOS can read",
    "gazetteer": "whose weights only macOS can read",
    "wordEmbedding": "whose weights only macOS can read",
    "customModel": "whose meaning is in a program, not in the file",
    "serializedModel": "whose meaning is in another file",
    "mlProgram": "which Catflap does not run: it runs neural networks",
}
"""Why a kind cannot answer; others are of no use for images."""


def require_portable(description: Description) -> None:
    """Raise UnsupportedModel with the reason where a model, or a part of a pipeline, has no meaning here."""
    if description.kind not in (*PREDICTORS, *CHAINS):
        why = REASONS.get(description.kind, "which Catflap does not run")
        raise UnsupportedModel(f"The model is of kind {description.kind!r}, {why}.", ON_A_MAC)
    for part in description.parts:
        with naming(part.name):
            require_portable(part.description)


def predictor(description: Description) -> Predictor:
    """What answers for a model. Raises UnsupportedModel with the reason where nothing can, UnsupportedLayer."""
    require_portable(description)
    return _made(description, {})


def _made(description: Description, made: dict[int, Predictor]) -> Predictor:
    """A model that several parts are linked to has one description, and is made once."""
    if id(description) not in made:
        if description.kind in CHAINS:
            made[id(description)] = Pipeline(description, lambda inner: _made(inner, made))
        else:
            made[id(description)] = PREDICTORS[description.kind](description)
    return made[id(description)]
