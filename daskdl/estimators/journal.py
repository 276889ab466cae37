"""What a training in the background has told so far, as a line of text and as a picture for a notebook; pure."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from daskdl.metrics import METRICS
from daskdl.page.columns import clock

Status = Literal["RUNNING", "DONE", "CANCELLED", "FAILED"]
SOURCES = {"training": "none", "validation": "4 3"}  # and how their curves are dashed
MOST_POINTS = 200  # of a curve; then every second one is forgotten
WIDTH, HEIGHT = 320, 70  # of the curves, in pixels
LONGEST_ERROR = 500  # characters
BAR = "#1f77b4"  # as dark and as light pages show it; everything else has the colour of the page's text


@dataclass
class Journal:
    """The state of a job: `take` what it tells, and `end` it; times are seconds of one clock.

    `name` of what is trained, `began` when; `done` of 1; `row` is the newest of the scoring history; `note` is what it
    does before it can tell more, `error` why it failed.
    """

    name: str
    began: float
    done: float = 0.0
    row: Mapping[str, Any] = field(default_factory=dict)
    status: Status = "RUNNING"
    note: str = ""
    error: str = ""
    ended: float | None = None
    _first: tuple[float, float] | None = None  # when something was done for the first time, and how much
    _last: float = 0.0  # when more was done
    _points: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: {source: [] for source in SOURCES})

    def take(self, done: float, row: Mapping[str, Any] | None, now: float) -> None:
        """Note the share `done` of the work, and a new row of the scoring history if there is one."""
        if done > self.done:
            self.done, self._last = min(1.0, done), now
            self._first = self._first or (now, self.done)
        if row is None:
            return
        self.row = row
        column = goal(row)
        for source, points in self._points.items():
            value = row.get(f"{source}_{column}")
            if isinstance(value, float) and math.isfinite(value):
                points.append((float(row["epochs"]), value))
                points[:] = points if len(points) <= MOST_POINTS else [*points[:-1:2], points[-1]]

    def end(self, status: Status, now: float, error: str = "") -> None:
        """Note how the job ended."""
        self.status, self.ended, self.error, self.note = status, now, error[:LONGEST_ERROR], ""
        if status == "DONE":
            self.done = 1.0

    def left(self, now: float) -> float | None:
        """Return how many seconds the rest takes at the pace so far; None where that cannot be known."""
        if self.ended is not None or self._first is None or self.done <= self._first[1]:
            return None
        began, before = self._first
        return max(0.0, (1 - self.done) * (self._last - began) / (self.done - before) - (now - self._last))

    def facts(self, now: float) -> list[str]:
        """Return what is known in short words."""
        left = self.left(now)
        row, column = self.row, goal(self.row)
        found = [f"{100 * self.done:.0f} %", clock((now if self.ended is None else self.ended) - self.began)]
        found += [] if left is None else [f"about {clock(left)} left"]
        found += [f"{row['epochs']:.4g} epochs", str(row["training_speed"] or "")] if row else []
        for source in SOURCES:
            value = row.get(f"{source}_{column}")
            if isinstance(value, float) and math.isfinite(value):
                found.append(f"{source} {column} {value:.4g}")
        return [one for one in [*found, self.note] if one]

    def text(self, now: float) -> str:
        """Return the state in a line."""
        error = f"\n{self.error}" if self.error else ""
        return f"{self.name}: {self.status}, {', '.join(self.facts(now))}{error}"

    def page(self, now: float) -> str:
        """Return the state as HTML: a bar, facts, curves of the metric that training stops by; every text escaped."""
        bar = (
            '<div style="max-width: 480px; height: 8px; margin: 4px 0; background: rgba(128, 128, 128, 0.3)">'
            f'<div style="width: {100 * self.done:.1f}%; height: 8px; background: {BAR}"></div></div>'
        )
        error = f"<pre>{html.escape(self.error)}</pre>" if self.error else ""
        return (
            f"<div><b>{html.escape(self.name)}</b> {self.status}{bar}"
            f"<div>{html.escape(' · '.join(self.facts(now)))}</div>{self._curves()}{error}</div>"
        )

    def _curves(self) -> str:
        points = [point for one in self._points.values() for point in one]
        if len(points) < 3:
            return ""
        (left, right), (low, high) = ((min(axis), max(axis)) for axis in zip(*points, strict=True))
        lines = []
        for (source, dashes), curve in zip(SOURCES.items(), self._points.values(), strict=True):
            places = [
                f"{2 + (WIDTH - 4) * _part(x, left, right):.1f},{HEIGHT - 2 - (HEIGHT - 4) * _part(y, low, high):.1f}"
                for x, y in curve
            ]
            lines.append(
                f'<polyline points="{" ".join(places)}" fill="none" stroke="{BAR}" stroke-width="1.5" '
                f'stroke-dasharray="{dashes}"><title>{source}</title></polyline>'
            )
        about = html.escape(f"{goal(self.row)} from {left:.4g} to {right:.4g} epochs, between {low:.4g} and {high:.4g}")
        return (
            f'<svg width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{about}">{"".join(lines)}</svg>'
            f"<div><small>{about}{'; dashed: validation' if self._points['validation'] else ''}</small></div>"
        )


def _part(value: float, low: float, high: float) -> float:
    return (value - low) / (high - low) if high > low else 0.5


def goal(row: Mapping[str, Any]) -> str:
    """Return the metric of a row of the scoring history that AUTO stops by, or the first that there is; "" for none."""
    columns = [metric.column for metric in sorted(METRICS.values(), key=lambda metric: not metric.default_of)]
    return next((one for one in columns if any(f"{source}_{one}" in row for source in SOURCES)), "")
