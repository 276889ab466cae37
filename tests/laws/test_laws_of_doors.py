"""One table, every door: files, lists, pandas, NumPy, Dask and Arrow give the same types, levels, gaps and values."""

import csv
import datetime as dt
import gzip
import io
import warnings

import dask.dataframe as dd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from frames.cluster import registry
from frames.cluster.reorder import fetch
from frames.cluster.tasks import absent
from frames.frame import H2OFrame
from frames.functions import import_file
from frames.parse import ranges

WORDS = ["a", " a", "a ", "  ", "NA", "nan", "null", "", "b,c", 'say "b"', "two\nlines", "ä", "True", "False", "?"]
DATES = ["2007-11-06", "2007-11-07 13:05:59", "6-Nov-2007", "1999-12-31"]
NUMBERS = ["1", " 2", "3 ", "4.5", "-6e3", "9007199254740993", "NA", "NaN"]


def _moment(rng):
    return dt.datetime(1900, 1, 1) + dt.timedelta(seconds=int(rng.integers(0, 2**33)))


def _real(rng):
    return float(rng.choice([0.0, 0.1, -2.5, 3.0, 1e300, -1e-300, np.inf, rng.normal()]))


def _integer(rng):
    return int(rng.choice([0, 1, -7, 2**60, 2**60 + 1, -(2**53) - 1, rng.integers(-99, 99)]))


def _one_of(*texts):
    return lambda rng: str(rng.choice(list(texts)))


KINDS = {
    "ints": _integer,
    "reals": _real,
    "words": _one_of(*WORDS),
    "numbers": _one_of(*NUMBERS),
    "numbers and words": _one_of(*NUMBERS, *NUMBERS, *WORDS),
    "dates": _one_of(*DATES),
    "dates and words": _one_of(*DATES, "soon", "NA"),
    "times": _moment,
    "bools": lambda rng: bool(rng.integers(2)),
}
TYPES = {"reals": ["int", "real"], "k": ["numeric"], "times": ["time", "enum", "string"]}
EVERY = ["int", "real", "enum", "string", "time", "uuid"]


def table_of(seed: int) -> dict[str, list]:
    """Columns of cells by name; `k` counts the rows, so that no row is empty.

    Seeds are drawn, and not cells: threads of the cluster use `random`, which Hypothesis takes for a fault of ours.
    """
    rng = np.random.default_rng(seed)
    rows = int(rng.integers(3, 13))
    gaps = rng.choice([0.0, 0.2, 0.9, 1.0], p=[0.2, 0.5, 0.2, 0.1], size=len(KINDS))
    table: dict[str, list] = {"k": list(range(rows))}
    for (kind, cell), gap in zip(KINDS.items(), gaps, strict=True):
        table[kind] = [None if rng.random() < gap else cell(rng) for _ in range(rows)]
    table["bools"][:2] = [True, False]  # columns of bool show both levels only where a source has a type for them
    return table


def wishes_of(seed: int) -> dict:
    """Declared types, and texts that mean missing.

    Reals stay numbers (2.0 is the text 2 in memory, in files what is written), and times times or texts (only where a
    source holds times, and not their texts, they are milliseconds).
    """
    rng = np.random.default_rng(seed)
    some = [name for name in ("k", *KINDS) if rng.random() < 0.6]
    return {
        "col_types": {name: str(rng.choice(TYPES.get(name, EVERY))) for name in some},
        "na_strings": [text for text in ("?", "NA", "a", " a") if rng.random() < 0.4],
    }


# ---- doors ----------------------------------------------------------------------------------------------------------
def _csv(table) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow(table)
    writer.writerows([None if cell is None else cell for cell in row] for row in zip(*table.values(), strict=True))
    return text.getvalue().encode()


def csv_file(table, folder, wishes):
    (folder / "t.csv").write_bytes(_csv(table))
    return import_file(folder / "t.csv", header=1, sep=",", **wishes)


def csv_in_pieces(table, folder, wishes):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranges, "RANGE_BYTES", 150)
        patch.setattr(ranges, "_LEAST", 1)
        return csv_file(table, folder, wishes)


def csv_packed(table, folder, wishes):
    (folder / "t.csv.gz").write_bytes(gzip.compress(_csv(table)))
    return import_file(folder / "t.csv.gz", header=1, sep=",", **wishes)


def parquet(table, folder, wishes):
    pq.write_table(pa.table(table), folder / "t.parquet", row_group_size=2)
    return import_file(folder / "t.parquet", **wishes)


