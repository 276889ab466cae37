"""H2O's estimator classes."""

from daskdl.estimators.base import H2OEstimator
from daskdl.estimators.deeplearning import H2OAutoEncoderEstimator, H2ODeepLearningEstimator

__all__ = ["H2OAutoEncoderEstimator", "H2ODeepLearningEstimator", "H2OEstimator"]
