"""How rich in positives the rows are that a model ranks highest."""

from typing import Any

from daskdl.metrics.gains import lift_of_top_group
from daskdl.metrics.metric import Finished, Metric


def _lift(whole: Any) -> float:
    if not whole.state.ranked:
        return float("nan")
    return lift_of_top_group(whole.curve, whole.state.ranked, whole.options.gainslift_bins)


LIFT = Metric(
    "lift_top_group",
    "lift of the first gains/lift group, the top 1% unless gainslift_bins says otherwise (two classes)",
    {"Binomial": Finished(_lift)},
    larger_is_better=True,
    place=11,
    column="lift",
    history={"Binomial": 6},
    label=None,
    raw=None,
)
