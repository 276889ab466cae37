"""The rows of the speed table: what is measured, beside whom, and the ratio that it must reach."""

import csv
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import mnist
import numpy as np
import ours
import rivals
from h2o_peer import H2OPeer

import daskdl
import daskdl as h2o
from daskdl.encoding.decoded import Design
from daskdl.estimators import H2ODeepLearningEstimator
from daskdl.kernels.activations.maxout import Maxout
from daskdl.kernels.activations.tanh import Tanh

Measure = Callable[[], float | None]
BATCH = rivals.BATCH
COLUMNS, NARROW_ROWS = 20, 50_000
OURS = "daskdl"


class Row(NamedTuple):
    """One row: figures by side (None: not there), whether more is better, and the least ratio to `beside`.

    A row beside nobody must stay below `bound`, in its own unit.
    """

    name: str
    sides: dict[str, Measure]
    beside: str | None
    bound: float
    unit: str = "samples/s"
    larger: bool = True

    def ratio(self, medians: dict[str, float]) -> float | None:
        """Return how many times better our figure is than the other side's, or the bound than ours; None without."""
        if OURS not in medians:
            return None
        if self.beside is None:
            return self.bound / medians[OURS]
        if self.beside not in medians:
            return None
        ratio = medians[OURS] / medians[self.beside]
        return ratio if self.larger else 1.0 / ratio

    @property
    def least(self) -> float:
        """The ratio that must be reached."""
        return 1.0 if self.beside is None else self.bound


NETS = (
    ("digits, one row at a time, Rectifier", ours.PLAIN, 15.0),
    ("digits, Tanh", ours.Net(activation=Tanh(), name="Tanh"), 10.0),
    ("digits, Maxout", ours.Net(activation=Maxout(), name="Maxout"), 10.0),
    (
        "digits, dropout",
        ours.Net(name="RectifierWithDropout", plan={"hidden_dropout": (0.5, 0.5)}),
        10.0,
    ),
)
RECORD = ours.Net(
    hidden=(1024, 1024, 2048),
    name="RectifierWithDropout",
    plan={"hidden_dropout": (0.5, 0.5, 0.5), "input_dropout": 0.2, "l1": 1e-5, "max_w2": 10.0},
    h2o={"input_dropout_ratio": 0.2, "l1": 1e-5, "max_w2": 10.0},
)


class Data(NamedTuple):
    """What all sides see: pixels (without constant columns) and labels, a table of twenty columns, files of both."""

    pixels: np.ndarray
    labels: np.ndarray
    rows: Design
    narrow: Design
    digits_file: Path
    narrow_file: Path

    @classmethod
    def load(cls, count: int) -> "Data":
        """Load the digits, or make some up where DASKDL_DATA is not set; write the files once."""
        found = mnist.load()
        pixels, labels = found.train_x[:count], found.train_y[:count]
        pixels = np.ascontiguousarray(pixels[:, pixels.max(axis=0) > pixels.min(axis=0)])
        random = np.random.default_rng(1)
        narrow = random.integers(0, 256, (NARROW_ROWS, COLUMNS)).astype(np.uint8)
        classes = (narrow[:, :10].sum(axis=1) > narrow[:, 10:].sum(axis=1)).astype(np.uint8)
        path = mnist.cache() / "narrow.csv"
        if not path.exists():
            with open(path, "w", newline="", encoding="ascii") as stream:
                writer = csv.writer(stream)
                writer.writerow([*(f"c{k}" for k in range(COLUMNS)), "class"])
                writer.writerows(np.column_stack([narrow, classes]).tolist())
        whole, small = ours.design(pixels, labels), ours.design(narrow, classes)
        return cls(pixels, labels, rows=whole, narrow=small, digits_file=mnist.as_csv(found)[0], narrow_file=path)


def rows_of(data: Data, peer: H2OPeer, threads: int, scale: float) -> list[Row]:
    """Return the rows; `scale` shortens or lengthens what is trained.

    H2O's turns are long: its speed is that of the whole training, and a Java machine needs seconds to warm up.
    """
    many, few, tiny = (max(200, int(n * scale)) for n in (40_000, 20_000, 1_500))
    made = [_online(data, peer, threads, name, net, least, many, few) for name, net, least in NETS]
    made.append(
        Row(
            f"{COLUMNS} columns, one row at a time, Rectifier",
            {
                OURS: partial(ours.trainer_speed, data.narrow, 1, threads, 2 * many, ours.PLAIN, 2),
                "H2O": _h2o(peer, data.narrow_file, "class", ours.PLAIN, 4 * few),
            },
            beside="H2O",
            bound=10.0,
        )
    )
    made.append(
        Row(
            f"1024-1024-2048, dropout, max_w2, batches of {BATCH}",
            {
                OURS: partial(ours.trainer_speed, data.rows, BATCH, threads, many // 10, RECORD),
                "H2O": _h2o(peer, data.digits_file, mnist.RESPONSE, RECORD, tiny),
            },
            beside="H2O",
            bound=30.0,
        )
    )
    return made + _batches(data, threads, many) + _rest(data, peer)


def _online(
    data: Data, peer: H2OPeer, threads: int, name: str, net: ours.Net, least: float, many: int, few: int
) -> Row:
    sides: dict[str, Measure] = {
        OURS: partial(ours.trainer_speed, data.rows, 1, threads, many, net),
        "daskdl, one thread": partial(ours.trainer_speed, data.rows, 1, 1, many, net),
        "H2O": _h2o(peer, data.digits_file, mnist.RESPONSE, net, few),
    }
    return Row(name, sides, beside="H2O", bound=least)


def _h2o(peer: H2OPeer, path: Path, response: str, net: ours.Net, samples: int) -> Measure:
    request = {"path": str(path), "response": response, "parameters": net.parameters, "samples": samples}
    return partial(peer.ask, work="train", **request)


def _batches(data: Data, threads: int, many: int) -> list[Row]:
    dense = mnist.standardised(data.pixels)
    sides: dict[str, Measure] = {
        OURS: partial(ours.trainer_speed, data.rows, BATCH, threads, 4 * many),
        "PyTorch": partial(rivals.pytorch, dense, data.labels, threads),
        "scikit-learn": partial(rivals.scikit_learn, dense, data.labels, threads),
    }
    return [Row(f"digits, batches of {BATCH}, Rectifier", sides, beside="PyTorch", bound=2.0)]


def _rest(data: Data, peer: H2OPeer) -> list[Row]:
    size = data.digits_file.stat().st_size / 1e6
    imported: dict[str, Measure] = {
        OURS: lambda: size / _seconds(lambda: h2o.import_file(str(data.digits_file))),
        "H2O": partial(peer.ask, work="import", path=str(data.digits_file)),
    }
    iris = h2o.import_file(str(Path(daskdl.__file__).parent / "data" / "iris.csv"))
    whole = {OURS: partial(_seconds, partial(_train_iris, iris))}
    first = {OURS: ours.first_sample}
    return [
        Row(f"import of a CSV file of {size:.0f} MB", imported, beside="H2O", bound=10.0, unit="MB/s"),
        Row("train() of iris, 10 epochs, warm", whole, beside=None, bound=0.1, unit="s", larger=False),
        Row("a new interpreter to its first model", first, beside=None, bound=3.0, unit="s", larger=False),
    ]


def _train_iris(iris) -> None:
    model = H2ODeepLearningEstimator(epochs=10, seed=1)
    model.train(x=iris.names[:-1], y=iris.names[-1], training_frame=iris)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
