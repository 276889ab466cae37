"""Charts of models as Bokeh's JSON, which the browser draws; every number of a chart is in a table of its page, too.

Colours of lines are chosen to be told apart by everyone (Okabe and Ito 2008) on light and on dark ground; those of
axes and text follow the page (static/flow.js).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from bokeh.embed import json_item
from bokeh.models import ColumnDataSource, HoverTool, Range1d, Span
from bokeh.plotting import figure

from daskdl.metrics import METRICS

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#b3a500", "#8a8a8a")
HEIGHT = 320
MOST_POINTS = 2000
APART = 0.08  # of an axis, between two values that are written along it
SIDES = ("training", "validation")
Rows = Sequence[Mapping[str, Any]]
Item = dict[str, Any]


@cache
def _by_rank() -> tuple[str, ...]:
    """Columns of the scoring history, those that training stops by in front."""
    return tuple(one.column for one in sorted(METRICS.values(), key=lambda metric: not metric.default_of))


def curve_metric(rows: Rows) -> str | None:
    """Return the metric that a learning curve shows: the first that the rows have a number of."""
    for name in _by_rank():
        if any(_is_number(row.get(f"{side}_{name}")) for row in rows for side in SIDES):
            return name
    return None


def learning_curve(histories: Sequence[tuple[str, Rows]]) -> Item | None:
    """Return the scoring histories of some models over epochs, or None where nothing was scored."""
    metric = next((found for _, rows in histories if (found := curve_metric(rows))), None)
    if metric is None:
        return None
    drawn = _figure("epochs", metric)
    colour = iter(COLOURS * (1 + 2 * len(histories) // len(COLOURS)))
    for label, rows in histories:
        for side in SIDES:
            column = f"{side}_{metric}"
            points = [(row["epochs"], row[column]) for row in rows if _is_number(row.get(column))]
            if points:
                said = side if len(histories) == 1 else f"{label}, {side}"
                _line(drawn, points, next(colour), said, column)
    return _item(drawn)


def unit_curves(title: tuple[str, str], curves: Sequence[tuple[str, Sequence, Sequence]], diagonal: bool) -> Item:
    """Return curves in the unit square, each a label, x and y; `title` names the axes."""
    drawn = _figure(*title)
    drawn.x_range, drawn.y_range = Range1d(start=-0.02, end=1.02), Range1d(start=-0.02, end=1.05)
    if diagonal:
        drawn.line([0, 1], [0, 1], line_dash="dashed", line_color="#8a8a8a")
    for (label, x, y), colour in zip(curves, COLOURS * (1 + len(curves) // len(COLOURS)), strict=False):
        points = [(0.0, 0.0)] if diagonal else []
        points += [(a, b) for a, b in zip(x, y, strict=True) if _is_number(a) and _is_number(b)]
        _line(drawn, points, colour, label, None)
    drawn.legend.location = "bottom_right" if diagonal else "bottom_left"
    return _item(drawn)


def gains(shares: Sequence[float], columns: Mapping[str, Sequence[float]]) -> Item:
    """Return columns of a gains/lift table over the share of rows."""
    drawn = _figure("share of the rows", "cumulative")
    for (label, values), colour in zip(columns.items(), COLOURS, strict=False):
        _line(drawn, list(zip(shares, values, strict=True)), colour, label.replace("_", " "), None)
    return _item(drawn)


def ranked_bars(names: Sequence[str], values: Sequence[float], what: str) -> Item:
    """Return horizontal bars, the first on top."""
    labels = _unique(names)
    drawn = _figure(what, "", y_range=labels[::-1], height=max(120, 60 + 24 * len(labels)))
    source = ColumnDataSource({"name": labels, "value": list(values)})
    drawn.hbar(y="name", right="value", left=0, height=0.7, source=source, color=COLOURS[0])
    _hover(drawn, [("", "@name"), (what, "@value{0.[0000]}")])
    drawn.x_range.start = 0
    return _item(drawn)


def histogram(edges: Sequence[float], counts: Sequence[float], what: str) -> Item:
    """Return a histogram with these edges, one more than counts."""
    drawn = _figure(what, "rows")
    source = ColumnDataSource({"low": list(edges[:-1]), "high": list(edges[1:]), "rows": list(counts)})
    drawn.quad(left="low", right="high", bottom=0, top="rows", source=source, color=COLOURS[0], line_color=None)
    _hover(drawn, [(what, "@low to @high"), ("rows", "@rows")])
    drawn.y_range.start = 0
    return _item(drawn)


def residuals(predicted: Sequence[float], actual: Sequence[float]) -> Item:
    """Return residuals (actual minus predicted) over predictions, at most 2,000 of them."""
    step = max(1, math.ceil(len(predicted) / MOST_POINTS))
    thinned = list(zip(predicted, actual, strict=True))[::step]
    pairs = [(p, a - p) for p, a in thinned if _is_number(p) and _is_number(a)]
    drawn = _figure("predicted", "actual minus predicted")
    source = ColumnDataSource({"x": [p for p, _ in pairs], "y": [r for _, r in pairs]})
    drawn.scatter("x", "y", source=source, size=5, alpha=0.5, color=COLOURS[0])
    drawn.add_layout(Span(location=0, dimension="width", line_color="#8a8a8a", line_dash="dashed"))
    _hover(drawn, [("predicted", "@x"), ("residual", "@y")])
    return _item(drawn)


def parallel(
    names: Sequence[str],
    models: Sequence[tuple[str, Sequence[float], float]],
    texts: Sequence[Sequence[str]],
) -> Item:
    """Return models as lines over parallel axes, one per name; each has its places in 0..1 and a rank in 0..1.

    `texts` has for each axis the values of the models, in their order: they are written beside it.
    """
    labels = _unique(names)
    drawn = _figure("", "", x_range=labels, height=HEIGHT + 60)
    drawn.y_range = Range1d(start=-0.05, end=1.05)
    drawn.yaxis.visible = False
    source = ColumnDataSource(
        {
            "xs": [labels for _ in models],
            "ys": [list(places) for _, places, _ in models],
            "name": [name for name, _, _ in models],
            "colour": [_shade(rank) for _, _, rank in models],
        }
    )
    drawn.multi_line("xs", "ys", source=source, line_color="colour", line_width=2, line_alpha=0.7, hover_line_width=5)
    _hover(drawn, [("model", "@name")])
    marks = [(label, *mark) for k, label in enumerate(labels) for mark in _marks([m[1][k] for m in models], texts[k])]
    written = ColumnDataSource({name: [mark[k] for mark in marks] for k, name in enumerate(("x", "y", "text"))})
    drawn.text(
        "x", "y", "text", source=written, x_offset=6, text_font_size="11px", text_baseline="middle", level="overlay"
    )
    return _item(drawn)


def _marks(places: Sequence[float], texts: Sequence[str]) -> list[tuple[float, str]]:
    """Return what is written along an axis: the lowest and the highest value, and those that have room between."""
    found = dict(zip(places, texts, strict=True))
    marks = [max(found)]
    for place in sorted(found):
        if all(abs(place - other) >= APART for other in marks):
            marks.append(place)
    return [(place, found[place]) for place in marks]


def _shade(rank: float) -> str:
    """Return a colour between good (0, blue) and bad (1, orange)."""
    good, bad = (0x00, 0x72, 0xB2), (0xE6, 0x9F, 0x00)
    return "#" + "".join(f"{round(g + (b - g) * rank):02x}" for g, b in zip(good, bad, strict=True))


def _figure(x: str, y: str, height: int = HEIGHT, **more: Any) -> Any:
    drawn = figure(
        height=height,
        sizing_mode="stretch_width",
        min_width=200,
        x_axis_label=x,
        y_axis_label=y,
        tools="pan,box_zoom,wheel_zoom,reset,save",
        active_drag=None,
        active_scroll=None,
        background_fill_color=None,
        border_fill_color=None,
        **more,
    )
    drawn.toolbar.logo = None
    drawn.toolbar.autohide = True
    return drawn


def _line(drawn: Any, points: Sequence[tuple[float, float]], colour: str, label: str, name: str | None) -> None:
    """Add a line with its points; a page that follows a job finds the data by the name."""
    source = ColumnDataSource({"x": [x for x, _ in points], "y": [y for _, y in points]}, name=name)
    drawn.line("x", "y", source=source, line_color=colour, line_width=2, legend_label=label)
    if len(points) <= 100:
        drawn.scatter("x", "y", source=source, size=5, color=colour, legend_label=label)
    drawn.legend.background_fill_alpha = 0.0
    drawn.legend.border_line_color = None
    drawn.legend.click_policy = "hide"
    if not any(isinstance(tool, HoverTool) for tool in drawn.tools):
        _hover(drawn, [(str(drawn.xaxis[0].axis_label), "@x"), (str(drawn.yaxis[0].axis_label), "@y")])


def _hover(drawn: Any, tooltips: list[tuple[str, str]]) -> None:
    drawn.add_tools(HoverTool(tooltips=tooltips))


def _unique(names: Sequence[str]) -> list[str]:
    """Return names as categories of an axis, each once."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found


def _item(drawn: Any) -> Item:
    return dict(json_item(drawn))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
