"""What single columns do to a trained model: permutation importance and partial dependence."""

import math
import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from daskdl.metrics.metric import Metric
from daskdl.metrics.plot import Drawing, finished, new_figure
from daskdl.metrics.registry import judge_of_columns, metric_named, metric_value
from daskdl.metrics.table import H2OTwoDimTable
from daskdl.model import apply
from frames.exceptions import H2OTypeError, H2OValueError
from frames.frame import H2OFrame

IMPORTANCE = ["Variable", "Relative Importance", "Scaled Importance", "Percentage"]


class PartialPlots(list):
    """The tables of partial_plot(), one per column; figure() gives their drawing, None with plot=False."""

    def __init__(self, tables: Iterable[H2OTwoDimTable], drawing: Drawing | None):
        super().__init__(tables)
        self._drawing = drawing

    def figure(self) -> Any:
        """Give the matplotlib figure."""
        return None if self._drawing is None else self._drawing.figure()


class ModelInfluence:
    """Methods of an estimator that change columns of a frame and watch the model; `_trained()` gives the model."""

    _trained: Callable[[], Any]

    def permutation_importance(
        self,
        frame: H2OFrame,
        metric: str = "AUTO",
        n_samples: int = 10_000,
        n_repeats: int = 1,
        features: Sequence[str] | None = None,
        seed: int = -1,
        use_pandas: bool = False,
    ) -> Any:
        """Return how much worse a metric gets when the values of one column are dealt to other rows.

        metric       AUTO (binomial AUC, multinomial logloss, regression RMSE, autoencoder MSE) or a metric of the model
        n_samples    rows drawn from `frame`, -1 for all; n_repeats: permutations of each column
        features     columns to look at, default all predictors; seed: -1 for another draw at each call

        A table (pandas with `use_pandas`): Variable, Relative Importance (in units of the metric, negative where the
        metric got better), Scaled Importance (the largest is 1), Percentage (shares of those above 0), by falling
        importance; with several repeats Variable, Run 1, Run 2, ... Raises H2OValueError for unknown names.
        """
        model = self._trained()
        category = model.category
        judged = judge_of_columns(category) if metric.upper() == "AUTO" else metric_named(metric, category)
        names = _features(model, frame, features)
        if n_repeats < 1 or (n_samples < 1 and n_samples != -1):
            raise H2OValueError(
                f"n_repeats must be at least 1 and n_samples at least 1 or -1; got {n_repeats} and {n_samples}."
            )
        draw = np.random.default_rng(random.getrandbits(63) if seed == -1 else seed)
        if n_samples != -1 and n_samples < frame.nrow:
            frame = frame[np.sort(draw.choice(frame.nrow, n_samples, replace=False)), :]
        found = _worsening(model, frame, judged, names=names, repeats=n_repeats, draw=draw)
        table = _single(names, found[:, 0]) if n_repeats == 1 else _runs(names, found)
        return table.as_data_frame() if use_pandas else table

    def partial_plot(
        self,
        frame: H2OFrame,
        cols: Sequence[str] | str | None = None,
        destination_key: str | None = None,
        nbins: int = 20,
        weight_column: str | None = None,
        plot: bool = True,
        plot_stddev: bool = True,
        figsize: tuple[float, float] | None = None,
        server: bool = False,
        include_na: bool = False,
        user_splits: dict[str, Sequence[Any]] | None = None,
        col_pairs_2dpdp: Any = None,
        save_plot_path: str | None = None,
        row_index: int | None = None,
        targets: Sequence[str] | None = None,
    ) -> PartialPlots:
        """Return the mean prediction over a frame as one column takes one value after another.

        cols         columns, default all predictors; nbins: values of a number between its extremes, a factor takes all
        user_splits  values to use instead, {column: values}; include_na: and a missing value
        row_index    only this row of the frame (no deviation then); weight_column: weights of the means
        targets      classes whose probability is shown (needed for more than two; default the second of two)

        `destination_key` has no effect: the tables are kept by who asked. `col_pairs_2dpdp` is refused.

        A list of tables (per column, and target): the column's values, mean_response, stddev_response,
        std_error_mean_response. Its figure() is the drawing. Raises H2OValueError for autoencoders and unknown names.
        """
        model = self._trained()
        if col_pairs_2dpdp:
            raise H2OValueError("partial_plot() shows one column at a time; col_pairs_2dpdp must be left out.")
        outputs = _outputs(model, targets)
        names = _features(model, frame, [cols] if isinstance(cols, str) else cols)
        if nbins < 2:
            raise H2OValueError(f"nbins must be at least 2; got {nbins}.")
        rows = frame if row_index is None else frame[[row_index], :]
        weights = None if weight_column is None else _numbers(rows[weight_column])[:, 0]
        plots = []
        for name in names:
            values = (user_splits or {}).get(name)
            grid = _grid(frame, name, nbins) if values is None else list(values)
            answers = [
                _answers(model, rows, name, value, outputs) for value in [*grid, *([None] if include_na else [])]
            ]
            plots += [
                _Plot(name, target, grid, np.array([_moments(found[:, k], weights) for found in answers]))
                for k, target in enumerate(outputs)
            ]
        drawing = None
        if plot:
            drawing = finished(_drawn(plots, plot_stddev and row_index is None, figsize), server, save_plot_path)
        return PartialPlots((one.table() for one in plots), drawing)


