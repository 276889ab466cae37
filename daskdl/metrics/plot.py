"""Drawings of a measurement: ROC, precision-recall, gains and lift."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

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


def new_figure() -> Figure:
    """Give an empty figure that belongs to no window."""
    from matplotlib.figure import Figure  # matplotlib takes a second to import, and most sessions never draw

    return Figure(figsize=(8.0, 6.0), layout="constrained")


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


_figure, _done = new_figure, finished
