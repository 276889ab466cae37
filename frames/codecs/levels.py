"""Codes of categories."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from frames.codecs.base import LEVELS, Codec, Terms
from frames.exceptions import CodecCannotHold


@dataclass(frozen=True)
class Levels(Codec):
    """Holds enum codes (int32, -1 missing) in `store`: "u1", "u2" or "i4"; the largest code of it means missing.

    >>> codec = Levels("u1")
    >>> codec.encode(np.array([0, -1], np.int32)), codec.decode(np.array([0, 255], np.uint8), 2)
    (array([  0, 255], dtype=uint8), array([ 0, -1], dtype=int32))
    """

    kind: ClassVar[str] = LEVELS
    least: ClassVar[float] = 1.0
    store: str

    @classmethod
    def offers(cls, column):
        for store in ("u1", "u2", "i4"):
            if column.levels <= np.iinfo(store).max:
                yield float(np.dtype(store).itemsize), cls.shared(store)

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(self.store)

    @property
    def _reserved(self) -> int:
        return int(np.iinfo(self.dtype).max)

    def encode(self, column: np.ndarray) -> np.ndarray:
        if column.dtype != np.int32:
            raise CodecCannotHold(f"Codes of categories must be int32; got dtype {column.dtype}.")
        if len(column) and (column.min() < -1 or column.max() >= self._reserved):
            raise CodecCannotHold(
                f"Codes must lie between -1 and {self._reserved - 1}; got {column.min()} to {column.max()}."
            )
        codes = column.astype(self.dtype)
        codes[column < 0] = self._reserved
        return codes

    def decode(self, codes: np.ndarray, rows: int) -> np.ndarray:
        column = codes.astype(np.int32)
        column[codes == self._reserved] = -1
        return column

    @property
    def terms(self) -> Terms:
        return Terms(missing=self._reserved)
