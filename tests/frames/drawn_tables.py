"""Tables drawn from a seed, as Python values and as frames in many cuts: what the laws of operations compare."""

from __future__ import annotations

import random

import numpy as np
import pandas as pd

from frames.cluster.reorder import fetch
from frames.cluster.tasks import absent
from frames.frame import H2OFrame

EDGE, END = 2**53, 2**63
POOLS = {
    "small": [-2, -1, 0, 1, 2, 3],
    "long": [EDGE - 1, EDGE, EDGE + 1, EDGE + 2, -EDGE - 1, -EDGE, 2**62, 2**62 + 1, END - 1, END - 2, 1 - END, 0, 5],
    "real": [-1.5, -0.0, 0.0, 2.0, 2.5, 1e300, -1e300, float("inf"), float("-inf"), 0.1],
    "enum": ["a", "b", "B", "é", "ab", " a", "a ", "z_", "10"],
    "string": ["a", "b", "B", "é", "ab", " a", "a ", "z_", "10", "𝄞x", "aa"],
    "time": [0, 86_400_000, 1_700_000_000_123, -5, 1],
}  # fmt: skip
LEVELS = ("b", "10", " a", "é", "z_", "a", "B", "a ", "ab")  # not sorted: levels have an order of their own
KINDS = tuple(POOLS)


def cells(draw: random.Random, kind: str, rows: int, gaps: float = 0.2) -> list:
    """Cells of a kind, few different ones, so that many are equal; None is missing."""
    pool = draw.sample(POOLS[kind], draw.randint(1, len(POOLS[kind])))
    return [None if draw.random() < gaps else draw.choice(pool) for _ in range(rows)]


def _column(kind: str, values: list):
    if kind in ("small", "long"):
        return pd.array(values, dtype="Int64")
    if kind == "real":
        return np.array([np.nan if v is None else v for v in values], float)
    if kind == "enum":
        return pd.Categorical(values, categories=LEVELS)
    if kind == "time":
        return pd.to_datetime(pd.Series(values, dtype="Int64").astype("float64"), unit="ms").astype("datetime64[ms]")
    return pd.Series(values, dtype=object)


def frame(draw: random.Random, table: dict[str, list], kinds: dict[str, str], parts: int | None = None) -> H2OFrame:
    """The table as a frame of up to five partitions, some of them empty."""
    texts = {name: "string" for name, kind in kinds.items() if kind == "string"}
    data = pd.DataFrame({name: _column(kinds[name], values) for name, values in table.items()})
    whole = H2OFrame(data, column_types=texts or None)
    rows = len(data)
    ends = sorted(draw.randint(0, rows) for _ in range((parts or draw.choice([1, 2, 3, 5])) - 1))
    pieces = [whole[a:b, :] for a, b in zip([0, *ends], [*ends, rows], strict=True)]
    return pieces[0].rbind(pieces[1:]) if ends else whole


def table_of(found: H2OFrame) -> dict[str, list]:
    """A frame as Python values: integers and times as int, exactly; levels and texts as str; None is missing."""
    table = {}
    for column, values in zip(found.schema.columns, fetch(found._table.places, found._table.rows), strict=True):
        whole = column.type in ("int", "time")
        shown = [(column.domain or ())[v] if column.domain and v >= 0 else v for v in values.tolist()]
        gaps = absent(values).tolist()
        table[column.name] = [None if gap else int(v) if whole else v for v, gap in zip(shown, gaps, strict=True)]
    return table


def domain(found: H2OFrame, name: str) -> tuple[str, ...] | None:
    """The levels of a column, None unless enum."""
    return found.schema.columns[found._table.index(name)].domain


def place(value, levels: tuple[str, ...] | None) -> tuple:
    """Where a cell stands in the order of a column: missing first, levels in their order."""
    if value is None:
        return (0, 0)
    return (1, levels.index(value) if levels else value)
