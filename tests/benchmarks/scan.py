"""A first scan beside Pillow and PyTorch, and beside its own parts: `python scan.py MODEL FOLDER [--copies 4]`.

FOLDER is copied, so that every copy of a photograph counts as another one. Images a second; medians of three, taking turns.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import engine
from engine.decoders import Decoders
from engine.folder import scan
from engine.reading import readings
from tests.benchmarks.common import read, seconds, table
from tests.benchmarks.network import frozen_in_torch

BATCH, WORKERS = 16, 2


class Pictures(torch.utils.data.Dataset):
    """Files as a user of PyTorch reads them."""

    def __init__(self, files, size):
        self.files, self.size = files, size

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        with Image.open(self.files[index]) as picture:
            small = picture.convert("RGB").resize(self.size, Image.Resampling.BILINEAR)
        return torch.from_numpy(np.asarray(small, np.float32).transpose(2, 0, 1).copy())


def with_torch(network, files, size):
    loader = torch.utils.data.DataLoader(Pictures(files, size), BATCH, num_workers=WORKERS)
    with torch.inference_mode():
        return sum(len(network(batch)) for batch in loader)


def whole(folder, model):
    shutil.rmtree(folder / ".catflap", ignore_errors=True)
    with engine.Workspace(folder, model) as workspace:
        for _ in workspace.scan():
            pass


def nothing(pixels):
    return np.zeros((len(pixels), 1), np.float32)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--copies", type=int, default=4)
    given = parser.parse_args()
    model = engine.open_model(given.model)
    network, size = frozen_in_torch(model), (model.image.width, model.image.height)
    pictures = read(model, given.folder)[0]
    with tempfile.TemporaryDirectory() as place:
        folder, copy = Path(place) / "photographs", Path(place) / "model.mlmodel"
        folder.mkdir()
        shutil.copy(given.model, copy)
        for number, name in enumerate(sorted(scan(given.folder)) * given.copies):
            data = (given.folder / name).read_bytes()
            (folder / f"{number:05d}{Path(name).suffix}").write_bytes(data + number.to_bytes(4, "big"))
        files = {name: folder / name for name in scan(folder)}
        ready = np.concatenate([pictures] * given.copies)
        ours, theirs, decode, run = (len(files) / each for each in seconds(
            lambda: whole(folder, copy),
            lambda: with_torch(network, list(files.values()), size),
            lambda: [None for _ in readings(files, model.image, nothing, Decoders())],
            lambda: model.features(ready),
        ))  # fmt: skip
    together = 1 / (1 / decode + 1 / run)
    rows = [
        ["a first scan, end to end", f"{ours:.0f}", ""],
        [f"Pillow and PyTorch, {WORKERS} loaders", f"{theirs:.0f}", f"{ours / theirs:.2f}"],
        ["decoding alone, on all cores", f"{decode:.0f}", f"{ours / decode:.2f}"],
        ["ONNX Runtime alone, pixels ready, on all cores", f"{run:.0f}", f"{ours / run:.2f}"],
        ["both, one after the other", f"{together:.0f}", f"{ours / together:.2f}"],
    ]
    sys.stdout.write(table([f"{len(files):,} photographs", "images a second", "a first scan, times this"], rows))


if __name__ == "__main__":
    main()
