"""How far something is that takes a while. No Textual here."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Training:
    """A retrain under way."""

    trainer: str
    samples: int
    epochs: int
    compared: int = 0
    """Samples whose inner products are done, before the first epoch."""
    epoch: int = 0
    batch: int = 0
    batches: int = 0
    loss: float = float("nan")
    accuracy: float = float("nan")
    why: str = ""


@dataclass(frozen=True)
class Scan:
    """A scan under way."""

    done: int
    total: int
    from_store: int
    thing: str = "image"
