"""exp, log and tanh in kernels: within 2 units in the last place of NumPy's float64, over all of float32."""

from __future__ import annotations

import math

import numpy as np
import pytest

from daskdl.kernels import elementary
from daskdl.kernels.jit import kernel

# every bit pattern whose number is a multiple of a prime: all exponents, subnormals, infinities and NaN among them
EVERYWHERE = np.arange(0, 1 << 32, 4099, dtype=np.uint64).astype(np.uint32).view(np.float32)
EDGES = [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 1e-45, -1e-45, 1.1754942e-38, 1.1754944e-38, 3.4028235e38]
EDGES += [88.72283, 88.72284, 89.0, -87.33654, -103.97208, -103.97209, -104.0, 0.625, 0.62499994, 9.01, -9.02]
EDGES += [0.99999994, 1.0000001, 0.70710677, 0.70710683, 2.0, 0.5]


@kernel
def exps(x, y):
    for i in range(len(x)):
        y[i] = elementary.exp(x[i])


@kernel
def logs(x, y):
    for i in range(len(x)):
        y[i] = elementary.log(x[i])


@kernel
def tanhs(x, y):
    for i in range(len(x)):
        y[i] = elementary.tanh(x[i])


def distance(found: np.ndarray, exact: np.ndarray) -> float:
    """The largest error in units in the last place; infinite where one is finite and the other is not."""
    with np.errstate(over="ignore"):
        rounded = exact.astype(np.float32)
    same = (found == rounded) | (np.isnan(found) & np.isnan(rounded))
    unit = np.spacing(np.maximum(np.abs(rounded[~same]), np.float32(1.1754944e-38))).astype(np.float64)
    return float(np.max(np.abs(found[~same].astype(np.float64) - exact[~same]) / unit, initial=0.0))


@pytest.mark.parametrize(("name", "loop"), [("exp", exps), ("log", logs), ("tanh", tanhs)])
def test_kernels_compute_elementary_functions_to_two_units_in_the_last_place(name, loop):
    dense = np.random.default_rng(1).uniform(-20, 20, 200_000).astype(np.float32)
    for x in (EVERYWHERE, np.array(EDGES, np.float32), dense):
        y = np.empty_like(x)
        loop(x, y)
        with np.errstate(all="ignore"):
            exact = getattr(np, name)(x.astype(np.float64))
        assert np.isfinite(y[np.isfinite(exact) & (np.abs(exact) < 3.4e38)]).all()
        assert distance(y, exact) <= 2.0


def test_formulas_take_arrays_outside_of_kernels():
    x = np.array([0.5, 2.0])
    for name in ("exp", "log", "tanh"):
        np.testing.assert_array_equal(getattr(elementary, name)(x), getattr(np, name)(x))


@pytest.mark.skipif(not hasattr(exps, "inspect_asm"), reason="kernels are plain Python here")
def test_loops_over_them_are_vector_code():
    import numba

    for function in (elementary.exp, elementary.log, elementary.tanh):

        @numba.njit(fastmath=True)
        def loop(x, y, function=function):
            for i in range(len(x)):
                y[i] = function(x[i])

        x = np.ones(8, np.float32)
        loop(x, x.copy())
        assert "<4 x float>" in loop.inspect_llvm(loop.signatures[0]) or "x float>" in loop.inspect_llvm(
            loop.signatures[0]
        )
