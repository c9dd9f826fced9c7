"""k-nearest-neighbours classifiers."""

from typing import Any

from engine.errors import BadInput
from engine.head.neighbors import NeighborHead
from engine.predict.values import Values, input_array, labelled, refuse_unknown
from engine.spec.describe import Description


class NeighborsPredictor:
    """Stored samples vote on the label of a vector."""

    def __init__(self, description: Description) -> None:
        assert description.neighbors is not None
        self._said = description
        self._head = NeighborHead.of(description.neighbors)
        self._dimensions = description.neighbors.dimensions

    def answer(self, values: Values) -> dict[str, Any]:
        """Label, and share of the votes by label. Raises BadInput for what does not fit."""
        refuse_unknown(self._said.inputs, values)
        (feature,) = self._said.inputs
        vector = input_array(feature, values)
        if vector is None or vector.size != self._dimensions:
            raise BadInput(
                f"Input {feature.name!r} is to hold {self._dimensions} numbers, not {getattr(vector, 'size', 0)}."
            )
        share = self._head.probabilities(vector.reshape(1, -1))[0]
        return labelled(self._said, self._head.names, share)
