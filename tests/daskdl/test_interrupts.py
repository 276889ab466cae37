"""Ctrl-C at any moment of a training: an orderly end with a model; the second one raises."""

import os
import signal

import numpy as np
import pandas as pd
import pytest

from daskdl.coordinator import messages
from daskdl.parameters import Parameters
from daskdl.shell import shell
from daskdl.shell.interrupts import orderly
from daskdl.training import fit_one
from daskdl.training.train import train
from daskdl.worker import alone
from frames.frame import H2OFrame

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


@pytest.fixture(autouse=True)
def usual_handler():
    """A process in the background ignores Ctrl-C: here it has the handler of a terminal."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def frame():
    draw = np.random.default_rng(2).normal(size=(500, 3))
    return H2OFrame(pd.DataFrame(draw, columns=["a", "b", "y"]))


def interrupt():
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("moment", ["prepare", messages.TrainShare, messages.Score])
def test_an_interrupt_at_a_bad_moment_leaves_a_model(frame, monkeypatch, moment):
    struck = []

    def interrupting(real):
        def interrupted(*arguments, **named):
            if not struck:
                struck.append(True)
                interrupt()
            return real(*arguments, **named)

        return interrupted

    if moment == "prepare":
        monkeypatch.setattr(fit_one, "prepare", interrupting(fit_one.prepare))
    else:
        for carriers in (shell._CARRIERS, alone.CARRIERS):  # in the client, and where the coordinator is lent to
            monkeypatch.setitem(carriers, moment, interrupting(carriers[moment]))
    endless = Parameters(hidden=[4], epochs=1e7, seed=1, stopping_rounds=0, score_interval=0.1)
    model = train(endless, frame, y="y")
    assert struck
    assert "interrupted from the keyboard" in model.notes["ended"]
    assert np.isfinite(model.training_metrics.mse())
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_second_interrupt_raises():
    asked = []
    with orderly(lambda: asked.append(True)):
        interrupt()
        with pytest.raises(KeyboardInterrupt):
            interrupt()
    assert asked == [True]
