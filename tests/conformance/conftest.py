"""coremltools' own tests, run against this engine where Core ML would run.

Off Apple's systems these tests stop before they predict. Here a stand-in takes the place of the native proxy behind
`MLModel`, and the modules are imported while coremltools believes that it is on a Mac.
"""

import gc
import json
import os
import sys
import warnings
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import pytest

import engine
from engine.spec.describe import Description, every_layer

MACOS = (15, 0)
"""The system that the tests believe to be on: the newest for which any of them is written."""


@dataclass
class Reached:
    """What one test ran."""

    kinds: set[str] = field(default_factory=set)
    cases: int = 0
    outcome: str = ""


REACHED: dict[str, Reached] = defaultdict(Reached)
"""By test."""


def note(description: Description) -> None:
    """Remember what the present test runs."""
    reached = REACHED[os.environ.get("PYTEST_CURRENT_TEST", "").rsplit(" ", 1)[0]]
    reached.cases += 1
    reached.kinds |= set(kinds_of(description))


def kinds_of(description: Description) -> Iterator[str]:
    """Kinds of layers, inside branches and loops and pipelines as well; kinds of models that have none."""
    for part in description.parts:
        yield from kinds_of(part.description)
    if description.network is None:
        yield description.kind
    else:
        yield from (layer.full_kind for layer in every_layer(description.payload))


class Proxy:
    """What `MLModel` sees of Core ML."""

    def __init__(
        self, path: str, compute_units: str = "", function: str = "", hints: Any = None, asset: Any = None
    ) -> None:
        try:
            self.model = engine.open_model(path)
        except engine.CatflapError as error:
            raise RuntimeError(str(error)) from error

    def predict(self, data: Any, *_: Any) -> Any:
        note(self.model.description)
        try:
            return self.model.predict(data)
        except engine.CatflapError as error:
            raise RuntimeError(str(error)) from error

    batchPredict = predict  # noqa: N815

    @staticmethod
    def maximum_supported_specification_version() -> int:
        return 9

    @staticmethod
    def auto_set_specification_version(spec: Any) -> Any:
        return spec


@contextmanager
def standing_in() -> Iterator[None]:
    """Let coremltools find the stand-in, and a Mac."""
    native = ModuleType("coremltools.libcoremlpython")
    native._MLModelProxy = Proxy  # type: ignore[attr-defined]
    with ExitStack() as stack:
        # Not patch.dict: it would take away whatever a test imports first.
        sys.modules[native.__name__] = native
        stack.callback(sys.modules.pop, native.__name__, None)
        believed = {
            "_MLModelProxy": Proxy,
            "_IS_MACOS": True,
            "_is_macos": lambda: True,
            "_macos_version": lambda: MACOS,
        }
        # Many of its modules have imported these by name.
        ours = [module for name, module in sys.modules.items() if name.startswith("coremltools.") and module]
        for module in ours:
            for name in believed.keys() & vars(module).keys():
                stack.enter_context(patch.object(module, name, believed[name]))
        yield


def names_of(name: str) -> dict[str, Any]:
    """The tests of one of coremltools' own modules, as names for a module here."""
    pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import_module("coremltools")
        try:
            with standing_in():
                module = import_module(name)
        except ModuleNotFoundError as missing:
            pytest.skip(f"{missing.name} is not installed", allow_module_level=True)
    return {key: value for key, value in vars(module).items() if not key.startswith("__")}


@pytest.fixture(autouse=True)
def stand_in() -> Iterator[None]:
    # Thousands of graphs of one layer: to start threads for each takes longer than to run it.
    with standing_in(), patch("engine.translate.session.THREADS", 1):
        yield


@pytest.fixture(autouse=True, scope="module")
def open_files() -> Iterator[None]:
    """These tests leave temporary files open, which are closed here, before anybody counts them."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    operators = [item for item in items if item.path.name == "operators.py"]
    meant = [item for item in operators if item.module.makes_networks(item)]
    part, of = map(int, os.environ.get("CONFORMANCE_PART", "0/1").split("/"))
    left = set(operators) - set(meant[part::of])
    if "CONFORMANCE_RECORD" not in os.environ:
        # The twins of a test ask Core ML for other processors, of which this engine knows nothing.
        names = {item.nodeid for item in items}
        left |= {item for item in items if "gpu" in item.name and item.nodeid.replace("gpu", "cpu") in names}
    config.hook.pytest_deselected(items=list(left))
    items[:] = [item for item in items if item not in left]
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore"))
        if "KMeans" in item.nodeid and find_spec("sklearn") is None:
            item.add_marker(pytest.mark.skip("scikit-learn is not installed"))
        if "TestMakePipeline" in item.nodeid and "mlprogram" in item.name:
            item.add_marker(pytest.mark.skip("ML programs are looked at, not run"))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" and report.nodeid in REACHED:
        expected = hasattr(report, "wasxfail")
        REACHED[report.nodeid].outcome = "expected failure" if expected else report.outcome


def pytest_sessionfinish() -> None:
    """Write what was reached, where the environment says so; `report.py` makes the table of it."""
    path = os.environ.get("CONFORMANCE_RECORD")
    if path:
        found = {
            test: {"kinds": sorted(each.kinds), "cases": each.cases, "outcome": each.outcome}
            for test, each in REACHED.items()
            if each.outcome
        }
        Path(path).write_text(json.dumps(found, indent=0))
