"""Operators between frames and plain values, with missing values kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from frames.chunks.summary import Summary
from frames.cluster.placement import Place, summaries_at
from frames.cluster.reorder import recut
from frames.cluster.sending import gather
from frames.cluster.tasks import Step, absent, as_float, carry_out, reduce
from frames.columns.dictionary import TRUTHS
from frames.exceptions import H2OTypeError, H2OValueError
from frames.table.casts import is_truth, to_domain, to_truth
from frames.table.cells import Scalar, is_missing, is_table
from frames.table.integers import COMPARISONS, EXACT, LONGEST, as_double, calculate, compare, reach, size_of
from frames.table.table import Table
from frames.verbs.selection import cell_of


# ---- what the operators do to float64 arrays ---------------------------------------------------------------------
def _power(a, b):
    # Java's and C's pow agree that 1**NaN is 1; here a missing value stays missing.
    return np.where(np.isnan(a) | np.isnan(b), np.nan, np.power(a, b))


def _and(a, b):
    result = np.where(np.isnan(a) | np.isnan(b), np.nan, 1.0)
    return np.where((a == 0) | (b == 0), 0.0, result)


def _or(a, b):
    result = np.where(np.isnan(a) | np.isnan(b), np.nan, 0.0)
    return np.where(((a != 0) & ~np.isnan(a)) | ((b != 0) & ~np.isnan(b)), 1.0, result)


ARITHMETIC: dict[str, Callable] = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide,
    "//": np.floor_divide, "%": np.mod, "**": _power,
}  # fmt: skip
LOGIC: dict[str, Callable] = {"&": _and, "|": _or}
NUMBERS = ("int", "real", "time")


# ---- tasks -------------------------------------------------------------------------------------------------------
def _sides(arguments: tuple) -> tuple[str, Any, Any]:
    """Return what the task of an operator is given: one or two columns, sign, scalar, whether sides are swapped."""
    *columns, sign, scalar, swapped = arguments
    left, right = columns[0], scalar if len(columns) == 1 else columns[1]
    return (sign, right, left) if swapped else (sign, left, right)


def _calculate(*arguments) -> list[np.ndarray]:
    """Run as a task: `left operator right` for columns or scalars, in doubles; comparisons are exact."""
    sign, left, right = _sides(arguments)
    with np.errstate(all="ignore"):
        if sign in COMPARISONS:
            return [compare(sign, left, right)]
        left, right = (as_float(v) if isinstance(v, np.ndarray) else as_double(v) for v in (left, right))
        return [np.asarray({**ARITHMETIC, **LOGIC}[sign](left, right), dtype=np.float64)]


def _calculate_small(*arguments) -> list[np.ndarray]:
    """Run as a task: `left operator right` for integers that doubles hold, as the result: no integer is -0.0."""
    (result,) = _calculate(*arguments)
    result += 0.0
    return [result]


def _calculate_exactly(*arguments) -> list[np.ndarray]:
    """Run as a task: `left operator right` for integers, in integers; asked only where `_fits` would say yes."""
    return [calculate(*_sides(arguments))]  # type: ignore[list-item]


def _fits(*arguments) -> bool:
    """Run as a task: can int64 hold `left operator right` of these integers?"""
    return calculate(*_sides(arguments)) is not None


def _compare_texts(*arguments) -> list[np.ndarray]:
    """Run as a task: compare codes or texts; a missing cell is unequal to every other."""
    sign, left, right = _sides(arguments)
    gap = np.zeros(len(arguments[0]), bool)
    cleaned = []
    for side in (left, right):
        if isinstance(side, np.ndarray):
            gap = gap | absent(side)
            # None cannot be ordered against a string; these cells are missing anyway.
            side = np.where(absent(side), "", side) if side.dtype == object else side
        cleaned.append(side)
    return [np.where(gap, sign == "!=", COMPARISONS[sign](*cleaned).astype(bool))]


def _compare_levels(codes: np.ndarray, table: np.ndarray) -> list[np.ndarray]:
    return [table[codes]]


def _same_for_all(values: np.ndarray, truth: bool) -> list[np.ndarray]:
    return [np.full(len(values), truth)]


def _is_missing(values: np.ndarray, truth: bool) -> list[np.ndarray]:
    return [absent(values) == truth]


def _negate(values: np.ndarray) -> list[np.ndarray]:
    return [np.where(absent(values), np.nan, values == 0)]


class Operand:
    """The right side of an operator, prepared for every column of the left frame: scalars or places."""

    def __init__(self, left: Table, right: Any, sign: str) -> None:
        self.count = left.ncol
        if right is None:
            raise H2OTypeError(
                f"The right side of {sign} must be a frame, number, string or date; got None. Use == None or isna() to "
                "ask for missing cells."
            )
        if not is_table(right):
            if isinstance(right, str) or right is None or not hasattr(right, "__len__"):
                self.items: list = [Scalar(right)] * self.count
                return
            raise H2OTypeError(
                f"The right side of {sign} must be a frame, number, string or date; got {type(right).__name__}. "
                "Make it an H2OFrame first."
            )
        if right.ncol not in (1, left.ncol):
            raise H2OValueError(
                f"Frames under {sign} must have the same number of columns, or one on the right; "
                f"got {left.ncol} and {right.ncol}."
            )
        if right.nrow == 1 and left.nrow != 1:
            self.items = [Scalar(cell_of(column, 0)) for column in right.columns()]
        elif right.nrow != left.nrow:
            raise H2OValueError(
                f"Frames under {sign} must have the same number of rows, or one row on the right; "
                f"got {left.nrow} and {right.nrow}."
            )
        else:
            self.items = list(recut(right.resolved, right.rows, left.rows))
        if right.ncol == 1:
            self.items = self.items * self.count


def _wrong(sign: str, name: str, left: str | None, right: Any) -> H2OValueError:
    return H2OValueError(
        f"{sign} must be given numbers (== and != also levels or strings); column '{name}' is {left}, "
        f"the other side {right}. Convert with asnumeric() or ascharacter()."
    )


def combine(name: str, place: Place, rows: Sequence[int], sign: str, item: Any, swapped: bool) -> Step:
    """One column under one operator; a new column of numbers (0 and 1 for comparisons and logic)."""
    if isinstance(item, Scalar):
        return _with_scalar(name, place, rows, sign=sign, scalar=item, swapped=swapped)
    if place.type in NUMBERS and item.type in NUMBERS:
        return _numeric((place, item), rows, sign, None, swapped)
    if sign in ("==", "!=") and place.type == item.type == "enum":
        domain = tuple(dict.fromkeys([*(place.domain or ()), *(item.domain or ())]))
        pair = (place, to_domain(item, rows, domain))
        return Step(pair, _compare_texts, "int", None, (sign, None, swapped))
    if sign in COMPARISONS and place.type == item.type and place.type in ("string", "uuid"):
        return Step((place, item), _compare_texts, "int", None, (sign, None, swapped))
    raise _wrong(sign, name, place.type, item.type)


def _with_scalar(name: str, place: Place, rows: Sequence[int], sign: str, scalar: Scalar, swapped: bool) -> Step:
    if place.type in NUMBERS and scalar.type != "text":
        return _numeric(
            (place,),
            rows,
            sign,
            value=np.nan if scalar.type == "missing" else scalar.value,
            swapped=swapped,
            scalar=scalar,
        )
    if scalar.type == "missing" and sign in COMPARISONS:
        return Step((place,), _same_for_all, "int", None, (sign == "!=",))
    if is_truth(place) and scalar.type == "int" and sign in ("==", "!="):
        same = [(TRUTHS.index(level) == scalar.value) == (sign == "==") for level in place.domain or ()]
        return Step((place,), _compare_levels, "int", None, (np.array([*same, sign == "!="]),))
    if scalar.type == "text" and sign in COMPARISONS:
        if place.type == "enum" and sign in ("==", "!="):
            same = [(level == scalar.value) == (sign == "==") for level in place.domain or ()]
            return Step((place,), _compare_levels, "int", None, (np.array([*same, sign == "!="]),))
        if place.type in ("string", "uuid"):
            return Step((place,), _compare_texts, "int", None, (sign, scalar.value, swapped))
    raise _wrong(sign, name, place.type, f"{scalar.value!r}")


def _numeric(
    places: tuple[Place, ...], rows: Sequence[int], sign: str, value: Any, swapped: bool, scalar: Scalar | None = None
) -> Step:
    """Columns of numbers, or one and a number: exact where all are integers and doubles would round."""
    arguments = (sign, value, swapped)
    if sign in COMPARISONS or sign in LOGIC:
        return Step(places, _calculate, "int", None, arguments)
    types = [place.type for place in places] + ([scalar.type] if scalar else [])
    types = types[::-1] if swapped else types
    type_: Any = "time" if (sign, *types) in _SHIFTED_TIMES else None
    if sign == "/" or "real" in types or "missing" in types:
        return Step(places, _calculate, type_, None, arguments)
    if _goes_beyond(places, rows, arguments):
        return Step(places, _calculate_exactly, type_, None, arguments)
    return Step(places, _calculate if sign in ("+", "-") else _calculate_small, type_, None, arguments)


_SHIFTED_TIMES = {("+", "time", "int"), ("+", "int", "time"), ("-", "time", "int")}


def _goes_beyond(places: tuple[Place, ...], rows: Sequence[int], arguments: tuple) -> bool:
    """Whether doubles would round somewhere, and int64 would not."""
    sign, value, swapped = arguments
    sides: list[Any] = [*summaries_at(places), *([] if len(places) == 2 else [value])]
    if not all(side.all_integer for side in sides if isinstance(side, Summary)):
        return False
    sides = sides[::-1] if swapped else sides
    sizes = [size_of(side) for side in sides]
    bound = reach(sign, *sizes)
    if max(bound, *sizes) <= EXACT:
        return False
    if bound <= LONGEST and sign in ("+", "-", "*", "%"):
        return True
    return all(gather(reduce(places, rows, _fits, arguments)))


def _as_truths(value: Any) -> Any:
    """Return a frame with 0 and 1 in place of bool; anything else as it is."""
    if not is_table(value) or not any(map(is_truth, value.resolved)):
        return value
    return value.with_places(carry_out([to_truth(place) for place in value.resolved], value.rows))


def operate(table: Table, sign: str, other: Any, swapped: bool = False) -> Table:
    """Apply an operator cell by cell; `swapped`: the other side stands on the left.

    Raises H2OTypeError and H2OValueError where types or sizes do not agree. Example: ``operate(table, "+", 1)``.
    """
    if is_table(other) and table.ncol == 1 and other.ncol > 1:
        return _widen(other, table, sign)
    if sign in LOGIC:
        table, other = _as_truths(table), _as_truths(other)
    names, rows = table.names, table.rows
    operand = Operand(table, other, sign)
    columns = zip(names, table.resolved, operand.items, strict=True)
    if sign in ARITHMETIC:
        places = [p for p in (*table.resolved, *operand.items) if isinstance(p, Place)]
        summaries_at(
            [p for p in places if p.type in ("int", "time")]
        )  # all at once: combine() then asks column by column
    steps = [combine(n, p, rows, sign=sign, item=item, swapped=swapped) for n, p, item in columns]
    return table.with_places(carry_out(steps, rows))


def _widen(table: Table, left: Any, sign: str) -> Table:
    """One left column serves all columns of this frame."""
    return operate(table, sign, left, swapped=True)


def equal(table: Table, other: Any) -> Table:
    """1 where the cells are equal, else 0; with None, where a cell is missing."""
    return _missing(table, True) if is_missing(other) else operate(table, "==", other)


def not_equal(table: Table, other: Any) -> Table:
    """1 where the cells differ, else 0; with None, where a cell is present."""
    return _missing(table, False) if is_missing(other) else operate(table, "!=", other)


def _missing(table: Table, truth: bool) -> Table:
    """1 where a cell is missing (or, with False, where it is not), else 0."""
    steps = [Step((place,), _is_missing, "int", None, (truth,)) for place in table.places]
    return table.with_places(carry_out(steps, table.rows))


def invert(table: Table) -> Table:
    """1 where a cell is 0, else 0."""
    steps, truths = [], _as_truths(table)
    for name, place in zip(table.names, truths.resolved, strict=True):
        if place.type not in NUMBERS:
            raise _wrong("~", name, place.type, "missing")
        steps.append(Step((place,), _negate, "int"))
    return table.with_places(carry_out(steps, table.rows))


def negative(table: Table) -> Table:
    """Every cell with the other sign."""
    return operate(table, "*", -1)


def positive(table: Table) -> Table:
    """Return the same cells."""
    return table.with_places(table.places)


def logical_negation(table: Table) -> Table:
    """1 where a cell is 0, 0 where it is another number, missing where it is missing."""
    return invert(table)
