"""Text changed: in enum columns the levels, in string columns every cell."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from frames.body import FrameBody
from frames.column import Type
from frames.errors import H2OValueError
from frames.placement import Place
from frames.rows import kept, recode, starts
from frames.tasks import Step, carry_out, derive, gather, reduce

if TYPE_CHECKING:
    from frames.frame import H2OFrame


def _upper(text: str) -> str:
    return text.upper()


def _lower(text: str) -> str:
    return text.lower()


def _trim(text: str) -> str:
    return text.strip()


def _left_strip(text: str, characters: str) -> str:
    return text.lstrip(characters)


def _right_strip(text: str, characters: str) -> str:
    return text.rstrip(characters)


def _substitute(text: str, pattern: str, replacement: str, count: int, flags: int) -> str:
    return re.sub(pattern, replacement, text, count=count, flags=flags)


def _part(text: str, start: int, stop: int | None) -> str:
    return text[start:stop]


def _count(text: str, patterns: tuple[str, ...]) -> int:
    return sum(text.count(pattern) for pattern in patterns)


def _length(text: str) -> int:
    return len(text)


def _matches(text: str, pattern: str, flags: int) -> int:
    return int(re.search(pattern, text, flags) is not None)


def _entropy(text: str) -> float:
    shares = np.array([text.count(c) for c in sorted(set(text))]) / max(len(text), 1)
    return float(-(shares * np.log2(shares)).sum()) if text else 0.0


def _map_cells(values: np.ndarray, function: Callable, options: tuple) -> list[np.ndarray]:
    """A task: a text for every present text."""
    return [np.array([None if v is None else function(v, *options) for v in values], dtype=object)]


def _map_numbers(values: np.ndarray, function: Callable, options: tuple) -> list[np.ndarray]:
    return [np.array([np.nan if v is None else function(v, *options) for v in values], dtype=np.float64)]


def _look_up(codes: np.ndarray, table: np.ndarray) -> list[np.ndarray]:
    return [np.append(table, np.nan)[codes]]


def _split_cells(values: np.ndarray, pattern: str, width: int) -> list[np.ndarray]:
    columns = np.full((width, len(values)), None, object)
    for row, value in enumerate(values):
        if value is not None:
            parts = _split(value, pattern)
            columns[: len(parts), row] = parts
    return list(columns)


def _split(text: str, pattern: str) -> list[str]:
    parts = re.split(pattern, text)
    while len(parts) > 1 and parts[-1] == "":
        parts.pop()  # trailing empty parts are no parts, as in H2O
    return parts


def _most_parts(values: np.ndarray, pattern: str) -> int:
    return max((len(_split(v, pattern)) for v in values if v is not None), default=0)


class Texts(FrameBody):
    """Methods of enum and string columns; missing stays missing."""

    def _text_places(self, call: str) -> tuple[Place, ...]:
        places = self._resolved()
        for name, place in zip(self._body.names, places, strict=True):
            if place.type not in ("enum", "string"):
                raise H2OValueError(
                    f"{call}() must be asked of enum or string columns; '{name}' is {place.type}. Use ascharacter()."
                )
        return places

    def _map_text(self, call: str, function: Callable, options: tuple = ()) -> H2OFrame:
        """A text for every text: enum columns get a new, sorted domain."""
        rows, made = self._body.rows, []
        for place in self._text_places(call):
            if place.type == "enum":
                changed = [function(level, *options) for level in place.domain or ()]
                domain = tuple(sorted(set(changed)))
                mapping = np.array([domain.index(c) for c in changed], np.int32)
                made.append(Step((place,), recode, "enum", domain, (mapping,)))
            else:
                made.append(Step((place,), _map_cells, "string", None, (function, options)))
        return self._replace(carry_out(made, rows))

    def _map_number(self, call: str, function: Callable, options: tuple = (), type_: Any = "int") -> H2OFrame:
        """A number for every text."""
        rows, made = self._body.rows, []
        for place in self._text_places(call):
            if place.type == "enum":
                table = np.array([function(level, *options) for level in place.domain or ()], dtype=np.float64)
                made.append(Step((place,), _look_up, type_, None, (table,)))
            else:
                made.append(Step((place,), _map_numbers, type_, None, (function, options)))
        return self._replace(carry_out(made, rows))

    def toupper(self) -> H2OFrame:
        """Every text in capitals."""
        return self._map_text("toupper", _upper)

    def tolower(self) -> H2OFrame:
        """Every text in small letters."""
        return self._map_text("tolower", _lower)

    def trim(self) -> H2OFrame:
        """Every text without white space at its ends."""
        return self._map_text("trim", _trim)

    def lstrip(self, set: str = " ") -> H2OFrame:
        """Every text without these characters at its start."""
        return self._map_text("lstrip", _left_strip, (set,))

    def rstrip(self, set: str = " ") -> H2OFrame:
        """Every text without these characters at its end."""
        return self._map_text("rstrip", _right_strip, (set,))

    def sub(self, pattern: str, replacement: str, ignore_case: bool = False) -> H2OFrame:
        """The first match of a regular expression replaced in every text."""
        return self._substituted("sub", pattern, replacement, 1, ignore_case)

    def gsub(self, pattern: str, replacement: str, ignore_case: bool = False) -> H2OFrame:
        """All matches of a regular expression replaced in every text."""
        return self._substituted("gsub", pattern, replacement, 0, ignore_case)

    def _substituted(self, call: str, pattern: str, replacement: str, count: int, ignore_case: bool) -> H2OFrame:
        options = (_pattern(pattern), replacement, count, re.IGNORECASE if ignore_case else 0)
        return self._map_text(call, _substitute, options)

    def substring(self, start_index: int, end_index: int | None = None) -> H2OFrame:
        """Characters start_index (from 0) up to, not including, end_index of every text."""
        start = max(int(start_index), 0)
        return self._map_text("substring", _part, (start, None if end_index is None else max(int(end_index), 0)))

    def strsplit(self, pattern: str) -> H2OFrame:
        """Every text of one column cut at the matches of a regular expression: C1, C2, ... of the same type."""
        place, rows = self._text_places("strsplit")[0], self._body.rows
        self._only("strsplit()")
        _pattern(pattern)
        if place.type == "enum":
            parts = [_split(level, pattern) for level in place.domain or ()]
            width, made = max(map(len, parts), default=0), []
            for k in range(width):
                have = [p[k] if k < len(p) else None for p in parts]
                domain = tuple(sorted({h for h in have if h is not None}))
                mapping = np.array([-1 if h is None else domain.index(h) for h in have], np.int32)
                made += derive([place], rows, recode, ["enum"], [domain], (mapping,))
        else:
            width = max(gather(reduce([place], rows, _most_parts, (pattern,))), default=0)
            types: list[Type | None] = [place.type] * width
            made = derive([place], rows, _split_cells, types, None, (pattern, width)) if width else []
        return self._new([f"C{k + 1}" for k in range(width)], made)

    def countmatches(self, pattern: str | list[str]) -> H2OFrame:
        """How often a plain text (or any of several) occurs in every text."""
        patterns = (pattern,) if isinstance(pattern, str) else tuple(pattern)
        return self._map_number("countmatches", _count, (patterns,))

    def nchar(self) -> H2OFrame:
        """Number of characters of every text."""
        return self._map_number("nchar", _length)

    def entropy(self) -> H2OFrame:
        """Shannon entropy, in bits per character, of every text."""
        return self._map_number("entropy", _entropy, (), None)

    def grep(
        self, pattern: str, ignore_case: bool = False, invert: bool = False, output_logical: bool = False
    ) -> H2OFrame:
        """Row numbers whose text matches a regular expression, or with `output_logical` 0 and 1 for every row."""
        self._only("grep()")
        found = self._map_number("grep", _matches, (_pattern(pattern), re.IGNORECASE if ignore_case else 0))
        found = (found == 0) if invert else found
        if output_logical:
            return found
        hits = gather(reduce(found._body.places, found._body.rows, kept))
        numbers = np.concatenate([h + first for h, first in zip(hits, starts(found._body.rows), strict=True)])
        return self._small(["C1"], [numbers], ["int"])  # type: ignore[attr-defined]


def _pattern(pattern: str) -> str:
    try:
        re.compile(pattern)
    except (re.error, TypeError) as error:
        raise H2OValueError(f"pattern must be a regular expression; got {pattern!r}: {error}.") from None
    return pattern
