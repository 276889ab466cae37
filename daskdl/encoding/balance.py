"""Balanced classes: how often each row trains. Source: docs/training.md 16."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from frames.exceptions import H2OResponseError


class Balance(NamedTuple):
    """Repeats of each class: a row trains floor(factor) times, and once more with the probability of the rest.

    `counts` are the rows of each class before; `draw` numbers the draws of one seed.
    """

    factors: tuple[float, ...]
    seed: int
    counts: tuple[float, ...] = ()
    draw: int = 0


def balance_of(counts: np.ndarray, factors: Sequence[float] | None, maximum: float, seed: int) -> Balance:
    """Return the repeats for classes with these row counts (classes,).

    `factors` are class_sampling_factors, or None for equal classes; `maximum` is max_after_balance_size.

    >>> balance_of(np.array([90, 10]), None, 5.0, 1).factors
    (1.0, 9.0)
    """
    counts = np.asarray(counts, dtype=np.float64)
    if factors is None:
        ratio = np.where(counts > 0, counts.sum() / len(counts) / np.maximum(counts, 1), 1.0)
        wanted = ratio / ratio[counts > 0].min()
    elif len(factors) != len(counts):
        raise H2OResponseError(
            f"class_sampling_factors must have {len(counts)} elements, one per class in level order; "
            f"got {len(factors)}."
        )
    else:
        wanted = np.array(factors, dtype=np.float64)
    expected = float(wanted @ counts)
    actual = min(maximum * counts.sum(), round(expected))
    return Balance(tuple(float(f) for f in wanted * (actual / expected)), seed, tuple(map(float, counts)))


def balanced_rows(target: np.ndarray, balance: Balance, partition: int) -> np.ndarray:
    """Return the row numbers (training rows,) int64 of a partition, with repeats; rows without a class are left out.

    >>> balanced_rows(np.array([0.0, 1.0, np.nan]), Balance((1.0, 2.0), seed=1), partition=0).tolist()
    [0, 1, 1]
    """
    key = [balance.seed & (2**64 - 1), partition, 2, *([balance.draw] if balance.draw else [])]
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))
    draw = rng.random(len(target))
    known = target < len(balance.factors)  # neither missing nor a class that training did not know
    factor = np.zeros(len(target))
    factor[known] = np.array(balance.factors)[target[known].astype(np.int64)]
    whole = np.floor(factor)
    repeats = (whole + (draw < factor - whole)).astype(np.int64)
    return np.repeat(np.arange(len(target)), repeats)
