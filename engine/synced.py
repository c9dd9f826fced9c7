"""Services that copy a folder to other computers while it is in use: SQLite's files are not safe with them.

They copy a database and its log one after the other, in between two commits, and put back an older one where two computers
have written (https://www.sqlite.org/howtocorrupt.html, section 1.2).
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path


@dataclass(frozen=True)
class Service:
    """By what a service is recognised."""

    name: str
    homes: tuple[str, ...] = ()
    """Folders below the user's, all that lies in which it copies; `*` stands for any characters."""
    marks: tuple[str, ...] = ()
    """Files or folders that it puts into the first folder that it copies."""
    source: str = ""


SERVICES = (
    Service(
        "iCloud Drive", ("Library/Mobile Documents",), source="https://pvieito.com/2016/11/icloud-locations"
    ),
    Service(
        "Dropbox", ("Library/CloudStorage/Dropbox*", "Dropbox", "Dropbox (*"), (".dropbox", ".dropbox.cache"),
        "https://help.dropbox.com/installs/locate-dropbox-folder",
    ),
    Service(
        "OneDrive", ("Library/CloudStorage/OneDrive*", "OneDrive", "OneDrive - *"),
        source="https://support.bombich.com/hc/en-us/articles/20686419951767-Backing-up-the-content-of-cloud-storage-volumes",
    ),
    Service(
        "Google Drive", ("Library/CloudStorage/GoogleDrive*", "Google Drive", "GoogleDrive"),
        (".tmp.drivedownload", ".tmp.driveupload", ".shortcut-targets-by-id"),
        "https://support.bombich.com/hc/en-us/articles/20686419951767-Backing-up-the-content-of-cloud-storage-volumes",
    ),
    Service(
        "Box", ("Library/CloudStorage/Box*", "Box", "Box Sync"),
        source="https://support.bombich.com/hc/en-us/articles/20686419951767-Backing-up-the-content-of-cloud-storage-volumes",
    ),
    Service(
        "a service of this Mac", ("Library/CloudStorage/*",), source="https://developer.apple.com/documentation/fileprovider"
    ),
    Service("Syncthing", marks=(".stfolder",), source="https://docs.syncthing.net/users/config.html"),
    Service(
        "Nextcloud", ("Nextcloud", "ownCloud"), (".sync_*.db", "._sync_*.db", ".owncloudsync.log", ".nextcloudsync.log"),
        "https://docs.nextcloud.com/desktop/latest/",
    ),
)  # fmt: skip
"""The first one that fits counts."""

DESKTOP = ("Desktop", "Documents")
_CLOUD = "Library/Mobile Documents/com~apple~CloudDocs"
"""With *Desktop & Documents Folders* on, these two lie there as well
(https://eclecticlight.co/2018/05/03/going-for-icloud-drive-or-the-whole-way-with-desktop-documents-folders/)."""


def service(folder: Path, user: Path | None = None) -> str:
    """The service that copies `folder`; empty where none is recognised. `user` is the user's own folder."""
    user, folder = (user or Path.home()).resolve(), folder.resolve()
    above = (folder, *folder.parents)
    inside = [each.relative_to(user) for each in above if each != user and each.is_relative_to(user)]
    for each in inside:
        if str(each) in DESKTOP and (user / _CLOUD / each).exists():
            return "iCloud Drive"
    for known in SERVICES:
        at_home = any(fnmatchcase(str(each), home) for each in inside for home in known.homes)
        if at_home or any(_has(each, mark) for each in above for mark in known.marks):
            return known.name
    return ""


def _has(folder: Path, mark: str) -> bool:
    try:
        return any(True for _ in folder.glob(mark)) if "*" in mark else (folder / mark).exists()
    except OSError:
        return False
