"""How a model came to its predictions: contributions of the inputs to each of them."""

from collections.abc import Callable
from typing import Any

from daskdl.explain.contributions import contributions
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
        if background_frame is None:
            raise H2OValueError(
                "predict_contributions() needs a background_frame: rows that the others are compared with. Some "
                "hundred rows of the training frame will do: background_frame=train[:200, :]."
            )
        return contributions(
            model,
            test_data,
            background_frame,
            output_format=output_format or "Original",
            ranking=(top_n, bottom_n, compare_abs),
            in_response=output_space,
            per_reference=output_per_reference,
            target=target,
        )
