"""How a folder's features and its model's versions are kept: how many, how precisely, in how much room; remembered."""

import re
from dataclasses import dataclass, fields

from engine.errors import BadSetting
from engine.retention import FEWEST, Retention

ASK_ABOVE_BYTES = 2_000_000_000
"""Beyond this a person is asked before features are kept."""
LEAST_BYTES = 100_000_000
"""Less room than this would have images read again and again."""
PRECISIONS = ("full", "half")
UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
"""Powers of ten, as disks are sold."""
NO_LIMIT, ALL = "NONE", "all"


@dataclass(frozen=True)
class Keeping:
    """What was chosen; empty where nothing was. Raises BadSetting for what there is not."""

    precision: str = ""
    """`full` (float32) or `half` (float16)."""
    limit: str = ""
    """Of the features: `none`, or a size such as `2GB`."""
    versions: str = ""
    """`all`, or how many versions of the model that were trained here."""
    versions_limit: str = ""
    """Of their files: `none`, or a size."""

    def __post_init__(self) -> None:
        if self.versions not in ("", ALL) and not (self.versions.isdecimal() and int(self.versions) >= FEWEST):
            raise BadSetting(f"{self.versions!r} is no number of versions to keep.", f"Give {FEWEST} or more, or {ALL}.")
        _limit(self.versions_limit)
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
        return _limit(self.limit)

    @property
    def retention(self) -> Retention:
        """How many versions of the model are kept: all, where nothing is said.

        Who opens a folder without a person's settings must not let go of what these would keep.
        """
        most = None if self.versions in ("", ALL) else int(self.versions)
        return Retention(most, _limit(self.versions_limit))

    @property
    def chosen(self) -> bool:
        """Whether a person has said anything of features."""
        return bool(self.precision or self.limit)

    def but(self, other: "Keeping") -> "Keeping":
        """This, but what the other one says."""
        return Keeping(*(getattr(other, each.name) or getattr(self, each.name) for each in fields(self)))


def _limit(size: str) -> int | None:
    """None without a limit. Raises BadSetting."""
    return None if size.strip().upper() in ("", NO_LIMIT) else bytes_of(size)


def bytes_of(size: str) -> int:
    """A size such as `500MB` in bytes. Raises BadSetting for what is none."""
    found = re.fullmatch(r"([0-9]{1,12}(?:\.[0-9]+)?)\s*([KMGT]?)B?", size.strip().upper())
    if found is None:
        raise BadSetting(f"{size!r} is no size.", "Give one such as 500MB or 2GB.")
    return int(float(found[1]) * UNITS[found[2]])
