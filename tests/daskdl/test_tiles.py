"""The matrix product of the kernels: sums of any number, and tiles no larger than the registers of the processor."""

import numba
import numpy as np
import pytest
from llvmlite import binding

from daskdl.kernels.jit import kernel
from daskdl.kernels.tiles import LANES, largest_tile, tiles


@kernel
def product(height, out, so, scalars, su, sk, vectors, steps, fresh):
    tiles(height, out, 0, so, scalars, 0, su, sk, vectors, 0, LANES, steps, fresh)


@pytest.mark.parametrize("height", [1, 3, 4, 7, 8, 13, 16])
@pytest.mark.parametrize("fresh", [True, False])
def test_sums_of_any_number_are_those_of_float64(height, fresh):
    draw = np.random.default_rng(height)
    scalars, vectors = draw.normal(size=(height, 50)), draw.normal(size=(50, LANES))
    before = draw.normal(size=(height, LANES))
    out = before.astype(np.float32).ravel()
    product(
        height, out, LANES, scalars.astype(np.float32).ravel(), 50, 1, vectors.astype(np.float32).ravel(), 50, fresh
    )
    wanted = scalars @ vectors + (0 if fresh else before)
    np.testing.assert_allclose(out.reshape(height, LANES), wanted, rtol=1e-4, atol=1e-4)


def test_a_sum_has_the_same_bits_in_a_tile_of_any_size():
    draw = np.random.default_rng(5)
    scalars = draw.normal(size=50).astype(np.float32)
    vectors = draw.normal(size=50 * LANES).astype(np.float32)
    found = []
    for height in (1, 4, 8):
        out = np.zeros(height * LANES, np.float32)
        product(height, out, LANES, np.tile(scalars, height), 50, 1, vectors, 50, True)
        found += list(out.reshape(height, LANES))
    assert all((one == found[0]).all() for one in found)


@pytest.mark.parametrize(
    ("host", "features", "name", "sums"),
    [
        ({"avx2": True, "avx512f": True}, None, None, 8),
        ({"avx2": True, "avx512f": False}, None, None, 4),
        ({"neon": True}, None, None, 4),
        ({"avx2": True, "avx512f": True}, "", "x86-64-v3", 4),
        ({"avx2": True}, "+avx2,+avx512f", "x86-64-v4", 8),
    ],
    ids=["avx512", "avx2", "arm", "compiled for older processors", "compiled for newer ones"],
)
def test_tiles_are_no_larger_than_the_registers_of_the_processor_that_they_are_compiled_for(
    monkeypatch, host, features, name, sums
):
    monkeypatch.setattr(binding, "get_host_cpu_features", lambda: host)
    monkeypatch.setattr(numba.config, "CPU_FEATURES", features)
    monkeypatch.setattr(numba.config, "CPU_NAME", name)
    assert largest_tile() == sums
