"""Writes docs/metrics.md from the entries of `daskdl.metrics.METRICS`: `make docs`. A test compares the two."""

from pathlib import Path

from daskdl.metrics import METRICS, Metric

PAGE = Path(__file__).with_suffix(".md")
HEAD = """\
# Metrics

Every number that a measurement of a model has. This page is written by `make docs` from the entries in
`daskdl/metrics/entries/`; do not edit it by hand. A metric may be named by any of its names, in any case: as
`stopping_metric`, as `sort_by` of a grid, in the scoring history (after `training_` and `validation_`), as a method of
measurements, models and grids. AUTO is the metric that stops a training where nothing else was asked for.

| Name | Meaning | Models | Better | `stopping_metric` | `sort_by` | History | Methods |
|---|---|---|---|---|---|---|---|
"""


def row(metric: Metric) -> str:
    """The line of one metric."""
    columns = [c for c in metric.categories if metric.place_in_history(c) is not None]
    auto = f" (AUTO: {', '.join(metric.default_of)})" if metric.default_of else ""
    cells = (
        f"`{metric.name}`",
        metric.meaning,
        ", ".join(metric.categories),
        "larger" if metric.larger_is_better else "smaller",
        f"`{metric.stopping}`{auto}" if metric.stopping else "",
        f"`{metric.sorting}`" if metric.sorting else "",
        f"`{metric.column}` ({', '.join(columns)})" if columns else "",
        ", ".join(f"`{name}()`" for name in metric.accessors),
    )
    return "| " + " | ".join(cells) + " |\n"


def text() -> str:
    """The page as it should be now."""
    return HEAD + "".join(row(metric) for metric in METRICS.values())


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
    print(f"Wrote {PAGE.relative_to(PAGE.parent.parent)}")
