"""The cheapest codec that holds a column exactly, by what the codecs of the folder say of themselves."""

import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from heapq import heappop, heappush
from math import inf
from typing import Any, NamedTuple

import numpy as np

import frames.codecs
from frames.codecs.base import LEVELS, NUMBERS, TEXT, Codec, Column, Facts
from frames.exceptions import CodecCannotHold, FrameError


@cache
def registry() -> dict[str, type[Codec]]:
    """Return all codecs of the folder by name."""
    found: dict[str, type[Codec]] = {}
    for module in pkgutil.iter_modules(frames.codecs.__path__):
        for value in vars(importlib.import_module(f"frames.codecs.{module.name}")).values():
            if isinstance(value, type) and issubclass(value, Codec) and value is not Codec:
                found[value.__name__] = value
    return found


def from_config(config: dict[str, Any]) -> Codec:
    """Return the codec that `Codec.config` described; raises FrameError for an unknown name."""
    fields = dict(config)
    name = fields.pop("codec", None)
    if name not in registry():
        raise FrameError(f"A codec must be one of {', '.join(sorted(registry()))}; got {name!r}.")
    return registry()[name](**fields)


@cache
def _by_cost(kind: str) -> tuple[type[Codec], ...]:
    """Return the codecs of a kind of column, those that may be cheapest first."""
    return tuple(sorted((c for c in registry().values() if c.kind == kind), key=lambda c: (c.least, c.__name__)))


def offers(kind: str, column: Column) -> Iterator[Codec]:
    """Yield what may hold a column, from cheap to dear; a codec is asked no sooner than it might be the cheapest.

    >>> from frames.chunks.summary import summarise
    >>> values = np.array([2.0**60, 1.0])
    >>> [type(codec).__name__ for codec in offers("numbers", Column(values, summarise([values])[0]))]
    ['Float32', 'Float64', 'Integers']
    """
    waiting: list[tuple[float, int, Codec, Iterator]] = []
    for number, asked in enumerate(_by_cost(kind)):
        yield from _up_to(asked.least, waiting)
        _wait(waiting, number, asked.offers(column))
    yield from _up_to(inf, waiting)


def _up_to(cost: float, waiting: list[tuple[float, int, Codec, Iterator]]) -> Iterator[Codec]:
    """Yield the offers that cost no more, cheapest first."""
    while waiting and waiting[0][0] <= cost:
        _, number, codec, others = heappop(waiting)
        yield codec
        _wait(waiting, number, others)


def _wait(waiting: list[tuple[float, int, Codec, Iterator]], number: int, others: Iterator) -> None:
    for cost, codec in others:
        heappush(waiting, (cost, number, codec, others))
        return


def _held(kind: str, column: Column, otherwise: str) -> tuple[Codec, np.ndarray]:
    """Return (codec, codes) by the cheapest offer that holds the column; else say so, and why the last one refused."""
    refusal = ""
    for codec in offers(kind, column):
        try:
            return codec, codec.encode(column.values)
        except CodecCannotHold as cause:
            refusal = f" {cause}"
    raise CodecCannotHold(otherwise + refusal)


def choose_numbers(values: np.ndarray, facts: Facts) -> tuple[Codec, np.ndarray]:
    """Return (codec, codes) of a column of numbers, given what is known of it.

    `values` is float64 (NaN missing) or of any integer dtype.
    """
    otherwise = f"No codec holds values from {facts.minimum} to {facts.maximum} exactly."
    return _held(NUMBERS, Column(values, facts), otherwise)


def choose_bytes(values: np.ndarray, facts: Facts) -> tuple[Codec, np.ndarray]:
    """Return (codec, codes) of a column of integers from 0 to 255 (uint8), none missing: what `choose_numbers` returns,
    found without a look at the values. Where these are the codes, they are returned as they are."""
    if not _bytes_need_no_look():
        return choose_numbers(values, facts)
    codec = _of_range(facts.minimum, facts.maximum)
    return codec, codec.encode_bytes(values)


class _Range(NamedTuple):
    """The facts of two bytes."""

    minimum: float
    maximum: float
    rows: int = 2
    missing: int = 0
    zeros: int = 0
    all_integer: bool = True


@cache
def _bytes_need_no_look() -> bool:
    """Tell whether every codec that may be cheaper than the bytes as they are judges them by their range alone."""
    return all(codec.by_range for codec in _by_cost(NUMBERS) if codec.least < 1)


@cache
def _of_range(low: float, high: float) -> Codec:
    return next(offers(NUMBERS, Column(np.array([low, high], np.uint8), _Range(low, high))))


def choose_levels(codes: np.ndarray, facts: Facts, levels: int) -> tuple[Codec, np.ndarray]:
    """Return (codec, codes) of an enum column (int32, -1 missing) of a domain of `levels` levels."""
    otherwise = f"No codec holds codes of a domain of {levels} levels, of which there must be fewer than 2**31."
    return _held(LEVELS, Column(codes, facts, levels), otherwise)


def choose_text(column: np.ndarray) -> tuple[Codec, np.ndarray]:
    """Return (codec, codes) of a column of strings (object array, None missing)."""
    return _held(TEXT, Column(column), "No codec holds this column of strings exactly.")
