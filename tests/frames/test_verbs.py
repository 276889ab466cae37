"""Verbs are functions over tables: they need no H2OFrame, change nothing they are given, and frames offer them all."""

import ast
import inspect

import numpy as np
import pandas as pd
import pytest
from source_tree import modules

from frames.frame import H2OFrame
from frames.table.casts import number_text
from frames.table.face import bare, shown
from frames.table.make import table_from_pandas
from frames.table.table import Named, Table
from frames.verbs import (
    arithmetic,
    binding,
    cleaning,
    crosstabs,
    display,
    fold_columns,
    functions,
    joins,
    levels,
    membership,
    naming,
    reductions,
    reshape,
    running,
    selection,
    texts,
    times,
    types,
)
from frames.verbs.grouping import GroupBy

CELLS = pd.DataFrame({"x": [3.0, 1.0, np.nan, 2.0], "k": ["b", "a", "b", None], "n": [1, 2, 3, 4]})


@pytest.fixture
def table(client):
    return table_from_pandas(CELLS, {"k": "enum"})


def cells(table: Table) -> pd.DataFrame:
    return display.as_data_frame(table)


def test_a_table_goes_through_verbs_of_every_kind(table):
    doubled = arithmetic.operate(table.pick([0]), "*", 2)
    assert cells(doubled)["x"].tolist()[:2] == [6.0, 2.0]
    assert reductions.sum_(table.pick([2])) == 10
    assert cells(joins.sort(table, "x"))["n"].tolist() == [3, 2, 4, 1]
    assert cells(GroupBy(table, "k").sum("n").get_frame())["sum_n"].tolist() == [4, 2, 4]
    assert cells(selection.select(table, (slice(1, 3), "n")))["n"].tolist() == [2, 3]
    assert selection.select(table, (0, "k")) == "b"
    assert levels.levels(table)[1] == ["a", "b"]
    assert cells(texts.toupper(table.pick([1])))["k"].tolist()[:3] == ["B", "A", "B"]
    assert cells(running.cumsum(table.pick([2])))["n"].tolist() == [1, 3, 6, 10]
    assert cells(functions.isna(table.pick([0])))["isNA(x)"].tolist() == [0, 0, 1, 0]
    assert crosstabs.counts_of(table.pick([1])).names == ("k", "Count")
    assert cells(membership.isin(table.pick([2]), [2, 4]))["n"].tolist() == [0, 1, 0, 1]
    assert types.isfactor(table) == [False, True, False]
    assert reshape.transpose(table.pick([2])).ncol == 4
    assert cells(times.OF_TIMES["year"](types.as_date(table_of(["2020-01-02"]), "%Y-%m-%d"))).iloc[0, 0] == 2020
    assert binding.cbind(table, naming.set_name(table.pick([0]), 0, "y")).names == ("x", "k", "n", "y")


def table_of(values: list[str]) -> Table:
    return table_from_pandas(pd.DataFrame({"t": values}), {"t": "string"})


def test_what_changes_a_frame_gives_another_table(table):
    before = cells(table)
    assert cells(selection.assign(table, "x", 0))["x"].tolist() == [0, 0, 0, 0]
    rest, column = selection.pop(table, "k")
    assert (rest.names, column.names) == (("x", "n"), ("k",))
    filled, fills = cleaning.impute(table, "x")
    assert (cells(filled)["x"].tolist()[2], fills[0]) == (2.0, 2.0)
    assert naming.rename(table, {"x": "y"}).names == ("y", "k", "n")
    parts = fold_columns.split_frame(table, [0.5], ["left", "right"], seed=1)
    assert [part.key for part in parts] == ["left", "right"]
    assert sum(part.table.nrow for part in parts) == 4
    pd.testing.assert_frame_equal(cells(table), before)


def test_frames_go_in_as_tables_and_come_out_as_frames(table):
    frame = H2OFrame._of(table, "shown")
    assert bare([frame, 1, {"a": frame}])[:2] == [table, 1]
    assert bare({"a": frame}) == {"a": table}
    assert bare((frame,)) == (table,)
    back = shown(H2OFrame, [Named("kept", table), 3])
    assert (back[0].frame_id, back[1]) == ("kept", 3)
    assert isinstance(frame.head(2), H2OFrame)
    assert frame.names is not frame.names  # a list of the caller's own


def test_a_method_tells_what_its_verb_tells():
    assert H2OFrame.sort.__doc__ == joins.sort.__doc__
    assert list(inspect.signature(H2OFrame.sort).parameters)[1:] == list(inspect.signature(joins.sort).parameters)[1:]


def test_every_verb_is_a_method():
    """A function that takes a table first and nobody can reach is dead, or somebody forgot its line."""
    source = modules()["frames.frame"].path.read_text(encoding="utf-8")
    within = {"as_array", "text_of", "html_of", "structure", "operate", "apply"}  # behind methods written by hand
    lost = []
    for name, module in modules().items():
        if name.startswith("frames.verbs."):
            for node in module.tree.body:
                takes = isinstance(node, ast.FunctionDef) and node.args.args and node.args.args[0].arg == "table"
                if takes and not node.name.startswith("_") and node.name not in within:
                    used = f".{node.name})" in source or any(
                        (f" {node.name}" in line and "import" in line) or f"{node.name}(" in line
                        for other, text in _texts().items()
                        if other != name
                        for line in text
                    )
                    lost += [] if used else [f"{name}.{node.name}"]
    assert lost == []


def _texts() -> dict[str, list[str]]:
    return {
        name: one.path.read_text(encoding="utf-8").splitlines()
        for name, one in modules().items()
        if name.startswith("frames.")
    }


def test_numbers_read_as_texts_without_a_cluster():
    assert number_text(3.0) == "3"
