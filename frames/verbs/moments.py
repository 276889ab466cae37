"""How cells lie about their mean: standard deviation, skewness, kurtosis, columns brought to one scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from frames.chunks.summary import Summary
from frames.cluster.placement import Place
from frames.cluster.sending import gather
from frames.cluster.tasks import Step, carry_out, reduce
from frames.exceptions import H2OValueError
from frames.table.integers import EXACT, distances, size_of
from frames.table.table import Table
from frames.verbs.reductions import Row, per_column


class Central(NamedTuple):
    """Moments of the present cells about their mean, with divisor n.

    The mean is `centre` + `rest`: of integers beyond 2**53 a double holds the first only.
    """

    count: int
    centre: float
    rest: float
    second: float
    third: float
    fourth: float

    @property
    def sigma(self) -> float:
        """Standard deviation (n-1)."""
        return math.sqrt(self.second * self.count / (self.count - 1)) if self.count > 1 else math.nan


def _power_sums(values: np.ndarray, centre: float, unit: float) -> np.ndarray:
    """Run as a task: number of present cells and sums of the first four powers of (cell - centre) / unit."""
    with np.errstate(all="ignore"):
        apart = distances(values, centre) / unit
        apart = apart[~np.isnan(apart)]
        return np.array([len(apart), *(np.sum(apart**k) for k in (1, 2, 3, 4))])


def central(place: Place, summary: Summary, rows: Sequence[int]) -> Central:
    """Return the moments of a column of numbers; NaN where a cell is infinite, or squares are beyond doubles."""
    unit = math.sqrt(summary.m2 / summary.present) if summary.present and summary.m2 > 0 else 1.0
    if not (summary.present and math.isfinite(summary.mean) and math.isfinite(summary.m2)):
        return Central(summary.present, summary.mean, 0.0, *[math.nan] * 3)
    sums = np.sum(gather(reduce([place], rows, _power_sums, (summary.mean, unit))), axis=0)
    n, (one, two, three, four) = int(sums[0]), sums[1:] / sums[0]
    # About the centre that was taken; about the mean they are less.
    second = two - one**2
    third = three - 3 * one * two + 2 * one**3
    fourth = four - 4 * one * three + 6 * one**2 * two - 3 * one**4
    return Central(
        count=n,
        centre=summary.mean,
        rest=one * unit,
        second=second * unit**2,
        third=third * unit**3,
        fourth=fourth * unit**4,
    )


def _standardise(values: np.ndarray, center: float, rest: float, scale: float) -> list[np.ndarray]:
    with np.errstate(all="ignore"):
        return [(distances(values, center) - rest) / scale]


def _sigmas(table: Table) -> list[float]:
    """Return standard deviations (n-1) of the present cells, NaN where a column holds no numbers."""
    found = per_column(table, [summary.sigma for summary in table.summaries()])
    for i, (place, summary) in enumerate(zip(table.resolved, table.summaries(), strict=True)):
        if place.type == "int" and size_of(summary) > EXACT and summary.present > 1:
            found[i] = central(place, summary, table.rows).sigma
    return found


def sd(table: Table, na_rm: bool = False) -> Row:
    """Return every column's standard deviation (n-1); NaN where not numbers, or a cell is missing and not `na_rm`."""
    return Row(
        v if na_rm or not s.missing else math.nan for v, s in zip(_sigmas(table), table.summaries(), strict=True)
    )


def skewness(table: Table, na_rm: bool = False) -> list[float]:
    """Third standardised moment of every column, with divisor n throughout; NaN as for sd(), and where constant."""
    return _standardised(table, 3, na_rm)


def kurtosis(table: Table, na_rm: bool = False) -> list[float]:
    """Fourth standardised moment of every column, with divisor n throughout (3 for a normal one)."""
    return _standardised(table, 4, na_rm)


def _standardised(table: Table, power: int, na_rm: bool) -> list[float]:
    result = []
    for place, summary in zip(table.resolved, table.summaries(), strict=True):
        value = math.nan
        varied = place.is_number and summary.present > 1 and not summary.is_constant
        if varied and (na_rm or not summary.missing):
            found = central(place, summary, table.rows)
            with np.errstate(all="ignore"):
                value = float(np.divide((found.third, found.fourth)[power - 3], found.second ** (power / 2)))
        result.append(value)
    return result


def scale(table: Table, center: bool | Sequence[float] = True, scale: bool | Sequence[float] = True) -> Table:
    """Columns of numbers minus their mean, divided by their standard deviation (n-1); others stay as they are.

    `center` and `scale`: True, False, or one number per column of numbers. A constant column is only centered.
    """
    places, summaries, sigmas = table.resolved, table.summaries(), _sigmas(table)
    at = [i for i, place in enumerate(places) if place.type in ("int", "real")]
    shifts = _per_column("center", center, [summaries[i].mean for i in at], 0.0)
    spreads = [sigmas[i] if summaries[i].present > 1 and sigmas[i] != 0 else 1.0 for i in at]
    sizes = _per_column("scale", scale, spreads, 1.0)
    if not all(sizes):
        raise H2OValueError(f"scale must hold no 0; got {scale!r}.")
    made: list[Step | Place] = list(places)
    for i, shift, size in zip(at, shifts, sizes, strict=True):
        long = center is True and places[i].type == "int" and size_of(summaries[i]) > EXACT
        rest = central(places[i], summaries[i], table.rows).rest if long else 0.0
        made[i] = Step((places[i],), _standardise, None, None, (shift, rest, size))
    return table.with_places(carry_out(made, table.rows))


def _per_column(name: str, option: Any, found: list[float], neutral: float) -> list[float]:
    if isinstance(option, bool):
        return found if option else [neutral] * len(found)
    numbers = [float(v) for v in option]
    if len(numbers) != len(found):
        raise H2OValueError(f"{name} must be True, False or {len(found)} numbers; got {len(numbers)}.")
    return numbers
