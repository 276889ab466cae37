"""The summary table of cross-validation: each scalar's mean and spread over the folds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from daskdl.metrics.base import ModelMetrics
from daskdl.table import H2OTwoDimTable
from frames.errors import H2OValueError

_CLASSES = [
    "accuracy",
    "auc",
    "err",
    "err_count",
    "logloss",
    "max_per_class_error",
    "mean_per_class_accuracy",
    "mean_per_class_error",
    "mse",
    "pr_auc",
    "r2",
    "rmse",
]
_TWO_CLASSES = ["f0point5", "f1", "f2", "lift_top_group", "mcc", "precision", "recall", "specificity"]
ROWS = {
    "Binomial": sorted(_CLASSES + _TWO_CLASSES),
    "Multinomial": _CLASSES,
    "Regression": ["mae", "mean_residual_deviance", "mse", "r2", "residual_deviance", "rmse", "rmsle"],
}


def cross_validation_summary(folds: Sequence[ModelMetrics]) -> H2OTwoDimTable:
    """Build the table: one row per scalar, columns mean, sd (sample), then one column per fold's holdout metrics.

    Values that need a threshold are taken at each fold's own default one. A user's own metric adds a row `custom`.
    Raises H2OValueError for folds of different categories, none at all, or autoencoders.

    Example: `cross_validation_summary([fold1, fold2]).as_data_frame()`
    """
    categories = {fold.category for fold in folds}
    if len(categories) != 1 or not categories <= set(ROWS):
        raise H2OValueError(
            f"A cross-validation summary needs folds of one category of {list(ROWS)}; got {sorted(categories)}."
        )
    found = [fold.values() for fold in folds]
    names = [*ROWS[folds[0].category], *(["custom"] if all("custom" in values for values in found) else [])]
    rows = []
    for name in names:
        values = np.array([values[name] for values in found])
        spread = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
        rows.append([name, float(values.mean()), spread, *map(float, values)])
    columns = ["", "mean", "sd", *(f"cv_{fold + 1}_valid" for fold in range(len(folds)))]
    types = ["string", *["double"] * (len(columns) - 1)]
    return H2OTwoDimTable("Cross-Validation Metrics Summary", None, columns, types, rows)
