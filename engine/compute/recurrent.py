"""Recurrent layers: simpleRecurrent, gru, uniDirectionalLSTM, biDirectionalLSTM.

Sequences are blobs (sequence, batch, size, 1, 1), states (1, batch, size, 1, 1). The formulas are those that the format's
description (`NeuralNetwork.proto`) gives with each kind; the gates stand in the order in which it names them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from engine.errors import UnsupportedModel
from engine.spec.describe import Array, Layer
from engine.spec.weights import array

Activation = Callable[[Array], Array]
Step = Callable[[Array, tuple[Array, ...]], tuple[Array, ...]]
"""`step(projected, state)`: the next state, its first member the output; projected (gates, batch, size)."""

LIMIT = 50.0
"""What goes into a gate's activation is held within plus and minus this; also the default bound of an LSTM's cell."""


def simple_recurrent(layer: Layer, sequence: Array, *states: Array) -> tuple[Array, ...]:
    """`y = f(clip(W x + R y' + b))`; inputs x, h; outputs y, h."""
    its = layer.parameters
    (activation,) = _activations(layer, [its.activation], 1)
    matrices = _matrices(layer, (its.weightMatrix,), (its.recursionMatrix,), (its.biasVector,) if its.hasBiasVector else ())
    step = partial(_simple_step, matrices, activation)
    return _one_way(layer, sequence, _states(layer, sequence, states, 1), matrices, step, its.sequenceOutput)


def gru(layer: Layer, sequence: Array, *states: Array) -> tuple[Array, ...]:
    """A gated recurrent unit that resets before it multiplies; inputs x, h; outputs y, h."""
    its = layer.parameters
    gates = ("updateGate", "resetGate", "outputGate")
    matrices = _matrices(
        layer,
        _parts(its, gates, "WeightMatrix"),
        _parts(its, gates, "RecursionMatrix"),
        _parts(its, gates, "BiasVector") if its.hasBiasVectors else (),
    )
    inner, outer = _activations(layer, its.activations, 2)
    step = partial(_gru_step, matrices, inner, outer)
    return _one_way(layer, sequence, _states(layer, sequence, states, 1), matrices, step, its.sequenceOutput)


def lstm(layer: Layer, sequence: Array, *states: Array) -> tuple[Array, ...]:
    """A long short-term memory; inputs x, h, c; outputs y, h, c."""
    its = layer.parameters
    matrices, step = _lstm(layer, its.weightParams, its.activations)
    return _one_way(layer, sequence, _states(layer, sequence, states, 2), matrices, step, its.params.sequenceOutput)


def bidirectional_lstm(layer: Layer, sequence: Array, *states: Array) -> tuple[Array, ...]:
    """Two long short-term memories, one from each end; inputs x, h, c, back h, back c; outputs y, h, c, back h, back c.

    y holds the forward output, then the backward one, along axis 2; as a sequence, both belong to the same time.
    """
    its = layer.parameters
    if len(its.weightParams) != 2:
        raise UnsupportedModel(f"Layer {layer.name!r} has {len(its.weightParams)} sets of LSTM weights; it needs 2.")
    ahead = _lstm(layer, its.weightParams[0], its.activationsForwardLSTM)
    back = _lstm(layer, its.weightParams[1], its.activationsBackwardLSTM or its.activationsForwardLSTM)
    start = _states(layer, sequence, states, 4)
    forward, forward_end = _run(sequence, start[:2], *ahead)
    backward, backward_end = _run(sequence[::-1], start[2:], *back)
    last = np.concatenate([forward[-1:], backward[-1:]], axis=2)
    both = np.concatenate([forward, backward[::-1]], axis=2)
    return _blobs(layer, both if its.params.sequenceOutput else last, (*forward_end, *backward_end))


@dataclass(frozen=True, eq=False)
class _Matrices:
    """A cell's numbers, gate by gate."""

    input: Array
    """(gates, size in, size out), transposed"""
    recursion: Array
    """(gates, size out, size out), transposed"""
    bias: Array
    """(gates, 1, size out)"""


