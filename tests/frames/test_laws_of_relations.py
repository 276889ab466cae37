"""sort, merge, group_by, table, unique, isin, match, drop_duplicates: plain Python on drawn tables, in any cut."""

import itertools
import math
import random
import statistics
from fractions import Fraction

import pytest
from drawn_tables import KINDS, LEVELS, POOLS, cells, domain, frame, place, table_of

pytestmark = pytest.mark.usefixtures("client")


def drawn(seed, rows, most=3):
    """(random numbers, table, kinds): some columns of any kind, and the row numbers `at`."""
    draw = random.Random(seed)
    kinds = {f"c{i}": draw.choice(KINDS) for i in range(draw.randint(1, most))}
    table = {name: cells(draw, kind, rows, draw.choice([0, 0.2, 0.6])) for name, kind in kinds.items()}
    return draw, {**table, "at": list(range(rows))}, {**kinds, "at": "small"}


def rows_of(table, numbers):
    return {name: [values[i] for i in numbers] for name, values in table.items()}


@pytest.mark.parametrize(("seed", "rows"), [(0, 60), (1, 60), (2, 7), (3, 1), (4, 0), (5, 40), (6, 40)])
def test_rows_are_sorted_grouped_and_made_distinct_as_python_does_it(seed, rows):
    draw, table, kinds = drawn(seed, rows)
    found = frame(draw, table, kinds)
    levels = {name: domain(found, name) for name in kinds}
    by = draw.sample(list(kinds)[:-1], draw.randint(1, len(kinds) - 1))
    up = [draw.random() < 0.5 for _ in by]
    order = list(range(rows))
    for name, ascending in reversed(list(zip(by, up, strict=True))):
        present = [i for i in order if table[name][i] is not None]
        # Sorted falling, equal rows still keep their order: reverse the groups, not the rows.
        groups = itertools.groupby(
            sorted(present, key=lambda i, n=name: place(table[n][i], levels[n])), lambda i, n=name: table[n][i]
        )
        runs = [list(run) for _, run in groups]
        runs = runs if ascending else runs[::-1]
        order = [i for i in order if table[name][i] is None] + [i for run in runs for i in run]
    assert table_of(found.sort(by, ascending=up)) == rows_of(table, order)

    keys = [tuple(table[name][i] for name in by) for i in range(rows)]
    for keep, where in (("first", 0), ("last", -1)):
        kept = sorted({key: [i for i in range(rows) if keys[i] == key][where] for key in keys}.values())
        assert table_of(found.drop_duplicates(by, keep=keep)) == rows_of(table, kept)

    groups = sorted(set(keys), key=lambda key: [place(v, levels[n]) for v, n in zip(key, by, strict=True)])
    wanted = {name: [key[i] for key in groups] for i, name in enumerate(by)}
    counted = found.group_by(by).count().min("at").get_frame()
    assert table_of(counted) == {
        **wanted, "nrow": [keys.count(key) for key in groups], "min_at": [keys.index(key) for key in groups],
    }  # fmt: skip
    assert table_of(found) == table  # nothing has changed it


@pytest.mark.parametrize(("seed", "rows"), [(10, 60), (11, 30), (12, 1), (13, 0), (14, 60)])
def test_values_are_counted_and_looked_up_as_python_does_it(seed, rows):
    draw, table, kinds = drawn(seed, rows)
    found = frame(draw, table, kinds)
    levels = {name: domain(found, name) for name in kinds}
    for name, values in table.items():
        distinct = sorted({v for v in values if v is not None}, key=lambda v: place(v, levels[name]))
        missing = [None] if None in values else []
        assert table_of(found[name].unique())["C1"] == distinct
        assert table_of(found[name].unique(include_nas=True))["C1"] == distinct + missing
        assert table_of(found[name].table()) == {name: distinct, "Count": [values.count(v) for v in distinct]}
        if kinds[name] == "time":
            continue
        asked = [*draw.sample(POOLS[kinds[name]], 3), *draw.choice([[], [None], ["nowhere"], [7]])]
        wanted = [next((i + 1 for i, v in enumerate(asked) if v == cell), None) for cell in values]
        assert table_of(found[name].match(asked))[name] == wanted
        assert table_of(found[name].isin(asked))[name] == [int(i is not None) for i in wanted]
    first, second = draw.sample(list(kinds), 2)
    pairs = [p for p in zip(table[first], table[second], strict=True) if None not in p]
    names = sorted({p[0] for p in pairs}, key=lambda v: place(v, levels[first]))
    others = sorted({p[1] for p in pairs}, key=lambda v: place(v, levels[second]))
    long = [(a, b, pairs.count((a, b))) for a in names for b in others if (a, b) in pairs]
    assert list(map(tuple, zip(*table_of(found[[first, second]].table()).values(), strict=True))) == long
    wide = found[first].table(found[second], dense=False)
    assert list(table_of(wide).values()) == [names, *[[pairs.count((a, b)) for a in names] for b in others]]


