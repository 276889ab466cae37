"""Columns cast to another type, place by place: numbers, texts, levels and times into one another."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from distributed import Future

from frames.chunks.summary import MISSING_INTEGER
from frames.cluster.placement import Place, summaries_at
from frames.cluster.reorder import recode
from frames.cluster.sending import gather, submit
from frames.cluster.tasks import Step, absent, batches, carry_out, concatenate, derive, reduce_each
from frames.columns.dictionary import TRUTHS, as_numbers
from frames.exceptions import H2OValueError
from frames.text.date_formats import milliseconds

if TYPE_CHECKING:
    pass


def number_text(value: float) -> str:
    """Return a number as a level: whole numbers that int64 holds without a point, others as `double_text` has them.

    >>> number_text(3.0), number_text(2**53 + 1), number_text(0.1), number_text(1e22)
    ('3', '9007199254740993', '0.1', '1.0E22')
    """
    if isinstance(value, int):
        return str(value)
    return str(int(value)) if value.is_integer() and abs(value) < 2.0**63 else double_text(value)


def double_text(value: float) -> str:
    """Return a number as Java, and so H2O, writes a double: the fewest digits that tell it from its neighbours.

    Integers that no double holds keep all their digits.

    >>> double_text(4.0), double_text(0.0001), double_text(1e7), double_text(2**53 + 1)
    ('4.0', '1.0E-4', '1.0E7', '9007199254740993')
    """
    number = float(value)
    if number != value:
        return "NaN" if value != value else str(value)
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    if number == 0 or 1e-3 <= abs(number) < 1e7:
        return repr(number)
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    text = "".join(map(str, digits))
    return f"{'-' * sign}{text[0]}.{text[1:] or '0'}E{int(exponent) + len(text) - 1}"


def distinct(values: np.ndarray) -> np.ndarray:
    """Run as a task: the sorted distinct present values of a piece of a column."""
    if values.dtype == object:
        return np.array(sorted({v for v in values if v is not None}), dtype=object)
    if values.dtype == np.int32:
        return np.unique(values[values >= 0])
    found = np.unique(values)
    return found[~absent(found)]


def distinct_values(places: Sequence[Place], rows: Sequence[int]) -> list[Future]:
    """Per column a future of its sorted distinct present values, merged over the partitions on a worker."""
    merged = [submit(_merged, *parts) for parts in reduce_each(places, rows, distinct)]
    sizes = [len(batch) for batch in batches(places, rows)]
    return [submit(_item, own, i) for own, size in zip(merged, sizes, strict=True) for i in range(size)]


def _merged(*parts: list[np.ndarray]) -> list[np.ndarray]:
    return [_union(pieces) for pieces in zip(*parts, strict=True)]


def _union(pieces: Sequence[np.ndarray]) -> np.ndarray:
    pieces = [p for p in pieces if len(p)] or pieces[:1]
    if pieces[0].dtype == object:
        return np.array(sorted(set().union(*(p.tolist() for p in pieces))), dtype=object)
    return np.unique(concatenate(pieces))


def _item(values: list, i: int) -> np.ndarray:
    return values[i]


def _code(values: np.ndarray, found: np.ndarray) -> list[np.ndarray]:
    if values.dtype == object:
        index = {value: i for i, value in enumerate(found)}
        return [np.fromiter((index.get(v, -1) for v in values), np.int32, len(values))]
    if len(found) == 0:
        return [np.full(len(values), -1, np.int32)]
    gaps = absent(values)
    # In the dtype of what is looked up: as doubles, neighbours beyond 2**53 would be equal.
    at = np.searchsorted(found, np.where(gaps, found[0], values.astype(found.dtype)))
    return [np.where(gaps, -1, at).astype(np.int32)]


def to_enum(names: Sequence[str], places: Sequence[Place], rows: Sequence[int]) -> list[Place]:
    """Columns as enum: numbers in numeric order, text lexicographically; an enum stays as it is."""
    for name, place in zip(names, places, strict=True):
        _check_factor(name, place)
    made: list[Step | Place] = list(places)
    todo = [i for i, place in enumerate(places) if place.type != "enum"]
    futures = distinct_values([places[i] for i in todo], rows)
    for i, future, found in zip(todo, futures, gather(futures), strict=True):
        domain = tuple(v if isinstance(v, str) else number_text(v) for v in found.tolist())
        # The workers look codes up in the array that is there already: a long domain is not sent with every task.
        made[i] = Step((places[i],), _code, "enum", domain, (future,))
    return carry_out(made, rows)


def _check_factor(name: str, place: Place) -> None:
    """Refuse what cannot be a factor, in H2O's words."""
    if place.type == "real":
        summary = summaries_at([place])[0]
        if not summary.all_integer:  # a column with nothing but missing cells may be anything
            raise H2OValueError(f"Only 'int' or 'string' are allowed for asfactor(), got {name}:real")
    elif place.type not in ("int", "string", "enum"):
        raise H2OValueError(f"Only 'int' or 'string' are allowed for asfactor(), got {name}:{place.type}")


