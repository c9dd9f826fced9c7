"""What the engine says, as lines of JSON or of words for people."""

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from engine.events import (
    CatalogueRecovered,
    EpochEnded,
    Event,
    FeaturesRead,
    ImageSkipped,
    ModelSaved,
    Retrained,
    RoomAsked,
)
from tui.text import count, held_words, learned, percent, safe, unread


def event_json(event: Event) -> dict[str, Any]:
    """An event as JSON: its name and fields in snake case; numbers that are none become null."""
    name = "".join(f"_{c.lower()}" if c.isupper() else c for c in type(event).__name__).lstrip("_")
    said = {field.name: _plain(getattr(event, field.name)) for field in fields(event) if field.name != "head"}
    return {"event": name, **said}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Path | str):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    return value


def event_words(event: Event) -> str:
    """An event as a line for people; empty where it is not worth one."""
    match event:
        case EpochEnded(epoch=epoch, epochs=epochs, loss=loss, accuracy=accuracy):
            return f"epoch {epoch} of at most {epochs}: loss {loss:.4f}, right on {percent(accuracy)}"
        case Retrained(flips=flips, learned=kept, accepted=accepted, broken=broken):
            return f"{learned(flips, kept, accepted, broken)}."
        case ImageSkipped(image=image, reason=reason):
            return f"{safe(image)}: {safe(reason)}"
        case ModelSaved(path=path, version=version, held=held):
            measured = held_words(held.of, held.before, held.after)
            return f"Saved {safe(str(path))} (version {version}){measured and f'; {measured}'}."
        case FeaturesRead(done=done, total=total, thing=thing) if done == total:
            return f"{count(total, thing)} read."
        case CatalogueRecovered(words=words):
            return safe(words)
        case RoomAsked():
            return unread(event.images, event.full_bytes, event.half_bytes, event.free_bytes)
        case _:
            return ""
