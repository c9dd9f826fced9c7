"""On what kind of file system a folder lies, and whether other computers see it as well."""

import errno
import os
import re
import subprocess
import sys
from pathlib import Path

NETWORK = frozenset({
    "9p", "acfs", "afpfs", "afs", "ceph", "cifs", "coda", "davfs", "ftp", "fuse.curlftpfs", "fuse.davfs", "fuse.glusterfs",
    "fuse.rclone", "fuse.s3fs", "fuse.smbnetfs", "fuse.sshfs", "gfs", "gfs2", "glusterfs", "gpfs", "lustre", "macfuse",
    "ncp", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "osxfuse", "prl_fs", "shfs", "smb2", "smb3", "smbfs", "sshfs",
    "vboxsf", "virtiofs", "vmhgfs", "fuse.vmhgfs-fuse", "webdav",
})  # fmt: skip
"""Names that Linux (/proc/self/mountinfo) and macOS (mount) give to file systems where memory is not shared between all who
may have a file open, which SQLite's log needs: https://www.sqlite.org/wal.html, https://www.sqlite.org/faq.html#q5."""

_PROTECTED = (
    "macOS protects this folder: allow your terminal (over SSH: 'Allow full disk access for remote users' of Sharing) in "
    "System Settings > Privacy & Security > Full Disk Access, and start the terminal anew."
)
_MOUNTS = Path("/proc/self/mountinfo")
_ESCAPED = re.compile(r"\\([0-7]{3})")
_LINE_OF_MOUNT = re.compile(r"^.+? on (?P<point>/.*) \((?P<kind>[^,)]+)[^)]*\)$")


def kind(folder: Path) -> str:
    """The file system's name, such as `ext4`, `apfs` or `nfs4`; empty where the system does not tell."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return kind_in(mounts(), Path(os.path.realpath(folder)))


def is_network(folder: Path) -> bool:
    """Whether a folder, or the first above it that there is, lies on a network drive or is shared with another system."""
    return kind(folder) in NETWORK


def hint_for(error: OSError) -> str:
    """What to do about a folder that cannot be listed or opened."""
    if error.errno == errno.EPERM and sys.platform == "darwin":
        return _PROTECTED
    return "Give a folder of photographs that this user may read."


def mounts() -> list[tuple[str, str]]:
    """Where file systems are mounted, and their names; what was mounted last stands last."""
    if sys.platform == "darwin":
        return from_mount(_said_by("/sbin/mount"))
    try:
        return from_mountinfo(_MOUNTS.read_text(errors="surrogateescape"))
    except OSError:
        return []


def from_mountinfo(text: str) -> list[tuple[str, str]]:
    """Of `/proc/self/mountinfo` (proc(5)): the mount point is the fifth field, the name the first behind a lone dash."""
    found: list[tuple[str, str]] = []
    for line in text.splitlines():
        before, dash, after = line.partition(" - ")
        fields = before.split(" ")
        if dash and len(fields) > 4:
            point = _ESCAPED.sub(lambda escape: chr(int(escape[1], 8)), fields[4])
            found.append((point, after.split(" ")[0]))
    return found


def from_mount(text: str) -> list[tuple[str, str]]:
    """Of what `mount` prints on a Mac: `//ada@server/photos on /Volumes/photos (smbfs, nodev, nosuid)`."""
    lines = map(_LINE_OF_MOUNT.match, text.splitlines())
    return [(line["point"], line["kind"]) for line in lines if line is not None]


def kind_in(mounted: list[tuple[str, str]], path: Path) -> str:
    """The name of the file system that `path`, absolute and without links, lies on."""
    above = {str(path), *map(str, path.parents)}
    # Of two that are mounted at one place, only the later one is seen.
    holding = {point: name for point, name in mounted if point in above}
    return holding[max(holding, key=len)] if holding else ""


def _said_by(program: str) -> str:
    try:
        said = subprocess.run([program], capture_output=True, text=True, errors="surrogateescape", timeout=5)  # nosec B603  # noqa: S603 - one of the system
        return said.stdout
    except (OSError, ValueError, subprocess.SubprocessError):
        return ""
