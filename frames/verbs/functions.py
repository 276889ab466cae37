"""Functions of every cell: roots and logarithms, rounding, running totals, choices, intervals."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from frames.chunks.summary import MISSING_INTEGER
from frames.cluster.placement import Place, summaries_at
from frames.cluster.reorder import recut
from frames.cluster.tasks import Step, absent, as_float, carry_out, derive
from frames.exceptions import H2OTypeError, H2OValueError
from frames.table.casts import to_domain, to_truth
from frames.table.cells import Scalar, all_whole, as_cells, is_table
from frames.table.integers import EXACT, LONGEST, alike, compare, rounded, size_of
from frames.table.table import Table
from frames.verbs.selection import cell_of


# ---- tasks -------------------------------------------------------------------------------------------------------
def _on_doubles(values: np.ndarray, name: str, options: tuple) -> list[np.ndarray]:
    with np.errstate(all="ignore"):
        return [np.asarray(FUNCTIONS[name](as_float(values), *options), dtype=np.float64)]


def _on_integers(values: np.ndarray, name: str, options: tuple) -> list[np.ndarray]:
    """Run as a task: a function whose result is an integer where the cell is one; exact beyond 2**53."""
    if values.dtype == np.int64:
        return [ON_INTEGERS[name](values, *options)]
    result = _on_doubles(values, name, options)[0]
    fractions = name == "signif" or (name == "round" and options[0] > 0)
    return [result if fractions else result + 0.0]  # no integer is -0.0


def _round(values: np.ndarray, digits: int) -> np.ndarray:
    """Halves to even. Cells that have no such digits stay as they are, where a product would lose or overflow them."""
    if digits < 0:
        step = 10.0 ** min(-digits, 308)
        return np.rint(values / step) * step if digits >= -308 else values * 0.0
    unit = 10.0 ** min(digits, 308)
    scaled = values * unit
    kept = ~(np.abs(scaled) < 2.0**52)
    np.rint(scaled, out=scaled)
    scaled /= unit
    scaled[kept] = values[kept]
    return scaled


def _signif(values: np.ndarray, digits: int) -> np.ndarray:
    """Significant digits of the exact value, halves to even. Text decides where a product may have been rounded."""
    if digits > 16:
        return values.copy()
    plain = (values != 0) & np.isfinite(values)
    size = np.where(plain, np.abs(values), 1.0)
    shift = digits - 1 - np.floor(np.log10(size))
    near = np.abs(shift) <= 22  # 10**22 is the last power of ten that a double holds
    power = 10.0 ** np.where(near, np.abs(shift), 0)
    scaled = np.where(shift >= 0, size * power, size / power)
    number = np.rint(scaled)
    digit_count = (number >= 10.0 ** (digits - 1)) & (number < 10.0**digits)
    sure = near & digit_count & (np.abs(scaled - np.floor(scaled) - 0.5) > 10.0**digits * 1e-15)
    result = np.where(plain, np.copysign(np.where(shift >= 0, number / power, number * power), values), values)
    for i in np.flatnonzero(plain & ~sure):
        result[i] = float(f"{values[i]:.{digits - 1}e}")
    return result


def _sinpi(values: np.ndarray) -> np.ndarray:
    turn = np.fmod(values, 2.0)
    return np.where(turn == np.trunc(turn), turn * 0.0, np.sin(np.pi * turn))


def _cospi(values: np.ndarray) -> np.ndarray:
    turn = np.abs(np.fmod(values, 2.0))
    return np.where((turn == 0.5) | (turn == 1.5), 0.0, np.cos(np.pi * turn))


def _special(name: str, *first: Any) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function of scipy.special, which is loaded when it is called: that takes as long as a small model."""

    def function(values: np.ndarray) -> np.ndarray:
        from scipy import special

        return getattr(special, name)(*first, values)

    return function