KEYS = {"small": ("small", "long", "real"), "long": ("small", "long"), "real": ("small", "real")}


@pytest.mark.parametrize("seed", range(20, 27))
def test_merges_have_the_rows_that_python_finds(seed):
    draw = random.Random(seed)
    kinds = [draw.choice(KINDS) for _ in range(draw.randint(1, 2))]
    rows, other_rows = draw.choice([(30, 20), (0, 5), (20, 1), (10, 30), (5, 0)])
    left = {f"k{i}": cells(draw, kind, rows) for i, kind in enumerate(kinds)}
    other_kinds = [draw.choice(KEYS.get(kind, (kind,))) for kind in kinds]
    right = {f"k{i}": cells(draw, kind, other_rows) for i, kind in enumerate(other_kinds)}
    names = list(left)
    left |= {"v": list(range(rows)), "s": cells(draw, "string", rows)}
    right |= {"e": cells(draw, "enum", other_rows), "w": list(range(100, 100 + other_rows))}
    here = frame(draw, left, dict(zip(left, [*kinds, "small", "string"], strict=True)))
    there = frame(draw, right, dict(zip(right, [*other_kinds, "enum", "small"], strict=True)))
    if "enum" in kinds:  # levels of their own, in an order of their own
        at = names[kinds.index("enum")]
        there[at] = there[at].set_levels_order(LEVELS[::-1]).append_levels(["more"])
    keys = [tuple(left[n][i] for n in names) for i in range(rows)]
    other_keys = [tuple(right[n][i] for n in names) for i in range(other_rows)]
    for all_x, all_y in itertools.product((False, True), repeat=2):
        found = here.merge(there, all_x=all_x, all_y=all_y)
        pairs = [
            (i, k) for i, key in enumerate(keys) for k, other in enumerate(other_keys)
            if key == other and None not in key
        ]  # fmt: skip
        pairs += [(i, None) for i in range(rows) if all_x and i not in {p[0] for p in pairs}]
        pairs += [(None, k) for k in range(other_rows) if all_y and k not in {p[1] for p in pairs}]
        levels = [domain(found, n) for n in names]
        pairs.sort(key=lambda p: _where(p, keys, other_keys, levels, all_y and not all_x))
        wanted = {n: [left[n][i] if i is not None else right[n][k] for i, k in pairs] for n in names}
        wanted |= {n: [None if i is None else left[n][i] for i, _ in pairs] for n in ("v", "s")}
        wanted |= {n: [None if k is None else right[n][k] for _, k in pairs] for n in ("e", "w")}
        assert table_of(found) == wanted, (all_x, all_y)
        for n in names:
            own, foreign = domain(here, n), domain(there, n)
            if own is not None:
                assert domain(found, n) == {
                    (False, True): foreign, (True, True): tuple(dict.fromkeys([*own, *foreign])),
                }.get((all_x, all_y), own)  # fmt: skip
    assert (table_of(here), table_of(there)) == (left, right)


