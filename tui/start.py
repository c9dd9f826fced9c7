"""Open the app on a folder: what must be right before it takes the terminal, and what follows after."""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.elsewhere import hold
from engine.errors import BadSetting, CatflapError, UnreadableModel
from engine.journal import Journal
from engine.journal_recovery import open_journal
from engine.lock import Held, Holder
from engine.places import home
from tui.left import take
from tui.opening import AS_BEFORE, Kept
from tui.settings import Choices
from tui.surroundings import told_once
from tui.work import Work, prepare

if TYPE_CHECKING:
    from tui.messages import Opening

PAINTS_A_SECOND = "500"
"""At most. After a paint Textual waits for one or two of its periods, and a key may fall into them: at its own 60 a second,
a key waited up to 33 ms whenever the engine had just said something. No more is painted for that."""


def _take(held: ExitStack, folder: Path, keep_in: str, usual: str) -> Holder | None:
    """Hold the folder; or give who holds it: then this one may look, and writes nothing."""
    try:
        held.enter_context(hold(folder, "is open", time.time(), keep_in, usual))
    except Held as error:
        if error.holder is None:
            raise
        return error.holder
    return None


def _journal(kept: Path, only_look: bool) -> tuple[Journal, str]:
    """The journal, and what there is to say of it and of the place where it lies."""
    if only_look:
        return Journal(kept / "journal.db", read_only=True), ""
    journal, recovered = open_journal(kept / "journal.db")
    return journal, " ".join(filter(None, (take(kept, time.time()), recovered, told_once(kept))))


def before_textual() -> None:
    """What must be done before Textual is imported."""
    os.environ.setdefault("TEXTUAL_FPS", PAINTS_A_SECOND)
    prepare()


def run(
    folder: Path,
    model: Path | None,
    out: Path | None,
    choices: Choices,
    kept: Kept = AS_BEFORE,
) -> int:
    """Run the app to its end; gives the exit code. Raises CatflapError for what can be refused at once."""
    choices.check()
    keeping = kept.keeping
    if model is not None and not model.exists():
        raise UnreadableModel(f"There is no model at {str(model)!r}.", "Check the path.")
    if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):
        raise BadSetting("The app needs a terminal.", "`catflap predict` and `catflap retrain` work without one.")
    folder = folder.resolve()

    with ExitStack() as held:
        holder = _take(held, folder, kept.keep_in, choices.keep_in)
        place = home(folder)

        def opening() -> Opening:
            said = choices.opening(folder, model, out, keeping, kept.held_out, follow_links=kept.follow_links)
            return replace(said, onlooking=holder is not None)

        before_textual()
        from tui.app import Catflap

        journal, told = _journal(place, holder is not None)
        log = place / "engine.log" if holder is None else Path(os.devnull)
        app = Catflap(folder, Work(opening, log), held.enter_context(journal), choices, holder, told)
        app.run(mouse=not choices.slow_link)
    if app.return_code == 2:
        sentence, _, hint = app.last_words.partition("\n")
        raise CatflapError(sentence, hint)
    return app.return_code or 0