FUNCTIONS: dict[str, Callable] = {
    "abs": np.abs, "sign": np.sign, "sqrt": np.sqrt, "exp": np.exp, "expm1": np.expm1, "log": np.log,
    "log10": np.log10, "log1p": np.log1p, "log2": np.log2, "floor": np.floor, "ceiling": np.ceil, "trunc": np.trunc,
    "cos": np.cos, "sin": np.sin, "tan": np.tan, "cosh": np.cosh, "sinh": np.sinh, "tanh": np.tanh,
    "acos": np.arccos, "asin": np.arcsin, "atan": np.arctan,
    "acosh": np.arccosh, "asinh": np.arcsinh, "atanh": np.arctanh,
    "cospi": _cospi, "sinpi": _sinpi, "tanpi": lambda x: _sinpi(x) / _cospi(x),
    "gamma": _special("gamma"), "lgamma": _special("gammaln"),
    "digamma": _special("digamma"), "trigamma": _special("polygamma", 1),
    "round": _round, "signif": _signif,
}  # fmt: skip


def _kept(values: np.ndarray) -> np.ndarray:
    return values


def _rounded_integers(values: np.ndarray, digits: int) -> Any:
    return values if digits >= 0 else rounded(values, 10 ** min(-digits, 19))


def _significant_integers(values: np.ndarray, digits: int) -> np.ndarray:
    result = values.copy()
    size = np.where(absent(values), 0, np.abs(values))
    for drop in range(1, max(20 - digits, 1)):  # a cell of `digits + drop` digits loses the last `drop`
        longer = size >= 10 ** (digits + drop - 1)
        result[longer] = rounded(values[longer], 10**drop)
    return result


ON_INTEGERS: dict[str, Callable] = {
    "floor": _kept, "ceiling": _kept, "trunc": _kept, "round": _rounded_integers, "signif": _significant_integers,
    "abs": lambda x: np.where(absent(x), x, np.abs(x)),
    "sign": lambda x: np.where(absent(x), np.nan, np.sign(x)),
}  # fmt: skip


def _is_missing(values: np.ndarray) -> list[np.ndarray]:
    return [absent(values)]


def _choose(test: np.ndarray, *arguments) -> list[np.ndarray]:
    """Run as a task: yes where test is true, no where it is 0, missing where missing; scalars fill the gaps of columns.

    Integers stay integers where both sides are such (`exactly`).
    """
    *columns, scalars, domain, exactly = arguments
    columns = iter(columns)
    yes, no = [next(columns) if s is None else s.value for s in scalars]
    gap = absent(test)
    if domain is not None:
        yes, no = [(-1 if v is None else domain.index(v)) if v is None or isinstance(v, str) else v for v in (yes, no)]
        return [np.where(gap, -1, np.where(test != 0, yes, no)).astype(np.int32)]
    sides = [v if isinstance(v, np.ndarray) else as_cells(v) for v in (yes, no)]
    yes, no = alike(*sides) if exactly else [as_float(v) for v in sides]
    hole = MISSING_INTEGER if yes.dtype == np.int64 else np.nan
    return [np.where(gap, hole, np.where(test != 0, yes, no))]


def _cut(values: np.ndarray, breaks: np.ndarray, right: bool, lowest: bool) -> list[np.ndarray]:
    gaps, lowest_edge = absent(values), float(breaks[0])
    if values.dtype == np.int64:
        # An integer is above (not below) a break where it is above (not below) the integer beside it: exact.
        beside = (np.floor if right else np.ceil)(breaks)
        breaks = np.clip(beside, -(2.0**63), np.nextafter(2.0**63, 0)).astype(np.int64)
    codes = np.searchsorted(breaks, values, side="left" if right else "right") - 1
    if lowest and right:
        codes = np.where(compare("==", values, lowest_edge), 0, codes)
    outside = (codes < 0) | (codes > len(breaks) - 2) | gaps
    return [np.where(outside, -1, codes).astype(np.int32)]


