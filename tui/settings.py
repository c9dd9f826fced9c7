"""What a person may choose. No Textual here."""

from dataclasses import dataclass

PREVIEWS = ("blocks", "kitty", "sixel", "off")
"""How pictures are drawn. Never found out by asking the terminal: over a slow line its late answer arrives as keys."""
TRAINERS = ("auto", "edit", "fit", "sgd", "plain")
"""The names in `engine.trainers.TRAINERS`, which a test holds this against: the app must not load NumPy's trainers."""


@dataclass(frozen=True)
class Choices:
    """How the app looks and works for one session.

    Attributes
    ----------
    preview
        How pictures are drawn: blocks, kitty, sixel or off (blocks if left out; off with --slow-link).
    trainer
        What r trains with: auto, edit, fit, sgd or plain.
    slow_link
        Send few bytes: the terminal's own colours, pictures only with --preview, no curve, no mouse.
    """

    preview: str | None = None
    trainer: str = "auto"
    slow_link: bool = False

    @property
    def drawn(self) -> str:
        """How pictures are drawn."""
        return self.preview or ("off" if self.slow_link else "blocks")
