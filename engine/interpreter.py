"""Run any network, one input at a time: stretches of layers by ONNX Runtime, single ones by NumPy, control flow here.

Sizes are those of the arrays at hand, so flexible inputs and sizes that depend on numbers need nothing more.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from itertools import groupby
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.compute import FUNCTIONS, Function
from engine.errors import UnsupportedModel, fitting
from engine.spec.describe import ImageFeature, Layer, Network, inner_networks, layers_of
from engine.state import State
from engine.translate import RULES, refused, translate
from engine.translate.session import Session

Array = NDArray[Any]

KEPT = 8
"""Sets of sizes for which one stretch of layers stays compiled."""


class Step(Protocol):
    """One thing to do, after which more blobs are known."""

    def run(self, state: State) -> None:
        """Do it."""
        ...


class Stretch:
    """Layers one behind the other that ONNX Runtime computes; compiled anew for other sizes."""

    def __init__(self, network: Network, layers: Sequence[Layer], images: Sequence[ImageFeature], writes: Sequence[str]):
        self.layers, self.writes = tuple(layers), tuple(writes)
        self.reads = tuple(_reads(layers))
        self._network = network
        self._images = {image.name: image for image in images}
        self._compiled: OrderedDict[tuple[Any, ...], Session] = OrderedDict()

    def run(self, state: State) -> None:
        """Raises UnsupportedLayer, or UnsupportedModel where the layers do not fit what they are given."""
        known = {name: state.blobs[name] for name in self.reads if name in state.blobs}
        entered = [name for name in (*self.reads, *self.writes) if name in state.pixels and name not in known]
        pixels = {name: state.pixels[name] for name in entered}
        session = self._for(known, pixels)
        if self.layers:
            state.spend(self.layers[-1], session.translation.work)
        found = session.run_unfolded({**known, **pixels})
        if self.layers:
            state.write(self.layers[-1], found)
        else:
            state.blobs |= found

    def _for(self, known: Mapping[str, Array], pixels: Mapping[str, Array]) -> Session:
        sizes = tuple((name, each.shape) for name, each in {**known, **pixels}.items())
        if sizes not in self._compiled:
            images = [self._images[name].sized(each.shape[2], each.shape[1]) for name, each in pixels.items()]
            shapes = {name: each.shape for name, each in known.items()}
            made = translate(self._network, images, self.layers, self.writes, batch=False, blobs=shapes)
            self._compiled[sizes] = Session(made)
            while len(self._compiled) > KEPT:
                self._compiled.popitem(last=False)
        self._compiled.move_to_end(sizes)
        return self._compiled[sizes]


@dataclass(frozen=True)
class Computed:
    """One layer that NumPy computes."""

    layer: Layer
    function: Function

    def __post_init__(self) -> None:
        """Raises UnsupportedModel for more inputs, or fewer, than the function takes."""
        try:
            signature(self.function).bind(self.layer, *self.layer.inputs)
        except TypeError as error:
            many, kind = len(self.layer.inputs), self.layer.kind
            raise UnsupportedModel(f"Layer {self.layer.name!r} of kind {kind!r} cannot take {many} inputs.") from error

    def run(self, state: State) -> None:
        """Raises UnsupportedModel where the layer does not fit what it is given."""
        arrays = [state.blob(self.layer, name) for name in self.layer.inputs]
        with fitting(self.layer.name, self.layer.kind), np.errstate(all="ignore"):
            found = self.function(self.layer, *arrays)
            results: list[Any] = [found] if isinstance(found, np.ndarray | np.generic) else list(found)
            # A result without axes keeps one.
            named = zip(self.layer.outputs, results, strict=False)
            state.write(self.layer, {name: np.atleast_1d(np.asarray(result, np.float32)) for name, result in named})


@dataclass(frozen=True)
class Branch:
    """One of two networks, by a number."""

    layer: Layer
    yes: "Plan"
    no: "Plan"

    def run(self, state: State) -> None:
        """Run the one whose turn it is; its blobs are those of the network around."""
        predicate = next(iter(self.layer.inputs), "")
        (self.yes if state.true(self.layer, predicate) else self.no).run(state)


class Broken(Exception):
    """A loop is left, by the layer of this name."""


class Continued(Exception):
    """The rest of a loop's body is passed over, by the layer of this name."""


@dataclass(frozen=True)
class Loop:
    """A network, over and over."""

    layer: Layer
    condition: "Plan | None"
    body: "Plan"

    def run(self, state: State) -> None:
        """Until the condition is false, so many times are over, or a layer breaks out of it."""
        for _ in self._turns(state):
            try:
                self.body.run(state)
            except Continued:
                continue
            except Broken:
                return

    def _turns(self, state: State) -> Iterator[int]:
        """An input says how many turns at most; without one, the layer does; 0 sets no end where there is a condition."""
        its, given = self.layer.parameters, self.layer.inputs
        most = state.number(self.layer, given[0]) if given else its.maxLoopIterations
        endless = its.conditionVar and not given and not most
        turn = 0
        while self._goes_on(state) and (endless or turn < most):
            state.turn(self.layer)
            yield turn
            turn += 1

    def _goes_on(self, state: State) -> bool:
        """The condition is worked out before each turn, and after the last one."""
        if self.condition:
            self.condition.run(state)
        variable = self.layer.parameters.conditionVar
        return not variable or state.true(self.layer, variable)


