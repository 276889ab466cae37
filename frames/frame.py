"""H2OFrame: a compressed table on a Dask cluster with the methods of h2o-py's frame. (D)

A frame is eager: every method checks its arguments, sends one task per partition and returns at once; only reading
numbers (types of computed columns, reductions, printing) waits. Selecting, renaming, reordering and binding columns
move no data. A frame is a name and a table that it shows; what can be done with tables are functions in `frames.verbs`,
and each line below that says `face(verb)` makes a method of one.
"""

from __future__ import annotations

import functools
import html
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from frames.chunks.schema import Schema
from frames.cluster import registry
from frames.cluster.placement import Group, Placement
from frames.cluster.sending import tasks_named
from frames.export import store
from frames.export.dask_face import to_dask
from frames.table.face import Faced, bare, face, shown, swap, swap_and_give
from frames.table.identity import Identified
from frames.table.literals import build_table
from frames.table.table import Table, table_of_groups
from frames.verbs import apply as applied
from frames.verbs import (
    arithmetic,
    binding,
    cleaning,
    clocks,
    covariance,
    crosstabs,
    display,
    fold_columns,
    functions,
    joins,
    matrices,
    membership,
    moments,
    naming,
    pivots,
    ranking,
    reductions,
    reshape,
    running,
    selection,
    series,
    texts,
    times,
    words,
)
from frames.verbs import levels as level_verbs
from frames.verbs import types as type_verbs
from frames.verbs.grouping import GroupBy

if TYPE_CHECKING:
    import dask.dataframe as dd

__all__ = ["Group", "H2OFrame", "Placement"]


def operator(sign: str, swapped: bool = False) -> Callable[[Any, Any], Any]:
    """Return the method behind an operator; `swapped`: the frame stands on its right."""

    def method(self: Faced, other: Any) -> Any:
        with tasks_named("frames-operator"):
            return shown(type(self), arithmetic.operate(self._table, sign, bare(other), swapped))

    return method


def maker(function: Callable[..., Table]) -> Any:
    """Return a function that makes a table as a static method that makes a frame."""

    @functools.wraps(function)
    def method(*args: Any, **options: Any) -> Any:
        return H2OFrame._of(function(*map(bare, args), **{name: bare(one) for name, one in options.items()}))

    return staticmethod(method)


