"""Recurrent layers against torch, ONNX Runtime and the format's formulas written out."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from engine.compute.recurrent import bidirectional_lstm, gru, lstm, simple_recurrent
from engine.errors import UnreadableModel, UnsupportedModel
from engine.spec.describe import Layer, layers_of

LENGTH, BATCH, WIDE, SIZE = 5, 3, 4, 6
close = partial(assert_allclose, rtol=1e-5, atol=1e-6)


def build(add: str, outputs: int, inputs: int = 1, **settings: object) -> Layer:
    """A described layer, written by coremltools."""
    pytest.importorskip("coremltools")
    from coremltools.models import datatypes
    from coremltools.models.neural_network import NeuralNetworkBuilder

    names = [f"in{each}" for each in range(inputs)]
    builder = NeuralNetworkBuilder([(each, datatypes.Array(1)) for each in names], [("out0", None)])
    getattr(builder, add)(
        "cell",
        input_names=names,
        output_names=[f"out{each}" for each in range(outputs)],
        hidden_size=SIZE,
        input_size=WIDE,
        **settings,
    )
    return layers_of(builder.spec.neuralNetwork)[0]


def numbers(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def gates(count: int, seed: int = 1) -> SimpleNamespace:
    """W_x, W_h and b of `count` gates, as coremltools' builder takes them."""
    return SimpleNamespace(
        W_x=list(numbers(seed, count, SIZE, WIDE)),
        W_h=list(numbers(seed + 1, count, SIZE, SIZE)),
        b=list(numbers(seed + 2, count, SIZE)),
    )


def blob(vectors: np.ndarray) -> np.ndarray:
    return vectors[..., None, None]


X = numbers(7, LENGTH, BATCH, WIDE)
H, C, BACK_H, BACK_C = numbers(8, 4, 1, BATCH, SIZE)


def through(function, layer: Layer, *vectors: np.ndarray) -> list[np.ndarray]:
    """Inputs and outputs without the two axes of size 1 at the end."""
    results = function(layer, *map(blob, vectors))
    assert len(results) == len(layer.outputs)
    assert all(each.dtype == np.float32 and each.shape[3:] == (1, 1) for each in results)
    return [each[..., 0, 0] for each in results]


def in_torch(
    kind: str, parts: SimpleNamespace, order: list[int], *state: np.ndarray, back: SimpleNamespace | None = None, **more
):
    """torch's cell with the same numbers; `order` says where torch keeps each gate. Outputs y, h and, of an LSTM, c."""
    torch = pytest.importorskip("torch")
    cell = getattr(torch.nn, kind)(WIDE, SIZE, bidirectional=back is not None, **more)
    with torch.no_grad():
        for which, end in ((parts, ""), (back, "_reverse")):
            if which is not None:
                for name, values in (("weight_ih", which.W_x), ("weight_hh", which.W_h), ("bias_ih", which.b)):
                    stacked = np.concatenate([values[each] for each in order])
                    getattr(cell, f"{name}_l0{end}").copy_(torch.from_numpy(stacked))
                getattr(cell, f"bias_hh_l0{end}").zero_()
        given = tuple(torch.from_numpy(each) for each in state)
        y, end = cell(torch.from_numpy(X), given if len(given) > 1 else given[0] if given else None)
        return [each.numpy() for each in (y, *(end if isinstance(end, tuple) else (end,)))]


@pytest.mark.parametrize(("name", "activation"), [("TANH", "tanh"), ("RELU", "relu")])
def test_a_simple_layer_is_torchs_rnn(name: str, activation: str) -> None:
    parts = gates(1)
    its = {"W_h": parts.W_h[0], "W_x": parts.W_x[0], "b": parts.b[0]}
    layer = build("add_simple_rnn", 2, 2, **its, activation=name, output_all=True)
    for got, wanted in zip(
        through(simple_recurrent, layer, X, H), in_torch("RNN", parts, [0], H, nonlinearity=activation), strict=True
    ):
        close(got, wanted)


