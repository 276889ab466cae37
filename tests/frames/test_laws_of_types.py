"""Columns made another type and back, and levels put in order: plain Python on drawn columns, in any cut."""

import random

import pytest
from drawn_tables import LEVELS, cells, domain, frame, table_of

from frames.frame import H2OFrame
from frames.table.casts import double_text

pytestmark = pytest.mark.usefixtures("client")

NUMBERS = ["1", "10", "2.5", "-3", "9007199254740993", "1e3", "-.5", "x", " 7"]


def one(found):
    (values,) = table_of(found).values()
    return values


def number(text):
    """A text as Python reads it; None for what is no number."""
    for kind in (int, float):
        try:
            return kind(text)
        except (ValueError, TypeError):
            continue
    return None


@pytest.mark.parametrize("rows", [60, 1, 0])
def test_numbers_become_texts_and_levels_and_come_back_exactly(rows):
    draw = random.Random(rows)
    table = {kind: cells(draw, kind, rows) for kind in ("small", "long", "time")}
    found = frame(draw, table, {name: name for name in table}, 3)
    texts = {name: [None if v is None else str(v) for v in values] for name, values in table.items()}
    assert table_of(found.ascharacter()) == texts
    assert table_of(found.ascharacter().asnumeric()) == table
    levels = found[["small", "long"]].asfactor()
    assert table_of(levels) == {name: texts[name] for name in ("small", "long")}
    for name in ("small", "long"):
        assert domain(levels, name) == tuple(str(v) for v in sorted({v for v in table[name] if v is not None}))
    assert table_of(levels.asnumeric()) == {name: table[name] for name in ("small", "long")}
    assert table_of(found) == table


def test_reals_are_written_as_java_writes_doubles_and_read_back_exactly():
    values = [0.1, 1e7, 9999999.5, 1e-3, 1e-4, 123456789.125, 1e22, 1e300, -2.5e-310, 0.0, 3.0, float("inf")]
    found = H2OFrame({"x": [*values, None]}, column_types=["real"])
    written = ["0.1", "10000000", "9999999.5", "0.001", "1.0E-4", "1.23456789125E8", "1.0E22", "1.0E300", "-2.5E-310",
               "0", "3", "Infinity"]  # fmt: skip
    assert one(found.ascharacter()) == [*written, None]
    assert one(found.ascharacter().asnumeric()) == [*values, None]
    assert [double_text(v) for v in (3.0, -0.0, 1e7, 2**53 + 1)] == ["3.0", "-0.0", "1.0E7", "9007199254740993"]


@pytest.mark.parametrize("kind", ["string", "enum"])
def test_texts_that_are_numbers_become_these_and_others_missing(kind):
    draw = random.Random(kind)
    texts = [draw.choice([*NUMBERS[:2], *NUMBERS[3:5], "x", " 7", None]) for _ in range(40)]  # integers stay exact
    fraction = [draw.choice([*NUMBERS[:4], *NUMBERS[5:], None]) for _ in range(40)]
    found = H2OFrame({"a": texts, "b": fraction}, column_types=[kind, kind])
    read = found[0:13, :].rbind(found[13:, :]).asnumeric()
    assert table_of(read) == {"a": list(map(number, texts)), "b": list(map(number, fraction))}
    words = H2OFrame({"w": ["b", "a", None]}, column_types=[kind]).asnumeric()
    assert one(words) == ([1.0, 0.0, None] if kind == "enum" else [None] * 3)


@pytest.mark.parametrize("rows", [50, 1])
def test_levels_are_put_in_order_without_touching_a_cell(rows):
    draw = random.Random(rows)
    values, weights = cells(draw, "enum", rows), [draw.choice([0, 0.5, 3]) for _ in range(rows)]
    found = frame(draw, {"e": values, "w": weights}, {"e": "enum", "w": "real"})
    column = found["e"]
    shuffled = draw.sample(LEVELS, len(LEVELS))
    by_count = sorted(LEVELS, key=lambda v: -values.count(v))
    by_weight = sorted(LEVELS, key=lambda v: -sum(w for w, e in zip(weights, values, strict=True) if e == v))
    for changed, levels in (
        (column.relevel("é"), ["é", *(v for v in LEVELS if v != "é")]),
        (column.set_levels_order(shuffled), shuffled),
        (column.relevel_by_frequency(), by_count),
        (column.relevel_by_frequency(top_n=2), [*by_count[:2], *(v for v in LEVELS if v not in by_count[:2])]),
        (found.relevel_by_frequency(weights_column="w")["e"], by_weight),
        (column.append_levels(["more", "é"]), [*LEVELS, "more"]),
        (column.ascharacter().asfactor().asfactor(), sorted({v for v in values if v is not None})),
    ):
        assert one(changed) == values
        assert domain(changed, "e") == tuple(levels)
        assert changed.summaries()["e"].counts.tolist() == [values.count(v) for v in levels]  # type: ignore[union-attr]
    names = [f"level {i}" for i in range(len(LEVELS))]
    renamed = column.set_levels(names)
    assert one(renamed) == [None if v is None else names[LEVELS.index(v)] for v in values]
    assert one(column.set_level("z_")) == ["z_"] * rows
    assert one(column) == values
    assert domain(column, "e") == LEVELS
