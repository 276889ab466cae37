"""Times written as text."""

import math
import re
from collections.abc import Mapping, Sequence

import numpy as np

from frames.text.zones import UTC, to_utc

_NAMES = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
_MONTHS = {name[:letters]: number for number, name in enumerate(_NAMES, 1) for letters in (3, len(name))} | {"sept": 9}
_NAME = rf"(?P<name>{'|'.join(sorted(_MONTHS, key=len, reverse=True))})"
_YEAR = r"(?P<year>\d{4}|\d{2})"
_DAY = r"(?P<day>\d{1,2})"
_FRACTION = r"(?:[.,](?P<fraction>\d{1,9}))?"
_HALF = r"(?: ?(?P<half>[AP])M)"
_CLOCK = (
    r"(?:(?:[ T]+|:)(?P<hour>\d{1,2})(?P<mark>:|\.(?=\d{1,2}\.\d))(?P<minute>\d{1,2})"
    rf"(?:(?P=mark)(?P<second>\d{{1,2}}){_FRACTION})?{_HALF}?)?"
    r"(?: ?(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2}))?"
)
_PATTERNS = (  # the last one: 13:05:59, 1:05 PM
    rf"(?P<year>\d{{4}})([-/])(?P<month>\d{{1,2}})\2{_DAY}{_CLOCK}",  # 2007-11-06
    rf"{_DAY}([-/ ]?){_NAME}\2{_YEAR}{_CLOCK}",  # 6-Nov-2007, 06NOV07, 6 November 2007
    rf"(?P<month>\d{{1,2}})(?:/{_DAY}/{_YEAR}|-(?P<day_>\d{{1,2}})-(?P<year_>\d{{4}})){_CLOCK}",  # 11/6/07, 11-06-2007
    rf"{_DAY}(?:/(?P<month>\d{{1,2}})/{_YEAR}|-(?P<month_>\d{{1,2}})-(?P<year_>\d{{4}})){_CLOCK}",  # 6/11/07
    r"(?P<year>\d{4})-(?P<month>\d{1,2})",  # 2007-11
    rf"{_NAME}(?:-?{_YEAR}| (?P<year_>\d{{4}}))",  # Nov-07, November 2007
    rf"(?P<year>\d{{2}})-{_NAME}",  # 07-Nov
    rf"{_NAME}\.? {_DAY}, ?(?P<year>\d{{4}}){_CLOCK}",  # November 6, 2007
    rf"(?P<year>\d{{4}})(?P<month>\d\d)(?P<day>\d\d)(?=-)-{_CLOCK.replace('(?:[ T]+|:)', '', 1)}",  # 20071106-13:05
    rf"(?P<hour>[01]?\d|2[0-3]):(?P<minute>\d{{2}})(?=:| ?[AP]M)(?::(?P<second>\d{{2}}){_FRACTION})?{_HALF}?",
)
_FORMS = tuple(re.compile(pattern, re.ASCII | re.IGNORECASE) for pattern in _PATTERNS)
_RIVALS = (frozenset({2, 3}),)  # forms that may read one text as two different days
_MAYBE = re.compile(
    rf"(?:[\d/:., +TZ-]|[AP]M|UTC|GMT|{'|'.join(sorted(_MONTHS, key=len, reverse=True))}){{3,64}}",
    re.ASCII | re.IGNORECASE,
)
"""What every time is made of: most other texts are told by this alone."""
_DAYS = np.array([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


def follow(texts: Sequence[str]) -> list[frozenset[int]]:
    """Return per text the numbers of the forms that it follows with a date that exists; none for what is no time.

    >>> follow(["1/2/2008", "25/12/2007", "soon"])
    [frozenset({2, 3}), frozenset({3}), frozenset()]
    """
    found = np.zeros(len(texts), np.int64)
    rows = [row for row, text in enumerate(texts) if _MAYBE.fullmatch(text)]
    some = [texts[row] for row in rows]
    for number, form in enumerate(_FORMS):
        if not rows:
            break
        fits = ~np.isnan(_read(form, some))
        found[rows] |= fits * np.int64(1 << number)
        if not any(number in pair for pair in _RIVALS):  # no other form reads what this one reads
            rows = [row for row, fit in zip(rows, fits.tolist(), strict=True) if not fit]
            some = [texts[row] for row in rows]
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


def milliseconds(texts: Sequence[str], form: int | None = None, zone: str = UTC) -> np.ndarray | None:
    """Return the times that texts stand for, in milliseconds since 1970-01-01 UTC (float64), or None.

    All texts must follow one form (that of the number given, or the first that fits):

    * 2007-11-6, 2007/11/06, 20071106-13:05:59; 2007-11 is the first day of the month
    * 6-Nov-2007, 06-NOV-07, 06Nov07, 6 November 2007; Nov-07, November 2007 and 07-Nov are the first day of the month
    * 11/6/2007, 11/6/07, 11-06-2007; and 25/12/2007 where month first is impossible for some text
    * November 6, 2007
    * 13:05:59, 1:05 PM: on 1970-01-01

    A day may be followed by a clock: 13:05, 13:05:59.123, 01.05.59, 1:05 PM; and that by Z, UTC, GMT or +02:00. What
    stands without is what the clocks of `zone` show. Years of two digits lie between 1969 and 2068. None is the answer
    also where a date does not exist.

    >>> milliseconds(["1970-1-2", "1970-01-01 00:00:01"]).tolist()
    [86400000.0, 1000.0]
    >>> milliseconds(["1:30 PM"]).tolist(), milliseconds(["1-Jan-70"], zone="America/Denver").tolist()
    ([48600000.0], [25200000.0])
    >>> milliseconds(["2021-02-30"]) is None
    True
    """
    for one in _FORMS if form is None else (_FORMS[form],):
        times = _read(one, texts, zone)
        if not np.isnan(times).any():
            return times
    return None


def lenient_milliseconds(texts: Sequence[str], forms: Sequence[int] | None = None, zone: str = UTC) -> np.ndarray:
    """Return times as `milliseconds` does, each text by the first of the `forms` (default: all) that fits, else NaN.

    >>> lenient_milliseconds(["1970-01-02", "soon"]).tolist()
    [86400000.0, nan]
    """
    answer = np.full(len(texts), np.nan)
    for number in range(len(_FORMS)) if forms is None else forms:
        open_ = np.flatnonzero(np.isnan(answer)).tolist()
        answer[open_] = _read(_FORMS[number], [texts[row] for row in open_], zone)
    return answer


def _read(form: re.Pattern[str], texts: Sequence[str], zone: str = UTC) -> np.ndarray:
    """Milliseconds of the texts that follow a form and are dates that exist; NaN for the others."""
    answer = np.full(len(texts), np.nan)
    found = {row: match.groupdict() for row, match in enumerate(map(form.fullmatch, texts)) if match is not None}
    if found:
        answer[list(found)] = _times(list(found.values()), zone)
    return answer


def _times(found: list[dict[str, str | None]], zone: str) -> np.ndarray:
    """Milliseconds of matched fields; NaN where a field is out of its range."""
    year = np.array([_year(f.get("year") or f.get("year_")) for f in found])
    month = np.array([_month(f.get("month") or f.get("month_") or f.get("name")) for f in found])
    day = np.array([int(f.get("day") or f.get("day_") or 1) for f in found])
    hour, minute, second = (np.array([int(f.get(u) or 0) for f in found]) for u in ("hour", "minute", "second"))
    half = np.array([(f.get("half") or "").upper() for f in found])
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    exists = (month >= 1) & (month <= 12) & (day >= 1)
    month = np.where(exists, month, 1)
    exists &= (day <= _DAYS[month - 1]) & ~((month == 2) & (day == 29) & ~leap)
    exists &= (hour <= 24) & (minute <= 59) & (second <= 60)
    exists &= (half == "") | ((hour >= 1) & (hour <= 12))
    hour = np.where(half == "", hour, hour % 12 + 12 * (half == "P"))
    fraction = np.array([float("0." + (f.get("fraction") or "0")) * 1000 for f in found])
    days = ((year - 1970).astype("M8[Y]").astype("M8[M]") + (month - 1)).astype("M8[D]").astype(np.int64) + day - 1
    shown = (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000.0 + np.floor(fraction + 1e-6)
    east = np.array([_east(f.get("zone")) for f in found])
    moments = np.where(np.isnan(east), to_utc(shown, zone), shown - east * 60_000.0)
    return np.where(exists, moments, np.nan)


def _month(text: str | None) -> int:
    if text is None:
        return 1
    return int(text) if text.isdigit() else _MONTHS[text.lower()]


def _year(text: str | None) -> int:
    if text is None:
        return 1970
    year = int(text)
    return year if len(text) == 4 else year + (1900 if year >= 69 else 2000)


def _east(text: str | None) -> float:
    """Minutes east of Greenwich; NaN where no zone stands."""
    if not text:
        return math.nan
    if text[0] not in "+-":
        return 0.0
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return -minutes if text[0] == "-" else minutes
