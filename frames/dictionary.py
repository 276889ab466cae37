"""A column of text while nobody has decided yet what it means: its distinct texts, and which row has which."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from frames.column import Type
from frames.dates import forms, lenient_milliseconds

NO_VALUE = frozenset({"", "NA"})
"""Texts that mean missing in every column."""

NO_NUMBER = frozenset({"na", "N/A", "n/a", "NaN", "nan", "NAN", "null", "NULL"})
"""Texts that mean missing too where all other values of the column are numbers or times."""

MANY_TEXTS = 100
DISTINCT_SHARE = 0.95
"""A column is text, not categories, when it has more than `MANY_TEXTS` distinct values and these are more than this
share of its values."""

MOST_LEVELS = 10_000_000
"""No column has more categories than this; it is text then."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?[iI]nf(inity)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)


class Verdict(NamedTuple):
    """What a column of text turns out to be; `domain` is for enum, `form` (see `frames.dates.forms`) for time only."""

    type: Type
    domain: tuple[str, ...] | None = None
    form: int | None = None


class Dictionary(NamedTuple):
    """Distinct texts of a column (stripped, none of them missing) and one code per row (int32, -1 missing)."""

    levels: tuple[str, ...]
    codes: np.ndarray

    @property
    def present(self) -> int:
        """Rows that are not missing."""
        return int((self.codes >= 0).sum())

    @property
    def looks_like_text(self) -> bool:
        """Whether nearly every row has a value of its own, so that categories would be pointless."""
        distinct = len(self.levels)
        return distinct > MOST_LEVELS or (distinct > MANY_TEXTS and distinct > DISTINCT_SHARE * self.present)

    def column(self, verdict: Verdict) -> np.ndarray:
        """Return the column as `Chunk.pack` wants it for the type decided.

        Texts that a type cannot read (a word in a column that was declared numeric) become missing.
        """
        if verdict.type == "enum":
            code = {level: i for i, level in enumerate(verdict.domain or ())}
            return self._spread(np.array([code.get(level, -1) for level in self.levels], np.int32), np.int32(-1))
        if verdict.type in ("string", "uuid"):
            texts = np.empty(len(self.levels), object)
            texts[:] = self.levels
            return self._spread(texts, None)
        if verdict.type == "time":
            return self._spread(
                lenient_milliseconds(self.levels, None if verdict.form is None else (verdict.form,)), np.nan
            )
        numbers = as_numbers(self.levels, lenient=True)
        assert numbers is not None
        return self._spread(numbers, -(2**63) if numbers.dtype == np.int64 else np.nan)

    def _spread(self, values: np.ndarray, missing: Any) -> np.ndarray:
        # The extra value at the end is what the code -1 finds.
        return np.append(values, np.array([missing], values.dtype)).take(self.codes)


def encode(values: Iterable[Any], missing: frozenset[str] = NO_VALUE) -> Dictionary:
    """Return the dictionary of a column of texts; None and NaN are missing, other objects are written as text.

    >>> encode(["b", " a", None, "b"])
    Dictionary(levels=('b', 'a'), codes=array([ 0,  1, -1,  0], dtype=int32))
    """
    known: dict[Any, int] = {}
    codes = np.fromiter((known.setdefault(value, len(known)) for value in values), np.int32)
    return clean([_text(value) for value in known], codes, missing)


def clean(texts: Sequence[str | None], codes: np.ndarray, missing: frozenset[str] = NO_VALUE) -> Dictionary:
    """Return the dictionary in which texts are stripped, texts that mean missing are missing, and none occurs twice."""
    levels: dict[str, int] = {}
    new = np.full(len(texts) + 1, -1, np.int32)
    for old, text in enumerate(texts):
        stripped = None if text is None else text.strip()
        if stripped is not None and stripped not in missing:
            new[old] = levels.setdefault(stripped, len(levels))
    return Dictionary(tuple(levels), new.take(codes))


def _text(value: Any) -> str | None:
    if value is None or (isinstance(value, float | np.floating) and value != value):
        return None
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    text = str(value)
    return None if text in ("NaT", "<NA>") else text


def as_numbers(levels: Sequence[str], lenient: bool = False) -> np.ndarray | None:
    """Return texts as numbers: int64 where float64 would round them, else float64. None where some text is no number;
    with `lenient` such texts are missing instead.

    >>> as_numbers(["1", "2.5", "nan"])
    array([1. , 2.5, nan])
    """
    long = _as_long_integers(levels, lenient)
    if long is not None:
        return long
    numbers = np.empty(len(levels))
    for row, text in enumerate(levels):
        if _NUMBER.fullmatch(text):
            numbers[row] = float(text)
        elif lenient or text in NO_NUMBER or text in NO_VALUE:
            numbers[row] = np.nan
        else:
            return None
    return numbers


def _as_long_integers(levels: Sequence[str], lenient: bool) -> np.ndarray | None:
    """Texts as int64 with -2**63 for missing, where all numbers are integers and some is beyond 2**53."""
    whole = [int(text) for text in levels if _INTEGER.fullmatch(text)]
    if not whole or not 2**53 < max(map(abs, whole)) < 2**63:
        return None
    others = [text for text in levels if not _INTEGER.fullmatch(text)]
    if any(_NUMBER.fullmatch(text) or not (lenient or text in NO_NUMBER) for text in others):
        return None
    return np.array([int(text) if _INTEGER.fullmatch(text) else -(2**63) for text in levels], np.int64)


def decide(levels: Iterable[str], texts: bool) -> Verdict:
    """Return what a column is, given its distinct texts from all rows, and whether it `looks_like_text`.

    Numbers, UUIDs and times are told by every text; of the rest, columns in which nearly every row has a value of its
    own are strings, and all others are categories with lexicographically sorted levels. A column without any value is
    real.

    >>> decide(["b", "a"], texts=False).domain
    ('a', 'b')
    """
    levels = list(levels)
    telling = [level for level in levels if level not in NO_NUMBER]
    if not telling:
        return Verdict("real")
    if _NUMBER.fullmatch(telling[0]) and as_numbers(telling) is not None:
        whole = all(_INTEGER.fullmatch(level) for level in telling)
        return Verdict("int" if whole else "real")
    if all(_UUID.fullmatch(level) for level in telling):
        return Verdict("uuid")
    possible = forms(telling) if forms(telling[:50]) else frozenset()
    if possible:
        return Verdict("time", form=min(possible))
    if texts or len(levels) > MOST_LEVELS:
        return Verdict("string")
    return Verdict("enum", tuple(sorted(levels)))
