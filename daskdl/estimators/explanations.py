"""How a model came to its predictions: contributions, effects of columns, and all of it together."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from daskdl.explanation import effects, learning, report, residuals, shap_plots
from daskdl.explanation.contributions import contributions
from daskdl.explanation.effects import Look
from daskdl.metrics.plot import Drawing
from frames.exceptions import H2OTypeError, H2OValueError
from frames.frame import H2OFrame


class ModelExplanations:
    """Methods of an estimator that explain predictions; `_trained()` gives the model or raises."""

    _trained: Callable[[], Any]

    def predict_contributions(
        self,
        test_data: H2OFrame,
        output_format: str | None = "Original",
        top_n: int | None = None,
        bottom_n: int | None = None,
        compare_abs: bool = False,
        background_frame: H2OFrame | None = None,
        output_space: bool = False,
        output_per_reference: bool = False,
        target: str | None = None,
    ) -> H2OFrame:
        """Return what each input contributes to each prediction (SHAP values), against the rows of `background_frame`.

        A row has a number per feature and, last, `BiasTerm`: the mean prediction of the background. They add up to the
        row's prediction: the probability of the second class, or the response; with a log link its logarithm, unless
        `output_space`.

        output_format         "Original": a feature is an input (`column.level`); "Compact": a column
        top_n, bottom_n       only so many of the largest, of the smallest contributions of each row, in their order
                              (`top_feature_1`, `top_value_1`, ...); -1 for all. compare_abs: their sizes count
        output_per_reference  a row for every pair with a background row, with `RowIdx` and `BackgroundRowIdx`
        target                the class whose probability is explained; needed for more than two

        The work grows with rows times background rows; some hundred rows of the training frame are a good background.
        Raises H2OValueError without a background, for autoencoders, and where a class must be named. Source:
        docs/explain.md.

        Example: `estimator.predict_contributions(fr, background_frame=fr[:3, :])`
        """
        model = self._trained()
        if not isinstance(test_data, H2OFrame):
            raise H2OValueError(f"test_data must be an instance of H2OFrame; got {type(test_data).__name__}.")
        for name, number in (("top_n", top_n), ("bottom_n", bottom_n)):
            if number is not None and (isinstance(number, bool) or not hasattr(number, "__index__")):
                raise H2OTypeError(f"Argument `{name}` should be an integer, got {type(number).__name__} {number}")
        background = _background("predict_contributions", background_frame)
        return contributions(
            model,
            test_data,
            background,
            output_format=output_format or "Original",
            ranking=(top_n, bottom_n, compare_abs),
            in_response=output_space,
            per_reference=output_per_reference,
            target=target,
        )

    def shap_summary_plot(
        self,
        frame: H2OFrame,
        columns: Sequence[Any] | None = None,
        top_n_features: int = 20,
        samples: int | None = 1000,
        colorize_factors: bool = True,
        alpha: float = 1,
        colormap: str | None = None,
        figsize: Sequence[float] = (12, 12),
        jitter: float = 0.35,
        save_plot_path: str | None = None,
        background_frame: H2OFrame | None = None,
        target: str | None = None,
    ) -> Drawing:
        """Draw the contributions of the columns to the predictions of a frame: a point per row, coloured by its value.

        `columns`, or the `top_n_features` that contribute most (-1: all); at most `samples` rows; figure() gives the
        drawing. Raises H2OValueError as predict_contributions() does, which needs a `background_frame`.
        """
        model, frame, background = self._trained(), _framed(frame), _background("shap_summary_plot", background_frame)
        return shap_plots.shap_summary_plot(
            model,
            frame,
            background,
            columns=columns,
            top_n=top_n_features,
            samples=samples,
            colorize_factors=colorize_factors,
            alpha=alpha,
            colormap=colormap,
            figsize=figsize,
            jitter=jitter,
            save_plot_path=save_plot_path,
            target=target,
        )

    def shap_explain_row_plot(
        self,
        frame: H2OFrame,
        row_index: int,
        columns: Sequence[Any] | None = None,
        top_n_features: int = 10,
        figsize: Sequence[float] = (16, 9),
        plot_type: str = "barplot",
        contribution_type: str = "both",
        save_plot_path: str | None = None,
        background_frame: H2OFrame | None = None,
        target: str | None = None,
    ) -> Drawing:
        """Draw the contributions to the prediction of one row.

        `plot_type` "barplot": the `top_n_features` largest of each sign (`contribution_type` both, positive, negative);
        "breakdown": the way from the bias to the prediction. Raises H2OValueError as predict_contributions() does.
        """
        background = _background("shap_explain_row_plot", background_frame)
        return shap_plots.shap_explain_row_plot(
            self._trained(),
            _framed(frame),
            background,
            row_index,
            columns=columns,
            top_n=top_n_features,
            figsize=figsize,
            plot_type=plot_type,
            contribution_type=contribution_type,
            save_plot_path=save_plot_path,
            target=target,
        )

    def pd_plot(
        self,
        frame: H2OFrame,
        column: str,
        row_index: int | None = None,
        target: Any = None,
        max_levels: int = 30,
        figsize: Sequence[float] = (16, 9),
        colormap: str = "Dark2",
        save_plot_path: str | None = None,
        binary_response_scale: str = "response",
        grouping_column: str | None = None,
        output_graphing_data: bool = False,
        nbins: int = 100,
        show_rug: bool = True,
    ) -> Any:
        """Draw the partial dependence on a column with the values of the rows behind it, or the curve of one row.

        target                 the class, needed for more than two
        max_levels             levels of a factor that are shown, the most frequent first; nbins: values of a number
        binary_response_scale  "response" (probabilities) or "logodds"
        grouping_column        a list of drawings, one for the rows of each of its levels

        figure() gives the drawing. `output_graphing_data` is refused: partial_plot() gives the numbers. Raises
        H2OValueError for columns that are no predictors.
        """
        model, frame = self._trained(), _column_of(self._trained(), _framed(frame), column)
        _no_data(output_graphing_data)
        look = Look(
            target=target,
            max_levels=max_levels,
            figsize=figsize,
            colormap=colormap,
            save_plot_path=save_plot_path,
            binary_response_scale=binary_response_scale,
            nbins=nbins,
            show_rug=show_rug,
        )
        if grouping_column is None:
            return effects.pd_plot(model, frame, column, look, row_index)
        return [
            effects.pd_plot(model, rows, column, one, row_index)
            for rows, one in effects.groups(frame, grouping_column, look)
        ]

    def ice_plot(
        self,
        frame: H2OFrame,
        column: str,
        target: Any = None,
        max_levels: int = 30,
        figsize: Sequence[float] = (16, 9),
        colormap: str = "plasma",
        save_plot_path: str | None = None,
        show_pdp: bool = True,
        binary_response_scale: str = "response",
        centered: bool = False,
        grouping_column: str | None = None,
        output_graphing_data: bool = False,
        nbins: int = 100,
        show_rug: bool = True,
    ) -> Any:
        """Draw the curves of eleven rows, from the smallest response to the largest, as a column takes other values.

        `show_pdp` adds their mean over all rows, `centered` lets curves over numbers begin at 0; the other arguments
        are those of pd_plot(), whose errors it raises.
        """
        model, frame = self._trained(), _column_of(self._trained(), _framed(frame), column)
        _no_data(output_graphing_data)
        look = Look(
            target=target,
            max_levels=max_levels,
            figsize=figsize,
            colormap=colormap,
            save_plot_path=save_plot_path,
            binary_response_scale=binary_response_scale,
            nbins=nbins,
            show_rug=show_rug,
        )
        if grouping_column is None:
            return effects.ice_plot(model, frame, column, look, show_pdp, centered=centered)
        return [
            effects.ice_plot(model, rows, column, one, show_pdp, centered=centered)
            for rows, one in effects.groups(frame, grouping_column, look)
        ]

    def residual_analysis_plot(
        self, frame: H2OFrame, figsize: Sequence[float] = (16, 9), save_plot_path: str | None = None
    ) -> Drawing:
        """Draw actual less predicted numbers over the predicted ones, and the line that fits them; regression only."""
        return residuals.residual_analysis_plot(self._trained(), _framed(frame), figsize, save_plot_path)

    def learning_curve_plot(
        self,
        metric: str = "AUTO",
        cv_ribbon: bool | None = None,
        cv_lines: bool | None = None,
        figsize: Sequence[float] = (16, 9),
        colormap: str | None = None,
        save_plot_path: str | None = None,
    ) -> Drawing:
        """Draw a metric of the scoring history over the epochs, without opening a window.

        `metric` is a column of the scoring history, or a stopping metric; the models of cross-validation are a band of
        mean and deviation (`cv_ribbon`) or lines (`cv_lines`). Raises H2OValueError for another metric.
        """
        return learning.learning_curve_plot(
            self._trained(),
            metric,
            cv_ribbon=cv_ribbon,
            cv_lines=cv_lines,
            figsize=figsize,
            colormap=colormap,
            save_plot_path=save_plot_path,
        )

    def explain(
        self,
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
        """Return explanations of the model on a frame: how well it predicts, what it looks at, what columns do.

        columns            columns whose effects are drawn; default the `top_n_features` most important (-1: all)
        include_, exclude_explanations  names of those wanted or not: confusion_matrix, residual_analysis,
                           learning_curve, varimp, shap_summary (with a `background_frame`), pdp, ice
        plot_overrides     arguments for single drawings: {"pdp": {"nbins": 10}}
        render             a notebook shows them at once

        A dict by these names, each with header, description and plots. Raises H2OValueError for autoencoders, and for
        other names.
        """
        return report.explain(
            [self._trained()],
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
        self,
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
        """Return explanations of the prediction of one row: contributions (with a `background_frame`) and its curves.

        The arguments are those of explain(), whose errors it raises.
        """
        return report.explain_row(
            [self._trained()],
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


def _framed(frame: Any) -> H2OFrame:
    if not isinstance(frame, H2OFrame):
        raise H2OTypeError(f"Argument `frame` should be an H2OFrame, got {type(frame).__name__}")
    return frame


def _background(method: str, frame: H2OFrame | None) -> H2OFrame:
    if frame is None:
        raise H2OValueError(
            f"{method}() needs a background_frame: rows that the others are compared with. Some hundred rows of the "
            "training frame will do: background_frame=train[:200, :]."
        )
    return frame


def _column_of(model: Any, frame: H2OFrame, column: Any) -> H2OFrame:
    if column not in model.x or column not in frame.names:
        raise H2OValueError(f"column must be a predictor of {model.key} that is in the frame; got {column!r}.")
    return frame


def _no_data(output_graphing_data: bool) -> None:
    if output_graphing_data:
        raise H2OValueError("output_graphing_data is not offered: partial_plot() gives the numbers as tables.")