def test_an_lstm_is_torchs_whose_gates_are_input_forget_cell_output() -> None:
    parts = gates(4)
    layer = build("add_unilstm", 3, 3, **vars(parts), output_all=True)
    wanted = in_torch("LSTM", parts, [0, 1, 3, 2], H, C)
    for got, expected in zip(through(lstm, layer, X, H, C), wanted, strict=True):
        close(got, expected)


@pytest.mark.parametrize("whole", [True, False])
def test_a_bidirectional_lstm_is_torchs(whole: bool) -> None:
    parts, back = gates(4), gates(4, seed=20)
    backward = {f"{name}_back": values for name, values in vars(back).items()}
    layer = build("add_bidirlstm", 5, 5, **vars(parts), **backward, output_all=whole)
    states = [np.concatenate(pair) for pair in ((H, BACK_H), (C, BACK_C))]
    y, h, c = in_torch("LSTM", parts, [0, 1, 3, 2], *states, back=back)
    got = through(bidirectional_lstm, layer, X, H, C, BACK_H, BACK_C)
    close(got[0], y if whole else np.concatenate([h[:1], h[1:]], axis=2))
    for found, wanted in zip(got[1:], (h[:1], c[:1], h[1:], c[1:]), strict=True):
        close(found, wanted)


def test_a_gru_is_torchs_where_resetting_before_or_after_is_the_same() -> None:
    parts = gates(3)
    parts.W_h[2] = np.diag(np.diag(parts.W_h[2]))
    layer = build("add_gru", 2, 2, **vars(parts), inner_activation="SIGMOID", output_all=True)
    for got, wanted in zip(through(gru, layer, X, H), in_torch("GRU", parts, [1, 0, 2], H), strict=True):
        close(got, wanted)


def in_onnx(
    kind: str, parts: SimpleNamespace, order: list[int], *state: np.ndarray, peep: np.ndarray | None = None, **more
):
    """ONNX Runtime's cell with the same numbers: y without the axis of directions, then the states."""
    onnx = pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    stack = {"W": parts.W_x, "R": parts.W_h}
    feeds = {"X": X, **{name: np.concatenate([values[each] for each in order])[None] for name, values in stack.items()}}
    bias = np.concatenate([parts.b[each] for each in order])
    feeds["B"] = np.concatenate([bias, np.zeros_like(bias)])[None]
    feeds |= dict(zip(("H", "C"), state, strict=False))
    inputs = ["X", "W", "R", "B", "", "H", *(["C"] if kind == "LSTM" else [])]
    if peep is not None:
        feeds["P"] = peep[None]
        inputs.append("P")
    outputs = ["Y", "Yh", "Yc"][: 1 + len(state)]
    node = onnx.helper.make_node(kind, inputs, outputs, hidden_size=SIZE, **more)
    info = partial(onnx.helper.make_tensor_value_info, elem_type=onnx.TensorProto.FLOAT, shape=None)
    graph = onnx.helper.make_graph([node], "cell", [info(each) for each in feeds], [info(each) for each in outputs])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 14)], ir_version=8)
    session = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    y, *ends = session.run(None, feeds)
    return [y[:, 0], *ends]


def test_a_gru_resets_before_it_multiplies_as_in_onnx() -> None:
    parts = gates(3)
    layer = build("add_gru", 2, 2, **vars(parts), inner_activation="SIGMOID", output_all=True)
    for got, wanted in zip(through(gru, layer, X, H), in_onnx("GRU", parts, [0, 1, 2], H), strict=True):
        close(got, wanted)


