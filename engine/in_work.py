"""Which images are being read, noted in a small file: where the engine ends without a word, the next one is careful.

Native code that decodes or runs a network may end the whole process, or take more memory than there is. Who reads
next takes what was in work then one by one; an image that is alone in work when that happens again is put aside.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from engine.errors import CatflapError, FolderError
from engine.reading import Reading, under_way

ENDED_TWICE = "The engine ended twice while it was read."
"""Why an image is put aside, until its file changes."""
Read = Callable[[Mapping[str, Path]], Iterator[list[Reading]]]


class InWork:
    """The note, and what it said when the folder was opened."""

    def __init__(self, file: Path) -> None:
        """`file` need not exist."""
        self._file = file
        self._suspects, self._culprit = _noted(file)

    def read(self, files: Mapping[str, Path], read: Read) -> Iterator[list[Reading]]:
        """What `read` makes of these files, by name; those that were in work when the engine ended come first, one by one.

        Raises FolderError where nothing can be noted.
        """
        try:
            rest = dict(files)
            for name in [each for each in self._suspects if each in files]:
                yield self._alone(name, rest.pop(name), read)
            names, done = list(rest), 0
            self._note(names[: under_way()])
            for batch in read(rest):
                done += len(batch)
                self._note(names[done : done + under_way()])
                yield batch
        except (CatflapError, GeneratorExit):
            self.clear()
            raise
        self.clear()

    def clear(self) -> None:
        """Nothing is in work."""
        with suppress(OSError):
            self._file.unlink(missing_ok=True)

    def _alone(self, name: str, file: Path, read: Read) -> list[Reading]:
        """Read one suspect, or put it aside where that ended the engine before."""
        self._suspects.remove(name)
        if name == self._culprit:
            return [Reading(name, b"", problem=ENDED_TWICE)]
        self._note([name, *self._suspects], alone=True)
        found = [each for batch in read({name: file}) for each in batch]
        self._note(self._suspects)
        return found

    def _note(self, names: Sequence[str], alone: bool = False) -> None:
        """Whole, or not at all; that the disk itself keeps it, in case the power fails, is not needed."""
        if not names:
            self.clear()
            return
        draft = self._file.with_suffix(".part")
        try:
            draft.write_text(json.dumps({"alone": alone, "names": list(names)}))
            os.replace(draft, self._file)
        except OSError as error:
            sentence = f"{str(self._file)!r} could not be written: {error.strerror}."
            raise FolderError(sentence, "Make room on the disk.") from error


def _noted(file: Path) -> tuple[list[str], str]:
    """The images that were in work, and the one that was so alone; a note that cannot be read says nothing."""
    try:
        said = json.loads(file.read_text())
        names = [str(each) for each in said["names"]]
        return names, names[0] if said["alone"] else ""
    except (OSError, ValueError, LookupError, TypeError):
        return [], ""
