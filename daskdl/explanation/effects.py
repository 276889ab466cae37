"""Drawings of what one column does: partial dependence of one model or of several, and curves of single rows."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from daskdl.explanation.drawings import curve, positions
from daskdl.explanation.partial import Grid, Output, dependence, grid_of, individual, outputs_of, row_of
from daskdl.metrics.plot import Drawing, colours, finished, label, new_figure
from daskdl.model import apply
from daskdl.model.model import Model
from frames.exceptions import H2OValueError
from frames.frame import H2OFrame

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RUG = 1000  # rows whose values are shown along the axis
SCALES = ("response", "logodds")
DECILES = 11
MULTI_BINS = 20
MARKERS = ("o", "v", "s", "P", "*", "D", "X", "^", "<", ">", ".")


@dataclasses.dataclass(frozen=True)
class Look:
    """How an effect is drawn, in h2o-py's words."""

    target: Any = None
    max_levels: int = 30
    figsize: Sequence[float] = (16, 9)
    colormap: str = "Dark2"
    save_plot_path: str | None = None
    binary_response_scale: str = "response"
    nbins: int = 100
    show_rug: bool = True
    group: str | None = None  # which rows these are

    def output(self, model: Model) -> Output:
        """Return what is looked at; raises H2OValueError for a target or a scale that the model has not."""
        if self.binary_response_scale not in SCALES:
            raise H2OValueError(
                f"binary_response_scale must be one of {', '.join(SCALES)}; got {self.binary_response_scale!r}."
            )
        if self.binary_response_scale == "logodds" and model.category != "Binomial":
            raise H2OValueError(
                f"The scale logodds needs a model of two classes; {model.key} is a {model.category} model."
            )
        found = outputs_of(model, self.target)
        if len(found) != 1:
            raise H2OValueError(f"target must be one class; got {', '.join(one.name for one in found)}.")
        return found[0]

    def grid(self, model: Model, frame: H2OFrame, column: str, keep: Any = None, missing: bool = False) -> Grid:
        """Return the values of a column; of a factor with many levels the most frequent, and the level `keep`."""
        grid = grid_of(model, frame, [column], nbins=max(self.nbins, 2))
        levels = list(grid.values[0])
        if len(levels) > self.max_levels and isinstance(levels[0], str):
            counts = frame.summaries([column])[column].counts
            order = np.argsort(-np.asarray(counts), kind="stable") if counts is not None else np.arange(len(levels))
            chosen = {levels[k] for k in order[: self.max_levels]} | {keep}
            levels = [level for level in levels if level in chosen]
        return dataclasses.replace(grid, values=((*levels, *([None] if missing else [])),))

    def scaled(self, means: np.ndarray) -> np.ndarray:
        """Return probabilities on the scale that was asked for."""
        if self.binary_response_scale == "response":
            return means
        with np.errstate(divide="ignore"):
            return np.log(means) - np.log1p(-means)

    def of(self, output: Output) -> str:
        """Return what a title says of the class and the rows."""
        parts = [] if self.target is None else [f"with target {label(output.name)}"]
        parts += [] if self.group is None else [label(self.group)]
        return "\n" + ", ".join(parts) if parts else ""

    @property
    def name(self) -> str:
        """What the scale is called along the axis."""
        return "log(odds)" if self.binary_response_scale == "logodds" else "Response"


def pd_plot(model: Model, frame: H2OFrame, column: str, look: Look, row_index: int | None = None) -> Drawing:
    """Return the drawing of the partial dependence on a column, or of the curve of one row."""
    output, value = look.output(model), None
    if row_index is not None:
        value = frame[row_of(frame, row_index), column]
    grid = look.grid(model, frame, column, value)
    (found,) = dependence(model, frame, [grid], [output], row=row_index)
    figure, axes = _axes(look)
    colour = colours(look.colormap, 1)[0]
    plain = row_index is None and look.binary_response_scale == "response"
    means = look.scaled(found.shown[:, 0])
    curve(axes, grid.types[0], grid.values[0], means, found.shown[:, 1] if plain else None, color=colour)
    _mark(axes, grid, value)
    _rug(axes, model, frame, grid, look.show_rug)
    said = "Partial Dependence plot" if row_index is None else f"Individual Conditional Expectation of row {row_index}"
    axes.set(
        title=f"{said} for {label(model.key)}\non column {label(column)}{look.of(output)}",
        xlabel=label(column),
        ylabel=f"Mean {look.name}" if row_index is None else look.name,
    )
    return finished(figure, True, look.save_plot_path)


