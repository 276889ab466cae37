"""Drawings of contributions: over many rows, and of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from daskdl.explanation.attribution import BIAS, COMPACT, Features
from daskdl.explanation.contributions import contributions
from daskdl.explanation.partial import row_of
from daskdl.metrics.plot import Drawing, colour_scale, finished, label, new_figure
from daskdl.model.model import Model
from frames.exceptions import H2OValueError
from frames.frame import H2OFrame

KINDS = ("barplot", "breakdown")
SIGNS = ("both", "positive", "negative")
REST = "Remaining Features"
BINS = 100


def shap_summary_plot(
    model: Model,
    frame: H2OFrame,
    background: H2OFrame,
    *,
    columns: Sequence[Any] | None = None,
    top_n: int = 20,
    samples: int | None = 1000,
    colorize_factors: bool = True,
    alpha: float = 1.0,
    colormap: str | None = None,
    figsize: Sequence[float] = (12, 12),
    jitter: float = 0.35,
    save_plot_path: str | None = None,
    target: str | None = None,
    seed: int = 0,
) -> Drawing:
    """Return the drawing of the contributions of each column, a point per row, coloured by the column's value."""
    draw = np.random.default_rng(seed)
    if samples is not None and samples < frame.nrow:
        frame = frame[np.sort(draw.choice(frame.nrow, samples, replace=False)).tolist(), :]
    found = _table(contributions(model, frame, background, output_format=COMPACT, target=target)).drop(columns=BIAS)
    sizes = found.abs().mean()
    chosen = _chosen(model, frame, columns) if columns is not None else list(sizes.sort_values().index)
    chosen = chosen if columns is not None or top_n < 0 else chosen[-top_n:]
    known = _known(model, frame, chosen)
    figure = new_figure(figsize)
    axes = figure.subplots()
    axes.axvline(0, color="black")
    axes.grid(visible=True)
    shades: Any = colour_scale(colormap, ["#00AAEE", "#FF1166"])
    order = draw.permutation(len(found))  # rows that are sorted would lie upon one another
    points: Any = None
    for k, name in enumerate(chosen):
        values = found[name].to_numpy()[order]
        height = k + _density(values) * draw.uniform(-jitter, jitter, len(values))
        colour = _ranks(known[name])[order] if name in known else np.full(len(values), 0.5)
        if not colorize_factors and model.encoder.domains.get(name) is not None:
            colour = np.full(len(values), 0.5)
        colour = np.where(np.isnan(colour), 0.5, colour)
        points = axes.scatter(values, height, c=colour, cmap=shades, vmin=0, vmax=1, alpha=alpha, s=12)
    if points is not None:
        figure.colorbar(points, ax=axes, label="Normalized feature value")
    axes.set_yticks(range(len(chosen)), [label(name) for name in chosen])
    axes.set(xlabel="SHAP value", ylabel="Feature", title=f"SHAP Summary plot for {label(model.key)}")
    return finished(figure, True, save_plot_path)


def shap_explain_row_plot(
    model: Model,
    frame: H2OFrame,
    background: H2OFrame,
    row_index: int,
    *,
    columns: Sequence[Any] | None = None,
    top_n: int = 10,
    figsize: Sequence[float] = (16, 9),
    plot_type: str = "barplot",
    contribution_type: str = "both",
    save_plot_path: str | None = None,
    target: str | None = None,
) -> Drawing:
    """Return the drawing of one row's contributions: bars by size, or a way from the bias to the prediction."""
    if plot_type not in KINDS:
        raise H2OValueError(f"plot_type must be one of {', '.join(KINDS)}; got {plot_type!r}.")
    if contribution_type not in SIGNS:
        raise H2OValueError(f"contribution_type must be one of {', '.join(SIGNS)}; got {contribution_type!r}.")
    row = frame[[row_of(frame, row_index)], :]
    found = _table(contributions(model, row, background, output_format=COMPACT, target=target)).iloc[0]
    shares = found.drop(BIAS)
    chosen = None if columns is None else shares[[name for name in _chosen(model, frame, columns) if name in shares]]
    figure = new_figure(figsize)
    axes = figure.subplots()
    axes.set_axisbelow(True)
    axes.grid(visible=True)
    if plot_type == "barplot":
        signs = {"both": (1, -1), "positive": (1,), "negative": (-1,)}[contribution_type]
        shown = _bars(shares, top_n, signs) if chosen is None else chosen.sort_values()
        cells = _known(model, row, list(shown.index))
        names = [f"{label(name)}={label(cells[name][0])}" if name in cells else label(name) for name in shown.index]
        axes.barh(range(len(shown)), shown.to_numpy(), color="#b3ddf2")
        axes.axvline(0, color="black")
        axes.set_yticks(range(len(shown)), names)
    else:
        _way(
            axes, shares if chosen is None else chosen, shares, float(found[BIAS]), len(shares) if top_n < 0 else top_n
        )
    said = f"SHAP explanation for {label(model.key)} on row {row_index}\nprediction: {found.sum():.6g}"
    axes.set(xlabel="SHAP value", ylabel="Feature", title=said)
    return finished(figure, True, save_plot_path)


