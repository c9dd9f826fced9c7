"""How right the model is, worked out from the verdicts by heads that have not seen them."""

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from numpy.typing import NDArray

from engine.aside import NOTHING, Aside
from engine.catalogue import RETRAINED
from engine.errors import BadLabels, CannotTrain, CatflapError
from engine.events import Event, TrainingBegan, VerdictsCrossed, VerdictsNotReviewed
from engine.head import Head
from engine.head.neighbors import NeighborHead
from engine.insight import Insight
from engine.model import Model
from engine.review.curve import learning_curve
from engine.review.held_out import Train, untouched
from engine.review.reviewed import reviewed
from engine.review.similar import groups
from engine.teaching import Teaching
from engine.trainers import Settings
from engine.trainers.auto import untrained
from engine.trainers.lesson import QUICK, Lesson, never

NONE_UNTOUCHED = "No version of this model is kept that has not learned your verdicts; nothing can be said of unseen ones."
Taught = tuple[Lesson, Train, Mapping[bytes, str], NDArray[Any]]
"""A lesson, its trainer, the verdicts that it has, by content, and the groups of near-duplicates among them."""


class Evaluating(Insight):
    """An open folder whose model is judged on what it has not learned."""

    _untouched: tuple[object, Head | NeighborHead] | None = None
    """The untouched model's head, with what it is the right one for."""
    _found: Mapping[str, tuple[object, Event]] = MappingProxyType({})
    """By what was asked, the last answer, with all that it depends on."""

    def teaching(self, aside: Aside = NOTHING) -> Teaching:
        """What lessons are made of."""
        origin = self._origin()
        return Teaching(
            self.model, self._contents, self._store, origin if isinstance(origin, Head) else None, aside.untouched
        )

    def review(self, verdicts: Mapping[bytes, str], aside: Aside = NOTHING) -> Iterator[Event]:
        """Cross-validate what `auto` learns from the verdicts; worked out once for the same ones.

        The last event is `VerdictsReviewed`, or `VerdictsNotReviewed`.
        """
        known = () if self.model.learns_labels else self.model.labels
        unknown = [content for content, label in verdicts.items() if known and label not in known]
        _, apart = self._apart(verdicts, aside)
        folder = self._usable - apart.untouched
        return self._answered(
            "review",
            verdicts,
            aside,
            folder,
            lambda lesson, train, usable, alike: reviewed(lesson, train, usable, alike, folder, unknown),
        )

    def curve(
        self, verdicts: Mapping[bytes, str], aside: Aside = NOTHING, out_of_time: Callable[[], bool] = never
    ) -> Iterator[Event]:
        """How much more verdicts taught so far; worked out once for the same ones, in the time that there is.

        The last event is `CurveMeasured`, or `VerdictsNotReviewed`.
        """
        return self._answered(
            "curve",
            verdicts,
            aside,
            None,
            lambda lesson, train, _, alike: learning_curve(lesson, train, alike, out_of_time),
        )

    def _answered(
        self,
        what: str,
        verdicts: Mapping[bytes, str],
        aside: Aside,
        folder: object,
        work: Callable[[Lesson, Train, Mapping[bytes, str], NDArray[Any]], Iterator[Event]],
    ) -> Iterator[Event]:
        key = dict(verdicts), aside, self.held_out, folder, tuple(self._contents), self._origin()
        before = self._found.get(what)
        if before is not None and before[0] == key:
            yield before[1]
            return
        try:
            taught = yield from self._taught(verdicts, aside)
            event: Event | None = None
            for event in work(*taught):
                yield event
        except (BadLabels, CannotTrain) as error:
            yield VerdictsNotReviewed(f"{error.sentence} {error.hint}".strip())
            return
        assert event is not None
        self._found = {**self._found, what: (key, event)}

    def _taught(self, verdicts: Mapping[bytes, str], aside: Aside) -> Generator[Event, None, Taught]:
        """Raises CannotTrain or BadLabels."""
        self.model.require_trainable()
        origin = self._origin()
        if origin is None:
            raise CannotTrain(NONE_UNTOUCHED)
        verdicts, aside = self._apart(verdicts, aside)
        teaching = self.teaching(aside)
        usable = teaching.usable(verdicts)
        yield from self._projections.cover(self._store, list(usable))
        alike = yield from groups(self._projections, list(usable))
        lesson = teaching.lesson(usable)
        if isinstance(origin, NeighborHead):
            return replace(lesson, keeps=origin), self.model.train, usable, alike
        train = yield from self._trainer(lesson, origin)
        return lesson, train, usable, alike

    def _trainer(self, lesson: Lesson, origin: Head) -> Generator[Event, None, Train]:
        """`auto`, or what it chooses where it has a choice.

        It holds verdicts against each other to choose between two ways, which would take ten times as long for every part;
        that this one choice has seen all verdicts is a trifle.
        """
        began = TrainingBegan("auto", 0, 0)
        for event in self.model.train(untouched(lesson), settings=Settings(budget=QUICK)):
            if isinstance(event, TrainingBegan):
                began = event
                break
            yield VerdictsCrossed(0, len(lesson.targets))
        # What has learned nothing is fitted, but not to one label, which `auto` sees to.
        trainer = "auto" if untrained(origin, lesson.features) else began.trainer
        settings = Settings(ridge=began.ridge, margin=began.margin, budget=0)
        return lambda part: self.model.train(part, trainer, settings)

    @property
    def _usable(self) -> frozenset[bytes]:
        """The folder's pictures that can be used, whether or not their features are kept."""
        known = self._catalogue.images()
        found = (known[path] for path in self.images if path in known)
        return frozenset(each.content for each in found if each.content and not each.problem)

    def _origin(self) -> Head | NeighborHead | None:
        """The head of the oldest version that was not trained here, takes the same features, and gives the same labels.

        A head that keeps samples may have learned other labels since. None where there is no such version: where its file
        is gone, or was changed.
        """
        key = self.model.backbone_key, self.model.learns_labels or self.model.labels
        if self._untouched is None or self._untouched[0] != key:
            found = self._oldest()
            self._untouched = None if found is None else (key, found)
        return None if self._untouched is None else self._untouched[1]

    def _oldest(self) -> Head | NeighborHead | None:
        kept = self.versions.all()
        numbers = [each.version for each in kept if each.origin != RETRAINED]
        if self.version not in {each.version for each in kept}:
            # It is kept once another one takes its place, as every promotion does.
            numbers.append(self.version)
        for number in numbers:
            try:
                model = self._version(number)
            except CatflapError:
                continue
            if self.model.learns_labels or model.labels == self.model.labels:
                return model.head
        return None

    def _version(self, version: int) -> Model:
        """A version that takes the present features. Raises BadSetting or ModelError."""
        raise NotImplementedError
