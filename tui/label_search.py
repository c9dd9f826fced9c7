"""The labels that somebody may mean who types a part of one. No Textual here."""

from collections.abc import Callable, Sequence

ALIKE = 80.0
"""Of 100: how much of what is typed has to be in a label for it to be taken as misspelled; "retreiver" has 89."""


def _in_order(typed: str, label: str) -> bool:
    """Whether all that is typed is in the label, with anything between: "gr" is in "golden retriever"."""
    left = iter(label)
    return all(character in left for character in typed)


SEPARATORS = str.maketrans("_-/,", "    ")


def _plain(text: str) -> str:
    """As it is compared: no capitals, words apart by spaces."""
    return text.strip().casefold().translate(SEPARATORS)


RANKS: tuple[Callable[[str, str], bool], ...] = (
    lambda typed, label: label == typed,
    lambda typed, label: label.startswith(typed),
    lambda typed, label: f" {typed}" in label,
    lambda typed, label: typed in label,
    _in_order,
)
"""What makes a label one that may be meant, what says most first; after these, how much it is spelled alike."""


def search(typed: str, labels: Sequence[str]) -> list[int]:
    """Positions of the labels that may be meant, the likeliest first; equally likely ones in the order given.

    All of them where nothing is typed. Capitals and small letters count as the same.
    """
    from rapidfuzz import fuzz

    typed = _plain(typed)
    ranked: list[tuple[int, float, int]] = []
    for at, label in enumerate(map(_plain, labels)):
        rank = next((rank for rank, fits in enumerate(RANKS) if fits(typed, label)), len(RANKS))
        likeness = fuzz.partial_ratio if len(typed) < len(label) else fuzz.ratio
        alike = 0.0 if rank < len(RANKS) else likeness(typed, label, score_cutoff=ALIKE)
        if rank < len(RANKS) or alike:
            ranked.append((rank if typed else 0, -alike, at))
    return [at for _, _, at in sorted(ranked)]
