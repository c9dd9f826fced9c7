"""Neural networks."""

from typing import Any

from engine.backbone import Backbone
from engine.predict.values import Values, input_array, labelled, output_value, refuse_unknown
from engine.spec.describe import Description, Network


class NetworkPredictor:
    """All of a network's layers, for one set of inputs at a time."""

    def __init__(self, description: Description) -> None:
        """Raises UnsupportedLayer for a layer without a meaning here, UnsupportedModel for inputs of other types."""
        assert description.network is not None
        self._said, self._network = description, description.network
        self._backbone = Backbone(
            self._network, description.inputs, self._network.layers, _blobs(description, self._network), batch=False
        )

    def answer(self, values: Values) -> dict[str, Any]:
        """Outputs by name, from inputs by name. Raises BadInput for what does not fit."""
        refuse_unknown(self._said.inputs, values)
        given = {each.name: input_array(each, values) for each in self._said.inputs}
        found = self._backbone.run({name: value for name, value in given.items() if value is not None})
        of_image = self._said.image is not None
        answer: dict[str, Any] = {}
        for each in self._said.outputs:
            if each.name in found and not (self._network.labels and each.name in self._said.answers):
                answer[each.name] = output_value(each, found[each.name], of_image)
        if self._network.labels:
            answer |= labelled(self._said, self._network.labels, found[self._network.probabilities])
        return answer


def _blobs(said: Description, network: Network) -> tuple[str, ...]:
    """The blobs that the outputs need."""
    if not network.labels:
        return tuple(each.name for each in said.outputs)
    return (network.probabilities, *(each.name for each in said.outputs if each.name not in said.answers))
