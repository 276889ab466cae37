"""Training rows on the disk of a worker: each file holds one pass over a partition, in the order in which it trains.

A round trains a small part of every partition. In a file of this order such a part is one stretch, read without looking
at the rest: a table that does not fit into memory is decoded once per pass, not once per round. The order is that of
training from memory, so that both give the same bits. Numbers of eight bytes are scaled to float32 as they are written,
not as they are read: half as much lies on the disk, and in memory while a stretch trains.
"""

from __future__ import annotations

import threading
import uuid
from collections import defaultdict
from io import FileIO
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from daskdl.encoding.decoded import DecodedBlock, Design
from daskdl.kernels.gather import fill_numbers
from frames.exceptions import H2OJobError

FOLDER = "daskdl-rows"
WIDE = 8  # bytes of a number from which on it is scaled before it is written
_STRIPE = 2**19  # bytes of rows that are put in order at a time, in memory that is used again: new pages are dear


class RowsGoneError(H2OJobError):
    """Rows that were laid out are not on the disk any more, or not all of them: they can be laid out again."""


class Section(NamedTuple):
    """One array of a design in a file: from which byte on, or the value that all its entries have."""

    dtype: np.dtype
    width: tuple[int, ...]
    at: int
    constant: np.ndarray | None

    def read(self, file: FileIO, start: int, stop: int) -> np.ndarray:
        """Return rows [start, stop)."""
        shape = (stop - start, *self.width)
        if self.constant is not None:
            return np.full(shape, self.constant, self.dtype)
        found = np.empty(shape, self.dtype)
        if found.size:
            file.seek(self.at + start * (found.nbytes // len(found)))
            _fill(file, found.reshape(-1).view(np.uint8))
        return found


def _fill(file: FileIO, into: np.ndarray) -> None:
    """Read bytes until an array of them is full. Raises RowsGoneError where the file ends before."""
    done = 0
    while done < len(into):
        got = file.readinto(into[done:].data)
        if not got:
            raise gone(f"{file.name} lacks {len(into) - done} bytes that were read")
        done += got


def gone(what: str) -> RowsGoneError:
    """Return the error that says what became of rows on a disk."""
    return RowsGoneError(
        f"A file of training rows must stay as it was written; {what}. Rows are laid out again a few times; leave "
        "the workers' local directories alone while they train, and train again where that was not enough."
    )


def scaled(block: DecodedBlock, index: np.ndarray) -> np.ndarray:
    """Return rows `index` of a block as inputs: numbers that are scaled and filled, as float32."""
    columns = block.data.shape[1]
    inputs = np.empty((len(index), columns), np.float32)
    step = max(1, min(len(index), _STRIPE // (columns * block.data.itemsize)))
    some = np.empty((step, columns), block.data.dtype)
    at, slots = np.arange(step), np.arange(columns)
    for first in range(0, len(index), step):
        own = index[first : first + step]
        np.take(block.data, own, axis=0, out=some[: len(own)], mode="clip")  # the mode in which it needs no copy
        rows = at[: len(own)]
        fill_numbers(some, rows, rows, *block.arithmetic, slots, block.dense, inputs[first : first + step])
    return inputs


def as_inputs(block: DecodedBlock) -> DecodedBlock:
    """Return what reads the rows of `scaled`; it gives their very bits: adding -0.0 changes no zero either."""
    columns = block.data.shape[1]
    none = np.full(columns, np.nan)
    return block._replace(
        data=np.empty((0, columns), np.float32),
        factor=np.ones(columns),
        shift=np.full(columns, -0.0),
        missing=none,
        fill=none.copy(),
        dense=False,
    )


def _is_wide(block: DecodedBlock) -> bool:
    return block.data.dtype.itemsize >= WIDE


def _write(file: BinaryIO, array: np.ndarray, index: np.ndarray, wide: DecodedBlock | None) -> Section:
    """Write rows `index` of an array, or of the wide block that it belongs to; return where they are."""
    at = file.tell()
    if wide is not None:
        scaled(wide, index).tofile(file)
        return Section(np.dtype(np.float32), array.shape[1:], at, None)
    constant = array.flat[0] if array.size and bool((array == array.flat[0]).all()) else None
    if constant is None:
        array[index].tofile(file)
    return Section(array.dtype, array.shape[1:], at, constant)


class RowFile:
    """Rows of a design in a file of their own, which goes with the object's `close`."""

    def __init__(self, path: Path, design: Design, index: np.ndarray) -> None:
        self.path = path
        self.rows = len(index)
        like = design.with_arrays([array[:0].copy() for array in design.arrays])  # a view would keep the whole
        self.like = like._replace(blocks=tuple(as_inputs(one) if _is_wide(one) else one for one in like.blocks))
        wide = {id(block.data): block for block in design.blocks if _is_wide(block)}
        with path.open("wb") as file:
            self.sections = [_write(file, array, index, wide.get(id(array))) for array in design.arrays]

    def read(self, start: int, stop: int) -> list[np.ndarray]:
        """Return the arrays of rows [start, stop) of the training order. Raises RowsGoneError."""
        try:
            file = FileIO(self.path)
        except FileNotFoundError:
            raise gone(f"{self.path} is not there any more") from None
        with file:
            return [section.read(file, start, stop) for section in self.sections]

    def close(self) -> None:
        """Delete the file."""
        self.path.unlink(missing_ok=True)


class RowFiles:
    """The files of this process, by job, folder, partition and number of the pass.

    Each worker has a folder of its own: several that share a process do not read, or replace, what another laid out.
    """

    def __init__(self) -> None:
        self._files: defaultdict[tuple[str, str, int], dict[int, RowFile]] = defaultdict(dict)  # by the pass's number
        self._lock = threading.Lock()

    def write(
        self, job: str, partition: int, number: int, oldest: int, design: Design, index: np.ndarray, folder: str
    ) -> None:
        """Lay out a pass: rows `index` of a design in this order. Passes before the `oldest` are deleted.

        Raises H2OJobError where the disk has no room.
        """
        home = Path(folder) / FOLDER
        home.mkdir(parents=True, exist_ok=True)
        path = home / f"{uuid.uuid4().hex}.rows"
        try:
            made = RowFile(path, design, index)
        except OSError as error:
            path.unlink(missing_ok=True)
            raise H2OJobError(
                f"A worker's disk must hold the rows that it trains where they do not fit into memory; {home} could "
                f"not take {len(index)} more ({error.strerror}). Give workers more memory, or a larger disk by "
                "`--local-directory`."
            ) from error
        with self._lock:
            passes = self._files[job, folder, partition]
            old = passes.pop(number, None)
            passes[number] = made
            past = [passes.pop(one) for one in [one for one in passes if one < oldest]]
        for one in [*past, *([old] if old else [])]:
            one.close()

    def read(self, job: str, folder: str, partition: int, start: int, stop: int) -> Design:
        """Return rows [start, stop) of the endless order of a partition, all passes of which are laid out there.

        Raises RowsGoneError where a file is not what it was.
        """
        with self._lock:
            own = dict(self._files[job, folder, partition])
        some = next(iter(own.values()))
        size, parts = some.rows, []
        for number in range(start // size, (stop - 1) // size + 1):
            low, high = max(start - number * size, 0), min(stop - number * size, size)
            parts.append(own[number].read(low, high))
        if len(parts) == 1:
            return some.like.with_arrays(parts[0])
        return some.like.with_arrays([np.concatenate(pieces) for pieces in zip(*parts, strict=True)])

    def forget(self, job: str) -> None:
        """Delete all files of a job."""
        with self._lock:
            gone = [self._files.pop(key) for key in [key for key in self._files if key[0] == job]]
        for one in [one for passes in gone for one in passes.values()]:
            one.close()
