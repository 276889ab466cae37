"""Numbers as small integers: bias and decimal scale."""

from dataclasses import dataclass

import numpy as np

from frames.codecs.base import NO_CODE, Codec, Terms, refuse_long
from frames.exceptions import CodecCannotHold

_WHOLE = 2.0**53


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

    store: str
    bias: int = 0
    digits: int = 0
    missing: int | None = None

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
