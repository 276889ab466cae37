"""What a waiting user sees: the bar, and that kernels are being compiled."""

import numba
import pytest

from daskdl.estimators.progress import COMPILING, ModelProgress
from daskdl.kernels.jit import kernel
from daskdl.warming import heard

compiles = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="NUMBA_DISABLE_JIT is set: nothing is compiled")


def fresh():
    """A kernel that no cache holds: a new function, whose first call compiles."""

    @kernel
    def once_more(x):
        return x + 1

    return once_more


@pytest.fixture(autouse=True)
def _cold_cache(monkeypatch, tmp_path):
    monkeypatch.setattr("daskdl.kernels.jit.cache_folder", lambda: tmp_path)


@compiles
def test_compiling_is_heard_once_per_kernel_and_its_end_too():
    told = []
    one = fresh()
    with heard(told.append):
        assert one(1) == 2
        assert one(2) == 3
    fresh()(1.5)
    assert told == [True, False]


@compiles
def test_the_bar_says_that_kernels_are_compiled_and_stops_saying_so(capsys):
    with ModelProgress() as progress:
        fresh()(1)
        progress(0.5, {"training_rmse": 0.25})
    shown = capsys.readouterr().err.split("\r")
    assert [COMPILING in line for line in shown].count(True) == 1
    assert COMPILING not in shown[-1]
    assert "training rmse 0.25" in shown[-1]
    assert "100%" in shown[-1]


def test_no_bar_is_drawn_where_none_is_wanted(capsys):
    with ModelProgress(shown=False) as progress:
        progress(0.5, {"training_rmse": 0.25})
    assert capsys.readouterr() == ("", "")
