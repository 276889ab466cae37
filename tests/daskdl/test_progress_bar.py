"""What a waiting user sees: the bar, and that kernels are being compiled."""

import io

import numba
import pytest

from daskdl.estimators import progress as bars
from daskdl.estimators.progress import COMPILING, ModelProgress
from daskdl.kernels.jit import kernel
from daskdl.training.compile_ahead import heard

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


class Terminal(io.StringIO):
    """A screen of text."""

    def isatty(self) -> bool:
        return True


@compiles
@pytest.mark.parametrize(("screen", "end"), [(Terminal, "\r"), (io.StringIO, "\n")])
def test_the_bar_says_that_kernels_are_compiled_and_stops_saying_so(monkeypatch, screen, end):
    monkeypatch.setattr("sys.stderr", screen())
    with ModelProgress() as progress:
        fresh()(1)
        progress(0.5, {"training_rmse": 0.25})
    shown = bars.sys.stderr.getvalue().rstrip("\n").split(end)
    assert [COMPILING in line for line in shown].count(True) == 1
    assert COMPILING not in shown[-1]
    assert "training rmse 0.25" in shown[-1]
    assert "100%" in shown[-1]


def test_no_bar_is_drawn_where_none_is_wanted(capsys):
    with ModelProgress(shown=False) as progress:
        progress(0.5, {"training_rmse": 0.25})
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("hours", "lines"),
    [(0.0001, ["100% [00:00"]), (0.01, ["25% [00:09", "50% [00:18", "75% [00:27", "100% [00:36"]), (10.0, None)],
)
def test_a_log_gets_a_line_now_and_then(monkeypatch, hours, lines):
    clock = [0.0]
    monkeypatch.setattr(bars.time, "monotonic", lambda: clock[0])
    log = io.StringIO()
    monkeypatch.setattr("sys.stderr", log)
    with ModelProgress() as progress:
        for step in range(1000):
            clock[0] = 3.6 * hours * (step + 1)
            progress((step + 1) / 1000, {"training_rmse": 0.5})
    told = log.getvalue().splitlines()
    assert "\r" not in log.getvalue()
    assert all("training rmse 0.5" in line for line in told)
    if lines is None:
        assert 20 < len(told) < 100
    else:
        assert [line.split(": ")[1].strip().split(",")[0] for line in told] == lines


def test_a_program_without_a_console_trains_without_a_bar(monkeypatch):
    monkeypatch.setattr("sys.stderr", None)
    with ModelProgress() as progress:
        progress(0.5, None)