def pd_multi_plot(
    models: Sequence[Model],
    frame: H2OFrame,
    column: str,
    look: Look,
    row_index: int | None = None,
    markers: Sequence[str] = MARKERS,
) -> Drawing:
    """Return the drawing of the partial dependences of several models on a column."""
    value = None if row_index is None else frame[row_of(frame, row_index), column]
    asked = [(model, look.output(model), look.grid(model, frame, column, value)) for model in models]
    figure, axes = _axes(look)
    shades = colours(look.colormap, len(models))
    for k, (model, output, grid) in enumerate(asked):
        (found,) = dependence(model, frame, [grid], [output], row=row_index)
        marker: dict[str, Any] = (
            {"marker": markers[min(k, len(markers) - 1)]} if isinstance(grid.values[0][0], str) else {}
        )
        curve(axes, grid.types[0], grid.values[0], found.shown[:, 0], color=shades[k], label=label(model.key), **marker)
    _mark(axes, asked[0][2], value)
    _rug(axes, models[0], frame, asked[0][2], look.show_rug)
    said = "Partial Dependence plot" if row_index is None else f"Individual Conditional Expectation of row {row_index}"
    axes.set(
        title=f"{said} for column {label(column)}{look.of(asked[0][1])}",
        xlabel=label(column),
        ylabel="Mean Response" if row_index is None else "Response",
    )
    axes.legend()
    return finished(figure, True, look.save_plot_path)


def ice_plot(
    model: Model, frame: H2OFrame, column: str, look: Look, show_pdp: bool = True, centered: bool = False
) -> Drawing:
    """Return the drawing of the curves of eleven rows, from the smallest response to the largest, and of their mean.

    A mark stands where each row is. `centered` lets the curves over numbers begin at 0.
    """
    output = look.output(model)
    rows = frame[_deciles(model, frame), :]
    grid = look.grid(model, frame, column)
    found = look.scaled(individual(model, rows, grid, output))
    textual = isinstance(grid.values[0][0], str)
    start = found[:, :1] if centered and not textual else np.zeros((len(found), 1))
    figure, axes = _axes(look)
    shades = colours(look.colormap, DECILES)
    own = look.scaled(_response(model, rows, output)) - start[:, 0]
    for k, curve_of_row in enumerate(found - start):
        curve(
            axes,
            grid.types[0],
            grid.values[0],
            curve_of_row,
            color=shades[k],
            label=f"{10 * k}th Percentile",
            markersize=3,
        )
    _mark_rows(axes, grid, rows, own, shades)
    if show_pdp:
        (mean,) = dependence(model, frame, [grid], [output])
        line = look.scaled(mean.shown[:, 0])
        line = line - line[0] if centered and not textual else line
        curve(
            axes,
            grid.types[0],
            grid.values[0],
            line,
            color="black",
            linestyle="--",
            label="Partial Dependence",
        )
    _rug(axes, model, frame, grid, look.show_rug)
    axes.set(
        title=f"Individual Conditional Expectation for {label(model.key)}\non column {label(column)}{look.of(output)}",
        xlabel=label(column),
        ylabel=f"{look.name} difference" if centered and not textual else look.name,
    )
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right center")
    return finished(figure, True, look.save_plot_path)