def _parts(weights: Any, gates: Iterable[str], suffix: str) -> tuple[Any, ...]:
    return tuple(getattr(weights, gate + suffix) for gate in gates)


def _matrices(layer: Layer, inputs: Sequence[Any], recursions: Sequence[Any], biases: Sequence[Any]) -> _Matrices:
    size = layer.parameters.outputVectorSize
    read = partial(_read, layer)
    return _Matrices(
        read(inputs, (size, layer.parameters.inputVectorSize)).swapaxes(1, 2),
        read(recursions, (size, size)).swapaxes(1, 2),
        read(biases, (1, size)) if biases else np.zeros((len(inputs), 1, size), np.float32),
    )


def _read(layer: Layer, weights: Iterable[Any], shape: tuple[int, ...]) -> Array:
    return np.stack([array(each, shape, f"Layer {layer.name!r}") for each in weights])


def _clip(values: Array) -> Array:
    return np.clip(values, -LIMIT, LIMIT)


def _simple_step(its: _Matrices, activation: Activation, x: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
    return (activation(_clip(x[0] + state[0] @ its.recursion[0])),)


def _gru_step(
    its: _Matrices, inner: Activation, outer: Activation, x: Array, state: tuple[Array, ...]
) -> tuple[Array, ...]:
    (before,) = state
    update, reset = inner(_clip(x[:2] + before @ its.recursion[:2]))
    output = outer(_clip(x[2] + (before * reset) @ its.recursion[2]))
    return ((1 - update) * output + update * before,)


def _lstm(layer: Layer, weights: Any, activations: Sequence[Any]) -> tuple[_Matrices, Step]:
    """One direction's numbers and its step."""
    params = layer.parameters.params
    coupled = params.coupledInputAndForgetGate
    # Coupled, the forget gate is not used and its numbers need not be there; the input gate's stand in.
    gates = ("inputGate", "inputGate" if coupled else "forgetGate", "blockInput", "outputGate")
    matrices = _matrices(
        layer,
        _parts(weights, gates, "WeightMatrix"),
        _parts(weights, gates, "RecursionMatrix"),
        _parts(weights, gates, "BiasVector") if params.hasBiasVectors else (),
    )
    if params.forgetBias:
        matrices.bias[1] += 1
    shape = (layer.parameters.outputVectorSize,)
    peepholes = _parts(weights, (*gates[:2], gates[3]), "PeepholeVector")
    seen = _read(layer, peepholes, shape) if params.hasPeepholeVectors else np.zeros((3, *shape), np.float32)
    f, g, h = _activations(layer, activations, 3)
    bound = params.cellClipThreshold or LIMIT

    def step(x: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
        before, cell = state
        sums = x + before @ matrices.recursion
        enter = f(_clip(sums[0] + seen[0] * cell))
        forget = 1 - enter if coupled else f(_clip(sums[1] + seen[1] * cell))
        cell = np.clip(cell * forget + enter * g(_clip(sums[2])), -bound, bound)
        leave = f(_clip(sums[3] + seen[2] * cell))
        return h(cell) * leave, cell

    return matrices, step


def _states(layer: Layer, sequence: Array, states: Sequence[Array], needed: int) -> tuple[Array, ...]:
    """What the layer remembers at first, each (batch, size); zero where the model gives none.

    Raises UnsupportedModel where they, or the sequence, are of another shape.
    """
    size = layer.parameters.inputVectorSize
    if sequence.ndim != 5 or sequence.shape[2:] != (size, 1, 1) or not len(sequence):
        why = f"Layer {layer.name!r} is given a blob of shape {sequence.shape}; it needs (sequence, batch, {size}, 1, 1)."
        raise UnsupportedModel(why)
    shape = (sequence.shape[1], layer.parameters.outputVectorSize)
    zero = np.zeros(shape, np.float32)
    for state in states:
        if state.size != zero.size:
            raise UnsupportedModel(
                f"Layer {layer.name!r} is given a state of shape {state.shape}; it needs {(1, *shape, 1, 1)}."
            )
    given = tuple(each.reshape(shape) for each in states[:needed])
    return given + (zero,) * (needed - len(given))


def _one_way(
    layer: Layer, sequence: Array, state: tuple[Array, ...], matrices: _Matrices, step: Step, whole: bool
) -> tuple[Array, ...]:
    """From the first to the last, or the other way; a reversed layer's outputs stand in the order of their making."""
    ordered = sequence[::-1] if layer.parameters.reverseInput else sequence
    outputs, end = _run(ordered, state, matrices, step)
    return _blobs(layer, outputs if whole else outputs[-1:], end)


def _run(sequence: Array, state: tuple[Array, ...], matrices: _Matrices, step: Step) -> tuple[Array, tuple[Array, ...]]:
    """The outputs (sequence, batch, size) and the last state."""
    vectors = sequence[:, None, :, :, 0, 0]
    outputs: list[Array] = []
    for projected in vectors @ matrices.input + matrices.bias:
        state = step(projected, state)
        outputs.append(state[0])
    return np.stack(outputs), state


def _blobs(layer: Layer, outputs: Array, states: tuple[Array, ...]) -> tuple[Array, ...]:
    """As many of outputs and states as the layer names, in rank 5."""
    arrays = (outputs, *(each[None] for each in states))
    return tuple(each[..., None, None] for each in arrays[: len(layer.outputs)])


def _sigmoid(x: Array) -> Array:
    return np.float32(0.5) * (1 + np.tanh(x / 2))


def _linear(x: Array, alpha: float, beta: float) -> Array:
    return np.float32(alpha) * x + np.float32(beta)


def _scaled_tanh(x: Array, alpha: float, beta: float) -> Array:
    return np.float32(alpha) * np.tanh(np.float32(beta) * x)


def _hard_sigmoid(x: Array, alpha: float, beta: float) -> Array:
    return np.clip(_linear(x, alpha, beta), 0, 1)


PLAIN: Mapping[str, Activation] = {"sigmoid": _sigmoid, "tanh": np.tanh, "ReLU": lambda x: np.maximum(x, 0)}
SHAPED: Mapping[str, tuple[Callable[[Array, float, float], Array], float, float]] = {
    "linear": (_linear, 1.0, 0.0),
    "scaledTanh": (_scaled_tanh, 1.0, 1.0),
    "sigmoidHard": (_hard_sigmoid, 0.2, 0.5),
}
"""With alpha and beta, which hold where the file names the activation alone, as coremltools writes it."""


def _activations(layer: Layer, messages: Sequence[Any], needed: int) -> list[Activation]:
    """The functions of the first `needed` messages; UnsupportedModel where there are fewer, or a layer cannot have one."""
    if len(messages) < needed:
        raise UnsupportedModel(f"Layer {layer.name!r} names {len(messages)} activations; it needs {needed}.")
    return [_activation(layer, each) for each in messages[:needed]]


def _activation(layer: Layer, message: Any) -> Activation:
    kind = message.WhichOneof("NonlinearityType") or "none"
    if kind in PLAIN:
        return PLAIN[kind]
    if kind not in SHAPED:
        why = f"Layer {layer.name!r} names the activation {kind!r}, which a recurrent layer cannot have."
        raise UnsupportedModel(why, f"Activations it can have: {', '.join(sorted([*PLAIN, *SHAPED]))}.")
    function, alpha, beta = SHAPED[kind]
    its = getattr(message, kind)
    if its.alpha or its.beta:
        alpha, beta = its.alpha, its.beta
    return lambda x: function(x, alpha, beta)
