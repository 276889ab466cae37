"""Explanations of models on a frame, gathered: what h2o-py's explain() and explain_row() give back."""

from __future__ import annotations

import base64
import html
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from daskdl.explanation import comparisons, effects, learning, residuals, shap_plots
from daskdl.explanation.effects import Look
from daskdl.explanation.partial import row_of
from daskdl.metrics.plot import Drawing, finished, label, new_figure
from daskdl.model import apply
from daskdl.model.model import Model
from frames.exceptions import H2OTypeError, H2OValueError
from frames.frame import H2OFrame
from frames.text.screen import in_notebook

OF_FRAMES = (
    *("leaderboard", "confusion_matrix", "residual_analysis", "learning_curve", "varimp", "varimp_heatmap"),
    *("model_correlation_heatmap", "shap_summary", "pdp", "ice"),
)
OF_ROWS = ("leaderboard", "shap_explain_row", "ice")
SENTENCES = {
    "leaderboard": (
        "Leaderboard",
        "The models, and how well they predict the frame; or what they predict for the row.",
    ),
    "confusion_matrix": ("Confusion Matrix", "Rows are the actual classes, columns those that the model predicts."),
    "residual_analysis": (
        "Residual Analysis",
        "Actual less predicted values over the predicted ones; a pattern is something that the model has not found.",
    ),
    "learning_curve": ("Learning Curve Plot", "The error during training; where validation rises again, it overfits."),
    "varimp": ("Variable Importance", "What share of the first weights each input has."),
    "varimp_heatmap": (
        "Variable Importance Heatmap",
        "Importances of columns side by side; like models are neighbours.",
    ),
    "model_correlation_heatmap": ("Model Correlation", "How alike the predictions of the models are."),
    "shap_summary": (
        "SHAP Summary",
        "What each column contributes to each prediction, against the background; a point is a row.",
    ),
    "shap_explain_row": ("SHAP Explanation", "What each column contributes to this row's prediction."),
    "pdp": ("Partial Dependence Plots", "The mean prediction as one column takes one value after another."),
    "ice": (
        "Individual Conditional Expectation",
        "Predictions of single rows as one column takes one value after another.",
    ),
}


class Explanation(OrderedDict):
    """Explanations by name, in order: each holds its `header`, `description` and `plots` (or `data`).

    A notebook shows all of it; elsewhere `print` names what there is, and each drawing has figure().
    """

    _shown = False

    def to_html(self) -> str:
        """Return everything as a page: texts escaped, drawings as pictures inside it."""
        return f"<div>{''.join(_pages(self, 2))}</div>"

    def _repr_html_(self) -> str:
        shown, self._shown = self._shown, False
        return "" if shown else self.to_html()

    def __repr__(self) -> str:
        return "\n".join(_lines(self, 0))

    __str__ = __repr__


class _Asked:
    """What the user asked for, checked: models, columns, explanations, and what is given on to single drawings."""

    def __init__(
        self,
        models: Sequence[Model],
        frame: Any,
        names: Sequence[str],
        *,
        columns: Sequence[Any] | None,
        top_n: int,
        include: Any,
        exclude: Any,
        overrides: Mapping[str, Mapping[str, Any]] | None,
        background: H2OFrame | None,
    ) -> None:
        if not isinstance(frame, H2OFrame):
            raise H2OTypeError(f"Argument `frame` should be an H2OFrame, got {type(frame).__name__}")
        self.models, self.frame, self.background = list(models), frame, background
        strange = [model.key for model in models if model.category == "AutoEncoder"]
        if strange:
            raise H2OValueError(f"explain() needs models with a response; {strange[0]} is an autoencoder.")
        self.kept = _kept(names, include, exclude)
        self.overrides = dict(overrides or {})
        self.columns = _columns(self.models, frame, columns, top_n)
        first = self.models[0]
        self.targets = list(first.domain or ()) if first.category == "Multinomial" else [None]

    def add(self, result: Explanation, name: str, fill: Callable[[Explanation], None]) -> None:
        """Add an explanation if it was asked for."""
        if name not in self.kept:
            return
        header, sentence = SENTENCES[name]
        part = result[name] = Explanation(header=header, description=sentence)
        fill(part)

    def own(self, *names: str, **usual: Any) -> dict[str, Any]:
        """Return the arguments of a drawing: the usual ones, and the user's own in their place."""
        for name in names:
            usual |= self.overrides.get(name, {})
        return usual

    def for_models(self, part: Explanation, draw: Callable[[Model], Any]) -> None:
        part["plots"] = Explanation((model.key, draw(model)) for model in self.models)

    def for_targets(self, draw: Callable[[Any], Any]) -> Any:
        if self.targets == [None]:
            return draw(None)
        return Explanation((str(target), draw(target)) for target in self.targets)


