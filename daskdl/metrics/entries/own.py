"""The user's own metric (custom_metric_func), which says itself what it is; two names for its two directions."""

from typing import Any

from daskdl.metrics.metric import SUPERVISED, Derived, Metric


def _own(metrics: Any) -> float | None:
    return metrics.custom_metric_value()


def _custom(name: str, place: int, larger_is_better: bool, better: str) -> Metric:
    return Metric(
        name,
        f"the user's own metric, better where it is {better}",
        dict.fromkeys(SUPERVISED, Derived(_own)),
        larger_is_better=larger_is_better,
        bounded=False,
        place=place,
        sorting=None,
        history={},
        label=None,
        raw=None,
        accessors=(),
        summary=(),
        key="custom",
    )


CUSTOM = _custom("custom", 13, False, "smaller")
CUSTOM_INCREASING = _custom("custom_increasing", 14, True, "larger")
