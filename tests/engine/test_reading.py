"""Files to features by several threads: in order, bounded, once, and no further than asked."""

import threading

import numpy as np
import pytest

from engine.cores import cores, on_one_core
from engine.decoders import Decoders
from engine.images import content_key, pixels
from engine.reading import BATCH, readings
from engine.spec.interface import ImageFeature
from tests.conftest import picture

SIZE = ImageFeature("image", 9, 7, "RGB")


def means(batch):
    return batch.reshape(len(batch), -1).astype(np.float32)


@pytest.fixture
def files(tmp_path):
    """Many small pictures, more than are under way at once, by name."""
    found = {}
    for number in range(BATCH * (cores() + 4) + 3):
        found[f"{number:03d}"] = tmp_path / f"{number:03d}.png"
        picture(number % 3, number, (11, 13)).save(found[f"{number:03d}"])
    return found


def test_every_file_comes_once_in_order_with_its_own_features(files):
    files["005"].write_bytes(b"no picture")
    files["020"].unlink()
    found = [each for batch in readings(files, SIZE, means, Decoders()) for each in batch]
    assert [each.name for each in found] == list(files)
    assert {each.name for each in found if each.problem} == {"005", "020"}
    for each in found:
        if not each.problem:
            assert each.content == content_key(files[each.name].read_bytes())
            np.testing.assert_array_equal(each.features, means(pixels(files[each.name], 9, 7, "RGB")[None])[0])


def test_what_is_known_is_neither_decoded_nor_run(files, monkeypatch):
    known = {content_key(file.read_bytes()) for file in list(files.values())[3:]}
    asked = []
    plain = Decoders.read
    monkeypatch.setattr(Decoders, "read", lambda *given: asked.append(plain(*given)) or asked[-1])
    found = [each for batch in readings(files, SIZE, means, Decoders(), known) for each in batch]
    assert sum(each.pixels is not None for each in asked) == 3 and len(asked) == len(files)
    assert [each.name for each in found if each.features is not None] == list(files)[:3]


def test_no_more_is_under_way_than_a_few_batches(files):
    begun, lock = [], threading.Lock()

    def slow(batch):
        with lock:
            begun.append(len(batch))
        return means(batch)

    events = readings(files, SIZE, slow, Decoders())
    next(events)
    most = cores() + 2
    for _ in range(200):
        threading.Event().wait(0.005)
    assert most - 1 <= len(begun) <= most
    assert len(begun) < len(files) // BATCH
    events.close()
    assert len(begun) <= most


def test_a_failing_backbone_is_told(files):
    def broken(batch):
        raise ValueError("no such kernel")

    with pytest.raises(ValueError, match="no such kernel"):
        list(readings(files, SIZE, broken, Decoders()))


def test_products_keep_to_one_core_inside_the_block_only():
    from threadpoolctl import threadpool_info

    def threads():
        return {each["num_threads"] for each in threadpool_info() if "numpy" in each["filepath"]}

    before = threads()
    with on_one_core():
        assert threads() == {1}
    assert threads() == before