def explain(
    models: Sequence[Model],
    frame: H2OFrame,
    *,
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
) -> Explanation:
    """Return explanations of one or several models on a frame; with `render` a notebook shows them at once.

    Raises H2OValueError for autoencoders, and for names of columns or explanations that there are not.
    """
    asked = _Asked(
        models,
        frame,
        OF_FRAMES,
        columns=columns,
        top_n=top_n_features,
        include=include_explanations,
        exclude=exclude_explanations,
        overrides=plot_overrides,
        background=background_frame,
    )
    result = Explanation()
    _judged(asked, result, figsize)
    _compared(asked, result, figsize, sequential_colormap)
    _effects(asked, result, figsize, qualitative_colormap, sequential_colormap)
    return _rendered(result, render)


def explain_row(
    models: Sequence[Model],
    frame: H2OFrame,
    row_index: int,
    *,
    columns: Sequence[Any] | None = None,
    top_n_features: int = 5,
    include_explanations: Any = "ALL",
    exclude_explanations: Any = (),
    plot_overrides: Mapping[str, Mapping[str, Any]] | None = None,
    qualitative_colormap: str = "Dark2",
    figsize: Sequence[float] = (16, 9),
    render: bool = True,
    background_frame: H2OFrame | None = None,
) -> Explanation:
    """Return explanations of the predictions for one row of a frame; as `explain`, whose errors it raises."""
    asked = _Asked(
        models,
        frame,
        OF_ROWS,
        columns=columns,
        top_n=top_n_features,
        include=include_explanations,
        exclude=exclude_explanations,
        overrides=plot_overrides,
        background=background_frame,
    )
    row = row_of(frame, row_index)
    result = Explanation()
    several = len(asked.models) > 1
    if several:
        asked.add(result, "leaderboard", lambda part: part.update(data=comparisons.leaderboard(models, frame, row)))
    if background_frame is not None and asked.targets == [None]:
        how = asked.own("shap_explain_row", "shap_explain_row_plot", figsize=figsize)
        asked.add(
            result,
            "shap_explain_row",
            lambda part: asked.for_models(
                part, lambda model: shap_plots.shap_explain_row_plot(model, frame, background_frame, row, **how)
            ),
        )
    if not several:
        how = asked.own("ice", figsize=figsize, colormap=qualitative_colormap)

        def curves(column: str) -> Any:
            return asked.for_targets(
                lambda target: effects.pd_plot(asked.models[0], frame, column, Look(target=target, **how), row)
            )

        asked.add(
            result, "ice", lambda part: part.update(plots=Explanation((name, curves(name)) for name in asked.columns))
        )
    return _rendered(result, render)


