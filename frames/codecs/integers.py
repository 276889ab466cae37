"""Integers beyond the reach of float64."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from frames.codecs.base import Codec, Terms
from frames.exceptions import CodecCannotHold


@dataclass(frozen=True)
class Integers(Codec):
    """Holds any int64 but -2**63, which stands for missing; decodes to int64.

    >>> codec = Integers()
    >>> codec.decode(codec.encode(np.array([2**62 + 1])), 1)
    array([4611686018427387905])
    """

    least: ClassVar[float] = 11.0  # decodes to long integers, which fewer readers take than doubles

    @classmethod
    def offers(cls, column):
        yield 11.0, cls.shared()

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(np.int64)

    def encode(self, column: np.ndarray) -> np.ndarray:
        if column.dtype.kind not in "iub":
            raise CodecCannotHold(f"A column of long integers must have an integer dtype; got {column.dtype}.")
        if column.dtype == np.uint64 and len(column) and column.max() > np.iinfo(np.int64).max:
            raise CodecCannotHold(f"Integers must be below 2**63; got {column.max()}. Import them as strings.")
        return column.astype(np.int64)

    def decode(self, codes: np.ndarray, rows: int) -> np.ndarray:
        return codes.copy()

    @property
    def terms(self) -> Terms:
        return Terms(missing=-(2**63))
