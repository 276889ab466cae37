"""Models explained side by side: explain, explain_row, and the drawings of several models."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from daskdl.door.models import get_model
from daskdl.explanation import comparisons, effects, report
from daskdl.explanation.effects import MARKERS, Look
from daskdl.metrics.plot import Drawing
from daskdl.model.model import Model
from frames.exceptions import H2OTypeError, H2OValueError
from frames.frame import H2OFrame


def explain(
    models: Any,
    frame: H2OFrame,
    columns: Sequence[Any] | None = None,
    top_n_features: int = 5,
    include_explanations: Any = "ALL",
    exclude_explanations: Any = (),
    plot_overrides: Mapping[str, Mapping[str, Any]] | None = None,
    figsize: Sequence[float] = (16, 9),
    render: bool = True,
    qualitative_colormap: str = "Dark2",
    sequential_colormap: str = "RdYlBu_r",
    background_frame: H2OFrame | None = None,
) -> report.Explanation:
    """Return explanations of models on a frame: a model, a list, a grid, or a frame with a column `model_id`.

    The arguments are those of the estimator's explain(); several models are compared, too (leaderboard, varimp_heatmap,
    model_correlation_heatmap). Raises H2OValueError for autoencoders, and for names of explanations that there are not.

    Example: `h2o.explain(estimator, fr, include_explanations=["varimp"])`
    """
    return report.explain(
        models_of(models),
        frame,
        columns=columns,
        top_n_features=top_n_features,
        include_explanations=include_explanations,
        exclude_explanations=exclude_explanations,
        plot_overrides=plot_overrides,
        figsize=figsize,
        render=render,
        qualitative_colormap=qualitative_colormap,
        sequential_colormap=sequential_colormap,
        background_frame=background_frame,
    )


def explain_row(
    models: Any,
    frame: H2OFrame,
    row_index: int,
    columns: Sequence[Any] | None = None,
    top_n_features: int = 5,
    include_explanations: Any = "ALL",
    exclude_explanations: Any = (),
    plot_overrides: Mapping[str, Mapping[str, Any]] | None = None,
    qualitative_colormap: str = "Dark2",
    figsize: Sequence[float] = (16, 9),
    render: bool = True,
    background_frame: H2OFrame | None = None,
) -> report.Explanation:
    """Return explanations of what models predict for one row of a frame; `models` as for explain()."""
    return report.explain_row(
        models_of(models),
        frame,
        row_index,
        columns=columns,
        top_n_features=top_n_features,
        include_explanations=include_explanations,
        exclude_explanations=exclude_explanations,
        plot_overrides=plot_overrides,
        qualitative_colormap=qualitative_colormap,
        figsize=figsize,
        render=render,
        background_frame=background_frame,
    )


def varimp(models: Any, num_of_features: int | None = 20, cluster: bool = True, use_pandas: bool = True) -> Any:
    """Return the importances of columns in several models: pandas (columns, models), or array, model ids and names.

    The inputs of a column are added up; `num_of_features` most important ones, None for all; with `cluster` like
    columns and models are neighbours. Raises H2OValueError where no model has importances.
    """
    table = comparisons.varimp(models_of(models), num_of_features, cluster)
    return table if use_pandas else _apart(table, rows=True)


def varimp_heatmap(
    models: Any,
    top_n: int | None = None,
    num_of_features: int | None = 20,
    figsize: Sequence[float] = (16, 9),
    cluster: bool = True,
    colormap: str = "RdYlBu_r",
    save_plot_path: str | None = None,
) -> Drawing:
    """Draw the importances of columns in several models, of the first `top_n` if given; raises as varimp() does."""
    table = comparisons.varimp(models_of(models)[:top_n], num_of_features, cluster)
    return comparisons.varimp_heatmap(table, figsize, colormap, save_plot_path)


def model_correlation(models: Any, frame: H2OFrame, cluster_models: bool = True, use_pandas: bool = True) -> Any:
    """Return how alike predictions of models are: correlations of numbers, shares of equal classes.

    Pandas (models, models), or array and model ids. Raises H2OValueError for models of different kinds.
    """
    table = comparisons.model_correlation(models_of(models), frame, cluster_models)
    return table if use_pandas else _apart(table, rows=False)


def model_correlation_heatmap(
    models: Any,
    frame: H2OFrame,
    top_n: int | None = None,
    cluster_models: bool = True,
    triangular: bool = True,
    figsize: Sequence[float] = (13, 13),
    colormap: str = "RdYlBu_r",
    save_plot_path: str | None = None,
) -> Drawing:
    """Draw how alike predictions of models are, each pair once if `triangular`; raises as model_correlation() does."""
    table = comparisons.model_correlation(models_of(models)[:top_n], frame, cluster_models)
    return comparisons.model_correlation_heatmap(
        table, triangular, figsize=figsize, colormap=colormap, save_plot_path=save_plot_path
    )


def pd_multi_plot(
    models: Any,
    frame: H2OFrame,
    column: str,
    best_of_family: bool = False,
    row_index: int | None = None,
    target: Any = None,
    max_levels: int = 30,
    figsize: Sequence[float] = (16, 9),
    colormap: str = "Dark2",
    markers: Sequence[str] = MARKERS,
    save_plot_path: str | None = None,
    show_rug: bool = True,
) -> Drawing:
    """Draw the partial dependences of several models on a column, or the curves of one row.

    All models here are of one family: `best_of_family` draws the first alone. The other arguments are those of the
    estimator's pd_plot(). Raises H2OValueError for a column that is no predictor of every model.
    """
    chosen = models_of(models)[: 1 if best_of_family else None]
    strange = [one.key for one in chosen if column not in one.x or column not in frame.names]
    if strange:
        raise H2OValueError(f"column must be a predictor of {strange[0]} that is in the frame; got {column!r}.")
    if not markers:
        raise H2OValueError("markers must name a marker of matplotlib; got none.")
    look = Look(
        target=target,
        max_levels=max_levels,
        figsize=figsize,
        colormap=colormap,
        save_plot_path=save_plot_path,
        nbins=effects.MULTI_BINS,
        show_rug=show_rug,
    )
    return effects.pd_multi_plot(chosen, frame, column, look, row_index, markers=markers)


def models_of(models: Any) -> list[Model]:
    """Return the models behind an estimator, a list of them or of ids, a grid, or a frame with a column `model_id`.

    Raises H2OTypeError for something else, H2OValueError where there is no model.
    """
    if isinstance(models, H2OFrame):
        if "model_id" not in models.names:
            raise H2OValueError(f"A frame of models must have a column model_id; got {', '.join(models.names[:10])}.")
        table: Any = models[:, ["model_id"]].as_data_frame()
        models = table["model_id"].tolist()
    single = isinstance(models, str | Model) or (hasattr(models, "_trained") and not hasattr(models, "hyper_params"))
    found = [_model(one) for one in ([models] if single else _items(models))]
    if not found:
        raise H2OValueError("There must be a model to explain; got none.")
    return found


def _items(models: Any) -> list[Any]:
    try:
        return list(models)
    except TypeError as error:
        raise H2OTypeError(
            f"Argument `models` should be a model, a list of models, a grid or a frame; got {type(models).__name__}"
        ) from error


def _model(one: Any) -> Model:
    if isinstance(one, Model):
        return one
    if isinstance(one, str):
        return get_model(one)._trained()
    if not hasattr(one, "_trained"):
        raise H2OTypeError(f"Argument `models` should be a model, a list of models, a grid or a frame; got {one!r}")
    return one._trained()


def _apart(table: pd.DataFrame, rows: bool) -> tuple[Any, ...]:
    found = (table.to_numpy(), list(table.columns))
    return (*found, list(table.index)) if rows else found
