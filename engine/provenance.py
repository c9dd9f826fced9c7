"""How a model was trained, for its metadata."""

from datetime import UTC, datetime

from engine.events import Retrained
from engine.release import version


def iso(at: float) -> str:
    """`2026-08-24T14:02:07Z`, of Unix seconds (ISO 8601)."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def provenance(result: Retrained, trainer: str, at: float, model_version: int) -> dict[str, str]:
    """Key and value for `with_metadata`; `at` in Unix seconds, `model_version` the number in the folder's history."""
    said = {
        "version": version(),
        "trained": iso(at),
        "trainer": trainer,
        "model_version": str(model_version),
        "verdicts": str(result.after.of),
        "flips": str(result.flips),
        "learned": str(result.learned),
        "broken": str(result.broken),
    }
    if result.augment != "none":
        said["augmentation"] = result.augment
    held = result.held
    if held.of:
        said["held_out"] = f"{held.before} of {held.of} before, {held.after} after"
    return said
