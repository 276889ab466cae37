"""The page as a Bokeh document: tables of jobs, workers and layers, curves, and where the time went; read-only.

A reader's choices (a metric, an axis, rows of the table of jobs) change that reader's own document and nothing else.
Names are never taken for HTML: Bokeh sets cells and labels as text, and the legend escapes them.
"""

from __future__ import annotations

import html
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from bokeh.core.properties import without_property_validation
from bokeh.layouts import column, row
from bokeh.models import (
    ColumnDataSource,
    CustomJS,
    DataTable,
    Div,
    FactorRange,
    HoverTool,
    HTMLTemplateFormatter,
    NumberFormatter,
    RadioButtonGroup,
    Range1d,
    Select,
    StringFormatter,
    TableColumn,
)
from bokeh.plotting import figure

from daskdl.coordinator.report import LATER, PARTS_OF_TIME, YOUNG
from daskdl.page import columns
from daskdl.page.board import Board, Job
from daskdl.page.columns import AXES, Columns, WorkerFacts

COLOURS_OF_PARTS = ("#2ca02c", "#1f77b4", "#9467bd", "#d9d9d9")
WIDE: dict[str, Any] = {"sizing_mode": "stretch_width"}
# The cell is a number that the board has read, and Underscore escapes what stands in <%- %>.
BAR = '<div style="background: #cfe2f3; width: <%- value %>%; white-space: nowrap"><%- value %> %</div>'
SLACK = 0.5  # seconds by which the clock that calls for updates may be early
SLOW = 5.0  # seconds between two looks at curves and layers: scorings have that distance (score_interval)
# Bokeh draws a table anew where its rows are others, not where the same number of rows has other values.
REDRAW = "view.change.emit()"

JOBS = (
    ("model", "model", 220),
    ("state", "state", 90),
    ("progress", "progress", 90),
    ("rounds", "rounds", 60),
    ("epochs", "epochs", 70),
    ("speed", "samples/s", 80),
    ("elapsed", "elapsed", 70),
    ("left", "time left", 70),
    *((part, f"{part} %", 80) for part in PARTS_OF_TIME),
    ("said", "last event", 420),
)
WORKERS = (
    ("worker", "worker", 220),
    ("state", "state", 120),
    ("threads", "threads", 60),
    ("cpu", "CPU %", 60),
    ("memory", "memory MiB", 90),
    ("limit", "limit MiB", 80),
    ("spilled", "spilled MiB", 80),
    ("chunks", "chunks", 60),
    ("partitions", "partitions", 70),
    ("samples", "samples", 90),
    ("speed", "samples/s", 80),
    ("lost", "lost shares", 80),
    ("rerun", "re-run shares", 90),
)
LAYERS = (
    ("model", "model", 220),
    ("layer", "layer", 50),
    ("type", "type", 100),
    ("units", "units", 70),
    ("mean_weight", "mean weight", 100),
    ("weight_rms", "weight RMS", 100),
    ("mean_bias", "mean bias", 100),
    ("bias_rms", "bias RMS", 100),
)
TEXTS = frozenset(("model", "state", "elapsed", "left", "said", "worker", "type"))
FORMS = {
    **dict.fromkeys(("mean_weight", "weight_rms", "mean_bias", "bias_rms"), "0.0000"),
    **dict.fromkeys(PARTS_OF_TIME, "0.0"),
    "epochs": "0,0.00",
}


