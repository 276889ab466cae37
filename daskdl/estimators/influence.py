"""What single columns do to a trained model: permutation importance and partial dependence."""

import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from daskdl.explanation.drawings import draw_dependences
from daskdl.explanation.partial import dependence, grid_of, outputs_of, row_of
from daskdl.metrics.metric import Metric
from daskdl.metrics.plot import Drawing, finished
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
        col_pairs_2dpdp: Sequence[Sequence[str]] | None = None,
        save_plot_path: str | None = None,
        row_index: int | None = None,
        targets: Sequence[str] | str | None = None,
    ) -> PartialPlots:
        """Return the mean prediction over a frame as one column, or two, take one value after another.

        cols             columns, default all predictors unless pairs are given; col_pairs_2dpdp: pairs of columns
        nbins            values of a number between its extremes, a factor takes all
        user_splits      values to use instead, {column: values}; include_na: and a missing value
        row_index        only this row of the frame (no deviation then); weight_column: weights of the means
        targets          classes whose probability is shown (needed for more than two; default the second of two)

        `destination_key` has no effect: the tables are kept by who asked.

        A list of tables (per column, then per pair, and target): the columns' values, mean_response, stddev_response,
        std_error_mean_response. Its figure() is the drawing. Rows are read once, where they lie. Raises H2OValueError
        for autoencoders, unknown names and values. Source: docs/explain.md.

        Example: `estimator.partial_plot(fr, cols=["petal_len"], nbins=5, plot=False)`
        """
        model = self._trained()
        outputs = outputs_of(model, targets)
        if nbins < 2:
            raise H2OValueError(f"nbins must be at least 2; got {nbins}.")
        wanted = [cols] if isinstance(cols, str) else cols
        pairs = [_pair(one) for one in col_pairs_2dpdp or ()]
        single = [] if cols is None and pairs else _features(model, frame, wanted)
        for pair in pairs:
            _features(model, frame, pair)
        strange = [
            name for name in user_splits or () if name not in (*single, *(name for pair in pairs for name in pair))
        ]
        if strange:
            raise H2OValueError(f"user_splits must name columns that are plotted; got '{strange[0]}'.")
        if weight_column is not None:
            _weights(frame, weight_column)
        if row_index is not None:
            row_of(frame, row_index)
        how = {"nbins": nbins, "include_missing": include_na, "given": user_splits}
        grids = [grid_of(model, frame, names, **how) for names in (*([name] for name in single), *pairs)]
        found = dependence(model, frame, grids, outputs, weights=weight_column, row=row_index)
        drawing = None
        if plot:
            figure = draw_dependences(found, plot_stddev and row_index is None, figsize)
            drawing = finished(figure, server, save_plot_path)
        return PartialPlots((one.table() for one in found), drawing)


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
def _pair(names: Any) -> list[str]:
    pair = [] if isinstance(names, str) else list(names)
    if len(pair) != 2 or pair[0] == pair[1]:
        raise H2OValueError(f"col_pairs_2dpdp must hold pairs of different columns; got {names!r}.")
    return pair


def _weights(frame: H2OFrame, name: Any) -> None:
    if not isinstance(name, str) or name not in frame.names:
        raise H2OValueError(f"weight_column must be a column of the frame; got {name!r}.")
    if not frame.schema[name].is_number or frame.summaries([name])[name].minimum < 0:
        raise H2OValueError(f"weight_column must hold numbers of at least 0; '{name}' does not.")
