"""Where columns land in the input row: order, names, scales and every categorical encoding against values by hand."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daskdl.encoding.categories import ENCODINGS, Levels, by_falling_size, leading_eigenvector, one_hot
from daskdl.encoding.encoder import Encoder, Moments, Response, Scaling, Statistics, fit, scale_of
from daskdl.encoding.moments import WeightedMoments, level_responses, weighted_moments
from frames.chunks.column import Column
from frames.exceptions import H2OResponseError


def statistics(columns, counts=None, missing=None, mean_response=None, moments=None) -> Statistics:
    enums = {c.name: np.full(len(c.domain), 10) for c in columns if c.type == "enum"}
    return Statistics(
        {c.name: Moments(1.0, 2.0, -3.0, 5.0) for c in columns if c.type != "enum"} | (moments or {}),
        enums | {name: np.array(v) for name, v in (counts or {}).items()},
        {c.name: 0 for c in columns} | (missing or {}),
        mean_response or {},
    )


def enum(name: str, size: int) -> Column:
    return Column(name, "enum", tuple(f"{name}{k}" for k in range(size)))


def made(columns, scaling=None, response=None, stats=None, **options) -> Encoder:
    return fit(columns, stats or statistics(columns), response, scaling=scaling or Scaling(), **options)


COLOUR, SIZE = Column("colour", "enum", ("blue", "green", "red")), Column("size", "enum", ("l", "s"))


# --- layout -----------------------------------------------------------------------------------------------------------


def test_categoricals_come_first_by_falling_size_then_numbers_in_frame_order():
    encoder = made([Column("x", "real"), SIZE, Column("day", "time"), COLOUR, Column("n", "int")])
    assert encoder.unit_names == [
        "colour.blue", "colour.green", "colour.red", "colour.missing(NA)", "size.l", "size.s", "size.missing(NA)",
        "x", "day", "n",
    ]  # fmt: skip
    assert encoder.offsets == [0, 4, 7]
    assert (encoder.level_units, encoder.width) == (7, 10)
    assert encoder.sources == ["x", "size", "day", "colour", "n"]
    assert encoder.domains == {"size": ("l", "s"), "colour": ("blue", "green", "red")}
    assert [one.units for one in encoder.levels] == [(0, 1, 2, 3), (0, 1, 2)]


def test_without_all_levels_the_first_has_no_unit_but_missing_has_one():
    encoder = made([COLOUR, SIZE], use_all=False)
    assert encoder.unit_names == ["colour.green", "colour.red", "colour.missing(NA)", "size.s", "size.missing(NA)"]
    assert [one.units for one in encoder.levels] == [(-1, 0, 1, 2), (-1, 0, 1)]
    assert encoder.offsets == [0, 3, 5]


def test_ties_are_permuted_as_by_h2os_swaps():
    names = [enum(*pair) for pair in (("a", 2), ("b", 2), ("c", 3), ("d", 3), ("e", 2))]
    # by hand: (a2 b2 c3 d3 e2) -> swap a,c: c b a d e -> b<d: c d a b e
    assert [one.name for one in made(names).levels] == ["c", "d", "a", "b", "e"]
    more = [enum(*pair) for pair in (("a", 2), ("b", 3), ("c", 3), ("d", 4))]
    # a<b: b a c d -> b<d: d a c b -> a<c: d c a b -> a<b: d c b a
    assert [one.name for one in made(more).levels] == ["d", "c", "b", "a"]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 6), max_size=8))
def test_the_order_falls_and_keeps_every_column(sizes):
    inputs = [one_hot(Levels(str(k), tuple("abcdef"[:n]), np.ones(n), 0, None), True) for k, n in enumerate(sizes)]
    found = by_falling_size(inputs, [one.width for one in inputs])
    assert [one.width for one in found] == sorted((n + 1 for n in sizes), reverse=True)
    assert sorted(one.name for one in found) == sorted(one.name for one in inputs)


# --- scales -----------------------------------------------------------------------------------------------------------


def test_scales_are_deviation_range_or_none():
    moments = Moments(5.0, 2.0, 0.0, 10.0)
    assert scale_of(moments, Scaling()) == (5.0, 0.5)
    assert scale_of(moments, Scaling(by_range=True)) == (5.0, 0.1)
    assert scale_of(moments, Scaling(standardize=False)) == (0.0, 1.0)


@pytest.mark.parametrize(
    "moments",
    [
        Moments(3.0, 0.0, 3.0, 3.0),
        Moments(0.1, 1.4e-17, 0.1, 0.1),  # the deviation of a constant is rounding noise
        Moments(3.0, math.nan, 3.0, 3.0),  # a single row
        Moments(0.0, 1e-320, -1e-320, 1e-320),  # 1 / deviation would be infinite
    ],
)
def test_a_column_without_spread_is_centred_but_not_scaled(moments):
    assert scale_of(moments, Scaling()) == (moments.mean, 1.0)


def test_an_empty_column_scales_to_itself():
    nothing = Moments(math.nan, math.nan, math.nan, math.nan)
    encoder = made([Column("x", "real")], stats=statistics([], moments={"x": nothing}, missing={"x": 5}))
    one = encoder.numbers[0]
    assert (one.sub, one.mul, one.fill) == (0.0, 1.0, 0.0)


def test_missing_numbers_become_the_mean_also_without_standardisation():
    for scaling in (Scaling(), Scaling(standardize=False), Scaling(by_range=True)):
        assert made([Column("x", "real")], scaling=scaling).numbers[0].fill == 1.0


# --- weighted moments -------------------------------------------------------------------------------------------------


def test_weighted_moments_follow_the_formula():
    x, w = np.array([1.0, 2.0, 4.0, np.nan, 9.0]), np.array([1.0, 2.0, 0.5, 3.0, 0.0])
    found = weighted_moments(x, w).moments()
    mean = (1 + 4 + 2) / 3.5
    variance = 3 / 2 * ((1 - mean) ** 2 + 2 * (2 - mean) ** 2 + 0.5 * (4 - mean) ** 2) / 3.5
    assert found == pytest.approx(Moments(mean, math.sqrt(variance), 1.0, 4.0))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-1e3, 1e3), st.sampled_from([0.0, 0.5, 1.0, 3.0])), min_size=1, max_size=12), st.data()
)
def test_moments_of_parts_merge_to_the_moments_of_the_whole(rows, data):
    x, w = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    cut = data.draw(st.integers(0, len(rows)))
    merged = weighted_moments(x[:cut], w[:cut]).merge(weighted_moments(x[cut:], w[cut:]))
    whole = weighted_moments(x, w)
    assert merged.count == whole.count
    np.testing.assert_allclose(merged, whole, rtol=1e-9, atol=1e-6, equal_nan=True)


def test_unit_weights_give_the_plain_moments():
    x = pd.Series([3.0, 1.0, 8.5, np.nan, 2.0])
    found = weighted_moments(x.to_numpy(), np.ones(5)).moments()
    assert found == pytest.approx(Moments(x.mean(), x.std(), x.min(), x.max()))


def test_moments_of_nothing_are_missing():
    empty = weighted_moments(np.array([np.nan, 1.0]), np.array([1.0, 0.0]))
    assert empty.count == 0
    assert math.isnan(empty.moments().mean)
    some = WeightedMoments(1, 2.0, 3.0, 0.0, 3.0, 3.0)
    assert empty.merge(some) == some.merge(empty) == some


def test_level_responses_sum_weights_and_weighted_responses():
    sums = level_responses(
        np.array([0, 1, 1, -1, 2]), 4, np.array([1.0, 2.0, 4.0, 5.0, np.nan]), np.array([1.0, 1.0, 0.5, 1.0, 1.0])
    )
    assert sums.tolist() == [[1.0, 1.5, 0.0, 0.0], [1.0, 4.0, 0.0, 0.0]]


# --- encodings --------------------------------------------------------------------------------------------------------


def looked_up(encoder: Encoder) -> dict[str, list[float]]:
    return {one.name: list(one.values) for one in encoder.numbers if one.values is not None}


def test_the_registry_holds_the_encodings_of_the_parameter():
    assert set(ENCODINGS) == {"OneHotInternal", "Binary", "Eigen", "LabelEncoder", "SortByResponse", "EnumLimited"}


def test_binary_writes_the_level_number_least_bit_first_after_the_other_columns():
    five = enum("c", 5)
    encoder = made([five, Column("x", "real")], encoding="Binary")
    assert encoder.unit_names == ["x", "c:0", "c:1", "c:2"]
    assert looked_up(encoder) == {  # levels 1..5, then missing as 0
        "c:0": [1, 0, 1, 0, 1, 0],
        "c:1": [0, 1, 1, 0, 0, 0],
        "c:2": [0, 0, 0, 1, 1, 0],
    }
    widths = {n: len(made([enum("c", n)], encoding="Binary").numbers) for n in (1, 2, 3, 4, 7, 8)}
    assert widths == {1: 1, 2: 2, 3: 2, 4: 3, 7: 3, 8: 4}


def test_label_encoder_is_the_level_number_and_missing_the_mean():
    stats = statistics([COLOUR], counts={"colour": [2, 1, 1]}, missing={"colour": 3})
    encoder = made([COLOUR], encoding="LabelEncoder", stats=stats)
    (one,) = encoder.numbers
    labels = pd.Series([0, 0, 1, 2])
    assert one.name == "colour"
    assert one.values[:3] == (0.0, 1.0, 2.0)
    assert math.isnan(one.values[3])
    assert (one.sub, one.mul, one.fill) == pytest.approx((labels.mean(), 1 / labels.std(), labels.mean()))


def test_binary_scales_with_the_missing_rows_as_zeros():
    stats = statistics([SIZE], counts={"size": [3, 2]}, missing={"size": 1})
    first = made([SIZE], encoding="Binary", stats=stats).numbers[0]
    bits = pd.Series([1, 1, 1, 0, 0, 0])
    assert (first.sub, first.mul) == pytest.approx((bits.mean(), 1 / bits.std()))


def test_sort_by_response_orders_the_units_by_rising_mean():
    stats = statistics([COLOUR], mean_response={"colour": np.array([3.0, np.nan, 1.0])})
    encoder = made([COLOUR], encoding="SortByResponse", stats=stats)
    assert encoder.unit_names == ["colour.red", "colour.blue", "colour.green", "colour.missing(NA)"]
    assert encoder.levels[0].units == (1, 2, 0, 3)  # blue, green (never seen: last), red, missing
    without_first = made([COLOUR], encoding="SortByResponse", stats=stats, use_all=False)
    assert without_first.unit_names == ["colour.blue", "colour.green", "colour.missing(NA)"]
    assert without_first.levels[0].units == (0, 1, -1, 2)


def test_sort_by_response_without_a_response_is_refused():
    with pytest.raises(H2OResponseError, match="needs a response"):
        made([COLOUR], encoding="SortByResponse")


def test_enum_limited_keeps_the_ten_most_frequent_levels():
    many = enum("c", 13)
    counts = [5, 50, 1, 40, 30, 2, 20, 60, 70, 80, 90, 3, 10]  # the rare ones: c2, c5, c11
    encoder = made([many], encoding="EnumLimited", stats=statistics([many], counts={"c": counts}))
    (one,) = encoder.levels
    kept = ["c0", "c1", "c3", "c4", "c6", "c7", "c8", "c9", "c10", "c12"]
    assert one.name == "c.top_10_levels"
    assert one.labels == tuple(f"c.top_10_levels.{k}" for k in [*kept, "other", "missing(NA)"])
    assert one.units == (0, 1, 10, 2, 3, 10, 4, 5, 6, 7, 8, 10, 9, 11)
    ten = made([enum("c", 10)], encoding="EnumLimited")
    assert ten.unit_names[0] == "c.c0"


def test_eigen_is_a_leading_eigenvector_of_the_indicator_correlations():
    # counts 9 and 16 of 25: the matrix is [[.64, -.48], [-.48, .36]], its leading eigenvector (.8, -.6)
    assert leading_eigenvector(np.array([9, 16])) == pytest.approx((0.8, -0.6))
    counts = np.array([3, 0, 5, 2, 7])
    vector = np.array(leading_eigenvector(counts))
    assert vector[1] == 0
    share = np.sqrt(counts / counts.sum())
    matrix = np.diag((counts > 0) * 1.0) - np.outer(share, share)
    np.testing.assert_allclose(matrix @ vector, vector, atol=1e-6)
    assert np.linalg.norm(vector) == pytest.approx(1)
    (one,) = made([SIZE], encoding="Eigen", stats=statistics([SIZE], counts={"size": [9, 16]})).numbers
    assert one.name == "size.Eigen"
    assert one.values[:2] == pytest.approx((0.8, -0.6))


def test_eigen_of_a_single_level_and_of_none_is_finite():
    assert np.isfinite(leading_eigenvector(np.array([4]))).all()
    assert leading_eigenvector(np.array([0, 0])) == (0.0, 0.0)


# --- hashing ----------------------------------------------------------------------------------------------------------


def murmur2(data: bytes, seed: int) -> int:
    """MurmurHash2 by Appleby in NumPy's 32-bit integers, for whole words; signed."""
    m, h = np.uint32(0x5BD1E995), np.uint32(seed & 0xFFFFFFFF) ^ np.uint32(len(data))
    with np.errstate(over="ignore"):
        for word in np.frombuffer(data, "<u4"):
            k = word * m
            k ^= k >> np.uint32(24)
            k *= m
            h = h * m ^ k
        h ^= h >> np.uint32(13)
        h *= m
        h ^= h >> np.uint32(15)
    return int(np.int32(h.astype(np.int32)))


