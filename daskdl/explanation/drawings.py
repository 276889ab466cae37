"""Figures of partial dependence: a curve for each column, a map for each pair of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from daskdl.explanation.partial import MISSING, Dependence
from daskdl.metrics.plot import label, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MANY = 6  # names below an axis, from which on they are turned


def draw_dependences(found: Sequence[Dependence], deviations: bool, figsize: tuple[float, float] | None) -> Figure:
    """Return one drawing per dependence, below one another; `deviations` as a band around the means."""
    figure = new_figure(figsize or (8.0, 3.5 * len(found)))
    for axes, one in zip(np.atleast_1d(figure.subplots(len(found))), found, strict=True):
        of = "" if one.output.name == "predict" else f" ({label(one.output.name)})"
        if len(one.grid.columns) == 2:
            _map(axes, one, f"mean response{of}")
        else:
            curve(axes, one.grid.types[0], one.grid.values[0], one.shown[:, 0], one.shown[:, 1] if deviations else None)
            axes.set(xlabel=label(one.grid.columns[0]), ylabel=f"mean response{of}")
            axes.grid(visible=True)
        axes.set_title(f"Partial Dependence of {' and '.join(map(label, one.grid.columns))}")
    return figure


def curve(
    axes: Axes,
    kind: str,
    values: Sequence[Any],
    means: np.ndarray,
    deviations: np.ndarray | None = None,
    **look: Any,
) -> None:
    """Draw means over the values of a column: points over levels, a line over numbers and times.

    A missing number, which has no place on the axis, is a line across.
    """
    if any(isinstance(value, str) for value in values):
        names = [MISSING if value is None else value for value in values]
        places = np.arange(len(names))
        axes.errorbar(places, means, deviations, **{"marker": "o", "capsize": 3, **look, "linestyle": ""})
        name_ticks(axes, names)
        return
    has = np.array([value is not None for value in values])
    places = positions(kind, [value for value in values if value is not None])
    (line,) = axes.plot(places, means[has], **{"marker": "o", "markersize": 3, **look})
    if deviations is not None:
        axes.fill_between(
            places, (means - deviations)[has], (means + deviations)[has], alpha=0.2, color=line.get_color()
        )
    if not has.all():
        axes.axhline(float(means[~has][0]), linestyle=":", color=line.get_color())


def positions(kind: str, values: Sequence[float]) -> np.ndarray:
    """Return where numbers stand on an axis; milliseconds as times."""
    numbers = np.array(values, float)
    return numbers.astype("datetime64[ms]") if kind == "time" else numbers


def name_ticks(axes: Axes, names: Sequence[str], across: bool = True) -> None:
    """Write names along an axis, turned where there are many."""
    axis: Any = axes.xaxis if across else axes.yaxis
    axis.set_ticks(range(len(names)), [label(name) for name in names])
    if across and (len(names) > MANY or max(map(len, names), default=0) > 2 * MANY):
        for tick in axis.get_ticklabels():
            tick.set(rotation=45, horizontalalignment="right", rotation_mode="anchor")


def _map(axes: Axes, one: Dependence, name: str) -> None:
    (first, second), (across, up) = one.grid.columns, one.grid.values
    cells = one.shown[:, 0].reshape(len(across), len(up)).T
    picture = axes.imshow(cells, origin="lower", aspect="auto")
    for values, kind, ax in ((across, one.grid.types[0], True), (up, one.grid.types[1], False)):
        name_ticks(axes, [_said(value, kind) for value in values], ax)
    axes.set(xlabel=label(first), ylabel=label(second))
    figure: Any = axes.figure
    figure.colorbar(picture, ax=axes, label=name)


def _said(value: Any, kind: str) -> str:
    if value is None:
        return "missing"
    if kind == "time":
        return str(np.datetime64(round(value), "ms").astype("datetime64[D]"))
    return value if isinstance(value, str) else f"{value:.4g}"
