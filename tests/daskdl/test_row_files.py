"""Training from rows on the workers' disks: the bits of training from memory, and nothing left behind."""

import errno
import time
import weakref
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_trainer import PLAN, design, start

from daskdl.encoding.decoded import DecodedBlock, Design, empty_window
from daskdl.estimators import H2ODeepLearningEstimator
from daskdl.training import fit_one
from daskdl.worker import row_files, tasks, trainer
from daskdl.worker.row_files import RowFiles, RowsGoneError
from daskdl.worker.trainer import MIXED, RoundShare, StoredPortion, train_share
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
        files.write("job", 7, number, 3, design=rows, index=order, folder=str(tmp_path))

    the_same(files.read("job", str(tmp_path), 7, 160, 190), rows.taken(orders[0][10:40]))
    the_same(
        files.read("job", str(tmp_path), 7, 190, 215), rows.taken(np.concatenate([orders[0][40:], orders[1][:15]]))
    )
    files.forget("job")


def wide(rows: int) -> Design:
    """Rows with numbers of every stored kind: missing, infinite, negative zeros, integers that doubles would round."""
    rng = np.random.default_rng(8)
    doubles = rng.normal(size=(rows, 3)) * [1.0, 1e30, 1e-30]
    doubles[::7, 0], doubles[1::7, 1], doubles[2::7, 2], doubles[3::7, 0] = np.nan, np.inf, -0.0, -np.inf
    long = rng.integers(-(2**62), 2**62, (rows, 2))
    long[::5, 0] = -(2**63)
    few = rng.integers(0, 9, (rows, 1)).astype(np.uint8)
    none, lost = np.full(3, np.nan), np.array([-(2.0**63), np.nan])
    blocks = (
        DecodedBlock(doubles, np.array([4, 0, 2]), np.array([0.3, 1e-29, 1.0]), np.array([0.1, 0.0, -0.0]), none, none),
        DecodedBlock(long, np.array([1, 5]), np.array([1e-18, 0.0]), np.array([-1.0, 2.0]), lost, np.array([0.7, 0.0])),
        DecodedBlock(few, np.array([3]), np.full(1, 0.5), np.full(1, -2.0), np.full(1, 4.0), np.full(1, 1.25)),
    )
    return design(rows, seed=1)._replace(width=6, blocks=blocks)


def gathered(of: Design, index: np.ndarray) -> list[bytes]:
    window = empty_window(len(index), of)
    of.window(index, np.arange(len(index)), window)
    return [array.tobytes() for array in window]


def test_rows_from_a_file_become_the_inputs_of_rows_in_memory_bit_by_bit(tmp_path, monkeypatch):
    monkeypatch.setattr(row_files, "_STRIPE", 400)  # 16 rows
    rows, order = wide(100), np.random.default_rng(2).permutation(100)
    files = RowFiles()
    files.write("job", 0, 0, 0, design=rows, index=order, folder=str(tmp_path))

    for low, high in ((0, 100), (11, 12), (30, 77)):
        read = files.read("job", str(tmp_path), 0, low, high)
        assert gathered(read, np.arange(high - low)) == gathered(rows, order[low:high])
        assert [block.data.dtype for block in read.blocks] == [np.float32, np.float32, np.uint8]
    files.forget("job")


def test_numbers_of_eight_bytes_take_four_in_a_file(tmp_path):
    rows = wide(1000)
    files = RowFiles()
    files.write("job", 0, 0, 0, design=rows, index=np.arange(1000), folder=str(tmp_path))

    (file,) = tmp_path.rglob("*.rows")
    assert file.stat().st_size == 1000 * (5 * 4 + 1 + 4 + 8)  # wide and narrow numbers, levels, target
    files.forget("job")


def test_rows_that_were_read_go_before_more_are_read():
    alive, most = [], []

    def read(start, stop):
        rows = design(stop - start, seed=1)
        alive.append(weakref.ref(rows.blocks[0].data))
        most.append(sum(one() is not None for one in alive))
        return rows

    portions = tuple(StoredPortion(partition, 0, 50, read) for partition in range(3 * MIXED))
    train_share(start(), RoundShare(portions, begin=0, pace=1.0), PLAN, threads=1)

    assert len(most) == 3 * MIXED
    assert max(most) == MIXED