def _parse(values: np.ndarray) -> list[np.ndarray]:
    """Run as a task: texts as numbers, each different text read once; what is no number is missing."""
    codes, found = pd.factorize(values)
    return _look_up(codes, text_to_numbers(found))


def text_to_numbers(texts: Iterable[str]) -> np.ndarray:
    """Return texts as float64 (NaN missing), or int64 (-2**63 missing) where float64 would round an integer.

    What is no number is missing.

    >>> text_to_numbers(["1", " 2.5 ", "x"])
    array([1. , 2.5, nan])
    """
    numbers = as_numbers([text.strip() for text in texts], lenient=True)
    assert numbers is not None  # lenient: every text has a number or is missing
    return numbers


def _look_up(codes: np.ndarray, table: np.ndarray) -> list[np.ndarray]:
    gap: Any = {"f": np.nan, "i": MISSING_INTEGER}.get(table.dtype.kind)
    return [np.append(table, np.array([gap], table.dtype))[codes]]


def _same(values: np.ndarray) -> list[np.ndarray]:
    return [values]


def to_numeric(place: Place) -> Place | Step:
    """One column as numbers: levels and texts are read; where no level is a number the codes are taken."""
    if place.type == "enum":
        table = text_to_numbers(place.domain or ())
        if len(table) and absent(table).all():
            table = np.arange(len(table), dtype=np.float64)
        return Step((place,), _look_up, None, None, (table,))
    if place.type == "string":
        return Step((place,), _parse, None)
    if place.type == "time":
        return Step((place,), _same, "int")
    if place.type == "uuid":
        raise H2OValueError("asnumeric() must be asked of numbers, enum, time or string columns; got uuid.")
    return place


def _number_texts(values: np.ndarray) -> list[np.ndarray]:
    return [
        np.array(
            [None if gap else number_text(v) for v, gap in zip(values.tolist(), absent(values), strict=True)],
            dtype=object,
        )
    ]


def to_text(place: Place) -> Place | Step:
    """One column as strings: levels as they read, whole numbers without a point."""
    if place.type == "enum":
        table = np.array([*place.domain] if place.domain else [], dtype=object)
        return Step((place,), _look_up, "string", None, (table,))
    if place.type in ("string", "uuid"):
        return place if place.type == "string" else Step((place,), _same, "string")
    return Step((place,), _number_texts, "string")


def to_domain(place: Place, rows: Sequence[int], domain: tuple[str, ...]) -> Place:
    """Return an enum column under another domain; levels that are not in it become missing."""
    if place.domain == domain:
        return place
    index = {level: i for i, level in enumerate(domain)}
    mapping = np.array([index.get(level, -1) for level in place.domain or ()], np.int32)
    return derive([place], rows, recode, types=["enum"], domains=[domain], arguments=(mapping,))[0]


def is_truth(place: Place) -> bool:
    """Whether a column is what bool becomes: an enum of False and True."""
    return place.type == "enum" and bool(place.domain) and set(place.domain or ()) <= set(TRUTHS)


def to_truth(place: Place) -> Place | Step:
    """Return an enum of False and True as 0 and 1, for masks and logic; any other column as it is."""
    if not is_truth(place):
        return place
    table = np.array([float(TRUTHS.index(level)) for level in place.domain or ()])
    return Step((place,), _look_up, "int", None, (table,))


def _parse_dates(values: np.ndarray, format: str, zone: str) -> list[np.ndarray]:
    return [milliseconds(values, format, zone)]
