"""Times written as text."""

import re
from collections.abc import Mapping, Sequence

import numpy as np

_MONTHS = {
    m: i for i, m in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1)
}
_CLOCK = r"(?:[ T]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?)?"
_ZONE = r" ?(?P<zone>Z|UTC|[+-]\d{2}:?\d{2})?"

_YEAR_FIRST = re.compile(rf"(?a)(?P<year>\d{{4}})([-/])(?P<month>\d{{1,2}})\2(?P<day>\d{{1,2}}){_CLOCK}{_ZONE}")
_MONTH_NAME = re.compile(
    rf"(?a)(?P<day>\d{{1,2}})([-/ ])(?P<month>[A-Za-z]{{3}})\2(?P<year>\d{{4}}|\d{{2}}){_CLOCK}{_ZONE}"
)
_MONTH_FIRST = re.compile(rf"(?a)(?P<month>\d{{1,2}})/(?P<day>\d{{1,2}})/(?P<year>\d{{4}}|\d{{2}}){_CLOCK}{_ZONE}")
_DAY_FIRST = re.compile(rf"(?a)(?P<day>\d{{1,2}})/(?P<month>\d{{1,2}})/(?P<year>\d{{4}}|\d{{2}}){_CLOCK}{_ZONE}")

_FORMS = (_YEAR_FIRST, _MONTH_NAME, _MONTH_FIRST, _DAY_FIRST)
_RIVALS = (frozenset({2, 3}),)  # forms that may read one text as two different days
_DAYS = np.array([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


def follow(texts: Sequence[str]) -> list[frozenset[int]]:
    """Return per text the numbers of the forms that it follows with a date that exists; none for what is no time.

    >>> follow(["1/2/2008", "25/12/2007", "soon"])
    [frozenset({2, 3}), frozenset({3}), frozenset()]
    """
    found = np.zeros(len(texts), np.int64)
    for number, form in enumerate(_FORMS):
        found |= ~np.isnan(_read(form, texts)) * np.int64(1 << number)
    sets = {bits: frozenset(n for n in range(len(_FORMS)) if bits >> n & 1) for bits in set(found.tolist())}
    return [sets[bits] for bits in found.tolist()]


def forms(texts: Sequence[str]) -> frozenset[int]:
    """Return the numbers of the forms that all texts follow; none for no texts."""
    return frozenset.intersection(*follow(texts)) if texts else frozenset()


def forms_to_read(rows: Mapping[frozenset[int], int]) -> tuple[int, ...]:
    """Return the forms by which a column is read, the most frequent one first.

    `rows` says how many rows follow which forms (`follow`). Where some text follows two forms that read it differently
    (1/2/2008), the form with fewer rows is left out: a column has one order of day and month.

    >>> forms_to_read({frozenset({2, 3}): 5, frozenset({3}): 1})
    (3,)
    """
    by_form = {n: sum(count for forms, count in rows.items() if n in forms) for n in range(len(_FORMS))}
    order = sorted((n for n, count in by_form.items() if count), key=lambda n: (-by_form[n], n))
    for pair in _RIVALS:
        if any(pair <= forms for forms in rows):
            order.remove(max(pair, key=order.index))
    return tuple(order)


def milliseconds(texts: Sequence[str], form: int | None = None) -> np.ndarray | None:
    """Return the times that texts stand for, in milliseconds since 1970-01-01 UTC (float64), or None.

    All texts must follow one form (that of the number given, or the first that fits): 2007-11-6, 2007/11/06,
    2007-11-06 13:05:59.123, 2007-11-06T13:05:59Z, 6-Nov-2007, 06-NOV-07, 11/6/2007; and 25/12/2007 where month first is
    impossible for some text. Times without a zone are UTC. Years of two digits lie between 1970 and 2069. None is the
    answer also where a date does not exist.

    >>> milliseconds(["1970-1-2", "1970-01-01 00:00:01"]).tolist()
    [86400000.0, 1000.0]
    >>> milliseconds(["2021-02-30"]) is None
    True
    """
    for one in _FORMS if form is None else (_FORMS[form],):
        times = _read(one, texts)
        if not np.isnan(times).any():
            return times
    return None


def lenient_milliseconds(texts: Sequence[str], forms: Sequence[int] | None = None) -> np.ndarray:
    """Return times as `milliseconds` does, each text by the first of the `forms` (default: all) that fits, else NaN.

    >>> lenient_milliseconds(["1970-01-02", "soon"]).tolist()
    [86400000.0, nan]
    """
    answer = np.full(len(texts), np.nan)
    for number in range(len(_FORMS)) if forms is None else forms:
        open_ = np.flatnonzero(np.isnan(answer)).tolist()
        answer[open_] = _read(_FORMS[number], [texts[row] for row in open_])
    return answer


def _read(form: re.Pattern[str], texts: Sequence[str]) -> np.ndarray:
    """Milliseconds of the texts that follow a form and are dates that exist; NaN for the others."""
    answer = np.full(len(texts), np.nan)
    found = {row: match.groupdict() for row, match in enumerate(map(form.fullmatch, texts)) if match is not None}
    if found:
        answer[list(found)] = _times(list(found.values()))
    return answer


def _times(found: list[dict[str, str | None]]) -> np.ndarray:
    """Milliseconds of matched fields; NaN where a field is out of its range."""
    months = [_month(f["month"] or "") for f in found]
    year = np.array([_year(f["year"] or "") for f in found])
    month, day = np.array(months), np.array([int(f["day"] or 0) for f in found])
    clock = [np.array([int(f[unit] or 0) for f in found]) for unit in ("hour", "minute", "second")]
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    exists = (month >= 1) & (month <= 12) & (day >= 1)
    month = np.where(exists, month, 1)
    exists &= (day <= _DAYS[month - 1]) & ~((month == 2) & (day == 29) & ~leap)
    exists &= (clock[0] <= 24) & (clock[1] <= 59) & (clock[2] <= 60)
    fraction = np.array([float("0." + f["fraction"]) * 1000 if f["fraction"] else 0.0 for f in found])
    zone = np.array([_zone(f["zone"]) for f in found])
    days = ((year - 1970).astype("M8[Y]").astype("M8[M]") + (month - 1)).astype("M8[D]").astype(np.int64) + day - 1
    seconds = ((days * 24 + clock[0]) * 60 + clock[1] - zone) * 60 + clock[2]
    return np.where(exists, seconds * 1000.0 + np.floor(fraction + 1e-6), np.nan)


def _month(text: str) -> int:
    return int(text) if text.isdigit() else _MONTHS.get(text.lower(), 0)


def _year(text: str) -> int:
    year = int(text)
    if len(text) == 4:
        return year
    return year + (1900 if year >= 70 else 2000)


def _zone(text: str | None) -> int:
    """Minutes east of Greenwich."""
    if not text or text in ("Z", "UTC"):
        return 0
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return -minutes if text[0] == "-" else minutes