class H2OFrame(Identified):
    """A table of named, typed, compressed columns, its rows cut in partitions over the workers.

    `python_obj`: list of rows (lists or tuples), flat list (one column), dict of columns, NumPy array, scipy sparse
    matrix, pandas DataFrame or Series, Dask DataFrame, any table that offers itself through Arrow's PyCapsule interface
    (Polars, pyarrow, DuckDB), or another frame (then nothing is copied). `column_names`, `column_types` (list, or dict
    name -> type), `na_strings` and `skipped_columns` work as in import_file. A list of rows is data throughout unless
    `header=1`. What cells mean is the same for all of them, and for files: docs/data.md.

    Raises H2OTypeError for other objects, H2OValueError for rows or columns of unequal length, with the first of them.

    Example: ``H2OFrame({"x": [1, 2, None], "y": ["a", "b", "a"]})``.
    """

    def __init__(
        self,
        python_obj: Any = None,
        destination_frame: str | None = None,
        header: int = 0,
        separator: str = ",",
        column_names: Sequence[str] | None = None,
        column_types: Sequence[str] | Mapping[str, str] | None = None,
        na_strings: Any = None,
        skipped_columns: Sequence[int | str] | None = None,
    ) -> None:
        self._held = Table((), (), ())
        if python_obj is None:
            return
        self._held = build_table(
            bare(python_obj),
            header,
            separator,
            column_names=column_names,
            column_types=column_types,
            na_strings=na_strings,
            skipped_columns=skipped_columns,
        )
        self.frame_id = destination_frame or registry.temporary_key()

    @classmethod
    def _from_groups(
        cls, schema: Schema, rows: Sequence[int], groups: Sequence[Group], frame_id: str | None = None
    ) -> H2OFrame:
        """Return a frame of packed chunks (see `table_of_groups`); with `frame_id` it is registered under that."""
        return cls._of(table_of_groups(schema, rows, groups), frame_id)

    @staticmethod
    def from_python(python_obj: Any, **options: Any) -> H2OFrame:
        """Return the same as H2OFrame(python_obj, ...)."""
        return H2OFrame(python_obj, **options)

    @staticmethod
    def get_frame(frame_id: str) -> H2OFrame | None:
        """Return the frame registered under an id, None if there is none."""
        found = registry.get(frame_id)
        return found if isinstance(found, H2OFrame) else None

    # ---- names and types ---------------------------------------------------------------------------------------
    def __iter__(self) -> Iterator[H2OFrame]:
        return map(self._of, self._table.columns())

    @property
    def names(self) -> list[str]:
        """Column names; can be set."""
        return list(self._table.names)

    @names.setter
    def names(self, names: Sequence[str]) -> None:
        self.set_names(list(names))

    columns = col_names = names

    @property
    def schema(self) -> Schema:
        """The columns with their types and domains; looks at the summaries of numbers whose kind is not known yet."""
        return self._table.schema

    @property
    def types(self) -> dict[str, str]:
        """Column name -> "int", "real", "enum", "time", "string" or "uuid"."""
        return self._table.types

    def type(self, column: str | int) -> str:
        """Return the type of one column."""
        return self.schema.columns[self._table.index(column)].type

    set_names = swap(Table.renamed)
    set_name = swap(naming.set_name)
    rename = swap(naming.rename)

    # ---- what others read --------------------------------------------------------------------------------------
    placement = face(Table.placement)
    summaries = face(Table.summaries_by_name)

    @property
    def ddf(self) -> dd.DataFrame:
        """The Dask DataFrame face: lazy, same partitions, columns pushed down to decoding.

        enum -> category (known categories), time -> datetime64[ms], int -> int64 (with missing values float64, or Int64
        where float64 would round), real -> float64, strings str. Turn a result back with ``H2OFrame(ddf)``.
        """
        return to_dask(self._table)

    # ---- columns, rows and cells -------------------------------------------------------------------------------
    __getitem__ = face(selection.select)

    def __setitem__(self, item: Any, value: Any) -> None:
        self._held = selection.assign(self._table, bare(item), bare(value))

    __contains__ = face(membership.contains)
    pop = swap_and_give(selection.pop)
    drop = face(selection.drop)
    head = face(selection.head)
    tail = face(selection.tail)
    getrow = face(selection.getrow)
    flatten = face(selection.flatten)
    cbind = face(binding.cbind)
    rbind = face(binding.rbind)
    concat = face(binding.concat)
    insert = face(binding.insert)
    rep_len = face(pivots.rep_len)
    isin = face(membership.isin)
    match = face(membership.match)
    which = face(membership.which)
    drop_duplicates = face(membership.drop_duplicates)

    # ---- arithmetic, comparisons and logic ---------------------------------------------------------------------
    __array_ufunc__ = None  # NumPy scalars on the left leave the operation to us
    __hash__ = object.__hash__  # frames compare cell by cell, so as keys of dicts they stand for themselves
    __add__ = operator("+")
    __radd__ = operator("+", swapped=True)
    __sub__ = operator("-")
    __rsub__ = operator("-", swapped=True)
    __mul__ = operator("*")
    __rmul__ = operator("*", swapped=True)
    __truediv__ = operator("/")
    __rtruediv__ = operator("/", swapped=True)
    __floordiv__ = operator("//")
    __rfloordiv__ = operator("//", swapped=True)
    __mod__ = operator("%")
    __rmod__ = operator("%", swapped=True)
    __pow__ = operator("**")
    __rpow__ = operator("**", swapped=True)
    __and__ = operator("&")
    __rand__ = operator("&", swapped=True)
    __or__ = operator("|")
    __ror__ = operator("|", swapped=True)
    __lt__ = operator("<")
    __le__ = operator("<=")
    __gt__ = operator(">")
    __ge__ = operator(">=")
    __eq__ = face(arithmetic.equal)
    __ne__ = face(arithmetic.not_equal)
    __invert__ = face(arithmetic.invert)
    __neg__ = face(arithmetic.negative)
    __pos__ = face(arithmetic.positive)
    logical_negation = face(arithmetic.logical_negation)

    # ---- functions of every cell -------------------------------------------------------------------------------
    for _name, _verb in {**functions.OF_CELLS, **times.OF_TIMES}.items():  # sqrt, exp, ..., year, month, ...
        vars()[_name] = face(_verb)
    abs = __abs__ = face(functions.abs_)
    round = face(functions.round_)

    def __round__(self, digits: int | None = None) -> H2OFrame:
        return self.round(digits or 0)

    signif = face(functions.signif)
    ceil = __ceil__ = face(functions.ceil)
    __floor__ = face(functions.OF_CELLS["floor"])
    __trunc__ = face(functions.OF_CELLS["trunc"])
    isna = face(functions.isna)
    ifelse = face(functions.ifelse)
    cut = face(functions.cut)
    cumsum = face(running.cumsum)
    cumprod = face(running.cumprod)
    cummax = face(running.cummax)
    cummin = face(running.cummin)

    # ---- reductions --------------------------------------------------------------------------------------------
    mean = face(reductions.mean)
    sum = face(reductions.sum_)
    prod = face(reductions.prod)
    min = face(reductions.min_)
    max = face(reductions.max_)
    nacnt = face(reductions.nacnt)
    median = face(reductions.median)
    quantile = face(reductions.quantile)
    any = face(reductions.any_)
    any_na_rm = face(reductions.any_na_rm)
    all = face(reductions.all_)
    unique = face(reductions.unique)
    sd = face(moments.sd)
    skewness = face(moments.skewness)
    kurtosis = face(moments.kurtosis)
    scale = face(moments.scale)
    var = face(covariance.var)
    cor = face(covariance.cor)
    mult = face(matrices.mult)
    distance = face(matrices.distance)
    table = face(crosstabs.counts_of)
    hist = face(crosstabs.hist)
    interaction = face(crosstabs.interaction)

    def group_by(self, by: Any) -> GroupBy:
        """Return groups of rows that agree in these columns; see GroupBy.

        Example: ``fr.group_by("y").mean("x").get_frame()``.
        """
        return GroupBy(self._table, by, self._of)

    # ---- types, levels, texts and times ------------------------------------------------------------------------
    asfactor = face(type_verbs.asfactor)
    asnumeric = face(type_verbs.asnumeric)
    ascharacter = face(type_verbs.ascharacter)
    as_date = face(type_verbs.as_date)
    isfactor = face(type_verbs.isfactor)
    isnumeric = face(type_verbs.isnumeric)
    isstring = face(type_verbs.isstring)
    ischaracter = face(type_verbs.ischaracter)
    columns_by_type = face(type_verbs.columns_by_type)
    anyfactor = face(type_verbs.anyfactor)
    dtype = property(face(type_verbs.dtype_of))
    levels = face(level_verbs.levels)
    nlevels = face(level_verbs.nlevels)
    categories = face(level_verbs.categories)
    relevel = face(level_verbs.relevel)
    relevel_by_frequency = face(level_verbs.relevel_by_frequency)
    set_levels_order = face(level_verbs.set_levels_order)
    set_levels = face(level_verbs.set_levels)
    set_level = face(level_verbs.set_level)
    append_levels = face(level_verbs.append_levels)
    toupper = face(texts.toupper)
    tolower = face(texts.tolower)
    trim = face(texts.trim)
    lstrip = face(texts.lstrip)
    rstrip = face(texts.rstrip)
    sub = face(texts.sub)
    gsub = face(texts.gsub)
    substring = face(texts.substring)
    strsplit = face(texts.strsplit)
    countmatches = face(texts.countmatches)
    nchar = face(texts.nchar)
    entropy = face(texts.entropy)
    grep = face(texts.grep)
    tokenize = face(words.tokenize)
    strdistance = face(words.strdistance)
    num_valid_substrings = face(words.num_valid_substrings)
    week = face(times.week)
    dayOfWeek = face(times.dayOfWeek)

    # ---- other rows, other shapes ------------------------------------------------------------------------------
    na_omit = face(cleaning.na_omit)
    filter_na_cols = face(cleaning.filter_na_cols)
    fillna = face(cleaning.fillna)
    impute = swap_and_give(cleaning.impute)
    insert_missing_values = swap(cleaning.insert_missing_values)
    runif = face(fold_columns.runif)
    split_frame = face(fold_columns.split_frame)
    kfold_column = face(fold_columns.kfold_column)
    modulo_kfold_column = face(fold_columns.modulo_kfold_column)
    stratified_kfold_column = face(fold_columns.stratified_kfold_column)
    stratified_split = face(fold_columns.stratified_split)
    sort = face(joins.sort)
    merge = face(joins.merge)
    transpose = face(reshape.transpose)
    moment = maker(clocks.moment)
    mktime = maker(clocks.mktime)
    difflag1 = face(reshape.difflag1)
    idxmax = face(reshape.idxmax)
    idxmin = face(reshape.idxmin)
    topN = face(reshape.topN)
    bottomN = face(reshape.bottomN)
    topNBottomN = face(reshape.top_or_bottom)
    pivot = face(pivots.pivot)
    melt = face(pivots.melt)
    rank_within_group_by = face(ranking.rank_within_group_by)
    isax = face(series.isax)

    def apply(self, fun: Any = None, axis: int = 0) -> H2OFrame:
        """Return a function of every column (axis 0) or every row (axis 1); see `frames.verbs.apply.apply`."""
        of_columns = axis == 0 and callable(fun)
        seen = (lambda column: bare(fun(self._of(column)))) if of_columns else fun
        return shown(type(self), applied.apply(self._table, seen, axis))

    # ---- how it is shown ---------------------------------------------------------------------------------------
    def __str__(self) -> str:
        return (
            f"This H2OFrame {self._id or ''} has been removed." if self._held is None else display.text_of(self._held)
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return html.escape(str(self)) if self._held is None else display.html_of(self._held)

    def structure(self) -> None:
        """Print one line per column: name, type, domain size and the first values."""
        display.structure(self._table, self._id or "")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return display.as_array(self._table, dtype, copy)

    show = face(display.show)
    summary = face(display.summary)
    show_summary = face(display.summary)
    get_summary = face(display.get_summary)
    to_str = to_pretty_str = face(display.to_str)
    to_html = face(display.to_html)
    describe = face(display.describe)
    chunk_bytes = face(display.chunk_bytes)
    as_data_frame = face(display.as_data_frame)
    get_frame_data = face(display.get_frame_data)
    save = face(store.save_table)
