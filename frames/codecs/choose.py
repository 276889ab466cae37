"""The smallest codec that holds a column exactly."""

import importlib
import pkgutil
from functools import cache
from typing import Any, Protocol

import numpy as np

import frames.codecs
from frames.codecs.base import Codec
from frames.codecs.bit import Bit
from frames.codecs.constant import Constant, OneLevel
from frames.codecs.floats import Float32, Float64
from frames.codecs.integers import Integers
from frames.codecs.levels import Levels
from frames.codecs.scaled import Scaled
from frames.codecs.sparse import Sparse
from frames.codecs.text import Dictionary, Text
from frames.exceptions import CodecCannotHold, FrameError


class Facts(Protocol):
    """What the choice needs to know of a column; `frames.chunks.summary.Summary` has it."""

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


_SPARSE_BELOW = 1 / 8
"""Largest share of rows that are not zero for which row numbers and values beat one code per row."""

_DECIMALS = (1, 2, 3, 4, 5, 6, 7, 8, 9)
_PROBE = 64
"""Rows that are tried before a whole column is: most columns that fail a test fail it here."""


@cache
def registry() -> dict[str, type[Codec]]:
    """Return all codecs of the folder by name."""
    found: dict[str, type[Codec]] = {}
    for module in pkgutil.iter_modules(frames.codecs.__path__):
        for value in vars(importlib.import_module(f"frames.codecs.{module.name}")).values():
            if isinstance(value, type) and issubclass(value, Codec) and value is not Codec:
                found[value.__name__] = value
    return found


def from_config(config: dict[str, Any]) -> Codec:
    """Return the codec that `Codec.config` described; raises FrameError for an unknown name."""
    fields = dict(config)
    name = fields.pop("codec", None)
    if name not in registry():
        raise FrameError(f"A codec must be one of {', '.join(sorted(registry()))}; got {name!r}.")
    return registry()[name](**fields)


@cache
def _shared(kind: type[Codec], *fields: Any) -> Codec:
    # One object per configuration: hundreds of columns of a wide chunk then pickle as references to a few.
    return kind(*fields)


def choose_numbers(values: np.ndarray, facts: Facts) -> tuple[Codec, np.ndarray]:
    """Return (codec, codes) of a column of numbers, given what is known of it.

    `values` is float64 (NaN missing) or of any integer dtype. Codecs are tried from small to large; the first that
    holds the column exactly is taken.
    """
    if facts.missing == facts.rows or facts.minimum == facts.maximum:
        constant = _constant(values, facts)
        if constant is not None:
            return constant
    # No integer is -0.0: a column that has one is a column of reals.
    whole = facts.all_integer and not (values.dtype.kind == "f" and facts.zeros and _negative_zero(values))
    codec = _whole(values, facts) if whole else _decimal(values, facts)
    rest = facts.rows - facts.zeros
    if codec is None or (codec.dtype.itemsize >= 4 and rest <= facts.rows * _SPARSE_BELOW):
        for wide in _wide(codec, rest, facts.rows):
            try:
                return wide, wide.encode(values)
            except CodecCannotHold:
                continue
    if codec is None:
        raise CodecCannotHold(f"No codec holds values from {facts.minimum} to {facts.maximum} exactly.")
    return codec, codec.encode(values)


def choose_bytes(values: np.ndarray, facts: Facts) -> tuple[Codec, np.ndarray]:
    """Return (codec, codes) of a column of integers from 0 to 255 (uint8), none missing: what `choose_numbers` returns,
    found without a look at the values. Where these are the codes, they are returned as they are."""
    low, high = int(facts.minimum), int(facts.maximum)
    if low == high:
        return _shared(Constant, facts.minimum), np.empty(0, np.uint8)
    if high - low == 1:
        return _shared(Bit, low), values - np.uint8(low) if low else values
    return _shared(Scaled, "u1", 0, 0, None), values


def _constant(values: np.ndarray, facts: Facts) -> tuple[Codec, np.ndarray] | None:
    if 0 < facts.missing < facts.rows:
        return None
    codec = _shared(Constant, None if facts.missing == facts.rows else facts.minimum)
    try:
        return codec, codec.encode(values)
    except CodecCannotHold:
        return None


def _wide(codec: Codec | None, rest: int, rows: int) -> list[Codec]:
    """What may hold a column that no narrow codec holds, or that is mostly zero."""
    sparse = [_shared(Sparse, "f4"), _shared(Sparse, "f8")] if rest <= rows * _SPARSE_BELOW else []
    dense = [_shared(Float32), _shared(Float64), _shared(Integers)]
    return [*sparse, *([] if codec else dense)]


