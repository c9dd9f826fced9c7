"""How the retrain goes: epochs with the time left, the batch's loss, and the curve so far."""

import time

from rich.segment import Segment
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.reactive import reactive
from textual.strip import Strip

from tui.session import Session
from tui.text import bar, count, fit, percent, safe
from tui.widgets.curve import Curve
from tui.widgets.lines import Line

FEWEST = 3
"""Losses below which there is no curve to see."""


class Training(Vertical):
    """Hidden until something is trained; the last curve stays."""

    DEFAULT_CSS = """
    Training {
        height: auto; display: none;
        &.-shown { display: block; }
        & Line { color: $text-muted; }
        & Progress, & Curve { color: $primary; }
        & Curve { height: 2; width: 1fr; }
    }
    """

    session: reactive[Session] = reactive(Session, repaint=False)

    def compose(self) -> ComposeResult:
        """Two lines of words, the bar, the curve."""
        yield Epochs(id="epoch")
        yield Loss(id="loss")
        yield Progress(id="epochs")
        yield Curve(id="losses")

    def watch_session(self, before: Session, session: Session) -> None:
        """Draw what changed."""
        if not self.is_mounted or (session.training is before.training and session.losses is before.losses):
            return
        self.set_class(bool(session.training or session.losses), "-shown")
        for line in self.query(Line):
            line.session = session
        curve = self.query_one(Curve)
        curve.display = len(session.losses) >= FEWEST
        curve.show(session.losses)


class Progress(Line):
    """A bar of the epochs that are done, and how long the others will take if they take as long."""

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._share, self._began, self._left = 0.0, 0.0, ""

    def words(self, session: Session) -> str:
        """`43 %  0:12`; how long there is left is worked out anew with each epoch, by no clock that ticks."""
        training = session.training
        if training is None:
            self._share, self._began, self._left = (1.0 if session.trained else self._share), 0.0, ""
        else:
            now = time.monotonic()
            self._began = self._began or now
            share = (training.epoch - bool(training.batch)) / max(1, training.epochs)
            if share != self._share:
                self._left = left((now - self._began) * (1 - share) / share) if share else ""
                self._share = share
        return f"{percent(self._share):>5}{self._left:>6}"

    def render_line(self, y: int) -> Strip:
        """The bar takes what the words leave."""
        cells = self.size.width
        words = bar(self._share, max(0, cells - len(self.content))) + self.content
        return Strip([Segment(fit(words, cells), self.visual_style.rich_style)], cells)


def left(seconds: float) -> str:
    """`0:07`, `12:30`."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


class Epochs(Line):
    """How far it is."""

    def words(self, session: Session) -> str:
        """`epoch 3 of 10 (edit)`."""
        return epochs_words(session)


class Loss(Line):
    """How well it does."""

    def words(self, session: Session) -> str:
        """`loss 0.412, batch 3 of 26`."""
        return loss_words(session)


def epochs_words(session: Session) -> str:
    """`epoch 3 of 10 (edit)`, and, at the end, `4 epochs (edit)`."""
    training, ended = session.training, session.trained
    if training is None:
        if ended and not ended.epoch:
            return safe(ended.why)
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
