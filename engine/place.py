"""What lies open of a folder: the catalogue, the model and its versions, the features."""

import math
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Self

from engine.catalogue_recovery import open_catalogue
from engine.elsewhere import settle
from engine.errors import BadSetting
from engine.events import ModelOpened, RoomAsked
from engine.features import FeatureStore, make_room
from engine.in_work import InWork
from engine.keeping import ASK_ABOVE_BYTES, Keeping
from engine.limits import MOST_PIXELS, USUAL, Limits
from engine.listing import Stamp
from engine.model import Model
from engine.model_watch import ModelWatch
from engine.places import IN_WORK, find_model, sub_folder
from engine.scan import Scanner
from engine.spec.file import read
from engine.versions import Versions

AS_BEFORE = Keeping()
NOTHING_HELD = "none"
"""Said in the place of a sub-folder, which is forgotten then."""


class Place:
    """An open folder; `with` gives all files back at its end."""

    def __init__(
        self,
        folder: Path,
        model: Path | None = None,
        out: Path | None = None,
        keeping: Keeping = AS_BEFORE,
        ask_above_bytes: int = ASK_ABOVE_BYTES,
        usual: Keeping = AS_BEFORE,
        held_out: str = "",
        limits: Limits = USUAL,
        follow_links: bool | None = None,
    ) -> None:
        """Open `folder` with `model`, or the one used before. With `out`, new models go there, and `model` stays.

        What `keeping` says of features is remembered; where nobody ever said anything of this folder, `usual` holds; where
        that says nothing either, a scan whose features would take more than `ask_above_bytes` asks first. What lies below
        the sub-folder `held_out`, remembered as well until it is `none`, is never trained on. Versions of the model beyond
        what is to be kept, if that was ever said, are let go of. Pictures are read within `limits`, links that lead out of
        the folder if `follow_links` is said, now or before. Raises FolderError, ModelError or BadSetting.
        """
        self.folder, self._ask_above_bytes = folder, ask_above_bytes
        self.home = settle(folder)
        self.images: dict[str, Stamp] = {}
        self._catalogue, self._recovered = open_catalogue(self.home, folder)
        self._in_work = InWork(self.home / IN_WORK)
        try:
            self.held_out = self._remembered(held_out)
            self.follow_links = self._links_followed(follow_links)
            self.limits = limits if self.follow_links else replace(limits, inside=(os.path.realpath(folder),))
            self._try_again()
            self._open_model(model, out)
            self._retain(keeping, usual)
            self._store = self._store_for(self.model, keeping, usual)
        except BaseException:
            self._catalogue.close()
            raise

    def _remembered(self, held_out: str) -> str:
        """The sub-folder that is held out, as it is said now or was before."""
        if held_out:
            self._catalogue.remember("held_out", "" if held_out == NOTHING_HELD else sub_folder(self.folder, held_out))
        return self._catalogue.setting("held_out")

    def _links_followed(self, said: bool | None) -> bool:
        """Whether links that lead out of the folder are followed, as it is said now or was before."""
        if said is not None:
            self._catalogue.remember("follow_links", "yes" if said else "")
        return bool(self._catalogue.setting("follow_links"))

    def _try_again(self) -> None:
        """What cannot be read may be readable within other limits."""
        now = str(self.limits.max_pixels)
        if now != (self._catalogue.setting("max_pixels") or str(MOST_PIXELS)):
            self._catalogue.drop_problems()
            self._catalogue.remember("max_pixels", now)

    def _open_model(self, given: Path | None, out: Path | None) -> None:
        source = find_model(self.folder, given, self._catalogue.setting("model"))
        if out is None and self._catalogue.setting("out") and str(source) == self._catalogue.setting("model"):
            out = Path(self._catalogue.setting("out"))
        if out is not None and out.suffix.lower() != ".mlmodel":
            raise BadSetting(f"{str(out)!r} does not end in .mlmodel.", "New models are written as one file.")
        self.target = out.absolute() if out else source
        self.model = Model(read(self.target if self.target.exists() else source))
        self.model.require_classifier()
        self._catalogue.remember("model", str(source))
        self._catalogue.remember("out", str(out.absolute()) if out else "")
        self.versions = Versions(self.home / "versions", self._catalogue, self.target)
        self.version = self.versions.present(self.model.file)
        self._model_watch = ModelWatch(self.target)

    def _retain(self, keeping: Keeping, usual: Keeping) -> None:
        """Let go of versions beyond what is to be kept: as it was before, but for what is said now, which is remembered."""
        said = {"keep_versions": keeping.versions, "versions_limit": keeping.versions_limit}
        for name in filter(said.get, said):
            self._catalogue.remember(name, said[name])
        before = Keeping(
            versions=self._catalogue.setting("keep_versions"), versions_limit=self._catalogue.setting("versions_limit")
        )
        self.versions.retention = usual.but(before).retention
        self.versions.thin(self.version)

    def _store_for(self, model: Model, keeping: Keeping = AS_BEFORE, usual: Keeping = AS_BEFORE) -> FeatureStore:
        """Features as they were kept before, but for what is said now; stores of other backbones go for want of room."""
        before = Keeping(self._catalogue.setting("features"), self._catalogue.setting("store_limit"))
        said = usual.but(before).but(keeping)
        parent, key = self.home / "features", model.backbone_key
        store = FeatureStore(parent / key, model.backbone.shape, said.half, said.limit_bytes)
        # Only now: what the disk has no room for would be in the way whenever the folder is opened.
        self._catalogue.remember("features", said.precision)
        self._catalogue.remember("store_limit", said.limit)
        self.keeping = said
        if said.limit_bytes is not None:
            make_room(parent, key, said.limit_bytes)
        return store

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give all files back."""
        self._store.close()
        self._catalogue.close()

    def model_changed(self, now: float) -> bool:
        """Whether somebody wrote another file over the model, its end included; `now` in seconds, never going back."""
        return self._model_watch.tick(now)

    def opened(self) -> ModelOpened:
        """The present model, in words."""
        return self.model.opened(self.target.name, self.version, self.held_out)

    def _scanner(self) -> Scanner:
        kept = self._store, self._catalogue, self._in_work
        return Scanner(self.folder, self.model, self.version, *kept, self.limits, self._room_asked)

    def _room_asked(self, images: int) -> RoomAsked | None:
        """What is to be asked before so many new images are read; None where a person has chosen, or it is little."""
        if self.keeping.chosen:
            return None
        full = 4 * math.prod(self.model.backbone.shape)
        if not images or (images + len(self._store)) * full <= self._ask_above_bytes:
            return None
        return RoomAsked(images, images * full, images * full // 2, shutil.disk_usage(self.home).free)
