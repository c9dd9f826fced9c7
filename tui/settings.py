"""What a person may choose. No Textual here."""

PREVIEWS = ("blocks", "kitty", "sixel", "off")
"""How pictures are drawn. Never found out by asking the terminal: over a slow line its late answer arrives as keys."""
TRAINERS = ("auto", "edit", "fit", "sgd", "plain")
"""The names in `engine.trainers.TRAINERS`, which a test holds this against: the app must not load NumPy's trainers."""
