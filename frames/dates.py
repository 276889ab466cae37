"""Times written as text."""

import re
from collections.abc import Sequence

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
_DAYS = np.array([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


def forms(texts: Sequence[str]) -> frozenset[int]:
    """Return the numbers of the forms that all texts follow, with dates that exist; none for no texts.

    >>> forms(["1/2/2008"]), forms(["1/2/2008", "25/12/2007"]), forms(["soon"])
    (frozenset({2, 3}), frozenset({3}), frozenset())
    """
    if not len(texts):
        return frozenset()
    return frozenset(i for i in range(len(_FORMS)) if _read(_FORMS[i], texts) is not None)


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
    if not len(texts):
        return np.empty(0)
    for one in _FORMS if form is None else (_FORMS[form],):
        times = _read(one, texts)
        if times is not None:
            return times
    return None


def _read(form: re.Pattern[str], texts: Sequence[str]) -> np.ndarray | None:
    found = _matches(form, texts)
    return None if found is None else _times(found)


def lenient_milliseconds(texts: Sequence[str], form: int | None = None) -> np.ndarray:
    """Return times as `milliseconds` does, NaN for each text that is none; without `form` forms may be mixed.

    >>> lenient_milliseconds(["1970-01-02", "soon"]).tolist()
    [86400000.0, nan]
    """
    every = milliseconds(texts, form)
    if every is not None:
        return every
    answer = np.full(len(texts), np.nan)
    for row, text in enumerate(texts):
        one = milliseconds([text], form)
        if one is not None:
            answer[row] = one[0]
    return answer


def _matches(form: re.Pattern[str], texts: Sequence[str]) -> list[dict[str, str | None]] | None:
    found = []
    for text in texts:
        match = form.fullmatch(text)
        if match is None:
            return None
        found.append(match.groupdict())
    return found


def _times(found: list[dict[str, str | None]]) -> np.ndarray | None:
    """Milliseconds of matched fields; None where a field is out of its range."""
    months = [_month(f["month"] or "") for f in found]
    year = np.array([_year(f["year"] or "") for f in found])
    month, day = np.array(months), np.array([int(f["day"] or 0) for f in found])
    clock = [np.array([int(f[unit] or 0) for f in found]) for unit in ("hour", "minute", "second")]
    if (month < 1).any() or (month > 12).any() or (day < 1).any() or (day > _DAYS[month - 1]).any():
        return None
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    if ((month == 2) & (day == 29) & ~leap).any():
        return None
    if (clock[0] > 24).any() or (clock[1] > 59).any() or (clock[2] > 60).any():
        return None
    fraction = np.array([float("0." + f["fraction"]) * 1000 if f["fraction"] else 0.0 for f in found])
    zone = np.array([_zone(f["zone"]) for f in found])
    days = ((year - 1970).astype("M8[Y]").astype("M8[M]") + (month - 1)).astype("M8[D]").astype(np.int64) + day - 1
    seconds = ((days * 24 + clock[0]) * 60 + clock[1] - zone) * 60 + clock[2]
    return seconds * 1000.0 + np.floor(fraction + 1e-6)


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
