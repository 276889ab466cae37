"""Variable importances against the loops of their definition."""

from __future__ import annotations

import numpy as np
import pytest

from daskdl.encoding.encoder import Moments, Scaling, Statistics, fit
from daskdl.model.importances import gedeon, unit_importances
from daskdl.network.layout import Layout
from daskdl.network.start import FirstWeights, initialise
from frames.chunks.column import Column


def by_loops(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Gedeon's shares, slowly: `first` (hidden, inputs) and `second` (above, hidden) absolute weights."""
    importance = np.zeros(first.shape[1])
    for k in range(len(second)):
        passed = np.zeros(first.shape[1])
        for j in range(len(first)):
            for i in range(first.shape[1]):
                passed[i] += first[j, i] / first[j].sum() * second[k, j] / second[k].sum()
        importance += passed / passed.sum()
    return importance / importance.max()


def absolute(layout: Layout, weights: np.ndarray, layer: int) -> np.ndarray:
    w = abs(layout.matrix(weights, layer).astype(float))
    return w[: len(w) // 2] + w[len(w) // 2 :] if layout.channels[layer] == 2 else w


@pytest.mark.parametrize(
    "layout",
    [
        Layout(4, 3, (5,), 2),
        Layout(0, 3, (5, 4), 1),
        Layout(4, 0, (5, 4), 3, pieces=2),
        Layout(2, 2, (3,), 1, pieces=2),
    ],
    ids=["one layer", "two layers", "maxout", "maxout, one layer"],
)
def test_importances_are_the_shares_passed_on(layout):
    weights = initialise(layout, FirstWeights("Normal"), 5).weights
    expected = by_loops(absolute(layout, weights, 1), absolute(layout, weights, 2))
    np.testing.assert_allclose(unit_importances(layout, weights), expected, rtol=1e-6)


def test_without_hidden_layers_absolute_weights_are_summed():
    layout = Layout(2, 2, (), 3)
    weights = initialise(layout, FirstWeights("Normal"), 5).weights
    sums = abs(layout.matrix(weights, 1)).sum(axis=0)
    np.testing.assert_allclose(unit_importances(layout, weights), sums / sums.max(), rtol=1e-6)


def test_dead_units_and_networks_of_zeros_give_zeros_and_no_nan():
    layout = Layout(0, 3, (2,), 1)
    weights = np.zeros(layout.size, np.float32)
    assert unit_importances(layout, weights).tolist() == [0, 0, 0]
    layout.dense(weights, 1)[0] = [1, 3, 0]  # the second hidden unit has no input
    layout.dense(weights, 2)[0] = [1, 1]
    np.testing.assert_allclose(unit_importances(layout, weights), [1 / 3, 1, 0])


def encoder(**options):
    columns = [Column("c", "enum", ("a", "b")), Column("x", "real")]
    statistics = Statistics({"x": Moments(0.0, 1.0, -1.0, 1.0)}, {"c": np.ones(2)}, {"c": 0}, {})
    return fit(columns, statistics, None, scaling=Scaling(), **options)


def test_the_table_falls_and_names_every_unit():
    layout = Layout(3, 1, (4,), 1)
    rows = gedeon(layout, initialise(layout, FirstWeights("Normal"), 5).weights, encoder(), [True])
    assert {row[0] for row in rows} == {"c.a", "c.b", "c.missing(NA)", "x"}
    values = [row[1] for row in rows]
    assert values == sorted(values, reverse=True)
    assert [row[2] for row in rows] == pytest.approx([v / values[0] for v in values])
    assert sum(row[3] for row in rows) == pytest.approx(1)


def test_a_missing_unit_that_was_never_seen_has_no_importance():
    layout = Layout(3, 1, (4,), 1)
    rows = gedeon(layout, initialise(layout, FirstWeights("Normal"), 5).weights, encoder(), [False])
    assert rows[-1][:2] == ("c.missing(NA)", 0.0)


def test_hashed_units_keep_their_importance():
    layout = Layout(2, 1, (4,), 1)
    rows = gedeon(layout, initialise(layout, FirstWeights("Normal"), 5).weights, encoder(slots=2), [False])
    assert {row[0] for row in rows} == {"hash.0", "hash.1", "x"}
    assert all(row[1] > 0 for row in rows)
