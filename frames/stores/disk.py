"""Folders of disks, local or mounted."""

from __future__ import annotations

import contextlib
import errno
import os
import time
import uuid
from collections.abc import Iterable
from pathlib import Path

from frames.stores.base import PARTIAL, Store

SCHEMES = ("file://", "local://")
NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)  # a file system that has no hard links


class Disk(Store):
    """A folder; files reach the disk itself before they count.

    Example: `Disk("models/iris").names("refs")`
    """

    rank = 0

    def __init__(self, place: str) -> None:
        for scheme in SCHEMES:
            place = place.removeprefix(scheme)
        super().__init__(place)
        self.folder = Path(os.path.expanduser(self.place))

    @classmethod
    def reaches(cls, place: str) -> bool:
        """Tell whether this is a path."""
        return "://" not in place or place.startswith(SCHEMES)

    def create(self, name: str, data: bytes) -> bool:
        """Write a file that is not there yet: a link to a finished file comes to be in one step, and for one only."""
        path, aside = self._aside(name, data)
        try:
            os.link(aside, path)
        except FileExistsError:  # this is the answer
            return False
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            return self._create_plainly(path, data)
        finally:
            aside.unlink(missing_ok=True)
        to_disk(path.parent)
        return True

    def _create_plainly(self, path: Path, data: bytes) -> bool:
        """Write a file where it is to be, on a disk without links: whoever dies here leaves a part of it."""
        try:
            with path.open("xb") as file:
                _write(file, data)
        except FileExistsError:  # this is the answer
            return False
        to_disk(path.parent)
        return True

    def replace(self, name: str, data: bytes) -> None:
        """Write a file in place of another."""
        path, aside = self._aside(name, data)
        try:
            os.replace(aside, path)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
        to_disk(path.parent)

    def _aside(self, name: str, data: bytes) -> tuple[Path, Path]:
        """Write data beside the file that they are to be; return that and where they are."""
        path = self.folder / name
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
            to_disk(path.parent.parent)
        aside = path.with_name(f"{PARTIAL}{uuid.uuid4().hex[:12]}")
        try:
            with aside.open("xb") as file:
                _write(file, data)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
        return path, aside

    def read(self, name: str, start: int | None = None, stop: int | None = None) -> bytes:
        """Return bytes of a file."""
        with (self.folder / name).open("rb") as file:
            file.seek(start or 0)
            return file.read() if stop is None else file.read(stop - (start or 0))

    def names(self, below: str = "") -> list[str]:
        """Return the names of all files."""
        found = []
        for folder, _, files in os.walk(self.folder / below):
            within = Path(folder).relative_to(self.folder).as_posix()
            found += [one if within == "." else f"{within}/{one}" for one in files if not one.startswith(PARTIAL)]
        return sorted(found)

    def entries(self) -> list[str]:
        """Return the names of what is directly in the folder; none where there is no folder."""
        return sorted(os.listdir(self.folder)) if self.folder.is_dir() else []

    def delete(self, names: Iterable[str]) -> None:
        """Remove files, and the folders that they leave empty."""
        for name in names:
            path = self.folder / name
            path.unlink(missing_ok=True)
            for parent in path.relative_to(self.folder).parents[:-1]:
                with contextlib.suppress(OSError):  # other files are in it
                    (self.folder / parent).rmdir()

    def age(self, name: str) -> float | None:
        """Return how many seconds ago a file was written."""
        return time.time() - (self.folder / name).stat().st_mtime

    def sweep(self, folder: str, older: float) -> None:
        """Remove what writers that were killed have left in a folder half-written, after so many seconds."""
        for path in (self.folder / folder).rglob(f"{PARTIAL}*"):
            with contextlib.suppress(OSError):  # whoever wrote it may have finished just now
                if time.time() - path.stat().st_mtime > older:
                    path.unlink()


def _write(file, data: bytes) -> None:
    file.write(data)
    file.flush()
    os.fsync(file.fileno())


def to_disk(folder: Path) -> None:
    """Wait until the entries of a folder are on the disk itself (not every system can do that)."""
    with contextlib.suppress(PermissionError):  # Windows opens no folders
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
