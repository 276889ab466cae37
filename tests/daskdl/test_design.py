"""Decoded partitions against pandas: every stored kind of number, levels, targets, weights and offsets."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

import daskdl.encoding.decoded
from daskdl.encoding.adaptation import adapt
from daskdl.encoding.decoded import Design, decode, empty_window
from daskdl.encoding.encoder import Encoder, Moments, Response, Scaling, Statistics, fit
from daskdl.kernels.gather import fill_numbers
from frames.chunks.chunk import Chunk
from frames.chunks.column import Column
from frames.chunks.schema import Schema
from frames.chunks.summary import MISSING_INTEGER

ROWS = 400
LONG = 2**60


@pytest.fixture
def interpreted(monkeypatch):
    """Gather with the kernel's source: what compiling could change is held by the first test."""
    monkeypatch.setattr(daskdl.encoding.decoded, "fill_numbers", fill_numbers.py_func)


class Table:
    """Columns in pandas, and the same columns as chunks: one group per inner list of names."""

    def __init__(self, frame: pd.DataFrame, types: dict[str, str] | None = None, groups=None) -> None:
        self.frame = frame
        self.types = {name: (types or {}).get(name, self._type(frame[name])) for name in frame}
        self.groups = groups or [list(frame)]
        self.columns = {
            name: Column(name, kind, tuple(frame[name].cat.categories) if kind == "enum" else None)
            for name, kind in self.types.items()
        }
        self.schema = Schema(tuple(self.columns.values()))
        self.chunks = [self._chunk(names) for names in self.groups]
        self.where = {name: (g, k) for g, names in enumerate(self.groups) for k, name in enumerate(names)}

    @staticmethod
    def _type(column: pd.Series) -> str:
        return (
            "enum" if isinstance(column.dtype, pd.CategoricalDtype) else "int" if column.dtype.kind in "iu" else "real"
        )

    def _chunk(self, names: list[str]) -> Chunk:
        stored = [
            self.frame[n].cat.codes.to_numpy(np.int32) if self.types[n] == "enum" else self.frame[n].to_numpy()
            for n in names
        ]
        levels = [len(self.columns[n].domain) if self.columns[n].domain is not None else None for n in names]
        return Chunk.pack(stored, [self.types[n] for n in names], levels)

    def moments(self, name: str) -> Moments:
        x = self.numbers(name)
        return Moments(x.mean(), x.std(), x.min(), x.max())

    def numbers(self, name: str) -> pd.Series:
        values = self.frame[name]
        return (
            values.astype(float).mask(values == MISSING_INTEGER) if values.dtype == np.int64 else values.astype(float)
        )

    def encoder(self, *predictors: str, response=None, scaling=None, **options) -> Encoder:
        columns = [self.columns[name] for name in predictors]
        statistics = Statistics(
            {c.name: self.moments(c.name) for c in columns if c.type != "enum"},
            {c.name: self.frame[c.name].value_counts(sort=False).to_numpy() for c in columns if c.type == "enum"},
            {c.name: int(self.frame[c.name].isna().sum()) for c in columns},
            {},
        )
        return fit(columns, statistics, response, scaling=scaling or Scaling(), **options)

    def decode(self, encoder: Encoder) -> Design:
        return decode(encoder, adapt(encoder, self.schema, need_response=True), self.chunks, self.where)


def gathered(design: Design, index=None):
    index = np.arange(design.rows) if index is None else np.asarray(index)
    rows = empty_window(len(index), design)
    design.window(index, np.arange(len(index)), rows)
    return rows


def scaled(table: Table, name: str) -> pd.Series:
    x = table.numbers(name)
    spread = x.std() if x.std() > 1e-12 else 1.0
    return ((x.fillna(x.mean()) - x.mean()) / spread).fillna(0)


def every_kind() -> Table:
    rng = np.random.default_rng(6)
    gaps = rng.random(ROWS) < 0.1
    frame = pd.DataFrame(
        {
            "byte": rng.integers(0, 256, ROWS),
            "byte with gaps": np.where(gaps, np.nan, rng.integers(0, 200, ROWS)),
            "short": rng.integers(-20_000, 20_000, ROWS),
            "word": rng.integers(-(10**8), 10**8, ROWS),
            "word with gaps": np.where(gaps, np.nan, rng.integers(-(10**8), 10**8, ROWS)),
            "long": LONG + rng.integers(0, 2**50, ROWS),
            "long with gaps": np.where(gaps, MISSING_INTEGER, LONG + rng.integers(0, 2**50, ROWS)),
            "time": 1_600_000_000_000 + rng.integers(0, 10**10, ROWS),
            "cents": rng.integers(0, 10**6, ROWS) / 100,
            "cents with gaps": np.where(gaps, np.nan, rng.integers(0, 10**6, ROWS) / 100),
            "float32": rng.normal(size=ROWS).astype(np.float32).astype(float),
            "float64": np.where(gaps, np.nan, rng.normal(1e6, 1, ROWS)),
            "sparse": np.where(rng.random(ROWS) < 0.97, 0.0, rng.normal(size=ROWS)),
            "bit": rng.integers(0, 2, ROWS).astype(float),
            "constant": np.full(ROWS, 2.5),
            "nothing": np.full(ROWS, np.nan),
        }
    )
    names = list(frame)
    types = {name: "int" if frame[name].dtype.kind == "i" else "real" for name in names}
    return Table(frame, {**types, "time": "time"}, [names[::2], names[1::2]])


