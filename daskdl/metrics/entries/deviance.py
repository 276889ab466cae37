"""The deviance of the model's distribution."""

from daskdl.metrics.metric import Finished, Metric

DEVIANCE = Metric(
    "mean_residual_deviance",
    "mean deviance of the model's distribution (regression)",
    {"Regression": Finished(lambda whole: whole.mean_deviance())},
    place=5,
    stopping="deviance",
    sorting="residual_deviance",
    column="deviance",
    history={"Regression": 2},
    label="Mean Residual Deviance",
    accessors=("mean_residual_deviance", "residual_deviance"),
    summary=("mean_residual_deviance", "residual_deviance"),
    default_of=("Regression",),
)