def test_a_file_that_was_cut_short_is_an_error_that_says_what_is_missing(tmp_path):
    files, rows = RowFiles(), design(50, seed=1)
    files.write("job", 0, 0, 0, design=rows, index=np.arange(50), folder=str(tmp_path))
    (file,) = tmp_path.rglob("*.rows")
    file.write_bytes(file.read_bytes()[:-8])

    with pytest.raises(H2OJobError, match=r"must stay as it was written; .* lacks \d+ bytes"):
        files.read("job", str(tmp_path), 0, 0, 50)
    file.unlink()
    with pytest.raises(RowsGoneError, match=r"must stay as it was written; .* is not there any more"):
        files.read("job", str(tmp_path), 0, 0, 50)
    files.forget("job")


@pytest.mark.parametrize("forms", [1, 2], ids=["stored alike", "stored differently"])
def test_rows_from_disks_train_to_the_same_bits_brought_together_or_not(monkeypatch, forms):
    def read(start, stop, scale):
        rows = design(200, seed=1)
        blocks = [block._replace(factor=block.factor * scale) for block in rows.blocks]
        return rows._replace(blocks=tuple(blocks)).taken(np.arange(start, stop))

    def weights():
        portions = [StoredPortion(p, 0, 90 + p, partial(read, scale=1 + p % forms)) for p in range(2 * MIXED + 1)]
        return train_share(start(), RoundShare(tuple(portions), begin=0, pace=1.0), PLAN, threads=1).state.weights

    together = weights()
    monkeypatch.setattr(trainer, "THIN", 0)
    np.testing.assert_array_equal(weights(), together)


def test_passes_that_are_over_and_jobs_that_are_over_leave_no_files(tmp_path):
    files, rows = RowFiles(), design(20, seed=1)
    for number in range(4):
        for partition in range(2):
            files.write("job", partition, number, number - 1, design=rows, index=np.arange(20), folder=str(tmp_path))
    files.write("other", 0, 0, 0, design=rows, index=np.arange(20), folder=str(tmp_path))

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
        RowFiles().write("job", 0, 0, 0, design=design(20, seed=1), index=np.arange(20), folder=str(tmp_path))
    assert not list(tmp_path.rglob("*.rows"))


def trained(frame: H2OFrame, **options) -> tuple[np.ndarray, list]:
    """Weights, and the training metrics of all scorings."""
    model = H2ODeepLearningEstimator(hidden=[8], seed=3, export_weights_and_biases=True, **options)
    model.train(y="y", training_frame=frame)
    scored = model.scoring_history().filter(like="training_").drop(columns="training_speed").dropna()
    return np.concatenate(
        [model.weights(layer).as_data_frame().to_numpy().ravel() for layer in (0, 1)]
    ), scored.to_numpy().tolist()


@pytest.mark.parametrize(
    "options",
    [
        {"epochs": 2.6, "train_samples_per_iteration": 370},
        {"epochs": 2, "train_samples_per_iteration": 900, "balance_classes": True},
        {"epochs": 1, "reproducible": True},
        {"epochs": 6, "train_samples_per_iteration": 4800},  # a round of four passes
        {
            "epochs": 1.5,
            "train_samples_per_iteration": 600,
            "score_training_samples": 300,
            "score_each_iteration": True,
        },
    ],
)
def test_training_from_disk_has_the_bits_and_the_metrics_of_training_from_memory(monkeypatch, options):
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

    np.testing.assert_array_equal(from_disk[0], in_memory[0])
    assert from_disk[1] == in_memory[1] != []
    assert {partition for _, partition, _ in read} == set(range(5))
    folder = next(iter(session.client().scheduler_info()["workers"].values()))["local_directory"]
    until = time.monotonic() + 10  # workers are told, not waited for
    while list(Path(folder).rglob("*.rows")) and time.monotonic() < until:
        time.sleep(0.02)
    assert not tasks._row_files._files
    assert not list(Path(folder).rglob("*.rows"))
