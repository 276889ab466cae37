"""A job with one worker is decided where its rows are: the same model as by messages, and far fewer of them."""

import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from distributed.scheduler import KilledWorker

from daskdl.coordinator import machine
from daskdl.coordinator.machine import Coordinator
from daskdl.coordinator.messages import RoundCombined, ShareTrained, Started
from daskdl.coordinator.progress import TrainingPlan
from daskdl.coordinator.stopping import StoppingRule, objective
from daskdl.parameters import Parameters, resolve, survey
from daskdl.shell.cluster import Cluster
from daskdl.shell.lending import Lender
from daskdl.shell.shares import Shares
from daskdl.training import fit_one, plans
from daskdl.training.train import train
from daskdl.worker import alone, tasks
from frames.exceptions import H2OJobError
from frames.frame import H2OFrame

ROWS = 300
NET = {"hidden": [6], "seed": 3, "stopping_rounds": 0}


def made(seed: int) -> H2OFrame:
    rng = np.random.default_rng(seed)
    points = pd.DataFrame(rng.normal(size=(ROWS, 3)), columns=list("abc"))
    points["kind"] = np.where(rng.random(ROWS) < 0.4, "u", "v")
    frame = H2OFrame(points.assign(y=points["a"] * 2 - points["b"] ** 2))
    frame["kind"] = frame["kind"].asfactor()
    return frame


@pytest.fixture(scope="module")
def frame():
    return made(1)


@pytest.fixture(scope="module")
def other():
    return made(2)


@pytest.fixture
def sent(monkeypatch):
    """The names of the functions that shells send as tasks."""
    seen = []
    real = Lender.lend

    def lend(self, *given):
        seen.append("lent")
        real(self, *given)

    monkeypatch.setattr(Lender, "lend", lend)
    monkeypatch.setattr(Shares, "send", lambda *given, _real=Shares.send: seen.append("share") or _real(*given))
    return seen


def by_messages(monkeypatch):
    monkeypatch.setattr(Lender, "borrower", lambda *given: None)


def told(model):
    """All that does not depend on the clock: weights to the last bit, how they were reached, how they were scored."""
    rows = [(row.samples, row.iterations, repr((row.training, row.validation))) for row in model.history.rows]
    record = {name: model.progress["progress"][name] for name in ("round", "position", "samples", "best", "forgone")}
    return [array.tobytes() for array in model.state], rows[1:], record, model.notes["ended"]


CASES = {
    "scored after each round": {"epochs": 4, "train_samples_per_iteration": 70, "score_each_iteration": True},
    "the best is kept": {"epochs": 9, "score_each_iteration": True, "adaptive_rate": False, "rate": 0.2},
    "stopped early": {"epochs": 400, "stopping_rounds": 2, "score_each_iteration": True, "stopping_tolerance": 0.1},
    "two classes": {"epochs": 3, "response_column": "kind", "score_each_iteration": True},
    "an autoencoder": {"epochs": 2, "autoencoder": True, "activation": "Tanh", "score_each_iteration": True},
    "several shares": {"epochs": 3, "reproducible": True},
}


@pytest.mark.parametrize("validated", [False, True], ids=["alone", "validated"])
@pytest.mark.parametrize("case", CASES)
def test_a_job_that_is_lent_to_its_worker_ends_as_one_that_is_not(frame, other, monkeypatch, sent, case, validated):
    monkeypatch.setattr(plans, "SHARE_ROWS", 40)  # so that a reproducible run has several shares
    given = {**NET, **CASES[case]}
    y = None if given.get("autoencoder") else given.get("response_column", "y")
    validation = other if validated else None
    lent = train(Parameters(**given), frame, y=y, validation_frame=validation)
    assert sent
    assert set(sent) == {"lent"}
    sent.clear()
    by_messages(monkeypatch)
    messages = train(Parameters(**given), frame, y=y, validation_frame=validation)
    assert set(sent) == {"share"}
    assert told(lent) == told(messages)


@pytest.mark.parametrize("batch", [1, 8])
def test_rounds_that_begin_together_end_as_one_by_one(frame, monkeypatch, batch):
    given = {**NET, "epochs": 30, "train_samples_per_iteration": 37, "mini_batch_size": batch, "score_interval": 1e9}

    def model():
        return told(train(Parameters(**given), frame, y="y"))

    monkeypatch.setattr(machine, "BRIEF", 60.0)
    together = model()
    monkeypatch.setattr(machine, "BRIEF", 0.0)
    assert model() == together


def test_hundreds_of_rounds_are_a_handful_of_tasks(frame, sent):
    model = train(Parameters(**NET, epochs=200, train_samples_per_iteration=ROWS, score_interval=1e9), frame, y="y")
    assert model.progress["progress"]["round"] == 200
    assert len(sent) < 100


def test_a_chain_of_tasks_is_the_same_chain_inside_one(frame, monkeypatch):
    """A budget of bytes cuts a share in several tasks, whose rows are not mixed with one another."""
    whole = train(Parameters(**NET, epochs=2), frame, y="y")
    monkeypatch.setattr(plans, "REPRODUCIBLE_BUDGET", 1)
    cut = train(Parameters(**NET, epochs=2, reproducible=True), frame, y="y")
    by_messages(monkeypatch)
    again = train(Parameters(**NET, epochs=2, reproducible=True), frame, y="y")
    assert told(cut) == told(again)
    assert cut.samples == whole.samples


