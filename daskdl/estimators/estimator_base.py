"""H2OEstimator under the name that h2o-py's users import from `h2o.estimators.estimator_base`."""

from daskdl.estimators.base import H2OEstimator

__all__ = ["H2OEstimator"]
