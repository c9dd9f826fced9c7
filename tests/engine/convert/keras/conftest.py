"""Files as Keras writes them, made without Keras."""

import io
import json
import zipfile

import numpy as np
import pytest

h5py = pytest.importorskip("h5py")


def _layer(kind, name, **config):
    return {"class_name": kind, "config": {"name": name, **config}}


def _chain(layers):
    """A functional model's layers and ends, each layer on the one before."""
    listed = []
    for index, layer in enumerate(layers):
        node = [] if index == 0 else [[[layers[index - 1]["config"]["name"], 0, 0, {}]]]
        listed.append({**layer, "name": layer["config"]["name"], "inbound_nodes": node})
    first, last = (layers[at]["config"]["name"] for at in (0, -1))
    return {"name": "model", "layers": listed, "input_layers": [[first, 0, 0]], "output_layers": [[last, 0, 0]]}


def _write_h5(path, config, weights, version="2.2.4", backend="tensorflow"):
    """`weights`: layer -> list of (name, array)."""
    with h5py.File(path, "w") as file:
        if config is not None:
            file.attrs["model_config"] = json.dumps(config).encode()
        root = file.create_group("model_weights")
        for said, value in (("keras_version", version), ("backend", backend)):
            for group in (file, root) if value else ():
                group.attrs[said] = value.encode()
        root.attrs["layer_names"] = [name.encode() for name in weights]
        for layer, arrays in weights.items():
            group = root.create_group(layer)
            group.attrs["weight_names"] = [name.encode() for name, _ in arrays]
            for name, values in arrays:
                group[name] = values
    return path


def _write_keras(path, config, arrays, version="3.4.1"):
    """`arrays`: a path inside the weights -> array."""
    held = io.BytesIO()
    with h5py.File(held, "w") as file:
        for name, values in arrays.items():
            file[name] = values
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": version}))
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", held.getvalue())
    return path


@pytest.fixture
def layer():
    return _layer


@pytest.fixture
def chain():
    return _chain


@pytest.fixture
def write_h5():
    return _write_h5


@pytest.fixture
def write_keras():
    return _write_keras


@pytest.fixture
def numbers():
    """Arrays of random numbers by shape, the same in every run."""
    rng = np.random.default_rng(20)
    return lambda *shape: rng.normal(0, 0.5, shape).astype(np.float32)


@pytest.fixture
def picture():
    return np.random.default_rng(21).integers(0, 256, (9, 7, 3)).astype(np.uint8)
