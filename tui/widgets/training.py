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
        """Two lines of words, the bar, the curve."""
        yield Static("", markup=False, id="epoch")
        yield Static("", markup=False, id="loss")
        yield ProgressBar(total=None, show_eta=True, id="epochs")
        yield Sparkline([], id="losses")

    def watch_session(self, before: Session, session: Session) -> None:
        """Draw what changed."""
        if not self.is_mounted or (session.training is before.training and session.losses is before.losses):
            return
        training = session.training
        self.set_class(bool(training or session.losses), "-shown")
        self.query_one("#epoch", Static).update(epochs_words(session))
        self.query_one("#loss", Static).update(loss_words(session))
        losses = self.query_one(Sparkline)
        losses.display = len(session.losses) >= FEWEST
        losses.data = list(session.losses)
        bar = self.query_one(ProgressBar)
        if training is None:
            if session.trained is not None:
                bar.update(progress=bar.total or 0)
            return
        if before.training is None:
            bar.update(total=max(1, training.epochs), progress=0)
        bar.update(total=max(1, training.epochs), progress=training.epoch - bool(training.batch))


def epochs_words(session: Session) -> str:
    """`epoch 3 of 10 (edit)`, and, at the end, `4 epochs (edit)`."""
    training, ended = session.training, session.trained
    if training is None:
        return f"{count(ended.epoch, 'epoch')} ({safe(ended.trainer)})" if ended else ""
    if not training.epoch and training.compared:
        return f"{training.compared:,} of {count(training.samples, 'sample')} compared"
    if not training.epoch:
        return f"{count(training.samples, 'sample')} {safe(training.trainer)}".rstrip()
    return f"epoch {training.epoch} of {training.epochs} ({safe(training.trainer)})"


def loss_words(session: Session) -> str:
    """`loss 0.412, batch 3 of 26`, and, at the end, `loss 0.381, right 100 %`."""
    training = session.training or session.trained
    if training is None or not training.batches:
        return ""
    said = f"loss {training.loss:.3f}"
    if training.batch and training.batches > 1:
        return f"{said}, batch {training.batch} of {training.batches}"
    return said + (f", right {percent(training.accuracy)}" if training.accuracy == training.accuracy else "")