def test_numbers_of_every_stored_kind_are_gathered_as_pandas_scales_them():
    table = every_kind()
    names = list(table.frame)
    design = table.decode(table.encoder(*names))
    kinds = {str(block.data.dtype) for block in design.blocks}
    assert {"uint8", "uint16", "int32", "int64", "float32", "float64"} <= kinds
    index = np.random.default_rng(0).integers(0, ROWS, 300)
    found = gathered(design, index).numbers
    assert found.dtype == np.float32
    for k, name in enumerate(names):
        np.testing.assert_allclose(
            found[:, k], scaled(table, name).to_numpy()[index], rtol=1e-5, atol=3e-6, err_msg=name
        )


def test_the_compiled_gather_and_its_source_agree(monkeypatch):
    table = every_kind()
    design = table.decode(table.encoder(*table.frame))
    compiled = gathered(design).numbers
    monkeypatch.setattr(daskdl.encoding.decoded, "fill_numbers", fill_numbers.py_func)
    # a fused multiply-add may round the last bit otherwise
    np.testing.assert_allclose(compiled, gathered(design).numbers, rtol=2e-7, atol=1e-8)


@pytest.mark.usefixtures("interpreted")
def test_columns_are_not_mixed_up_where_the_encoder_orders_them_otherwise():
    table = every_kind()
    names = ["time", "bit", "cents", "byte", "sparse"]
    found = gathered(table.decode(table.encoder(*names, scaling=Scaling(standardize=False)))).numbers
    for k, name in enumerate(names):
        np.testing.assert_array_equal(found[:, k], table.frame[name].to_numpy().astype(np.float32))


@pytest.mark.usefixtures("interpreted")
def test_missing_numbers_are_the_mean_also_without_standardisation():
    table = Table(pd.DataFrame({"x": [1.0, np.nan, 4.0], "k": [1.0, 2.0, np.nan]}))
    found = gathered(table.decode(table.encoder("x", "k", scaling=Scaling(standardize=False)))).numbers
    np.testing.assert_array_equal(found, np.array([[1, 1], [2.5, 2], [4, 1.5]], np.float32))
    by_range = gathered(table.decode(table.encoder("x", scaling=Scaling(by_range=True)))).numbers
    np.testing.assert_allclose(by_range[:, 0], [-0.5, 0, 0.5])


def colours(values) -> pd.Series:
    return pd.Series(pd.Categorical(values, categories=["blue", "green", "red"]))


@pytest.mark.usefixtures("interpreted")
def test_levels_become_units_of_the_table():
    table = Table(pd.DataFrame({"c": colours(["red", None, "blue", "green"]), "s": colours(["blue"] * 4)}))
    assert gathered(table.decode(table.encoder("c", "s"))).levels.tolist() == [[2, 4], [3, 4], [0, 4], [1, 4]]
    narrow = gathered(table.decode(table.encoder("c", "s", use_all=False))).levels
    assert narrow.tolist() == [[1, -1], [2, -1], [-1, -1], [0, -1]]


@pytest.mark.usefixtures("interpreted")
def test_unseen_levels_and_missing_columns_read_as_missing():
    trained = Table(pd.DataFrame({"c": colours(["red", "blue"]), "x": [1.0, 3.0], "z": [1.0, 2.0]}))
    encoder = trained.encoder("c", "x", "z")
    other = Table(
        pd.DataFrame({"x": [2.0, 5.0, np.nan], "c": pd.Series(pd.Categorical(["pink", "red", None], ["pink", "red"]))})
    )
    rows = gathered(other.decode(encoder))
    assert rows.levels.tolist() == [[3], [2], [3]]
    np.testing.assert_allclose(rows.numbers, [[0, 0], [3 / math.sqrt(2), 0], [0, 0]], atol=1e-6)


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("encoding", ["Binary", "LabelEncoder", "Eigen"])
def test_looked_up_numbers_are_scaled_and_missing_ones_filled(encoding):
    table = Table(pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "c": colours(["red", None, "blue", "red"])}))
    encoder = table.encoder("c", "x", encoding=encoding)
    found = gathered(table.decode(encoder)).numbers
    for k, one in enumerate(encoder.numbers):
        if one.values is None:
            continue
        raw = [one.values[code] for code in (2, 3, 0, 2)]
        expected = [((one.fill if math.isnan(v) else v) - one.sub) * one.mul for v in raw]
        np.testing.assert_allclose(found[:, k], expected, atol=1e-6)


