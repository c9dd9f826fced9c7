"""The head of a network, written again layer by layer, with blobs of channel, height and width."""

from collections import Counter
from collections.abc import Mapping
from math import prod
from typing import Any

from engine.convert.build import Layers
from engine.convert.repairs import Shape, Step, refused, repaired
from engine.errors import CannotTrain
from engine.spec.describe import Description, Layer, every_layer

FLATTENING = ("reshapeStatic", "rankPreservingReshape", "flattenTo2D")


class Rewrite:
    """Replaces the layers of one chain in a protobuf `Model`, front to back: `enter`, `take` each layer, `finish`."""

    def __init__(self, model: Any, said: Description, shapes: Mapping[str, Shape]) -> None:
        """`shapes` are those of the chain's blobs in the old network."""
        assert said.network is not None
        self._network = model.neuralNetworkClassifier
        self._scratch = Layers(type(self._network)())
        self._messages = {layer.name: layer for layer in self._network.layers}
        self._old = dict(shapes)
        self._readers = Counter(name for layer in every_layer(self._network) for name in layer.inputs)
        self._readers.update(each.name for each in said.outputs if each.name not in said.answers)
        self._blobs = {name for layer in every_layer(self._network) for name in (*layer.inputs, *layer.outputs)}
        self._probabilities = said.network.probabilities
        self._places: dict[str, list[Any]] = {}
        """By the name of an old layer, those that stand in its place."""
        self._blob = ""
        """The new chain ends here, so far."""
        self._lead: Shape = ()
        self._form: Shape = ()
        """Its shape is `(*lead, *form)`."""
        self.said: list[str] = []
        """One sentence a change."""

    def enter(self, first: Layer, before: Layer | None) -> None:
        """Begin at the blob that `first` reads, written by `before`: as it is, or with channel, height and width."""
        name = first.inputs[0]
        shape = self._old[name]
        if len(shape) >= 4 and first.kind != "batchedMatmul":
            self._blob, self._lead, self._form = name, shape[:-3], shape[-3:]
            return
        size = prod(shape[-1:])
        if prod(shape) != size:
            raise refused(first, f"works on {shape}, which is more than one row of numbers")
        self._lead, self._form = (1,), (size, 1, 1)
        if before and before.kind in FLATTENING and self._is_picture(before.inputs[0]):
            self._lead = self._old[before.inputs[0]][:-3]
            self._flatten(before, name)
            return
        how = ("expandDims", {"axes": [2, 3]}) if len(shape) == 2 else ("reshapeStatic", {"targetShape": [1, *self._form]})
        self._blob = self._free(name)
        self._places[first.name] = [self._layer(*how, name, self._blob)]
        self.said.append(f"Layer {first.name!r} is given height and width, which training needs.")

    def take(self, layer: Layer) -> None:
        """Write one layer again, or leave it out."""
        output = layer.outputs[0]
        step = Step(layer, self._old[layer.inputs[0]], self._old[output], self._form)
        new, self._form = repaired(self._messages[layer.name], step)
        place = self._places.setdefault(layer.name, [])
        same = new is not None and (*self._lead, *self._form) == step.made
        if new is not None:
            new.input[:] = [self._blob]
            self._blob = output if same or not self._read_elsewhere(output) else self._free(output)
            new.output[:] = [self._blob]
            place.append(new)
        if not same and self._read_elsewhere(output):
            place.append(self._layer("reshapeStatic", {"targetShape": step.made}, self._blob, output))
        self._say(layer, new.WhichOneof("layer") if new is not None else "")

    def finish(self, labels: int, last: Layer, ends: bool) -> None:
        """Let the chain end in a softmax (`ends`: it does) over `labels` probabilities, and put it into the model."""
        found = prod(self._form)
        if found != labels or found < 2:
            sentence = f"Layer {last.name!r} gives {found} numbers, and the model has {labels} labels."
            raise CannotTrain(sentence, "A classifier that can learn gives two or more, one for each label.")
        place = self._places[last.name]
        if self._form != (found, 1, 1):
            place.append(self._layer("flatten", {"mode": 0}, self._blob, self._free(self._blob)))
            self._blob = place[-1].output[0]
        answer = self._probabilities
        if self._read_elsewhere(answer, own=0):
            answer = self._blob if ends else self._free(answer)
        elif not ends and self._blob == answer:
            self._rename(self._free(answer))
        if not ends:
            place.append(self._layer("softmax", {}, self._blob, answer))
            self.said.append("The model gave scores; a softmax was added behind them, so that it gives probabilities.")
        elif self._blob != answer:
            self._rename(answer)
        self._network.labelProbabilityLayerName = answer
        layers = [new for old in self._network.layers for new in self._places.get(old.name, [old])]
        del self._network.layers[:]
        self._network.layers.extend(layers)

    def _is_picture(self, blob: str) -> bool:
        shape = self._old[blob]
        return len(shape) >= 4 and prod(shape) == prod(shape[-3:])

    def _flatten(self, before: Layer, name: str) -> None:
        """A layer that reshapes to a row becomes a `flatten`; where others read what it makes, one stands beside it."""
        shared = self._readers[name] > 1
        self._blob = self._free(name) if shared else name
        new = self._layer("flatten", {"mode": 0}, before.inputs[0], self._blob)
        new.name = new.name if shared else before.name
        self._places[before.name] = [self._messages[before.name], new] if shared else [new]
        self._say(before, "flatten")

    def _say(self, layer: Layer, kind: str) -> None:
        if layer.kind == "unary":
            self.said.append(
                f"Layer {layer.name!r} gave logarithms; it was taken away, so that the model gives probabilities."
            )
        elif not kind:
            self.said.append(f"Layer {layer.name!r} of kind {layer.kind!r} was taken away; it only changed the shape.")
        elif kind != layer.kind:
            self.said.append(f"Layer {layer.name!r} of kind {layer.kind!r} became {kind!r}, with the same result.")

    def _read_elsewhere(self, blob: str, own: int = 1) -> bool:
        """Whether anything but the chain itself reads `blob`; the chain reads its last one not at all."""
        return self._readers[blob] > (0 if blob == self._probabilities else own)

    def _rename(self, name: str) -> None:
        """Call what the chain ends in `name`."""
        for place in self._places.values():
            for layer in place:
                layer.input[:] = [name if each == self._blob else each for each in layer.input]
                layer.output[:] = [name if each == self._blob else each for each in layer.output]
        self._blob = name

    def _free(self, name: str) -> str:
        """A name near `name` that no blob has."""
        number = 2
        while f"{name}_{number}" in self._blobs:
            number += 1
        self._blobs.add(f"{name}_{number}")
        return f"{name}_{number}"

    def _layer(self, kind: str, fields: Mapping[str, Any], given: str, made: str) -> Any:
        """A new layer, named after what it makes."""
        self._scratch.add(kind, self._free_layer(made), given, made, **fields)
        return self._scratch.network.layers[-1]

    def _free_layer(self, blob: str) -> str:
        taken = {*self._messages, *(layer.name for place in self._places.values() for layer in place)}
        name = blob
        while name in taken:
            name += "_"
        return name
