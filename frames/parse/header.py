"""Whether the first row of a file names its columns, and what the columns are called."""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice, zip_longest
from typing import NamedTuple

from frames.columns.dictionary import NO_NUMBER, NO_VALUE, number_in, uuid_in
from frames.text.dates import follow

_NAMEABLE = re.compile(r"inf(inity)?", re.IGNORECASE)
_TRUTHS = frozenset({"true", "false", "yes", "no"})
_UUID_LETTERS = 36
_MISSING = NO_VALUE | NO_NUMBER
_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")
_RUNS = re.compile(r"[^\W\d_]+|\d+")
_STRANGE = re.compile(r"[@\\]|://|[.!]$|\S+(?: \S+){6}")
_WORDS = """
account address age amount area article author birth body born brand category city class code color colour comment
company content count country county created currency customer data date day department description desc diagnosis
education email event feature file flag gender genre group height hour id index item job key kind label language lat
latitude length level location lon longitude mail message minute model modified month name notes number occupation
outcome owner person phone population position prediction price product province question quantity race rank rating
region response review role score sentence sentiment sex size source species state status subject surname target text
time timestamp title topic type updated url user username uuid value variable version weight word year zip zipcode
"""
_USUAL = frozenset(_WORDS.split())
"""Words that columns are usually called, in small letters."""

_SHOWN = 10

_ENOUGH = 3.0
"""Evidence (a natural logarithm of odds) from which on a row of texts above other texts is taken for names."""

_CODES = 8
"""Rows from which on equal lengths of texts are more than chance."""

_FIELDS = 200_000
_LEAST = 20
"""Fields that are looked at, so fewer rows of wide tables; and the rows of the widest ones."""


class Quoting(NamedTuple):
    """Whether the first and the last field of a row stand in quotes without need; None: there was need."""

    first: bool | None
    last: bool | None


