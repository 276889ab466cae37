"""Confusion matrices: actual classes down, predicted classes across, with error shares and totals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from daskdl.metrics.curve import Counts, correlation
from daskdl.metrics.table import H2OTwoDimTable


def rate(errors: float, total: float) -> float:
    """Give errors / total, 0 for an empty class."""
    return float(errors / total) if total else 0.0


def class_errors(wrong: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Give each class's share of wrongly predicted weight (classes,), 0 for an empty class."""
    return np.divide(wrong, total, out=np.zeros(len(total)), where=total > 0.0)


class ConfusionMatrix:
    """A two-class confusion matrix at one threshold, as h2o-py shows it.

    `table` has the rows actual negative, actual positive, Total; `to_list()` is [[tn, fp], [fn, tp]].

    Example: `ConfusionMatrix([[3, 1], [0, 2]], ("no", "yes")).to_list() == [[3.0, 1.0], [0.0, 2.0]]`
    """

    def __init__(self, cells: Sequence[Sequence[float]], domain: Sequence[str], title: str | None = None) -> None:
        self.cells = [[float(cell) for cell in row] for row in cells]
        rows = []
        for name, row, right in zip(domain, self.cells, (0, 1), strict=True):
            rows.append([name, *row, rate(row[1 - right], sum(row)), f" ({row[1 - right]:.12g}/{sum(row):.12g})"])
        down = [sum(column) for column in zip(*self.cells, strict=True)]
        wrong = self.cells[0][1] + self.cells[1][0]
        rows.append(["Total", *down, rate(wrong, sum(down)), f" ({wrong:.12g}/{sum(down):.12g})"])
        self.table = H2OTwoDimTable(
            title or "Confusion Matrix (Act/Pred)",
            None,
            ["", *domain, "Error", "Rate"],
            ["string", "double", "double", "double", "string"],
            rows,
        )

    def to_list(self) -> list[list[float]]:
        """Give [[tn, fp], [fn, tp]]; weights count as they are."""
        return [list(row) for row in self.cells]

    def show(self, **_: Any) -> None:
        """Print the table."""
        self.table.show()

    def __repr__(self) -> str:
        return self.table.to_str()

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


def confusion_table(cells: np.ndarray, domain: Sequence[str]) -> H2OTwoDimTable:
    """Build the table of a multinomial confusion matrix, (classes, classes) or (classes + 1, classes).

    An extra row counts the actual labels that are not in the domain; it is shown only where it counts something. The
    first column names the actual class, the last row holds the totals.
    """
    names = [*domain, "(other)"][: len(cells)]
    shown = [at for at in range(len(cells)) if at < len(domain) or cells[at].sum() > 0.0]
    right = [float(cells[at, at]) if at < len(domain) else 0.0 for at in range(len(cells))]
    rows = [_row(names[at], cells[at], right[at]) for at in shown]
    rows.append(_row("Total", cells[shown].sum(axis=0), sum(right)))
    return H2OTwoDimTable(
        "Confusion Matrix",
        "Row labels: Actual class; Column labels: Predicted class",
        ["", *domain, "Error", "Rate"],
        ["string", *["double"] * len(domain), "double", "string"],
        rows,
    )


def _row(name: str, cells: np.ndarray, right: float) -> list[Any]:
    total = float(cells.sum())
    return [name, *map(float, cells), rate(total - right, total), f"{total - right:,.12g} / {total:,.12g}"]


def error_values(cells: Sequence[Sequence[float]]) -> dict[str, float]:
    """Give the scalars that follow from a two-class matrix [[tn, fp], [fn, tp]], by their names in `values()`."""
    (tn, fp), (fn, tp) = cells
    shares = class_errors(np.array([fp, fn]), np.array([tn + fp, fn + tp]))
    error = (fp + fn) / (tn + fp + fn + tp)
    with np.errstate(divide="ignore", invalid="ignore"):
        mcc = correlation(Counts(*(np.asarray(part) for part in (tp, fp, tn, fn))))
    return {
        "err": error,
        "err_count": fp + fn,
        "mcc": float(mcc),
        "max_per_class_error": float(shares.max()),
        "mean_per_class_error": float(shares.mean()),
        "mean_per_class_accuracy": 1.0 - float(shares.mean()),
    }
