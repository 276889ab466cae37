"""Areas under curves of two classes, and what is read off the same curves."""

import numpy as np

from daskdl.metrics.curve import Curve, area_under_pr, area_under_roc
from daskdl.metrics.metric import Derived, Finished, Metric


def _largest_gap(curve: Curve) -> float:
    if not curve.positives:
        return float("nan")
    missed = curve.fps / curve.negatives if curve.negatives else np.zeros_like(curve.fps)
    return float((curve.tps / curve.positives - missed).max())


AUC = Metric(
    "auc",
    "area under the ROC curve; of more than two classes the mean that `auc_type` asked for (classification)",
    {
        "Binomial": Finished(lambda whole: float(area_under_roc(whole.curve.tps, whole.curve.fps))),
        "Multinomial": Finished(lambda whole: whole.area("auc")),
    },
    larger_is_better=True,
    place=8,
    stopping="AUC",
    history={"Binomial": 4, "Multinomial": 5},
    label="AUC",
    raw="AUC",
    judges_columns_of=("Binomial",),
)
PR_AUC = Metric(
    "pr_auc",
    "area under the precision-recall curve; of more than two classes as AUC (classification)",
    {
        "Binomial": Finished(lambda whole: float(area_under_pr(whole.curve.tps, whole.curve.fps))),
        "Multinomial": Finished(lambda whole: whole.area("aucpr")),
    },
    larger_is_better=True,
    place=9,
    stopping="AUCPR",
    history={"Binomial": 5, "Multinomial": 6},
    label="AUCPR",
    accessors=("aucpr", "pr_auc"),
)
GINI = Metric(
    "gini",
    "2 AUC - 1 (two classes)",
    {"Binomial": Derived(lambda metrics: 2.0 * metrics.scalars["auc"] - 1.0)},
    larger_is_better=True,
    bounded=False,
    place=10,
    stopping=None,
    sorting=None,
    history={},
    label="Gini",
    raw="Gini",
    summary=(),
)
KOLMOGOROV_SMIRNOV = Metric(
    "kolmogorov_smirnov",
    "largest lead of the true positive rate over the false positive rate, over all thresholds (two classes)",
    {"Binomial": Finished(lambda whole: _largest_gap(whole.curve))},
    larger_is_better=True,
    place=21,
    stopping=None,
    sorting=None,
    history={},
    label=None,
    raw=None,
    summary=(),
)
