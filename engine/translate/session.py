"""An ONNX graph in ONNX Runtime."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import onnxruntime  # pyright: ignore[reportMissingTypeStubs]
from numpy.typing import NDArray

from engine.errors import UnsupportedModel
from engine.translate import Translation

Array = NDArray[Any]

_runtime: Any = onnxruntime
_errors: Any = _runtime.capi.onnxruntime_pybind11_state
REFUSALS: tuple[type[Exception], ...] = (
    _errors.Fail,
    _errors.InvalidArgument,
    _errors.InvalidGraph,
    _errors.NotImplemented,
    _errors.RuntimeException,
    RuntimeError,
    MemoryError,
)
"""What ONNX Runtime raises where it cannot build or run a graph; the last two where the system gives it no more."""


THREADS = 0
"""For one run; 0 leaves it to ONNX Runtime, which takes a thread a core."""
LITTLE = 2**22
"""Multiplications up to which one thread is as quick: a model of many stretches would have as many pools of threads."""


class Session:
    """A translation, ready to run."""

    def __init__(self, translation: Translation, threads: int | None = None) -> None:
        """`threads` share one run: THREADS, or 1 for little work, if left out.

        Raises UnsupportedModel where ONNX Runtime refuses the graph.
        """
        self.translation = translation
        options = _runtime.SessionOptions()
        options.log_severity_level = 4
        plain = 1 if translation.work <= LITTLE else THREADS
        options.intra_op_num_threads = plain if threads is None else threads
        # Threads that spin between two runs take the cores from decoding and from the head's products.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        with _explained():
            self._session = _runtime.InferenceSession(translation.model, options, providers=["CPUExecutionProvider"])

    def run(self, data: Mapping[str, Array]) -> dict[str, Array]:
        """Blobs by name from inputs by name; legacy blobs without their sequence axis. Raises UnsupportedModel."""
        made = self.translation
        fed = {made.inputs[name]: np.ascontiguousarray(values) for name, values in data.items()}
        names = [blob.tensor for blob in made.outputs.values()]
        with _explained():
            return dict(zip(made.outputs, self._session.run(names, fed), strict=True))

    def run_unfolded(self, data: Mapping[str, Array]) -> dict[str, Array]:
        """The same with legacy blobs in the rank that Core ML sees."""
        blobs = self.translation.outputs
        return {name: each[None] if blobs[name].folded else each for name, each in self.run(data).items()}


@contextmanager
def _explained() -> Generator[None, None, None]:
    try:
        yield
    except REFUSALS as error:
        raise UnsupportedModel(f"ONNX Runtime cannot run the model's layers: {error}") from error
