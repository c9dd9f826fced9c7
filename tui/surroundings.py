"""What there is to say of the place where a folder's things are kept: a network drive, a service that copies it."""

from pathlib import Path

from engine.filesystem import is_network, kind
from engine.synced import service

TOLD = "told"
"""The file in that place that holds what was said, so that it is said once."""


def told_once(kept: Path) -> str:
    """What was not said of it before, in words; empty where there is nothing."""
    new = [words for words in warnings(kept) if words not in _said(kept)]
    if new:
        kept.mkdir(parents=True, exist_ok=True)
        with (kept / TOLD).open("a", encoding="utf-8") as file:
            file.writelines(f"{words}\n" for words in new)
    return " ".join(new)


def warnings(kept: Path) -> list[str]:
    """All that there is to say."""
    found: list[str] = []
    if is_network(kept):
        found.append(f"This is a network drive ({kind(kept)}), where verdicts take longer to keep; {_REMEDY}")
    if name := service(kept):
        found.append(f"{name} copies this folder while it is in use, which can damage a database; {_REMEDY}")
    return found


_REMEDY = "--keep-in DIR keeps them elsewhere."


def _said(kept: Path) -> list[str]:
    try:
        return (kept / TOLD).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
