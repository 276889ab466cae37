"""The buffers of a chunk: codes of columns laid out row by row, and compressed."""

from typing import NamedTuple

import numpy as np
from numcodecs import blosc

from frames.codecs.base import Codec
from frames.codecs.outside import Outside

_WORTH = 1.1
"""Compression that saves less than this ratio is left away: it would only cost time."""
_BLOSC_LIMIT = 2**31 - 17
_SMALL = 128
"""Buffers of fewer bytes are not compressed."""
_STRIPE = 256
"""Rows that are turned at a time: doing all at once is several times slower for wide blocks, as it leaves the cache."""
_WIDE = 16
"""Columns from which on a block is wide in that sense."""


class Stored(NamedTuple):
    """One buffer of a chunk: a row-major block of codes of several columns, bits, or the payload of one column."""

    layout: str
    dtype: str
    columns: tuple[int, ...]
    compressed: bool
    raw_bytes: int
    buffer: np.ndarray | Outside

    def load(self) -> np.ndarray:
        """Return the buffer in memory."""
        return self.buffer.read() if isinstance(self.buffer, Outside) else self.buffer

    @property
    def held_bytes(self) -> int:
        """Bytes that the buffer takes in memory."""
        return 0 if isinstance(self.buffer, Outside) else self.buffer.nbytes

    def open(self, rows: int) -> np.ndarray:
        """Return the codes: (rows, k) for blocks and bits, raw bytes for a payload."""
        raw = buffer = self.load()
        if self.compressed:
            raw = np.empty(self.raw_bytes, np.uint8)
            blosc.decompress(buffer, raw)
        if self.layout == "payload":
            return raw
        shape = (rows, len(self.columns))
        if self.layout == "bits":
            return np.unpackbits(raw, count=shape[0] * shape[1]).reshape(shape)
        return raw.view(np.dtype(self.dtype)).reshape(shape)


def ride_along(coded: list[tuple[Codec, np.ndarray]]) -> None:
    """Among many columns of bytes a few columns of bits become bytes too: rows are then read from one block."""
    bits = [i for i, (codec, _) in enumerate(coded) if codec.layout == "bits"]
    bytes_ = sum(codec.layout == "block" and codec.dtype.itemsize == 1 for codec, _ in coded)
    if len(bits) >= bytes_:
        return
    for i in bits:
        codec, codes = coded[i]
        coded[i] = codec.as_byte or codec, codes


def store(coded: list[tuple[Codec, np.ndarray]], rows: int, block: np.ndarray | None = None) -> list[Stored]:
    """Return a chunk's buffers: a row-major block per dtype, the bits, a payload per column with bytes of its own.

    `block` is row-major already: where the columns of a buffer are its columns, it becomes that buffer as it is.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    stored = []
    for i, (codec, codes) in enumerate(coded):
        if codec.layout == "payload":
            stored.append(_compressed("payload", "|u1", (i,), codes, 1))
        elif codec.layout != "none":
            groups.setdefault((codec.layout, codec.dtype.str), []).append(i)
    for (layout, dtype), members in groups.items():
        codes = [coded[i][1] for i in members]
        laid = block if block is not None and _are_columns(codes, block) else by_row(codes, np.dtype(dtype), rows)
        if layout == "bits":
            stored.append(_compressed(layout, dtype, tuple(members), np.packbits(laid), 1))
        else:
            raw = laid.reshape(-1).view(np.uint8)
            stored.append(_compressed(layout, dtype, tuple(members), raw, laid.dtype.itemsize))
    return stored


def _compressed(layout: str, dtype: str, columns: tuple[int, ...], raw: np.ndarray, itemsize: int) -> Stored:
    # Shuffling helps numbers of several bytes and hurts single ones (measured on images: 3.1x without, 1.8x with).
    if _SMALL <= raw.nbytes < _BLOSC_LIMIT:
        shuffle = blosc.NOSHUFFLE if itemsize == 1 else blosc.SHUFFLE
        view = raw.view(f"u{itemsize}") if itemsize > 1 else raw
        packed = np.frombuffer(blosc.compress(view, b"lz4", 5, shuffle), np.uint8)
        if raw.nbytes >= _WORTH * packed.nbytes:
            return Stored(
                layout=layout, dtype=dtype, columns=columns, compressed=True, raw_bytes=raw.nbytes, buffer=packed
            )
    return Stored(
        layout=layout,
        dtype=dtype,
        columns=columns,
        compressed=False,
        raw_bytes=raw.nbytes,
        buffer=np.ascontiguousarray(raw),
    )


def _are_columns(columns: list[np.ndarray], block: np.ndarray) -> bool:
    """Whether these arrays are views of the columns of a row-major block, all of them and in order."""
    if len(columns) != block.shape[1] or columns[0].dtype != block.dtype or not block.flags.c_contiguous:
        return False
    first, step = block.ctypes.data, block.itemsize
    return all(
        column.strides == block.strides[:1] and column.ctypes.data == first + k * step
        for k, column in enumerate(columns)
    )


def by_row(columns: list[np.ndarray], dtype: np.dtype, rows: int) -> np.ndarray:
    """Columns as one (rows, k) C-contiguous block."""
    if len(columns) == 1:
        return columns[0].astype(dtype, copy=False).reshape(rows, 1)
    block = np.empty((rows, len(columns)), dtype)
    for start in range(0, rows, _STRIPE):
        stop = min(start + _STRIPE, rows)
        block[start:stop] = np.array([column[start:stop] for column in columns], dtype).T
    return block


def by_column(block: np.ndarray) -> np.ndarray:
    """Return a (rows, k) block as (k, rows)."""
    rows, width = block.shape
    if width < _WIDE:
        return np.ascontiguousarray(block.T)
    columns = np.empty((width, rows), block.dtype)
    for start in range(0, rows, _STRIPE):
        columns[:, start : start + _STRIPE] = block[start : start + _STRIPE].T
    return columns


def take(block: np.ndarray, columns: list[int]) -> np.ndarray:
    """Return some columns of a block; no copy when all are asked for in order."""
    if columns == list(range(block.shape[1])):
        return block
    first, last = columns[0], columns[-1]
    if columns == list(range(first, last + 1)):
        return block[:, first : last + 1]
    return block[:, columns]
