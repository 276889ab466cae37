"""Several models side by side: importances of columns, likeness of predictions, metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from daskdl.explanation.drawings import name_ticks
from daskdl.metrics.plot import Drawing, colour_scale, finished, new_figure
from daskdl.metrics.table import H2OTwoDimTable
from daskdl.model import apply
from daskdl.model.model import Model
from frames.exceptions import H2OValueError
from frames.frame import H2OFrame


def varimp(models: Sequence[Model], num_of_features: int | None = 20, cluster: bool = True) -> pd.DataFrame:
    """Return the importances (columns, models), of the columns that matter most to any model.

    With `cluster` like ones stand beside one another. Raises H2OValueError where no model has importances.
    """
    known = [(model, found) for model in models if (found := model.column_importances()) is not None]
    if not known:
        raise H2OValueError("No model has variable importances: train with variable_importances=True.")
    names = list(dict.fromkeys(name for _, found in known for name in found))
    cells = np.array([[found.get(name, 0.0) for _, found in known] for name in names])
    table = pd.DataFrame(cells, index=names, columns=[model.key for model, _ in known])
    if num_of_features is not None:
        table = table.loc[table.max(axis=1).sort_values(ascending=False, kind="stable").index[:num_of_features]]
    if cluster and len(known) > 2:
        table = table.iloc[_order(table.to_numpy()), _order(table.to_numpy().T)]
    return table


def varimp_heatmap(table: pd.DataFrame, figsize: Sequence[float], colormap: str, save_plot_path: str | None) -> Drawing:
    """Return the drawing of a table of importances."""
    figure = new_figure(figsize)
    axes = figure.subplots()
    picture = axes.imshow(table.to_numpy(), cmap=colour_scale(colormap), aspect="auto")
    name_ticks(axes, list(table.columns))
    name_ticks(axes, list(table.index), across=False)
    figure.colorbar(picture, ax=axes)
    axes.set(xlabel="Model Id", ylabel="Feature", title="Variable Importance Heatmap")
    return finished(figure, True, save_plot_path)


def model_correlation(models: Sequence[Model], frame: H2OFrame, cluster_models: bool = True) -> pd.DataFrame:
    """Return how alike the predictions of models are (models, models): correlation, or share of equal classes."""
    categories = {model.category for model in models}
    if len(categories) != 1 or "AutoEncoder" in categories:
        raise H2OValueError(f"Models to be compared must be of one kind, with a response; got {', '.join(categories)}.")
    found = [apply.predict(model, frame)[:, 0] for model in models]
    count = len(models)
    cells = np.ones((count, count))
    whole: H2OFrame = found[0] if count == 1 else found[0].cbind(found[1:])
    if categories == {"Regression"}:
        table: Any = whole.cor() if count > 1 else 1.0
        cells = np.ones((1, 1)) if count == 1 else table.as_data_frame().to_numpy(float)
    else:
        for i in range(count):
            for j in range(i):
                cells[i, j] = cells[j, i] = float((found[i] == found[j]).mean()[0])
    table = pd.DataFrame(cells, index=[one.key for one in models], columns=[one.key for one in models])
    if cluster_models and count > 2:
        order = _order(cells)
        table = table.iloc[order, order]
    return table


def model_correlation_heatmap(
    table: pd.DataFrame, triangular: bool, figsize: Sequence[float], colormap: str, save_plot_path: str | None
) -> Drawing:
    """Return the drawing of a table of likeness; with `triangular` each pair once."""
    cells = table.to_numpy()
    if triangular:
        cells = np.where(np.triu(np.ones_like(cells), k=1) > 0, np.nan, cells)
    figure = new_figure(figsize)
    axes = figure.subplots()
    picture = axes.imshow(cells, cmap=colour_scale(colormap), vmin=min(0.5, float(np.nanmin(cells))), vmax=1)
    name_ticks(axes, list(table.columns))
    name_ticks(axes, list(table.index), across=False)
    figure.colorbar(picture, ax=axes)
    axes.set(xlabel="Model Id", ylabel="Model Id", title="Model Correlation")
    return finished(figure, True, save_plot_path)


def leaderboard(models: Sequence[Model], frame: H2OFrame, row_index: int | None = None) -> H2OTwoDimTable:
    """Return the metrics of models on a frame, or what they predict for a row of it."""
    if row_index is not None:
        rows = frame[[row_index], :]
        predicted = [_row(apply.predict(model, rows)) for model in models]
        names = list(dict.fromkeys(name for one in predicted for name in one))
        cells = [[model.key, *(one.get(name) for name in names)] for model, one in zip(models, predicted, strict=True)]
        return H2OTwoDimTable("Leaderboard", f"predictions of row {row_index}", ["model_id", *names], None, cells)
    measured = [apply.performance(model, frame) for model in models]
    names = list(dict.fromkeys(name for one in measured for name in one.scalars))
    cells = [
        [model.key, *(one.scalars.get(name) for name in names)] for model, one in zip(models, measured, strict=True)
    ]
    return H2OTwoDimTable("Leaderboard", "on the frame", ["model_id", *names], None, cells)


def _row(frame: H2OFrame) -> dict[str, Any]:
    table: Any = frame.as_data_frame()
    return table.iloc[0].to_dict()


def _order(cells: np.ndarray) -> list[int]:
    """Return the rows so that like ones are neighbours, by hierarchical clustering of their distances."""
    if len(cells) < 3:
        return list(range(len(cells)))
    from scipy.cluster.hierarchy import leaves_list, linkage  # a third of a second, which most sessions never need

    return leaves_list(linkage(cells, method="single")).tolist()
