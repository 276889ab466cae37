"""Deviances of a regression: the loss of one row on the scale of the response, per family."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from frames.errors import H2OValueError

_LOG_FLOOR = -19.0


class Deviance(NamedTuple):
    """A family and its parameters; called with actuals and predictions it gives each row's deviance.

    Families: gaussian (also AUTO), laplace, quantile, huber, poisson, gamma, tweedie. Huber's delta is the
    `huber_alpha` quantile of the absolute errors of all rows, so a huber row has no deviance of its own until the
    whole frame was seen: the state keeps the absolute errors (see `regression`).

    Example: `Deviance("poisson")(np.array([1.0]), np.array([1.0])) == 0.0`
    """

    family: str = "gaussian"
    tweedie_power: float = 1.5
    quantile_alpha: float = 0.5
    huber_alpha: float = 0.9

    @property
    def name(self) -> str:
        """The family in lower case, AUTO resolved to gaussian; raises H2OValueError for an unknown family."""
        family = self.family.lower()
        family = "gaussian" if family == "auto" else family
        if family != "huber" and family not in FORMULAS:
            raise H2OValueError(
                f"A regression's distribution must be one of {', '.join([*FORMULAS, 'huber'])}; got {self.family!r}."
            )
        return family

    def __call__(self, actual: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        """Give each row's unweighted deviance (rows,), float64, for response-scale predictions (rows,)."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return FORMULAS[self.name](self, actual, predicted)


def _gaussian(_: Deviance, y: np.ndarray, f: np.ndarray) -> np.ndarray:
    return (y - f) ** 2


def _laplace(_: Deviance, y: np.ndarray, f: np.ndarray) -> np.ndarray:
    return np.abs(y - f)


def _quantile(law: Deviance, y: np.ndarray, f: np.ndarray) -> np.ndarray:
    return np.where(y > f, law.quantile_alpha * (y - f), (1.0 - law.quantile_alpha) * (f - y))


def _poisson(_: Deviance, y: np.ndarray, f: np.ndarray) -> np.ndarray:
    return 2.0 * (np.where(y == 0.0, 0.0, y * _log(y / f)) - y + f)


def _gamma(_: Deviance, y: np.ndarray, f: np.ndarray) -> np.ndarray:
    ratio = np.where((y == 0.0) & (f == 0.0), 1.0, y / f)
    return 2.0 * (ratio - 1.0 - _log(ratio))


def _tweedie(law: Deviance, y: np.ndarray, f: np.ndarray) -> np.ndarray:
    p = law.tweedie_power
    if not 1.0 < p < 2.0:
        raise H2OValueError(f"tweedie_power must lie strictly between 1 and 2; got {p}.")
    start = y ** (2.0 - p) / ((1.0 - p) * (2.0 - p))
    cross = np.where(y == 0.0, 0.0, y * f ** (1.0 - p)) / (1.0 - p)
    return 2.0 * (start - cross + f ** (2.0 - p) / (2.0 - p))


def _log(values: np.ndarray) -> np.ndarray:
    return np.maximum(np.log(values), _LOG_FLOOR)


FORMULAS: dict[str, Callable[[Deviance, np.ndarray, np.ndarray], np.ndarray]] = {
    "gaussian": _gaussian,
    "laplace": _laplace,
    "quantile": _quantile,
    "poisson": _poisson,
    "gamma": _gamma,
    "tweedie": _tweedie,
}


def huber(errors: np.ndarray, delta: float) -> np.ndarray:
    """Give the huber deviance of absolute errors: squared up to `delta`, straight with the same slope above."""
    return np.where(errors <= delta, errors**2, (2.0 * errors - delta) * delta)
