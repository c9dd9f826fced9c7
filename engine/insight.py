"""What a folder's features and verdicts tell beyond predictions: what is alike, what to judge next, what to trust."""

from collections.abc import Collection, Generator, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.events import AlikeFound, Event, QueueMixed
from engine.gallery import Gallery
from engine.review.mixed import mixed
from engine.review.projections import Projections
from engine.review.similar import groups


class Insight(Gallery):
    """An open folder whose pictures are compared with each other."""

    _projected: tuple[str, Projections] | None = None
    """By backbone: short vectors of the features."""
    _grouped: AlikeFound | None = None
    """Until there are other pictures."""

    def alike(self) -> Iterator[Event]:
        """Find groups of near-duplicates; the last event is `AlikeFound`."""
        yield from self._groups(self._contents)

    def _groups(self, contents: Sequence[bytes]) -> Generator[Event, None, NDArray[np.int64]]:
        """(contents,): the groups of these pictures, which are told; worked out once for the same ones."""
        projections = self._projections
        yield from projections.cover(self._store, contents)
        if self._grouped is None or self._grouped.contents != tuple(contents):
            found = yield from groups(projections, contents)
            self._grouped = AlikeFound(tuple(contents), found)
        yield self._grouped
        return self._grouped.groups

    def mix(self, judged: Collection[bytes]) -> Iterator[Event]:
        """Order the pictures as a person best judges them; the last event is `QueueMixed`."""
        saved = self._catalogue.predictions(self.model.file.digest)
        contents = [content for content in self._contents if content in saved]
        if not contents:
            yield QueueMixed((), np.zeros(0, np.int64), np.zeros(0, np.uint8))
            return
        found = yield from self._groups(contents)
        done = np.array([content in judged for content in contents], np.bool_)
        queue = yield from mixed(self._projections, contents, found, saved.of(contents), done)
        yield QueueMixed(tuple(contents), queue.ranks, queue.reasons)

    @property
    def _contents(self) -> list[bytes]:
        """The pictures whose features are kept, each once."""
        return sorted({content for _, content, _ in self._shown})

    @property
    def _projections(self) -> Projections:
        key = self.model.backbone_key
        if self._projected is None or self._projected[0] != key:
            self._projected, self._grouped = (key, Projections()), None
        return self._projected[1]
