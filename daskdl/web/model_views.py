"""What a page shows of a measurement: its tables, its curves; the same for every source and for new frames."""

from __future__ import annotations

from typing import Any, NamedTuple

from daskdl.metrics import metrics_of
from daskdl.metrics.table import H2OTwoDimTable
from daskdl.web.charts import Item, gains, unit_curves

MOST_ROWS = 40  # of a table that is shown at once


class Drawn(NamedTuple):
    """A chart: heading, one sentence for who cannot see it, and Bokeh's JSON."""

    title: str
    sentence: str
    item: Item


class Table(NamedTuple):
    """A table of results: `numbers` are the positions of columns of numbers; `left_out` rows are not shown."""

    title: str
    header: list[str]
    rows: list[list[Any]]
    numbers: list[int]
    left_out: int = 0


def sources(model: Any) -> list[tuple[str, Any]]:
    """Return the measurements of a model by what they are of, the one that it is judged by first."""
    names = ("cross_validation", "validation", "training")
    found = [(name.replace("_", "-"), getattr(model, f"{name}_metrics")) for name in names]
    return [(name, one) for name, one in found if one is not None]


def values_of(found: Any) -> list[tuple[str, Any]]:
    """Return every metric of a measurement with its words and value."""
    listed = [(metric.label or metric.name, metric.of(found)) for metric in metrics_of(found.category)]
    return [("rows", found.nobs()), *((label, value) for label, value in listed if value is not None)]


def tables(found: Any) -> list[Table]:
    """Return the tables of a measurement: confusion matrix, thresholds, hit ratios, gains, whatever it has."""
    return [table_of(one) for one in found.report() if isinstance(one, H2OTwoDimTable)]


def table_of(found: H2OTwoDimTable, most: int = MOST_ROWS) -> Table:
    """Return a table of results as pages show it."""
    numbers = [at for at, kind in enumerate(found.col_types) if kind != "string"]
    rows = [list(row) for row in found.cell_values]
    return Table(found.title, list(found.col_header), rows[:most], numbers, max(0, len(rows) - most))


def drawings(found: Any) -> list[Drawn]:
    """Return the charts of a measurement of two classes: ROC, precision and recall, gains and lift."""
    if not hasattr(found, "roc"):
        return []
    recall, precision = found.plot(type="pr", plot=False)
    rates = ("false positive rate", "true positive rate")
    drawn = [
        Drawn(
            "ROC curve",
            f"ROC curve, area {found.auc():.4g}",
            unit_curves(rates, [(f"AUC {found.auc():.4g}", *found.roc())], True),
        ),
        Drawn(
            "Precision and recall",
            f"Precision over recall, area {found.aucpr():.4g}",
            unit_curves(("recall", "precision"), [(f"AUCPR {found.aucpr():.4g}", recall, precision)], False),
        ),
    ]
    table = found.gains_lift()
    if table is not None:
        columns = {name: table[name] for name in ("cumulative_lift", "cumulative_capture_rate")}
        item = gains(table["cumulative_data_fraction"], columns)
        drawn.append(Drawn("Gains and lift", "Cumulative lift and capture rate over the share of rows", item))
    return drawn
