"""Tables that both sides learn: one fixed split each, one recipe, five seeds, the same calls on either module.

`measure` is handed the module that plays H2O: the real one in its own virtual environment, or daskdl. So the same
lines run on both sides, and what differs is the trainer.
"""

import csv
import math
import os
import random
import statistics
import time
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import data
import mnist

SEEDS = (1, 2, 3, 4, 5)
TEST_SHARE = 0.25


class Case(NamedTuple):
    """A table, what to predict, what to leave out, and which metric counts.

    `path` lies below `$DASKDL_DATA/smalldata`; without one the table is one that `bench/data.py` fetches.
    """

    name: str
    path: str
    response: str
    classes: bool
    left_out: tuple[str, ...] = ()
    epochs: float = 10
    metric: str = "logloss"
    larger_is_better: bool = False


CASES = (
    Case("prostate", "prostate/prostate.csv", "CAPSULE", True, ("ID",), 20, "auc", True),
    Case("iris", "iris/iris_wheader.csv", "class", True, (), 50),
    Case("weather", "weather.csv", "RainTomorrow", True, ("Date", "RISK_MM"), 20, "auc", True),
    Case("cars", "cars.csv", "economy (mpg)", False, ("name",), 50, "rmse"),
    Case("insurance", "insurance.csv", "Claims", False, (), 100, "rmse"),
    Case("california", "", "MedHouseVal", False, (), 10, "rmse"),
    Case("adult", "", "income", True, (), 3, "auc", True),
    Case("covertype", "", "Cover_Type", True, (), 5),
    Case("airlines", "", "departure", True, (), 5, "auc", True),
)


def path_of(case: Case) -> Path:
    """Say where the table of a case lies, or would."""
    if not case.path:
        return data.path_of(case.name)
    return Path(os.environ.get("DASKDL_DATA", ""), "smalldata", case.path)


def lacking(case: Case) -> str | None:
    """Say why a case cannot be measured here; None when its table is there."""
    if path_of(case).is_file():
        return None
    remedy = "let DASKDL_DATA name a folder with smalldata/" if case.path else f"run bench/data.py {case.name}"
    return f"{case.name} is left out: its table is not here; {remedy}"


def split(case: Case, into: Path) -> tuple[Path, Path]:
    """Write the two halves of `case` as CSV files: three rows of four to train on, the same rows on every machine."""
    with open(path_of(case), newline="", encoding="utf-8") as stream:
        header, *rows = [row for row in csv.reader(stream) if row]
    known = [row for row in rows if row[header.index(case.response)] not in ("", "NA")]
    random.Random(20).shuffle(known)
    cut = round(len(known) * (1 - TEST_SHARE))
    paths = into / f"{case.name}_train.csv", into / f"{case.name}_test.csv"
    for path, part in zip(paths, (known[:cut], known[cut:]), strict=True):
        with open(path, "w", newline="", encoding="utf-8") as stream:
            csv.writer(stream, lineterminator="\n").writerows([header, *part])
    return paths


def measure(h2o: ModuleType, estimator: Any, case: Case, into: Path) -> dict[str, object]:
    """Train `case` once per seed through `h2o`'s own calls; the test metric of each, their mean and deviation."""
    train, test = (h2o.import_file(str(path)) for path in split(case, into))
    if case.classes:
        train[case.response], test[case.response] = train[case.response].asfactor(), test[case.response].asfactor()
    predictors = [name for name in train.names if name not in (case.response, *case.left_out)]
    values = []
    for seed in SEEDS:
        model = estimator(epochs=case.epochs, seed=seed)
        model.train(x=predictors, y=case.response, training_frame=train)
        values.append(float(getattr(model.model_performance(test), case.metric)()))
    if not all(map(math.isfinite, values)):
        raise ArithmeticError(f"{case.metric} on {case.name} must be finite; got {values}")
    return {
        "case": case.name,
        "metric": case.metric,
        "larger_is_better": case.larger_is_better,
        "values": values,
        "mean": statistics.mean(values),
        "sd": statistics.stdev(values),
    }


def measure_digits(h2o: ModuleType, estimator: Any, epochs: float) -> dict[str, object]:
    """Train the default network on the digits once per seed: test errors, seconds to import, the first run's speed."""
    paths = mnist.as_csv(mnist.load())
    started = time.perf_counter()
    train = h2o.import_file(str(paths[0]))
    imported = time.perf_counter() - started
    test = h2o.import_file(str(paths[1]))
    train[mnist.RESPONSE], test[mnist.RESPONSE] = train[mnist.RESPONSE].asfactor(), test[mnist.RESPONSE].asfactor()
    values, speeds = [], []
    for seed in SEEDS:
        model = estimator(epochs=epochs, seed=seed)
        started = time.perf_counter()
        model.train(x=train.names[: mnist.PIXELS], y=mnist.RESPONSE, training_frame=train, validation_frame=test)
        seconds = time.perf_counter() - started
        history = model.scoring_history().to_dict("list")
        speeds.append(max(history["samples"]) / seconds)
        values.append(1 - float(model.model_performance(test).hit_ratio_table().cell_values[0][1]))
    return {
        "case": "digits",
        "metric": "error",
        "larger_is_better": False,
        "epochs": epochs,
        "values": values,
        "mean": statistics.mean(values),
        "sd": statistics.stdev(values),
        "import_seconds": round(imported, 2),
        "import_mb_per_second": round(paths[0].stat().st_size / 1e6 / imported, 1),
        "samples_per_second_with_scoring": [round(speed, 1) for speed in speeds],
        "training_speed_by_its_own_table": history["training_speed"][-1],
    }
