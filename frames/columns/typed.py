"""A column as `Chunk.pack` wants it, and the steps from what a source holds to that; the rules are in docs/data.md."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from frames.chunks.column import Type
from frames.chunks.summary import MISSING_INTEGER
from frames.columns.dictionary import Dictionary, GivenUp, Verdict, clean, number_in, text_of
from frames.columns.kinds import decide, report

_EXACT = 2**53


class Typed(NamedTuple):
    """A column as `Chunk.pack` wants it; `given_up` counts the cells that its type could not hold."""

    values: np.ndarray
    type: Type
    domain: tuple[str, ...] | None = None
    given_up: GivenUp | None = None


def from_numbers(array: np.ndarray, absent: np.ndarray | None = None) -> Typed:
    """Return numbers of any integer or float dtype as a column: int where all are whole, else real.

    `absent` (bool per row) says which rows are missing besides NaN. Without any present value the column is real.
    """
    if absent is not None and absent.any():
        array = _with_gaps(array, absent)
    if array.dtype.kind in "iu":
        if array.dtype == np.uint64 and len(array) and array.max() > np.iinfo(np.int64).max:
            return Typed(array.astype(np.float64), "real")
        some = len(array) and not (array.dtype == np.int64 and (array == MISSING_INTEGER).all())
        return Typed(array, "int" if some else "real")
    array = array.astype(np.float64, copy=False)
    # Most columns of reals show themselves in their first rows.
    whole = _is_whole(array[:64]) and _is_whole(array) and not np.isnan(array).all()
    return Typed(array, "int" if whole else "real")


def _is_whole(array: np.ndarray) -> bool:
    """Whether every present value is an integer that int64 holds."""
    present = array[~np.isnan(array)]
    return bool((np.rint(present) == present).all()) and float(np.abs(present).max(initial=0.0)) < 2.0**63


def without_marker(array: np.ndarray) -> np.ndarray:
    """Return integers from outside; as doubles where one is -2**63, which stands for missing in here.

    >>> without_marker(np.array([-(2**63), 1]))
    array([-9.22337204e+18,  1.00000000e+00])
    """
    marked = array.dtype == np.int64 and len(array) and array.min() == MISSING_INTEGER
    return array.astype(np.float64) if marked else array


def _with_gaps(array: np.ndarray, absent: np.ndarray) -> np.ndarray:
    """Numbers with gaps: float64, or int64 with -2**63 where float64 would round an integer."""
    if array.dtype.kind in "iu":
        filled = np.where(absent, 0, array)
        top = int(filled.max(initial=0))
        if max(-int(filled.min(initial=0)), top) > _EXACT and top < 2**63:
            return np.where(absent, MISSING_INTEGER, filled.astype(np.int64))
        array = filled
    return np.where(absent, np.nan, array.astype(np.float64))


def from_times(stamps: np.ndarray) -> Typed:
    """Return datetime64 of any unit as a column of times; what is finer than a millisecond is cut."""
    # NumPy rounds down: what lies before 1970 as well, and without a way through doubles.
    return Typed(np.where(np.isnat(stamps), np.nan, stamps.astype("M8[ms]").astype(np.int64)), "time")


def as_texts(found: Typed | Dictionary) -> Dictionary:
    """Return a column as texts: numbers as `text_of` writes them, times as 2020-01-31 13:05:59.

    >>> as_texts(from_numbers(np.array([2.0, 0.5, np.nan]))).levels
    ('0.5', '2')
    """
    if isinstance(found, Dictionary):
        return found
    distinct, codes = np.unique(found.values, return_inverse=True)
    if found.type == "time":
        gone = np.isnan(distinct)
        stamps = np.where(gone, 0, distinct).astype(np.int64).astype("M8[ms]")
        texts = [None if nat else _moment(stamp) for nat, stamp in zip(gone, stamps, strict=True)]
    else:
        missing = MISSING_INTEGER if found.values.dtype == np.int64 else None
        texts = [None if number == missing else text_of(number) for number in distinct.tolist()]
    return clean(texts, codes.astype(np.int32))


def _moment(stamp: np.datetime64) -> str:
    return str(stamp).replace("T", " ").removesuffix(".000")


def without(found: Typed | Dictionary, words: Collection[str]) -> Typed | Dictionary:
    """Return a column in which the words of `na_strings` are missing, in columns of numbers the numbers they are."""
    if not words:
        return found
    if isinstance(found, Dictionary):
        return clean(found.levels, found.codes, frozenset(words), found.categories)
    if found.type == "time":
        return found
    numbers = [number for number in map(number_in, words) if number is not None]
    gone = np.isin(found.values, np.array(numbers, found.values.dtype if found.values.dtype.kind == "f" else None))
    if not gone.any():
        return found
    if found.values.dtype == np.int64:
        gone |= found.values == MISSING_INTEGER
    return from_numbers(found.values, gone)


def settle(found: Typed | Dictionary, wanted: Type | None = None) -> Typed:
    """Return a whole column under the type that the user wants of it, or under the one that its cells decide."""
    if isinstance(found, Typed):
        if wanted is None or wanted == found.type or (found.type, wanted) == ("time", "real"):
            return found._replace(type=wanted or found.type)
        if wanted == "time":
            return Typed(_as_float(found.values), "time")
        if wanted in ("int", "real"):
            return found._replace(type=_number_type(found, wanted))
    text = as_texts(found)
    verdict = decide([report(text, wanted)], wanted)
    return Typed(text.column(verdict), verdict.type, verdict.domain, verdict.given_up)


def _as_float(values: np.ndarray) -> np.ndarray:
    if values.dtype != np.int64:
        return values
    return np.where(values == MISSING_INTEGER, np.nan, values.astype(np.float64))


def _number_type(found: Typed, wanted: Type) -> Type:
    """No declaration changes a number: fractions stay real, integers that float64 would round stay int."""
    if found.values.dtype.kind == "f" and np.isnan(found.values).all():
        return wanted
    if found.type == "int" and wanted == "real":
        return "int" if found.values.dtype == np.int64 and _would_round(found.values) else "real"
    if found.type == "real" and wanted == "int":
        nothing = found.values.dtype.kind != "f" or bool(np.isnan(found.values).all())
        return "int" if nothing else "real"
    return "int" if found.type == "time" else found.type


def _would_round(values: np.ndarray) -> bool:
    """Whether float64 would round one of these integers."""
    present = values[values != MISSING_INTEGER]
    doubles = present.astype(np.float64)
    large = doubles >= 2.0**63  # an int64 that is rounded to this is another one
    return bool(large.any() or (np.where(large, 0, doubles).astype(np.int64) != present).any())


def with_domain(found: Typed | Dictionary, domain: Sequence[str]) -> Typed:
    """Return a column of texts as an enum with the levels given; other texts are missing."""
    levels = tuple(domain)
    return Typed(as_texts(found).column(Verdict("enum", levels)), "enum", levels)
