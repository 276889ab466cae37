"""Metrics from columns a user already has: predictions beside actual values, no model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from daskdl.kernels.distributions import DISTRIBUTIONS, Distribution
from daskdl.metrics import binomial, multinomial, regression
from daskdl.metrics.base import Header, ModelMetrics
from daskdl.metrics.options import Options
from frames.exceptions import H2OValueError


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
    Raises H2OValueError for distributions whose number cannot be given here (quantile, tweedie, huber), and for one
    that does not fit the domain.

    Example: `make_metrics(np.array([0.2, 0.9]), np.array([0, 1]), domain=("no", "yes")).auc() == 1.0`
    """
    kind = _known(distribution)
    if kind is not None and kind.declared():
        raise H2OValueError(
            f"make_metrics cannot take the distribution {kind.name}: its parameter is not an argument here."
        )
    if domain is None and kind is not None and kind.classes == (2, 2):
        domain = ("0", "1")
    if domain is None:
        if kind is not None and kind.classes is not None:
            raise H2OValueError(
                f"A {kind.name} measurement needs the levels of the response; got domain=None. Name them."
            )
        options = Options() if kind is None else Options(distribution=kind())
        return regression.finish(regression.measure(actual, predicted, weights, options), options, Header())
    return _classes(np.asarray(predicted), actual, tuple(domain), kind=kind, weights=weights, auc_type=auc_type)


def _known(name: str | None) -> type[Distribution] | None:
    """Return the distribution of a name in any case, None for AUTO."""
    family = (name or "auto").lower()
    if family != "auto" and family not in DISTRIBUTIONS:
        raise H2OValueError(
            f"The distribution of a measurement must be one of {', '.join(DISTRIBUTIONS)}; got {name!r}."
        )
    return DISTRIBUTIONS.get(family)


def _classes(
    predicted: np.ndarray,
    actual: np.ndarray,
    domain: tuple[str, ...],
    kind: type[Distribution] | None,
    weights: np.ndarray | None,
    auc_type: str,
) -> ModelMetrics:
    if len(domain) < 2:
        raise H2OValueError(f"A classification needs at least two levels; got {list(domain)}.")
    fitting = [one for one in DISTRIBUTIONS.values() if one.classes and one.classes[0] <= len(domain) <= one.classes[1]]
    if kind is not None and kind not in fitting:
        raise H2OValueError(
            f"The distribution of a measurement with {len(domain)} levels must be one of "
            f"{['auto', *(one.name for one in fitting)]}; got {kind.name!r}. Leave the domain out for a regression."
        )
    options = Options(domain=domain, auc_type=auc_type)
    if len(domain) > 2 or (kind is not None and kind.classes != (2, 2)):
        return multinomial.finish(multinomial.measure(actual, predicted, weights, options), options, Header())
    codes = np.asarray(actual)
    if codes.size and codes.dtype.kind in "iuf" and np.nanmax(np.append(codes, 0)) > 1:
        raise H2OValueError(f"Actual classes of two levels must be codes 0 or 1; got {np.nanmax(codes):g}.")
    return binomial.finish(binomial.measure(actual, predicted, weights, options), options, Header())
