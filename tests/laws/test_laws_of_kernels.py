"""Laws of the jit policy: specs are plain named tuples, numbers are values and not types, counters give the dice."""

from __future__ import annotations

import inspect
import itertools
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import compiled
import numpy as np
import oracle
import pytest

from daskdl.kernels import penalties, randomness
from daskdl.kernels.activations import ACTIVATIONS, Activation
from daskdl.kernels.distributions import loss, response
from daskdl.kernels.distributions.gaussian import Gaussian
from daskdl.kernels.distributions.multinomial import Multinomial
from daskdl.kernels.jit import FAST_MATH, compiled_signatures, source_digest

MODULES = (penalties,)
SPECS = sorted(
    {c for m in MODULES for c in vars(m).values() if inspect.isclass(c) and issubclass(c, tuple)},
    key=lambda c: c.__name__,
)


# --- specs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", SPECS, ids=lambda c: c.__name__)
def test_specs_are_named_tuples_whose_fields_hide_no_tuple_method(spec):
    assert spec.__bases__ == (tuple,)
    assert not {"count", "index"} & set(spec._fields)
    assert spec.__doc__


def test_a_spec_without_numbers_is_true_and_equals_only_its_own_kind():
    first, *others = [kind() for kind in ACTIVATIONS.values()]
    assert first
    assert first == type(first)()
    assert first not in others
    assert len({first, *others, type(first)()}) == len(ACTIVATIONS)


def test_a_spec_is_a_frozen_tuple_of_its_numbers_that_pickles_by_its_class():
    spec = Scaled(2.5)
    assert (spec.factor, spec.shift, tuple(spec)) == (2.5, 0.0, (2.5, 0.0))
    assert spec == Scaled(factor=2.5, shift=0.0) != Scaled(2.5, 1.0)
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert repr(spec) == "Scaled(factor=2.5, shift=0.0)"
    with pytest.raises(AttributeError):
        spec.factor = 3.0
    for wrong in ((), (1, 2, 3)):
        with pytest.raises(TypeError, match="Scaled takes factor, shift"):
            Scaled(*wrong)
    with pytest.raises(TypeError, match="must not hide a method of tuples; got count"):
        type("Wrong", (Activation,), {"__annotations__": {"count": float}})


class Scaled(Activation):
    """A spec with a number that must be given and one that need not be."""

    factor: float
    shift: float = 0.0


def test_an_operation_without_a_method_runs_its_default():
    assert response(Gaussian(), 3.0) == 3.0
    with pytest.raises(NotImplementedError):
        loss(Multinomial(), 0.0, 0.0)


def test_fast_math_keeps_nan_and_infinity_honest():
    assert not FAST_MATH & {"nnan", "ninf", "fast"}


def test_the_digest_of_the_sources_is_stable():
    assert source_digest() == source_digest()
    assert len(source_digest()) == 16


# --- compilation ------------------------------------------------------------------------------------------------------


def train(options, rng, hidden=(3,), rows=4, numbers=2, levels=2) -> oracle.Net:
    units = [levels + numbers, *hidden, 1]
    net = oracle.Net([rng.normal(size=(b, a)) for a, b in itertools.pairwise(units)], [np.zeros(b) for b in units[1:]])
    active = rng.integers(-1, levels, (rows, 1)) if levels else None
    data = compiled.rows_of(rng.normal(size=(rows, numbers)), rng.normal(size=rows), active)
    return compiled.train(net, data, range(rows), options, levels=levels)


def test_changing_numbers_compiles_nothing_new():
    rng = np.random.default_rng(1)
    base = oracle.Options(activation="tanh", rate=0.1)
    train(base, rng)
    before = compiled_signatures()
    for options in (
        replace(base, rate=0.2, rate_decay=0.5, rate_annealing=0.1),
        replace(base, momentum_start=0.5, momentum_ramp=10, momentum_stable=0.9),
        replace(base, l1=0.1, l2=0.1, max_w2=0.5),
        replace(base, hidden_dropout=(0.5,), input_dropout=0.2),
        replace(base, fast_mode=False),
    ):
        train(options, rng)
    train(replace(base, hidden_dropout=(0.5, 0.5, 0.5)), rng, hidden=(4, 5, 6), rows=9, numbers=7, levels=30)
    train(base, rng, hidden=(), numbers=0)
    assert compiled_signatures() == before


def test_the_number_of_a_family_is_a_value_and_not_a_type():
    rng = np.random.default_rng(1)
    quantile = oracle.Options(activation="tanh", loss="quantile", quantile_alpha=0.8)
    low = train(replace(quantile, quantile_alpha=0.1), np.random.default_rng(1))
    before = compiled_signatures()
    high = train(quantile, rng)
    assert compiled_signatures() == before
    assert compiled.distance(low, high) > 1e-3


# --- randomness -------------------------------------------------------------------------------------------------------


def dice(seed, stream, rows, units) -> np.ndarray:
    """Draws (rows, units) by the kernel's own source, in NumPy."""
    row, unit = np.meshgrid(np.arange(rows), np.arange(units), indexing="ij")
    with np.errstate(over="ignore"):
        return compiled.interpreted().randomness.uniform(seed, stream, row, unit)


def test_draws_are_uniform():
    draws = dice(12345, 1, 400, 250).ravel()
    assert draws.dtype == np.float32
    assert 0 <= draws.min() < draws.max() < 1
    counts = np.histogram(draws, 100, (0, 1))[0]
    chi_square = float(((counts - 1000) ** 2 / 1000).sum())
    assert chi_square < 150  # 99 degrees of freedom: beyond 150 once in a thousand seeds
    assert draws.mean() == pytest.approx(0.5, abs=0.005)


def test_neighbouring_counters_are_independent():
    base = dice(1, 1, 200, 200) - 0.5
    others = {
        "seed": dice(2, 1, 200, 200) - 0.5,
        "layer": dice(1, 2, 200, 200) - 0.5,
        "next row": np.roll(base, 1, axis=0),
        "next unit": np.roll(base, 1, axis=1),
        "row and unit swapped": base.T,
    }
    for name, other in others.items():
        off = ~np.eye(200, dtype=bool)
        correlation = float((base[off] * other[off]).mean() * 12)
        assert abs(correlation) < 0.025, name  # five standard errors
        assert (base[off] == other[off]).mean() < 1e-4, name


def test_every_thread_draws_what_the_source_draws():
    expected = dice(7, 3, 6, 6)

    def draw(_: int) -> np.ndarray:
        return np.array([[randomness.uniform(7, 3, row, unit) for unit in range(6)] for row in range(6)], np.float32)

    with ThreadPoolExecutor(3) as pool:
        for found in pool.map(draw, range(6)):
            np.testing.assert_array_equal(found, expected)


def test_identities_of_far_partitions_and_rows_draw_differently():
    """Partition and row share one 64-bit counter, 40 bits of it for the row."""
    far = [(p << 40) + row for p in (0, 1, 2, 100_000) for row in (0, 1, (1 << 40) - 1)]
    with np.errstate(over="ignore"):
        draws = [float(compiled.interpreted().randomness.uniform(1, 1, identity, 0)) for identity in far]
    assert len(set(draws)) == len(far)
