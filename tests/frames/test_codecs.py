"""Laws of all codecs, and what each refuses."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frames.chunks.summary import summarise, summarise_integers, summarise_levels
from frames.codecs.base import NO_CODE, Column
from frames.codecs.bit import Bit
from frames.codecs.choose import choose_levels, choose_numbers, choose_text, from_config, registry
from frames.codecs.constant import Constant, OneLevel
from frames.codecs.floats import Float32, Float64
from frames.codecs.integers import Integers
from frames.codecs.levels import Levels
from frames.codecs.scaled import Scaled
from frames.codecs.sparse import Sparse
from frames.codecs.text import Dictionary, Text
from frames.exceptions import CodecCannotHold, FrameError

NAN = float("nan")
ROWS = 300
RANDOM = np.random.default_rng(7)

# One or more columns that a codec of each kind must hold; the test below fails for a codec that is not here.
HELD = {
    Constant(3.5): [np.full(ROWS, 3.5)],
    Constant(None): [np.full(ROWS, NAN)],
    OneLevel(2): [np.full(ROWS, 2, np.int32)],
    OneLevel(-1): [np.full(ROWS, -1, np.int32)],
    Bit(-1): [RANDOM.integers(-1, 1, ROWS).astype(float), RANDOM.integers(-1, 1, ROWS)],
    Scaled("u1", 0, 0, 255): [np.array([0.0, NAN, 254.0]), RANDOM.integers(0, 255, ROWS).astype(np.uint8)],
    Scaled("u1", -100, 1): [RANDOM.integers(-100, 155, ROWS) / 10],
    Scaled("u2", -5, 0, 65535): [np.array([-5.0, 65529.0, NAN])],
    Scaled("i4", 0, 3, -(2**31)): [np.append(RANDOM.integers(-(10**9), 10**9, ROWS) / 1000, NAN)],
    Scaled("i4", 0, -5): [RANDOM.integers(-(10**9), 10**9, ROWS) * 1e5],
    Scaled("i8", 0, 0, -(2**63)): [np.array([2.0**52, -(2.0**53), NAN])],
    Integers(): [np.array([2**62 + 1, -(2**62) - 1, 0]), np.array([], np.int64)],
    Float32(): [RANDOM.normal(size=ROWS).astype(np.float32).astype(float), np.array([-0.0, NAN, np.inf, 2.0**24])],
    Float64(): [RANDOM.normal(size=ROWS), np.array([-0.0, NAN, -np.inf, 5e-324])],
    Levels("u1"): [np.array([0, -1, 254], np.int32)],
    Levels("u2"): [np.array([0, -1, 65534], np.int32)],
    Levels("i4"): [np.array([0, -1, 2**31 - 2], np.int32)],
    Sparse("f4"): [np.where(RANDOM.random(ROWS) < 0.9, 0.0, 0.5), np.array([0.0, -0.0, NAN])],
    Sparse("f8"): [np.where(RANDOM.random(ROWS) < 0.9, 0.0, 0.1), np.zeros(0)],
    Text(): [np.array(["", "ä\n€😀", None, "a" * 1000, "\ud800"], object), np.array([], object)],
    Dictionary("u1"): [np.array(["x", None, "", "x"] * 50, object)],
    Dictionary("u2"): [np.array([str(i % 300) for i in range(1000)], object)],
    Dictionary("i4"): [np.array(["y"], object)],
}
CASES = [(codec, column) for codec, columns in HELD.items() for column in columns]


def same(left, right):
    """Bit for bit the same, where any NaN is NaN."""
    if left.dtype == object:
        return left.tolist() == right.tolist()
    left, right = left.astype(right.dtype), right
    if right.dtype.kind == "f":
        bits = left.view(np.int64) == right.view(np.int64)
        return bool((bits | (np.isnan(left) & np.isnan(right))).all())
    return bool((left == right).all())


def test_every_codec_of_the_folder_has_a_case():
    assert {type(codec).__name__ for codec in HELD} == set(registry())


@pytest.mark.parametrize(("codec", "column"), CASES, ids=lambda x: repr(x) if not isinstance(x, np.ndarray) else "")
def test_a_codec_gives_back_what_it_took(codec, column):
    stored = codec.encode(column)
    assert stored.ndim == 1
    back = codec.decode(stored, len(column))
    assert back.flags.writeable
    assert same(column, back)


@pytest.mark.parametrize(("codec", "column"), CASES, ids=lambda x: repr(x) if not isinstance(x, np.ndarray) else "")
def test_codes_and_terms_read_as_numbers_give_the_values(codec, column):
    if codec.terms is None:
        assert codec.layout == "payload"
        return
    codes = codec.codes(codec.encode(column), len(column))
    assert codes.shape == (len(column),)
    scale, bias, missing = codec.terms
    absent = np.isnan(codes) if codes.dtype.kind == "f" else codes == missing
    if codes.dtype.kind != "f" and missing == NO_CODE and not isinstance(codec, Integers | Scaled):
        assert not absent.any()
    expected = codec.decode(codec.encode(column), len(column)).astype(float)
    gone = expected == -1 if isinstance(codec, Levels | OneLevel) else np.isnan(expected)
    assert (absent == gone).all()
    got = codes[~absent].astype(float) * scale + bias
    np.testing.assert_allclose(got, expected[~absent], rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("codec", HELD, ids=repr)
def test_a_configuration_survives_json(codec):
    assert from_config(json.loads(json.dumps(codec.config()))) == codec


def test_an_unknown_codec_is_named():
    with pytest.raises(FrameError, match="got 'Magic'"):
        from_config({"codec": "Magic"})


@pytest.mark.parametrize(
    ("codec", "column"),
    [
        (Constant(1.0), np.array([1.0, 2.0])),
        (Constant(1.0), np.array([1.0, NAN])),
        (Constant(0.0), np.array([0.0, -0.0])),
        (Constant(None), np.array([NAN, 0.0])),
        (Constant(0.0), np.array(["a"], object)),
        (Constant(2.0**53), np.array([2**53 + 1])),
        (Bit(2**53), np.array([2**53 + 1])),
        (Scaled("i8", 1), np.array([2**53 + 1])),
        (OneLevel(1), np.array([1, 0], np.int32)),
        (Bit(0), np.array([0.0, 2.0])),
        (Bit(0), np.array([0.0, NAN])),
        (Bit(0), np.array([0.0, -0.0])),
        (Scaled("u1"), np.array([0.0, 256.0])),
        (Scaled("u1"), np.array([0, 256])),
        (Scaled("u1"), np.array([-1.0])),
        (Scaled("u1"), np.array([0.5])),
        (Scaled("u1"), np.array([NAN])),
        (Scaled("u1"), np.array([-0.0])),
        (Scaled("u1", 0, 0, 255), np.array([255.0, NAN])),
        (Scaled("u1", 0, 0, 255), np.array([255])),
        (Scaled("i4"), np.array([np.inf])),
        (Scaled("i8"), np.array([2.0**60])),
        (Scaled("u2", 0, 1), np.array([0.1 + 1e-17, 0.30000000000000004])),
        (Integers(), np.array([1.5])),
        (Integers(), np.array([2**63], np.uint64)),
        (Float32(), np.array([0.1])),
        (Float32(), np.array([2**60 + 1, 5])),
        (Float64(), np.array([2**53 + 1])),
        (Levels("u1"), np.array([255], np.int32)),
        (Levels("u1"), np.array([0])),
        (Levels("u1"), np.array([-2], np.int32)),
        (Sparse("f4"), np.array([0.1])),
        (Sparse("f8"), np.array([2**60])),
        (Text(), np.array(["a", 1], object)),
        (Text(), np.array([1.0])),
        (Dictionary("u1"), np.array([str(i) for i in range(257)], object)),
    ],
    ids=repr,
)
def test_a_codec_refuses_what_it_would_lose(codec, column):
    with pytest.raises(CodecCannotHold):
        codec.encode(column)


doubles = st.one_of(
    st.integers(-(10**7), 10**7).map(lambda i: i / 100),
    st.integers(-300, 300).map(float),
    st.floats(width=32),
    st.floats(),
    st.sampled_from([0.0, -0.0, NAN, np.inf, 2.0**53, 2.0**63, 1e22]),
)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.lists(doubles, max_size=40), st.lists(st.integers(-5, 300).map(float), max_size=40)))
def test_any_column_of_doubles_comes_back_bit_for_bit(values):
    column = np.array(values, float)
    codec, codes = choose_numbers(column, summarise(column[None, :])[0])
    assert same(column, codec.decode(codes, len(column)))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-(2**63) + 1, 2**63 - 1), min_size=1, max_size=20))
def test_any_column_of_long_integers_comes_back(values):
    column = np.array(values, np.int64)
    codec, codes = choose_numbers(column, summarise_integers(column))
    back = codec.decode(codes, len(column))
    assert [int(v) for v in back] == values


@settings(max_examples=50, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=5)), max_size=40))
def test_any_column_of_text_comes_back(values):
    column = np.empty(len(values), object)
    column[:] = values
    codec, codes = choose_text(column)
    assert codec.decode(codes, len(column)).tolist() == values


@pytest.mark.parametrize("levels", [1, 2, 255, 256, 65535, 65536, 10**6])
def test_codes_of_categories_take_the_bytes_they_need(levels):
    column = np.array([levels - 1, -1, 0], np.int32)
    codec, codes = choose_levels(column, summarise_levels(column, levels), levels)
    assert codec.dtype.itemsize == (1 if levels <= 255 else 2 if levels <= 65535 else 4)
    assert same(column, codec.decode(codes, 3))


@pytest.mark.parametrize(
    ("values", "codec"),
    [
        ([7.0, 7.0], Constant(7.0)),
        ([NAN, NAN], Constant(None)),
        ([0.0, 1.0], Bit(0)),
        ([0.0, 255.0], Scaled("u1", 0, 0)),
        ([0.0, 255.0, NAN], Scaled("u2", 0, 0, 65535)),
        ([1000.0, 1200.0], Scaled("u1", 1000, 0)),
        ([5.1, 4.9, 3.0], Scaled("u1", 0, 1)),
        ([0.25, 1234.5678], Scaled("i4", 0, 4)),
        ([0.5, 2.0**-30], Float32()),
        ([np.pi, np.e], Float64()),
        ([1.2e12, 1.2e12 + 86400000.0], Scaled("u2", 12000000, -5)),
        ([-0.0, 3.0], Float32()),
        ([1e12, 1.0], Scaled("i8", 0, 0)),
        ([0.0] * 99 + [np.pi], Sparse("f8")),
        ([0.0] * 99 + [0.5 + 2.0**-20], Sparse("f4")),
    ],
    ids=repr,
)
def test_the_smallest_codec_is_chosen(values, codec):
    column = np.array(values)
    assert choose_numbers(column, summarise(column[None, :])[0])[0] == codec


def test_offers_cost_what_their_codec_said_at_least_and_rise():
    numbers = [column for codec, column in CASES if codec.kind == "numbers" and column.dtype == np.float64]
    columns = [Column(column, summarise(column[None])[0]) for column in numbers]
    columns += [Column(np.array([300, -1], np.int32), summarise_levels(np.array([300, -1], np.int32), 301), 301)]
    columns += [Column(column) for codec, column in CASES if codec.kind == "text"]
    made = set()
    for column in columns:
        kind = "text" if column.facts is None else "levels" if column.levels else "numbers"
        for codec in registry().values():
            costs = [cost for cost, _ in codec.offers(column)] if codec.kind == kind else []
            assert costs == sorted(costs)
            assert all(cost >= codec.least for cost in costs)
            made |= {codec.__name__} if costs else set()
    assert made >= {
        "Constant",
        "Bit",
        "Scaled",
        "Sparse",
        "Float32",
        "Float64",
        "Integers",
        "Levels",
        "Dictionary",
        "Text",
    }
