"""The operator tests of coremltools' converters, in the variants that make neural networks. Run with `just conformance`.

The file's name keeps it out of an ordinary run: it takes the better part of an hour.
"""

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pytest

from tests.conformance.conftest import names_of

FROM_TORCH = ("test_torch_ops",)
OPERATORS = "coremltools.converters.mil.mil.ops.tests.iOS14"
TORCH = "coremltools.converters.mil.frontend.torch.test"


def _classes() -> dict[str, Any]:
    """Test classes by name; those of one name in two modules get the module's name as well."""
    folder = import_module(OPERATORS)
    modules = [f"{OPERATORS}.{each.name}" for each in iter_modules(folder.__path__) if each.name.startswith("test_")]
    modules += [f"{TORCH}.{name}" for name in FROM_TORCH]
    found: dict[str, Any] = {}
    for module in modules:
        for name, value in names_of(module).items():
            if name.startswith("Test") and isinstance(value, type):
                found[name if name not in found else f"{name}_{module.rsplit('.', 1)[1]}"] = value
    return found


globals().update(_classes())


def makes_networks(item: pytest.Item) -> bool:
    """Whether a test is one of those that convert to a neural network, and for the processor alone.

    The others do the same once more: to this engine all units are one.
    """
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    if getattr(parameters.get("compute_unit"), "name", "CPU_ONLY") != "CPU_ONLY":
        return False
    return any(
        getattr(each, "backend", "") == "neuralnetwork" or (isinstance(each, tuple) and "neuralnetwork" in each)
        for each in parameters.values()
    )
