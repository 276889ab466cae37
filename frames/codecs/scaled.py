"""Numbers as small integers: bias and decimal scale."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from frames.codecs.base import NO_CODE, PROBE, Codec, Column, Facts, Terms, begins, refuse_long
from frames.exceptions import CodecCannotHold

_WHOLE = 2.0**53
_DECIMALS = (1, 2, 3, 4, 5, 6, 7, 8, 9)


@dataclass(frozen=True)
class Scaled(Codec):
    """Holds numbers with few decimals, or multiples of a power of ten: value = (code + bias) / 10**digits.

    `store` is "u1", "u2", "i4" or "i8"; `digits` may be negative (multiples of ten, thousand, ...); `missing` is the
    reserved code or None. The division of two exact integers rounds once, so that a double read from decimal text comes
    back bit for bit; `encode` verifies it all the same. -0.0 and infinities are refused.

    >>> codec = Scaled("u1", 0, 1)
    >>> codec.encode(np.array([5.1, 0.2])), codec.decode(np.array([51, 2], np.uint8), 2)
    (array([51,  2], dtype=uint8), array([5.1, 0.2]))
    """

    least: ClassVar[float] = 1.0
    by_range: ClassVar[bool] = True
    store: str
    bias: int = 0
    digits: int = 0
    missing: int | None = None

    @classmethod
    def offers(cls, column):
        if column.whole:
            for codec in _whole(column.values, column.facts):
                yield float(codec.dtype.itemsize), codec
        else:
            for codec in _decimals(column):
                wide = codec.dtype.itemsize == 4
                yield 4.5 if wide else float(codec.dtype.itemsize), codec  # as short as a float32, which reads faster

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(self.store)

    @property
    def terms(self) -> Terms:
        scale = 10.0**-self.digits if self.digits >= 0 else float(10**-self.digits)
        return Terms(scale, self._value(np.float64(self.bias)), NO_CODE if self.missing is None else self.missing)

    def _value(self, whole):
        if self.digits == 0:
            return whole
        return whole / float(10**self.digits) if self.digits > 0 else whole * float(10**-self.digits)

    def encode(self, column: np.ndarray) -> np.ndarray:
        if column.dtype.kind in "iub" and self.bias == 0 and self.digits == 0:
            return self._narrow(column)
        if column.dtype.kind not in "fiub":
            raise CodecCannotHold(f"A scaled column must hold numbers; got dtype {column.dtype}.")
        refuse_long(column)
        values = column.astype(np.float64)
        absent = np.isnan(values)
        some = bool(absent.any())
        if some and self.missing is None:
            raise CodecCannotHold("A column with missing values needs a code for them; this codec has none.")
        with np.errstate(all="ignore"):
            shifted = values * 10.0**self.digits if self.digits >= 0 else values / 10.0**-self.digits
            whole = np.rint(np.where(absent, float(self.bias), shifted) if some else shifted)
            self._must_fit(whole)
            codes = (whole - self.bias).astype(self.dtype)
        if some:
            if self.missing is not None and (codes[~absent] == self.missing).any():
                raise CodecCannotHold(f"The code {self.missing} is reserved for missing values.")
            codes[absent] = self.missing
        self._must_return(codes, values)
        return codes

    def _must_fit(self, whole: np.ndarray) -> None:
        limits = np.iinfo(self.dtype)
        low, high = max(limits.min + self.bias, -_WHOLE), min(limits.max + self.bias, _WHOLE)
        if not bool(((whole >= low) & (whole <= high)).all()):
            raise CodecCannotHold(
                f"Values times 10^{self.digits} must lie between {low:.0f} and {high:.0f}; got "
                f"{np.nanmin(whole):.6g} to {np.nanmax(whole):.6g}."
            )

    def _must_return(self, codes: np.ndarray, values: np.ndarray) -> None:
        """Compare the bits: this also refuses -0.0, and NaN is one value whatever its payload."""
        back = self.decode(codes, len(codes))
        same = back.view(np.int64) == values.view(np.int64)
        if not same.all() and not (same | (np.isnan(back) & np.isnan(values))).all():
            raise CodecCannotHold(f"Values must have at most {self.digits} decimals to be held in {self.store}.")

    def _narrow(self, column: np.ndarray) -> np.ndarray:
        """Integers of any dtype to codes, without a way through float64."""
        limits = np.iinfo(self.dtype)
        if len(column):
            low, high = int(column.min()), int(column.max())
            if low < limits.min or high > limits.max or max(-low, high) > _WHOLE:
                raise CodecCannotHold(f"Integers must lie between {limits.min} and {limits.max}; got {low} to {high}.")
            if self.missing is not None and low <= self.missing <= high and (column == self.missing).any():
                raise CodecCannotHold(f"The code {self.missing} is reserved for missing values.")
        return column.astype(self.dtype, copy=False)

    def encode_bytes(self, column: np.ndarray) -> np.ndarray:
        return column if (self.store, self.bias, self.digits) == ("u1", 0, 0) else self.encode(column)

    def decode(self, codes: np.ndarray, rows: int) -> np.ndarray:
        values = codes.astype(np.float64)
        if self.bias:
            values += self.bias
        if self.digits > 0:
            values /= float(10**self.digits)
        elif self.digits < 0:
            values *= float(10**-self.digits)
        if self.missing is not None:
            values[codes == self.missing] = np.nan
        return values


def _whole(values: np.ndarray, facts: Facts) -> Iterator[Codec]:
    """Return what holds a column of integers, unless these are too long."""
    if facts.missing == facts.rows:
        return
    low, high = int(facts.minimum), int(facts.maximum)
    if max(-low, high) > 2**53 or (
        values.dtype.kind in "iu" and values.dtype.itemsize == 8 and max(-low, high) >= 2**53
    ):
        return
    missing = bool(facts.missing)
    plain = _narrowest(low, high, 0, missing)
    if plain is None or plain.dtype.itemsize >= 4:
        rounded = _rounded(values, low, high, missing)
        if rounded is not None and (plain is None or rounded.dtype.itemsize < plain.dtype.itemsize):
            plain = rounded
    yield plain or Scaled.shared("i8", 0, 0, -(2**63) if missing else None)


def _rounded(values: np.ndarray, low: int, high: int, missing: bool) -> Codec | None:
    """Return the store of integers that all end in zeros, without these."""
    for zeros in (9, 8, 7, 6, 5, 4, 3, 2, 1):
        step = 10**zeros
        if _multiples(values[:PROBE], step) and _multiples(values, step):
            return _narrowest(low // step, high // step, -zeros, missing)
    return None


def _multiples(values: np.ndarray, step: int) -> bool:
    rest = np.fmod(values, step)
    return bool(((rest == 0) | (rest != rest)).all())


def _decimals(column: Column) -> Iterator[Codec]:
    """Return stores of a column of reals by rising number of decimals, those that hold its first rows."""
    facts = column.facts
    if column.values.dtype.kind != "f" or not (np.isfinite(facts.minimum) and np.isfinite(facts.maximum)):
        return
    for digits in _DECIMALS:
        low, high = np.rint(facts.minimum * 10.0**digits), np.rint(facts.maximum * 10.0**digits)
        if max(-low, high) >= 2**31:
            return
        codec = _narrowest(int(low), int(high), digits, bool(facts.missing))
        if codec is not None and begins(codec, column.values):
            yield codec


def _narrowest(low: int, high: int, digits: int, missing: bool) -> Codec | None:
    """Return the narrowest store of integers between `low` and `high`, without bias where that costs nothing."""
    for store, top in (("u1", 255), ("u2", 65535)):
        room = top - 1 if missing else top
        bias = 0 if low >= 0 and high <= room else low
        if high - bias <= room:
            return Scaled.shared(store, bias, digits, top if missing else None)
    # One code is kept for missing values, and the bias sits in the middle where the range is off centre.
    bias = 0 if low > -(2**31) and high < 2**31 else low + 2**31 - 1
    if high - bias < 2**31 and low - bias > -(2**31):
        return Scaled.shared("i4", bias, digits, -(2**31) if missing else None)
    return None