@dataclass(frozen=True)
class Jump:
    """Leaves a loop, or the rest of its body."""

    layer: Layer

    def run(self, state: State) -> None:
        """Raises the signal, which the loop around it takes."""
        raise JUMPS[self.layer.kind](self.layer.name)


JUMPS: Mapping[str, type[Exception]] = {"loopBreak": Broken, "loopContinue": Continued}


@dataclass(frozen=True)
class Plan:
    """Steps in order."""

    steps: tuple[Step, ...]

    def run(self, state: State) -> None:
        """Run them all."""
        for step in self.steps:
            step.run(state)


class Interpreter:
    """Layers from a network's inputs to some of its blobs."""

    def __init__(self, network: Network, images: Sequence[ImageFeature], layers: Sequence[Layer], outputs: Sequence[str]):
        """Raises UnsupportedLayer for a kind without a meaning here."""
        self._network, self._images, self._outputs = network, tuple(images), tuple(outputs)
        self._readers = Counter(_all_reads(layers))
        self._readers.update(outputs)
        entered = tuple(self._entered(outputs))
        self._plan = Plan((*entered, *self._planned(layers).steps))
        self.compiled_whole = all(isinstance(step, Stretch) for step in self._plan.steps)
        """Whether ONNX Runtime computes all of it."""

    def run(self, pixels: Mapping[str, Array], arrays: Mapping[str, Array]) -> dict[str, Array]:
        """The blobs `outputs`, from images (1, height, width, channels) and arrays in the rank that Core ML sees.

        Raises UnsupportedModel where the layers do not fit what is given.
        """
        state = State(dict(pixels), dict(arrays))
        try:
            self._plan.run(state)
        except (Broken, Continued) as signal:
            raise UnsupportedModel(f"Layer {str(signal)!r} leaves a loop, but stands in none.") from signal
        missing = [name for name in self._outputs if name not in state.blobs]
        if missing:
            raise UnsupportedModel(f"No layer writes {missing[0]!r}, which the model gives or is cut at.")
        return {name: state.blobs[name] for name in self._outputs}

    def _planned(self, layers: Sequence[Layer]) -> Plan:
        steps: list[Step] = []
        for whole, group in groupby(layers, lambda layer: layer.kind in RULES):
            if whole:
                stretch = self._stretch(tuple(group))
                # ONNX Runtime refuses a graph that gives nothing.
                steps.extend([stretch] if stretch.writes else [])
            else:
                steps.extend(each for layer in group for each in self._alone(layer))
        return Plan(tuple(steps))

    def _stretch(self, layers: tuple[Layer, ...]) -> Stretch:
        """Its outputs are what others read, or the stretch itself when its turn comes again."""
        own = Counter(name for layer in layers for name in layer.inputs)
        again = set(_reads(layers))
        written = dict.fromkeys(name for layer in layers for name in layer.outputs)
        entered = {image.name: None for image in self._images if image.name in own}
        used = [n for n in (*written, *entered) if self._readers[n] > own[n] or (n in again and n in written)]
        return Stretch(self._network, layers, self._images, used)

    def _alone(self, layer: Layer) -> Iterator[Step]:
        yield from self._entered(layer.inputs)
        its = layer.parameters
        if layer.kind in FUNCTIONS:
            yield Computed(layer, FUNCTIONS[layer.kind])
        elif layer.kind == "branch":
            yield Branch(layer, self._planned(layers_of(its.ifBranch)), self._planned(layers_of(its.elseBranch)))
        elif layer.kind == "loop":
            condition = layers_of(its.conditionNetwork)
            yield Loop(layer, self._planned(condition) if condition else None, self._planned(layers_of(its.bodyNetwork)))
        elif layer.kind in JUMPS:
            yield Jump(layer)
        else:
            raise refused(layer)

    def _entered(self, names: Sequence[str]) -> Iterator[Stretch]:
        """Images that a layer outside every stretch reads, preprocessed."""
        images = [image.name for image in self._images if image.name in names]
        if images:
            yield Stretch(self._network, (), self._images, images)


def _reads(layers: Sequence[Layer]) -> dict[str, None]:
    """What layers, one behind the other, read before any of them writes it."""
    found: dict[str, None] = {}
    written: set[str] = set()
    for layer in layers:
        found.update(dict.fromkeys(name for name in layer.inputs if name not in written))
        written.update(layer.outputs)
    return found


def _all_reads(layers: Sequence[Layer]) -> Iterator[str]:
    """Every reading of a blob, inside branches and loops as well."""
    for layer in layers:
        yield from layer.inputs
        if layer.kind == "loop":
            yield layer.parameters.conditionVar
        for inner in inner_networks(layer):
            yield from _all_reads(layers_of(inner))
