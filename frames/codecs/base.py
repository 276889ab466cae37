"""The contract of all codecs."""

from abc import ABC, abstractmethod
from dataclasses import asdict
from typing import Any, ClassVar, NamedTuple

import numpy as np

from frames.exceptions import CodecCannotHold

NO_CODE = -(2**63)
"""The `missing` of a codec that has no code for missing values."""


class Terms(NamedTuple):
    """How to read codes as numbers: value = code * scale + bias; `missing` is the code of a missing value."""

    scale: float = 1.0
    bias: float = 0.0
    missing: int = NO_CODE


class Codec(ABC):
    """A way to hold a column: `encode` turns values into codes, `decode` gives the very same values back.

    A codec is a frozen dataclass whose fields are its whole configuration; it holds no data. The laws, tested over all
    codecs by belonging to this class:

    - `decode(encode(column), rows)` equals the column bit for bit (-0.0 too); NaN stays NaN, its payload is free;
    - `encode` raises CodecCannotHold for a column it cannot give back; it never loses a value;
    - `from_config(codec.config()) == codec`, and the configuration is plain JSON.

    `layout` says where the codes live:

    - "block": one code of `dtype` per row; the codes of all columns of one dtype form one row-major block;
    - "bits": as "block" with codes 0 and 1, eight to a byte;
    - "payload": the codec's own bytes (1-D uint8 array of any length), one buffer per column;
    - "none": nothing is stored, the configuration says it all.
    """

    layout: ClassVar[str] = "block"

    @property
    def dtype(self) -> np.dtype:
        """The dtype of the codes that `encode` returns (and of what `codes` gives to a reader of numbers)."""
        return np.dtype(np.uint8)

    @abstractmethod
    def encode(self, column: np.ndarray) -> np.ndarray:
        """Return the codes of a column; raises CodecCannotHold when they could not give it back exactly."""

    @abstractmethod
    def decode(self, codes: np.ndarray, rows: int) -> np.ndarray:
        """Return the column of `rows` values that was encoded, as a new writable array."""

    def codes(self, stored: np.ndarray, rows: int) -> np.ndarray:
        """Return one code per row from what is stored: what the trainer reads, together with `terms`."""
        return stored

    @property
    def terms(self) -> Terms | None:
        """How to read the codes as numbers; None where the column is text."""
        return Terms()

    def config(self) -> dict[str, Any]:
        """Return the codec's name and fields as plain JSON."""
        return {"codec": type(self).__name__, **asdict(self)}  # type: ignore[call-overload]


def refuse_long(column: np.ndarray) -> None:
    """Raise CodecCannotHold for integers beyond 2**53, which a codec of doubles would round.

    Their comparison with doubles does not show it: NumPy compares them rounded.
    """
    if column.dtype.kind in "iu" and len(column) and max(-int(column.min()), int(column.max())) > 2**53:
        raise CodecCannotHold(f"Integers must not go beyond 2**53; got {column.min()} to {column.max()}.")