def _judged(asked: _Asked, result: Explanation, figsize: Sequence[float]) -> None:
    """Add how well the models predict, and how they learnt."""
    models, frame = asked.models, asked.frame
    if len(models) > 1:
        asked.add(result, "leaderboard", lambda part: part.update(data=comparisons.leaderboard(models, frame)))
    if models[0].category == "Regression":
        how = asked.own("residual_analysis", "residual_analysis_plot", figsize=figsize)
        draw: Callable[[Model], Any] = lambda model: residuals.residual_analysis_plot(model, frame, **how)  # noqa: E731
        asked.add(result, "residual_analysis", lambda part: asked.for_models(part, draw))
    else:
        table: Callable[[Model], Any] = lambda model: _confusion(apply.performance(model, frame))  # noqa: E731
        asked.add(result, "confusion_matrix", lambda part: asked.for_models(part, table))
    learnt = asked.own("learning_curve", "learning_curve_plot", figsize=figsize)
    curve = lambda model: learning.learning_curve_plot(model, **learnt)  # noqa: E731
    asked.add(result, "learning_curve", lambda part: asked.for_models(part, curve))


def _confusion(measured: Any) -> Any:
    return measured.confusion_matrix()


def _compared(asked: _Asked, result: Explanation, figsize: Sequence[float], colormap: str) -> None:
    """Add what the models look at, and how alike they are."""
    known = [model for model in asked.models if model.column_importances() is not None]
    if known:
        how = asked.own("varimp", "varimp_plot", figsize=figsize)
        drawings = lambda part: part.update(  # noqa: E731
            plots=Explanation((model.key, varimp_plot(model, **how)) for model in known)
        )
        asked.add(result, "varimp", drawings)
    if len(asked.models) < 2:
        return
    if known:
        own = asked.own("varimp_heatmap", figsize=figsize, colormap=colormap, num_of_features=20, cluster=True)
        own.setdefault("save_plot_path", None)
        table = comparisons.varimp(known, own.pop("num_of_features"), own.pop("cluster"))
        asked.add(result, "varimp_heatmap", lambda part: part.update(plots=comparisons.varimp_heatmap(table, **own)))
    like = asked.own("model_correlation_heatmap", figsize=figsize, colormap=colormap, triangular=True)
    like.setdefault("save_plot_path", None)
    clustered = like.pop("cluster_models", True)
    if "model_correlation_heatmap" in asked.kept:
        alike = comparisons.model_correlation(asked.models, asked.frame, clustered)
        heat = lambda part: part.update(plots=comparisons.model_correlation_heatmap(alike, **like))  # noqa: E731
        asked.add(result, "model_correlation_heatmap", heat)


def _effects(asked: _Asked, result: Explanation, figsize: Sequence[float], single: str, scale: str) -> None:
    """Add what the columns do to the predictions."""
    models, frame, background = asked.models, asked.frame, asked.background
    if background is not None and asked.targets == [None]:
        how = asked.own("shap_summary", "shap_summary_plot", figsize=figsize)
        points = lambda model: shap_plots.shap_summary_plot(model, frame, background, **how)  # noqa: E731
        asked.add(result, "shap_summary", lambda part: asked.for_models(part, points))
    several = len(models) > 1
    look = asked.own("pdp", figsize=figsize, colormap=single, **({"nbins": effects.MULTI_BINS} if several else {}))

    def dependence(column: str, target: Any) -> Drawing:
        if several:
            return effects.pd_multi_plot(models, frame, column, Look(target=target, **look))
        return effects.pd_plot(models[0], frame, column, Look(target=target, **look))

    plots = lambda one: asked.for_targets(lambda target: dependence(one, target))  # noqa: E731
    asked.add(result, "pdp", lambda part: part.update(plots=Explanation((name, plots(name)) for name in asked.columns)))
    if models[0].category == "Regression":
        curves = asked.own("ice", "ice_plot", figsize=figsize, colormap=scale)
        more = {name: curves.pop(name) for name in ("show_pdp", "centered") if name in curves}
        draw = lambda name, model: effects.ice_plot(model, frame, name, Look(**curves), **more)  # noqa: E731
        each = lambda name: Explanation((model.key, draw(name, model)) for model in models)  # noqa: E731
        asked.add(
            result, "ice", lambda part: part.update(plots=Explanation((name, each(name)) for name in asked.columns))
        )


