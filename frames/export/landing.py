"""Where an export lands: a file, or a folder of parts, on a disk or behind a URL, that appears whole or not at all."""

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, BinaryIO, Self

from fsspec.core import url_to_fs

from frames.exceptions import FileExists, FileMissing, FrameError

_PART = "part-"


class _Disk:
    """The verbs that a landing needs, on local and mounted disks."""

    def exists(self, path: str) -> bool:
        return os.path.lexists(path)

    def is_folder(self, path: str) -> bool:
        return os.path.isdir(path)

    def names(self, folder: str) -> list[str]:
        return sorted(os.listdir(folder))

    def make(self, folder: str) -> None:
        os.mkdir(folder)

    def open(self, path: str) -> Any:
        return open(path, "xb")

    def move(self, source: str, target: str) -> None:
        os.replace(source, target)

    def remove(self, path: str) -> None:
        os.remove(path)

    def forget(self, folder: str) -> None:
        os.rmdir(folder)


class _Remote:
    """The same verbs for what fsspec reaches; paths are those of its filesystem."""

    def __init__(self, filesystem: Any) -> None:
        self._filesystem = filesystem

    def exists(self, path: str) -> bool:
        return self._filesystem.exists(path)

    def is_folder(self, path: str) -> bool:
        return self._filesystem.isdir(path)

    def names(self, folder: str) -> list[str]:
        return sorted(name.rstrip("/").rsplit("/", 1)[-1] for name in self._filesystem.ls(folder, detail=False))

    def make(self, folder: str) -> None:
        self._filesystem.makedirs(folder, exist_ok=True)

    def open(self, path: str) -> Any:
        return self._filesystem.open(path, "wb")

    def move(self, source: str, target: str) -> None:
        # Not every server renames onto a file that is there.
        if self._filesystem.exists(target):
            self._filesystem.rm_file(target)
        self._filesystem.mv(source, target)

    def remove(self, path: str) -> None:
        self._filesystem.rm_file(path)

    def forget(self, folder: str) -> None:
        self._filesystem.rmdir(folder)


class Landing:
    """A place for one file, or with `folder` for parts, that takes all its files at once or stays as it was.

    Files are written under hidden names beside their own and take these when the block ends without an error; otherwise
    they are removed. Parts of an earlier export give way to the new ones at that moment, and come back if it fails.

    Raises, before anything is written, FileExists where there is something that must not be replaced, and FileMissing
    where there is no folder to write into.

    Example: ``with Landing("a.csv", force=False) as landing, landing.file() as file: file.write(b"...")``.
    """

    def __init__(self, path: str, force: bool, folder: bool = False) -> None:
        self._force, self._folder, self._shown = force, folder, path
        self._disk, self._path = _disk_of(path)
        self._made = False
        self._written: list[tuple[str, str]] = []
        self._token = secrets.token_hex(4)
        if folder:
            self._check_folder()
        else:
            self._check_file()

    def _check_file(self) -> None:
        if self._disk.is_folder(self._path):
            raise FileExists(f"path must name a file; {self._shown} is a folder.")
        if isinstance(self._disk, _Disk):
            parent = os.path.dirname(self._path)
            if not os.path.isdir(parent):
                raise FileMissing(f"File {self._shown} cannot be written: the folder {parent} does not exist")
            if os.path.exists(self._path) and not stat.S_ISREG(os.stat(self._path).st_mode):
                raise FileExists(f"path must name a regular file; {self._shown} is a device or a pipe.")
        self._must_not_replace()

    def _must_not_replace(self) -> None:
        if not self._force and self._disk.exists(self._path):
            raise FileExists(f"File already exists: {self._shown}. Pass force=True to replace it.")

    def _check_folder(self) -> None:
        if self._disk.is_folder(self._path):
            # What else lies in the folder would be read along with the parts.
            others = [name for name in self._visible() if not name.startswith(_PART)]
            if others:
                raise FileExists(
                    f"A folder for parts must be new or hold nothing else; {self._shown} holds {others[0]!r}. "
                    "Give another folder."
                )
            if not self._force and self._visible():
                raise FileExists(f"File already exists: {self._shown}. Pass force=True to replace its parts.")
        elif self._disk.exists(self._path):
            raise FileExists(f"path must name a folder when there are parts; {self._shown} is a file.")
        elif isinstance(self._disk, _Disk) and not os.path.isdir(os.path.dirname(self._path)):
            raise FileMissing(
                f"Folder {self._shown} cannot be made: the folder {os.path.dirname(self._path)} does not exist"
            )

    def _visible(self) -> list[str]:
        return [name for name in self._disk.names(self._path) if not name.startswith(".")]

    def __enter__(self) -> Self:
        if self._folder and not self._disk.is_folder(self._path):
            self._disk.make(self._path)
            self._made = True
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        try:
            if kind is None:
                self._publish()
        finally:
            for hidden, _name in self._written:
                if self._disk.exists(hidden):
                    self._disk.remove(hidden)
            if self._made and not self._disk.names(self._path):
                with suppress(OSError):  # somebody has put a file there, or taken the folder away
                    self._disk.forget(self._path)

    @contextmanager
    def file(self, name: str | None = None) -> Iterator[BinaryIO]:
        """Open a file to write: the one this is a place for, or the part of this name."""
        parent = self._path if self._folder else os.path.dirname(self._path)
        hidden = f"{parent.rstrip('/')}/.export-{self._token}-{len(self._written):05d}.tmp"
        try:
            opened = self._disk.open(hidden)
        except NotImplementedError as error:
            raise FrameError(f"path must be a place that can be written; {self._shown} is none.") from error
        self._written.append((hidden, self._path if name is None else f"{self._path.rstrip('/')}/{name}"))
        with opened as file:
            yield file
            if isinstance(self._disk, _Disk):
                file.flush()
                os.fsync(file.fileno())

    def _publish(self) -> None:
        """Give every file its name; parts of an earlier export go, but only once the new ones stand."""
        if not self._folder:
            self._must_not_replace()
            for hidden, name in self._written:
                self._disk.move(hidden, name)
            return
        asides = [
            (f"{self._path.rstrip('/')}/{name}", f"{self._path.rstrip('/')}/.{self._token}-{name}")
            for name in self._visible()
        ]
        moved: list[tuple[str, str]] = []
        try:
            for source, target in [*asides, *self._written]:
                self._disk.move(source, target)
                moved.append((source, target))
        except BaseException:
            for source, target in reversed(moved):
                self._disk.move(target, source)
            raise
        for _source, aside in asides:
            self._disk.remove(aside)


def _disk_of(path: str) -> tuple[_Disk | _Remote, str]:
    """Return the disk of a path or URL and the path there; links are followed, so that they stay links."""
    path = path.removeprefix("file://")
    if "://" not in path:
        return _Disk(), os.path.realpath(os.path.expanduser(path))
    try:
        filesystem, inner = url_to_fs(path)
    except (ValueError, ImportError) as error:
        raise FrameError(f"path must be a path or a URL of a kind that is known; got {path!r}: {error}") from error
    return _Remote(filesystem), inner
