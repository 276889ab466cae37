"""daskdl on the digits: its trainer alone, and the whole of `train()` that a user waits for."""

import subprocess
import sys
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

import daskdl as h2o
from daskdl.encoding.decoded import DecodedBlock, Design
from daskdl.estimators import H2ODeepLearningEstimator
from daskdl.kernels.activations import Activation
from daskdl.kernels.activations.rectifier import Rectifier
from daskdl.kernels.distributions.multinomial import Multinomial
from daskdl.kernels.optimizers.adadelta import Adadelta
from daskdl.network.layout import Layout
from daskdl.network.start import FirstWeights, initialise
from daskdl.training.plans import STALENESS
from daskdl.worker.kernel_plan import Plan
from daskdl.worker.trainer import Delta, Portion, RoundShare, train_share

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

SILENT_H2O = {
    "score_training_samples": 100,
    "score_duty_cycle": 0,
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
    block = DecodedBlock(pixels, np.arange(width), 1 / sigma, -pixels.mean(axis=0) / sigma, none, fill).settled()
    empty = np.zeros((rows, 0), np.int32)
    ones, zeros = np.ones(rows), np.zeros(rows)
    return Design(rows, width, (block,), empty, labels.astype(float), ones, zeros, 1.0, np.ones(rows, bool))


class Net(NamedTuple):
    """A network of the bench: H2O's words for it, and what the trainer's plan says beyond its layers."""

    hidden: tuple[int, ...] = HIDDEN
    activation: Activation = Rectifier()
    name: str = "Rectifier"  # H2O's
    plan: Mapping[str, Any] = MappingProxyType({})
    h2o: Mapping[str, Any] = MappingProxyType({})  # the same for H2O

    @property
    def parameters(self) -> dict[str, Any]:
        """Return H2O's parameters for it."""
        return {"hidden": list(self.hidden), "activation": self.name, **SILENT_H2O, **self.h2o}


PLAIN = Net()


def weights_of(rows: Design, net: Net = PLAIN, classes: int = CLASSES) -> int:
    """Return how many weights and biases a network on these rows has."""
    return layout_of(rows, net, classes).size


def layout_of(rows: Design, net: Net, classes: int) -> Layout:
    """Return the network's layout."""
    return Layout(levels=0, numbers=rows.width, hidden=net.hidden, outputs=classes, pieces=net.activation.pieces)


def trained(rows: Design, batch: int, threads: int, *, samples: int, net: Net = PLAIN, classes: int = CLASSES) -> Delta:
    """Train a share of decoded rows as a worker does; `batch` 1 is the online kernel."""
    layout = layout_of(rows, net, classes)
    options = {"optimizer": Adadelta(), "staleness": STALENESS, **net.plan}
    plan = Plan(layout, net.activation, Multinomial(), batch=batch, **options)
    state = initialise(layout, FirstWeights(), seed=1)
    share = RoundShare((Portion(0, 0, samples, rows, np.arange(rows.rows)),), begin=0, pace=1.0)
    return train_share(state, share, plan, threads)


def trainer_speed(
    rows: Design, batch: int, threads: int, samples: int, net: Net = PLAIN, classes: int = CLASSES
) -> float:
    """Return the samples per second of `trained`."""
    done = trained(rows, batch, threads, samples=samples, net=net, classes=classes)
    return done.samples / done.seconds


def first_sample() -> float:
    """Seconds from a new interpreter to the end of a first training of few rows, kernels compiled before."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", FIRST], check=True, capture_output=True)
    return time.perf_counter() - started


FIRST = """
import daskdl as h2o
from daskdl.estimators import H2ODeepLearningEstimator
h2o.init(verbose=False)
h2o.no_progress()
frame = h2o.H2OFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 2.0, 2.5, 4.0]})
H2ODeepLearningEstimator(hidden=[4], epochs=1, seed=1).train(x=["a"], y="b", training_frame=frame)
"""


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
