"""Rows and columns picked, stacked, bound and overwritten: Python lists on drawn tables, in any cut."""

import random
from collections import Counter

import numpy as np
import pytest
from drawn_tables import KINDS, LEVELS, POOLS, cells, domain, frame, table_of

from frames.exceptions import H2OValueError

pytestmark = pytest.mark.usefixtures("client")

SEVERAL = ("small", "long", "real", "enum", "string")
ALSO = {"small": ("small", "long"), "real": ("small", "real"), "enum": ("enum", "string"), "string": ("enum", "string")}


def drawn(draw, kinds, rows):
    return {name: cells(draw, kind, rows) for name, kind in kinds.items()}


@pytest.mark.parametrize("seed", range(6))
def test_stacked_and_bound_frames_have_the_cells_of_their_parts(seed):
    draw = random.Random(seed)
    first = {f"c{i}": draw.choice(KINDS) for i in range(3)}
    parts = []
    for rows in (draw.choice([0, 1, 20]), draw.choice([0, 3, 20]), 20):
        kinds = {name: draw.choice(ALSO.get(kind, (kind,))) if parts else kind for name, kind in first.items()}
        names = draw.sample(list(kinds), len(kinds))  # the order of columns may differ
        table = {name: drawn(draw, kinds, rows)[name] for name in names}
        parts.append((table, frame(draw, table, kinds)))
    (table, top), *others = parts
    stacked = top.rbind([found for _, found in others])
    wanted = {name: [v for part, _ in parts for v in part[name]] for name in table}
    assert table_of(stacked) == wanted
    assert stacked.names == list(table)
    for name in table:
        if all(domain(found, name) is not None for _, found in parts):
            assert domain(stacked, name) == LEVELS
    more = {"c0": draw.choice(KINDS), "d": draw.choice(KINDS)}
    beside = drawn(draw, more, stacked.nrow)
    bound = stacked.cbind(frame(draw, beside, more))
    assert table_of(bound) == {**wanted, "c00": beside["c0"], "d": beside["d"]}
    assert [table_of(found) for _, found in parts] == [part for part, _ in parts]


def _rows(draw, rows):
    """(row index of any kind, the row numbers it means)"""
    every = list(range(rows))
    start, stop, step = (draw.choice([None, draw.randint(-rows - 2, rows + 2)]) for _ in range(3))
    some = [draw.randrange(rows) for _ in range(draw.randint(1, 12))]
    flags = [draw.random() < 0.5 for _ in every]
    marks = [draw.choice([0, 1, 2.5, None]) for _ in every]
    marked = [i for i in every if marks[i]]
    return [
        (slice(start, stop, step or 1), every[start : stop : step or 1]),
        (some, some), (sorted(some), sorted(some)), ([i - rows for i in some], some), (np.array(some), some),
        (flags, [i for i in every if flags[i]]), (np.array(flags), [i for i in every if flags[i]]),
        (frame(draw, {"m": marks}, {"m": "real"}), marked),
        (frame(draw, {"m": ["True" if m else "False" for m in marks]}, {"m": "string"}).asfactor(), marked),
        (some[0] - rows, some[:1]), ([], []),
    ]  # fmt: skip


@pytest.mark.parametrize(("seed", "rows"), [(10, 40), (11, 1), (12, 23)])
def test_rows_and_columns_are_picked_as_lists_are(seed, rows):
    draw = random.Random(seed)
    kinds = {f"c{i}": kind for i, kind in enumerate(draw.sample(KINDS, 4))}
    table = drawn(draw, kinds, rows)
    found = frame(draw, table, kinds)
    for chosen, numbers in _rows(draw, rows):
        names = draw.sample(list(kinds), draw.randint(1, 4))
        columns = draw.choice([names, [list(kinds).index(n) for n in names], [list(kinds).index(n) - 4 for n in names]])
        picked = found[chosen, columns]
        assert table_of(picked) == {name: [table[name][i] for i in numbers] for name in names}
        assert picked.names == names
    for count in (0, 7, rows + 1):
        assert table_of(found.head(count)) == {name: values[:count] for name, values in table.items()}
        last = {name: values[max(rows - count, 0) :] for name, values in table.items()}
        assert table_of(found.tail(count)) == last
    split = found.split_frame([0.3, 0.3], seed=seed)
    pieces = [table_of(part) for part in split]
    assert Counter(zip(*table.values(), strict=True)) == sum(
        (Counter(zip(*piece.values(), strict=True)) for piece in pieces), Counter()
    )
    assert table_of(found.drop([0, rows - 1], axis=0)) == {n: values[1 : rows - 1] for n, values in table.items()}
    assert table_of(found) == table


def test_a_column_picked_twice_gets_another_name_and_sizes_must_be_counts():
    found = frame(random.Random(0), {"p": ["a", "b"]}, {"p": "enum"}, 1)
    assert found[["p", "p"]].names == ["p", "p0"]
    assert found.group_by(["p", "p"]).count().get_frame().names == ["p", "p0", "nrow"]
    for attempt in (lambda: found.head(-1), lambda: found.tail(2.0)):
        with pytest.raises(H2OValueError, match="whole number"):
            attempt()


@pytest.mark.parametrize(("seed", "rows"), [(20, 40), (21, 5), (22, 20), (23, 40)])
def test_cells_and_columns_are_overwritten_as_those_of_lists(seed, rows):
    draw = random.Random(seed)
    kinds = {f"c{i}": kind for i, kind in enumerate(SEVERAL)}
    table = {name: [draw.choice(POOLS[kind]), *cells(draw, kind, rows - 1)] for name, kind in kinds.items()}
    found = frame(draw, table, kinds)
    before, kept = {name: list(values) for name, values in table.items()}, found[:, :]
    for name, kind in kinds.items():
        values = table[name]
        for chosen, numbers in _rows(draw, rows)[:-1]:
            new = draw.choice([*POOLS[kind], None])
            if kind == "small" or new is not None or any(v is not None for v in values):
                found[chosen, name] = new
                for i in numbers:
                    values[i] = new
        assert table_of(found[name])[name] == values, name
        if all(v is None for v in values):
            continue
        marks = [draw.choice([0, 1, None]) for _ in range(rows)]
        cells_ = [draw.choice(POOLS[kind]) for _ in range(rows)]
        found[frame(draw, {"m": marks}, {"m": "real"}), name] = frame(draw, {"z": cells_}, {"z": kind})
        table[name] = [new if mark else old for mark, new, old in zip(marks, cells_, values, strict=True)]
        assert table_of(found[name])[name] == table[name], name
    found["new"] = frame(draw, {"z": table["c1"]}, {"z": "long"})
    found["c0"] = list(range(rows))
    table |= {"new": table["c1"], "c0": list(range(rows))}
    assert table_of(found) == table
    assert table_of(found.pop("c3")) == {"c3": table.pop("c3")}
    assert table_of(found) == table
    assert table_of(kept) == before  # a slice is a copy
