"""A training taken up again ends with the bits of one that was never cut off, whatever it keeps; changes are said."""

import subprocess
import sys
import uuid
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import daskdl as h2o
from daskdl.estimators import H2ODeepLearningEstimator
from daskdl.kernels.optimizers import OPTIMIZERS, optimizer_of
from daskdl.kernels.schedules import SCHEDULES
from daskdl.model import checkpoint
from daskdl.parameters import Parameters
from daskdl.training import outcome
from daskdl.training.cross_validation import run as cv
from daskdl.training.resume import differences, resume
from daskdl.training.train import train
from daskdl.worker import alone
from frames.cluster import progress_bars, registry
from frames.exceptions import H2OResponseError, H2OValueError
from frames.frame import H2OFrame
from frames.stores.choose import store_at
from frames.stores.filesystems import Filesystem

pytestmark = [
    pytest.mark.usefixtures("embedded"),
    pytest.mark.timeout(180),
    pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning"),
]

BASE = {
    "hidden": [6],
    "epochs": 8,
    "seed": 3,
    "reproducible": True,
    "train_samples_per_iteration": 100,
    "stopping_rounds": 0,
    "score_interval": 0.0,
    "score_duty_cycle": 1.0,
}
"""Scored after every round, whatever the clock says."""


def table(rows=300, colours=("red", "green", "blue")):
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=(2, rows))
    colour = rng.choice(np.array(colours, object), rows)
    return pd.DataFrame(
        {"a": a, "b": b, "colour": colour, "y": a * b + (colour == "red") + 0.1 * rng.normal(size=rows)}
    )


def frame_of(name=None, **given):
    frame = H2OFrame(table(**given), destination_frame=name)
    frame["colour"] = frame["colour"].asfactor()
    return frame


def same(one, other):
    for mine, theirs in ((one.state, other.state), (one.last, other.last)):
        assert (mine is None) == (theirs is None)
        for a, b in zip(mine or (), theirs or (), strict=True):
            np.testing.assert_array_equal(a, b)
    assert one.samples == other.samples
    assert [row["iterations"] for row in one.history] == [row["iterations"] for row in other.history]
    assert [row["training_rmse"] for row in one.history] == [row["training_rmse"] for row in other.history]