def groups(frame: H2OFrame, column: str, look: Look) -> Iterator[tuple[H2OFrame, Look]]:
    """Yield the rows of each level of a factor, and how they are drawn: each into a file of its own.

    Raises H2OValueError for a column that is no factor of the frame.
    """
    domain = frame.schema[column].domain if column in frame.names else None
    if domain is None:
        raise H2OValueError(f"grouping_column must be a factor of the frame; got {column!r}.")
    for k, level in enumerate(domain):
        rows = frame[frame[column] == level, :]
        if rows.nrow:
            path = look.save_plot_path
            stem, ending = os.path.splitext(path or "")
            yield (
                rows,
                dataclasses.replace(
                    look, save_plot_path=None if path is None else f"{stem}_{k}{ending}", group=f"{column} = {level}"
                ),
            )


# ---- parts of a drawing ------------------------------------------------------------------------------------------
def _axes(look: Look) -> tuple[Any, Axes]:
    figure = new_figure(look.figsize)
    axes = figure.subplots()
    axes.grid(visible=True)
    return figure, axes


def _mark(axes: Axes, grid: Grid, value: Any) -> None:
    """Draw a line where the row is that is looked at."""
    place = _place(grid, value)
    if place is not None:
        axes.axvline(place, color="black", linestyle=":")


def _place(grid: Grid, value: Any) -> Any:
    """Return where a cell of the column stands along the axis; None for a missing one."""
    if value is None or value != value:
        return None
    if isinstance(grid.values[0][0], str):
        text = str(value)
        return grid.values[0].index(text) if text in grid.values[0] else None
    return positions(grid.types[0], [_number(value)])[0]


def _number(value: Any) -> float:
    return float(value.timestamp() * 1000) if hasattr(value, "timestamp") else float(value)


def _mark_rows(axes: Axes, grid: Grid, rows: H2OFrame, heights: np.ndarray, shades: Sequence[Any]) -> None:
    for value, height, shade in zip(_cells(rows, grid.columns[0]), heights, shades, strict=False):
        place = _place(grid, value)
        if place is not None:
            axes.plot([place], [height], marker="o", markersize=10, alpha=0.5, color=shade, linestyle="")


def _rug(axes: Axes, model: Model, frame: H2OFrame, grid: Grid, rug: bool) -> None:
    """Show behind the curves how often values occur, and with `rug` where some of the rows are."""
    step = max(1, frame.nrow // RUG)
    cells = _cells(frame[np.arange(0, frame.nrow, step).tolist(), :], grid.columns[0])
    places = [place for place in (_place(grid, value) for value in cells) if place is not None]
    if not places:
        return
    behind = axes.twinx()
    textual = isinstance(grid.values[0][0], str)
    bins: Any = np.arange(len(grid.values[0]) + 1) - 0.5 if textual else 20
    behind.hist(places, bins=bins, color="grey", alpha=0.2, zorder=0)
    behind.set_yticks([])
    if rug and not textual:
        low = axes.get_ylim()[0]
        axes.plot(places, np.full(len(places), low), "|", color="black", alpha=0.2, markersize=15)
        axes.set_ylim(bottom=low)


def _cells(frame: H2OFrame, column: str) -> list[Any]:
    table: Any = frame[:, [column]].as_data_frame()
    return [None if value is None or value != value else value for value in table[column].tolist()]


def _deciles(model: Model, frame: H2OFrame) -> list[int]:
    """Return rows of the frame from the smallest response (where it has none: prediction) to the largest."""
    known = model.response is not None and model.response in frame.names
    values: Any = (frame[:, [model.response]] if known else apply.predict(model, frame)[:, 0]).as_data_frame()
    column = values.iloc[:, 0]
    codes = column if column.dtype.kind in "iuf" else column.astype("category").cat.codes
    order = np.argsort(codes.to_numpy(dtype=float, na_value=np.nan), kind="stable")
    return [int(order[round((len(order) - 1) * k / (DECILES - 1))]) for k in range(DECILES)]


def _response(model: Model, rows: H2OFrame, output: Output) -> np.ndarray:
    table: Any = apply.predict(model, rows).as_data_frame()
    return table.iloc[:, output.number + (model.category != "Regression")].to_numpy(float)
