"""Frames of random data, made on the workers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from frames.chunks.column import Type
from frames.cluster.reorder import spread
from frames.cluster.tasks import derive
from frames.exceptions import H2OTypeError, H2OValueError
from frames.table.table import Named, Table
from frames.verbs.fold_columns import chosen_seed

ROWS_PER_PARTITION = 100_000
TIME_RANGE = (0.0, 1_500_000_000_000.0)  # 1970 to 2017 in epoch milliseconds


class Draw(NamedTuple):
    """How one column is drawn."""

    type: Type
    low: float = 0.0
    high: float = 0.0
    levels: int = 0
    ones: float | None = None  # share of ones of a binary column
    missing: float = 0.0
    value: float | None = None  # without randomize


def _drawn(rows: int, part: int, draws: Sequence[Draw], seed: int) -> list[np.ndarray]:
    """Run as a task: the columns of one partition; every column has a random stream of its own in every partition."""
    columns = []
    for i, draw in enumerate(draws):
        random = np.random.Generator(np.random.PCG64([seed, part, i]))
        values = _one(rows, draw, random)
        gaps = random.random(rows) < draw.missing
        if draw.type == "enum":
            values[gaps] = -1
        elif draw.type in ("string", "uuid"):
            values[gaps] = None
        else:
            values = np.where(gaps, np.nan, values)
        columns.append(values)
    return columns


def _one(rows: int, draw: Draw, random: np.random.Generator) -> np.ndarray:
    if draw.type == "enum":
        return random.integers(0, draw.levels, rows, dtype=np.int32) if draw.levels else np.full(rows, -1, np.int32)
    if draw.type == "string":
        letters = random.integers(97, 123, (rows, 8), dtype=np.uint8)
        return np.array([bytes(word).decode() for word in letters], dtype=object)
    if draw.value is not None:
        return np.full(rows, float(draw.value))
    if draw.ones is not None:
        return (random.random(rows) < draw.ones).astype(np.float64)
    if draw.type in ("int", "time"):
        return random.integers(int(draw.low), int(draw.high) + 1, rows).astype(np.float64)
    return random.uniform(draw.low, draw.high, rows)


def create_frame(
    frame_id: str | None = None,
    rows: int = 10000,
    cols: int = 10,
    randomize: bool = True,
    real_fraction: float | None = None,
    categorical_fraction: float | None = None,
    integer_fraction: float | None = None,
    binary_fraction: float | None = None,
    time_fraction: float | None = None,
    string_fraction: float | None = None,
    value: float = 0,
    real_range: float = 100.0,
    factors: int = 100,
    integer_range: int = 100,
    binary_ones_fraction: float = 0.02,
    missing_fraction: float = 0.01,
    has_response: bool = False,
    response_factors: int = 2,
    positive_response: bool = False,
    seed: int | None = None,
    seed_for_column_types: int | None = None,
) -> Named:
    """Return a frame of random columns C1, C2, ..., with `has_response` a column `response` before them.

    Fractions of the columns by type; those not given share what is left as H2O does (half real where nothing else is
    asked, then categorical, integer, binary). Reals are uniform in +-`real_range`, integers in +-`integer_range`, enum
    columns have `factors` levels `c<column>.l<level>`. `response_factors=1` gives a real response (from 0 with
    `positive_response`), more give an enum; it is never missing. With `randomize=False` every number is `value`.

    Raises H2OValueError for fractions outside 0..1 or whose sum is above 1, and for rows or cols below 1.
    Example: ``create_frame(rows=1000, cols=5, categorical_fraction=0.4, missing_fraction=0, seed=1)``.
    """
    _check_size(rows=rows, cols=cols, factors=factors, response_factors=response_factors)
    shares = _shares(
        {
            "real": real_fraction, "enum": categorical_fraction, "int": integer_fraction,
            "binary": binary_fraction, "time": time_fraction, "string": string_fraction,
        }
    )  # fmt: skip
    for name, share in (("missing_fraction", missing_fraction), ("binary_ones_fraction", binary_ones_fraction)):
        if not 0 <= share <= 1:
            raise H2OValueError(f"{name} must be between 0 and 1; got {share!r}.")
    root = chosen_seed(seed)
    plain = None if randomize else value
    kinds = {
        "real": Draw("real", -real_range, real_range, missing=missing_fraction, value=plain),
        "enum": Draw("enum", levels=factors, missing=missing_fraction),
        "int": Draw("int", -integer_range, integer_range, missing=missing_fraction, value=plain),
        "binary": Draw("int", ones=binary_ones_fraction, missing=missing_fraction, value=plain),
        "time": Draw("time", *TIME_RANGE, missing=missing_fraction, value=plain),
        "string": Draw("string", missing=missing_fraction),
    }
    order = _dealt(shares, cols, chosen_seed(seed_for_column_types if seed_for_column_types is not None else root))
    draws, names = [kinds[k] for k in order], [f"C{i + 1}" for i in range(cols)]
    if has_response:
        low = 0.0 if positive_response else -real_range
        response = Draw("real", low, real_range) if response_factors == 1 else Draw("enum", levels=response_factors)
        draws, names = [response, *draws], ["response", *names]
    return Named(frame_id, _table(names, draws, rows, root))


def _table(names: list[str], draws: list[Draw], rows: int, seed: int) -> Table:
    cuts = spread(rows, max(1000, ROWS_PER_PARTITION * 20 // max(len(draws), 20)))
    domains = [
        tuple(f"c{i}.l{k}" for k in range(draw.levels)) if draw.type == "enum" else None for i, draw in enumerate(draws)
    ]
    types: list[Any] = [None if draw.type in ("real", "int") else draw.type for draw in draws]
    local = [(count, part) for part, count in enumerate(cuts)]
    places = derive([], cuts, _drawn, types=types, domains=domains, arguments=(draws, seed), local=local)
    return Table(tuple(names), tuple(places), cuts)


def _check_size(**sizes: Any) -> None:
    for name, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, int | np.integer):
            raise H2OTypeError(f"{name} must be a whole number; got {size!r}.")
        if size < 1:
            raise H2OValueError(f"{name} must be at least 1; got {size}.")


def _shares(asked: dict[str, float | None]) -> dict[str, float]:
    """Return the share of every type: those not asked for get a part of the rest; time and string only when asked."""
    for name, share in asked.items():
        if share is not None and not 0 <= share <= 1:
            raise H2OValueError(f"The fraction of {name} columns must be between 0 and 1; got {share!r}.")
    rest = 1.0 - sum(share or 0.0 for share in asked.values())
    if rest < -1e-9:
        raise H2OValueError(f"The fractions of column types must sum to at most 1; got {1.0 - rest:g}.")
    weights = {"real": 0.5, "enum": 0.2, "int": 0.2, "binary": 0.1}
    free = {name: w for name, w in weights.items() if asked[name] is None}
    shares = {name: share or 0.0 for name, share in asked.items()}
    if not free and rest > 1e-9:
        shares["real"] += rest
    for name, weight in free.items():
        shares[name] = max(rest, 0.0) * weight / sum(free.values())
    return shares


def _dealt(shares: dict[str, float], cols: int, seed: int) -> list[str]:
    """Types of all columns in random order; counts are the shares, the largest remainders rounded up."""
    exact = {name: share * cols for name, share in shares.items()}
    counts = {name: int(np.floor(number + 1e-9)) for name, number in exact.items()}
    for name in sorted(exact, key=lambda n: counts[n] - exact[n])[: cols - sum(counts.values())]:
        counts[name] += 1
    kinds = [name for name, count in counts.items() for _ in range(count)]
    return [kinds[i] for i in np.random.Generator(np.random.PCG64(seed)).permutation(cols)]
