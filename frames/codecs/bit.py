"""Two neighbouring integers, eight rows to a byte."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from frames.codecs.base import Codec, Terms, refuse_long
from frames.codecs.scaled import Scaled
from frames.exceptions import CodecCannotHold


@dataclass(frozen=True)
class Bit(Codec):
    """Holds a column without missing values whose values are `bias` and `bias + 1`.

    >>> codec = Bit(1)
    >>> codec.decode(codec.encode(np.array([1.0, 2.0])), 2)
    array([1., 2.])
    """

    layout: ClassVar[str] = "bits"
    least: ClassVar[float] = 1 / 8
    by_range: ClassVar[bool] = True
    bias: int = 0

    @classmethod
    def offers(cls, column):
        facts = column.facts
        if not facts.missing and facts.maximum - facts.minimum == 1 and column.whole:
            yield 1 / 8, cls.shared(int(facts.minimum))

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

    def encode_bytes(self, column: np.ndarray) -> np.ndarray:
        return column - np.uint8(self.bias) if self.bias else column

    @property
    def as_byte(self) -> Codec:
        return Scaled("u1", self.bias)

    def decode(self, codes: np.ndarray, rows: int) -> np.ndarray:
        return codes.astype(np.float64) + self.bias

    @property
    def terms(self) -> Terms:
        return Terms(bias=float(self.bias))
