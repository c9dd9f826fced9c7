"""What the terminal's benchmark starts: the barest apps, and the real one with a stand-in for the engine's process.

    python stand_in.py words | bare ROWS | ours ROWS PREVIEW FOLDER [--slow-link]

The stand-in says that all images are known, and goes silent. A retrain makes it say, until it is stopped, what a scan of
200 images a second and a training run of 1,000 batches a second say.
"""

import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

LABELS = ("Cat", "Dog")
BLOCK, READ_AT_ONCE, IMAGES_A_SECOND, BATCHES_A_SECOND, BATCHES = 512, 16, 200, 1000, 100
SEND_EVERY_S = 0.05


def words():
    """A bare app with one line of text."""
    from textual.app import App
    from textual.widgets import Static

    class Words(App):
        def compose(self):
            yield Static("one line of words")

    Words().run()


def bare(count):
    """A bare app with a list that shows nothing but where its cursor is."""
    from rich.segment import Segment
    from textual.app import App
    from textual.geometry import Region, Size
    from textual.scroll_view import ScrollView
    from textual.strip import Strip

    class List(ScrollView, inherit_bindings=False):
        DEFAULT_CSS = "List { overflow-x: hidden; }"
        at = 0

        def on_mount(self):
            self.virtual_size = Size(self.size.width, count)

        def on_resize(self, event):
            self.virtual_size = Size(event.size.width, count)

        def render_line(self, y):
            cells = self.scrollable_content_region.width
            return Strip([Segment("█" if y + self.scroll_offset.y == self.at else " "), Segment(" " * (cells - 1))], cells)

    class Bare(App):
        BINDINGS = [("j,x", "move(1)"), ("pagedown", "page(1)"), ("pageup", "page(-1)")]  # noqa: RUF012
        ENABLE_COMMAND_PALETTE = False

        def compose(self):
            yield List()

        def action_move(self, by):
            rows = self.query_one(List)
            rows.at += by
            top = rows.scroll_offset.y
            if rows.at >= top + rows.size.height:
                rows.scroll_to(y=rows.at - rows.size.height // 2, animate=False, immediate=True)
            for at in (rows.at - by, rows.at):
                rows.refresh(Region(0, at - rows.scroll_offset.y, rows.size.width, 1))

        def action_page(self, pages):
            rows = self.query_one(List)
            rows.at = max(0, rows.at + pages * rows.size.height)
            rows.scroll_to(y=rows.scroll_offset.y + pages * rows.size.height, animate=False, immediate=True)
            rows.refresh()

    Bare().run()


def ours(count, preview, folder, slow_link):
    """The real app; `folder` takes its journal."""
    from tui.start import before_textual

    before_textual()
    from engine.journal import Journal
    from tui import work
    from tui.app import Catflap
    from tui.settings import Choices

    work._serve = serve
    with Journal(folder / "journal.db") as journal:
        Catflap(folder, work.Work(lambda: count, folder / "log"), journal, Choices(preview, slow_link=slow_link)).run()


def serve(pipe, count, _log):
    """The stand-in's process."""
    import os

    from engine.events import FolderChanged, ModelOpened
    from tui.messages import Ended, Stop

    os.nice(10)
    names = names_of(count)
    said, sent_at = [ModelOpened("Pets.mlmodel", LABELS, 3, (224, 224), True), FolderChanged(added=names)], 0.0
    for first in range(0, count, BLOCK):
        if time.monotonic() - sent_at > SEND_EVERY_S:
            pipe.send(said)
            said, sent_at = [], time.monotonic()
        said.append(predicted(names, range(first, min(first + BLOCK, count))))
    pipe.send([*said, Ended()])
    try:
        while True:
            if not isinstance(pipe.recv(), Stop):
                learn(pipe, names)
                pipe.send([Ended(stopped=True)])
    except EOFError:
        return


def names_of(count):
    """Made-up names, in folders of a thousand."""
    return tuple(f"holiday {row // 1000:03d}/IMG_{row:06d}.jpg" for row in range(count))


def predicted(names, rows):
    """What a model might say of these rows: the same each time, no two alike."""
    import hashlib

    import numpy as np

    from engine.events import ImagesPredicted

    shares = np.array([(row * 7919 % 10_007) / 10_007 for row in rows], np.float32)
    return ImagesPredicted(
        tuple(names[row] for row in rows),
        tuple(hashlib.blake2b(names[row].encode(), digest_size=16).digest() for row in rows),
        tuple(10**18 + row for row in rows),
        np.stack([shares, 1 - shares], axis=1),
        3,
    )


def learn(pipe, names):
    """Say what a scan and a training run say, until the next request."""
    from engine.events import BatchEnded, EpochEnded, FeaturesRead, TrainingBegan

    pipe.send([TrainingBegan("sgd", 500, 1000)])
    start, images, batches, read_at_once = time.monotonic(), 0, 0, min(READ_AT_ONCE, len(names))
    while not pipe.poll(SEND_EVERY_S):
        said, elapsed = [], time.monotonic() - start
        while images < elapsed * IMAGES_A_SECOND:
            first = images % (len(names) - read_at_once + 1)
            said.append(predicted(names, range(first, first + read_at_once)))
            images += read_at_once
            said.append(FeaturesRead(min(images, len(names) - 1), len(names), 0))
        while batches < elapsed * BATCHES_A_SECOND:
            epoch, batch = divmod(batches, BATCHES)
            said.append(BatchEnded(epoch + 1, batch + 1, BATCHES, 1 / (1 + batches / 5000)))
            if batch + 1 == BATCHES:
                said.append(EpochEnded(epoch + 1, 1000, 1 / (1 + batches / 5000), 0.9))
            batches += 1
        pipe.send(said)
    pipe.recv()


def main():
    """Start what the arguments name."""
    what, *rest = sys.argv[1:]
    if what == "words":
        words()
    elif what == "bare":
        bare(int(rest[0]))
    else:
        ours(int(rest[0]), rest[1], Path(rest[2]), "--slow-link" in rest)


if __name__ == "__main__":
    main()