class Page:
    """One reader's view of a board; `root` is its Bokeh model, and `update` brings it up to date.

    `workers` returns what is known of the workers now. Nothing is sent to the browser where nothing has changed.
    """

    def __init__(self, board: Board, workers: Callable[[], Sequence[WorkerFacts]]):
        self._board = board
        self._workers = workers
        self._drawn: Any = None  # what the curves were drawn from ...
        self._drawn_at = 0.0  # ... and when
        self._changes: Any = None  # scorings of the jobs then
        self._points: columns.Drawn = {}
        self._busy, self._shown_at = False, 0.0
        self.jobs, jobs = _table("jobs", JOBS, columns.jobs_columns(board, time.time()), height=200, selectable=True)
        self.times, self._bars = _bars()
        self.curves, self._figure = _curves()
        self.workers, workers_table = _table("workers", WORKERS, columns.worker_columns([], []), height=180)
        self.layers, layers = _table("layers", LAYERS, columns.layer_columns([]), height=200)
        self._legend = _legend("legend", [])
        self._metric = Select(title="Metric", value="", options=[], width=220, name="metric")
        self._axis = RadioButtonGroup(labels=list(AXES), active=0, name="axis")
        for control, what in ((self._metric, "value"), (self._axis, "active"), (self.jobs.selected, "indices")):
            control.on_change(what, self._choose)
        parts = [
            _heading("Jobs", "Choose rows to see only these below; otherwise the newest ten are shown."),
            jobs,
            _heading("Scoring history", "Solid: training rows. Dashed: validation rows."),
            row(self._metric, column(Div(text="Over", margin=(5, 5, 0, 5)), self._axis), styles={"flex-wrap": "wrap"}),
            self._legend,
            self._figure,
            _heading("Where the time went", "Share of each job's time, in percent."),
            _legend("parts", zip(PARTS_OF_TIME, COLOURS_OF_PARTS, strict=True)),
            self._bars,
            _heading("Workers", "Samples, shares and partitions of the jobs shown."),
            workers_table,
            _heading("Layers", "After the last round of each job shown."),
            layers,
        ]
        self.root = column(parts, name="daskdl", **WIDE)
        self.update()

    def _choose(self, attr: str, old: Any, new: Any) -> None:
        """Follow a choice of the reader; Bokeh tells of those that `update` makes, too."""
        if not self._busy:
            self.update()

    def follow(self) -> None:
        """Show what the board holds now; less often where no job has begun of late: then they report less often."""
        jobs = self._board.jobs.values()
        young = any(not job.over and job.report["seconds"] < YOUNG for job in jobs)
        if young or time.monotonic() - self._shown_at >= LATER - SLACK:
            self.update()

    def update(self) -> None:
        """Show what the board holds now."""
        self._shown_at = time.monotonic()
        self._busy = True
        try:
            self._update()
        finally:
            self._busy = False

    @without_property_validation
    def _update(self) -> None:
        board, now = self._board, time.time()
        keys = self._chosen()
        jobs = columns.chosen_jobs(board, keys)
        self._show_jobs(columns.jobs_columns(board, now), keys)
        self._show_slowly(jobs)
        times = columns.time_columns(jobs)
        if self.times.data["name"] != times["name"]:
            self._bars.y_range.factors = times["name"][::-1]
            self._bars.height = 70 + 26 * len(jobs)
        _show(self.times, times)
        _show(self.workers, columns.worker_columns(self._workers(), jobs))

    def _chosen(self) -> list[str]:
        """Return the keys of the jobs whose rows are chosen; the browser says which rows, so they may not exist."""
        keys = list(self.jobs.data["job"])
        return [keys[i] for i in self.jobs.selected.indices if isinstance(i, int) and 0 <= i < len(keys)]

    def _show_jobs(self, table: Columns, chosen: list[str]) -> None:
        _show(self.jobs, table)
        places = [table["job"].index(key) for key in chosen if key in table["job"]]
        if self.jobs.selected.indices != places:  # rows move when jobs come and go
            self.jobs.selected.indices = places

    def _show_slowly(self, jobs: list[Job]) -> None:
        """Show curves and layers: after a choice or a new job at once, else now and then."""
        metrics = self._board.metrics
        if self._metric.options != metrics:
            self._metric.options = list[Any](metrics)
        if self._metric.value not in metrics:
            self._metric.value = metrics[0] if metrics else ""
        active = self._axis.active
        axis = AXES[active] if isinstance(active, int) and 0 <= active < len(AXES) else AXES[0]
        metric = self._metric.value
        drawn, now = (metric, axis, [job.place for job in jobs]), time.monotonic()
        if drawn != self._drawn or now - self._drawn_at >= SLOW:
            self._drawn, self._drawn_at = drawn, now
            _show(self.layers, columns.layer_columns(jobs))
            if self._legend.text != (text := _chips(columns.legend(jobs))):
                self._legend.text = text
            self._figure.xaxis.axis_label, self._figure.yaxis.axis_label = axis, metric
            changes = (drawn, [job.changes for job in jobs])
            if changes != self._changes:
                self._changes = changes
                self.curves.data = columns.curve_columns(jobs, metric, axis, self._points)


