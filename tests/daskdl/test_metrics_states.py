"""Laws of every measurement's state: any split of the rows, in any order, gives the same metrics."""

import pickle
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daskdl.kernels.distributions.huber import Huber
from daskdl.kernels.distributions.poisson import Poisson
from daskdl.metrics import Options, finish, measure, merged
from daskdl.metrics.bins import Bins, magnitude_keys, magnitudes, probabilities, probability_keys, quantiles

CASES = {
    "two classes": ("Binomial", Options(domain=("a", "b"))),
    "three classes": ("Multinomial", Options(domain=("a", "b", "c"), auc_type="WEIGHTED_OVO")),
    "number": ("Regression", Options(distribution=Poisson())),
    "number, huber": ("Regression", Options(distribution=Huber())),
    "reconstruction": ("AutoEncoder", Options()),
}


def rows_of(category, count, seed):
    rng = np.random.default_rng(seed)
    weights = np.round(rng.random(count) * 2.0, 1)
    if category == "Binomial":
        return rng.integers(-1, 2, count), np.round(rng.random(count), 2), weights
    if category == "Multinomial":
        return rng.integers(-1, 4, count), rng.dirichlet(np.ones(3), count), weights
    return rng.poisson(3.0, count).astype(float), np.round(rng.random(count) * 5.0 + 0.1, 1), weights


@settings(max_examples=12)
@given(st.integers(0, 60), st.lists(st.integers(0, 60), max_size=5), st.integers(0, 10**6))
@pytest.mark.parametrize("case", CASES)
def test_any_split_of_the_rows_gives_the_same_metrics(case, count, cuts, seed):
    category, options = CASES[case]
    y, p, w = rows_of(category, count, seed)
    edges = [0, *sorted(min(cut, count) for cut in cuts), count]
    parts = [slice(a, b) for a, b in pairwise(edges)]
    states = [measure(category, y[part], p[part], w[part], options) for part in parts]
    whole = finish(category, measure(category, y, p, w, options), options)
    order = np.random.default_rng(seed).permutation(len(states))
    for state in (merged(states), merged(states[i] for i in order)):
        found = finish(category, pickle.loads(pickle.dumps(state)), options)
        assert found.nobs() == whole.nobs()
        assert found.values() == pytest.approx(whole.values(), rel=1e-9, abs=1e-12, nan_ok=True)


@settings(max_examples=30)
@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=50))
def test_probability_keys_keep_order_and_value(values):
    p = np.array(values)
    keys = probability_keys(p)
    assert np.array_equal(probabilities(keys), p)
    assert np.array_equal(np.argsort(keys, kind="stable"), np.argsort(p, kind="stable"))
    assert np.array_equal(magnitudes(magnitude_keys(p * 1e300)), p * 1e300)


@settings(max_examples=25)
@given(st.integers(1, 400), st.integers(1, 6), st.integers(0, 10**6))
def test_bins_that_outgrow_their_limit_do_not_depend_on_the_split(count, parts, seed):
    rng = np.random.default_rng(seed)
    keys, labels = probability_keys(rng.beta(0.3, 0.3, count)), rng.integers(0, 2, count)
    whole = Bins.of(keys, labels, None, limit=40)
    split = [
        Bins.of(k, l, None, limit=40) for k, l in zip(*(np.array_split(x, parts) for x in (keys, labels)), strict=True)
    ]
    left = split[0]
    for right in split[1:]:
        left = left.merge(right)
    assert len(whole.keys) <= 40
    assert left.level == whole.level
    assert np.array_equal(left.keys, whole.keys)
    assert np.array_equal(left.labels, whole.labels)
    assert np.array_equal(left.weights, whole.weights)
    assert whole.weights.sum() == count


def test_a_million_probabilities_shrink_and_the_area_stays():
    rng = np.random.default_rng(9)
    p = rng.random(300_000)
    y = (rng.random(300_000) < p).astype(int)
    options = Options(domain=("a", "b"))
    state = measure("Binomial", y, p, None, options)
    assert 100_000 < len(state.bins.keys) <= 200_000
    order = np.argsort(p)
    ranks = np.empty(len(p))
    ranks[order] = np.arange(1, len(p) + 1)
    positives = y.sum()
    exact = (ranks[y == 1].sum() - positives * (positives + 1) / 2) / (positives * (len(y) - positives))
    assert finish("Binomial", state, options).auc() == pytest.approx(exact, abs=1e-6)


def test_counts_at_the_edges_of_shrunken_bins_are_exact():
    rng = np.random.default_rng(4)
    p, labels = rng.random(5_000), rng.integers(0, 2, 5_000)
    bins = Bins.of(probability_keys(p), labels, None, limit=100)
    keys, weights = bins.by_label(2)
    for edge, above in zip(probabilities(keys), weights[::-1].cumsum(axis=0)[::-1], strict=True):
        assert above.sum() == (p >= edge).sum()


@settings(max_examples=30)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=40), st.floats(0.0, 1.0))
def test_quantiles_of_bins_equal_numpys(values, at):
    distinct, counts = np.unique(np.array(values, float), return_counts=True)
    found = quantiles(distinct, counts.astype(float), np.array([at]), len(values))
    assert found[0] == pytest.approx(np.quantile(values, at), abs=1e-9)
