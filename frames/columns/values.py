"""Lists, NumPy arrays and pandas Series read as columns; the rules are in docs/data.md."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from frames.chunks.column import Type
from frames.columns.arrow import read_arrow
from frames.columns.dictionary import NO_DURATIONS, TRUTHS, Dictionary, clean, encode, number_array, text_of
from frames.columns.typed import Typed, from_numbers, from_times, settle, with_domain, without, without_marker
from frames.exceptions import H2OTypeError, H2OValueError


def typed(
    values: Any,
    type_: Type | None = None,
    domain: Sequence[str] | None = None,
    missing: Collection[str] = (),
) -> Typed:
    """Return any one-dimensional list, NumPy or Arrow array, or pandas Series as a typed column.

    type_    what the column shall be; None: what its cells are
    domain   levels of an enum: integers are then codes, texts are levels
    missing  texts that mean missing besides the usual ones

    Raises H2OTypeError for values that are no scalars, durations and complex numbers.

    >>> typed(["1", "NA", "2"])
    Typed(values=array([ 1., nan,  2.]), type='int', domain=None, given_up=None)
    """
    found = read(values)
    if domain is not None and type_ in (None, "enum"):
        codes = isinstance(found, Typed) and found.values.dtype.kind in "iu"
        return _from_codes(found.values, domain) if codes else with_domain(found, domain)  # type: ignore[union-attr]
    return settle(without(found, missing), type_)


def read(values: Any) -> Typed | Dictionary:
    """Return what a one-dimensional list, array or Series holds: numbers or times, or texts still to be decided on."""
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return read_arrow(values)
    if isinstance(values, pd.Index | pd.api.extensions.ExtensionArray):
        values = pd.Series(values)
    if isinstance(values, pd.Series):
        return _from_series(values)
    if isinstance(values, np.ma.MaskedArray):
        return _from_masked(values)
    if isinstance(values, np.ndarray):
        return _from_array(values)
    values = list(values)
    return _from_objects(np.fromiter(values, object, len(values)))


def _from_series(series: pd.Series) -> Typed | Dictionary:
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _from_categories(series)
    if isinstance(dtype, pd.ArrowDtype):
        return read_arrow(pa.chunked_array(series.array.__arrow_array__()))  # type: ignore[attr-defined]
    if isinstance(dtype, pd.SparseDtype):
        return read(np.asarray(series.array.to_dense()))  # type: ignore[attr-defined]
    if isinstance(dtype, pd.DatetimeTZDtype):
        return from_times(series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy())
    if isinstance(dtype, np.dtype):
        return _from_array(series.to_numpy())
    if pd.api.types.is_bool_dtype(dtype):
        return _truths(series.fillna(False).to_numpy(dtype=bool), series.isna().to_numpy())
    if pd.api.types.is_numeric_dtype(dtype):
        whole = getattr(dtype, "numpy_dtype", np.dtype(np.float64))
        return from_numbers(without_marker(series.fillna(0).to_numpy(dtype=whole)), series.isna().to_numpy())
    return _from_objects(series.to_numpy(dtype=object))


def _from_categories(series: pd.Series) -> Dictionary:
    levels = [text_of(level) for level in series.cat.categories]
    if len(set(levels)) != len(levels):
        raise H2OValueError(f"Categories must differ when written as text; got {levels[:10]}.")
    return clean(levels, series.cat.codes.to_numpy().astype(np.int32), categories=True)


def _truths(values: np.ndarray, absent: np.ndarray | None = None) -> Dictionary:
    codes = values.astype(np.int32)
    return Dictionary(TRUTHS, codes if absent is None else np.where(absent, np.int32(-1), codes), categories=True)


def _from_masked(array: np.ma.MaskedArray) -> Typed | Dictionary:
    """Read a masked cell as missing, whatever lies under the mask."""
    data, mask = np.asarray(array.data), np.ma.getmaskarray(array)
    if data.ndim != 1 or not mask.any():
        return _from_array(data)
    if data.dtype.kind == "b":
        return _truths(data, mask)
    if data.dtype.kind in "fiu":
        return from_numbers(without_marker(data), mask)
    if data.dtype.kind in "Mmc":
        return _from_array(np.where(mask, np.array("NaT", data.dtype), data) if data.dtype.kind == "M" else data)
    cells = data.astype(object)
    cells[mask] = None
    return _from_objects(cells)


def _from_array(array: np.ndarray) -> Typed | Dictionary:
    kind = array.dtype.kind
    if array.ndim != 1:
        raise H2OTypeError(f"A column must be one-dimensional; got shape {array.shape}.")
    if kind == "m":
        raise H2OTypeError(NO_DURATIONS)
    if kind == "M":
        return from_times(array)
    if kind == "b":
        return _truths(array)
    if kind in "fiu":
        return from_numbers(without_marker(array))
    if kind == "V":
        raise H2OTypeError(
            f"Values of a column must be scalars; got records of {array.dtype}. Give a column per field."
        )
    return _from_objects(array.astype(object))


def _from_objects(cells: np.ndarray) -> Typed | Dictionary:
    """Python objects: numbers where all are numbers, else texts."""
    kind = pd.api.types.infer_dtype(cells, skipna=True)
    if kind in ("integer", "floating", "mixed-integer-float"):
        numbers = number_array([None if gap else cell for cell, gap in zip(cells, _gaps(cells), strict=True)])
        return from_numbers(numbers)
    if kind == "string":
        codes, distinct = pd.factorize(cells)
        return clean([str(text) for text in distinct], codes.astype(np.int32))
    return encode(None if gap else cell for cell, gap in zip(cells, _gaps(cells), strict=True))


def _gaps(cells: np.ndarray) -> np.ndarray:
    return np.asarray(pd.isna(cells))


def _from_codes(codes: np.ndarray, domain: Sequence[str]) -> Typed:
    if len(codes) and (codes.min() < -1 or codes.max() >= len(domain)):
        raise H2OValueError(
            f"Codes must lie between -1 and {len(domain) - 1}, one less than the levels; got {codes.min()} to "
            f"{codes.max()}."
        )
    return Typed(codes.astype(np.int32), "enum", tuple(domain))
