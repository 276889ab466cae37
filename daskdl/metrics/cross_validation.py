"""The summary table of cross-validation: each scalar's mean and spread over the folds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from daskdl.metrics.base import ModelMetrics
from daskdl.metrics.metric import SUPERVISED
from daskdl.metrics.registry import metrics_of
from daskdl.metrics.table import H2OTwoDimTable
from frames.exceptions import H2OValueError


def cross_validation_summary(folds: Sequence[ModelMetrics]) -> H2OTwoDimTable:
    """Build the table: one row per scalar, columns mean, sd (sample), then one column per fold's holdout metrics.

    Values that need a threshold are taken at each fold's own default one. A user's own metric adds a row `custom`.
    Raises H2OValueError for folds of different categories, none at all, or autoencoders.

    Example: `cross_validation_summary([fold1, fold2]).as_data_frame()`
    """
    categories = {fold.category for fold in folds}
    if len(categories) != 1 or not categories <= set(SUPERVISED):
        raise H2OValueError(
            f"A cross-validation summary needs folds of one category of {list(SUPERVISED)}; got {sorted(categories)}."
        )
    found = [fold.values() for fold in folds]
    rows_of = sorted(name for metric in metrics_of(folds[0].category) for name in metric.summary)
    names = [*rows_of, *(["custom"] if all("custom" in values for values in found) else [])]
    rows = []
    for name in names:
        values = np.array([values[name] for values in found])
        spread = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
        rows.append([name, float(values.mean()), spread, *map(float, values)])
    columns = ["", "mean", "sd", *(f"cv_{fold + 1}_valid" for fold in range(len(folds)))]
    types = ["string", *["double"] * (len(columns) - 1)]
    return H2OTwoDimTable("Cross-Validation Metrics Summary", None, columns, types, rows)
