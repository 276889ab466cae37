"""Other trainers of the same network (200-200 rectifiers, softmax of ten) on the same rows: samples per second of each.

Each function trains over the rows once and returns samples per second, or None where its package is not installed.
"""

import importlib.util
import itertools
import sys
import time
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

HIDDEN = (200, 200)
CLASSES = 10
BATCH = 64


def oracle(x: np.ndarray, y: np.ndarray) -> float:
    """The plain NumPy network that the tests compare with: one row at a time, float64, ADADELTA; the first 200 rows."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
    from oracle import Net, Options, train

    random = np.random.default_rng(1)
    widths = (x.shape[1], *HIDDEN, CLASSES)
    weights = [random.normal(0, 1 / np.sqrt(i), (o, i)) for i, o in itertools.pairwise(widths)]
    net = Net(weights=weights, biases=[np.zeros(len(w)) for w in weights])
    options = Options(activation="rectifier", loss="crossentropy", adaptive_rate=True)
    rows = min(200, len(x))
    with threadpool_limits(1):
        return _speed(rows, lambda: train(net, x[:rows], y[:rows].astype(int), range(rows), options))


def scikit_learn(x: np.ndarray, y: np.ndarray, threads: int) -> float | None:
    """MLPClassifier with Adam and batches of 64; `threads` for its matrix products."""
    if importlib.util.find_spec("sklearn") is None:
        return None
    from sklearn.neural_network import MLPClassifier

    network = MLPClassifier(HIDDEN, batch_size=BATCH, solver="adam", random_state=1)
    with threadpool_limits(threads):
        network.partial_fit(x[:BATCH], y[:BATCH], classes=np.arange(CLASSES))
        return _speed(len(x), lambda: network.partial_fit(x, y))


def pytorch(x: np.ndarray, y: np.ndarray, threads: int) -> float | None:
    """The usual loop over batches of 64 with Adam and cross-entropy."""
    if importlib.util.find_spec("torch") is None:
        return None
    import torch

    torch.manual_seed(1)
    torch.set_num_threads(threads)
    widths = (x.shape[1], *HIDDEN)
    layers = [module for i, o in itertools.pairwise(widths) for module in (torch.nn.Linear(i, o), torch.nn.ReLU())]
    network = torch.nn.Sequential(*layers, torch.nn.Linear(HIDDEN[-1], CLASSES))
    optimizer, loss = torch.optim.Adam(network.parameters()), torch.nn.CrossEntropyLoss()
    rows, labels = torch.from_numpy(x), torch.from_numpy(y.astype(np.int64))

    def epoch(until: int) -> None:
        for start in range(0, until, BATCH):
            optimizer.zero_grad()
            loss(network(rows[start : start + BATCH]), labels[start : start + BATCH]).backward()
            optimizer.step()

    epoch(10 * BATCH)
    return _speed(len(x), lambda: epoch(len(x)))


def _speed(rows: int, work) -> float:
    started = time.perf_counter()
    work()
    return rows / (time.perf_counter() - started)
