"""Every model that was ever the champion: promote, restore. Version 0 is the untouched original.

Which version is the present one is read from the model file itself, by its digest; so a crash between two writes, or a
program that copies another model over it, leaves nothing that contradicts.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from engine.catalogue import RETRAINED, Catalogue, Version, version_file
from engine.errors import BadSetting, UnreadableModel
from engine.retention import Kept, Retention
from engine.spec.file import ModelFile, payload, read, write


class Versions:
    """The history of one model file."""

    def __init__(self, folder: Path, catalogue: Catalogue, target: Path) -> None:
        """`folder` keeps the versions' files; `target` is the model file that they replace."""
        self._folder, self._catalogue, self._target = folder, catalogue, target
        self.retention = Retention()
        """How many are kept."""

    def all(self) -> list[Version]:
        """Oldest first."""
        return self._catalogue.versions()

    def present(self, model: ModelFile) -> int:
        """The newest version that has exactly this model's bytes; the next free number if none has.

        Before the first promotion, that is 0.
        """
        found = [each.version for each in self.all() if each.digest == model.digest]
        return found[-1] if found else self._coming()

    def promote(
        self,
        champion: ModelFile,
        data_of: Callable[[int], bytes],
        said: Version,
        check: Callable[[ModelFile], None],
    ) -> Version:
        """Keep what `data_of` its number gives as a new version, and make it the present model.

        `champion` is kept first, if it is not yet.

        What was written is read back and given to `check`; if that raises, the present model stays.
        """
        self.keep_champion(champion, said.at)
        data = data_of(self._coming())
        version = self._add(ModelFile(data, self._target.name), said, check)
        self._save_stranger()
        write(self._target, data)
        self.thin(version.version)
        return version

    def _save_stranger(self) -> None:
        """Keep a copy of a file that somebody wrote over the present model, and that was refused, before it goes."""
        try:
            data = payload(self._target).read_bytes()
        except (OSError, UnreadableModel):
            return
        digest = ModelFile(data, self._target.name).digest
        if digest not in {each.digest for each in self.all()}:
            write(self._folder / f"refused-{digest[:8]}.mlmodel", data)

    def thin(self, present: int) -> None:
        """Let go of the files of versions beyond what is to be kept; what came of them stays in the history."""
        # What was not trained here is somebody's own, and what review and learning begin from.
        trained = [each for each in self.all() if each.file and each.origin == RETRAINED]
        files = {each.version: self._folder / each.file for each in trained}
        kept = [Kept(version, file.stat().st_size) for version, file in files.items() if file.exists()]
        gone = self.retention.beyond(kept, present)
        self._catalogue.put_files(dict.fromkeys(gone, ""))
        # A kill in between leaves a file that no row names: it goes when the folder is opened next.
        for each in self.all():
            if not each.file:
                (self._folder / version_file(each.version)).unlink(missing_ok=True)

    def adopt(self, champion: ModelFile, model: ModelFile, at: float) -> int:
        """Note a model that somebody wrote over `champion`, which is kept; the number of its version."""
        self.keep_champion(champion, at)
        if model.digest not in {each.digest for each in self.all()}:
            self._add(model, Version(0, "", "", at, "changed outside"))
        return self.present(model)

    def restore(self, version: int, at: float) -> None:
        """Make a version that is kept the present model again. Raises as `kept` does."""
        data = self.kept(version).data
        self._save_stranger()
        write(self._target, data)
        self._catalogue.put_restored(version, at)

    def kept(self, version: int) -> ModelFile:
        """The model of that number. Raises BadSetting if there is none, UnreadableModel if its file is gone."""
        found = {each.version: each for each in self.all()}
        if version not in found:
            known = ", ".join(map(str, sorted(found)))
            raise BadSetting(f"There is no version {version}.", f"There are {known}." if known else "None was kept yet.")
        if not found[version].file:
            hint = "`keep_versions` and `versions_limit` in the settings say how many are."
            raise BadSetting(f"The model of version {version} is not kept any more.", hint)
        model = read(self._folder / found[version].file)
        if model.digest != found[version].digest:
            raise BadSetting(f"The file kept for version {version} was changed.", "The present model stays.")
        return self._beside_target(model)

    def _beside_target(self, model: ModelFile) -> ModelFile:
        """What a model is linked to lies beside the present model, not among the versions."""
        return ModelFile(model.data, self._target.name, self._target.absolute().parent)

    def keep_champion(self, champion: ModelFile, at: float) -> None:
        """Keep the present model as a version, if it is not one yet."""
        known = {each.digest: each for each in self.all()}
        before = known.get(champion.digest)
        if before is None:
            self._add(champion, Version(0, "", "", at, "changed outside" if known else "original"))
        elif not before.file:
            # Its file was let go, and it has come back from elsewhere.
            write(self._folder / version_file(before.version), champion.data)
            self._catalogue.put_files({before.version: version_file(before.version)})

    def _add(self, model: ModelFile, said: Version, check: Callable[[ModelFile], None] = lambda model: None) -> Version:
        number = self._coming()
        version = replace(said, version=number, digest=model.digest, file=version_file(number))
        write(self._folder / version.file, model.data, lambda saved: check(self._beside_target(saved)))
        self._catalogue.put_version(version)
        return version

    def _coming(self) -> int:
        """The number that the next version gets."""
        return max((each.version for each in self.all()), default=-1) + 1


def present_version(home: Path, catalogue: Catalogue) -> tuple[Path, int]:
    """The model file of a folder that was opened before, and which version it is; -1 where the file is gone.

    `home` is where the folder's versions are kept. Raises UnreadableModel.
    """
    target = Path(catalogue.setting("out") or catalogue.setting("model"))
    versions = Versions(home / "versions", catalogue, target)
    return target, versions.present(read(target)) if target.exists() else -1
