"""Ctrl-C at any moment of a training: an orderly end with a model; the second one raises."""

import os
import signal
import threading
import time

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


class Struck:
    """Interrupts so many times when folds have reported so often."""

    def __init__(self, after, times=1):
        self.after, self.times, self.calls, self.lock = after, times, 0, threading.Lock()

    def __call__(self, done, row):
        with self.lock:
            self.calls += 1
            if self.calls == self.after:
                for _ in range(self.times):
                    interrupt()
                    time.sleep(0.2)  # two signals at once are one


FOLDED = Parameters(hidden=[4], epochs=1e7, seed=1, stopping_rounds=0, score_interval=0.1, nfolds=5)


def test_an_interrupt_among_folds_ends_them_and_leaves_a_model_that_says_so(frame):
    model = train(FOLDED, frame, y="y", model_id="broken", progress=Struck(3))
    (said,) = [one for one in model.warnings if "Cross-validation of broken was ended early" in one]
    assert model.notes["ended"] == said
    trained = len(model.extras["cross_validation_models"])
    assert 1 <= trained < 5
    assert f"{trained} of 5 folds have learned something" in said
    rows = [one.validation_metrics.nobs() for one in model.extras["cross_validation_models"]]
    assert model.cross_validation_metrics.nobs() == sum(rows) < 500
    assert np.isfinite(model.cross_validation_metrics.mse())
    assert np.isfinite(model.training_metrics.mse())
    assert 0 < model.samples < 1e6
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_second_interrupt_among_folds_raises(frame):
    with pytest.raises(KeyboardInterrupt):
        train(FOLDED, frame, y="y", progress=Struck(3, times=2))


def test_the_second_interrupt_raises():
    asked = []
    with orderly(lambda: asked.append(True)):
        interrupt()
        with pytest.raises(KeyboardInterrupt):
            interrupt()
    assert asked == [True]