@pytest.mark.usefixtures("interpreted")
def test_hashed_levels_share_units():
    table = Table(pd.DataFrame({"c": colours(["red", None, "blue"]), "s": colours(["green", "red", None])}))
    encoder = table.encoder("c", "s", slots=3, seed=1)
    levels = gathered(table.decode(encoder)).levels
    assert levels.min() >= 0
    assert levels.max() < 3
    assert levels[:, 0].tolist() == [encoder.levels[0].units[code] for code in (2, 3, 0)]


# --- target, weights, offsets -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("interpreted")
def test_a_numeric_target_is_scaled_and_a_missing_one_cannot_train():
    table = Table(pd.DataFrame({"x": [1.0, 2.0, 3.0], "y": [10.0, np.nan, 30.0]}))
    design = table.decode(table.encoder("x", response=Response("y", None, 20.0, 0.1)))
    np.testing.assert_allclose(design.target, [-1, np.nan, 1])
    assert design.usable.tolist() == [True, False, True]


@pytest.mark.usefixtures("interpreted")
def test_a_long_integer_target_keeps_its_missing_rows():
    y = np.array([2**60, MISSING_INTEGER, 2**60 + 2**55], np.int64)
    table = Table(pd.DataFrame({"x": [1.0, 2.0, 3.0], "y": y}), {"y": "int"})
    design = table.decode(table.encoder("x", response=Response("y", None, float(2**60), 2.0**-55)))
    np.testing.assert_allclose(design.target, [0, np.nan, 1])


@pytest.mark.usefixtures("interpreted")
def test_classes_are_training_codes_and_unknown_ones_are_past_the_last():
    """Metrics count an unknown class as an error; training must never see it."""
    table = Table(pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "y": colours(["red", None, "green", "blue"])}))
    design = table.decode(table.encoder("x", response=Response("y", ("red", "blue"))))
    np.testing.assert_array_equal(design.target, [0, np.nan, 2, 1])
    assert design.usable.tolist() == [True, False, False, True]


@pytest.mark.usefixtures("interpreted")
def test_missing_weights_count_as_zero_and_missing_offsets_cannot_train():
    table = Table(
        pd.DataFrame({"x": [1.0, 2, 3], "w": [2.0, np.nan, 1.0], "o": [0.5, 1.0, np.nan], "y": [1.0, 2.0, 3.0]})
    )
    design = table.decode(table.encoder("x", response=Response("y", None, 2.0, 4.0), weights="w", offset="o"))
    assert design.weight.tolist() == [2.0, 0.0, 1.0]
    assert design.usable.tolist() == [True, True, False]
    assert gathered(design).offset[:2].tolist() == [2.0, 4.0]  # in training units
    plain = table.decode(table.encoder("x", response=Response("y", None)))
    assert plain.weight.tolist() == [1.0] * 3
    assert plain.offset.tolist() == [0.0] * 3


@pytest.mark.usefixtures("interpreted")
def test_rows_with_a_missing_predictor_are_left_out_of_training_where_asked():
    frame = pd.DataFrame(
        {
            "x": [1.0, np.nan, 3.0, 4.0, 5.0],
            "n": np.array([LONG, LONG + 1, MISSING_INTEGER, LONG, LONG]),
            "c": colours(["red", "red", "red", None, "blue"]),
            "y": [1.0, 2.0, 3.0, 4.0, 5.0],
        }
    )
    table = Table(frame, {"n": "int"})
    for encoding in ("OneHotInternal", "LabelEncoder"):
        encoder = table.encoder("x", "n", "c", response=Response("y", None), skip_missing=True, encoding=encoding)
        assert table.decode(encoder).usable.tolist() == [True, False, False, False, True]
    kept = table.encoder("x", "n", "c", response=Response("y", None))
    assert table.decode(kept).usable.all()


def test_without_numbers_a_window_is_zero_wide():
    table = Table(pd.DataFrame({"c": colours(["red", "blue"])}))
    rows = gathered(table.decode(table.encoder("c")))
    assert rows.numbers.shape == (2, 0)
    assert rows.levels.tolist() == [[2], [0]]


@pytest.mark.usefixtures("interpreted")
def test_numbers_beyond_float32_overflow_to_infinity_and_not_to_nonsense():
    table = Table(pd.DataFrame({"x": [1e300, -1e300, 0.0]}))
    with np.errstate(over="ignore"):
        found = gathered(table.decode(table.encoder("x", scaling=Scaling(standardize=False)))).numbers[:, 0]
    assert found.tolist() == [math.inf, -math.inf, 0.0]


def test_the_design_counts_its_bytes():
    table = every_kind()
    design = table.decode(table.encoder("byte", "float64"))
    assert design.nbytes >= ROWS * (1 + 8)
    assert design.nbytes < ROWS * 60
