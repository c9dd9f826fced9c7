"""How the retrain goes: epochs with the time left, the batch's loss, and the curve so far."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.reactive import reactive
from textual.widgets import ProgressBar, Sparkline, Static

from tui.session import Session
from tui.text import count, percent, safe

FEWEST = 3
"""Losses below which there is no curve to see."""


class Training(Vertical):
    """Hidden until something is trained; the last curve stays."""

    DEFAULT_CSS = """
    Training {
        height: auto; display: none;
        &.-shown { display: block; }
        & Static { height: 1; width: 1fr; color: $text-muted; }
        & ProgressBar { width: 1fr; }
        & Bar { width: 1fr; }
        & Sparkline { height: 2; width: 1fr; }
    }
    """

    session: reactive[Session] = reactive(Session, repaint=False)

    def compose(self) -> ComposeResult:
        """A line of words, the bar, the curve."""
        yield Static("", markup=False, id="words")
        yield ProgressBar(total=None, show_eta=True, id="epochs")
        yield Sparkline([], id="losses")

    def watch_session(self, before: Session, session: Session) -> None:
        """Draw what changed."""
        if not self.is_mounted or (session.training is before.training and session.losses is before.losses):
            return
        training = session.training
        self.set_class(bool(training or session.losses), "-shown")
        self.query_one(Sparkline).display = len(session.losses) >= FEWEST
        bar = self.query_one(ProgressBar)
        if training is None:
            bar.update(progress=bar.total or 0)
            return
        if before.training is None:
            bar.update(total=max(1, training.epochs), progress=0)
        bar.update(total=max(1, training.epochs), progress=training.epoch - bool(training.batch))
        self.query_one("#words", Static).update(words(session))
        self.query_one(Sparkline).data = list(session.losses)


def words(session: Session) -> str:
    """`edit: epoch 3 of 10, batch 1 of 1, loss 0.412`."""
    training = session.training
    if training is None:
        return ""
    said = f"{safe(training.trainer)}: "
    if not training.batches:
        return said + count(training.samples, "sample")
    said += f"epoch {training.epoch} of {training.epochs}"
    if training.batches > 1:
        said += f", batch {training.batch} of {training.batches}"
    said += f", loss {training.loss:.3f}"
    return said + (f", right {percent(training.accuracy)}" if training.accuracy == training.accuracy else "")
