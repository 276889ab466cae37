"""A model card: what a reader of a report wants to know of a model, as Markdown or HTML (Mitchell et al. 2019)."""

from __future__ import annotations

import hashlib
import html
import json
import math
import platform
import re
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from daskdl.export.targets.base import Writer
from daskdl.model.model import Model
from daskdl.parameters import Parameters
from daskdl.parameters.declared import plain

VERSIONS = ("daskdl", "dask", "numpy", "numba", "pandas")
SHOWN = 30  # rows of a table; more are counted
LEVELS = 5  # of a category
META = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
STYLE = (
    ":root{color-scheme:light dark} body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;"
    "padding:0 1rem} table{border-collapse:collapse;display:block;overflow-x:auto} td,th{border:1px solid #8886;"
    "padding:.2rem .6rem;text-align:left}"
)
FOR_YOU = "_To be filled in: {}_"
Cells = list[list[str]]


class Card(Writer):
    """A document about a model; Markdown, or HTML where the file's name ends in .html."""

    name = "card"
    sentence = "a model card in Markdown, or in HTML where the path ends in .html"
    ending = ".md"

    def files_of(self, model: Model, path: str, **_: Any) -> dict[str, bytes]:
        """Return the card."""
        place = self.place(model.key, path)
        write = _page if place.lower().endswith((".html", ".htm")) else _markdown
        return {place: write(model.key, _sections(model)).encode()}


def _sections(model: Model) -> list[tuple[str, list[Any]]]:
    """Return (heading, paragraphs and tables); a table is a list of rows, the first its header."""
    return [
        ("What it is", [_facts(model)]),
        ("Intended use", [FOR_YOU.format("what it is for, who uses it, and what it must not be used for.")]),
        ("Data", [_data(model), _columns(model)]),
        ("Parameters", [*_parameters(model)]),
        ("Metrics", _metrics(model)),
        ("Importance of variables", [_importances(model)]),
        ("Scoring history", [_history(model)]),
        ("Limits", [FOR_YOU.format("groups that it serves less well, and what was not tested."), *model.warnings]),
        ("Made with", [_versions()]),
    ]


def _facts(model: Model) -> Cells:
    layout = model.layout
    sizes = " - ".join(map(str, [layout.inputs, *layout.hidden, layout.outputs]))
    rows = [
        ["Fact", "Value"],
        ["Model", model.key],
        ["Kind", f"{model.category}, a feed-forward network"],
        ["Layers", f"{sizes} ({layout.size} weights), {model.resolved.activation.name}"],
        ["Trained", _moment(model.end_time)],
        ["Epochs", f"{model.epochs:.6g} ({model.samples} samples)"],
    ]
    return rows + [
        [name.replace("_", " ").capitalize(), str(value)] for name, value in model.notes.items() if _is_plain(value)
    ]


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _data(model: Model) -> Cells:
    known = json.dumps(model.encoder.to_dict(), sort_keys=True, default=str)
    plan = (model.progress or {}).get("plan", {})
    rows = sum(plan.get("rows", ()))
    return [
        ["Fact", "Value"],
        ["Training frame", str(plain(model.parameters.training_frame) or FOR_YOU.format("where it came from"))],
        ["Rows", str(rows) if rows > 1 else "unknown"],
        ["Predictors", str(len(model.encoder.columns))],
        ["Response", str(model.response or "none")],
        ["Fingerprint (SHA-256 of columns, levels and scales)", hashlib.sha256(known.encode()).hexdigest()],
    ]


def _columns(model: Model) -> Cells:
    scales = {one.column: one for one in model.encoder.numbers if one.values is None}
    rows = [["Column", "Type", "Levels, or mean and spread"]]
    for column in model.encoder.columns:
        if column.domain is not None:
            more = f", ... ({len(column.domain)})" if len(column.domain) > LEVELS else ""
            rows.append([column.name, column.type, ", ".join(column.domain[:LEVELS]) + more])
            continue
        one = scales.get(column.name)
        told = "" if one is None or one.mul == 1.0 else f"{_number(one.fill)}, {_number(1.0 / one.mul)}"
        rows.append([column.name, column.type, told])
    return rows


