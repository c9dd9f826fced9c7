"""How many things may run at the same time, and when one is to keep to a core."""

import functools
import os
from contextlib import AbstractContextManager
from typing import Any

MOST = 8
"""More readers than this win little, and each holds a batch of pictures and what the backbone makes of them."""


def cores() -> int:
    """Processor cores that this process may use, MOST at most."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(MOST, allowed)


def on_one_core() -> AbstractContextManager[Any]:
    """Matrix products inside the block use one core: others are at work, and threads that wait for them spin."""
    return _controller().limit(limits=1, user_api="blas")


@functools.cache
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController  # pyright: ignore[reportMissingTypeStubs]

    return ThreadpoolController()
