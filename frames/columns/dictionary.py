"""A column of text while nobody has decided yet what it means: its distinct texts, and which row has which."""

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from frames.chunks.column import Type
from frames.exceptions import H2OTypeError
from frames.text.dates import lenient_milliseconds
from frames.text.zones import UTC

NO_VALUE = frozenset({""})
"""Texts that mean missing in every column."""

NO_NUMBER = frozenset({"NA", "na", "N/A", "n/a", "NaN", "nan", "NAN", "null", "NULL"})
"""Texts that mean missing in columns of numbers, times and UUIDs; among other texts they are texts like any other."""

TRUTHS = ("False", "True")
"""Levels of a column of bool, in the order of their codes."""

MANY_TEXTS = 100
DISTINCT_SHARE = 0.95
"""A column is text, not categories, when it has more than `MANY_TEXTS` distinct values and these are more than this
share of its values."""

MILLISECONDS = -1
"""The form of times that are numbers: milliseconds since 1970-01-01 UTC. Only where the user declares times."""

MOST_LEVELS = 10_000_000
"""No column has more categories than this; it is text then."""

NO_DURATIONS = (
    "A column must not hold durations (timedelta): no type stands for them. Make numbers of them first: divide by a "
    "unit of time, as in table['x'] / pd.Timedelta('1s')."
)

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?[iI]nf(inity)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,20}", re.ASCII)
_LONG = 2**63


class GivenUp(NamedTuple):
    """Cells that are missing because the type of their column cannot hold them: `rows` of the `present` ones.

    `texts` are some of them, each with its rows, the most frequent first.
    """

    rows: int
    present: int
    texts: tuple[tuple[str, int], ...]


class Verdict(NamedTuple):
    """What a column of text turns out to be.

    domain    the levels of an enum
    forms     by which forms times are read (see `frames.text.dates.forms_to_read`, and `MILLISECONDS`)
    zone      the time zone of times that say none
    truths    numbers only: False and True read as 0 and 1
    given_up  what the type cannot hold; None where it holds every present cell
    """

    type: Type
    domain: tuple[str, ...] | None = None
    forms: tuple[int, ...] = ()
    truths: bool = False
    given_up: GivenUp | None = None
    zone: str = UTC

    @property
    def is_told(self) -> bool:
        """Whether the column is of numbers, times or UUIDs, so that its texts are of no more use."""
        return self.type not in ("enum", "string")


class Dictionary(NamedTuple):
    """Distinct texts of a column (none of them missing) and one code per row (int32, -1 missing).

    `categories`: the source says that these texts are levels, in this order, used or not (bool, pandas and Arrow
    categories); nothing is left to decide unless the user declares another type.
    """

    levels: tuple[str, ...]
    codes: np.ndarray
    categories: bool = False

    @property
    def counts(self) -> np.ndarray:
        """Rows of each level (int64)."""
        return np.bincount(self.codes.astype(np.int64) + 1, minlength=len(self.levels) + 1)[1:]

    @property
    def present(self) -> int:
        """Rows that are not missing."""
        return int((self.codes >= 0).sum())

    @property
    def looks_like_text(self) -> bool:
        """Whether nearly every row has a value of its own, so that categories would be pointless."""
        return looks_like_text(len(self.levels), self.present)

    def column(self, verdict: Verdict) -> np.ndarray:
        """Return the column as `Chunk.pack` wants it for the type decided; what the type cannot hold is missing."""
        if verdict.type == "enum":
            code = {level: i for i, level in enumerate(verdict.domain or ())}
            return self._spread(np.array([code.get(level, -1) for level in self.levels], np.int32), np.int32(-1))
        if verdict.type in ("string", "uuid"):
            texts = np.empty(len(self.levels), object)
            texts[:] = self.levels if verdict.type == "string" else [uuid_in(level) for level in self.levels]
            return self._spread(texts, None)
        if verdict.type == "time":
            return self._spread(times_in(self.levels, verdict.forms, verdict.zone), np.nan)
        levels = [str(TRUTHS.index(level)) if level in TRUTHS else level for level in self.levels]
        numbers = as_numbers(levels if verdict.truths else self.levels, lenient=True)
        assert numbers is not None
        if verdict.type == "real" and numbers.dtype == np.int64:
            numbers = np.where(numbers == -_LONG, np.nan, numbers.astype(np.float64))
        return self._spread(numbers, -_LONG if numbers.dtype == np.int64 else np.nan)

    def _spread(self, values: np.ndarray, missing: Any) -> np.ndarray:
        # The extra value at the end is what the code -1 finds.
        return np.append(values, np.array([missing], values.dtype)).take(self.codes)


def looks_like_text(distinct: int, present: int) -> bool:
    """Return whether a column of so many distinct among so many present texts is text rather than categories."""
    return distinct > MOST_LEVELS or (distinct > MANY_TEXTS and distinct > DISTINCT_SHARE * present)


