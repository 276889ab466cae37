"""Drawings of a model: learning curves and variable importances."""

from collections.abc import Callable
from typing import Any

from daskdl.estimators.report import importance_table
from daskdl.metrics import default_metric, history_columns
from daskdl.metrics.plot import Drawing, _done, _figure
from frames.exceptions import H2OValueError

TIMESTEPS = ("epochs", "samples", "duration")
SHOWN_VARIABLES = 10


class ModelPlots:
    """The drawing methods of an estimator; `_trained()` gives the model or raises."""

    _trained: Callable[[], Any]

    def plot(
        self,
        timestep: str = "AUTO",
        metric: str = "AUTO",
        server: bool | str = False,
        save_plot_path: str | None = None,
    ) -> Drawing:
        """Draw the scoring history of one metric, training and validation; returns an object with figure().

        `timestep` is epochs (AUTO), samples or duration; `metric` a column of the scoring history, AUTO the one
        that training stops by. `server=True`
        opens no window; `save_plot_path` (h2o-py's multinomial models have it in third place) writes a file, its ending
        decides the format.
        """
        if isinstance(server, str):
            server, save_plot_path = False, server
        model = self._trained()
        along = "epochs" if timestep.upper() == "AUTO" else timestep
        if along not in TIMESTEPS:
            raise H2OValueError(f"timestep must be AUTO or one of {', '.join(TIMESTEPS)}; got {timestep}.")
        allowed = [one.column for one in history_columns(model.category)]
        wanted = default_metric(model.category).column if metric.upper() == "AUTO" else metric.lower()
        if wanted not in allowed:
            raise H2OValueError(
                f"metric of a {model.category} model must be AUTO or one of {', '.join(allowed)}; got {metric}."
            )
        table = model.history.table().as_data_frame()
        steps = [row.seconds for row in model.history.rows] if along == "duration" else list(table[along])
        figure = _figure()
        axes = figure.subplots()
        for source in ("training", "validation"):
            if f"{source}_{wanted}" in table:
                axes.plot(steps, table[f"{source}_{wanted}"], marker="o", markersize=3, label=source)
        axes.set(xlabel=f"{along} (seconds)" if along == "duration" else along, ylabel=wanted, title="Scoring History")
        axes.legend()
        axes.grid(visible=True)
        return _done(figure, server, save_plot_path)

    def varimp_plot(
        self, num_of_features: int | None = None, server: bool = False, save_plot_path: str | None = None
    ) -> Drawing | None:
        """Draw the most important inputs as bars (10 unless said); returns an object with figure(), or None."""
        table = importance_table(self._trained())
        if table is None:
            print("Warning: This model doesn't have variable importances")
            return None
        count = SHOWN_VARIABLES if num_of_features is None else num_of_features
        if count < 1:
            raise H2OValueError(f"num_of_features must be at least 1; got {count}.")
        names, values = table["variable"][:count], table["scaled_importance"][:count]
        figure = _figure()
        axes = figure.subplots()
        axes.barh(range(len(names)), values)
        axes.set_yticks(range(len(names)), labels=names)
        axes.invert_yaxis()
        axes.set(xlabel="scaled importance", title="Variable Importance: Deep Learning")
        return _done(figure, server, save_plot_path)
