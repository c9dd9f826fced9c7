"""A second Catflap on a folder: it looks, says so, and writes nothing."""

from dataclasses import replace
from pathlib import Path

from engine.lock import Holder, holder_of
from engine.places import home
from tui.notices import has_left
from tui.screens.moving import Moving


class Onlooking(Moving):
    """A screen that may be of a folder that another process holds."""

    _holder: Holder | None = None
    """Who holds the folder; None where this app does, or that one has ended."""

    def may_write(self) -> bool:
        """Whether this app holds the folder; if not, a word about who does."""
        if self.session.onlooking:
            self._tell(self.session.onlooking)
        return not self.session.onlooking

    def hear_of_holder(self, folder: Path) -> None:
        """Say it when whoever held the folder has ended."""
        if self._holder is not None and holder_of(home(folder)) != self._holder:
            self._holder = None
            said = has_left(self.session.keys)
            self.become(replace(self.session, onlooking=said, notice=said))
