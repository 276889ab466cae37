"""Training from rows on the workers' disks: the bits of training from memory, and nothing left behind."""

import errno
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_trainer import design

from daskdl.encoding.decoded import Design
from daskdl.estimators import H2ODeepLearningEstimator
from daskdl.training import fit_one
from daskdl.worker import row_files, tasks
from daskdl.worker.row_files import RowFiles
from frames.cluster import session
from frames.exceptions import H2OJobError
from frames.frame import H2OFrame


def the_same(one: Design, other: Design) -> None:
    for left, right in zip(one.arrays, other.arrays, strict=True):
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left, right)


def test_a_slice_comes_back_in_training_order_also_over_the_end_of_a_pass(tmp_path):
    rows = design(50, seed=1)
    orders = [np.random.default_rng(seed).permutation(50) for seed in (1, 2)]
    files = RowFiles()
    for number, order in enumerate(orders, start=3):
        files.write("job", 7, number, design=rows, index=order, folder=str(tmp_path))

    the_same(files.read("job", 7, 160, 190), rows.taken(orders[0][10:40]))
    the_same(files.read("job", 7, 190, 215), rows.taken(np.concatenate([orders[0][40:], orders[1][:15]])))
    files.forget("job")


def test_passes_that_are_over_and_jobs_that_are_over_leave_no_files(tmp_path):
    files, rows = RowFiles(), design(20, seed=1)
    for number in range(4):
        for partition in range(2):
            files.write("job", partition, number, design=rows, index=np.arange(20), folder=str(tmp_path))
    files.write("other", 0, 0, design=rows, index=np.arange(20), folder=str(tmp_path))

    assert len(list(tmp_path.rglob("*.rows"))) == 2 * 2 + 1
    files.forget("job")
    assert len(list(tmp_path.rglob("*.rows"))) == 1
    files.forget("other")


def test_a_full_disk_is_an_error_that_says_what_to_do(tmp_path, monkeypatch):
    def full(path, *_):
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(row_files, "RowFile", full)
    with pytest.raises(H2OJobError, match=r"could not take 20 more \(No space left on device\).*local-directory"):
        RowFiles().write("job", 0, 0, design=design(20, seed=1), index=np.arange(20), folder=str(tmp_path))
    assert not list(tmp_path.rglob("*.rows"))


def trained(frame: H2OFrame, **options) -> np.ndarray:
    model = H2ODeepLearningEstimator(hidden=[8], seed=3, export_weights_and_biases=True, **options)
    model.train(y="y", training_frame=frame)
    return np.concatenate([model.weights(layer).as_data_frame().to_numpy().ravel() for layer in (0, 1)])


@pytest.mark.parametrize(
    "options",
    [
        {"epochs": 2.6, "train_samples_per_iteration": 370},
        {"epochs": 2, "train_samples_per_iteration": 900, "balance_classes": True},
        {"epochs": 1, "reproducible": True},
    ],
)
def test_training_from_disk_has_the_bits_of_training_from_memory(monkeypatch, options):
    import dask.dataframe as dd

    rng = np.random.default_rng(11)
    table = pd.DataFrame(rng.normal(size=(1200, 3)), columns=list("abc"))
    table["k"] = pd.Categorical(rng.choice(list("uvw"), 1200))
    table["y"] = pd.Categorical(np.where(table["a"] + rng.normal(size=1200) > 1.0, "yes", "no"))
    frame = H2OFrame(dd.from_pandas(table, npartitions=5))
    in_memory = trained(frame, **options)
    read, laid = [], tasks._row_files.write
    monkeypatch.setattr(fit_one, "bytes_of_rows", lambda *_: np.inf)
    monkeypatch.setattr(tasks._row_files, "write", lambda *a, **k: read.append(a[:3]) or laid(*a, **k))

    from_disk = trained(frame, **options)

    np.testing.assert_array_equal(from_disk, in_memory)
    assert {partition for _, partition, _ in read} == set(range(5))
    folder = next(iter(session.client().scheduler_info()["workers"].values()))["local_directory"]
    until = time.monotonic() + 10  # workers are told, not waited for
    while list(Path(folder).rglob("*.rows")) and time.monotonic() < until:
        time.sleep(0.02)
    assert not tasks._row_files._files
    assert not list(Path(folder).rglob("*.rows"))
