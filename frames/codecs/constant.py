"""A column with one value."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from frames.codecs.base import LEVELS, Codec, Terms, refuse_long
from frames.exceptions import CodecCannotHold


@dataclass(frozen=True)
class Constant(Codec):
    """Holds a column of numbers in which every row has the same value, or every row is missing.

    `value` is None for missing. -0.0 is refused: equal configurations must mean equal columns, and -0.0 == 0.0.

    >>> Constant(7.0).decode(Constant(7.0).encode(np.array([7.0, 7.0])), 2)
    array([7., 7.])
    """

    layout: ClassVar[str] = "none"
    by_range: ClassVar[bool] = True
    value: float | None

    @classmethod
    def offers(cls, column):
        if column.uniform:
            yield 0.0, cls.shared(None if column.facts.missing == column.facts.rows else column.facts.minimum)

    def __post_init__(self) -> None:
        if self.value == 0:  # codecs are shared by their configuration: one made for -0.0 would serve columns of 0.0
            object.__setattr__(self, "value", 0.0)

    def encode(self, column: np.ndarray) -> np.ndarray:
        if column.dtype.kind not in "fiub":
            raise CodecCannotHold(f"A constant column must hold numbers; got dtype {column.dtype}.")
        refuse_long(column)
        if self.value is None:
            held = column.dtype.kind == "f" and bool(np.isnan(column).all())
        else:
            held = bool((column == self.value).all()) and not (self.value == 0 and _has_negative_zero(column))
        if not held:
            raise CodecCannotHold(f"Every value of the column must be {self.value}.")
        return np.empty(0, np.uint8)

    def encode_bytes(self, column: np.ndarray) -> np.ndarray:
        return np.empty(0, np.uint8)

    def decode(self, codes: np.ndarray, rows: int) -> np.ndarray:
        return np.full(rows, np.nan if self.value is None else self.value, np.float64)

    def codes(self, stored: np.ndarray, rows: int) -> np.ndarray:
        return np.zeros(rows, np.uint8)

    @property
    def terms(self) -> Terms:
        return Terms(missing=0) if self.value is None else Terms(bias=float(self.value))


def _has_negative_zero(column: np.ndarray) -> bool:
    return column.dtype.kind == "f" and bool(np.signbit(column).any())


@dataclass(frozen=True)
class OneLevel(Codec):
    """Holds an enum column in which every row has the same code (-1: every row is missing).

    >>> OneLevel(2).decode(OneLevel(2).encode(np.array([2, 2], np.int32)), 2)
    array([2, 2], dtype=int32)
    """

    layout: ClassVar[str] = "none"
    kind: ClassVar[str] = LEVELS
    code: int

    @classmethod
    def offers(cls, column):
        if len(column.values) and column.uniform:
            yield 0.0, cls.shared(int(column.values[0]))

    def encode(self, column: np.ndarray) -> np.ndarray:
        if column.dtype != np.int32 or not (column == self.code).all():
            raise CodecCannotHold(f"Every code of the column must be {self.code} (int32); got dtype {column.dtype}.")
        return np.empty(0, np.uint8)

    def decode(self, codes: np.ndarray, rows: int) -> np.ndarray:
        return np.full(rows, self.code, np.int32)

    def codes(self, stored: np.ndarray, rows: int) -> np.ndarray:
        return np.zeros(rows, np.uint8)

    @property
    def terms(self) -> Terms:
        return Terms(missing=0) if self.code < 0 else Terms(bias=float(self.code))
