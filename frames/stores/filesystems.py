"""Addresses that fsspec knows: s3://, gs://, abfs://, memory:// and others, each by a package of its own."""

from __future__ import annotations

import contextlib
import inspect
import time
from collections.abc import Iterable
from typing import Any

from fsspec.core import url_to_fs
from fsspec.registry import known_implementations, registry

from frames.stores.base import Store, told

BUCKETS = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "r2"})
"""Schemes of stores without folders: one that is missing is a bucket, and not made by writing into it."""
PACKAGES = {
    **dict.fromkeys(("s3", "s3a"), "s3fs"),
    **dict.fromkeys(("gs", "gcs"), "gcsfs"),
    **dict.fromkeys(("abfs", "abfss", "az", "adl"), "adlfs"),
    **dict.fromkeys(("sftp", "ssh"), "paramiko"),
    "hdfs": "pyarrow",
    "smb": "smbprotocol",
    "oss": "ossfs",
    "dropbox": "dropboxdrivefs",
    "gdrive": "gdrivefs",
    "box": "boxfs",
}


class Filesystem(Store):
    """Whatever fsspec reaches; `create` is the store's own conditional write where its package offers one.

    s3fs sends If-None-Match, gcsfs ifGenerationMatch; memory:// and others open the file exclusively.
    """

    rank = 1

    def __init__(self, place: str) -> None:
        super().__init__(place)
        with told(place):
            self._system, root = url_to_fs(place)
        self._root = str(root).rstrip("/")
        writer = getattr(self._system, "_pipe_file", None) or self._system.pipe_file
        self.exclusive = "mode" in inspect.signature(writer).parameters

    @classmethod
    def reaches(cls, place: str) -> bool:
        """Tell whether fsspec, and the package behind it, know the address."""
        scheme = place.partition("://")[0].rpartition("::")[2]
        if scheme not in registry and scheme not in known_implementations:
            return False
        try:
            url_to_fs(place)
        except ImportError:  # this is the answer; `wants` names the package
            return False
        return True

    @classmethod
    def wants(cls, scheme: str) -> str | None:
        """Return the package that fsspec would reach a scheme with."""
        return PACKAGES.get(scheme, f"the fsspec package for {scheme}") if scheme in known_implementations else None

    def create(self, name: str, data: bytes) -> bool:
        """Write a file that is not there yet, if the store lets it be."""
        more = {"mode": "create"} if self.exclusive else {}
        if not self.exclusive and self._system.exists(self._path(name)):
            return False
        try:
            self._put(name, data, more)
        except FileExistsError:  # this is the answer
            return False
        return True

    def replace(self, name: str, data: bytes) -> None:
        """Write a file in place of another."""
        self._put(name, data, {})

    def _put(self, name: str, data: bytes, more: dict[str, Any]) -> None:
        path = self._path(name)
        with told(self.shown(name)):
            try:
                self._system.pipe_file(path, data, **more)
            except FileNotFoundError:
                if self.place.partition("://")[0] in BUCKETS:
                    raise
                self._system.makedirs(path.rpartition("/")[0], exist_ok=True)
                self._system.pipe_file(path, data, **more)

    def read(self, name: str, start: int | None = None, stop: int | None = None) -> bytes:
        """Return bytes of a file."""
        with told(self.shown(name)):
            return self._system.cat_file(self._path(name), start=start, end=stop)

    def names(self, below: str = "") -> list[str]:
        """Return the names of all files, as the store has them now."""
        with told(self.shown(below)), contextlib.suppress(FileNotFoundError, NotADirectoryError):  # nothing is there
            self._system.invalidate_cache()  # others write here, too
            found = self._system.find(self._path(below) if below else self._root)
            return sorted(one.removeprefix(self._root).lstrip("/") for one in found if one != self._root)
        return []

    def entries(self) -> list[str]:
        """Return the names of what is directly below the address."""
        with told(self.shown()), contextlib.suppress(FileNotFoundError, NotADirectoryError):  # nothing is there
            self._system.invalidate_cache()
            found = self._system.ls(self._root, detail=False)
            return sorted({str(one).rstrip("/").removeprefix(self._root).lstrip("/") for one in found} - {""})
        return []

    def delete(self, names: Iterable[str]) -> None:
        """Remove files."""
        for name in names:
            with told(self.shown(name)), contextlib.suppress(FileNotFoundError):  # it is gone already
                self._system.rm_file(self._path(name))

    def age(self, name: str) -> float | None:
        """Return how many seconds ago a file was written, by the clock of the store."""
        try:
            with told(self.shown(name)):
                return time.time() - self._system.modified(self._path(name)).timestamp()
        except (OSError, NotImplementedError):  # not every filesystem tells
            return None

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"
