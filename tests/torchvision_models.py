"""torchvision's networks, also beside a torch that torchvision's own operators were not built for."""

import warnings
from typing import Any
from unittest.mock import patch

import pytest


def torchvision_models() -> Any:
    """`torchvision.models`. Skips where torchvision is not installed.

    The networks need none of torchvision's operators, but importing it does where its library does not load.
    """
    torch = pytest.importorskip("torch")
    # torchvision tells torch the shapes that its operators give; those that are not there have none.
    nothing = patch.object(torch.library, "register_fake", lambda *_, **__: lambda function: function)
    with warnings.catch_warnings(), nothing:
        warnings.simplefilter("ignore")
        return pytest.importorskip("torchvision.models")


def settled(network: Any, side: int) -> Any:
    """With normalisations that fit random weights: as trained networks have them, numbers neither vanish nor explode."""
    import torch

    network.train()
    with torch.no_grad():
        for _ in range(3):
            network(torch.rand(4, 3, side, side))
    return network.eval()
