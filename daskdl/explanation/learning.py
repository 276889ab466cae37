"""Learning curves: a metric over the epochs, of the model and of those that cross-validation trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from daskdl.metrics import default_metric, history_columns
from daskdl.metrics.plot import Drawing, colours, finished, label, new_figure
from daskdl.model.model import Model
from frames.exceptions import H2OValueError

NAMES = {
    "deviance": "deviance",
    "misclassification": "classification_error",
    "aucpr": "pr_auc",
    "lift_top_group": "lift",
}
SHADES = ("#785ff0", "#ff6000", "#648fff", "#ffb000")  # training, validation, and of the folds


def learning_curve_plot(
    model: Model,
    metric: str = "AUTO",
    cv_ribbon: bool | None = None,
    cv_lines: bool | None = None,
    figsize: Sequence[float] = (16, 9),
    colormap: str | None = None,
    save_plot_path: str | None = None,
) -> Drawing:
    """Return the drawing of a metric over the epochs: training, validation, and those of the fold models.

    `metric` is a column of the scoring history or the name of a stopping metric. Folds are shown as a band of their
    mean and deviation (`cv_ribbon`), by default where they were scored at the same epochs, else as lines (`cv_lines`).
    """
    column = _column(model, metric)
    shades = SHADES if colormap is None else colours(colormap, len(SHADES))
    figure = new_figure(figsize)
    axes = figure.subplots()
    axes.grid(visible=True)
    folds = [one for one in model.extras.get("cross_validation_models") or () if isinstance(one, Model)]
    if folds:
        _folds(axes, folds, column, shades[2:], ribbon=cv_ribbon, lines=cv_lines)
    for name, shade in zip(("training", "validation"), shades, strict=False):
        epochs, values = _history(model, f"{name}_{column}")
        if len(values):
            axes.plot(epochs, values, "o-", color=shade, label=name.capitalize())
    axes.axvline(model.epochs, color="#2FBB24", label="Selected epochs")
    axes.set(title=f"Learning Curve\nfor {label(model.key)}", xlabel="epochs", ylabel=column)
    axes.legend()
    return finished(figure, True, save_plot_path)


def _column(model: Model, metric: str) -> str:
    allowed = [one.column for one in history_columns(model.category)]
    wanted = metric.lower()
    found = default_metric(model.category).column if wanted == "auto" else NAMES.get(wanted, wanted)
    if found not in allowed:
        raise H2OValueError(
            f"metric of a {model.category} model must be AUTO or one of {', '.join(allowed)}; got {metric}."
        )
    return found


def _history(model: Model, column: str) -> tuple[np.ndarray, np.ndarray]:
    """Return epochs and values of the events at which a column was scored."""
    table = model.history.table().as_data_frame()
    if column not in table:
        return np.zeros(0), np.zeros(0)
    values = table[column].to_numpy(float)
    has = ~np.isnan(values)
    return table["epochs"].to_numpy(float)[has], values[has]


def _folds(
    axes: Any,
    folds: Sequence[Model],
    column: str,
    shades: Sequence[Any],
    *,
    ribbon: bool | None,
    lines: bool | None,
) -> None:
    for side, name, shade in zip(
        ("training", "validation"), ("Training (CV Models)", "Cross-validation"), shades, strict=True
    ):
        found = [_history(one, f"{side}_{column}") for one in folds]
        found = [one for one in found if len(one[0])]
        if not found:
            continue
        alike = len(found) > 1 and len({tuple(np.round(epochs, 2)) for epochs, _ in found}) == 1
        banded = ribbon if ribbon is not None else alike
        if banded:
            ends = max(epochs[0] for epochs, _ in found), min(epochs[-1] for epochs, _ in found)
            steps = np.unique(np.concatenate([epochs for epochs, _ in found]))
            steps = steps[(steps >= ends[0]) & (steps <= ends[1])]
            values = np.array([np.interp(steps, epochs, scored) for epochs, scored in found])
            mean, spread = values.mean(axis=0), values.std(axis=0)
            axes.plot(steps, mean, color=shade, label=name)
            axes.fill_between(steps, mean - spread, mean + spread, color=shade, alpha=0.25)
        if lines if lines is not None else not banded:
            for k, (epochs, values) in enumerate(found):
                axes.plot(epochs, values, ":", color=shade, label=None if k or banded else name)
