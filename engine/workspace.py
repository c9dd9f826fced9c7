"""One folder and one model: what the terminal and the commands talk to."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from engine.aside import NOTHING, Aside
from engine.catalogue import Version
from engine.comparing import Kept, compared, require_same_features
from engine.errors import CannotTrain, CatflapError
from engine.events import (
    Event,
    ImagesPredicted,
    LiveLearned,
    LiveWaits,
    LiveWorked,
    ModelRefused,
    ModelReplaced,
    ModelRestored,
    ModelSaved,
    Retrained,
    TrainingBegan,
)
from engine.features import FeatureStore
from engine.head import Head
from engine.insight import Insight
from engine.living import Living
from engine.measuring import held as held_of
from engine.model import Model
from engine.provenance import provenance
from engine.review.reviewed import reviewed
from engine.review.similar import groups
from engine.scan import block_of
from engine.spec.file import read
from engine.teaching import Teaching
from engine.trainers import Settings
from engine.trainers.lesson import QUICK, never


class Workspace(Insight):
    """An open folder. Long calls are generators of events: to stop one is to close it, and nothing is half done."""

    _original: Model | None = None
    """Version 0, once it was asked for."""
    _challenger: tuple[Retrained, str] | None = None
    """What the last training came to, and the trainer, until it is promoted or the model is another one."""
    _living: Living | None = None
    """What live has prepared."""
    _lived: tuple[Mapping[bytes, str], Aside] | None = None
    """What live learned last; None while it is off."""

    def _images_changed(self) -> Iterator[Event]:
        if self._lived is not None:
            yield from self.live(*self._lived)

    def _features_changed(self) -> None:
        self._living = None

    def retrain(
        self,
        verdicts: Mapping[bytes, str],
        trainer: str,
        settings: Settings,
        at: float,
        force: bool = False,
        aside: Aside = NOTHING,
        offered: Callable[[], bool] = never,
    ) -> Iterator[Event]:
        """Train on the verdicts (content key -> label), and promote the challenger if it is right on as many.

        What is set `aside` no training sees; the labels of what is held out are counted before and after. A challenger
        that is not promoted, or `offered` in the end, waits for `keep_challenger`.

        The last events are `Retrained`, then, if promoted, `ModelSaved` and predictions of all images. `at` is the time
        in Unix seconds. Raises CannotTrain, BadLabels or BadSetting.
        """
        self.model.require_trainable()
        verdicts, aside = self._apart(verdicts, aside)
        yield from self._features_of({**verdicts, **aside.held})
        result: Retrained | None = None
        for event in self._trained(verdicts, trainer, settings, aside):
            if isinstance(event, Retrained):
                result = event = replace(self._measured(event, aside.held), offered=offered())
            yield event
        assert result is not None
        self._challenger = result, trainer
        if force or (result.better and not result.offered):
            yield from self.promote(result, trainer, at)

    def keep_challenger(self, at: float) -> Iterator[Event]:
        """Promote the challenger that waits, if there is one."""
        if self._challenger is not None:
            yield from self.promote(*self._challenger, at)

    def _measured(self, result: Retrained, held: Mapping[bytes, str]) -> Retrained:
        """With how many of the pictures that are held out each of the two models predicts."""
        usable = {content: label for content, label in held.items() if content in self._store}
        if not usable:
            return result
        features = self._store.read(self._store.find(list(usable)))
        return replace(result, held=held_of(self.model, result.head, features, list(usable.values())))

    def _trained(self, verdicts: Mapping[bytes, str], trainer: str, settings: Settings, aside: Aside) -> Iterator[Event]:
        """What live shows, if it is on; what is trained now otherwise."""
        if self._living is None or trainer != "auto":
            yield from self.model.train(self.teaching(aside).lesson(verdicts), trainer, settings)
            return
        for event in self._living.learn(self.teaching(aside), verdicts):
            if isinstance(event, LiveWaits):
                raise CannotTrain(event.why)
            if not isinstance(event, LiveLearned):
                yield event
        result = self._living.result()
        assert result is not None
        yield TrainingBegan("live", len(verdicts), 1, "what live showed")
        yield result

    def live(self, verdicts: Mapping[bytes, str], aside: Aside = NOTHING) -> Iterator[Event]:
        """Edit the head in memory for these verdicts (content -> label), and predict all images with it.

        Nothing is saved; `retrain` keeps it. Raises CannotTrain.
        """
        self.model.require_trainable()
        self._lived = dict(verdicts), aside
        verdicts, aside = self._apart(verdicts, aside)
        begins = self._living is None
        if begins:
            self._living = Living(self.model, whole=self.keeping.limit_bytes is None)
            size = block_of(self._store)
            for at in range(0, len(self._shown), size):
                self._store.sound([content for _, content, _ in self._shown[at : at + size]])
                yield LiveWorked(at, len(self._shown))
            # The damaged ones have lost their features.
            self._shown_before = None
        if begins or self.keeping.limit_bytes is not None:
            yield from self._features_of(verdicts)
        assert self._living is not None
        yield from self._living.learn(self.teaching(aside), verdicts)
        yield from self._as_live()

    def end_live(self) -> Iterator[Event]:
        """Forget what was not kept, and show what the present model predicts."""
        self._living, self._lived = None, None
        yield from self.predict_again()

    def _as_live(self) -> Iterator[Event]:
        """What live predicts, of all images at once."""
        assert self._living is not None
        if self._shown:
            paths, contents, modified = zip(*self._shown, strict=True)
            rows = self._living.probabilities(self._store, contents)
            yield ImagesPredicted(paths, contents, modified, rows, self.version)

    def teaching(self, aside: Aside = NOTHING) -> Teaching:
        """What lessons are made of."""
        return Teaching(self.model, self._contents, self._store, self._origin(), aside.untouched)

    def review(self, verdicts: Mapping[bytes, str], aside: Aside = NOTHING) -> Iterator[Event]:
        """Cross-validate what `auto` learns from the verdicts; the last event is `VerdictsReviewed`.

        Raises CannotTrain or BadLabels.
        """
        self.model.require_trainable()
        verdicts, aside = self._apart(verdicts, aside)
        teaching = self.teaching(aside)
        usable = teaching.usable(verdicts)
        yield from self._projections.cover(self._store, list(usable))
        alike = yield from groups(self._projections, list(usable))
        train = partial(self.model.train, settings=Settings(budget=QUICK))
        yield from reviewed(teaching.lesson(usable), train, usable, alike)

    def _origin(self) -> Head | None:
        """The untouched model's head, where it takes the same features."""
        if self._original is None:
            first = self.versions.original()
            self._original = Model(first) if first else None
        original = self._original
        if original is None or original.backbone_key != self.model.backbone_key:
            return None
        return original.head if isinstance(original.head, Head) else None

    def promote(self, result: Retrained, trainer: str, at: float) -> Iterator[Event]:
        """Save a trained head as the new champion: written, read back, compared; then predict all images again."""
        probes = self._probes()
        said = Version(
            0, "", "", at, "retrained", trainer,
            result.flips, result.learned, result.accepted, result.broken, result.before.correct, result.after.correct,
            result.held.of, result.held.before, result.held.after,
        )  # fmt: skip
        kept = self.versions.promote(
            self.model.file,
            lambda number: self.model.bytes_with(result.head, provenance(result, trainer, at, number)),
            said,
            lambda saved: self.model.reopened(saved).require_same(result.head, probes),
        )
        event = ModelSaved(self.target, kept.version, result.before, result.after, result.held)
        yield from self._replaced(self.model.reopened(read(self.target)), kept.version, event)

    def restore(self, version: int, at: float) -> Iterator[Event]:
        """Make an older version the champion again, and predict all images again. Raises BadSetting."""
        self.versions.keep_champion(self.model.file, at)
        model = self.model.reopened(self.versions.kept(version))
        store = self._other_store(model)
        self.versions.restore(version, at)
        self._take(store)
        yield from self._replaced(model, version, ModelRestored(version))

    def adopt(self, at: float) -> Iterator[Event]:
        """Take in a model that somebody wrote over the present one, as a new version; or say why it stays as it is."""
        try:
            found = read(self.target)
            if found.digest == self.model.file.digest:
                return
            model = self.model.reopened(found)
            model.require_classifier()
            store = self._other_store(model)
        except CatflapError as error:
            yield ModelRefused(f"{error.sentence} {error.hint}".strip())
            return
        version = self.versions.adopt(self.model.file, found, at)
        self._take(store)
        yield from self._replaced(model, version, ModelReplaced(version))

    def _other_store(self, model: Model) -> FeatureStore | None:
        """Of the features that this model's frozen layers give; None where they are the present one's."""
        return None if model.backbone_key == self.model.backbone_key else self._store_for(model)

    def _take(self, store: FeatureStore | None) -> None:
        """Another model comes, with its own features or the present ones; what live did was of the one before."""
        self._living, self._lived = None, None
        if store is not None:
            self._store.close()
            self._store = store

    def compare(self, first: int, second: int) -> Iterator[Event]:
        """What two versions say of all images whose features are kept; see `compared`."""
        block = max(1, block_of(self._store) // 2)
        yield from compared(first, second, self._version, self._contents, self._kept_of, block)

    def _version(self, version: int) -> Model:
        """A version that takes the present features. Raises BadSetting or ModelError."""
        if version == self.version:
            return self.model
        model = self.model.reopened(self.versions.kept(version))
        require_same_features(version, model, self.model)
        return model

    def _kept_of(self, contents: Sequence[bytes]) -> Kept:
        """What the store has of these pictures, undamaged; it may be another store at every call."""
        sound = self._store.sound(contents)
        return sound, self._store.read(self._store.find(contents)[sound])

    def _replaced(self, model: Model, version: int, event: Event) -> Iterator[Event]:
        """Another model is the present one: say so, and predict all images again."""
        before, self.model, self.version, self._challenger = self.model, model, version, None
        self._shown_before = None
        if self._living is not None:
            self._living = self._living.on(self.model)
        yield event
        if (model.labels, model.cut.why_not) != (before.labels, before.cut.why_not):
            yield self.opened()
        yield from self.predict_again()
