"""Arrow columns (Parquet, pandas with Arrow types, Polars, pyarrow) read as columns; the rules are in docs/data.md."""

from typing import Any

import numpy as np
import pyarrow as pa

from frames.columns.dictionary import NO_DURATIONS, TRUTHS, Dictionary, clean, encode, text_of
from frames.columns.typed import Typed, from_numbers, from_times, without_marker
from frames.exceptions import H2OTypeError, H2OValueError


def must_be_flat(type_: Any) -> None:
    """Refuse Arrow types that no column can hold: lists, structs and maps, and durations (H2OTypeError)."""
    if pa.types.is_nested(type_):
        raise H2OTypeError(f"Values of a column must be scalars; got {type_}. Give each part a column of its own.")
    if pa.types.is_duration(type_) or pa.types.is_interval(type_):
        raise H2OTypeError(NO_DURATIONS)


def is_number(type_: Any) -> bool:
    """Return whether a column of this Arrow type is read as numbers, and not as texts or times."""
    tests = (pa.types.is_null, pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    return any(test(type_) for test in tests)


def is_time(type_: Any) -> bool:
    """Return whether a column of this Arrow type is read as times."""
    return pa.types.is_date(type_) or pa.types.is_timestamp(type_)


def read_arrow(column: Any) -> Typed | Dictionary:
    """Return what an Arrow array (or chunked array) holds: numbers or times, or texts still to be decided on.

    bool becomes categories False and True, a dictionary its categories in their order.
    """
    if isinstance(column, pa.Array):
        column = pa.chunked_array([column])
    type_ = column.type
    must_be_flat(type_)
    if pa.types.is_dictionary(type_):
        return _from_dictionary(column)
    if pa.types.is_boolean(type_):
        codes = column.cast(pa.int32()).fill_null(-1).to_numpy()
        return Dictionary(TRUTHS, codes.astype(np.int32), categories=True)
    if is_time(type_):
        stamps = column.cast(pa.timestamp("us", tz=getattr(type_, "tz", None)), safe=False).cast(pa.int64())
        return from_times(stamps.fill_null(np.iinfo(np.int64).min).to_numpy().view("M8[us]"))
    if is_number(type_):
        return _from_numbers(column)
    if pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_):
        return _from_texts(column)
    return encode(column.to_pylist())


def _from_numbers(column: Any) -> Typed:
    if pa.types.is_null(column.type):
        return Typed(np.full(len(column), np.nan), "real")
    if pa.types.is_decimal(column.type):
        try:
            column = column.cast(pa.int64())
        except pa.ArrowInvalid:  # fractions, or beyond int64: doubles hold them
            return from_numbers(np.array([np.nan if v is None else float(v) for v in column.to_pylist()]))
    if not column.null_count:
        return from_numbers(without_marker(column.to_numpy()))
    return from_numbers(column.fill_null(0).to_numpy(), column.is_null().to_numpy())


def _from_texts(column: Any) -> Dictionary:
    whole = _one(column.cast(pa.large_string())).dictionary_encode()
    codes = whole.indices.cast(pa.int32()).fill_null(-1).to_numpy(zero_copy_only=False)
    return clean(whole.dictionary.to_pylist(), codes)


def _from_dictionary(column: Any) -> Dictionary:
    whole = _one(column.unify_dictionaries())
    must_be_flat(whole.dictionary.type)
    levels = [text_of(level) for level in whole.dictionary.to_pylist()]
    present = [level for level in levels if level is not None]
    if len(set(present)) != len(present):
        raise H2OValueError(f"Categories must differ when written as text; got {present[:10]}.")
    codes = whole.indices.cast(pa.int32()).fill_null(-1).to_numpy(zero_copy_only=False)
    return clean(levels, codes, categories=True)


def _one(column: Any) -> Any:
    """Return a chunked array in one piece."""
    whole = column.combine_chunks()
    if not isinstance(whole, pa.ChunkedArray):
        return whole
    return pa.concat_arrays(whole.chunks) if whole.num_chunks else pa.array([], column.type)


TYPE_KEY = b"h2o.type"
"""Under this key a field says which type its column had, for Arrow has one kind of text where frames have two."""