def _where(pair, keys, other_keys, levels, right_first):
    """Keys first, then the row of the frame whose rows lead, rows without a partner in it last."""
    i, k = pair
    key = keys[i] if i is not None else other_keys[k]
    rows = [math.inf if row is None else row for row in ((k, i) if right_first else (i, k))]
    return [*(place(v, names) for v, names in zip(key, levels, strict=True)), *rows]


NUMBERS = [-1.5, 0.0, 2.0, 2.5, 7.0, 1e6 + 0.25, -3.0]


@pytest.mark.parametrize("na", ["all", "rm", "ignore"])
@pytest.mark.parametrize(("seed", "rows"), [(30, 80), (31, 12), (32, 0)])
def test_groups_have_what_exact_python_computes(seed, rows, na):
    draw = random.Random(seed)
    keys = {"k": draw.choice(["small", "long", "string"]), "e": "enum"}
    table = {name: cells(draw, kind, rows, 0.3) for name, kind in keys.items()}
    table["x"] = [draw.choice([*NUMBERS, None]) for _ in range(rows)]
    table["n"] = cells(draw, "long", rows, 0.2)
    table["m"] = cells(draw, "enum", rows, 0.3)
    found = frame(draw, table, {**keys, "x": "real", "n": "long", "m": "enum"})
    asked = found.group_by(list(keys)).count(na=na)
    for call in ("mean", "sum", "min", "max", "sd", "var", "ss", "median", "mode"):
        getattr(asked, call)("x", na=na)
    asked.min("n", na=na).max("n", na=na).mode(["n", "m"], na=na)
    result = table_of(asked.get_frame())
    every = [tuple(table[name][i] for name in keys) for i in range(rows)]
    levels = [domain(found, name) for name in keys]
    groups = sorted(set(every), key=lambda key: [place(v, n) for v, n in zip(key, levels, strict=True)])
    assert list(zip(*[result[name] for name in keys], strict=True)) == groups
    for g, key in enumerate(groups):
        members = [i for i in range(rows) if every[i] == key]
        assert result["nrow"][g] == len(members)
        wanted = _moments([table["x"][i] for i in members], na)
        for column, order in (("x", None), ("n", None), ("m", domain(found, "m"))):
            wanted |= _chosen(column, [table[column][i] for i in members], na, order)
        for name, value in wanted.items():
            if name in result:
                same = result[name][g] == value or (None not in (value, result[name][g]) and isinstance(value, float))
                assert same, (name, key)
                if isinstance(value, float):
                    assert result[name][g] == pytest.approx(value, rel=1e-9, abs=1e-9), (name, key)


def _moments(cells_, na):
    present = [Fraction(v) for v in cells_ if v is not None]
    gaps = len(cells_) - len(present)
    if na == "all" and gaps:
        return dict.fromkeys([f"{what}_x" for what in ("mean", "sum", "var", "sdev", "sumSquares", "median")])
    counted = present + [Fraction(0)] * (gaps if na == "ignore" else 0)
    variance = float(statistics.variance(counted)) if len(counted) > 1 else None
    ranked = [None] * (gaps if na == "ignore" else 0) + sorted(present)
    middle = [ranked[(len(ranked) - 1) // 2], ranked[len(ranked) // 2]] if ranked else [None]
    return {
        "mean_x": float(sum(counted) / len(counted)) if counted else None,
        "sum_x": float(sum(present)), "sumSquares_x": float(sum(v * v for v in present)),
        "var_x": variance, "sdev_x": None if variance is None else math.sqrt(variance),
        "median_x": None if None in middle else float(sum(middle) / len(middle)),
    }  # fmt: skip


def _chosen(column, cells_, na, order):
    """min, max and mode, exactly; the first in the order of the column of equally frequent modes."""
    present = [v for v in cells_ if v is not None]
    if not present or (na == "all" and len(present) < len(cells_)):
        return {f"{what}_{column}": None for what in ("min", "max", "mode")}
    mode = min(set(present), key=lambda v: (-present.count(v), order.index(v) if order else v))
    extremes = {} if order else {f"min_{column}": min(present), f"max_{column}": max(present)}
    return {**extremes, f"mode_{column}": mode}
