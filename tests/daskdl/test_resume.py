"""A training whose process is killed goes on from its last checkpoint, with the bits of one that was never cut off."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import daskdl as h2o
from daskdl.estimators import H2ODeepLearningEstimator
from daskdl.model import checkpoint
from frames.exceptions import FileMissing, H2OResponseError, H2OValueError
from frames.frame import H2OFrame

pytestmark = pytest.mark.timeout(120)

EPOCHS = 1500  # a second or more: checkpoints are written meanwhile
NET = {
    "hidden": [8],
    "epochs": EPOCHS,
    "seed": 1,
    "reproducible": True,
    "stopping_rounds": 0,
    "regression_stop": -1,
    "train_samples_per_iteration": 1000,
    "overwrite_with_best_model": False,
    "optimizer": "adam",  # whose steps and schedule must go on where they were
    "rate_schedule": "warmup_cosine",
    "mini_batch_size": 16,
    "model_id": "cut",
}
SCRIPT = """
import sys
import daskdl as h2o
from daskdl.estimators import H2ODeepLearningEstimator
if __name__ == "__main__":
    h2o.no_progress()
    frame = h2o.import_file(sys.argv[1], destination_frame="table")
    print("begun", flush=True)
    H2ODeepLearningEstimator(**{net}, export_checkpoints_dir=sys.argv[2], checkpoint_interval=0.01).train(
        y="y", training_frame=frame)
    print("over", flush=True)
"""


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    draw = np.random.default_rng(1).normal(size=(1000, 3))
    path = tmp_path_factory.mktemp("data") / "table.csv"
    pd.DataFrame({"a": draw[:, 0], "b": draw[:, 1], "y": draw[:, 0] ** 2 + 0.1 * draw[:, 2]}).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def cut(table, tmp_path_factory) -> Path:
    """The checkpoints of a process that was killed in the middle of training."""
    folder = tmp_path_factory.mktemp("work")
    script = folder / "script.py"
    script.write_text(SCRIPT.replace("{net}", repr(NET)), encoding="utf-8")
    work = folder / "models"
    running = subprocess.Popen([sys.executable, str(script), str(table), str(work)], env=dict(os.environ))
    end = time.monotonic() + 90
    while not any(path.name >= "0000000002" for path in (work / "cut" / "refs").glob("[0-9]*")):
        assert running.poll() is None, "training must not be over before it is killed"
        assert time.monotonic() < end
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL
    return work


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_training_that_was_killed_goes_on_with_the_bits_of_one_that_was_not(cut, table):
    found = checkpoint.load(cut / "cut")
    assert 0 < found.samples < EPOCHS * 1000
    assert "h2o.resume()" in found.notes["ended"]
    frame = h2o.import_file(str(table), destination_frame="table")
    whole = H2ODeepLearningEstimator(**NET).train(y="y", training_frame=frame).model
    resumed = h2o.resume(str(cut))
    assert resumed.model.samples == whole.samples == EPOCHS * 1000
    np.testing.assert_array_equal(resumed.model.state.weights, whole.state.weights)
    np.testing.assert_array_equal(resumed.model.state.slots, whole.state.slots)
    assert resumed.model.parameters.checkpoint is None
    again = h2o.resume(str(cut / "cut"))  # what is finished stays as it is
    np.testing.assert_array_equal(again.model.state.weights, whole.state.weights)


def test_a_checkpoint_that_the_disk_refuses_is_a_warning_and_the_one_before_it_stands(table, tmp_path, monkeypatch):
    frame = h2o.import_file(str(table))
    real, calls = checkpoint.files_of, []

    def full(model, frames=False):
        calls.append(model)
        if len(calls) > 1:
            monkeypatch.setattr(os, "fsync", refuse)
        return real(model, frames)

    def refuse(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "files_of", full)
    with pytest.warns(RuntimeWarning, match="could not be .*: .*No space left on device"):
        one = H2ODeepLearningEstimator(
            **{**NET, "epochs": 300}, export_checkpoints_dir=str(tmp_path), checkpoint_interval=1e-6
        ).train(y="y", training_frame=frame)
    assert len(calls) > 2
    assert one.model.samples == 300_000
    stands = checkpoint.load(tmp_path / "cut")
    np.testing.assert_array_equal(stands.state.weights, calls[0].state.weights)


def test_what_cannot_be_resumed_is_said(cut, tmp_path):
    with pytest.raises(FileMissing, match="export_checkpoints_dir or recovery_dir"):
        h2o.resume(str(tmp_path / "nowhere"))
    with pytest.raises(H2OValueError, match="must hold one model or grid to resume; got none"):
        h2o.resume(str(tmp_path))


def test_a_resumed_training_asks_for_its_frame(table, tmp_path, monkeypatch):
    frame = H2OFrame(pd.read_csv(table))
    kept = []
    monkeypatch.setattr("daskdl.training.outcome._write", lambda model, frames=False: kept.append(model))
    H2ODeepLearningEstimator(
        **{**NET, "epochs": 5}, export_checkpoints_dir=str(tmp_path), checkpoint_interval=1e-6
    ).train(y="y", training_frame=frame)
    checkpoint.save(kept[0], tmp_path / "cut")
    h2o.remove(frame.frame_id)
    with pytest.raises(H2OResponseError, match=f"frame '{frame.frame_id}' is not"):
        h2o.resume(str(tmp_path))