def test_peepholes_are_as_in_onnx() -> None:
    parts, peep = gates(4), numbers(30, 3, SIZE)
    layer = build("add_unilstm", 3, 3, **vars(parts), peep=list(peep), output_all=True)
    wanted = in_onnx("LSTM", parts, [0, 2, 1, 3], H, C, peep=np.concatenate(peep[[0, 2, 1]]))
    for got, expected in zip(through(lstm, layer, X, H, C), wanted, strict=True):
        close(got, expected)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("SIGMOID", {"activations": ["Sigmoid"]}),
        ("SCALED_TANH", {"activations": ["ScaledTanh"], "activation_alpha": [1.0], "activation_beta": [1.0]}),
        ("SIGMOID_HARD", {"activations": ["HardSigmoid"], "activation_alpha": [0.2], "activation_beta": [0.5]}),
        ("LINEAR", {"activations": ["Affine"], "activation_alpha": [1.0], "activation_beta": [0.0]}),
    ],
)
def test_activations_that_are_only_named_have_the_formats_numbers(name: str, settings: dict[str, list[object]]) -> None:
    parts = gates(1)
    its = {"W_h": parts.W_h[0] / 2, "W_x": parts.W_x[0], "b": parts.b[0]}
    layer = build("add_simple_rnn", 2, 2, **its, activation=name, output_all=True)
    parts.W_h[0] = parts.W_h[0] / 2
    for got, wanted in zip(through(simple_recurrent, layer, X, H), in_onnx("RNN", parts, [0], H, **settings), strict=True):
        close(got, wanted)


def test_an_activation_keeps_the_numbers_that_the_file_gives() -> None:
    layer = build("add_simple_rnn", 1, W_h=np.zeros((SIZE, SIZE)), W_x=np.ones((SIZE, WIDE)), b=None, activation="LINEAR")
    layer.parameters.activation.linear.alpha = 2
    layer.parameters.activation.linear.beta = 3
    (y,) = through(simple_recurrent, layer, X)
    close(y[0], np.repeat(2 * X[-1].sum(1, keepdims=True) + 3, SIZE, axis=1))


def textbook(parts: SimpleNamespace, peep: np.ndarray, coupled: bool, bound: float, h: np.ndarray, c: np.ndarray):
    """The format's formulas of an LSTM, row by row; its gates here: input, forget, output, block."""

    def sigma(x: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-x.clip(-50, 50)))

    outputs = []
    for x in X.astype(np.float64):
        i, f, o, z = (x @ w.T + h @ r.T + b for w, r, b in zip(parts.W_x, parts.W_h, parts.b, strict=True))
        i = sigma(i + peep[0] * c)
        f = sigma(f + 1 + peep[1] * c)
        c = c * (1 - i if coupled else f) + i * np.tanh(z.clip(-50, 50))
        c = np.maximum(np.minimum(c, bound), -bound)
        h = np.tanh(c) * sigma(o + peep[2] * c)
        outputs.append(h)
    return np.stack(outputs), h, c


@pytest.mark.parametrize("coupled", [True, False])
@pytest.mark.parametrize("bound", [0.3, 500.0])
def test_an_lstms_options_follow_the_formats_formulas(coupled: bool, bound: float) -> None:
    parts, peep = gates(4), numbers(30, 3, SIZE)
    options = {"forget_bias": True, "coupled_input_forget_gate": coupled, "cell_clip_threshold": bound, "output_all": True}
    layer = build("add_unilstm", 3, 3, **vars(parts), peep=list(peep), **options)
    wanted = textbook(parts, peep, coupled, bound, H[0], C[0])
    for got, expected in zip(through(lstm, layer, X, H, C), wanted, strict=True):
        close(got.reshape(expected.shape), expected)
    assert (np.abs(wanted[2]).max() == bound) == (bound < 1)


def test_a_cell_is_held_within_50_where_the_file_says_0() -> None:
    parts = gates(4)
    layer = build("add_unilstm", 3, 3, **vars(parts), cell_clip_threshold=0)
    assert np.abs(through(lstm, layer, X[:1], H, C * 1000)[2]).max() == 50


