"""Arguments of tasks: large ones travel apart from the graph, whatever they are, and no call meets another's."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from dask.utils import key_split
from distributed import Future
from framed import frame_from_pandas

from frames.cluster.sending import gather, key_of, resident, submit, submit_all, tasks_named
from frames.frame import H2OFrame
from frames.functions import import_file

LEVELS = tuple(f"a level with a rather long name, number {i:05d}" for i in range(4000))


@dataclass(frozen=True)
class _Wrapped:
    levels: tuple[str, ...]


def _joined(item, levels):
    return f"{item} {levels[0]} {len(levels)}"


@pytest.mark.parametrize(
    "value",
    [LEVELS, list(LEVELS), _Wrapped(LEVELS), {"x": _Wrapped(LEVELS)}, [_Wrapped(LEVELS)], np.zeros(20_000)],
    ids=["tuple", "list", "dataclass", "dict of dataclasses", "list of dataclasses", "array"],
)
def test_a_large_argument_becomes_a_task_of_its_own(client, value):
    sent = resident(value)
    assert isinstance(sent, Future)
    assert type(gather(sent)) is type(value)
    assert resident(sent) is sent


def test_a_small_argument_travels_as_it_is(client):
    small = ("a", "b")
    assert resident(small) is small


def test_the_next_call_does_not_meet_the_value_of_the_last(client):
    first = gather(submit_all(_joined, [1, 2], LEVELS))
    second = gather(submit_all(_joined, [1, 2], LEVELS[1:]))
    assert first == [f"{i} {LEVELS[0]} 4000" for i in (1, 2)]
    assert second == [f"{i} {LEVELS[1]} 3999" for i in (1, 2)]
    assert submit_all(_joined, [], LEVELS) == []


def test_a_future_inside_the_arguments_is_waited_for(client):
    assert gather(submit(_joined, "x", resident(list(LEVELS)))) == f"x {LEVELS[0]} 4000"


def test_every_verb_of_a_frame_has_a_name_that_dask_shows_whole():
    verbs = [name for name in vars(H2OFrame) if not name.startswith("_") and callable(getattr(H2OFrame, name))]
    assert len(verbs) > 100
    for verb in verbs:
        with tasks_named(f"frames-{verb}"):
            shown = key_split(key_of(_joined))
        letters = "".join(filter(str.isalpha, verb)).lower()
        assert shown.replace("-", "").lower() == f"frames{letters}joined", verb


def test_the_outermost_of_nested_names_counts():
    with tasks_named("frames-sort"), tasks_named("frames-mean"):
        assert key_split(key_of(_joined)) == "frames-sort-joined"
    assert key_split(key_of(_joined)) == "frames-joined"


@pytest.fixture(scope="module")
def names() -> pd.DataFrame:
    """40,000 rows of 4,000 long names: far more bytes of levels than Dask lets travel in a keyword."""
    return pd.DataFrame({"name": np.resize(LEVELS, 40_000), "x": np.arange(40_000)})


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_table_with_thousands_of_long_names_is_imported_twice(client, names, tmp_path, ending):
    path = tmp_path / f"names.{ending}"
    names.to_csv(path, index=False) if ending == "csv" else names.to_parquet(path)
    for _ in range(2):
        frame = import_file(str(path))
        assert frame.types == {"name": "enum", "x": "int"}
        assert tuple(frame["name"].levels()[0]) == LEVELS


def test_a_dask_table_with_thousands_of_long_names_becomes_a_frame(client, names):
    import dask.dataframe as dd

    frame = H2OFrame(dd.from_pandas(names, npartitions=3))
    assert tuple(frame["name"].levels()[0]) == LEVELS


def test_a_parquet_file_of_3000_columns_is_imported_twice(client, tmp_path):
    path = tmp_path / "wide.parquet"
    wide = pd.DataFrame(
        np.arange(6000.0).reshape(2, 3000), columns=[f"a_rather_long_column_name_{i}" for i in range(3000)]
    )
    wide.to_parquet(path)
    for _ in range(2):
        frame = import_file(str(path))
        assert frame.shape == (2, 3000)
        assert frame.sum(return_frame=False) == wide.to_numpy().sum()


def test_steps_on_many_columns_keep_arguments_that_are_futures(client):
    # Each column has levels of its own, so that its recoding is a large argument among small ones.
    table = pd.DataFrame({f"c{i}": pd.Categorical(np.resize(LEVELS, 5000)) for i in range(3)})
    frame = frame_from_pandas(table)
    back = frame.ascharacter().asfactor()
    assert back.levels() == [list(LEVELS)] * 3
    assert (back == frame).all()
