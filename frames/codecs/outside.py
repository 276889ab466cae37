"""Buffers that stay in a file until they are asked for: their chunk weighs next to nothing in memory."""

from __future__ import annotations

import uuid
import weakref
import zlib
from pathlib import Path

import numpy as np

from frames.exceptions import FrameError

_folder: list[Path] = []


def use_folder(folder: str | Path) -> None:
    """Say where this process keeps buffers of its own on disk."""
    home = Path(folder) / "daskdl-chunks"
    home.mkdir(parents=True, exist_ok=True)
    _folder[:] = [home]


class Outside:
    """The bytes [at, at + nbytes) of a file, which every process can read that is given this.

    Raises FrameError where the file is gone, cut or damaged when it is read.
    """

    __slots__ = ("__weakref__", "at", "checksum", "nbytes", "path")

    def __init__(self, path: str, at: int, nbytes: int, checksum: int) -> None:
        self.path, self.at, self.nbytes, self.checksum = path, at, nbytes, checksum

    def __reduce__(self):
        return type(self), (self.path, self.at, self.nbytes, self.checksum)

    def fetch(self) -> np.ndarray:
        """Return what the file has there, whatever it is."""
        return np.fromfile(self.path, np.uint8, count=self.nbytes, offset=self.at)

    def read(self) -> np.ndarray:
        """Return the bytes (nbytes,) uint8."""
        try:
            data = self.fetch()
        except FileNotFoundError as error:
            raise FrameError(
                f"The rows of a frame must stay where they are while it is used; {self.path} is gone."
            ) from error
        if len(data) != self.nbytes or zlib.crc32(data.data) != self.checksum:
            raise FrameError(
                f"A chunk must be whole; bytes {self.at} to {self.at + self.nbytes} of {self.path} are cut or damaged."
            )
        return data


class Parked(Outside):
    """A buffer in a file of this process, deleted with it. Another process that is sent it gets the bytes, and parks
    them in a file of its own where it has a folder for such files.
    """

    __slots__ = ()

    def __init__(self, buffer: np.ndarray) -> None:
        path = _folder[0] / f"{uuid.uuid4().hex}.buffer"
        try:
            buffer.tofile(path)
        except OSError as error:
            path.unlink(missing_ok=True)
            raise FrameError(
                f'A worker\'s disk must hold what is imported with storage="disk"; {path.parent} could not take '
                f"{buffer.nbytes:,} more bytes ({error.strerror}). Give workers a larger --local-directory."
            ) from error
        super().__init__(str(path), 0, buffer.nbytes, zlib.crc32(buffer.data))
        weakref.finalize(self, path.unlink, missing_ok=True)

    def __reduce__(self):
        return parked, (self.read(),)


def parked(buffer: np.ndarray) -> np.ndarray | Parked:
    """Return a buffer as a file of this process; as it is where `use_folder` was not called."""
    return Parked(buffer) if _folder and buffer.nbytes else buffer
