"""Drawings of a measurement: ROC, precision-recall, gains and lift."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from daskdl.metrics.table import H2OTwoDimTable
from frames.exceptions import H2OValueError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Drawing:
    """A drawn figure: `figure()` gives it for further work; a notebook shows it by itself."""

    def __init__(self, figure: Figure) -> None:
        self._figure = figure

    def figure(self) -> Figure:
        """Give the matplotlib figure."""
        return self._figure

    def _repr_png_(self) -> bytes:
        picture = io.BytesIO()
        self._figure.savefig(picture, format="png")
        return picture.getvalue()


def draw_lines(
    x: list[float],
    y: list[float],
    labels: tuple[str, str, str, str, float],
    *,
    diagonal: bool,
    server: bool,
    save_plot_path: str | None,
) -> Drawing:
    """Draw one curve in the unit square; `labels` are x, y, title, name of the area, area."""
    figure = new_figure()
    axes = figure.subplots()
    across, up, title, name, area = labels
    if diagonal:
        axes.plot([0.0, 1.0], [0.0, 1.0], linestyle="--", color="grey")
        x, y = [0.0, *x], [0.0, *y]
    axes.plot(x, y)
    axes.set(xlabel=across, ylabel=up, title=f"{title}\n{name} = {area:.6g}", xlim=(-0.02, 1.02), ylim=(-0.02, 1.05))
    axes.grid(visible=True)
    return finished(figure, server, save_plot_path)


def draw_gains(table: H2OTwoDimTable, kind: str, *, server: bool, save_plot_path: str | None) -> Drawing:
    """Draw columns of a gains/lift table over the cumulative share of rows; `kind` is gains, lift or both."""
    columns = {"gains": "cumulative_capture_rate", "lift": "cumulative_lift"}
    if kind != "both" and kind not in columns:
        raise H2OValueError(f'type must be "gains", "lift" or "both"; got {kind!r}.')
    chosen = list(columns) if kind == "both" else [kind]
    figure = new_figure()
    axes = figure.subplots()
    for name in chosen:
        axes.plot(
            table["cumulative_data_fraction"], table[columns[name]], marker="o", markersize=3, label=columns[name]
        )
    axes.set(xlabel="cumulative data fraction", title="Gains/Lift")
    axes.grid(visible=True)
    axes.legend()
    return finished(figure, server, save_plot_path)


def new_figure(size: Sequence[float] = (8.0, 6.0)) -> Figure:
    """Give an empty figure of so many inches that belongs to no window; H2OValueError where they are no size."""
    from matplotlib.figure import Figure  # matplotlib takes a second to import, and most sessions never draw

    width, height = _inches(size)
    return Figure(figsize=(width, height), layout="constrained")


def _inches(size: Sequence[float]) -> tuple[float, float]:
    try:
        width, height = (float(one) for one in size)
    except (TypeError, ValueError) as error:
        raise H2OValueError(f"figsize must be two numbers, width and height in inches; got {size!r}.") from error
    if not (0 < width < 1000 and 0 < height < 1000):
        raise H2OValueError(f"figsize must be a width and a height in inches above 0; got {size!r}.")
    return width, height


def finished(figure: Figure, server: bool, save_plot_path: str | None) -> Drawing:
    """Write a figure to a file if asked, show it in a window unless `server` or there is no display; give it back."""
    if save_plot_path is not None:
        figure.savefig(save_plot_path)
    if not server:
        _open_window(figure)
    return Drawing(figure)


def _open_window(figure: Figure) -> None:
    """Show the figure where the session has an interactive backend; elsewhere the returned drawing is all there is."""
    import matplotlib
    from matplotlib.backends import BackendFilter, backend_registry

    backend = matplotlib.get_backend()
    if backend.lower() not in {name.lower() for name in backend_registry.list_builtin(BackendFilter.INTERACTIVE)}:
        return
    import matplotlib.pyplot as plt

    shell = plt.figure()
    manager = shell.canvas.manager
    if manager is not None:
        manager.canvas.figure = figure
        figure.set_canvas(manager.canvas)
        plt.show()


def label(text: object) -> str:
    """Return a text as matplotlib should show it: dollars are no formulas, and a first underscore hides nothing.

    >>> print(label("$a$"))
    \\$a\\$
    """
    shown = str(text).replace("$", r"\$")
    return f" {shown}" if shown.startswith("_") else shown


def colour_scale(name: str | None, ends: Sequence[str] = ()) -> Any:
    """Return matplotlib's colormap of this name; None gives one between the colours `ends`.

    Raises H2OValueError for a name that matplotlib does not know.
    """
    from matplotlib import colormaps
    from matplotlib.colors import LinearSegmentedColormap

    if name is None:
        return LinearSegmentedColormap.from_list("ends", list(ends))
    if name not in colormaps:
        raise H2OValueError(f"colormap must be one of matplotlib's, such as Dark2 or plasma; got {name!r}.")
    return colormaps[name]


def colours(name: str, count: int) -> list[Any]:
    """Return so many colours of a colormap: those of a list in turn, or spread over a scale."""
    scale = colour_scale(name)
    listed = getattr(scale, "colors", None)
    if listed is not None and len(listed) < 64:  # a list of colours that are told apart
        return [listed[k % len(listed)] for k in range(count)]
    return [scale(k / max(count - 1, 1)) for k in range(count)]


_figure, _done = new_figure, finished