# ---- permutation -------------------------------------------------------------------------------------------------
def _features(model: Any, frame: Any, wanted: Sequence[str] | None) -> list[str]:
    if not isinstance(frame, H2OFrame):
        raise H2OTypeError(f"Argument `frame` should be an H2OFrame, got {type(frame).__name__}")
    names = list(model.x) if wanted is None else list(wanted)
    strange = [name for name in names if name not in model.x or name not in frame.names]
    if strange:
        raise H2OValueError(
            f"Columns must be predictors of the model that are in the frame ({', '.join(model.x[:10])}"
            f"{', ...' if len(model.x) > 10 else ''}); got {', '.join(map(str, strange[:5]))}."
        )
    return names


def _worsening(
    model: Any, frame: H2OFrame, metric: Metric, names: list[str], repeats: int, draw: np.random.Generator
) -> np.ndarray:
    """By how much the metric gets worse, (columns, repeats)."""
    before = metric_value(metric, apply.performance(model, frame))
    sign = -1.0 if metric.larger_is_better else 1.0
    found = np.empty((len(names), repeats))
    for k in range(repeats):
        order = draw.permutation(frame.nrow)
        for i, name in enumerate(names):
            dealt = frame[:, :]
            dealt[name] = frame[order, name]
            found[i, k] = sign * (metric_value(metric, apply.performance(model, dealt)) - before)
    return found


def _single(names: list[str], worse: np.ndarray) -> H2OTwoDimTable:
    largest, total = worse.max(), worse.clip(min=0.0).sum()
    rows = [
        [
            names[i],
            float(worse[i]),
            float(worse[i] / largest) if largest > 0 else 0.0,
            float(max(worse[i], 0.0) / total) if total > 0 else 0.0,
        ]
        for i in np.argsort(-worse, kind="stable")
    ]
    return H2OTwoDimTable("Permutation Variable Importance", "", IMPORTANCE, ["string", *["double"] * 3], rows)


def _runs(names: list[str], worse: np.ndarray) -> H2OTwoDimTable:
    header = ["Variable", *(f"Run {k + 1}" for k in range(worse.shape[1]))]
    rows = [[names[i], *map(float, worse[i])] for i in np.argsort(-worse.mean(axis=1), kind="stable")]
    kinds = ["string", *["double"] * worse.shape[1]]
    return H2OTwoDimTable("Repeated Permutation Variable Importance", "", header, kinds, rows)


