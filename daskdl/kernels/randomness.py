"""Random numbers from a counter: the same (seed, stream, row, unit) gives the same number on any thread or machine.

Source: the finaliser of SplitMix64 (Steele, Lea, Flood 2014), applied to a running hash of the counters.
"""

import numpy as np

from daskdl.kernels.jit import kernel


@kernel
def mix(state, value):
    """Return a well mixed 64-bit hash of `state` and `value` (both uint64)."""
    z = (state ^ value) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@kernel
def unit_interval(bits):
    """Return a float32 in [0, 1) from 64 random bits."""
    return np.float32(bits >> np.uint64(40)) * np.float32(1.0 / 16777216.0)


@kernel
def key(seed, stream, row):
    """Return the key of one row's numbers in a stream."""
    return mix(mix(mix(np.uint64(0), np.uint64(seed)), np.uint64(stream)), np.uint64(row))


@kernel
def draw(key, unit):
    """Return the float32 in [0, 1) that belongs to a key and a unit."""
    return unit_interval(mix(np.uint64(key), np.uint64(unit)))


@kernel
def uniform(seed, stream, row, unit):
    """Return the float32 in [0, 1) that belongs to these four counters."""
    return draw(key(seed, stream, row), unit)
