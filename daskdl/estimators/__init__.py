"""H2O's estimator classes."""

from typing import Any

from daskdl.alias.elsewhere import ESTIMATORS, MODULES, estimator_refused, module_refused
from daskdl.estimators.base import H2OEstimator
from daskdl.estimators.deeplearning import H2OAutoEncoderEstimator, H2ODeepLearningEstimator

__all__ = ["H2OAutoEncoderEstimator", "H2ODeepLearningEstimator", "H2OEstimator"]


def __getattr__(name: str) -> Any:
    if name in ESTIMATORS:
        raise estimator_refused(name)
    if f"estimators.{name}" in MODULES:
        raise module_refused(f"estimators.{name}")
    raise AttributeError(f"module 'daskdl.estimators' has no attribute {name!r}")