def varimp_plot(
    model: Model,
    figsize: Sequence[float] = (8, 6),
    num_of_features: int | None = None,
    save_plot_path: str | None = None,
) -> Drawing:
    """Return the drawing of the most important inputs as bars (10 unless said)."""
    rows = (model.importances() or [])[: 10 if num_of_features is None else num_of_features]
    figure = new_figure(figsize)
    axes = figure.subplots()
    axes.barh(range(len(rows)), [row[2] for row in rows])
    axes.set_yticks(range(len(rows)), [label(row[0]) for row in rows])
    axes.invert_yaxis()
    axes.set(xlabel="Variable Importance", ylabel="Variable", title=f"Variable Importance for {label(model.key)}")
    return finished(figure, True, save_plot_path)


# ---- what was asked ----------------------------------------------------------------------------------------------
def _kept(names: Sequence[str], include: Any, exclude: Any) -> list[str]:
    wanted, unwanted = ([one] if isinstance(one, str) else list(one or ()) for one in (include, exclude))
    strange = [one for one in (*wanted, *unwanted) if one not in names and one != "ALL"]
    if strange:
        raise H2OValueError(f"Explanations must be some of {', '.join(names)}; got {strange[0]}.")
    every = "ALL" in wanted
    if unwanted and not every:
        raise H2OValueError("Give either include_explanations or exclude_explanations, not both.")
    return [one for one in names if (every or one in wanted) and one not in unwanted]


def _columns(models: Sequence[Model], frame: H2OFrame, columns: Sequence[Any] | None, top_n: int) -> list[str]:
    """Return the columns to be shown: those named, or the most important of the first model that says."""
    if columns is not None:
        given = [columns] if isinstance(columns, str) else columns
        names = [frame.names[one] if isinstance(one, int) else one for one in given]
        strange = [name for name in names if name not in models[0].x or name not in frame.names]
        if strange:
            raise H2OValueError(f"columns must be predictors that are in the frame; got {strange[0]}.")
        return names
    found = next((own for model in models if (own := model.column_importances()) is not None), None)
    shares: dict[str, float] = dict.fromkeys(models[0].x, 0.0) if found is None else found
    order = [name for name in sorted(shares, key=lambda name: -shares[name]) if name in frame.names]
    return order if top_n < 0 or found is None else order[:top_n]


def _rendered(result: Explanation, render: bool) -> Explanation:
    if render and in_notebook():
        from IPython.display import HTML, display

        display(HTML(result.to_html()))
        result._shown = True  # once is enough where it is also the value of its cell
    return result


# ---- how it is shown ---------------------------------------------------------------------------------------------
def _pages(part: Mapping[str, Any], depth: int) -> Iterator[str]:
    for name, value in part.items():
        if name == "header":
            yield f"<h{depth}>{html.escape(value)}</h{depth}>"
        elif name == "description":
            yield f"<p>{html.escape(value)}</p>"
        elif isinstance(value, Explanation):
            if "header" not in value and name != "plots":
                yield f"<h{min(depth + 1, 6)}>{html.escape(name)}</h{min(depth + 1, 6)}>"
            yield from _pages(value, min(depth + (name != "plots"), 6))
        elif isinstance(value, Drawing):
            source = f"data:image/png;base64,{base64.b64encode(value._repr_png_()).decode()}"
            yield f'<img alt="{html.escape(name, quote=True)}" style="max-width: 100%" src="{source}">'
        else:
            yield value._repr_html_()


def _lines(part: Mapping[str, Any], depth: int) -> Iterator[str]:
    blank = "  " * depth
    for name, value in part.items():
        if name in ("header", "description"):
            continue
        if isinstance(value, Explanation):
            if name == "plots":
                yield from _lines(value, depth)
                continue
            said = f": {value['description']}" if "description" in value else ""
            yield f"{blank}{value.get('header', name)}{said}"
            yield from _lines(value, depth + 1)
        else:
            yield f"{blank}{name}" + ("" if isinstance(value, Drawing) else f"\n{value}")