def _show(source: ColumnDataSource, table: Columns) -> None:
    if source.data != table:
        source.data = table


def _heading(text: str, more: str) -> Div:
    return Div(text=f"<b>{text}</b> <span style='color: #666'>{more}</span>", margin=(12, 5, 0, 5))


def _legend(name: str, entries: Iterable[tuple[str, str]]) -> Div:
    """Return names beside their colours, in as many lines as it takes: Bokeh's own leave a phone no room for curves."""
    return Div(text=_chips(entries), name=name, disable_math=True, margin=(5, 5, 0, 5), **WIDE)


def _chips(entries: Iterable[tuple[str, str]]) -> str:
    chips = (
        f"<span style='white-space: nowrap; margin-right: 14px'><span style='color: {colour}'>&#9632;</span> "
        f"{html.escape(name)}</span> "
        for name, colour in entries
    )
    return "".join(chips)


def _table(
    name: str, fields: Sequence[tuple[str, str, int]], empty: Columns, height: int, selectable: bool = False
) -> tuple[ColumnDataSource, DataTable]:
    source = ColumnDataSource(empty, name=name)
    shown = [
        TableColumn(field=field, title=title, width=width, formatter=_formatter(field))
        for field, title, width in fields
    ]
    table = DataTable(
        source=source,
        columns=shown,
        height=height,
        index_position=None,
        selectable="checkbox" if selectable else False,
        autosize_mode="none",
        reorderable=False,
        **WIDE,
    )
    source.js_on_change("data", CustomJS(args={"view": table.view}, code=REDRAW))
    return source, table


def _formatter(field: str) -> StringFormatter | NumberFormatter | HTMLTemplateFormatter:
    if field == "progress":
        return HTMLTemplateFormatter(template=BAR)
    if field in TEXTS:
        return StringFormatter()
    form = FORMS.get(field, "0,0")
    return NumberFormatter(format=form, text_align="right", nan_format="-", null_format="-")


def _curves() -> tuple[ColumnDataSource, Any]:
    source = ColumnDataSource({name: [] for name in ("xs", "ys", "label", "colour", "dash")}, name="curves")
    drawing = figure(height=320, tools="pan,wheel_zoom,box_zoom,reset,save", toolbar_location="above", **WIDE)
    lines = drawing.multi_line("xs", "ys", source=source, color="colour", line_dash="dash", line_width=2)
    tips = [("", "@label"), ("x", "$data_x"), ("y", "$data_y")]  # @label is escaped
    drawing.add_tools(HoverTool(renderers=[lines], tooltips=tips, line_policy="nearest"))
    return source, drawing


def _bars() -> tuple[ColumnDataSource, Any]:
    source = ColumnDataSource({name: [] for name in ("name", *PARTS_OF_TIME)}, name="times")
    drawing = figure(
        y_range=FactorRange(), x_range=Range1d(start=0, end=100), height=96, tools="hover", toolbar_location=None,
        tooltips=[("", "@name"), *((part, f"@{part}{{0.0}} %") for part in PARTS_OF_TIME)], **WIDE,
    )  # fmt: skip
    drawing.hbar_stack(
        list(PARTS_OF_TIME),
        y="name",
        height=0.7,
        color=list(COLOURS_OF_PARTS),
        source=source,
    )
    drawing.xaxis.axis_label = "percent"
    return source, drawing