def _edge_texts(edges: np.ndarray, digits: int) -> list[str]:
    """Return breaks rounded to `digits` decimals, to more where two would read alike."""
    for more in range(digits, 325):
        texts = [_decimal(round(float(edge), more)) for edge in edges]
        if len(set(texts)) == len(texts):
            return texts
    return [_decimal(float(edge)) for edge in edges]


def _decimal(number: float) -> str:
    """Return a double as H2O writes it: 0.5, 1000.0, 1.0E7."""
    if number == 0 or 1e-3 <= abs(number) < 1e7 or not math.isfinite(number):
        return repr(number + 0.0)
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    power = int(exponent) + len(digits) - 1
    rest = "".join(map(str, digits[1:])) or "0"
    return f"{'-' if sign else ''}{digits[0]}.{rest}E{power}"


def _each(table: Table, name: str, options: tuple = (), called: str | None = None) -> Table:
    """One function for every column; `called` is the pattern of the new names."""
    rows, made = table.rows, []
    for column, place in zip(table.names, table.resolved, strict=True):
        _need_number(name, column, place)
        task = _on_integers if name in ON_INTEGERS and _has_room(name, place, options) else _on_doubles
        made.append(Step((place,), task, None, None, (name, options)))
    pattern = f"{name}({{}})" if called is None else called
    return table.with_places(carry_out(made, rows), [pattern.format(column) for column in table.names])


def abs_(table: Table) -> Table:
    """Absolute value."""
    return _each(table, "abs")


def round_(table: Table, digits: int = 0) -> Table:
    """Round to `digits` decimals (with -1 to tens, with -2 to hundreds), halves to even."""
    return _each(table, "round", (_whole("digits", digits),), "{}")


def signif(table: Table, digits: int = 6) -> Table:
    """Round to `digits` significant digits."""
    if _whole("digits", digits) < 1:
        raise H2OValueError(f"digits must be at least 1; got {digits}.")
    return _each(table, "signif", (digits,), "{}")


def ceil(table: Table) -> Table:
    """Smallest whole number that is not less."""
    return _each(table, "ceiling")


def isna(table: Table) -> Table:
    """1 where a cell is missing, else 0; columns `isNA(x)`."""
    rows = table.rows
    made = carry_out([Step((place,), _is_missing, "int") for place in table.places], rows)
    return table.with_places(made, [f"isNA({name})" for name in table.names])


def ifelse(table: Table, yes: Any, no: Any) -> Table:
    """Choose by this column of 0 and 1 (or bool), row by row: `yes` where not 0, `no` where 0, missing where missing.

    `yes` and `no`: numbers, strings (the result is enum), None, or frames of one column. Column `C1`.
    """
    rows = table.rows
    (test,) = carry_out([to_truth(table.only("ifelse()"))], rows)
    if test.type not in ("int", "real"):
        raise H2OValueError(f"ifelse() must be asked of a column of numbers; got {test.type}. Compare first.")
    sides = [_side(value, table) for value in (yes, no)]
    types = {side.type for side in sides}
    places = [side for side in sides if isinstance(side, Place)]
    scalars = [None if isinstance(side, Place) else side for side in sides]
    if all(_textual(s) for s in sides) and not all(isinstance(s, Scalar) and s.value is None for s in sides):
        domain = tuple(sorted({level for side in sides for level in _levels(side)}))
        places = [to_domain(place, rows, domain) for place in places]
        made = derive(
            [test, *places], rows, _choose, types=["enum"], domains=[domain], arguments=(scalars, domain, False)
        )
        return table.with_places(made, ["C1"])
    if any(_textual(side) and not (isinstance(side, Scalar) and side.value is None) for side in sides):
        raise H2OValueError("yes and no of ifelse() must both be numbers or both be text (enum columns or strings).")
    type_: Any = "time" if "time" in types and types <= {"time", "missing"} else None
    arguments = (scalars, None, not any(s and s.type == "real" for s in scalars) and all_whole(places))
    return table.with_places(
        derive([test, *places], rows, _choose, types=[type_], domains=None, arguments=arguments), ["C1"]
    )