# ---- partial dependence ------------------------------------------------------------------------------------------
class _Plot(NamedTuple):
    name: str
    target: str
    values: list[Any]
    moments: np.ndarray  # (values, and one more for missing): mean, deviation, error of the mean

    def table(self) -> H2OTwoDimTable:
        shown = [*self.values, *[".missing(NA)"] * (len(self.moments) - len(self.values))]
        textual = any(isinstance(value, str) for value in shown)
        rows = [
            [str(value) if textual else float(value), *map(float, row)]
            for value, row in zip(shown, self.moments, strict=True)
        ]
        of = f" on {self.target}" if self.target != "predict" else ""
        header = [self.name, "mean_response", "stddev_response", "std_error_mean_response"]
        kinds = ["string" if textual else "double", *["double"] * 3]
        return H2OTwoDimTable(
            "PartialDependence", f"Partial Dependence Plot of column '{self.name}'{of}", header, kinds, rows
        )


def _outputs(model: Any, targets: Sequence[str] | None) -> dict[str, int]:
    """Name what is shown, and its column in the predictions."""
    if model.category == "AutoEncoder":
        raise H2OValueError("partial_plot() requires a model with a response; an autoencoder has none.")
    if model.category == "Regression":
        if targets is not None:
            raise H2OValueError("targets name classes; this is a Regression model.")
        return {"predict": 0}
    levels = list(model.domain)
    if targets is None:
        if model.category == "Multinomial":
            raise H2OValueError(f"targets must be given for more than two classes, some of {', '.join(levels)}.")
        return {"predict": 2}
    strange = [name for name in targets if name not in levels]
    if strange:
        raise H2OValueError(f"targets must be classes ({', '.join(levels)}); got {', '.join(map(str, strange))}.")
    return {name: 1 + levels.index(name) for name in targets}


def _grid(frame: H2OFrame, name: str, nbins: int) -> list[Any]:
    """Every level of a factor; `nbins` numbers from the smallest to the largest, no more than a whole number has."""
    column = frame.schema[name]
    if column.domain is not None:
        return list(column.domain)
    summary = frame.summaries([name])[name]
    low, high = summary.minimum, summary.maximum
    if not math.isfinite(low):
        raise H2OValueError(f"A column of partial_plot() must hold a number; {name} is missing in every row.")
    if summary.all_integer and high - low < nbins:
        return [float(v) for v in np.arange(low, high + 1)]
    return [float(v) for v in np.linspace(low, high, nbins)]


def _answers(model: Any, rows: H2OFrame, name: str, value: Any, outputs: dict[str, int]) -> np.ndarray:
    changed = rows[:, :]
    if value is None:
        column = rows[:, name]
        column[:, 0] = None
        changed[name] = column
    else:
        changed[name] = value
    return _numbers(apply.predict(model, changed)[list(outputs.values())])


def _numbers(frame: H2OFrame) -> np.ndarray:
    table: Any = frame.as_data_frame()
    return table.to_numpy(dtype=np.float64)


def _moments(found: np.ndarray, weights: np.ndarray | None) -> tuple[float, float, float]:
    w = np.ones(len(found)) if weights is None else weights
    mean = float(np.average(found, weights=w))
    if len(found) < 2:
        return mean, 0.0, 0.0
    deviation = math.sqrt(float(np.average((found - mean) ** 2, weights=w)) * len(found) / (len(found) - 1))
    return mean, deviation, deviation / math.sqrt(len(found))


def _drawn(plots: list[_Plot], deviations: bool, figsize: tuple[float, float] | None) -> Any:
    figure = new_figure()
    figure.set_size_inches(figsize or (8.0, 3.5 * len(plots)))
    for axes, one in zip(np.atleast_1d(figure.subplots(len(plots))), plots, strict=True):
        shown = pd.DataFrame(one.table().cell_values)
        axes.plot(shown[0], shown[1], marker="o", markersize=3)
        if deviations:
            axes.fill_between(shown[0], shown[1] - shown[2], shown[1] + shown[2], alpha=0.2)
        of = "" if one.target == "predict" else f" ({one.target})"
        axes.set(xlabel=one.name, ylabel=f"mean response{of}", title=f"Partial Dependence of {one.name}")
        axes.grid(visible=True)
    return figure
