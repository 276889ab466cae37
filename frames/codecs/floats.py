"""Real numbers as they are."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from frames.codecs.base import Codec, begins, refuse_long
from frames.exceptions import CodecCannotHold


@dataclass(frozen=True)
class Float32(Codec):
    """Holds doubles that float32 gives back exactly; NaN is missing.

    >>> Float32().encode(np.array([0.5, -0.0]))
    array([ 0.5, -0. ], dtype=float32)
    """

    least: ClassVar[float] = 4.0

    @classmethod
    def offers(cls, column):
        if begins(cls.shared(), column.values):
            yield 9.0 if column.whole else 4.0, cls.shared()  # integers stay integers as long as they can

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(np.float32)

    def encode(self, column: np.ndarray) -> np.ndarray:
        if column.dtype.kind not in "fiub":
            raise CodecCannotHold(f"A column of floats must hold numbers; got dtype {column.dtype}.")
        refuse_long(column)
        if column.dtype == np.float32:
            return column.copy()
        with np.errstate(all="ignore"):
            codes = column.astype(np.float32)
            same = (codes == column) | ((codes != codes) & (column != column))
        if not same.all():
            first = column[~same][0]
            raise CodecCannotHold(f"Every value must be a float32; {first!r} is not.")
        return codes

    def decode(self, codes: np.ndarray, rows: int) -> np.ndarray:
        return codes.astype(np.float64)


@dataclass(frozen=True)
class Float64(Codec):
    """Holds any double; NaN is missing.

    >>> Float64().decode(Float64().encode(np.array([0.1])), 1)
    array([0.1])
    """

    least: ClassVar[float] = 8.0

    @classmethod
    def offers(cls, column):
        yield 10.0 if column.whole else 8.0, cls.shared()

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(np.float64)

    def encode(self, column: np.ndarray) -> np.ndarray:
        if column.dtype.kind not in "fiub":
            raise CodecCannotHold(f"A column of floats must hold numbers; got dtype {column.dtype}.")
        refuse_long(column)
        return column.astype(np.float64)

    def decode(self, codes: np.ndarray, rows: int) -> np.ndarray:
        return codes.astype(np.float64)
