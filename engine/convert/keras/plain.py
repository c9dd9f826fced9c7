"""Values of a configuration, which may be anything that JSON can say, and names."""

from collections.abc import Iterable, Mapping, Sequence
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


class Names:
    """Makes names unique, by a number behind those that were there already."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._counts: dict[str, int] = {}

    def unique(self, name: str) -> str:
        """The name itself or with the first number that is free; taken from now on."""
        found = name
        while found in self._taken:
            self._counts[name] = self._counts.get(name, 0) + 1
            found = f"{name}_{self._counts[name]}"
        self._taken.add(found)
        return found
