"""What verdicts are for: most teach; some pictures are held out, on which every model is measured; some are left out."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from engine.journal import EXCLUDED, HELD, Verdict


@dataclass(frozen=True)
class Aside:
    """Pictures that no training sees, by content."""

    held: Mapping[bytes, str] = field(default_factory=dict[bytes, str])
    """The labels of those that are held out: every before and after counts them."""
    untouched: frozenset[bytes] = frozenset()
    """All of them: neither learned, nor kept as they were predicted."""


NOTHING = Aside()


def below(folder: str, images: Iterable[tuple[str, bytes]]) -> frozenset[bytes]:
    """The contents of those images, (path, content), that lie in a sub-folder or below it; none if it is empty."""
    if not folder:
        return frozenset()
    return frozenset(content for path, content in images if content and path.startswith(f"{folder}/"))


def parted(
    labels: Mapping[bytes, str], held: Collection[bytes], excluded: Collection[bytes] = frozenset()
) -> tuple[dict[bytes, str], Aside]:
    """Labels, by content: those to learn, and what is set aside."""
    apart = frozenset(held) | frozenset(excluded)
    learned = {content: label for content, label in labels.items() if content not in apart}
    return learned, Aside({content: label for content, label in labels.items() if content in held}, apart)


def shared_out(verdicts: Mapping[bytes, Verdict], held: Collection[bytes] = frozenset()) -> tuple[dict[bytes, str], Aside]:
    """The labels to learn, by content, and what is set aside.

    Held out are the pictures in `held`, whoever labelled them, and those whose verdict says so.
    """
    apart = {content for content, each in verdicts.items() if each.kind == HELD} | set(held)
    left_out = {content for content, each in verdicts.items() if each.kind == EXCLUDED}
    labels = {content: each.label for content, each in verdicts.items() if each.label is not None}
    return parted(labels, apart, left_out)
