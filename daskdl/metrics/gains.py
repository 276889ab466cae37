"""Gains and lift: rows ranked by probability, cut into groups, and how rich in positives each group is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from daskdl.metrics.bins import quantiles
from daskdl.metrics.curve import Curve
from daskdl.metrics.table import H2OTwoDimTable
from frames.exceptions import H2OValueError

_DEFAULT_CUTS = (0.99, 0.98, 0.97, 0.96, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0)
COLUMNS = (
    "group",
    "cumulative_data_fraction",
    "lower_threshold",
    "lift",
    "cumulative_lift",
    "response_rate",
    "score",
    "cumulative_response_rate",
    "cumulative_score",
    "capture_rate",
    "cumulative_capture_rate",
    "gain",
    "cumulative_gain",
    "kolmogorov_smirnov",
)


class GainGroups(NamedTuple):
    """Lower thresholds of the groups, falling, and per group the weights of rows and events and the sum of scores."""

    thresholds: np.ndarray
    rows: np.ndarray
    events: np.ndarray
    scores: np.ndarray


def cuts(gainslift_bins: int) -> np.ndarray:
    """Give the probabilities whose quantiles bound the groups: 16 groups for -1, else `gainslift_bins` equal ones."""
    if gainslift_bins < -1:
        raise H2OValueError(f"gainslift_bins must be -1 (16 groups), 0 (no table) or above; got {gainslift_bins}.")
    if gainslift_bins == -1:
        return np.array(_DEFAULT_CUTS)
    return np.arange(gainslift_bins - 1, -1, -1) / max(gainslift_bins, 1)


def grouped(curve: Curve, nobs: int, at: np.ndarray) -> GainGroups:
    """Cut the rows of a curve at the quantiles `at` (falling) of their probability; equal thresholds make one group.

    Weights count as they are, fractions included.
    """
    total = curve.tps + curve.fps
    weights = np.diff(total, prepend=0.0)
    found = quantiles(curve.thresholds[::-1], weights[::-1], at, nobs)
    thresholds = np.unique(found)[::-1]
    ends = np.searchsorted(-curve.thresholds, -thresholds, side="right") - 1
    scores = np.cumsum(weights * curve.thresholds)
    parts = [np.diff(np.where(ends >= 0, values[ends], 0.0), prepend=0.0) for values in (total, curve.tps, scores)]
    return GainGroups(thresholds, *parts)


def lift_of_top_group(curve: Curve, nobs: int, gainslift_bins: int = -1) -> float:
    """Give the response rate of the first group over the overall one (the 16-group rule when no table is wanted)."""
    if not curve.positives:
        return float("nan")
    top = grouped(curve, nobs, cuts(gainslift_bins or -1)[:1])
    if not top.rows[0]:
        return 0.0
    return float(top.events[0] / top.rows[0] * (curve.positives + curve.negatives) / curve.positives)


def gains_table(curve: Curve, nobs: int, gainslift_bins: int = -1) -> H2OTwoDimTable | None:
    """Build H2O's gains/lift table, richest group first; None when `gainslift_bins` is 0 or there are no rows.

    Columns as in COLUMNS; kolmogorov_smirnov is the cumulated share of positives less that of negatives.
    """
    if gainslift_bins == 0 or not nobs:
        return None
    groups = grouped(curve, nobs, cuts(gainslift_bins))
    events, negatives = curve.positives, curve.negatives
    with np.errstate(divide="ignore", invalid="ignore"):
        overall = events / (events + negatives)
        rows, caught = np.cumsum(groups.rows), np.cumsum(groups.events)
        rate = np.where(groups.rows > 0.0, groups.events / groups.rows, 0.0)
        score = np.where(groups.rows > 0.0, groups.scores / groups.rows, 0.0)
        cumulative_rate, cumulative_score = caught / rows, np.cumsum(groups.scores) / rows
        missed = (rows - caught) / negatives if negatives else np.zeros_like(rows)
        lift, cumulative_lift = rate / overall, cumulative_rate / overall
        columns = [
            *(rows / (events + negatives), groups.thresholds, lift, cumulative_lift, rate, score, cumulative_rate),
            *(cumulative_score, groups.events / events, caught / events, 100.0 * (lift - 1.0)),
            *(100.0 * (cumulative_lift - 1.0), caught / events - missed),
        ]
    mean_score = float(cumulative_score[-1])
    return H2OTwoDimTable(
        "Gains/Lift Table",
        f"Avg response rate: {100.0 * overall:5.2f} %, avg score: {100.0 * mean_score:5.2f} %",
        COLUMNS,
        ["int", *["double"] * (len(COLUMNS) - 1)],
        [[group + 1, *(float(column[group]) for column in columns)] for group in range(len(rows))],
    )
