"""How a folder's features are kept: their precision, and the room they may take. Chosen by a person, remembered."""

import re
from dataclasses import dataclass

from engine.errors import BadSetting

ASK_ABOVE_BYTES = 2_000_000_000
"""Beyond this a person is asked before features are kept."""
LEAST_BYTES = 100_000_000
"""Less room than this would have images read again and again."""
PRECISIONS = ("full", "half")
UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
"""Powers of ten, as disks are sold."""
NO_LIMIT = "NONE"


@dataclass(frozen=True)
class Keeping:
    """What was chosen; empty where nothing was. Raises BadSetting for what there is not."""

    precision: str = ""
    """`full` (float32) or `half` (float16)."""
    limit: str = ""
    """`none`, or a size such as `2GB`."""

    def __post_init__(self) -> None:
        if self.precision not in ("", *PRECISIONS):
            raise BadSetting(f"There is no precision {self.precision!r}.", f"There are {' and '.join(PRECISIONS)}.")
        least = self.limit_bytes
        if least is not None and least < LEAST_BYTES:
            raise BadSetting(f"A store limit of {self.limit} is too small.", "Give 100MB or more, or none.")

    @property
    def half(self) -> bool:
        """Whether features are kept as float16."""
        return self.precision == "half"

    @property
    def limit_bytes(self) -> int | None:
        """Room that the features may take; None without a limit."""
        return None if self.limit.strip().upper() in ("", NO_LIMIT) else bytes_of(self.limit)

    @property
    def chosen(self) -> bool:
        """Whether a person has said anything."""
        return bool(self.precision or self.limit)

    def but(self, other: "Keeping") -> "Keeping":
        """This, but what the other one says."""
        return Keeping(other.precision or self.precision, other.limit or self.limit)


def bytes_of(size: str) -> int:
    """A size such as `500MB` in bytes. Raises BadSetting for what is none."""
    found = re.fullmatch(r"([0-9]{1,12}(?:\.[0-9]+)?)\s*([KMGT]?)B?", size.strip().upper())
    if found is None:
        raise BadSetting(f"{size!r} is no size.", "Give one such as 500MB or 2GB.")
    return int(float(found[1]) * UNITS[found[2]])
