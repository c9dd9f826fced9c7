"""An ONNX graph under construction.

A blob of Core ML is a `Blob` here: the name of an ONNX value, its sizes, and whether it is *folded*. Legacy blobs have
rank 5, `(sequence, batch, channel, height, width)`; nearly all layers treat every (channel, height, width) alike, and
ONNX convolves rank 4, so a folded blob keeps sequence and batch together in one axis: `(sequence * batch, C, H, W)`.

The first size is `BATCH`, a free dimension, where the graph takes many images at once. All other sizes are numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from engine.errors import UnsupportedModel
from engine.room import too_large
from engine.spec.describe import Layer
from engine.translate.cost import held, work

BATCH = "N"
OPSET = 18
"""ReduceMean and its family take their axes as an input from 18 on; every ONNX Runtime since 1.14 has it."""

SMALL = 1024
"""Numbers of a constant up to which it may say sizes: axes, pads, shapes. Weights never do, and are not copied for it."""
NAMED = 80
"""Letters of a layer's name that its nodes are called by."""
IR_VERSION = 9
"""Of ONNX 1.15: ONNX Runtime refuses what is newer than itself."""

Size = int | str


@dataclass(frozen=True)
class Blob:
    """One value of the network."""

    tensor: str
    """Its name in the ONNX graph."""
    shape: tuple[Size, ...]
    folded: bool = False
    """Whether this is a legacy rank-5 blob, kept in rank 4."""

    @property
    def rank(self) -> int:
        """The rank that Core ML sees."""
        return 5 if self.folded else len(self.shape)


class Misfit(ValueError):
    """Sizes that do not fit each other, or are beyond measure: whose they are is said where the layer is known."""


def numbers(shape: Sequence[Size]) -> list[int]:
    """The sizes but the free one."""
    return [size for size in shape if not isinstance(size, str)]


def require_size(kind: str, shape: Sequence[Size]) -> None:
    """Raise Misfit for a value of no numbers, or of more than `LARGEST`."""
    if too_large(numbers(shape)):
        raise Misfit(f"an ONNX {kind} would make {' x '.join(map(str, shape))} numbers")


