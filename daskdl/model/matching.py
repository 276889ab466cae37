"""Columns of another kind than the model's: texts and numbers matched to its levels, texts read as its numbers.

Training says of each column whether it is categorical, with which levels, or holds numbers. A frame that is scored, or
validates, may have come through another door: its `1` is a number where training had the level "1", or a text. Such a
column is made anew, as the model knows it, and what does not fit is told, or refused where nothing fits.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from frames.chunks.chunk import Chunk
from frames.chunks.column import Column
from frames.chunks.schema import Schema
from frames.cluster.sending import gather, resident, submit_all
from frames.cluster.tasks import absent
from frames.columns.dictionary import NO_NUMBER, TRUTHS, number_in, text_of
from frames.frame import Group, H2OFrame

SHOWN = 20  # cells that do not fit, as a sentence names them
ZERO_ONE = ("0", "1")  # False and True as comparisons of frames, and numbers, have them
_ITSELF = "Test/Validation dataset"


class Matched(NamedTuple):
    """A frame whose columns are of the model's kinds; what the user should know; and what stands against using it."""

    frame: H2OFrame
    warnings: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def matched(frame: H2OFrame, wanted: Iterable[tuple[str, tuple[str, ...] | None]]) -> Matched:
    """Return a frame in which each wanted column is what the model knows: (name, its levels, or None for numbers).

    A column of the same kind, or one that is not there, stays as it is, and then no row is read. The frame itself is
    not changed.

    >>> matched(H2OFrame({"c": [1.0, 2.0]}), [("c", ("1", "2"))]).frame.types  # doctest: +SKIP
    {'c': 'enum'}
    """
    odd = {name: levels for name, levels in wanted if name in frame.schema and _is_odd(frame.schema[name], levels)}
    if not odd:
        return Matched(frame)
    placed = frame.placement(list(odd))
    kinds = {name: frame.schema[name] for name in odd}
    shared = resident((odd, kinds, placed.where), placed.client, everywhere=True)
    looks = gather(submit_all(_look, [list(parts) for parts in placed.parts], shared), "Matching columns")
    found = functools.reduce(_joined, looks, {name: Seen() for name in odd})
    warnings, problems, made = [], [], frame[:, :]
    for name, levels in odd.items():
        seen, here = found[name], kinds[name]
        said = _sentence(name, here, levels, seen)
        if seen.present and not seen.fitting and not (levels is not None and here.is_text):
            problems.append(said)
            continue
        if seen.strange and levels is None:
            warnings.append(said)
        domain = None if levels is None else (*levels, *seen.strange)
        column = Column(name, "real" if domain is None else "enum", domain)
        argument = resident((name, levels, column, here, placed.where[name]), placed.client, everywhere=True)
        chunks = submit_all(_converted, [list(parts) for parts in placed.parts], argument)
        made[name] = H2OFrame._from_groups(Schema((column,)), placed.rows, [Group(tuple(chunks), (name,))])
    return Matched(made, tuple(warnings), tuple(problems))


def _is_odd(here: Column, levels: tuple[str, ...] | None) -> bool:
    if levels is None:
        return not here.is_number
    if here.domain is None:
        return True
    few = 0 < len(here.domain) <= len(TRUTHS)
    return few and set(here.domain) <= set(TRUTHS) and set(levels) <= set(ZERO_ONE)


def _sentence(name: str, here: Column, levels: tuple[str, ...] | None, seen: Seen) -> str:
    """Return what is wrong with a column, or with some of its cells."""
    cells = ", ".join(repr(text) for text in seen.strange[:SHOWN]) + (", ..." if len(seen.strange) > SHOWN else "")
    lost = f"{seen.present - seen.fitting:,} of its {seen.present:,} cells"
    if levels is not None:
        known = ", ".join(levels[:SHOWN]) + (", ..." if len(levels) > SHOWN else "")
        return (
            f"{_ITSELF} has a non-categorical column '{name}' which is categorical in the training data: it is "
            f"{here.type}, and none of its {seen.present:,} cells is one of the levels {known}; it holds {cells}. If "
            "these are levels that training did not know, convert it with ascharacter()."
        )
    if not seen.fitting:
        kind = "categorical column" if here.domain is not None else f"{here.type} column"
        return (
            f"{_ITSELF} has {kind} '{name}' which is real-valued in the training data: none of its {seen.present:,} "
            f"cells is a number; it holds {cells}. Give numbers, or leave the column out."
        )
    return f"{_ITSELF} column '{name}' has cells that are no numbers: {lost} are missing now ({cells})"


