"""Layers that copy numbers to other places, or repeat them, against PyTorch and NumPy."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine.errors import UnreadableModel, UnsupportedModel

torch = pytest.importorskip("torch")
functional = torch.nn.functional

Check = Callable[..., None]
Refuse = Callable[..., Any]
Fill = Callable[[Any], None]


def floats(*shape: int, seed: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def setting(kind: str, **fields: Any) -> Fill:
    """A list of a message's field is a tuple here, weights are an array."""

    def fill(layer: Any) -> None:
        its = getattr(layer, kind)
        its.SetInParent()
        for name, value in fields.items():
            if isinstance(value, np.ndarray):
                getattr(its, name).floatValue.extend(value.ravel().tolist())
            elif isinstance(value, tuple):
                getattr(its, name).extend(value)
            else:
                setattr(its, name, value)

    return fill


SPACE_TO_DEPTH, DEPTH_TO_SPACE, PIXEL_SHUFFLE = range(3)
DEEP = floats(12, 5, 3)
WIDE = floats(5, 6, 8)


def depth_to_space(x: np.ndarray, block: int) -> np.ndarray:
    """Pixel by pixel: the place in the block counts first, the channel last."""
    out = np.zeros((x.shape[0] // block**2, x.shape[1] * block, x.shape[2] * block), np.float32)
    for channel, row, column in np.ndindex(*out.shape):
        place = (row % block) * block + column % block
        out[channel, row, column] = x[place * len(out) + channel, row // block, column // block]
    return out


def test_pixels_are_shuffled_as_in_torch(check: Check) -> None:
    wanted = functional.pixel_shuffle(torch.from_numpy(DEEP), 2).numpy()
    fill = setting("reorganizeData", mode=PIXEL_SHUFFLE, blockSize=2)
    check(fill, [DEEP], [wanted])
    check(fill, [DEEP[None, None]], [wanted[None, None]], legacy=False)


def test_depth_to_space_and_back(check: Check) -> None:
    wide = depth_to_space(DEEP, 2)
    there = setting("reorganizeData", mode=DEPTH_TO_SPACE, blockSize=2)
    back = setting("reorganizeData", mode=SPACE_TO_DEPTH, blockSize=2)
    check(there, [DEEP], [wide])
    check(there, [DEEP[None]], [wide[None]], legacy=False)
    check(back, [wide], [DEEP])
    check(back, [wide[None]], [DEEP[None]], legacy=False)


@pytest.mark.parametrize(("mode", "block"), [(0, 4), (1, 3), (2, 3), (0, 0), (1, 0), (2, 0)])
def test_blocks_that_do_not_fit_are_refused(mode: int, block: int, refuse: Refuse) -> None:
    refuse(setting("reorganizeData", mode=mode, blockSize=block), [WIDE], UnsupportedModel)


@pytest.mark.parametrize(("said", "times"), [(3, 3), (1, 1), (0, 1)])
def test_a_sequence_is_repeated_as_a_whole(said: int, times: int, check: Check) -> None:
    x = floats(2, 1, 4, 3, 5)
    wanted = torch.from_numpy(x).repeat(times, 1, 1, 1, 1).numpy()
    check(setting("sequenceRepeat", nRepetitions=said), [x], [wanted], legacy=False)


def test_a_legacy_array_is_repeated_along_its_sequence(check: Check) -> None:
    x = floats(4, 3, 5)
    check(setting("sequenceRepeat", nRepetitions=3), [x], [np.stack([x] * 3)[:, None]], batch=False)


def test_fewer_than_five_axes_have_no_sequence(refuse: Refuse) -> None:
    fill = setting("sequenceRepeat", nRepetitions=3)
    assert "given 4 axes" in str(refuse(fill, [floats(1, 4, 3, 5)], UnsupportedModel, legacy=False))


@pytest.mark.parametrize("axis", [0, 1, 3, -1, -3])
def test_stack(axis: int, check: Check) -> None:
    parts = [floats(4, 3, 5, seed=seed) for seed in range(2)]
    wanted = torch.stack([*map(torch.from_numpy, parts)], axis).numpy()
    check(setting("stack", axis=axis), parts, [wanted], legacy=False)


def test_only_one_shape_is_stacked(refuse: Refuse) -> None:
    refuse(setting("stack", axis=0), [floats(4, 3), floats(4, 5)], UnsupportedModel, legacy=False)


BROADCAST = [((5,), (4, 3, 5)), ((3, 1), (4, 3, 5)), ((1, 3, 1), (1, 3, 5)), ((4, 3), (4, 3))]


@pytest.mark.parametrize(("given", "to"), BROADCAST)
def test_broadcast(given: tuple[int, ...], to: tuple[int, ...], check: Check) -> None:
    x, like = floats(*given), floats(*to, seed=9)
    wanted = torch.from_numpy(x).broadcast_to(to).numpy()
    check(setting("broadcastToStatic", targetShape=to), [x], [wanted], legacy=False, batch=False)
    check(setting("broadcastToLike"), [x, like], [wanted], legacy=False, batch=False)


def test_sizes_that_do_not_broadcast_are_refused(refuse: Refuse) -> None:
    refuse(setting("broadcastToStatic", targetShape=(4, 3, 6)), [floats(4, 3, 5)], UnsupportedModel, legacy=False)
    refuse(setting("broadcastToLike"), [floats(4, 5), floats(3, 5)], UnsupportedModel, legacy=False)
    refuse(setting("broadcastToStatic", targetShape=(2**20, 2**20)), [floats(1, 1)], UnsupportedModel, legacy=False)


@pytest.mark.parametrize("legacy", [True, False])
def test_filled_like_another_blob(legacy: bool, check: Check) -> None:
    x = floats(1, 3, 5)
    check(setting("fillLike", value=2.5), [x], [np.full_like(x, 2.5)], legacy=legacy)
    x = np.float32([[[np.nan, np.inf], [-np.inf, 0], [1, 2]]])
    check(setting("fillLike", value=-1.25), [x], [np.full_like(x, -1.25)], legacy=legacy, batch=False)


def test_filled_as_the_layer_says(check: Check, refuse: Refuse) -> None:
    check(setting("fillStatic", targetShape=(4, 1, 3), value=2.5), [], [np.full((4, 1, 3), 2.5)], legacy=False)
    for sizes in ((2**16, 2**16), (4, 0)):
        refuse(setting("fillStatic", targetShape=sizes, value=2.5), [], UnsupportedModel, legacy=False)


WORDS, SIZE = 7, 4
ROWS, BIAS = floats(SIZE, WORDS), floats(SIZE, seed=6)
PLACES = np.float32([[0, 6, 3], [2, 2, 5]])


def looked_up(places: np.ndarray, bias: bool) -> np.ndarray:
    """(..) to (.., SIZE), as PyTorch keeps the table: a row for each word."""
    found = functional.embedding(torch.from_numpy(places).long(), torch.from_numpy(ROWS.T.copy())).numpy()
    return found + BIAS if bias else found


@pytest.mark.parametrize("bias", [True, False])
def test_embedding(bias: bool, check: Check) -> None:
    more = {"hasBias": True, "bias": BIAS} if bias else {}
    fill = setting("embedding", inputDim=WORDS, outputChannels=SIZE, weights=ROWS, **more)
    check(fill, [np.float32([5])], [looked_up(np.float32([5]), bias)[0]], batch=False)
    sequence = PLACES[..., None, None, None]
    check(fill, [sequence], [looked_up(PLACES, bias)[..., None, None]], legacy=False)
    check(fill, [sequence[0]], [looked_up(PLACES[0], bias)[..., None, None]], legacy=False)


@pytest.mark.parametrize("bias", [True, False])
def test_embedding_nd(bias: bool, check: Check) -> None:
    more = {"hasBias": True, "bias": BIAS} if bias else {}
    fill = setting("embeddingND", vocabSize=WORDS, embeddingSize=SIZE, weights=ROWS, **more)
    check(fill, [PLACES[..., None]], [looked_up(PLACES, bias)], legacy=False)
    check(fill, [np.float32([5])], [looked_up(np.float32([5]), bias)[0]], legacy=False, batch=False)


def test_embeddings_take_numbers_one_by_one(refuse: Refuse) -> None:
    old = setting("embedding", inputDim=WORDS, outputChannels=SIZE, weights=ROWS)
    new = setting("embeddingND", vocabSize=WORDS, embeddingSize=SIZE, weights=ROWS)
    assert "single numbers" in str(refuse(old, [np.zeros((2, 1, 1))], UnsupportedModel))
    refuse(old, [np.zeros((3, 1, 1))], UnsupportedModel, legacy=False)
    assert "last axis has size 2" in str(refuse(new, [np.zeros((3, 2))], UnsupportedModel, legacy=False))


@pytest.mark.parametrize("kind", ["embedding", "embeddingND"])
@pytest.mark.parametrize("place", [WORDS, -WORDS - 1, 1e30, -1e30, np.nan])
def test_a_word_that_is_not_there_is_refused(kind: str, place: float, refuse: Refuse) -> None:
    sizes = {"embedding": ("inputDim", "outputChannels"), "embeddingND": ("vocabSize", "embeddingSize")}[kind]
    fill = setting(kind, **dict(zip(sizes, (WORDS, SIZE), strict=True)), weights=ROWS)
    refuse(fill, [np.full((1, 1, 1, 1), place)], UnsupportedModel, legacy=False)


def test_a_table_of_another_size_is_refused(refuse: Refuse) -> None:
    fill = setting("embeddingND", vocabSize=WORDS + 1, embeddingSize=SIZE, weights=ROWS)
    refuse(fill, [np.zeros((2, 1))], UnreadableModel, legacy=False)


@pytest.mark.parametrize("axis", [0, 1, 2, 4, -1, -3])
def test_flattened_to_two_axes(axis: int, check: Check) -> None:
    x = floats(2, 3, 4, 5)
    wanted = x.reshape(int(np.prod(x.shape[:axis])), -1)
    check(setting("flattenTo2D", axis=axis), [x], [wanted], legacy=False)


def test_one_image_flattened(check: Check) -> None:
    x = floats(1, 3, 4, 5)
    check(setting("flattenTo2D", axis=1), [x], [x.reshape(1, 60)], legacy=False)


def test_reshaped_like_another_blob(check: Check, refuse: Refuse) -> None:
    x = floats(4, 3, 5)
    check(setting("reshapeLike"), [x, floats(2, 6, 5)], [x.reshape(2, 6, 5)], legacy=False)
    check(setting("reshapeLike"), [x, floats(60)], [x.reshape(60)], legacy=False)
    refuse(setting("reshapeLike"), [x, floats(2, 6, 4)], UnsupportedModel, legacy=False)


@pytest.mark.parametrize(
    ("turned", "axes"), [((0, 1, 0), (1,)), ((1, 0, 1), (0, 2)), ((0, 0, 0), ()), ((1, 1, 1), (0, 1, 2)), ((1,), (0,))]
)
def test_reversed(turned: tuple[int, ...], axes: tuple[int, ...], check: Check) -> None:
    x = floats(4, 3, 5)
    check(setting("reverse", reverseDim=turned), [x], [torch.flip(torch.from_numpy(x), axes).numpy()], legacy=False)


def test_a_legacy_array_reversed_along_five_axes(check: Check) -> None:
    x = floats(4, 3, 5)
    wanted = torch.flip(torch.from_numpy(x), (0, 2)).numpy()
    check(setting("reverse", reverseDim=(False, False, True, False, True)), [x], [wanted])


def test_a_batch_is_not_reversed_along_itself(check: Check) -> None:
    x = floats(1, 3, 5)
    check(setting("reverse", reverseDim=(False, True, False)), [x], [x[:, ::-1]], legacy=False)
