"""Functions of every cell: roots and logarithms, rounding, running totals, choices, intervals."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from frames.body import FrameBody
from frames.cells import Scalar, is_frame
from frames.conversion import to_domain, to_truth
from frames.errors import H2OTypeError, H2OValueError
from frames.placement import Place
from frames.rows import recut
from frames.tasks import Step, absent, as_float, carry_out, derive, gather, reduce

if TYPE_CHECKING:
    from frames.frame import H2OFrame


def _on_doubles(values: np.ndarray, name: str, options: tuple) -> list[np.ndarray]:
    with np.errstate(all="ignore"):
        return [np.asarray(FUNCTIONS[name](as_float(values), *options), dtype=np.float64)]


def _signif(values: np.ndarray, digits: int) -> np.ndarray:
    size = np.where((values == 0) | ~np.isfinite(values), 1.0, np.abs(values))
    scale = 10.0 ** (digits - 1 - np.floor(np.log10(size)))
    return np.where(np.isfinite(values), np.round(values * scale) / scale, values)


FUNCTIONS: dict[str, Callable] = {
    "abs": np.abs, "sign": np.sign, "sqrt": np.sqrt, "exp": np.exp, "expm1": np.expm1, "log": np.log,
    "log10": np.log10, "log1p": np.log1p, "log2": np.log2, "floor": np.floor, "ceiling": np.ceil, "trunc": np.trunc,
    "cos": np.cos, "sin": np.sin, "tan": np.tan, "cosh": np.cosh, "sinh": np.sinh, "tanh": np.tanh,
    "acos": np.arccos, "asin": np.arcsin, "atan": np.arctan,
    "acosh": np.arccosh, "asinh": np.arcsinh, "atanh": np.arctanh,
    "cospi": lambda x: np.cos(np.pi * x), "sinpi": lambda x: np.sin(np.pi * x), "tanpi": lambda x: np.tan(np.pi * x),
    "gamma": special.gamma, "lgamma": special.gammaln,
    "digamma": special.digamma, "trigamma": lambda x: special.polygamma(1, x),
    "round": np.round, "signif": _signif,
}  # fmt: skip

RUNNING: dict[str, tuple[Callable, Callable, float]] = {  # accumulate, join, neutral value
    "cumsum": (np.cumsum, np.add, 0.0),
    "cumprod": (np.cumprod, np.multiply, 1.0),
    "cummax": (np.maximum.accumulate, np.maximum, -np.inf),
    "cummin": (np.minimum.accumulate, np.minimum, np.inf),
}


def _end(*arguments) -> list[float]:
    """A task: where the running totals of a partition end."""
    *columns, name = arguments
    accumulate, _, neutral = RUNNING[name]
    return [float(accumulate(as_float(c))[-1]) if len(c) else neutral for c in columns]


def _run_on(*arguments) -> list[np.ndarray]:
    *columns, offsets, name = arguments
    accumulate, join, _ = RUNNING[name]
    return [join(accumulate(as_float(c)), o) for c, o in zip(columns, offsets, strict=True)]


def _run_across(*arguments) -> list[np.ndarray]:
    *columns, name = arguments
    return list(RUNNING[name][0](np.stack([as_float(c) for c in columns]), axis=0))


def _is_missing(values: np.ndarray) -> list[np.ndarray]:
    return [absent(values)]


def _choose(test: np.ndarray, *arguments) -> list[np.ndarray]:
    """A task: yes where test is true, no where it is 0, missing where missing; scalars fill the gaps of columns."""
    *columns, scalars, domain = arguments
    columns = iter(columns)
    yes, no = [next(columns) if s is None else s.value for s in scalars]
    gap = absent(test)
    if domain is not None:
        yes, no = [(-1 if v is None else domain.index(v)) if v is None or isinstance(v, str) else v for v in (yes, no)]
        return [np.where(gap, -1, np.where(test != 0, yes, no)).astype(np.int32)]
    yes, no = [as_float(v) if isinstance(v, np.ndarray) else np.nan if v is None else float(v) for v in (yes, no)]
    return [np.where(gap, np.nan, np.where(test != 0, yes, no))]


def _cut(values: np.ndarray, breaks: np.ndarray, right: bool, lowest: bool) -> list[np.ndarray]:
    values = as_float(values)
    codes = np.searchsorted(breaks, values, side="left" if right else "right") - 1
    edge, end = (breaks[0], 0) if right else (breaks[-1], len(breaks) - 2)
    if lowest:
        codes = np.where(values == edge, end, codes)
    outside = (codes < 0) | (codes > len(breaks) - 2) | np.isnan(values)
    return [np.where(outside, -1, codes).astype(np.int32)]


class Functions(FrameBody):
    """Methods that compute every cell anew. Columns of results are named `log(x)` and the like."""

    def _each(self, name: str, options: tuple = (), called: str | None = None) -> H2OFrame:
        """One function for every column; `called` is the pattern of the new names."""
        rows, made = self._body.rows, []
        for column, place in zip(self._body.names, self._resolved(), strict=True):
            _need_number(name, column, place)
            made.append(Step((place,), _on_doubles, None, None, (name, options)))
        pattern = f"{name}({{}})" if called is None else called
        return self._replace(carry_out(made, rows), [pattern.format(column) for column in self._body.names])

    def abs(self) -> H2OFrame:
        """Absolute value."""
        return self._each("abs")

    def __abs__(self) -> H2OFrame:
        return self.abs()

    def round(self, digits: int = 0) -> H2OFrame:
        """Round to `digits` decimals, halves to even."""
        return self._each("round", (_whole("digits", digits),), "{}")

    def __round__(self, digits: int = 0) -> H2OFrame:
        return self.round(digits or 0)

    def signif(self, digits: int = 6) -> H2OFrame:
        """Round to `digits` significant digits."""
        if _whole("digits", digits) < 1:
            raise H2OValueError(f"digits must be at least 1; got {digits}.")
        return self._each("signif", (digits,), "{}")

    def __floor__(self) -> H2OFrame:
        return self._each("floor")

    def __ceil__(self) -> H2OFrame:
        return self._each("ceiling")

    def __trunc__(self) -> H2OFrame:
        return self._each("trunc")

    def ceil(self) -> H2OFrame:
        """Smallest whole number that is not less."""
        return self._each("ceiling")

    # ---- running totals ----------------------------------------------------------------------------------------
    def _running(self, name: str, axis: int) -> H2OFrame:
        places, rows = self._resolved(), self._body.rows
        for column, place in zip(self._body.names, places, strict=True):
            _need_number(name, column, place)
        if axis == 1:
            return self._replace(derive(places, rows, _run_across, [None] * len(places), None, (name,)))
        if axis != 0:
            raise H2OValueError(f"axis must be 0 (down the rows) or 1 (across the columns); got {axis!r}.")
        join, neutral = RUNNING[name][1:]
        offsets, ends = [np.full(len(places), neutral)], gather(reduce(places, rows, _end, (name,)))
        for end in ends[:-1]:
            offsets.append(join(offsets[-1], end))
        local = [(offset,) for offset in offsets]
        return self._replace(derive(places, rows, _run_on, [None] * len(places), None, (name,), local))

    def cumsum(self, axis: int = 0) -> H2OFrame:
        """Running sum down the rows (axis 0) or across the columns (1); missing from the first missing cell on."""
        return self._running("cumsum", axis)

    def cumprod(self, axis: int = 0) -> H2OFrame:
        """Running product."""
        return self._running("cumprod", axis)

    def cummax(self, axis: int = 0) -> H2OFrame:
        """Running maximum."""
        return self._running("cummax", axis)

    def cummin(self, axis: int = 0) -> H2OFrame:
        """Running minimum."""
        return self._running("cummin", axis)

    # ---- missing, choices, intervals ---------------------------------------------------------------------------
    def isna(self) -> H2OFrame:
        """1 where a cell is missing, else 0; columns `isNA(x)`."""
        rows = self._body.rows
        made = carry_out([Step((place,), _is_missing, "int") for place in self._body.places], rows)
        return self._replace(made, [f"isNA({name})" for name in self._body.names])

    def ifelse(self, yes: Any, no: Any) -> H2OFrame:
        """This column of 0 and 1 (or bool) decides, row by row: `yes` where not 0, `no` where 0, missing where missing.

        `yes` and `no`: numbers, strings (the result is enum), None, or frames of one column. Column `C1`.
        """
        rows = self._body.rows
        (test,) = carry_out([to_truth(self._only("ifelse()"))], rows)
        if test.type not in ("int", "real"):
            raise H2OValueError(f"ifelse() must be asked of a column of numbers; got {test.type}. Compare first.")
        sides = [_side(value, self) for value in (yes, no)]
        places = [side for side in sides if isinstance(side, Place)]
        scalars = [None if isinstance(side, Place) else side for side in sides]
        if all(_textual(s) for s in sides) and not all(isinstance(s, Scalar) and s.value is None for s in sides):
            domain = tuple(sorted({level for side in sides for level in _levels(side)}))
            places = [to_domain(place, rows, domain) for place in places]
            return self._replace(derive([test, *places], rows, _choose, ["enum"], [domain], (scalars, domain)), ["C1"])
        if any(_textual(side) and not (isinstance(side, Scalar) and side.value is None) for side in sides):
            raise H2OValueError(
                "yes and no of ifelse() must both be numbers or both be text (enum columns or strings)."
            )
        return self._replace(derive([test, *places], rows, _choose, [None], None, (scalars, None)), ["C1"])

    def cut(
        self,
        breaks: Sequence[float],
        labels: Sequence[str] | None = None,
        include_lowest: bool = False,
        right: bool = True,
        dig_lab: int = 3,
    ) -> H2OFrame:
        """Numbers of one column as intervals (enum): `(a,b]`, or `[a,b)` with right=False; outside is missing.

        `include_lowest` closes the outermost open end; `dig_lab` significant digits in the labels.
        """
        place = self._only("cut()")
        _need_number("cut", self._body.names[0], place)
        edges = np.unique(np.asarray(breaks, dtype=np.float64))
        if len(edges) < 2:
            raise H2OValueError(f"breaks must hold at least two different numbers; got {breaks!r}.")
        if labels is None:
            open_, close = ("(", "]") if right else ("[", ")")
            text = [f"{edge:.{dig_lab}g}" for edge in edges]
            labels = [f"{open_}{a},{b}{close}" for a, b in itertools.pairwise(text)]
        if len(labels) != len(edges) - 1 or len(set(labels)) != len(labels):
            raise H2OValueError(
                f"labels must be {len(edges) - 1} different strings, one per interval; got {list(labels)}."
            )
        made = derive([place], self._body.rows, _cut, ["enum"], [tuple(labels)], (edges, right, include_lowest))
        return self._replace(made)


def _method(name: str, sentence: str) -> Callable:
    def method(self: Functions) -> H2OFrame:
        return self._each(name)

    method.__name__, method.__doc__ = name, sentence
    method.__qualname__ = f"Functions.{name}"
    return method


for _name in FUNCTIONS:
    if not hasattr(Functions, _name):
        setattr(Functions, _name, _method(_name, f"{_name} of every cell, in doubles; columns `{_name}(x)`."))


def _need_number(call: str, name: str, place: Place) -> None:
    if place.type not in ("int", "real", "time"):
        raise H2OValueError(
            f"{call}() must be asked of columns of numbers; column '{name}' is {place.type}. "
            "Select the numeric columns, or convert with asnumeric()."
        )


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise H2OTypeError(f"{name} must be a whole number; got {value!r}.")
    return int(value)


def _side(value: Any, test: FrameBody) -> Place | Scalar:
    """One branch of ifelse: a scalar, or a column cut as the test is."""
    if not is_frame(value):
        return Scalar(value)
    if value.shape == (1, 1) and test.nrow != 1:
        return Scalar(value._cell(0))
    place = value._only("A branch of ifelse()")
    if value.nrow != test.nrow:
        raise H2OValueError(f"yes and no must have {test.nrow} rows like the test; got {value.nrow}.")
    if place.type not in ("int", "real", "time", "enum"):
        raise H2OValueError(f"yes and no must be numbers or enum; got a column of type {place.type}.")
    return recut([place], value._body.rows, test._body.rows)[0]


def _levels(side: Place | Scalar) -> tuple[str, ...]:
    if isinstance(side, Place):
        return side.domain or ()
    return () if side.value is None else (side.value,)


def _textual(side: Place | Scalar) -> bool:
    if isinstance(side, Place):
        return side.type == "enum"
    return side.type == "text" or (side.type == "missing")