def _parameters(model: Model) -> list[Any]:
    default, rows = Parameters(), [["Parameter", "Given", "Used"]]
    for name, used in model.resolved.actual.to_dict().items():
        given = plain(getattr(model.parameters, name))
        if given != plain(getattr(default, name)) or used != given:
            rows.append([name, _said(given), _said(used)])
    return [rows, "All others have their defaults.", *model.resolved.changes]


def _metrics(model: Model) -> list[Any]:
    sources = {
        "Training": model.training_metrics,
        "Validation": model.validation_metrics,
        "Cross-validation": model.cross_validation_metrics,
    }
    found = {name: one.values() for name, one in sources.items() if one is not None}
    if not found:
        return ["No metrics were measured."]
    names = list(dict.fromkeys(name for values in found.values() for name in values))
    rows = [["Metric", *found]]
    for name in names:
        cells = [values.get(name) for values in found.values()]
        if any(isinstance(cell, int | float) and math.isfinite(cell) for cell in cells):
            rows.append([name, *map(_said, cells)])
    return [rows]


def _importances(model: Model) -> Any:
    found = model.importances()
    if not found:
        return "They were switched off (variable_importances)."
    return [
        ["Variable", "Scaled", "Share"],
        *([name, f"{scaled:.4f}", f"{share:.2%}"] for name, _, scaled, share in found),
    ]


def _history(model: Model) -> Any:
    if not len(model.history):
        return "None was recorded."
    table = model.history.table()
    cells = zip(*table.cell_values, strict=True)
    columns = [[name, *map(_said, column)] for name, column in zip(table.col_header, cells, strict=True)]
    told = [column for column in columns if any(column[1:])]
    return [list(row) for row in zip(*told, strict=True)]


def _versions() -> Cells:
    rows = [["Package", "Version"], ["Python", platform.python_version()]]
    return rows + [[name, metadata.version(name)] for name in VERSIONS]


def _moment(milliseconds: int) -> str:
    if not milliseconds:
        return "unknown"
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _number(value: float) -> str:
    return f"{value:.6g}" if math.isfinite(value) else "unknown"


def _said(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


# ---- two ways of writing -----------------------------------------------------------------------------------------
def _markdown(title: str, sections: list[tuple[str, list[Any]]]) -> str:
    lines = [f"# Model card: {_escaped(title)}", ""]
    for heading, parts in sections:
        lines += [f"## {heading}", ""]
        for part in parts:
            lines += [*_markdown_table(part), ""] if isinstance(part, list) else [_paragraph(part), ""]
    return "\n".join(lines)


def _markdown_table(rows: Cells) -> list[str]:
    head, *body = [[_escaped(cell) for cell in row] for row in rows]
    cut = [[f"... {len(body) - SHOWN} more", *[""] * (len(head) - 1)]] if len(body) > SHOWN else []
    return [f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *body[:SHOWN], *cut]]


def _paragraph(text: str) -> str:
    return text if text.startswith("_To be") else _escaped(text)


def _escaped(text: str) -> str:
    r"""Return a text that Markdown and the HTML in it show as it is, on one line.

    >>> _escaped("a|b <i>")
    'a\\|b &lt;i&gt;'
    """
    return re.sub(r"([\\`*_{}\[\]|~#])", r"\\\1", html.escape(" ".join(str(text).split()), quote=False))


def _page(title: str, sections: list[tuple[str, list[Any]]]) -> str:
    body = [f"<h1>Model card: {html.escape(title)}</h1>"]
    for heading, parts in sections:
        body.append(f"<h2>{html.escape(heading)}</h2>")
        body += [_html_table(one) if isinstance(one, list) else _html_paragraph(one) for one in parts]
    head = f"{META}<title>Model card: {html.escape(title)}</title>"
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}<style>{STYLE}</style></head><body>\n'
        + "\n".join(body)
        + "\n</body></html>\n"
    )


def _html_paragraph(text: str) -> str:
    return f"<p>{html.escape(text.strip('_'))}</p>"


def _html_table(rows: Cells) -> str:
    head, *body = rows
    cut = [[f"... {len(body) - SHOWN} more", *[""] * (len(head) - 1)]] if len(body) > SHOWN else []
    lines = ["".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in [*body[:SHOWN], *cut]]
    top = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
    return f"<table><tr>{top}</tr>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"
