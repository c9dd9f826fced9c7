"""Record the app in a terminal, on the bundled drawings: `python -m tests.documents.recording` writes docs/recording.svg.

Needs pyte (`pip install -e '.[docs]'`). A person's part is played by `samples/truth.csv`: a row's key is `a` where the
prediction is true, and `x` where it is not.
"""

import csv
import os
import re
import tempfile
from pathlib import Path

import pyte

from tests.documents.terminal_svg import Frame, cells, svg
from tests.pseudo_terminal import CATFLAP, ROOT, PseudoTerminal

COLUMNS, LINES = 100, 28
OUT = ROOT / "docs" / "recording.svg"
VERDICTS = 12
SLOW = (1, 2, 3, 4, 5, 6, 8, 10, VERDICTS)
"""Before which verdicts a frame is kept."""
CURSOR = re.compile(r"^▸\W*(IMG_\d+\.\w+)\s+(Cat|Dog)")


class Recorder:
    """The app in a terminal whose screen can be looked at."""

    def __init__(self, app):
        self.app, self.frames, self._seen = app, [], 0
        self.screen = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self.screen)

    def keep(self, key, words, seconds):
        """Take the screen as it is now."""
        self._read()
        self.frames.append(Frame(cells(self.screen), key, words, seconds))

    def press(self, key, quiet=0.6):
        """Press a key, and wait until the screen has settled."""
        self.app.send(key)
        self.app.settle(quiet=quiet)
        self._read()

    def watch(self, key, words, seconds, most):
        """Press a key that retrains, and keep up to `most` of the screens until the new model is saved."""
        found = [cells(self.screen)]
        self.app.send(key)
        while "Saved as" not in self.screen.display[LINES - 2]:
            self.app.settle(quiet=0.02, seconds=0.03)
            self._read()
            found += [cells(self.screen)] if cells(self.screen) != found[-1] else []
        every = max(1, len(found) // most)
        self.frames += [Frame(screen, key, words, seconds) for screen in found[1::every][:most]]

    def _read(self):
        self._stream.feed(bytes(self.app.said[self._seen :]))
        self._seen = len(self.app.said)

    def at_cursor(self):
        """The name and the predicted label of the cursor's row."""
        return next(match.groups() for line in self.screen.display if (match := CURSOR.match(line)))


def record(place):
    """The frames of the story."""
    truth = {Path(row["path"]).name: row["label"] for row in csv.DictReader((ROOT / "samples" / "truth.csv").open())}
    with PseudoTerminal([*CATFLAP, "demo", "--dir", place], COLUMNS, LINES, {"CATFLAP_SETTINGS": os.devnull}) as app:
        story = Recorder(app)
        app.wait_for(" %")
        app.settle(quiet=1.5)
        story.keep("", "catflap demo: 120 drawings, and a model that is wrong on purpose. Uncertain ones come first.", 4)
        for number in range(1, VERDICTS + 1):
            name, said = story.at_cursor()
            key, words = ("a", "right: accept it") if truth[name] == said else ("x", "wrong: flip it")
            if number in SLOW:
                story.keep(key, words, 1.4 if number < SLOW[6] else 0.7)
            story.press(key)
        story.watch("r", "retrain on all verdicts", 0.3, 6)
        app.settle(quiet=1.0)
        story.keep("r", "all images predicted again; the bottom line says what was learned, and what was broken", 4)
        story.press("w")
        story.keep("w", "what the retrain learned, and what it broke: nothing", 4)
        story.press("w")
        story.press("m")
        story.keep("m", "the confusion matrix of verdicts and predictions; Enter shows a cell's images", 4)
        story.press("\x1b")
        story.press("h")
        story.keep("h", "every version of the model, with what it learned; any of them can be had back", 4)
    return story.frames


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        OUT.write_text(svg(record(folder)))