class Graph:
    """Collects nodes and constants; knows the sizes of every value."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.entries: list[str] = []
        self.blobs: dict[str, Blob] = {}
        """Core ML's blobs by name, those written so far."""
        self.layer = ""
        """Whose nodes are being added."""
        self._layers: list[str] = []
        """By node, whose it is."""
        self._types: dict[str, onnx.TypeProto] = {}
        self._values: dict[str, onnx.TensorProto] = {}

    def enter(self, name: str, shape: Sequence[Size], dtype: int = TensorProto.FLOAT) -> str:
        """Make an input of the graph for the feature or blob `name`; gives back its ONNX name."""
        tensor = f"in.{name}"
        self._types[tensor] = helper.make_tensor_type_proto(dtype, list(shape))
        self.entries.append(tensor)
        return tensor

    def model(self, outputs: Sequence[str]) -> bytes:
        """The graph as a serialised ONNX model, giving the values `outputs`."""
        infos = [helper.make_value_info(name, self._types[name]) for name in (*self.entries, *outputs)]
        ends = len(self.entries)
        graph = helper.make_graph(self.nodes, "backbone", infos[:ends], infos[ends:], self.constants)
        opset = [helper.make_opsetid("", OPSET)]
        return helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION).SerializeToString()

    def cost(self, outputs: Sequence[str]) -> tuple[int, int]:
        """Numbers held at once, and multiplications, for one image. Raises UnsupportedModel for too many."""
        shapes = {name: tuple(numbers(self.shape(name))) for name in self._types}
        together = held(self.nodes, shapes, self._layers, self.entries, outputs)
        return together, work(self.nodes, shapes, self._layers)

    def take(self, layer: Layer, index: int = 0, axes: int = 0) -> Blob:
        """The layer's input number `index`. Raises UnsupportedModel if nothing writes it, or if it has too few axes."""
        name = layer.inputs[index] if index < len(layer.inputs) else f"number {index}"
        if name not in self.blobs:
            raise UnsupportedModel(f"Layer {layer.name!r} reads {name!r}, which no layer before it writes.")
        blob = self.blobs[name]
        if len(blob.shape) < axes:
            raise UnsupportedModel(f"Layer {layer.name!r} needs {axes} axes or more, but {name!r} has {len(blob.shape)}.")
        return blob

    def give(self, layer: Layer, blob: Blob, index: int = 0) -> None:
        """Let `blob` be the layer's output number `index`. Raises UnsupportedModel if the layer names none."""
        if index >= len(layer.outputs):
            raise UnsupportedModel(f"Layer {layer.name!r} names {len(layer.outputs)} outputs, but makes more.")
        self.blobs[layer.outputs[index]] = blob

    def constant(self, values: Any, dtype: Any = np.float32) -> str:
        """A constant of the graph; gives back its ONNX name."""
        name = f"c.{len(self.constants)}"
        tensor = numpy_helper.from_array(np.ascontiguousarray(np.asarray(values, dtype)), name)
        self.constants.append(tensor)
        self._types[name] = helper.make_tensor_type_proto(tensor.data_type, list(tensor.dims))
        if np.size(values) <= SMALL:
            self._values[name] = tensor
        return name

    def integers(self, *values: int) -> str:
        """A rank-1 constant of int64, as axes, shapes and pads are given."""
        return self.constant(values, np.int64)

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output; gives back that output's name."""
        return self.nodes_out(kind, inputs, 1, **attributes)[0]

    def nodes_out(self, kind: str, inputs: Sequence[str], outputs: int, **attributes: Any) -> list[str]:
        """Add a node with several outputs; gives back their names."""
        names = [f"v.{len(self.nodes)}.{index}" for index in range(outputs)]
        # ONNX Runtime says a node's name where one fails.
        named = f"{self.layer[:NAMED]} {names[0]}"
        node = helper.make_node(kind, list(inputs), names, name=named, **attributes)
        self.nodes.append(node)
        self._layers.append(self.layer)
        self._types.update(self._inferred(node))
        for name in names:
            require_size(kind, self.shape(name))
        return names

    def shape(self, tensor: str) -> tuple[Size, ...]:
        """The sizes of an ONNX value; the free one is `BATCH`."""
        sizes = self._types[tensor].tensor_type.shape.dim
        return tuple(each.dim_value if each.HasField("dim_value") else BATCH for each in sizes)

    def blob(self, tensor: str, like: Blob | None = None) -> Blob:
        """An ONNX value as a blob; folded where `like` is."""
        return Blob(tensor, self.shape(tensor), like is not None and like.folded)

    def reshape(self, tensor: str, shape: Sequence[int]) -> str:
        """Reshape; 0 keeps a size, one -1 is worked out. Raises Misfit if there are more numbers, or fewer."""
        reshaped = self.node("Reshape", tensor, self.integers(*shape))
        before, after = self.shape(tensor), self.shape(reshaped)
        if BATCH not in (*before, *after) and prod(map(int, before)) != prod(map(int, after)):
            sizes = " cannot become ".join(" x ".join(map(str, each)) or "one" for each in (before, after))
            raise Misfit(f"{sizes}, which has another number of numbers")
        return reshaped

    def unfolded(self, blob: Blob) -> str:
        """The value in the rank that Core ML sees: a folded blob gets its sequence axis (of size 1) back."""
        return self.node("Unsqueeze", blob.tensor, self.integers(0)) if blob.folded else blob.tensor

    def folded(self, tensor: str) -> Blob:
        """Fold a rank-5 value whose sequence axis has size 1."""
        squeezed = self.node("Squeeze", tensor, self.integers(0))
        return Blob(squeezed, self.shape(squeezed), folded=True)

    def like(self, blob: Blob, tensor: str) -> Blob:
        """What a layer made of `unfolded(blob)`: folded again if `blob` was and the rank is still 5."""
        sizes = self.shape(tensor)
        return self.folded(tensor) if blob.folded and len(sizes) == 5 and sizes[0] == 1 else self.blob(tensor)

    def pictures(self, blob: Blob) -> str:
        """The value in rank 4, as ONNX convolves it: all axes before (C, H, W) taken as one.

        Raises UnsupportedModel for a value without channel, height and width.
        """
        if len(blob.shape) < 3:
            raise UnsupportedModel(f"A layer needs channel, height and width, but is given {len(blob.shape)} axes.")
        return blob.tensor if len(blob.shape) == 4 else self.reshape(blob.tensor, (-1, *map(int, blob.shape[-3:])))

    def from_pictures(self, tensor: str, blob: Blob) -> Blob:
        """The other way: `tensor` in rank 4, with the axes that `blob` has before (C, H, W)."""
        if len(blob.shape) == 4:
            return self.blob(tensor, blob)
        lead = [-1 if size == BATCH else int(size) for size in blob.shape[:-3]]
        return self.blob(self.reshape(tensor, (*lead, *map(int, self.shape(tensor)[1:]))))

    def _inferred(self, node: onnx.NodeProto) -> dict[str, onnx.TypeProto]:
        schema = onnx.defs.get_schema(node.op_type, OPSET, "")
        types = {name: self._types[name] for name in node.input if name}
        values = {name: self._values[name] for name in node.input if name in self._values}
        try:
            found = onnx.shape_inference.infer_node_outputs(
                schema, node, types, values, opset_imports=[helper.make_opsetid("", OPSET)]
            )
        except (onnx.shape_inference.InferenceError, onnx.checker.ValidationError, RuntimeError) as error:
            raise Misfit(f"the sizes around an ONNX {node.op_type} do not go together: {error}") from error
        return {name: found[name] for name in node.output if name in found}
