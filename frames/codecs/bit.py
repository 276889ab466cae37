"""Two neighbouring integers, eight rows to a byte."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from frames.codecs.base import Codec, Terms, refuse_long
from frames.exceptions import CodecCannotHold


@dataclass(frozen=True)
class Bit(Codec):
    """Holds a column without missing values whose values are `bias` and `bias + 1`.

    >>> codec = Bit(1)
    >>> codec.decode(codec.encode(np.array([1.0, 2.0])), 2)
    array([1., 2.])
    """

    layout: ClassVar[str] = "bits"
    bias: int = 0

    def encode(self, column: np.ndarray) -> np.ndarray:
        if column.dtype.kind not in "fiub":
            raise CodecCannotHold(f"A column of bits must hold numbers; got dtype {column.dtype}.")
        refuse_long(column)
        high = column == self.bias + 1
        held = high | (column == self.bias)
        if column.dtype.kind == "f":
            held &= ~((column == 0) & np.signbit(column))
        if not held.all():
            raise CodecCannotHold(f"Every value must be {self.bias} or {self.bias + 1}, none missing.")
        return high.view(np.uint8)

    def decode(self, codes: np.ndarray, rows: int) -> np.ndarray:
        return codes.astype(np.float64) + self.bias

    @property
    def terms(self) -> Terms:
        return Terms(bias=float(self.bias))