def _bars(shares: pd.Series, top_n: int, signs: Sequence[int]) -> pd.Series:
    """Return the largest shares of each sign, in rising order."""
    count = len(shares) if top_n < 0 else top_n
    sides = [shares[shares >= 0] if sign > 0 else shares[shares < 0] for sign in signs]
    largest = [side[side.abs().sort_values(ascending=False, kind="stable").index[:count]] for side in sides]
    return pd.concat(largest).sort_values()


def _way(axes: Any, chosen: pd.Series, shares: pd.Series, bias: float, top_n: int) -> None:
    """Draw bars one after another from the bias to the prediction, the largest at the top."""
    order = chosen.abs().sort_values(ascending=False, kind="stable").index
    shown = chosen[order[:top_n]]
    rest = shares.drop(shown.index)
    if len(rest):
        shown = pd.concat([shown, pd.Series({REST: rest.sum()})])
    shown = shown[::-1]
    starts = bias + np.concatenate([[0.0], shown.cumsum().to_numpy()[:-1]])
    axes.barh(range(len(shown)), shown.to_numpy(), left=starts, color=["green" if v >= 0 else "red" for v in shown])
    axes.set_yticks(range(len(shown)), [label(name) for name in shown.index])
    axes.axvline(bias + shown.sum(), label="Prediction")
    axes.axvline(bias, linestyle=":", color="grey", label="Bias")
    axes.legend()


def _chosen(model: Model, frame: H2OFrame, columns: Sequence[Any]) -> list[str]:
    """Return the features that stand for columns, given by name or position."""
    names = [columns] if isinstance(columns, str) else columns
    wanted = [frame.names[one] if isinstance(one, int) else one for one in names]
    features = Features.of(model.encoder, COMPACT).names
    strange = [name for name in wanted if name not in features]
    if strange:
        raise H2OValueError(f"columns must be predictors of the model ({', '.join(features[:10])}); got {strange[0]}.")
    return wanted


def _known(model: Model, frame: H2OFrame, names: Sequence[str]) -> dict[str, list[Any]]:
    """Return the cells of those features that are columns of the frame."""
    there = [name for name in names if name in frame.names]
    if not there:
        return {}
    table = _table(frame[:, there])
    return {name: table[name].tolist() for name in there}


def _table(frame: H2OFrame) -> pd.DataFrame:
    found: Any = frame.as_data_frame()
    return found


def _density(values: np.ndarray) -> np.ndarray:
    """Return how many values are near each one, the most being 1."""
    counts, edges = np.histogram(values, BINS)
    at = np.clip(np.digitize(values, edges[1:-1]), 0, BINS - 1)
    return counts[at] / max(counts.max(), 1)


def _ranks(values: Sequence[Any]) -> np.ndarray:
    """Return each value's share among the ranks, 0 to 1; missing NaN."""
    column = pd.Series(values)
    if column.dtype == object or isinstance(column.dtype, pd.StringDtype):
        column = column.astype("category").cat.codes.replace(-1, np.nan)
    ranks = column.rank(method="average").to_numpy(float)
    low, high = (np.nanmin(ranks), np.nanmax(ranks)) if np.isfinite(ranks).any() else (0.0, 0.0)
    return (ranks - low) / (high - low) if high > low else np.full(len(ranks), 0.5)
