"""Squared, absolute and logarithmic errors."""

import math
from typing import Any

import numpy as np

from daskdl.metrics.metric import ALL, CLASSES, Finished, Mean, Metric


def _squared(seen: Any, _: Any) -> np.ndarray:
    return (seen.actual - seen.predicted) ** 2


def _squared_of_classes(seen: Any, _: Any) -> np.ndarray:
    return (1.0 - seen.held) ** 2


def _squared_log(seen: Any, _: Any) -> np.ndarray:
    return (np.log1p(seen.predicted) - np.log1p(seen.actual)) ** 2


MSE = Metric(
    "mse",
    "mean squared error",
    {
        **dict.fromkeys(CLASSES, Mean(_squared_of_classes)),
        "Regression": Mean(_squared),
        "AutoEncoder": Mean(lambda seen, _: seen.actual),
    },
    place=1,
    stopping="MSE",
    history={"AutoEncoder": 2},
    label="MSE",
    raw="MSE",
    default_of=("AutoEncoder",),
    judges_columns_of=("AutoEncoder",),
)
RMSE = Metric(
    "rmse",
    "root of the mean squared error",
    dict.fromkeys(ALL, Finished(lambda whole: math.sqrt(whole.scalars["mse"]))),
    place=2,
    stopping="RMSE",
    history=dict.fromkeys(ALL, 1),
    label="RMSE",
    raw="RMSE",
    judges_columns_of=("Regression",),
)
MAE = Metric(
    "mae",
    "mean absolute error (regression)",
    {"Regression": Mean(lambda seen, _: np.abs(seen.actual - seen.predicted))},
    place=3,
    stopping="MAE",
    history={"Regression": 3},
    label="MAE",
)
RMSLE = Metric(
    "rmsle",
    "root mean squared error of ln(1 + value), NaN if any actual or prediction is below -1 (regression)",
    {"Regression": Mean(_squared_log, math.sqrt)},
    place=4,
    stopping="RMSLE",
    history={},
    label="RMSLE",
)