def test_a_coupled_lstm_needs_no_forget_gate() -> None:
    parts = gates(4)
    layer = build("add_unilstm", 1, **vars(parts), coupled_input_forget_gate=True, forget_bias=True)
    before = through(lstm, layer, X)
    for part in ("WeightMatrix", "RecursionMatrix", "BiasVector"):
        layer.parameters.weightParams.ClearField(f"forgetGate{part}")
    assert_array_equal(through(lstm, layer, X), before)


def test_what_enters_a_gate_is_held_within_50() -> None:
    wide = np.full((SIZE, WIDE), 1000.0)
    layer = build("add_simple_rnn", 1, W_h=np.zeros((SIZE, SIZE)), W_x=wide, b=None, activation="LINEAR")
    (y,) = through(simple_recurrent, layer, X)
    assert_array_equal(y[0], np.repeat(50 * np.sign(X[-1].sum(1, keepdims=True)), SIZE, axis=1))


CELLS = {
    "add_simple_rnn": (simple_recurrent, 1, {"activation": "TANH"}),
    "add_gru": (gru, 3, {}),
    "add_unilstm": (lstm, 4, {}),
}


@pytest.mark.parametrize("add", CELLS)
def test_a_reversed_layer_runs_from_the_end_and_gives_its_outputs_in_that_order(add: str) -> None:
    function, count, settings = CELLS[add]
    parts = vars(gates(count))
    if count == 1:
        parts = {name: values[0] for name, values in parts.items()}
    build_one = partial(build, add, 2, **parts, **settings)
    wanted = through(function, build_one(output_all=True), X[::-1])
    close(through(function, build_one(output_all=True, reverse_input=True), X)[0], wanted[0])
    last, state = through(function, build_one(reverse_input=True), X)
    close(last, wanted[0][-1:])
    close(state, wanted[1])


@pytest.mark.parametrize("add", CELLS)
def test_without_biases_and_states_they_are_zero(add: str) -> None:
    function, count, settings = CELLS[add]
    parts = {**vars(gates(count)), "b": None}
    zero = {**parts, "b": list(np.zeros((count, SIZE)))}
    if count == 1:
        parts, zero = ({k: v and v[0] for k, v in each.items()} for each in (parts, zero))
    states = [np.zeros_like(H)] * (2 if count == 4 else 1)
    plain = through(function, build(add, 2, **parts, **settings), X)
    assert_array_equal(plain, through(function, build(add, 2, 1 + len(states), **zero, **settings), X, *states))


def test_what_does_not_fit_is_named() -> None:
    layer = build("add_unilstm", 1, **vars(gates(4)))
    with pytest.raises(UnsupportedModel, match=r"'cell'.*\(5, 3, 5, 1, 1\).*\(sequence, batch, 4, 1, 1\)"):
        lstm(layer, blob(numbers(1, LENGTH, BATCH, WIDE + 1)))
    with pytest.raises(UnsupportedModel, match=r"'cell'.*\(5, 3, 4\)"):
        lstm(layer, X)
    with pytest.raises(UnsupportedModel, match=r"'cell'.*state"):
        lstm(layer, blob(X), blob(H[:, :2]))
    layer.parameters.activations[1].softsign.SetInParent()
    with pytest.raises(UnsupportedModel, match=r"'cell'.*'softsign'.*sigmoidHard"):
        lstm(layer, blob(X))
    del layer.parameters.activations[2]
    with pytest.raises(UnsupportedModel, match=r"'cell' names 2 activations; it needs 3"):
        lstm(layer, blob(X))
    layer.parameters.weightParams.forgetGateBiasVector.floatValue.pop()
    with pytest.raises(UnreadableModel, match=r"'cell' holds 5 numbers"):
        lstm(layer, blob(X))


def test_a_bidirectional_layer_needs_two_sets_of_weights() -> None:
    parts = vars(gates(4))
    layer = build("add_bidirlstm", 1, **parts, **{f"{name}_back": values for name, values in parts.items()})
    del layer.parameters.weightParams[1]
    with pytest.raises(UnsupportedModel, match=r"'cell' has 1 sets"):
        bidirectional_lstm(layer, blob(X))
