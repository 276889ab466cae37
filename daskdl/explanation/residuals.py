"""What a model of numbers leaves over: actual less predicted values, over the predicted ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from daskdl.metrics.plot import Drawing, finished, label, new_figure
from daskdl.model import apply
from daskdl.model.model import Model
from frames.exceptions import H2OValueError
from frames.frame import H2OFrame

MOST = 10_000  # points of a drawing; of more rows a sample is drawn


def residual_analysis_plot(
    model: Model, frame: H2OFrame, figsize: Sequence[float] = (16, 9), save_plot_path: str | None = None
) -> Drawing:
    """Return the drawing of residuals over fitted values, with the line that fits them best.

    Raises H2OValueError unless the model predicts numbers and the frame has the response.
    """
    if model.category != "Regression":
        raise H2OValueError(f"Residuals need a model of numbers; {model.key} is a {model.category} model.")
    if model.response not in frame.names:
        raise H2OValueError(f"The frame must have the response '{model.response}' for an analysis of residuals.")
    if frame.nrow > MOST:
        rows = np.sort(np.random.default_rng(0).choice(frame.nrow, MOST, replace=False))
        frame = frame[rows.tolist(), :]
    predicted, actual = _numbers(apply.predict(model, frame)), _numbers(frame[:, [model.response]])
    has = ~np.isnan(actual)
    fitted, left = predicted[has], actual[has] - predicted[has]
    figure = new_figure(figsize)
    axes = figure.subplots()
    axes.axhline(0, color="black")
    axes.scatter(fitted, left, s=12)
    axes.grid(visible=True)
    (x0, x1), (y0, y1) = axes.get_xlim(), axes.get_ylim()
    axes.plot(np.full(len(left), x0), left, "_", color="black", alpha=0.2, markersize=20)
    axes.plot(fitted, np.full(len(left), y0), "|", color="black", alpha=0.2, markersize=20)
    if len(left) > 1:
        ones = np.stack([fitted, np.ones(len(fitted))], axis=1)
        slope, level = np.linalg.lstsq(ones, left, rcond=None)[0]
        axes.plot([x0, x1], [x0 * slope + level, x1 * slope + level], color="blue")
    axes.set(
        xlim=(x0, x1),
        ylim=(y0, y1),
        xlabel="Fitted",
        ylabel="Residuals",
        title=f"Residual Analysis for {label(model.key)}",
    )
    return finished(figure, True, save_plot_path)


def _numbers(frame: H2OFrame) -> np.ndarray:
    table: Any = frame.as_data_frame()
    return table.iloc[:, 0].to_numpy(dtype=float, na_value=np.nan)
