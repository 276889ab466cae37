"""Text changed: in enum columns the levels, in string columns every cell."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from frames.chunks.column import Type
from frames.cluster.placement import Place
from frames.cluster.reorder import kept, recode, starts
from frames.cluster.sending import gather
from frames.cluster.tasks import Step, carry_out, derive, reduce
from frames.exceptions import H2OValueError
from frames.table.small import small_table
from frames.table.table import Table
from frames.text.regex import Template, pattern_from, template_from


def _upper(text: str) -> str:
    return text.upper()


def _lower(text: str) -> str:
    return text.lower()


WHITE = "".join(map(chr, range(33)))
"""What trim() takes away, as Java does: blanks and control characters, but no other space of Unicode."""


def _trim(text: str) -> str:
    return text.strip(WHITE)


def _left_strip(text: str, characters: str) -> str:
    return text.lstrip(characters)


def _right_strip(text: str, characters: str) -> str:
    return text.rstrip(characters)


def _substitute(text: str, pattern: str, replacement: Template, count: int, flags: int) -> str:
    return re.sub(pattern, replacement.fill, text, count=count, flags=flags)


def _part(text: str, start: int, stop: int | None) -> str:
    return text[start:stop]


def _count(text: str, patterns: tuple[str, ...]) -> int:
    return sum(text.count(pattern) for pattern in patterns if pattern)


def _length(text: str) -> int:
    return len(text)


def _matches(text: str, pattern: str, flags: int, invert: bool) -> int:
    return int((re.search(pattern, text, flags) is None) == invert)


def _entropy(text: str) -> float:
    shares = np.array([text.count(c) for c in sorted(set(text))]) / max(len(text), 1)
    return float(-(shares * np.log2(shares)).sum()) + 0.0 if text else 0.0  # + 0.0: no negative zero


def _map_cells(values: np.ndarray, function: Callable, options: tuple) -> list[np.ndarray]:
    """Run as a task: a text for every present text."""
    return [np.array([None if v is None else function(v, *options) for v in values], dtype=object)]


def _map_numbers(values: np.ndarray, function: Callable, options: tuple, gap: float) -> list[np.ndarray]:
    return [np.array([gap if v is None else function(v, *options) for v in values], dtype=np.float64)]


def _look_up(codes: np.ndarray, table: np.ndarray) -> list[np.ndarray]:
    return [table[codes]]


def _split_cells(values: np.ndarray, pattern: str, width: int) -> list[np.ndarray]:
    columns = np.full((width, len(values)), None, object)
    for row, value in enumerate(values):
        if value is not None:
            parts = split(value, pattern)
            columns[: len(parts), row] = parts
    return list(columns)


def split(text: str, pattern: str) -> list[str]:
    """Return a text cut as Java does: without empty parts at the end, or from a match of no width at the start."""
    parts, start = [], 0
    for match in re.finditer(pattern, text):
        if match.end() > 0:
            parts.append(text[start : match.start()])
            start = match.end()
    if not parts:
        return [text]
    parts.append(text[start:])
    while parts and parts[-1] == "":
        parts.pop()
    return parts


def _most_parts(values: np.ndarray, pattern: str) -> int:
    return max((len(split(v, pattern)) for v in values if v is not None), default=0)


def _text_places(table: Table, call: str) -> tuple[Place, ...]:
    places = table.resolved
    for name, place in zip(table.names, places, strict=True):
        if place.type not in ("enum", "string"):
            raise H2OValueError(
                f"{call}() must be asked of enum or string columns; '{name}' is {place.type}. Use ascharacter()."
            )
    return places


def _map_text(table: Table, call: str, function: Callable, options: tuple = ()) -> Table:
    """Return a text for every text: enum columns get a new, sorted domain."""
    rows, made = table.rows, []
    for place in _text_places(table, call):
        if place.type == "enum":
            domain, mapping = _sorted_domain([function(level, *options) for level in place.domain or ()])
            made.append(Step((place,), recode, "enum", domain, (mapping,)))
        else:
            made.append(Step((place,), _map_cells, "string", None, (function, options)))
    return table.with_places(carry_out(made, rows))


def _map_number(
    table: Table, call: str, function: Callable, options: tuple = (), type_: Any = "int", gap: float = np.nan
) -> Table:
    """Return a number for every text, `gap` for a missing cell."""
    rows, made = table.rows, []
    for place in _text_places(table, call):
        if place.type == "enum":
            found = [function(level, *options) for level in place.domain or ()]
            made.append(Step((place,), _look_up, type_, None, (np.array([*found, gap], dtype=np.float64),)))
        else:
            made.append(Step((place,), _map_numbers, type_, None, (function, options, gap)))
    return table.with_places(carry_out(made, rows))


def toupper(table: Table) -> Table:
    """Every text in capitals."""
    return _map_text(table, "toupper", _upper)


def tolower(table: Table) -> Table:
    """Every text in small letters."""
    return _map_text(table, "tolower", _lower)


def trim(table: Table) -> Table:
    """Every text without blanks, tabs, line ends and other control characters at its ends."""
    return _map_text(table, "trim", _trim)


def lstrip(table: Table, set: str = " ") -> Table:
    """Every text without these characters at its start."""
    return _map_text(table, "lstrip", _left_strip, (set,))


def rstrip(table: Table, set: str = " ") -> Table:
    """Every text without these characters at its end."""
    return _map_text(table, "rstrip", _right_strip, (set,))


def sub(table: Table, pattern: str, replacement: str, ignore_case: bool = False) -> Table:
    """Return the first match of a regular expression replaced in every text; see gsub()."""
    return _substituted(table, "sub", pattern, replacement=replacement, count=1, ignore_case=ignore_case)


def gsub(table: Table, pattern: str, replacement: str, ignore_case: bool = False) -> Table:
    """All matches of a regular expression replaced in every text.

    In `replacement` $1 (or ${name}) stands for what a group matched, $0 for all; a backslash takes the next
    character as it is. Raises H2OValueError for what is no expression, and for a group that it lacks.

    Example: ``fr["city"].gsub("([a-z]+)-([a-z]+)", "$2 $1")``.
    """
    return _substituted(table, "gsub", pattern, replacement=replacement, count=0, ignore_case=ignore_case)


def _substituted(table: Table, call: str, pattern: str, replacement: str, count: int, ignore_case: bool) -> Table:
    pattern = pattern_from(pattern)
    options = (pattern, template_from(replacement, pattern), count, re.IGNORECASE if ignore_case else 0)
    return _map_text(table, call, _substitute, options)


def substring(table: Table, start_index: int, end_index: int | None = None) -> Table:
    """Characters start_index (from 0) up to, not including, end_index of every text."""
    start = max(int(start_index), 0)
    return _map_text(table, "substring", _part, (start, None if end_index is None else max(int(end_index), 0)))


def strsplit(table: Table, pattern: str) -> Table:
    """Every text of one column cut at the matches of a regular expression: C1, C2, ... of the same type.

    Empty parts at the end are none, as in H2O; a row of fewer parts than the longest is missing in the others.
    """
    table.only("strsplit()")
    place, rows, pattern = _text_places(table, "strsplit")[0], table.rows, pattern_from(pattern)
    if place.type == "enum":
        parts = [split(level, pattern) for level in place.domain or ()]
        width, steps = max([1, *map(len, parts)]), []
        for k in range(width):
            domain, mapping = _sorted_domain([p[k] if k < len(p) else None for p in parts])
            steps.append(Step((place,), recode, "enum", domain, (mapping,)))
        made = carry_out(steps, rows)
    else:
        width = max([1, *gather(reduce([place], rows, _most_parts, (pattern,)))])
        types: list[Type | None] = [place.type] * width
        made = derive([place], rows, _split_cells, types=types, domains=None, arguments=(pattern, width))
    return table.new([f"C{k + 1}" for k in range(width)], made)


def countmatches(table: Table, pattern: str | list[str]) -> Table:
    """How often a plain text (or any of several) occurs in every text; the empty one never does."""
    patterns = (pattern,) if isinstance(pattern, str) else tuple(pattern)
    return _map_number(table, "countmatches", _count, (patterns,))


def nchar(table: Table) -> Table:
    """Return number of characters of every text."""
    return _map_number(table, "nchar", _length)


def entropy(table: Table) -> Table:
    """Shannon entropy, in bits per character, of every text."""
    return _map_number(table, "entropy", _entropy, (), None)


def grep(
    table: Table, pattern: str, ignore_case: bool = False, invert: bool = False, output_logical: bool = False
) -> Table:
    """Row numbers whose text matches a regular expression, or with `output_logical` 0 and 1 for every row.

    `invert`: rows that do not match; a missing cell does not.
    """
    table.only("grep()")
    options = (pattern_from(pattern), re.IGNORECASE if ignore_case else 0, bool(invert))
    found = _map_number(table, "grep", _matches, options=options, type_="int", gap=float(bool(invert)))
    if output_logical:
        return found
    hits = gather(reduce(found.places, found.rows, kept))
    numbers = np.concatenate([h + first for h, first in zip(hits, starts(found.rows), strict=True)])
    return small_table(["C1"], [numbers], ["int"])


def _sorted_domain(texts: Sequence[str | None]) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the sorted different texts, and the code (int32) of each text; None is missing."""
    domain = tuple(sorted({text for text in texts if text is not None}))
    codes: dict[str | None, int] = {text: code for code, text in enumerate(domain)}
    codes[None] = -1
    return domain, np.array([codes[text] for text in texts], np.int32)
