"""Formats of dates as users write them, and texts read by them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from frames.exceptions import H2OTypeError, H2OValueError
from frames.text.zones import UTC, to_utc

_JAVA = {
    "yyyy": "%Y", "yyy": "%Y", "y": "%Y", "YYYY": "%Y", "yy": "%y", "MMMM": "%B", "MMM": "%b", "MM": "%m", "M": "%m",
    "dd": "%d", "d": "%d", "DDD": "%j", "D": "%j", "EEEE": "%A", "EEE": "%a", "HH": "%H", "H": "%H", "hh": "%I",
    "h": "%I", "mm": "%M", "m": "%M", "ss": "%S", "s": "%S", "SSS": "%f", "SS": "%f", "S": "%f", "a": "%p", "Z": "%z",
}  # fmt: skip
"""Java's letters for a date and what strptime has for them."""

_TOKEN = re.compile(r"'(?P<quoted>(?:[^']|'')*)'|(?P<letters>([A-Za-z])\3*)|(?P<other>.)", re.DOTALL)
_YEAR = re.compile(r"%[YyGcxsDF]")
_OTHER_NAMES = {"%b": "%B", "%B": "%b", "%a": "%A", "%A": "%a"}


def strptime_format(format: str) -> str:
    """Return a format for strptime: one with % as it is, a Java one ("yyyy-MM-dd'T'HH:mm") translated.

    Raises H2OValueError for a directive that strptime does not know, or a letter of Java that has no counterpart.

    >>> strptime_format("dd/MMM/yyyy HH:mm")
    '%d/%b/%Y %H:%M'
    """
    if not isinstance(format, str) or not format:
        raise H2OTypeError(f"format must be a date format such as '%Y-%m-%d'; got {format!r}.")
    if "%" not in format:
        format = _translated(format)
    try:
        _read(np.array(["1970"], dtype=object), format)
    except ValueError as error:
        raise H2OValueError(f"format must be a date format such as '%Y-%m-%d'; got {format!r}: {error}.") from None
    return format


def _translated(format: str) -> str:
    parts = []
    for token in _TOKEN.finditer(format):
        if token["letters"] is not None and token["letters"] not in _JAVA:
            raise H2OValueError(
                f"format must be made of {', '.join(_JAVA)} (other letters in quotes), or of strptime's %Y and the "
                f"like; got {token['letters']!r} in {format!r}."
            )
        parts.append(_JAVA[token["letters"]] if token["letters"] else (token["quoted"] or token["other"] or "'"))
    return "".join(parts)


def milliseconds(texts: Sequence[str | None] | np.ndarray, format: str, zone: str = UTC) -> np.ndarray:
    """Return texts read by a strptime format as milliseconds since 1970 UTC (float64); what does not fit is missing.

    Names of months and days may be long or short, as in H2O; a format without a year means 1970. Without %z in the
    format they are what the clocks of `zone` show.

    >>> milliseconds(["02-Jan-1970", "2-January-1970", "x"], "%d-%b-%Y")
    array([86400000., 86400000.,       nan])
    """
    codes, found = pd.factorize(np.array(texts, dtype=object))
    result = np.full(len(found) + 1, np.nan)  # the last is what the code of missing finds
    for one in dict.fromkeys([format, re.sub("%[bBaA]", lambda name: _OTHER_NAMES[name[0]], format)]):
        rest = np.flatnonzero(np.isnan(result[:-1]))
        if len(rest):
            result[rest] = _read(found[rest], one)
    return (result if "%z" in format else to_utc(result, zone))[codes]


def _read(texts: np.ndarray, format: str) -> np.ndarray:
    if not _YEAR.search(format):
        texts, format = np.array([f"1970 {text}" for text in texts], dtype=object), f"%Y {format}"
    stamps = pd.to_datetime(pd.Series(texts, dtype=object), format=format, errors="coerce", utc=True)
    epoch = stamps.dt.tz_localize(None).to_numpy().astype("M8[ms]")
    return np.where(np.isnat(epoch), np.nan, epoch.astype("int64").astype(np.float64))
