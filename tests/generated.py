"""Generated columns of numbers, frames of them in one piece and in many, and what their cells are, exactly."""

import math

import numpy as np
from framed import frame_from_columns
from hypothesis import strategies as st

from frames.chunks.summary import MISSING_INTEGER
from frames.cluster.reorder import fetch

BIG = 2**53
LARGEST = 2**63 - 1

SMALL = st.integers(-9, 9)
MIDDLE = st.integers(-(2**31), 2**31)
LONG = st.sampled_from([BIG - 1, BIG, BIG + 1, -BIG, -BIG - 1, BIG + 2, 2**60 + 1, -(2**60) - 3]) | st.integers(
    -(2**61), 2**61
)
EDGE = st.sampled_from([LARGEST, -LARGEST, LARGEST - 1, 2**62, -(2**62), 3, 0])
DOUBLE = st.sampled_from([0.5, -0.5, 0.1, 2.5, -2.5, -0.0, 0.0, 1.0, 1e300, -1e300, 1e-310, math.inf, -math.inf]) | (
    st.floats(-1e6, 1e6)
)
KINDS = {"small": SMALL, "middle": MIDDLE, "long": LONG, "edge": EDGE, "double": DOUBLE}


@st.composite
def tables(draw, kinds=tuple(KINDS), missing=True):
    """A dict kind -> cells (int, float or None), one column of each kind, and a cut of its rows with empty pieces."""
    count = draw(st.integers(0, 9))
    table = {}
    for kind in kinds:
        cell = KINDS[kind] | st.none() if missing else KINDS[kind]
        table[kind] = draw(st.lists(cell, min_size=count, max_size=count))
    table["gone"] = [None] * count
    ends = sorted(draw(st.lists(st.integers(0, count), min_size=2, max_size=4)))
    return table, [b - a for a, b in zip([0, *ends], [*ends, count], strict=True)]


def doubles(cells):
    """Cells as float64, NaN for missing."""
    return np.array([math.nan if cell is None else float(cell) for cell in cells], np.float64)


def in_one(table):
    """The frame of a table in one partition."""
    whole = [any(isinstance(cell, int) for cell in cells) for cells in table.values()]
    arrays = [cells if integers else doubles(cells) for cells, integers in zip(table.values(), whole, strict=True)]
    return frame_from_columns(list(table), ["int" if integers else "real" for integers in whole], arrays)


def in_many(table, sizes):
    """The same frame cut in partitions of these sizes."""
    whole = in_one(table)
    ends = np.cumsum(sizes)
    pieces = [whole[int(end - size) : int(end), :] for end, size in zip(ends, sizes, strict=True)]
    return pieces[0].rbind(pieces[1:])


def columns(frame):
    """The cells of every column of a frame, exactly: int where the column is of integers, float, str, or None."""
    found = []
    for place, values in zip(frame._table.resolved, fetch(frame._table.places, frame._table.rows), strict=True):
        gap = {np.dtype(np.int32): -1, np.dtype(np.int64): MISSING_INTEGER}.get(values.dtype)
        cells = [None if v is None or v == gap or v != v else v for v in values.tolist()]
        if place.type == "enum":
            cells = [None if v is None else place.domain[v] for v in cells]
        elif place.type in ("int", "time"):
            cells = [None if v is None else int(v) for v in cells]
        found.append(cells)
    return found


def alike(found, wanted):
    """Equal cells: values, and the sign of zero where both are floats (an int has none); NaN is missing."""
    assert len(found) == len(wanted)
    for f, w in zip(found, wanted, strict=True):
        w = None if w is None or w != w else w
        assert f == w, (found, wanted)
        if type(f) is float and type(w) is float and f == 0:
            assert math.copysign(1, f) == math.copysign(1, w), (found, wanted)
