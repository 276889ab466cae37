"""daskdl on the digits: its trainer alone, and the whole of `train()` that a user waits for."""

import time

import numpy as np

import daskdl as h2o
from daskdl.encoding.decoded import DecodedBlock, Design
from daskdl.estimators import H2ODeepLearningEstimator
from daskdl.kernels.activations.rectifier import Rectifier
from daskdl.kernels.distributions.multinomial import Multinomial
from daskdl.kernels.optimizers.adadelta import Adadelta
from daskdl.network.layout import Layout
from daskdl.network.start import FirstWeights, initialise
from daskdl.training.plans import STALENESS
from daskdl.worker.kernel_plan import Plan
from daskdl.worker.trainer import Portion, RoundShare, train_share

HIDDEN = (200, 200)
CLASSES = 10

# Scoring off, as far as it goes: rivals do not score either.
SILENT = {
    "score_training_samples": 100,
    "score_duty_cycle": 0,
    "score_interval": 1e9,
    "stopping_rounds": 0,
    "classification_stop": -1,
    "overwrite_with_best_model": False,
    "variable_importances": False,
}


def design(pixels: np.ndarray, labels: np.ndarray) -> Design:
    """The rows as a worker holds them: bytes, with the arithmetic that standardises them while they are read."""
    rows, width = pixels.shape
    sigma = pixels.std(axis=0, ddof=1)
    none, fill = np.full(width, np.nan), np.zeros(width)
    block = DecodedBlock(pixels, np.arange(width), 1 / sigma, -pixels.mean(axis=0) / sigma, none, fill)
    empty = np.zeros((rows, 0), np.int32)
    ones, zeros = np.ones(rows), np.zeros(rows)
    return Design(rows, width, (block,), empty, labels.astype(float), ones, zeros, 1.0, np.ones(rows, bool))


def trainer_speed(rows: Design, batch: int, threads: int, samples: int) -> float:
    """Samples per second of `train_share` on decoded rows; `batch` 1 is the online kernel."""
    layout = Layout(levels=0, numbers=rows.width, hidden=HIDDEN, outputs=CLASSES)
    plan = Plan(layout, Rectifier(), Multinomial(), Adadelta(), batch=batch, staleness=STALENESS)
    state = initialise(layout, FirstWeights(), seed=1)
    share = RoundShare((Portion(0, 0, samples, rows, np.arange(rows.rows)),), begin=0, pace=1.0)
    trained = train_share(state, share, plan, threads)
    return trained.samples / trained.seconds


def frame(pixels: np.ndarray, labels: np.ndarray):
    """The rows as a frame of the embedded worker; the response is its last column."""
    table = h2o.H2OFrame(pixels)
    return table.cbind(h2o.H2OFrame(labels.reshape(-1, 1), column_names=["digit"]).asfactor())


def door_speed(table, batch: int, epochs: float) -> float:
    """Samples per second of a whole `train()`: encoding, rounds, averaging, the last scoring on 100 rows."""
    model = H2ODeepLearningEstimator(hidden=list(HIDDEN), epochs=epochs, mini_batch_size=batch, seed=1, **SILENT)
    started = time.perf_counter()
    model.train(x=table.names[:-1], y="digit", training_frame=table)
    elapsed = time.perf_counter() - started
    return max(model.scoring_history()["samples"]) / elapsed
