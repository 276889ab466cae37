"""The coefficient of determination."""

from typing import Any

from daskdl.metrics.metric import SUPERVISED, Finished, Metric


def _r2(whole: Any) -> float:
    variance = whole.variance()
    return 1.0 - whole.scalars["mse"] / variance if variance > 0.0 else float("nan")


R2 = Metric(
    "r2",
    "1 - MSE / variance of the response, of the class code with classes",
    dict.fromkeys(SUPERVISED, Finished(_r2)),
    larger_is_better=True,
    bounded=False,
    place=20,
    stopping=None,
    history={"Regression": 4, "Binomial": 3, "Multinomial": 3},
    label=None,
)