def encode(values: Iterable[Any]) -> Dictionary:
    """Return the dictionary of a column of any scalars, each as the text it is written as.

    None, NaN, pd.NA, NaT, masked cells and empty texts are missing. Raises H2OTypeError for durations, complex numbers
    and what is no scalar.

    >>> encode(["b", " a", None, True, 1])
    Dictionary(levels=('b', ' a', 'True', '1'), codes=array([ 0,  1, -1,  2,  3], dtype=int32), categories=False)
    """
    known: dict[Any, int] = {}
    codes: list[int] = []
    for row, value in enumerate(values):
        # 1, 1.0 and True are one key of a dict: numbers are told apart by their class as well.
        key = value if type(value) is str else (type(value), None if value is np.ma.masked else value)
        try:
            codes.append(known.setdefault(key, len(known)))
        except TypeError:
            raise H2OTypeError(
                f"Values of a column must be scalars; got {type(value).__name__} in row {row}."
            ) from None
    texts = [text_of(key if isinstance(key, str) else key[1]) for key in known]
    return clean(texts, np.array(codes, np.int32))


def clean(
    texts: Sequence[str | None], codes: np.ndarray, missing: frozenset[str] = NO_VALUE, categories: bool = False
) -> Dictionary:
    """Return the dictionary in which texts that mean missing are missing, and none occurs twice."""
    levels: dict[str, int] = {}
    new = np.full(len(texts) + 1, -1, np.int32)
    for old, text in enumerate(texts):
        if text is not None and text not in missing:
            new[old] = levels.setdefault(text, len(levels))
    return Dictionary(tuple(levels), new.take(codes), categories)


def text_of(value: Any) -> str | None:
    """Return how a cell is written as text; None for what means missing. Whole numbers have no point.

    >>> text_of(2.0), text_of(0.5), text_of(True), text_of(float("nan"))
    ('2', '0.5', 'True', None)
    """
    if isinstance(value, str):
        return str(value)
    if value is None:
        return None
    if isinstance(value, float | np.floating):
        if value != value:
            return None
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, dt.timedelta | np.timedelta64):
        raise H2OTypeError(NO_DURATIONS)
    if isinstance(value, complex | np.complexfloating):
        raise H2OTypeError("A column must hold real numbers; got complex ones. Give real and imaginary part.")
    if isinstance(value, tuple | frozenset):
        raise H2OTypeError(f"Values of a column must be scalars; got {type(value).__name__}.")
    if isinstance(value, Decimal) and value.is_nan():
        return None
    text = str(value)
    return None if text in ("NaT", "<NA>") else text


def number_in(text: str) -> int | float | None:
    """Return the number that a text is, without blanks around it; None where it is none.

    >>> number_in(" 2.50 "), number_in("9007199254740993"), number_in("2,5")
    (2.5, 9007199254740993, None)
    """
    text = text.strip()
    if not text or text[0] not in "0123456789+-.iI":
        return None
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else None


def is_whole(number: float) -> bool:
    """Return whether a number is an integer that int64 holds."""
    return -_LONG < number < _LONG and (isinstance(number, int | np.integer) or number.is_integer())


def uuid_in(text: str) -> str | None:
    """Return the UUID that a text is, without blanks around it; None where it is none."""
    text = text.strip()
    return text if len(text) == 36 and _UUID.fullmatch(text) else None


def times_in(levels: Sequence[str], forms: Sequence[int], zone: str = UTC) -> np.ndarray:
    """Return texts as milliseconds since 1970-01-01 UTC, each by the first of the forms that fits, else NaN; texts that
    say no zone are what the clocks of `zone` show."""
    stripped = [level.strip() for level in levels]
    times = lenient_milliseconds(stripped, [form for form in forms if form != MILLISECONDS], zone)
    if MILLISECONDS in forms:
        for row in np.flatnonzero(np.isnan(times)).tolist():
            number = number_in(stripped[row])
            times[row] = np.nan if number is None else number
    return times


def as_numbers(levels: Sequence[str], lenient: bool = False) -> np.ndarray | None:
    """Return texts as numbers: int64 (-2**63 missing) where float64 would round integers, else float64 (NaN missing).

    None where some text is neither a number nor a word for missing; with `lenient` such texts are missing, too.

    >>> as_numbers(["1", "2.5", "nan"])
    array([1. , 2.5, nan])
    """
    numbers = [number_in(level) for level in levels]
    if not lenient:
        words = NO_VALUE | NO_NUMBER
        if any(number is None and level.strip() not in words for number, level in zip(numbers, levels, strict=True)):
            return None
    return number_array(numbers)


def number_array(numbers: Sequence[int | float | None]) -> np.ndarray:
    """Return numbers and gaps as float64 (NaN missing), or as int64 (-2**63 missing) where float64 would round one.

    >>> number_array([2**53 + 1, None, 2.0])
    array([    9007199254740993, -9223372036854775808,                    2])
    """
    present = [number for number in numbers if number is not None and number == number]
    longest = max((abs(int(number)) for number in present if isinstance(number, int | np.integer)), default=0)
    if longest > 2**53 and all(map(is_whole, present)):
        gaps = (-_LONG if number is None or number != number else int(number) for number in numbers)
        return np.fromiter(gaps, np.int64, len(numbers))
    return np.fromiter((np.nan if number is None else float(number) for number in numbers), np.float64, len(numbers))