def _negative_zero(values: np.ndarray) -> bool:
    return bool(np.signbit(values[values == 0]).any())


def _whole(values: np.ndarray, facts: Facts) -> Codec | None:
    """The codec of a column of integers; None where only floats or long integers hold it."""
    low, high = int(facts.minimum), int(facts.maximum)
    if max(-low, high) > 2**53 or (
        values.dtype.kind in "iu" and values.dtype.itemsize == 8 and max(-low, high) >= 2**53
    ):
        return None
    missing = bool(facts.missing)
    if high - low == 1 and not missing:
        return _shared(Bit, low)
    codec = _integer_store(low, high, 0, missing)
    if codec is not None and codec.dtype.itemsize < 4:
        return codec
    for zeros in (9, 8, 7, 6, 5, 4, 3, 2, 1):
        step = 10**zeros
        if not (_multiples(values[:_PROBE], step) and _multiples(values, step)):
            continue
        narrow = _integer_store(low // step, high // step, -zeros, missing)
        if narrow is not None and (codec is None or narrow.dtype.itemsize < codec.dtype.itemsize):
            return narrow
        break
    return codec or _shared(Scaled, "i8", 0, 0, -(2**63) if missing else None)


def _multiples(values: np.ndarray, step: int) -> bool:
    rest = np.fmod(values, step)
    return bool(((rest == 0) | (rest != rest)).all())


def _integer_store(low: int, high: int, digits: int, missing: bool) -> Codec | None:
    """The narrowest store of integers between `low` and `high`, without bias where that costs nothing."""
    for store in ("u1", "u2"):
        top = np.iinfo(store).max
        room = top - 1 if missing else top
        bias = 0 if low >= 0 and high <= room else low
        if high - bias <= room:
            return _shared(Scaled, store, bias, digits, int(top) if missing else None)
    # One code is kept for missing values, and the bias sits in the middle where the range is off centre.
    bias = 0 if low > -(2**31) and high < 2**31 else low + 2**31 - 1
    if high - bias < 2**31 and low - bias > -(2**31):
        return _shared(Scaled, "i4", bias, digits, -(2**31) if missing else None)
    return None


def _decimal(values: np.ndarray, facts: Facts) -> Codec | None:
    """The codec of a column of reals: short decimals in one or two bytes, float32, then decimals in four bytes."""
    if values.dtype.kind != "f" or not (np.isfinite(facts.minimum) and np.isfinite(facts.maximum)):
        return None
    codec = _decimals_of(values, facts)
    if codec is not None and codec.dtype.itemsize < 4:
        return codec
    float32 = _shared(Float32)
    return float32 if _holds(float32, values) else codec


def _decimals_of(values: np.ndarray, facts: Facts) -> Codec | None:
    missing = bool(facts.missing)
    for digits in _DECIMALS:
        low, high = np.rint(facts.minimum * 10.0**digits), np.rint(facts.maximum * 10.0**digits)
        if max(-low, high) >= 2**31:
            return None
        codec = _integer_store(int(low), int(high), digits, missing)
        if codec is not None and _holds(codec, values):
            return codec
    return None


def _holds(codec: Codec, values: np.ndarray) -> bool:
    try:
        codec.encode(values[:_PROBE])
        codec.encode(values)
    except CodecCannotHold:
        return False
    return True


def choose_levels(codes: np.ndarray, facts: Facts, levels: int) -> tuple[Codec, np.ndarray]:
    """Return (codec, codes) of an enum column (int32, -1 missing) of a domain of `levels` levels."""
    if len(codes) and (facts.missing == facts.rows or (not facts.missing and facts.minimum == facts.maximum)):
        constant = _shared(OneLevel, int(codes[0]))
        return constant, constant.encode(codes)
    for store in ("u1", "u2", "i4"):
        if levels <= np.iinfo(store).max:
            codec = _shared(Levels, store)
            return codec, codec.encode(codes)
    raise CodecCannotHold(f"A domain must have fewer than 2**31 levels; got {levels}.")


def choose_text(column: np.ndarray) -> tuple[Codec, np.ndarray]:
    """Return (codec, codes) of a column of strings (object array, None missing)."""
    distinct = len(set(column.tolist()))
    if distinct <= len(column) // 2:
        for store in ("u1", "u2", "i4"):
            if distinct <= np.iinfo(store).max + 1:
                codec = _shared(Dictionary, store)
                return codec, codec.encode(column)
    codec = _shared(Text)
    return codec, codec.encode(column)
