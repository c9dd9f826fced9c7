"""The format's protobuf classes, from coremltools, without the seconds that importing all of coremltools takes."""

import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any


def _schema() -> Any:
    """Import `coremltools.proto` under a bare stand-in for its parent, unless coremltools is already there.

    The stand-in is taken away again, so that a later `import coremltools` is the real one.
    """
    if "coremltools" in sys.modules:
        return import_module("coremltools.proto.Model_pb2")
    found = find_spec("coremltools")
    if found is None or found.submodule_search_locations is None:
        raise ModuleNotFoundError("coremltools is not installed", name="coremltools")
    parent = ModuleType("coremltools")
    parent.__path__ = list(found.submodule_search_locations)
    sys.modules["coremltools"] = parent
    try:
        return import_module("coremltools.proto.Model_pb2")
    finally:
        del sys.modules["coremltools"]


Model: Any = _schema().Model
"""The protobuf message `CoreML.Specification.Model`."""
