"""Values of a configuration, which may be anything that JSON can say."""

from collections.abc import Mapping, Sequence
from typing import Any, cast


def mapping(value: Any) -> Mapping[str, Any] | None:
    """The value if it maps names to values."""
    return cast(Mapping[str, Any], value) if isinstance(value, Mapping) else None


def sequence(value: Any) -> list[Any] | None:
    """The value if it is a list."""
    return list(cast(Sequence[Any], value)) if isinstance(value, list | tuple) else None


def two(value: Any) -> tuple[Any, Any]:
    """Both values of a list of two, or one value twice. Raises ValueError for other lists."""
    listed = sequence(value)
    if listed is None:
        return value, value
    first, second = listed
    return first, second
