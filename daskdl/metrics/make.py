"""Metrics from columns a user already has: predictions beside actual values, no model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from daskdl.metrics import binomial, multinomial, regression
from daskdl.metrics.base import Header, ModelMetrics
from daskdl.metrics.deviance import Deviance
from daskdl.metrics.options import Options
from frames.errors import H2OValueError

_NEEDS_A_PARAMETER = ("quantile", "tweedie", "huber")


def make_metrics(
    predicted: np.ndarray,
    actual: np.ndarray,
    domain: Sequence[str] | None = None,
    distribution: str | None = None,
    weights: np.ndarray | None = None,
    auc_type: str = "NONE",
) -> ModelMetrics:
    """Measure predictions against actual values.

    With a domain (or the distribution bernoulli, whose domain is ("0", "1")) `actual` holds class codes, -1 or NaN
    where missing, and `predicted` the probability of class 1 (rows,) or one probability per class (rows, classes).
    Without, both are numbers (rows,) of a regression; `distribution` (gaussian by default) names its deviance.
    Raises H2OValueError for quantile, tweedie and huber, whose parameter cannot be given here, and for a distribution
    that does not fit the domain.

    Example: `make_metrics(np.array([0.2, 0.9]), np.array([0, 1]), domain=("no", "yes")).auc() == 1.0`
    """
    family = (distribution or "auto").lower()
    if family in _NEEDS_A_PARAMETER:
        raise H2OValueError(
            f"make_metrics cannot take the distribution {family}: its parameter is not an argument here."
        )
    if domain is None and family == "bernoulli":
        domain = ("0", "1")
    if domain is None:
        if family == "multinomial":
            raise H2OValueError(
                "A multinomial measurement needs the levels of the response; got domain=None. Name them."
            )
        options = Options(deviance=Deviance(family))
        return regression.finish(regression.measure(actual, predicted, weights, options), options, Header())
    return _classes(np.asarray(predicted), actual, tuple(domain), family, weights, auc_type)


def _classes(
    predicted: np.ndarray,
    actual: np.ndarray,
    domain: tuple[str, ...],
    family: str,
    weights: np.ndarray | None,
    auc_type: str,
) -> ModelMetrics:
    fitting = {"auto", "bernoulli"} if len(domain) == 2 else {"auto"}
    if family not in fitting | {"multinomial"}:
        raise H2OValueError(
            f"The distribution of a measurement with {len(domain)} levels must be one of "
            f"{sorted(fitting | {'multinomial'})}; got {family!r}. Leave the domain out for a regression."
        )
    if len(domain) < 2:
        raise H2OValueError(f"A classification needs at least two levels; got {list(domain)}.")
    options = Options(domain=domain, auc_type=auc_type)
    if len(domain) > 2 or family == "multinomial":
        return multinomial.finish(multinomial.measure(actual, predicted, weights, options), options, Header())
    codes = np.asarray(actual)
    if codes.size and codes.dtype.kind in "iuf" and np.nanmax(np.append(codes, 0)) > 1:
        raise H2OValueError(f"Actual classes of two levels must be codes 0 or 1; got {np.nanmax(codes):g}.")
    return binomial.finish(binomial.measure(actual, predicted, weights, options), options, Header())
