"""What a measurement must know besides the rows: one value that travels with the rows and with the states."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from daskdl.kernels.distributions import Distribution
from daskdl.kernels.distributions.gaussian import Gaussian
from frames.exceptions import H2OValueError

AUC_TYPES = ("MACRO_OVR", "WEIGHTED_OVR", "MACRO_OVO", "WEIGHTED_OVO")
AUC_CLASSES = 50


class Options(NamedTuple):
    """How to measure: the response's levels, H2O's `auc_type` and `gainslift_bins`, the distribution, priors for ties.

    `domain` names the classes in code order (None for a regression); `priors` (classes,) decides which of equally
    probable classes is predicted (the largest prior, then the lowest code). `hit_ranks` (max_hit_ratio_k) is how many
    rows the table of hit ratios has; 0 makes none.

    Example: `Options(domain=("no", "yes"), gainslift_bins=10)`
    """

    domain: tuple[str, ...] | None = None
    auc_type: str = "AUTO"
    gainslift_bins: int = -1
    distribution: Distribution = Gaussian()
    priors: tuple[float, ...] | None = None
    hit_ranks: int = 10

    @property
    def pairwise(self) -> str | None:
        """The kind of multinomial AUC that was asked for, or None (AUTO, NONE, or more than 50 classes)."""
        kind = self.auc_type.upper()
        if kind in ("AUTO", "NONE"):
            return None
        if kind not in AUC_TYPES:
            raise H2OValueError(f"auc_type must be one of AUTO, NONE, {', '.join(AUC_TYPES)}; got {self.auc_type!r}.")
        return kind if self.domain is not None and len(self.domain) <= AUC_CLASSES else None

    def levels(self) -> tuple[str, ...]:
        """Give the domain of a classification; raises H2OValueError when there is none."""
        if self.domain is None:
            raise H2OValueError("Metrics of a classification need the response's levels; got domain=None. Name them.")
        return self.domain

    def tie_order(self) -> np.ndarray | None:
        """Give the class codes from the largest prior down (None: code order)."""
        if self.priors is None:
            return None
        return np.argsort(-np.asarray(self.priors, np.float64), kind="stable")


PLAIN = Options()