def _named(wishes) -> dict:
    """The wishes under the names that H2OFrame has for them."""
    return {"column_types" if name == "col_types" else name: wish for name, wish in wishes.items()}


def rows(table, _, wishes):
    return H2OFrame([list(table), *map(list, zip(*table.values(), strict=True))], header=1, **_named(wishes))


def columns(table, _, wishes):
    return H2OFrame(table, **_named(wishes))


def pandas_objects(table, _, wishes):
    return H2OFrame(pd.DataFrame(table, dtype=object), **_named(wishes))


def _nullable(table) -> pd.DataFrame:
    dtypes = {bool: "boolean", int: "Int64", float: "Float64", str: "string", dt.datetime: "datetime64[us]"}
    kinds = {name: {type(cell) for cell in cells if cell is not None} for name, cells in table.items()}
    named = {name: dtypes[kind.pop()] if len(kind) == 1 else object for name, kind in kinds.items()}
    return pd.DataFrame({name: pd.Series(cells, dtype=named[name]) for name, cells in table.items()})


def pandas_nullable(table, _, wishes):
    return H2OFrame(_nullable(table), **_named(wishes))


def numpy_objects(table, _, wishes):
    return H2OFrame(np.array(list(table.values()), dtype=object).T, column_names=list(table), **_named(wishes))


def dask_partitions(table, _, wishes):
    whole = _nullable(table)
    half = len(whole) // 2
    parts = [whole.iloc[:0], whole.iloc[:1], whole.iloc[:0], whole.iloc[1:half], whole.iloc[half:]]
    return H2OFrame(dd.from_map(lambda at: parts[at], range(len(parts)), meta=whole.iloc[:0]), **_named(wishes))


def arrow(table, _, wishes):
    return H2OFrame(pa.concat_tables([pa.table(table).slice(0, 1), pa.table(table).slice(1)]), **_named(wishes))


DOORS = (
    csv_file, csv_in_pieces, csv_packed, parquet, rows, columns, pandas_objects, pandas_nullable, numpy_objects,
    dask_partitions, arrow,
)  # fmt: skip


def seen(door, table, folder, wishes):
    """What came in: types, levels, cells (None missing) and the warning."""
    registry.clear()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        frame = door(table, folder, wishes)
    names, places, sizes = frame._table.names, frame._table.places, frame._table.rows
    decoded = fetch(places, sizes)
    cells = {
        name: [None if gap else value for value, gap in zip(values.tolist(), absent(values), strict=True)]
        for name, values in zip(names, decoded, strict=True)
    }
    sentences = [str(one.message).replace("column_types", "col_types") for one in said]
    return frame.types, frame.levels(), cells, sentences


def must_agree(table, folder, wishes):
    first, *others = DOORS
    expected = seen(first, table, folder, wishes)
    for door in others:
        assert (door.__name__, *seen(door, table, folder, wishes)) == (door.__name__, *expected)


SEEDS = st.integers(0, 2**32)
few = settings(
    max_examples=5, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


@few
@given(SEEDS)
def test_every_door_gives_the_same_table(tmp_path, seed):
    must_agree(table_of(seed), tmp_path, {})


@few
@given(SEEDS)
def test_every_door_obeys_in_the_same_way(tmp_path, seed):
    must_agree(table_of(seed), tmp_path, wishes_of(seed))


def test_every_door_knows_the_corners(tmp_path):
    for table in (
        {"k": [0, 1, 2], "x": ["1", "2", "oops"], "y": ["NA", "", None], "z": [" 1/2/1970", "25/12/2007", "soon"]},
        {"k": [0, 1], "x": [2**53 + 1, None], "y": ["True", "False"], "z": [" ", "NA"]},
        {"k": [0, 1, 2, 3], "v": ["w"] * 4, "w": [1, None, None, 2], "x": ["long text " * 30, "x", "y", "z" * 300]},
    ):
        must_agree(table, tmp_path, {})


def test_every_door_gives_the_same_columns_without_rows(tmp_path):
    for door in (csv_file, csv_packed, parquet, rows, columns, pandas_objects, numpy_objects, arrow):
        types, levels, cells, said = seen(door, {"k": [], "x": []}, tmp_path, {})
        assert (door.__name__, types, said) == (door.__name__, {"k": "real", "x": "real"}, [])
        assert (levels, cells) == ([[], []], {"k": [], "x": []})