# ---- in the workers ------------------------------------------------------------------------------------------------
class Seen(NamedTuple):
    """What one column holds: cells that are not missing, those of them that fit, and distinct texts that do not.

    Of the last at most one more than a sentence shows; sorted, so that partitions may be met in any order.
    """

    present: int = 0
    fitting: int = 0
    strange: tuple[str, ...] = ()


def _joined(one: Mapping[str, Seen], other: Mapping[str, Seen]) -> dict[str, Seen]:
    return {
        name: Seen(
            seen.present + other[name].present,
            seen.fitting + other[name].fitting,
            tuple(sorted({*seen.strange, *other[name].strange})[: SHOWN + 1]),
        )
        for name, seen in one.items()
    }


def _look(chunks: Sequence[Chunk], shared: Any) -> dict[str, Seen]:
    odd, kinds, where = shared
    found = {}
    for name, levels in odd.items():
        items, places = _distinct(chunks, where[name], kinds[name])
        counts = np.bincount(places[places >= 0], minlength=len(items)).tolist()
        told = [
            (item, fit, count)
            for item, fit, count in zip(items, _fits(items, levels), counts, strict=True)
            if count and not (levels is None and _means_missing(item))
        ]
        strange = {str(text_of(item)) for item, fit, _ in told if fit is None}
        fitting = sum(count for _, fit, count in told if fit is not None)
        found[name] = Seen(sum(count for *_, count in told), fitting, tuple(sorted(strange)[: SHOWN + 1]))
    return found


def _converted(chunks: Sequence[Chunk], argument: Any) -> Chunk:
    """Make a column anew: level codes (a cell that is no level gets one of those that were seen), or numbers."""
    _, levels, column, here, where = argument
    items, places = _distinct(chunks, where, here)
    fits = _fits(items, levels)
    if levels is None:
        numbers = np.array([np.nan if fit is None else float(fit) for fit in fits] + [np.nan])
        return Chunk.pack([numbers[places]], ["real"], [None])
    fresh = {text: len(levels) + k for k, text in enumerate(column.domain[len(levels) :])}
    last = len(column.domain) - 1
    codes = [fresh.get(str(text_of(item)), last) if fit is None else fit for item, fit in zip(items, fits, strict=True)]
    return Chunk.pack([np.array([*codes, -1], np.int32)[places]], ["enum"], [len(column.domain)])


def _distinct(chunks: Sequence[Chunk], where: tuple[int, int], here: Column) -> tuple[Sequence[Any], np.ndarray]:
    """Return the distinct cells of a column, texts or numbers, and which of them each row has (-1: missing)."""
    values = chunks[where[0]].values(where[1])
    if here.domain is not None:
        return here.domain, values.astype(np.int64)
    if here.is_text:
        places, texts = pd.factorize(values)
        return list(texts), places
    missing = absent(values)
    numbers, inverse = np.unique(values[~missing], return_inverse=True)
    places = np.full(len(values), -1, np.int64)
    places[~missing] = inverse
    return numbers.tolist(), places


def _fits(items: Sequence[Any], levels: tuple[str, ...] | None) -> list[Any]:
    """Return what each distinct cell is to the model: a level's code, or a number; None where it is neither.

    >>> _fits(["b", "z"], ("a", "b")), _fits([1.0, 2.5], ("1", "2")), _fits(["7", "x", "True"], None)
    ([1, None], [0, None], [7, None, 1])
    """
    if levels is None:
        return [TRUTHS.index(item) if item in TRUTHS else number_in(item) for item in items]
    by_text, by_number = meanings(levels)
    return [by_text.get(item) if isinstance(item, str) else by_number.get(item) for item in items]


def meanings(levels: tuple[str, ...]) -> tuple[dict[str, int], dict[float, int]]:
    """Return which level (its code) a text means, and which one a number.

    >>> meanings(("1", "1.0", "x"))
    ({'1': 0, '1.0': 1, 'x': 2}, {1: 0})
    """
    by_text: dict[str, int] = {level: code for code, level in enumerate(levels)}
    by_number: dict[Any, int] = {}
    for level, code in by_text.items():
        number = number_in(level)
        if number is not None and (number not in by_number or text_of(number) == level):
            by_number[number] = code  # of "1" and "1.0" the first means the number 1
    if set(levels) <= set(TRUTHS):
        by_number = {TRUTHS.index(level): code for level, code in by_text.items()}
    if set(levels) <= set(ZERO_ONE):
        by_text |= {TRUTHS[int(level)]: code for level, code in list(by_text.items())}
    return by_text, by_number


def _means_missing(item: Any) -> bool:
    """Tell whether a text is a word that is missing among numbers."""
    return isinstance(item, str) and (not item.strip() or item.strip() in NO_NUMBER)
