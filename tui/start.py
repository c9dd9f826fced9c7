"""Open the app on a folder: what must be right before it takes the terminal, and what follows after."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from engine.elsewhere import settle
from engine.errors import BadSetting, CatflapError, UnreadableModel
from engine.journal_recovery import open_journal
from engine.keeping import Keeping
from tui.settings import Choices
from tui.surroundings import told_once
from tui.work import Work, prepare

if TYPE_CHECKING:
    from tui.messages import Opening

PAINTS_A_SECOND = "500"
"""At most. After a paint Textual waits for one or two of its periods, and a key may fall into them: at its own 60 a second,
a key waited up to 33 ms whenever the engine had just said something. No more is painted for that."""


def before_textual() -> None:
    """What must be done before Textual is imported."""
    os.environ.setdefault("TEXTUAL_FPS", PAINTS_A_SECOND)
    prepare()


def run(
    folder: Path,
    model: Path | None,
    out: Path | None,
    choices: Choices,
    keeping: Keeping | None = None,
    held_out: str = "",
    keep_in: str = "",
) -> int:
    """Run the app to its end; gives the exit code. Raises CatflapError for what can be refused at once."""
    choices.check()
    if model is not None and not model.exists():
        raise UnreadableModel(f"There is no model at {str(model)!r}.", "Check the path.")
    if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):
        raise BadSetting("The app needs a terminal.", "`catflap predict` and `catflap retrain` work without one.")
    folder = folder.resolve()
    kept = settle(folder, keep_in, choices.keep_in)

    def opening() -> Opening:
        return choices.opening(folder, model, out, keeping or Keeping(), held_out)

    before_textual()
    from tui.app import Catflap

    journal, told = open_journal(kept / "journal.db")
    told = " ".join(filter(None, (told, told_once(kept))))
    with journal:
        app = Catflap(folder, Work(opening, kept / "engine.log"), journal, choices, told)
        app.run(mouse=not choices.slow_link)
    if app.return_code == 2:
        sentence, _, hint = app.last_words.partition("\n")
        raise CatflapError(sentence, hint)
    return app.return_code or 0
