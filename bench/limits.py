"""What this machine can do at all, measured on the spot: the figures that no trainer on it can go beyond."""

import time
from collections.abc import Callable

import numpy as np
from threadpoolctl import threadpool_limits

SIDE = 768  # of the multiplied matrices: 2.4 MB each
COPIED = 1 << 25  # numbers: 128 MB, more than any cache holds
NEAR = 1 << 12  # numbers that stay in the first cache


def measure() -> dict[str, float]:
    """One thread's float32 products in GFLOP/s, memory copied in GB/s, and the update's root and quotient in G/s."""
    return {
        "sgemm_gflops": round(_products(), 1),
        "memory_gb_per_second": round(_copies(), 1),
        "root_and_quotient_g_per_second": round(_roots(), 2),
    }


def online_limit(limits: dict[str, float], weights: int) -> float:
    """Return the samples per second at which every weight's ADADELTA step costs its root and its quotient alone."""
    return limits["root_and_quotient_g_per_second"] * 1e9 / weights


def batch_limit(limits: dict[str, float], weights: int) -> float:
    """Return the samples per second at which the three products of a batch (forward, back, gradient) cost alone."""
    return limits["sgemm_gflops"] * 1e9 / (6.0 * weights)


def _products() -> float:
    a, b = (np.random.default_rng(k).random((SIDE, SIDE), np.float32) for k in (1, 2))
    with threadpool_limits(1):
        return 2.0 * SIDE**3 / _seconds(lambda: a @ b) / 1e9


def _copies() -> float:
    source, target = np.ones(COPIED, np.float32), np.empty(COPIED, np.float32)
    return 2.0 * source.nbytes / _seconds(lambda: np.copyto(target, source)) / 1e9


def _roots() -> float:
    a, b, out = (np.full(NEAR, value, np.float32) for value in (2.0, 3.0, 0.0))

    def work() -> None:
        for _ in range(200):
            np.divide(a, b, out=out)
            np.sqrt(out, out=out)

    return 200 * NEAR / _seconds(work) / 1e9


def _seconds(work: Callable[[], object], times: int = 5) -> float:
    work()
    found = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return min(found)