def cut(
    table: Table,
    breaks: Sequence[float],
    labels: Sequence[str] | None = None,
    include_lowest: bool = False,
    right: bool = True,
    dig_lab: int = 3,
) -> Table:
    """Numbers of one column as intervals (enum): `(a,b]`, or `[a,b)` with right=False; outside is missing.

    `include_lowest`: with right=True the first interval is `[a,b]`. `dig_lab`: decimals of the breaks in the
    labels, more where two breaks would read alike.
    """
    place = table.only("cut()")
    _need_number("cut", table.names[0], place)
    edges = np.unique(np.asarray(breaks, dtype=np.float64))
    if len(edges) < 2 or np.isnan(edges).any():
        raise H2OValueError(f"breaks must hold at least two different numbers; got {breaks!r}.")
    if labels is None:
        open_, close = ("(", "]") if right else ("[", ")")
        text = _edge_texts(edges, _whole("dig_lab", dig_lab))
        labels = [f"{open_}{a},{b}{close}" for a, b in itertools.pairwise(text)]
        labels[0] = f"[{labels[0][1:]}" if include_lowest else labels[0]
    if len(labels) != len(edges) - 1 or len(set(labels)) != len(labels):
        raise H2OValueError(f"labels must be {len(edges) - 1} different strings, one per interval; got {list(labels)}.")
    made = derive(
        [place], table.rows, _cut, types=["enum"], domains=[tuple(labels)], arguments=(edges, right, include_lowest)
    )
    return table.with_places(made)


def _of_cells(name: str) -> Callable[[Table], Table]:
    def function(table: Table) -> Table:
        return _each(table, name)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{name} of every cell, in doubles; columns `{name}(x)`."
    return function


OF_CELLS: dict[str, Callable[[Table], Table]] = {name: _of_cells(name) for name in FUNCTIONS}
"""The functions that take nothing but a table, by their name."""


def _need_number(call: str, name: str, place: Place) -> None:
    if place.type not in ("int", "real", "time"):
        raise H2OValueError(
            f"{call}() must be asked of columns of numbers; column '{name}' is {place.type}. "
            "Select the numeric columns, or convert with asnumeric()."
        )


def _has_room(name: str, place: Place, options: tuple) -> bool:
    """Whether integers of a column, rounded, are sure to lie in int64."""
    if name not in ("round", "signif") or place.type not in ("int", "time"):
        return True
    size = size_of(found) if (found := summaries_at([place])[0]).all_integer else 0
    digits = options[0]
    step = 10 ** max(-digits if name == "round" else 19 - digits, 0)
    return size <= EXACT or digits > 18 or (name == "round" and digits >= 0) or size + step <= LONGEST


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise H2OTypeError(f"{name} must be a whole number; got {value!r}.")
    return int(value)


def _side(value: Any, test: Table) -> Place | Scalar:
    """One branch of ifelse: a scalar, or a column cut as the test is."""
    if not is_table(value):
        return Scalar(value)
    if value.is_cell and test.nrow != 1:
        return Scalar(cell_of(value, 0))
    place = value.only("A branch of ifelse()")
    if value.nrow != test.nrow:
        raise H2OValueError(f"yes and no must have {test.nrow} rows like the test; got {value.nrow}.")
    if place.type not in ("int", "real", "time", "enum"):
        raise H2OValueError(f"yes and no must be numbers or enum; got a column of type {place.type}.")
    return recut([place], value.rows, test.rows)[0]


def _levels(side: Place | Scalar) -> tuple[str, ...]:
    if isinstance(side, Place):
        return side.domain or ()
    return () if side.value is None else (side.value,)


def _textual(side: Place | Scalar) -> bool:
    if isinstance(side, Place):
        return side.type == "enum"
    return side.type == "text" or (side.type == "missing")
