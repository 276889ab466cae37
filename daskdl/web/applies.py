"""Which parameters act in a situation: the others are not offered, and do not trouble anybody with their ranges.

What choices bring along (the numbers of a distribution, an activation, an optimizer) is known to the rules of the
parameters; what hangs on the data and on switches is told here, one line each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from daskdl.parameters import Facts, Parameters, declarations
from daskdl.parameters.chosen import drops_units
from daskdl.parameters.rules import category_of, inactive

# Kept for scripts that were written for H2O, or for older versions: they do nothing, so no form offers them.
SILENT = ("col_major", "diagnostics", "max_confusion_matrix_size", "shuffle_training_data", "threads_policy")


class Situation(NamedTuple):
    """What is known while a form is filled in; without a response yet, `facts` is None and any category may come."""

    parameters: Parameters
    facts: Facts | None = None

    @property
    def category(self) -> str | None:
        """The category of the model to be; None while it is open."""
        if self.parameters.autoencoder:
            return "AutoEncoder"
        known = self.facts is not None and self.facts.response is not None
        return category_of(self.parameters, self.facts) if known and self.facts is not None else None

    @property
    def folded(self) -> bool:
        """Whether it is cross-validated."""
        return self.parameters.nfolds > 1 or self.parameters.fold_column is not None


def _may_be(*categories: str) -> Callable[[Situation], bool]:
    return lambda now: now.category is None or now.category in categories


_SUPERVISED = _may_be("Binomial", "Multinomial", "Regression")
_CLASSES = _may_be("Binomial", "Multinomial")

NEEDS: dict[str, Callable[[Situation], bool]] = {
    **dict.fromkeys(("response_column", "balance_classes", "pretrained_autoencoder"), _SUPERVISED),
    "balance_classes": _CLASSES,
    **dict.fromkeys(("class_sampling_factors", "max_after_balance_size"), lambda now: now.parameters.balance_classes),
    "offset_column": _may_be("Regression"),
    "nfolds": lambda now: _SUPERVISED(now) and now.parameters.fold_column is None and now.parameters.checkpoint is None,
    "fold_column": lambda now: _SUPERVISED(now) and not now.parameters.nfolds and now.parameters.checkpoint is None,
    "fold_assignment": lambda now: bool(now.parameters.nfolds),
    "keep_cross_validation_models": lambda now: now.folded,
    "keep_cross_validation_predictions": lambda now: now.folded,
    "keep_cross_validation_fold_assignment": lambda now: now.folded,
    "max_categorical_features": _SUPERVISED,
    "max_hit_ratio_k": _may_be("Multinomial"),
    "auc_type": _may_be("Multinomial"),
    "gainslift_bins": _may_be("Binomial"),
    "hidden_dropout_ratios": lambda now: drops_units(now.parameters),
    "average_activation": lambda now: now.parameters.autoencoder,
    "sparsity_beta": lambda now: now.parameters.autoencoder,
    "classification_stop": _CLASSES,
    "regression_stop": _may_be("Regression", "AutoEncoder"),
    "stopping_metric": lambda now: now.parameters.stopping_rounds > 0,
    "stopping_tolerance": lambda now: now.parameters.stopping_rounds > 0,
    "score_validation_samples": lambda now: now.parameters.validation_frame is not None,
    "score_validation_sampling": lambda now: (
        now.parameters.validation_frame is not None and now.parameters.balance_classes
    ),
    "elastic_averaging_moving_rate": lambda now: now.parameters.elastic_averaging,
    "elastic_averaging_regularization": lambda now: now.parameters.elastic_averaging,
    "target_ratio_comm_to_comp": lambda now: now.parameters.train_samples_per_iteration == -2,
    "checkpoint_interval": lambda now: now.parameters.export_checkpoints_dir is not None,
    "checkpoint_new_levels": lambda now: now.parameters.checkpoint is not None,
}


def idle(now: Situation) -> set[str]:
    """Return the parameters that do nothing now."""
    off = {name for name, acts in NEEDS.items() if not acts(now)}
    return off | inactive(now.parameters) | set(SILENT) & set(declarations())