def with_checkpoints(frame, folder, monkeypatch, validation=None, **given):
    """Train with a checkpoint after each round; return them, as they come back from disk, and the finished model."""
    kept = []
    monkeypatch.setattr(alone, "LENT", 0.0)  # so that every round may be followed by a checkpoint
    monkeypatch.setattr(outcome, "_write", lambda model, frames=False: kept.append(model))
    how = Parameters(**BASE, export_checkpoints_dir=str(folder), checkpoint_interval=1e-6).replace(**given)
    model = train(how, frame, ["a", "b", "colour"], "y", validation, model_id="job")
    found = [one for one in kept if "checkpoint" in one.notes]
    assert len(found) >= 3
    middle = [found[0], found[len(found) // 2], found[-1]]
    return [checkpoint.load(checkpoint.save(one, folder / f"cut{n}")) for n, one in enumerate(middle)], model


CASES = {
    "adadelta": {},
    "sgd": {"adaptive_rate": False, "rate": 0.01, "rate_annealing": 1e-4, "momentum_start": 0.5, "momentum_stable": 0.9,
            "momentum_ramp": 1500},
    "adam": {"optimizer": "adam"},
    **{f"adam, {name}": {"optimizer": "adam", "rate_schedule": name} for name in SCHEDULES},
    "batches": {"optimizer": "adam", "mini_batch_size": 16},
    "dropout": {"activation": "MaxoutWithDropout", "input_dropout_ratio": 0.2, "l1": 1e-4, "max_w2": 5.0},
    "early stopping": {"stopping_rounds": 2, "stopping_tolerance": 0.03, "epochs": 60},
    "the best one is kept": {"adaptive_rate": False, "rate": 0.05, "rate_annealing": 0.0, "activation": "Tanh"},
    "plain momentum": {"adaptive_rate": False, "rate": 0.01, "nesterov_accelerated_gradient": False},
    "other distributions": {"distribution": "huber", "huber_alpha": 0.8},
}  # fmt: skip


@pytest.mark.parametrize(
    ("case", "validated"),
    [
        *((case, False) for case in CASES),
        *((case, True) for case in ("adadelta", "early stopping", "the best one is kept")),
    ],
)
def test_cut_off_anywhere_and_resumed_it_has_the_bits_of_the_whole(case, validated, tmp_path, monkeypatch):
    frame = frame_of()
    validation = frame_of(rows=80) if validated else None
    cuts, whole = with_checkpoints(frame, tmp_path, monkeypatch, validation, **CASES[case])
    if case == "early stopping":
        assert whole.epochs < 60
    for cut in cuts:
        assert 0 < cut.samples <= whole.samples
        again = resume(cut, frame, validation)
        same(again, whole)
        assert again.resolved.changes[0] == (
            f"Training of job goes on after {cut.epochs:g} of {whole.parameters.epochs:g} epochs, everything as it was."
        )


def test_every_optimizer_is_tried():
    tried = {optimizer_of(Parameters(**{**BASE, **given})).name for given in CASES.values()}
    assert tried == set(OPTIMIZERS)


# ---- with changes ------------------------------------------------------------------------------------------------


def saved(folder, frame, **given):
    how = {**BASE, "model_id": "job", "export_checkpoints_dir": str(folder), **given}
    return H2ODeepLearningEstimator(**how).train(y="y", training_frame=frame)


def test_a_finished_fit_goes_on_with_more_epochs_and_has_the_bits_of_a_longer_one(tmp_path, capsys, monkeypatch):
    frame = frame_of("table")
    saved(tmp_path / "short", frame, epochs=4)
    whole = saved(tmp_path / "long", frame, epochs=8).model
    monkeypatch.setattr(progress_bars, "_shown", True)
    again = h2o.resume(str(tmp_path / "short"), epochs=8)
    same(again.model, whole)
    said = "Training of job goes on after 4 of 4 epochs with epochs 4.0 -> 8.0."
    assert said in capsys.readouterr().out
    assert again.model.resolved.changes[0] == said
    assert again.epochs == 8
    assert again.model.parameters.checkpoint is None
    same(checkpoint.load(tmp_path / "short" / "job"), whole)  # it is saved where it was
    same(h2o.resume(str(tmp_path / "short")).model, whole)  # nothing is asked for: it stays as it is
    same(h2o.resume(str(tmp_path / "short"), epochs=8).model, whole)


def test_one_that_was_cut_off_takes_another_stopping_rule(tmp_path, monkeypatch):
    frame = frame_of("table")
    cuts, _ = with_checkpoints(frame, tmp_path, monkeypatch, epochs=50)
    monkeypatch.undo()
    checkpoint.save(cuts[1], tmp_path / "work" / "job")
    frame.frame_id = "table"
    registry.register("table", frame)
    again = h2o.resume(
        str(tmp_path / "work"), training_frame=frame, stopping_rounds=1, stopping_tolerance=0.5, epochs=400
    )
    assert cuts[1].samples < again.model.samples < 400 * 300
    assert (
        "stopping_rounds 0 -> 1; stopping_tolerance 0.0 -> 0.5; epochs 50.0 -> 400.0" in again.model.resolved.changes[0]
    )
    assert "early stopping" in again.model.notes["ended"]


def test_what_auto_became_is_no_change(tmp_path):
    frame = frame_of("table")
    model = saved(tmp_path, frame).model
    assert model.parameters.distribution == "AUTO"
    assert differences(model, {"distribution": "gaussian", "epochs": 8}) == {}
    same(h2o.resume(str(tmp_path), distribution="gaussian").model, model)
    longer = h2o.resume(str(tmp_path), distribution="gaussian", epochs=12)
    assert "distribution" not in longer.model.resolved.changes[0]
    with pytest.raises(H2OResponseError, match="_distribution"):
        h2o.resume(str(tmp_path), distribution="laplace", epochs=20)


def test_new_rows_with_new_levels_are_taken_where_that_is_asked_for(tmp_path):
    saved(tmp_path, frame_of("table"))
    fresh = frame_of("newer", rows=200, colours=("red", "violet"))
    with pytest.raises(H2OResponseError, match=r"new levels: colour \[violet\]"):
        h2o.resume(str(tmp_path), training_frame=fresh, epochs=20)
    again = h2o.resume(str(tmp_path), training_frame=fresh, epochs=20, checkpoint_new_levels="extend")
    said = again.model.resolved.changes[0]
    assert "training_frame table -> newer" in said
    assert "new levels of colour: violet" in said
    assert "colour.violet" in again.model.encoder.unit_names


def test_what_cannot_be_changed_is_refused_before_any_work(tmp_path):
    frame = frame_of("table")
    saved(tmp_path, frame)
    with pytest.raises(H2OResponseError, match="Hidden layers must be the same"):
        h2o.resume(str(tmp_path), hidden=[7], epochs=20)
    with pytest.raises(H2OResponseError, match="larger than the number already trained"):
        h2o.resume(str(tmp_path), epochs=2)
    with pytest.raises(TypeError, match="unexpected keyword argument 'epoch'"):
        h2o.resume(str(tmp_path), epoch=20)


def test_a_training_goes_on_in_an_object_store(object_store, monkeypatch):
    place = f"{object_store}/{uuid.uuid4().hex}"
    frame = frame_of("table")
    saved(place, frame, epochs=4)
    whole = train(Parameters(**BASE), frame, ["a", "b", "colour"], "y")
    same(h2o.resume(place, epochs=8).model, whole)
    assert h2o.load_model(f"{place}/job").model_id == "job"


def test_a_place_that_cannot_be_written_is_refused_before_any_work(object_store):
    frame = frame_of()
    for place in ("s3://no-such-bucket/models", "nowhere://models"):
        with pytest.raises(H2OResponseError, match=f"place that can be written is required; got '{place}'"):
            saved(place, frame)


@pytest.mark.parametrize("keeps", [True, False])
def test_a_store_that_takes_a_second_file_of_one_name_is_told_of(object_store, monkeypatch, recwarn, keeps):
    place = f"{object_store}/{uuid.uuid4().hex}"
    if not keeps:  # as servers do that do not know If-None-Match
        monkeypatch.setattr(Filesystem, "create", lambda self, name, data: self.replace(name, data) or True)
    saved(place, frame_of())
    told = [str(one.message) for one in recwarn if "If-None-Match" in str(one.message)]
    assert [place in one for one in told] == [True] * (not keeps)
    assert not [name for name in store_at(place).names() if "may-write" in name]
    assert h2o.load_model(f"{place}/job").model_id == "job"


# ---- cross-validation --------------------------------------------------------------------------------------------

FOLDED = {**BASE, "nfolds": 3, "keep_cross_validation_predictions": True, "model_id": "crossed"}

KILLED = """
import os, sys
import daskdl as h2o
from daskdl.estimators import H2ODeepLearningEstimator
from daskdl.training import outcome
from daskdl.training.cross_validation import kept_folds, run
from daskdl.worker import alone
if __name__ == "__main__":
    h2o.no_progress()
    alone.LENT = 0.0
    run.models_at_once = lambda cells, folds, threads: 1
    frame = h2o.import_file(sys.argv[1], destination_frame="table")
    keep, write, seen = kept_folds.KeptFolds.keep, outcome._write, []
    def dying(self, number, model):
        keep(self, number, model)
        seen.append(number)
        if sys.argv[3] == "folds" and len(seen) == 2:
            os._exit(9)
    def dying_later(model, frames=False):
        write(model, frames)
        if "checkpoint" in model.notes and model.samples > 500:
            os._exit(9)
    kept_folds.KeptFolds.keep, outcome._write = dying, dying_later
    H2ODeepLearningEstimator(**{how}, export_checkpoints_dir=sys.argv[2], checkpoint_interval=1e-6).train(
        y="y", training_frame=frame)
"""


@pytest.mark.parametrize("when", ["folds", "main"])
def test_a_cross_validated_training_that_was_killed_trains_no_finished_fold_again(when, tmp_path, monkeypatch):
    table().to_csv(tmp_path / "table.csv", index=False)
    script, work = tmp_path / "script.py", tmp_path / "models"
    script.write_text(KILLED.replace("{how}", repr(FOLDED)), encoding="utf-8")
    command = [sys.executable, str(script), str(tmp_path / "table.csv"), str(work), when]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 9, done.stderr
    frame = h2o.import_file(str(tmp_path / "table.csv"), destination_frame="table")
    whole = train(Parameters(**FOLDED), frame, ["a", "b", "colour"], "y", model_id="whole")
    begun, real = [], cv.build

    def counted(*arguments, key, restart=None, **given):
        begun.append((key, restart is not None))
        return real(*arguments, key=key, restart=restart, **given)

    monkeypatch.setattr(cv, "build", counted)
    again = h2o.resume(str(work)).model
    assert begun == ([("crossed_cv_3", False), ("crossed", False)] if when == "folds" else [("crossed", True)])
    same(again, whole)
    for mine, theirs in zip(*(one.extras["cross_validation_models"] for one in (again, whole)), strict=True):
        same(mine, theirs)
    assert str(again.cross_validation_metrics.values()) == str(whole.cross_validation_metrics.values())  # NaN in it
    name = "cross_validation_holdout_predictions"
    pd.testing.assert_frame_equal(again.extras[name].as_data_frame(), whole.extras[name].as_data_frame())
    assert sorted(path.name for path in (work / "crossed").iterdir()) == ["refs", "versions"]
    same(h2o.resume(str(work)).model, whole)


def test_a_cross_validated_training_wants_its_rows_and_nothing_else(tmp_path, monkeypatch):
    frame = frame_of("table")
    monkeypatch.setattr(cv._Crew, "run", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        train(
            Parameters(**FOLDED, export_checkpoints_dir=str(tmp_path)),
            frame,
            ["a", "b", "colour"],
            "y",
            model_id="crossed",
        )
    with pytest.raises(H2OResponseError, match="goes on as it began; got epochs"):
        h2o.resume(str(tmp_path), epochs=100)
    with pytest.raises(H2OResponseError, match=r"like the one that cross-validation began with \(300 rows"):
        h2o.resume(str(tmp_path), training_frame=frame_of("other", rows=299))
    monkeypatch.undo()
    (tmp_path / "crossed" / "job.json").write_text("{}")
    with pytest.raises(H2OValueError, match="damaged"):
        h2o.resume(str(tmp_path), training_frame=frame)


# ---- elastic averaging ---------------------------------------------------------------------------------------------


def test_what_elastic_averaging_keeps_on_workers_is_in_a_checkpoint(tmp_path, monkeypatch):
    frame = frame_of(rows=4000)
    monkeypatch.setattr("daskdl.training.plans.SHARE_ROWS", 1000)
    given = {
        "elastic_averaging": True,
        "elastic_averaging_regularization": 0.1,
        "train_samples_per_iteration": 2000,
        "epochs": 4,
    }
    cuts, whole = with_checkpoints(frame, tmp_path, monkeypatch, **given)
    plain = train(Parameters(**{**BASE, **given, "elastic_averaging": False}), frame, ["a", "b", "colour"], "y")
    assert not np.array_equal(plain.state.weights, whole.state.weights)
    assert whole.own == ()
    for cut in cuts:
        assert len(cut.own) == cut.progress["plan"]["fixed_shares"] > 1
        assert not np.array_equal(cut.own[0].weights, cut.own[1].weights)
        same(resume(cut, frame), whole)
    forgetful = resume(replace(cuts[0], own=()), frame)
    assert not np.array_equal(forgetful.state.weights, whole.state.weights)