def guess_header(rows: Sequence[Sequence[str]], quoting: Sequence[Quoting] = ()) -> bool:
    """Return whether the first row names the columns; fields are stripped, `quoting` is that of the first rows.

    No row with a number names columns. Names stand above something else than themselves: above numbers, times, UUIDs or
    truths, where they are texts. Where all columns are texts the first row is data, unless it shows itself as another
    kind of row: none of its fields occurs again although fields in these columns do occur again; it is written
    otherwise (lower case above capitals, no digits above codes, no quotes above quotes); or it is made of words that
    columns are usually called. A file of nothing but one row of texts is a header.

    >>> guess_header([["name", "born"], ["ann", "1967-04-01"]]), guess_header([["5.1", "setosa"], ["4.9", "setosa"]])
    (True, False)
    >>> guess_header([["name", "city"], ["ann", "rome"]]), guess_header([["ann", "rome"], ["bob", "oslo"]])
    (True, False)
    """
    first = list(rows[0])
    present = [field for field in first if field]
    if not present or 2 * len(first) < Counter(map(len, rows)).most_common(1)[0][0]:
        return False  # few fields above many are a title
    own = {field: None if _NAMEABLE.fullmatch(field) else kind for field, kind in _kinds(first).items()}
    if "number" in own.values():
        return False
    if len(rows) == 1:
        return not any(own.values()) and len(set(present)) == len(present) and not set(present) <= _MISSING
    below = rows[1 : max(_LEAST, _FIELDS // len(first))]
    kinds = _kinds({field for row in below for field in row})
    fields = [*islice(zip_longest(*below, fillvalue=""), len(first))]
    fields += [()] * (len(first) - len(fields))
    columns = [HeaderColumn.of(field, own[field], texts, kinds) for field, texts in zip(first, fields, strict=True)]
    known = [column for column in columns if column.kind and column.field]
    if any(column.field_kind and column.field_kind == column.kind for column in columns):
        return False
    if any(column.field_kind and not column.kind for column in columns):
        return False  # a time or an UUID among texts is one of them
    again = sum(column.occurs_again for column in known)
    if again and 2 * again >= len(known) and first not in map(list, below):
        return False  # stray words, such as question marks, that stand among the numbers again
    if any(column.field not in _MISSING for column in known):
        return True
    if known and set(present) <= _MISSING:
        return len(set(present)) == len(present)
    return _is_another_kind_of_row(columns, quoting)


def _kinds(fields: Iterable[str]) -> dict[str, str | None]:
    """Return what texts are: number, time or uuid; None for others and for words that mean missing."""
    kinds: dict[str, str | None] = dict.fromkeys(fields)
    for field in kinds:
        if number_in(field) is not None:
            kinds[field] = "number"
        elif len(field) == _UUID_LETTERS and uuid_in(field) is not None:
            kinds[field] = "uuid"
    open_ = [field for field, kind in kinds.items() if kind is None and field[:1].isalnum()]
    kinds.update((field, "time") for field, forms in zip(open_, follow(open_), strict=True) if forms)
    return kinds


class HeaderColumn(NamedTuple):
    """The first field of a column, what it is, and the fields below it (those that are present).

    `kind` is what more than half of these are: number, time, uuid; or truth, where all are; None for other texts.
    """

    field: str
    field_kind: str | None
    below: list[str]
    kind: str | None

    @staticmethod
    def of(field: str, kind: str | None, texts: Sequence[str], kinds: Mapping[str, str | None]) -> "HeaderColumn":
        """Return the column of a first field and of the texts below it, given what these are."""
        below = [text for text in texts if text not in _MISSING]
        if below and all(text.lower() in _TRUTHS for text in below):
            return HeaderColumn(field, "truth" if field.lower() in _TRUTHS else kind, below, "truth")
        by_kind = Counter(kinds[text] for text in below)
        most, rows_of_it = by_kind.most_common(1)[0] if by_kind else (None, 0)
        return HeaderColumn(field, kind, below, most if 2 * rows_of_it > len(below) else None)

    @property
    def occurs_again(self) -> bool:
        """Whether the first field stands further down, too."""
        return self.field in self.below


def _is_another_kind_of_row(columns: Sequence[HeaderColumn], quoting: Sequence[Quoting]) -> bool:
    """Whether a first row of texts, above columns of texts, is something else than the rows below it."""
    columns = [column for column in columns if column.field]
    fields = [column.field for column in columns]
    if len(set(fields)) < len(fields) or any(column.occurs_again for column in columns):
        return False
    if not any(column.below for column in columns):
        return True
    evidence = sum(_evidence(column) for column in columns)
    usual = sum(_is_usual(field) for field in fields)
    evidence += _ENOUGH if 2 * usual >= len(fields) else usual
    if not {text for column in columns for text in column.below}.isdisjoint(fields):
        evidence -= _ENOUGH
    return evidence + _quoting_evidence(quoting) >= _ENOUGH


def _evidence(column: HeaderColumn) -> float:
    """How much a first field speaks for being a name, by what the fields below it are like (log odds)."""
    if column.field in _MISSING:
        return -_ENOUGH
    if not column.below:
        return 0.0
    views: list[Callable[[str], object]] = [str, _shape, _has_digit, _case]
    if len(column.below) >= _CODES:
        views.append(len)
    found = max(_surprise(view(column.field), [view(text) for text in column.below]) for view in views)
    shape = _shape(column.field)
    if shape.strip("aA_ -") and shape in map(_shape, column.below):
        found -= _ENOUGH  # written like the rows below it, with digits or points: an address, a code
    return found - _ENOUGH * bool(_STRANGE.search(column.field))


def _surprise(label: object, below: Sequence[object]) -> float:
    """How improbable a label is in one more row (Good 1953: as probable as labels that occur once); 0 if it occurs."""
    counts = Counter(below)
    if label in counts:
        return 0.0
    once = sum(count == 1 for count in counts.values())
    return -math.log((once + 0.5) / (len(below) + 1))


def _shape(text: str) -> str:
    return _RUNS.sub(lambda run: "9" if run.group().isdigit() else "a", text)


def _has_digit(text: str) -> bool:
    return any(map(str.isdigit, text))


def _case(text: str) -> str:
    return "upper" if text.isupper() else "lower" if text.islower() else "title" if text[:1].isupper() else "mixed"


def _is_usual(field: str) -> bool:
    """Whether a name ends with a word that columns are usually called: birth_date, userId, name2."""
    words = [word.lower() for word in _PART.findall(field) if not word.isdigit()]
    return 0 < len(words) < 4 and (words[-1] in _USUAL or words[-1].removesuffix("s") in _USUAL)


def _quoting_evidence(quoting: Sequence[Quoting]) -> float:
    """Quotes around all texts but the first, or around none but the first, tell them apart."""
    for own, *below in zip(*quoting, strict=True) if len(quoting) > 1 else ():
        known = {one for one in below if one is not None}
        if own is not None and known == {not own}:
            return _ENOUGH
    return 0.0
