"""The printed report of a model, in H2O's order: details, status, metrics of each source, cross-validation, history."""

import html
from typing import Any

from daskdl.metrics.table import H2OTwoDimTable

Part = str | H2OTwoDimTable


def report(model: Any, class_name: str, verbosity: str | None = None) -> list[Part]:
    """Return the report of a trained model as lines of text and tables.

    `verbosity` short gives the name, medium the layers, too, full (or None) all there is.
    """
    head = f"{class_name} : Deep Learning\nModel Key: {model.key}\n"
    if verbosity == "short":
        return [head]
    if verbosity == "medium":
        return [head, model.status_table()]
    parts: list[Part] = [f"Model Details\n=============\n{head}", model.status_table()]
    for metrics in (model.training_metrics, model.validation_metrics, model.cross_validation_metrics):
        if metrics is not None:
            parts += metrics.report()
    if "cross_validation_metrics_summary" in model.extras:
        parts.append(model.extras["cross_validation_metrics_summary"])
    parts.append(model.history.table())
    importances = importance_table(model)
    return parts if importances is None else [*parts, importances]


def importance_table(model: Any) -> H2OTwoDimTable | None:
    """Return the variable importances as a table; None where there are none."""
    rows = model.importances()
    if not rows:
        return None
    columns = ["variable", "relative_importance", "scaled_importance", "percentage"]
    cells = [list(row) for row in rows]
    return H2OTwoDimTable("Variable Importances", "", columns, ["string", "double", "double", "double"], cells)


def as_text(parts: list[Part]) -> str:
    """Return the report as one text; long tables are cut in the middle."""
    return "\n\n".join(part.strip("\n") if isinstance(part, str) else part.to_str() for part in parts)


def as_html(parts: list[Part]) -> str:
    """Return the report for a notebook."""
    pieces = (f"<pre>{html.escape(p)}</pre>" if isinstance(p, str) else p._repr_html_() for p in parts)
    return "<div>" + "".join(pieces) + "</div>"