def test_another_thread_stops_a_job_that_is_lent(frame, sent):
    shells = []

    def stop(shell):
        shells.append(shell)
        threading.Timer(0.5, shell.stop).start()

    endless = Parameters(**NET, epochs=1e7, score_interval=1e9)
    resolved = resolve(endless, survey(endless, frame, None, "y"))
    began = time.monotonic()
    model = fit_one.build(Cluster.of(frame), endless, resolved, frame, None, key="stopped", started=stop)
    assert time.monotonic() - began < 30
    assert "lent" in sent
    assert model.notes["ended"] == "Training was stopped on request."
    assert model.training_metrics.nobs() == ROWS
    record = model.progress["progress"]
    assert record["samples"] == record["position"] - record["forgone"]


def test_a_time_limit_ends_a_round_that_would_take_for_ever(frame, sent):
    began = time.monotonic()
    given = {**NET, "epochs": 1e7, "train_samples_per_iteration": 10**9, "max_runtime_secs": 4.0}
    model = train(Parameters(**given), frame, y="y")
    assert time.monotonic() - began < 30
    assert set(sent) == {"lent"}
    assert any("time" in one for one in model.warnings)
    record = model.progress["progress"]
    assert 0 < record["samples"] == record["position"] - record["forgone"]


@pytest.mark.parametrize("end", ["asked for", "of time"])
def test_an_end_during_a_long_scoring_waits_for_it_and_loses_nothing(frame, monkeypatch, sent, end):
    """What is stopped with patience is a round; a scoring takes longer than that patience, and is not begun anew."""
    scored, shells = [], []
    real = tasks.score_task

    def slow(*given, **named):
        scored.append(time.monotonic())
        time.sleep(1.5)
        return real(*given, **named)

    def impatient(shell):
        shells.append(shell)
        shell.coordinator.plan = replace(shell.coordinator.plan, grace=0.1)
        if end == "asked for":
            threading.Timer(0.7, shell.stop).start()

    monkeypatch.setattr(alone, "QUICK", 0)
    monkeypatch.setattr(tasks, "score_task", slow)
    limit = 1.0 if end == "of time" else 0.0
    asked = Parameters(**NET, epochs=1e7, train_samples_per_iteration=ROWS, max_runtime_secs=limit)
    resolved = resolve(asked, survey(asked, frame, None, "y"))
    model = fit_one.build(Cluster.of(frame), asked, resolved, frame, None, key="patient", started=impatient)
    assert set(sent) == {"lent"}
    assert model.progress["progress"]["samples"] >= ROWS
    assert len(scored) <= 2  # after the first round, and what stands in the end
    assert len(scored) == len(model.history.rows) - 1


def test_checkpoints_are_written_on_the_way_and_go_on_to_the_same_bits(frame, tmp_path, sent):
    given = {**NET, "epochs": 40, "train_samples_per_iteration": 100, "score_each_iteration": True}
    whole = train(Parameters(**given), frame, y="y")
    half = train(Parameters(**{**given, "epochs": 15}), frame, y="y")
    rest = train(Parameters(**given, checkpoint=half), frame, y="y")
    assert told(whole)[0] == told(rest)[0]
    saved = {**given, "export_checkpoints_dir": str(tmp_path), "checkpoint_interval": 1e-3}
    train(Parameters(**saved, model_id="kept"), frame, y="y")
    assert any(tmp_path.iterdir())
    assert set(sent) == {"lent"}


def test_an_error_in_training_names_the_worker(frame, monkeypatch):
    def broken(*given, **named):
        raise ArithmeticError("the kernel gave up")

    monkeypatch.setattr(tasks, "train_share", broken)
    with pytest.raises(H2OJobError, match=r"Training failed on worker .*: the kernel gave up"):
        train(Parameters(**NET, epochs=1), frame, y="y")


def test_every_new_row_of_the_history_is_told_once(frame):
    rows, shares = [], []
    model = train(
        Parameters(**NET, epochs=30, score_each_iteration=True),
        frame,
        y="y",
        progress=lambda done, row: (shares.append(done), rows.append(row)),
    )
    told_of = [row["samples"] for row in rows if row is not None]
    assert told_of == [row.samples for row in model.history.rows[1 : 1 + len(told_of)]]
    assert len(told_of) >= len(model.history.rows) - 2  # the last scoring comes after the last round
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_a_job_goes_on_where_its_task_is_lost(frame, monkeypatch, sent):
    struck = []
    real = alone.Alone.run

    def lost_twice(self):
        if len(struck) < 2:
            struck.append(True)
            raise KilledWorker("train-alone", SimpleNamespace(address="w"), 1)
        return real(self)

    monkeypatch.setattr(alone.Alone, "run", lost_twice)
    given = {**NET, "epochs": 20, "score_each_iteration": True}
    model = train(Parameters(**given), frame, y="y")
    monkeypatch.undo()
    assert len(struck) == 2
    assert told(model)[0] == told(train(Parameters(**given), frame, y="y"))[0]


def test_a_copy_of_a_coordinator_lives_its_own_life():
    plan = TrainingPlan((40,), "Regression", 80, 20, StoppingRule(objective("MSE", "Regression")))
    machine = Coordinator(plan)
    (order,) = machine.handle(Started({"w": 1}, (("w",),)), now=1.0)
    before = machine.to_dict(), machine.phase, machine.round.running
    copy = machine.copy()
    copy.handle(ShareTrained(order.round, order.share, "w", 20, 0.5), now=2.0)
    copy.handle(RoundCombined(order.round), now=2.5)
    assert copy.progress.samples == 20
    assert (machine.to_dict(), machine.phase, machine.round.running) == before