def test_many_levels_are_hashed_into_a_few_shared_units():
    encoder = made([SIZE, Column("x", "real"), COLOUR], slots=4, seed=-3)
    assert encoder.slots == 4
    assert encoder.unit_names == ["hash.0", "hash.1", "hash.2", "hash.3", "x"]
    assert (encoder.level_units, encoder.width) == (4, 5)
    expected = [abs(murmur2(unit.to_bytes(4, "big"), -3)) % 4 for unit in range(7)]
    assert [unit for one in encoder.levels for unit in one.units] == expected
    assert len(set(expected)) > 1


def test_hashing_starts_only_where_it_saves_units():
    assert made([COLOUR, SIZE], slots=7).slots == 0
    assert made([COLOUR, SIZE], slots=6).slots == 6
    assert made([COLOUR, SIZE], slots=None).slots == 0


def test_a_level_without_a_unit_is_not_hashed():
    encoder = made([COLOUR], slots=2, use_all=False)
    assert encoder.levels[0].units[0] == -1
    assert all(0 <= unit < 2 for unit in encoder.levels[0].units[1:])


# --- JSON -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", [name for name in ENCODINGS if name != "SortByResponse"])
@pytest.mark.parametrize("slots", [None, 2])
def test_an_encoder_survives_json_to_the_last_bit(encoding, slots):
    columns = [COLOUR, Column("x", "real"), SIZE, Column("day", "time")]
    moments = {"x": Moments(0.1 + 0.2, 1 / 3, -1e-300, 1e300), "day": Moments(1.6e12, 7e9, 0.0, 2e12)}
    encoder = fit(
        columns, statistics(columns, moments=moments, counts={"colour": [3, 2, 1]}),
        Response("y", None, math.pi, 1 / 7), scaling=Scaling(), encoding=encoding, slots=slots,
        weights="w", offset="o", skip_missing=True,
    )  # fmt: skip
    again = Encoder.from_dict(json.loads(json.dumps(encoder.to_dict(), allow_nan=False)))
    assert repr(again) == repr(encoder)  # NaN equals nothing; repr shows every bit of a float
    assert again.unit_names == encoder.unit_names
    assert [type(one.units) for one in again.levels] == [tuple] * len(again.levels)


def test_a_classifiers_response_keeps_its_domain():
    encoder = made([COLOUR], response=Response("y", ("no", "yes")))
    assert Encoder.from_dict(json.loads(json.dumps(encoder.to_dict()))) == encoder
