"""The contract of all codecs."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np

from frames.exceptions import CodecCannotHold

NO_CODE = -(2**63)
"""The `missing` of a codec that has no code for missing values."""


NUMBERS, LEVELS, TEXT = "numbers", "levels", "text"
"""The kinds of column: float64 (NaN missing) or integers; int32 codes of levels (-1 missing); strings (or None)."""
PROBE = 64
"""Rows that are tried before a whole column is: most columns that fail a test fail it here."""


class Facts(Protocol):
    """What the choice of a codec needs to know of a column; `frames.chunks.summary.Summary` has it."""

    @property
    def rows(self) -> int: ...
    @property
    def missing(self) -> int: ...
    @property
    def zeros(self) -> int: ...
    @property
    def minimum(self) -> float: ...
    @property
    def maximum(self) -> float: ...
    @property
    def all_integer(self) -> bool: ...


@dataclass
class Column:
    """A column for which a codec is wanted: its values, its facts (of text none), of how many levels it is (enums)."""

    values: np.ndarray
    facts: Any = None
    levels: int = 0

    @cached_property
    def whole(self) -> bool:
        """Whether all numbers are integers; none of these is -0.0: a column that has one is a column of reals."""
        values = self.values
        reals = values.dtype.kind == "f" and self.facts.zeros and np.signbit(values[values == 0]).any()
        return self.facts.all_integer and not reals

    @cached_property
    def distinct(self) -> int:
        """How many strings differ."""
        return len(set(self.values.tolist()))

    @property
    def uniform(self) -> bool:
        """Whether every row has the same value, or every row is missing."""
        facts = self.facts
        return facts.missing == facts.rows or (not facts.missing and facts.minimum == facts.maximum)


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

    Where it stands in the order of trials a codec says itself: of every column of its `kind` it may make `offers`, and
    the cheapest offer that holds the column is taken.
    """

    layout: ClassVar[str] = "block"
    kind: ClassVar[str] = NUMBERS  # of column, for which it makes offers
    least: ClassVar[float] = 0.0  # no offer of it costs less: it is not asked while others are cheaper
    by_range: ClassVar[bool] = False  # whether smallest and largest value decide its offers for bytes, none missing

    @classmethod
    def offers(cls, column: Column) -> Iterator[tuple[float, "Codec"]]:
        """Yield `(cost, codec)` for what may hold the column, by rising cost; without offers a codec only reads.

        The cost is that of a row, in bytes, and in what its reading takes beside. An offer need not keep what it says:
        `encode` is tried.
        """
        return iter(())

    @classmethod
    def shared(cls, *fields: Any) -> "Codec":
        """Return the codec of these fields, one object each: many columns then pickle as references to a few."""
        return _shared(cls, *fields)

    @property
    def dtype(self) -> np.dtype:
        """The dtype of the codes that `encode` returns (and of what `codes` gives to a reader of numbers)."""
        return np.dtype(np.uint8)

    @abstractmethod
    def encode(self, column: np.ndarray) -> np.ndarray:
        """Return the codes of a column; raises CodecCannotHold when they could not give it back exactly."""

    def encode_bytes(self, column: np.ndarray) -> np.ndarray:
        """Return what `encode` does, for integers from 0 to 255 (uint8) that are as the facts behind the offer said."""
        return self.encode(column)

    @property
    def as_byte(self) -> "Codec | None":
        """The codec that reads the same codes from a byte each, where that can be; None elsewhere."""
        return None

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


@cache
def _shared(kind: type[Codec], *fields: Any) -> Codec:
    return kind(*fields)


def begins(codec: Codec, values: np.ndarray) -> bool:
    """Tell whether a codec holds the first rows of a column."""
    try:
        codec.encode(values[:PROBE])
    except CodecCannotHold:  # that is the question
        return False
    return True


def refuse_long(column: np.ndarray) -> None:
    """Raise CodecCannotHold for integers beyond 2**53, which a codec of doubles would round.

    Their comparison with doubles does not show it: NumPy compares them rounded.
    """
    if column.dtype.kind in "iu" and len(column) and max(-int(column.min()), int(column.max())) > 2**53:
        raise CodecCannotHold(f"Integers must not go beyond 2**53; got {column.min()} to {column.max()}.")
