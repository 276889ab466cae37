"""Columns that are mostly zero."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from frames.codecs.base import Codec
from frames.exceptions import CodecCannotHold

_SPARSE_BELOW = 1 / 8
"""Largest share of rows that are not zero for which row numbers and values beat one code of four bytes per row."""


@dataclass(frozen=True)
class Sparse(Codec):
    """Holds the rows that are not +0.0: row numbers (uint32), then values in `store` ("f4" or "f8"); NaN is missing.

    >>> codec = Sparse("f4")
    >>> codec.decode(codec.encode(np.array([0.0, 0.5, 0.0])), 3)
    array([0. , 0.5, 0. ])
    """

    layout: ClassVar[str] = "payload"
    least: ClassVar[float] = 3.0  # in bytes less; but codes of one or two bytes are read far faster
    store: str

    @classmethod
    def offers(cls, column):
        if column.facts.rows - column.facts.zeros <= column.facts.rows * _SPARSE_BELOW:
            yield 3.0, cls.shared("f4")
            yield 3.5, cls.shared("f8")

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(self.store)

    def encode(self, column: np.ndarray) -> np.ndarray:
        if column.dtype.kind not in "fiub" or (column.dtype.kind in "iu" and column.dtype.itemsize == 8):
            raise CodecCannotHold(f"A sparse column must hold floats or short integers; got dtype {column.dtype}.")
        if len(column) >= 2**32:
            raise CodecCannotHold(f"A sparse column must have fewer than 2**32 rows; got {len(column)}.")
        values = column.astype(np.float64)
        rows = np.flatnonzero(values.view(np.int64))  # bits, so that -0.0 is kept
        kept = values[rows]
        with np.errstate(all="ignore"):
            stored = kept.astype(self.dtype)
        if not ((stored == kept) | np.isnan(kept)).all():
            raise CodecCannotHold(f"Every value must be held exactly by {self.store}.")
        return np.concatenate([rows.astype("<u4").view(np.uint8), stored.view(np.uint8)])

    def codes(self, stored: np.ndarray, rows: int) -> np.ndarray:
        kept = len(stored) // (4 + self.dtype.itemsize)
        dense = np.zeros(rows, self.dtype)
        dense[_typed(stored[: 4 * kept], "<u4")] = _typed(stored[4 * kept :], self.dtype)
        return dense

    def decode(self, codes: np.ndarray, rows: int) -> np.ndarray:
        return self.codes(codes, rows).astype(np.float64)


def _typed(payload: np.ndarray, dtype) -> np.ndarray:
    return np.frombuffer(payload.tobytes(), dtype)  # the copy makes the bytes aligned
